//! What the door writes and answers holds no secret: its log at its most talkative, its audit record, its database, and
//! the pages and answers by which it refuses.

use crate::ground::Ground;
use crate::kinds::Kind;
use crate::places::Place;
use doorward_testkit::canary::{Wanted, files};
use doorward_testkit::http::{Answer, percent};
use doorward_testkit::tools::postgres_program;
use std::process::Command;

/// Whether a kind opens something for whoever reads it. The others are names, which say of what they are.
fn is_secret(kind: Kind) -> bool {
    !matches!(kind, Kind::SessionId | Kind::PersonalTokenId | Kind::ConsentedClient)
}

/// What is wrong with a refusal: it repeats the credential, which then stands in histories, caches and screenshots.
pub fn repeated(kind: Kind, place: Place, (answer, value): (&Answer, &str)) -> Option<String> {
    let text = answer.text();
    // What somebody types for a code stays in the field, so that they see their slip.
    let is_shown = is_secret(kind) && place != Place::DevicePage;
    let is_there = is_shown && (text.contains(value) || text.contains(&percent(value)));
    is_there
        .then(|| format!("{kind:?} at {place:?} stands in the answer that refuses it: {} {text:.300}", answer.status))
}

/// The part of a credential that nobody could guess.
fn core(value: &str) -> &str {
    match value.rsplit_once('.') {
        Some((_, signature)) if value.starts_with("ey") => signature,
        _ => value,
    }
}

/// Beginnings of private keys as they are written (RFC 5958): RSA, P-256, Ed25519; and in text.
const PRIVATE_KEYS: [(&str, &[u8]); 4] = [
    ("a private key for RSA", &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00, 0x04, 0x82]),
    ("a private key on P-256", &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x04, 0x6d, 0x30, 0x6b, 0x02, 0x01]),
    ("a private key for Ed25519", &[0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20]),
    ("a private key in text", b"PRIVATE KEY-----"),
];

/// Secrets that stand in what the door has written.
pub fn written_down(ground: &Ground<'_>, database: Option<&str>) -> Vec<String> {
    let data = ground.door.scratch().join("data");
    let mut wanted = Wanted::default();
    for (kind, value) in ground.issued.borrow().iter().filter(|(kind, _)| is_secret(*kind)) {
        wanted.add(&format!("{kind:?}"), core(value).as_bytes());
    }
    wanted.add("the master key", &std::fs::read(data.join("master.key")).expect("the key"));
    for (name, bytes) in PRIVATE_KEYS {
        wanted.add(name, bytes);
    }
    let log = ground.door.process.log();
    assert!(log.contains(" TRACE ") && log.contains(" DEBUG "), "the log is not at its most talkative");
    let told: Vec<&str> = log.lines().filter(|line| !line.starts_with("Setup link:")).collect();
    let mut places = vec![
        ("the log".to_owned(), told.join("\n").into_bytes()),
        ("the events".to_owned(), ground.cli(&["events", "--output", "json"]).into_bytes()),
    ];
    places.extend(files(&data).into_iter().filter(|(name, _)| !name.ends_with("master.key")));
    if let Some(database) = database {
        let dump = Command::new(postgres_program("pg_dump")).arg(database).output().expect("pg_dump");
        assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
        places.push(("the database".to_owned(), dump.stdout));
    }
    let found = |(place, bytes): &(String, Vec<u8>)| -> Vec<String> {
        wanted.found_in(bytes).into_iter().map(|leak| format!("in {place}: {leak}")).collect()
    };
    places.iter().flat_map(found).collect()
}
