//! The directory's part of a sign-in: finding the person, trying the password, reading the groups, against nothing but a
//! simple bind as the same person at the same OpenLDAP. Both go over connections that are there already, in turn.

use crate::figure::{Budget, Figure, median, paired};
use crate::limits;
use doorward_directory::directories::{Directories, Proof};
use doorward_engine::federation::Connector;
use doorward_engine::federation::settings::ConnectorSettings;
use doorward_model::id::{ConnectorId, RealmId};
use doorward_model::name::ConnectorName;
use doorward_testkit::peers::{SLAPD_READER, Slapd};
use doorward_testkit::tools::debian_program;
use doorward_world::World;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::Instant;
use zeroize::Zeroizing;

const BENCH: &str = "ldap-login";
const PASSWORD: &str = "a password of the directory";

/// `bench ldap-login`
pub fn run() -> bool {
    // With the cost OpenLDAP's module for Argon2 has in its present sources unless told otherwise, which is the least OWASP
    // advises; with the third of it that the one of Debian's 2.5.13 has; and as OpenLDAP keeps passwords without that module,
    // which costs next to nothing to compare: anything at all is much beside it.
    let budget = Budget::RatioMax(limits::LDAP_LOGIN_RATIO_MAX);
    let figures = [
        (
            ("{ARGON2}", "argon2 m=7168 t=5"),
            "a sign-in's part at the directory against a bind, Argon2 of 7 MiB",
            budget,
        ),
        (("{ARGON2}", "argon2 m=4096 t=3"), "the same, Argon2 of 4 MiB", Budget::None),
        (("{SSHA}", "argon2"), "the same, salted SHA-1", Budget::None),
    ];
    figures.into_iter().fold(true, |is_kept, (kept, figure, budget)| measured(kept, figure, budget) && is_kept)
}

fn measured(kept: (&str, &str), figure: &'static str, budget: Budget) -> bool {
    let people = people(&hashed(kept));
    let (mut whole, mut alone, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..limits::LDAP_ROUNDS {
        let (values, baselines) = round(&people);
        ratios.push(paired(&values, &baselines));
        whole.extend(values);
        alone.extend(baselines);
    }
    let (value, baseline, ratio) = (median(&whole), Some(median(&alone)), Some(median(&ratios)));
    Figure { bench: BENCH, figure, value, unit: "ms", baseline, ratio, budget }.tell()
}

/// Sign-ins and binds in turn at a directory of their own: which memory and which processor its threads got decides for
/// both how long a password takes, and not always alike.
fn round(people: &str) -> (Vec<f64>, Vec<f64>) {
    let slapd = Slapd::start(people);
    // As the threads that serve have it: whoever asks waits for the answer itself.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let world = World::real();
    let connector = connector(&slapd, &world);
    let directories = Directories::default();
    let mut bare = TcpStream::connect(("127.0.0.1", slapd.port())).expect("slapd listens");
    bare.set_nodelay(true).expect("a socket");
    let timed = |work: &mut dyn FnMut()| {
        let begun = Instant::now();
        work();
        begun.elapsed().as_secs_f64() * 1e3
    };
    let come = || timed(&mut || runtime.block_on(sign_in(&directories, &connector, &world)));
    let mut bind = || timed(&mut || bind(&mut bare));
    // The first ones connect.
    for _ in 0..3 {
        come();
        bind();
    }
    (0..limits::LDAP_SIGN_INS).map(|_| (come(), bind())).unzip()
}

async fn sign_in(directories: &Directories, connector: &Connector, world: &World) {
    let secret = || Some(Zeroizing::new(SLAPD_READER.1.to_owned()));
    let found = directories.find(connector, secret(), ("u500", world.now())).await.expect("an answer");
    let person = found.expect("somebody");
    match directories.prove(connector, secret(), (&person, PASSWORD)).await.expect("an answer") {
        Proof::Right(identity) => assert_eq!(identity.groups.map(|all| all.len()), Some(limits::GROUPS)),
        other => panic!("{other:?}"),
    }
}

fn connector(slapd: &Slapd, world: &World) -> Connector {
    let text = format!(
        r#"{{"ldap": {{"servers": ["{}"], "bind_dn": "{}", "users": {{"base": "ou=people,dc=example,dc=org"}},
            "groups": {{"base": "ou=groups,dc=example,dc=org"}}}}}}"#,
        slapd.url(),
        SLAPD_READER.0
    );
    let settings: ConnectorSettings = serde_json::from_str(&text).expect("settings");
    Connector {
        id: ConnectorId::draw(&**world.dice()),
        realm_id: RealmId::draw(&**world.dice()),
        name: ConnectorName::parse("company").expect("a name"),
        settings,
        sealed: None,
        is_active: true,
        revision: 0,
    }
}

/// A thousand people, and groups of ten of which one has another around it.
fn people(stored: &str) -> String {
    let dn = |number: usize| format!("uid=u{number},ou=people,dc=example,dc=org");
    let mut ldif = String::new();
    for number in 0..1000 {
        ldif.push_str(&format!(
            "dn: {}\nobjectClass: inetOrgPerson\nuid: u{number}\ncn: Person {number}\nsn: {number}\n\
             mail: u{number}@example.org\nuserPassword: {stored}\n\n",
            dn(number)
        ));
    }
    for group in 0..limits::GROUPS {
        let member = if group == 0 { format!("cn=g1,ou=groups,{}", "dc=example,dc=org") } else { dn(500) };
        ldif.push_str(&format!(
            "dn: cn=g{group},ou=groups,dc=example,dc=org\nobjectClass: groupOfNames\ncn: g{group}\nmember: {member}\n\
             member: {}\n\n",
            dn(group)
        ));
    }
    ldif
}

/// The password as the directory keeps it.
fn hashed((scheme, module): (&str, &str)) -> String {
    let mut command = Command::new(debian_program("slappasswd"));
    command.args(["-n", "-o", "module-path=/usr/lib/ldap", "-o", &format!("module-load={module}")]);
    command.args(["-h", scheme, "-s", PASSWORD]);
    let output = command.output().expect("slappasswd runs");
    assert!(output.status.success(), "slappasswd: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// A simple bind and its answer (RFC 4511 §4.2), with nothing around it.
fn bind(stream: &mut TcpStream) {
    let dn = "uid=u500,ou=people,dc=example,dc=org";
    let part = |tag: u8, content: &[u8]| {
        let length = u8::try_from(content.len()).expect("a short message");
        [&[tag, length][..], content].concat()
    };
    let request = [&[2, 1, 3][..], &part(4, dn.as_bytes()), &part(0x80, PASSWORD.as_bytes())].concat();
    let message = part(0x30, &[&[2, 1, 1][..], &part(0x60, &request)].concat());
    stream.write_all(&message).expect("slapd reads");
    let mut answer = [0; 256];
    let count = stream.read(&mut answer).expect("slapd answers");
    // The number of the message, the kind, and the result, which is 0.
    assert_eq!(
        answer.get(..count).and_then(|answer| answer.get(7..10)),
        Some(&[0x0a, 1, 0][..]),
        "the bind is refused"
    );
}
