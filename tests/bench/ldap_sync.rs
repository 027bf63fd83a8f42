//! A whole directory taken over: 100,000 people and 5,000 groups from OpenLDAP into SQLite and PostgreSQL, beside the
//! directory's own search in pages and each database's own way to take the same rows.

use crate::figure::{Budget, Figure};
use crate::limits;
use doorward_testkit::door::{Door, DoorOptions, binary};
use doorward_testkit::peers::{Postgres, SLAPD_READER, Slapd};
use doorward_testkit::tools::{debian_program, postgres_program};
use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const BENCH: &str = "ldap-sync";

/// `bench ldap-sync`
pub fn run() -> bool {
    let slapd = Slapd::filled(&everybody());
    eprintln!("{BENCH}: the directory is filled");
    let search = searched(&slapd);
    let mut is_kept = told("OpenLDAP's own search in pages", search, "users/s", (None, Budget::None));
    let postgres = Postgres::start();
    postgres.create_database("doorward");
    postgres.create_database("plain");
    let databases = [
        ("SQLite", None, bulk_sqlite as fn(&Postgres) -> f64),
        ("PostgreSQL", Some(postgres.url("doorward")), bulk_postgres),
    ];
    for (name, url, bulk) in databases {
        let own = bulk(&postgres);
        is_kept &= told(&format!("{name}'s own bulk insert"), own, "users/s", (None, Budget::None));
        let (rate, memory) = taken_over(&slapd, url);
        let budget = Budget::RatioMin(limits::LDAP_SYNC_RATIO_MIN);
        let slower = search.min(own);
        is_kept &= told(&format!("from OpenLDAP into {name}"), rate, "users/s", (Some(slower), budget));
        let budget = Budget::Max(limits::LDAP_SYNC_MEMORY_MIB);
        is_kept &= told(&format!("memory, {name}"), memory, "MiB", (None, budget));
    }
    is_kept
}

fn told(figure: &str, value: f64, unit: &'static str, (baseline, budget): (Option<f64>, Budget)) -> bool {
    // Told once each: what is leaked are a few names.
    let figure: &'static str = Box::leak(figure.to_owned().into_boxed_str());
    Figure { bench: BENCH, figure, value, unit, baseline, ratio: None, budget }.tell()
}

/// Everybody, as LDIF: each person is in three groups.
fn everybody() -> String {
    let mut ldif = String::new();
    for number in 0..limits::LDAP_USERS {
        let _ = write!(
            ldif,
            "dn: uid=u{number},ou=people,dc=example,dc=org\nobjectClass: inetOrgPerson\nuid: u{number}\n\
             cn: Person {number}\nsn: {number}\nmail: u{number}@example.org\n\n"
        );
    }
    for group in 0..limits::LDAP_GROUPS {
        let _ = write!(ldif, "dn: cn=g{group},ou=groups,dc=example,dc=org\nobjectClass: groupOfNames\ncn: g{group}\n");
        for number in members(group) {
            let _ = writeln!(ldif, "member: uid=u{number},ou=people,dc=example,dc=org");
        }
        ldif.push('\n');
    }
    ldif
}

fn members(group: usize) -> impl Iterator<Item = usize> {
    let each = 3 * limits::LDAP_USERS / limits::LDAP_GROUPS;
    (0..each).map(move |place| (group * each + place) % limits::LDAP_USERS)
}

/// How quickly OpenLDAP's own client reads all people in pages.
fn searched(slapd: &Slapd) -> f64 {
    let mut command = Command::new(debian_program("ldapsearch"));
    command.args(["-x", "-LLL", "-D", SLAPD_READER.0, "-w", SLAPD_READER.1, "-H", &slapd.url()]);
    command.args(["-E", "pr=1000/noprompt", "-b", "ou=people,dc=example,dc=org", "(&(objectClass=person)(uid=*))"]);
    command.args(["uid", "cn", "mail", "entryUUID"]);
    let mut once = || {
        let begun = Instant::now();
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("ldapsearch runs");
        assert!(status.success(), "ldapsearch: {status}");
        rate(begun.elapsed())
    };
    // The first reads from files.
    once();
    once()
}

fn rate(took: Duration) -> f64 {
    limits::LDAP_USERS as f64 / took.as_secs_f64()
}

/// Runs `connector sync` on a fresh installation: people in a second, and the most memory it had, in MiB.
fn taken_over(slapd: &Slapd, database: Option<String>) -> (f64, f64) {
    let mut options = DoorOptions { database: database.clone(), ..DoorOptions::serve() };
    options.environment.push(("DIRECTORY_PASSWORD".to_owned(), SLAPD_READER.1.to_owned()));
    let mut door = Door::start(options);
    let add = ["connector", "add", "ldap", "company", "--server-url", &slapd.url(), "--bind-dn", SLAPD_READER.0];
    let more = ["--bind-password-ref", "env:DIRECTORY_PASSWORD", "--user-search-base", "ou=people,dc=example,dc=org"];
    let groups = ["--group-search-base", "ou=groups,dc=example,dc=org"];
    door.cli_text(&[&add[..], &more, &groups].concat());
    door.stop();
    let mut command = Command::new(binary());
    command.arg("--data").arg(door.scratch().join("data"));
    if let Some(database) = &database {
        command.args(["--database", database]);
    }
    command.args(["connector", "sync", "company"]).env("DIRECTORY_PASSWORD", SLAPD_READER.1);
    let begun = Instant::now();
    let mut child = command.stdout(Stdio::piped()).spawn().expect("the binary runs");
    let mut most = 0u64;
    let status = loop {
        most = most.max(peak_kib(child.id()));
        if let Some(status) = child.try_wait().expect("our own child") {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let took = begun.elapsed();
    let told = std::io::read_to_string(child.stdout.take().expect("it is piped")).expect("text");
    assert!(status.success() && told.contains(&limits::LDAP_USERS.to_string()), "{status}: {told}");
    (rate(took), most as f64 / 1024.0)
}

/// The most memory a process has had so far, in KiB.
fn peak_kib(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or(0)
}

/// The tables that matter, as Doorward has them: with the same keys, indexes and references.
const TABLES: &str = "\
CREATE TABLE realms (id TEXT PRIMARY KEY);
CREATE TABLE connectors (id TEXT PRIMARY KEY);
CREATE TABLE user_groups (id TEXT PRIMARY KEY, realm_id TEXT NOT NULL REFERENCES realms (id));
CREATE TABLE users (id TEXT PRIMARY KEY, realm_id TEXT NOT NULL REFERENCES realms (id), name TEXT NOT NULL, email TEXT, \
display TEXT NOT NULL, is_active BIGINT NOT NULL, created_ms BIGINT NOT NULL, UNIQUE (realm_id, name));
CREATE INDEX users_by_email ON users (realm_id, email);
CREATE TABLE links (connector_id TEXT NOT NULL REFERENCES connectors (id), issuer TEXT NOT NULL, subject TEXT NOT NULL, \
user_id TEXT NOT NULL REFERENCES users (id), created_ms BIGINT NOT NULL, seen_ms BIGINT NOT NULL, \
PRIMARY KEY (connector_id, issuer, subject));
CREATE INDEX links_by_user ON links (user_id);
CREATE TABLE memberships (group_id TEXT NOT NULL REFERENCES user_groups (id), user_id TEXT NOT NULL REFERENCES users (id), \
source TEXT NOT NULL, PRIMARY KEY (group_id, user_id, source));
CREATE INDEX memberships_by_user ON memberships (user_id);
INSERT INTO realms VALUES ('realm');
INSERT INTO connectors VALUES ('connector');
";

/// Rows for everybody: users, links and memberships, a thousand people in one transaction.
fn statements() -> String {
    let id = |number: usize| format!("usr_{:032x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let group = |number: usize| format!("grp_{:032x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let groups: Vec<String> = (0..limits::LDAP_GROUPS).map(|number| format!("('{}','realm')", group(number))).collect();
    let mut script = format!("INSERT INTO user_groups VALUES {};\n", groups.join(","));
    for first in (0..limits::LDAP_USERS).step_by(1000) {
        let all = first..(first + 1000).min(limits::LDAP_USERS);
        let rows = |row: &dyn Fn(usize) -> String| all.clone().map(row).collect::<Vec<_>>().join(",");
        let people =
            rows(&|number| format!("('{}','realm','u{number}',NULL,'Person {number}',1,1700000000000)", id(number)));
        let links = rows(&|number| {
            format!("('connector','directory','subject-of-{number:026}','{}',1700000000000,1700000000000)", id(number))
        });
        let members = rows(&|number| {
            let inside = |copy: usize| {
                let place = (number + copy * limits::LDAP_USERS) * limits::LDAP_GROUPS / (3 * limits::LDAP_USERS);
                format!("('{}','{}','connector')", group(place), id(number))
            };
            (0..3).map(inside).collect::<Vec<_>>().join(",")
        });
        let _ = writeln!(script, "BEGIN;\nINSERT INTO users VALUES {people};\nINSERT INTO links VALUES {links};");
        let _ = writeln!(script, "INSERT INTO memberships VALUES {members};\nCOMMIT;");
    }
    script
}

fn fed(mut command: Command, script: &str) {
    let status = {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("the client runs");
        let mut input = child.stdin.take().expect("it is piped");
        std::io::Write::write_all(&mut input, script.as_bytes()).expect("the client reads");
        drop(input);
        child.wait().expect("our own child")
    };
    assert!(status.success(), "{command:?}: {status}");
}

fn bulk_sqlite(_: &Postgres) -> f64 {
    let scratch = doorward_testkit::scratch::Scratch::new("bulk");
    let client = || {
        let mut command = Command::new(debian_program("sqlite3"));
        command.arg("-bail").arg(scratch.join("plain.db"));
        command
    };
    fed(client(), &format!("PRAGMA journal_mode = WAL;\n{TABLES}"));
    let script = format!("PRAGMA synchronous = FULL;\nPRAGMA foreign_keys = ON;\n{}", statements());
    let begun = Instant::now();
    fed(client(), &script);
    rate(begun.elapsed())
}

fn bulk_postgres(postgres: &Postgres) -> f64 {
    let client = || {
        let mut command = Command::new(postgres_program("psql"));
        command.args(["-q", "-v", "ON_ERROR_STOP=1", &postgres.url("plain")]);
        command
    };
    fed(client(), TABLES);
    let script = statements();
    let begun = Instant::now();
    fed(client(), &script);
    rate(begun.elapsed())
}
