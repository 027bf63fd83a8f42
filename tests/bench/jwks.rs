//! The documents clients configure themselves from, against a bare handler that gives the same bytes.

use crate::gate::{Side, compare, tell_as};
use crate::limits;
use crate::load::{Questions, Requests};
use crate::peer::Peer;
use crate::provider::empty;
use doorward_testkit::http::get;
use std::sync::Arc;

/// The documents, and what their figures are called.
const DOCUMENTS: [(&str, [&str; 4]); 2] = [
    (
        "/realms/main/protocol/openid-connect/certs",
        ["key set", "server processor time of a key set", "median latency of a key set", "p99 latency of a key set"],
    ),
    (
        "/realms/main/.well-known/openid-configuration",
        [
            "configuration",
            "server processor time of a configuration",
            "median latency of a configuration",
            "p99 latency of a configuration",
        ],
    ),
];

/// `bench jwks`
pub fn run() -> bool {
    let door = empty();
    let mut is_kept = true;
    for (path, names) in DOCUMENTS {
        let answer = get(&format!("{}{path}", door.url()));
        assert_eq!(answer.status, 200, "{}", answer.text());
        let added = ["date", "content-length", "connection"];
        let kept =
            answer.headers.iter().filter(|(name, _)| !added.iter().any(|other| name.eq_ignore_ascii_case(other)));
        let headers: String = kept.map(|(name, value)| format!("{name}: {value}\n")).collect();
        let bare = Peer::start("bare-http", format!("{headers}\n{}", answer.text()).as_bytes());
        let question = format!("GET {path} HTTP/1.1\r\nHost: doorward.localhost\r\nAccept: */*\r\n\r\n");
        let own = (0..limits::CONNECTIONS).map(|_| Default::default()).collect();
        let requests: Requests = Arc::new(Questions::new([question, String::new(), String::new()], own).with_bodies());
        let served = Side::new(door.port(), door.process.pid());
        let handler = Side::new(bare.port, bare.process.pid());
        let (served, handler) = compare(served, handler, &requests);
        is_kept &= tell_as(("jwks", names), &served, &handler, limits::JWKS_RATIO_MIN);
    }
    is_kept
}
