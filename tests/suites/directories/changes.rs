//! Only what changed is read: who is new, whose groups changed, and who is shut; nobody is gone by it.

use crate::ground::{Ground, THEIRS, group, person, shown, visit};
use crate::scripted::{done, entry_of, server_that_reads};
use doorward_testkit::peers::{Postgres, SAMBA_READER, SLAPD_READER, Samba, Slapd};
use serde_json::{Value, json};
use std::io::Write as _;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

fn sync(ground: &Ground, words: &[&str]) -> Value {
    let told = ground.door.cli_text(&[&["connector", "sync", "company", "--output", "json"][..], words].concat());
    serde_json::from_str(&told).unwrap_or_else(|error| panic!("{error}: {told}"))
}

fn changes(ground: &Ground) -> Value {
    let told = sync(ground, &["--changes"]);
    assert_eq!((&told["run"], &told["whole_because"]), (&json!("changes"), &json!(null)), "{told:#}");
    told
}

fn is_active(ground: &Ground, name: &str) -> bool {
    let told = ground.door.cli_text(&["user", "show", name, "--output", "json"]);
    serde_json::from_str::<Value>(&told).expect("JSON")["active"] == json!(true)
}

/// Written down long ago: entries are read again while they are new. The last one is the newest.
fn written_in(entries: &[String]) -> String {
    let mut all = String::new();
    for (place, entry) in entries.iter().enumerate() {
        let year = if place + 1 == entries.len() { 2021 } else { 2020 };
        let uuid = format!("entryUUID: 00000000-0000-4000-8000-0000000000{place:02}");
        all.push_str(&format!("{}\nmodifyTimestamp: {year}0101000000Z\n{uuid}\n\n", entry.trim_end()));
    }
    all
}

fn crowd() -> String {
    written_in(&[
        person("alice", ""),
        person("bob", ""),
        person("carol", ""),
        group("engineers", &["alice"]),
        group("dagster-users", &["cn=engineers"]),
        group("ring-a", &["alice", "cn=ring-b"]),
        group("ring-b", &["cn=ring-a"]),
        person("newest", ""),
    ])
}

fn members(slapd: &Slapd, group: &str, all: &[&str]) {
    let all: String = all.iter().map(|name| format!("member: {name},dc=example,dc=org\n")).collect();
    slapd.modify(&format!("dn: cn={group},ou=groups,dc=example,dc=org\nchangetype: modify\nreplace: member\n{all}"));
}

fn what_changed_is_read_and_nothing_else(ground: &Ground, slapd: &Slapd) {
    // Nothing is known of before: everybody.
    let told = sync(ground, &["--changes"]);
    assert_eq!((&told["run"], &told["created"]), (&json!("whole"), &json!(4)), "{told:#}");
    assert!(told["whole_because"].as_str().is_some_and(|why| why.contains("not known")), "{told:#}");
    // The newest one is asked for again, to be sure.
    assert_eq!(changes(ground)["read"], json!(1));
    slapd.add(&person("dora", ""));
    let told = changes(ground);
    assert_eq!((&told["read"], &told["created"]), (&json!(2), &json!(1)), "{told:#}");
    // Another group, without a sign-in: who came and who went.
    let (mut alice, end) = ground.come("alice", THEIRS);
    assert_eq!(end.answer.status, 200, "{}", end.answer.text());
    members(slapd, "engineers", &["uid=bob,ou=people"]);
    let told = changes(ground);
    assert_eq!((&told["regrouped"], &told["read"]), (&json!(2), &json!(3)), "dora as well: {told:#}");
    assert_eq!(visit(&mut alice, &ground.tool_url("/x")).answer.status, 403);
    assert_eq!(ground.groups("alice"), json!(["ring-a", "ring-b"]));
    assert_eq!(ground.groups("bob"), json!(["dagster-users", "engineers"]));
    // A group out of another one takes its people along, and one put in brings them.
    members(slapd, "dagster-users", &["uid=dora,ou=people"]);
    assert_eq!(changes(ground)["regrouped"], json!(2));
    assert_eq!((ground.groups("bob"), ground.groups("dora")), (json!(["engineers"]), json!(["dagster-users"])));
    members(slapd, "dagster-users", &["cn=engineers,ou=groups"]);
    changes(ground);
    assert_eq!((ground.groups("bob"), ground.groups("dora")), (json!(["dagster-users", "engineers"]), json!([])));
    // Somebody out of a group whose name counts for nothing here: the group around it does.
    slapd.add("dn: cn=posix,ou=groups,dc=example,dc=org\nobjectClass: posixGroup\ncn: posix\ngidNumber: 7\n");
    members(slapd, "ring-b", &["cn=ring-a,ou=groups", "uid=carol,ou=people"]);
    changes(ground);
    assert_eq!(ground.groups("carol"), json!(["ring-a", "ring-b"]));
    // Shut there, and out at once, with sessions and all.
    let (mut bob, end) = ground.come("bob", THEIRS);
    assert_eq!(end.answer.status, 200, "{}", end.answer.text());
    let bobs = "dn: uid=bob,ou=people,dc=example,dc=org\nchangetype: modify\n";
    slapd.modify(&format!("{bobs}add: shadowExpire\nshadowExpire: 1\n"));
    assert_eq!(changes(ground)["removed"], json!(1));
    assert!(visit(&mut bob, &ground.tool_url("/x")).url.contains("/sign-in"));
    assert!(!is_active(ground, "bob"));
    slapd.modify(&format!("{bobs}delete: shadowExpire\n"));
    assert_eq!(changes(ground)["back"], json!(1));
    assert!(is_active(ground, "bob"));
    assert_eq!(ground.groups("bob"), json!(["dagster-users", "engineers"]));
    // Who is not there is not among those who changed: everybody has to be read.
    slapd.modify("dn: uid=carol,ou=people,dc=example,dc=org\nchangetype: delete\n");
    assert_eq!(changes(ground)["removed"], json!(0));
    assert!(is_active(ground, "carol"));
    let told = sync(ground, &[]);
    assert_eq!((&told["run"], &told["removed"]), (&json!("whole"), &json!(1)), "{told:#}");
    assert!(!is_active(ground, "carol"));
    assert_eq!(changes(ground)["removed"], json!(0));
}

#[test]
fn only_what_changed_is_read_and_groups_lose_whom_they_name_no_more() {
    let slapd = Slapd::filled(&crowd());
    what_changed_is_read_and_nothing_else(&Ground::with(&slapd, &[]), &slapd);
}

#[test]
fn only_what_changed_is_read_on_postgresql_too() {
    let postgres = Postgres::start();
    postgres.create_database("changes");
    let slapd = Slapd::filled(&crowd());
    let ground = Ground::on(SLAPD_READER.1, Some(postgres.url("changes")));
    ground.connect("company", &[slapd.url()], &["--page-size", "2"]);
    what_changed_is_read_and_nothing_else(&ground, &slapd);
}

#[test]
fn groups_people_name_are_followed_by_the_groups_that_changed() {
    let slapd = Slapd::start(&[person("alice", ""), person("bob", ""), group("engineers", &["alice"])].concat());
    let ground = Ground::with(&slapd, &["--member-of-attribute", "memberOf"]);
    assert_eq!(sync(&ground, &[])["created"], json!(2));
    assert_eq!((ground.groups("alice"), ground.groups("bob")), (json!(["engineers"]), json!([])));
    members(&slapd, "engineers", &["uid=bob,ou=people"]);
    changes(&ground);
    assert_eq!((ground.groups("alice"), ground.groups("bob")), (json!([]), json!(["engineers"])));
}

#[test]
fn groups_of_names_are_followed_too() {
    let posix = "dn: cn=posix,ou=groups,dc=example,dc=org\nobjectClass: posixGroup\ncn: posix\ngidNumber: 7\n\
                 memberUid: alice";
    let slapd = Slapd::filled(&written_in(&[person("alice", ""), person("bob", ""), posix.to_owned()]));
    let ground = Ground::with(&slapd, &["--member-attribute", "memberUid", "--member-value-attribute", "uid"]);
    sync(&ground, &[]);
    assert_eq!((ground.groups("alice"), ground.groups("bob")), (json!(["posix"]), json!([])));
    let change = "dn: cn=posix,ou=groups,dc=example,dc=org\nchangetype: modify\nreplace: memberUid\nmemberUid: bob\n";
    slapd.modify(change);
    let told = changes(&ground);
    assert_eq!((&told["read"], &told["regrouped"]), (&json!(2), &json!(2)), "{told:#}");
    assert_eq!((ground.groups("alice"), ground.groups("bob")), (json!([]), json!(["posix"])));
}

#[test]
fn where_another_server_answers_or_the_connector_is_another_one_everybody_is_read() {
    let (mut first, second) = (Slapd::filled(&crowd()), Slapd::filled(&crowd()));
    let ground = Ground::new(SLAPD_READER.1);
    ground.connect("company", &[first.url(), second.url()], &[]);
    let whole_because = |part: &str| {
        let told = sync(&ground, &["--changes"]);
        assert_eq!(told["run"], json!("whole"), "{told:#}");
        assert!(told["whole_because"].as_str().is_some_and(|why| why.contains(part)), "{told:#}");
    };
    sync(&ground, &[]);
    changes(&ground);
    first.process.stop();
    whole_because("another server");
    changes(&ground);
    first.restart();
    whole_because("another server");
    ground.door.cli_text(&["connector", "update", "company", "--set", "ldap.groups.nesting=off"]);
    whole_because("was changed");
    assert_eq!(ground.groups("alice"), json!(["engineers", "ring-a"]));
    // Nobody would ever be found to be gone.
    let refused = ground.door.cli(&["connector", "update", "company", "--set", "ldap.changes_minutes=5"]);
    assert!(doorward_tests::complaint(&refused).contains("nobody would be found to be gone"));
}

#[test]
fn only_what_changed_in_a_domain_is_read_groups_and_shut_accounts_too() {
    let domain = Samba::shared();
    for name in ["wanda", "walt"] {
        domain.tool(&["user", "create", name, "Some-pw1 of the domain"]);
    }
    domain.tool(&["group", "add", "walkers"]);
    domain.tool(&["group", "add", "around-walkers"]);
    domain.tool(&["group", "addmembers", "around-walkers", "walkers"]);
    let ground = Ground::new(SAMBA_READER.1);
    let (url, file) = (domain.tls_url(), shown(&domain.authority().certificate()));
    let mut all = vec!["identity", "add-connector", "ad", "company", "--bind-dn", SAMBA_READER.0, "--server-url", &url];
    all.extend(["--bind-password-ref", "env:DIRECTORY_PASSWORD", "--ca-file", &file]);
    all.extend(["--user-search-base", "DC=ad,DC=example,DC=test", "--group-search-base", "DC=ad,DC=example,DC=test"]);
    ground.door.cli_text(&all);
    let whole = sync(&ground, &[])["read"].as_i64().expect("a number");
    let changed = |count: i64| {
        let told = changes(&ground);
        let read = told["read"].as_i64().expect("a number");
        // Others may change something at the same domain meanwhile.
        assert!((count..whole).contains(&read), "{read} of {whole}: {told:#}");
        told
    };
    let usual = json!(["Domain Users", "Users"]);
    assert_eq!(ground.groups("wanda"), usual);
    domain.tool(&["group", "addmembers", "walkers", "wanda,walt"]);
    changed(2);
    let walking = json!(["Domain Users", "Users", "around-walkers", "walkers"]);
    assert_eq!((ground.groups("wanda"), ground.groups("walt")), (walking.clone(), walking.clone()));
    domain.tool(&["group", "removemembers", "walkers", "wanda"]);
    changed(2);
    assert_eq!((ground.groups("wanda"), ground.groups("walt")), (usual.clone(), walking));
    domain.tool(&["group", "removemembers", "around-walkers", "walkers"]);
    changed(1);
    assert_eq!(ground.groups("walt"), json!(["Domain Users", "Users", "walkers"]));
    domain.tool(&["user", "disable", "wanda"]);
    assert!(changed(1)["removed"].as_i64().is_some_and(|count| count >= 1));
    assert!(!is_active(&ground, "wanda") && is_active(&ground, "walt"));
    domain.tool(&["user", "enable", "wanda"]);
    assert!(changed(1)["back"].as_i64().is_some_and(|count| count >= 1));
    assert!(is_active(&ground, "wanda"));
    domain.tool(&["user", "delete", "walt"]);
    changed(0);
    assert!(is_active(&ground, "walt"));
    sync(&ground, &["--confirm-removals"]);
    assert!(!is_active(&ground, "walt"));
}

#[test]
fn a_domain_is_asked_by_its_own_count_and_another_history_counts_anew() {
    let state = Arc::new([AtomicI64::new(100), AtomicI64::new(7)]);
    let asked: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
    let url = server_that_reads({
        let (state, asked) = (state.clone(), asked.clone());
        move |(kind, id), question, stream| {
            if kind == 0x60 {
                return drop(stream.write_all(&done(id, 0x61, 0, "")));
            }
            let asks_for = |text: &str| question.windows(text.len()).any(|part| part == text.as_bytes());
            let [reached, invocation] = [0, 1].map(|place| state[place].load(Ordering::Relaxed).to_string());
            let found = if asks_for("highestCommittedUSN") {
                let service = "CN=NTDS Settings,dc=x".to_owned();
                entry_of(id, "", &[("highestCommittedUSN", vec![reached]), ("dsServiceName", vec![service])])
            } else if asks_for("invocationId") {
                entry_of(id, "CN=NTDS Settings,dc=x", &[("invocationId", vec![invocation])])
            } else {
                asked.lock().expect("ours").push(question.to_vec());
                let all = [("sAMAccountName", "ada"), ("objectGUID", "ada's own"), ("userAccountControl", "512")];
                entry_of(id, "cn=ada,dc=x", &all.map(|(name, value)| (name, vec![value.to_owned()])))
            };
            let _ = stream.write_all(&[found, done(id, 0x65, 0, "")].concat());
        }
    });
    let ground = Ground::new(SLAPD_READER.1);
    ground.door.cli_text(&["connector", "add", "ad", "company", "--server-url", &url, "--user-search-base", "dc=x"]);
    let asks = |text: &str| {
        let asked = std::mem::take(&mut *asked.lock().expect("ours"));
        assert!(!asked.is_empty());
        asked.iter().all(|question| question.windows(text.len()).any(|part| part == text.as_bytes()))
    };
    let whole_because = |part: &str| {
        let told = sync(&ground, &["--changes"]);
        assert!(told["whole_because"].as_str().is_some_and(|why| why.contains(part)), "{told:#}");
        assert!(!asks("uSNChanged"));
    };
    whole_because("not known");
    state[0].store(250, Ordering::Relaxed);
    changes(&ground);
    assert!(asks("\x04\x0auSNChanged\x04\x03100"), "from where everybody was read");
    changes(&ground);
    assert!(asks("\x04\x0auSNChanged\x04\x03250"));
    // Its database was put back, with a count of its own, or as it was.
    state[1].store(8, Ordering::Relaxed);
    whole_because("another server");
    state[0].store(240, Ordering::Relaxed);
    whole_because("put back");
    changes(&ground);
}
