//! What is typed to be taken for something else, and servers that are not what they should be.

use crate::ground::{Ground, THEIRS, complaint, people, shown};
use doorward_testkit::peers::{Authority, SLAPD_READER, Slapd};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

#[test]
fn gauntlet_b8_01_no_name_means_more_than_itself() {
    let slapd = Slapd::start(&people());
    let ground = Ground::with(&slapd, &[]);
    for name in [
        "*",
        "al*",
        "*)(uid=*",
        "alice)(|(uid=*",
        "\\2a",
        "al\\69ce",
        "alice,ou=people",
        "#alice",
        "alice+",
        "\"alice\"",
        "uid=alice,ou=people,dc=example,dc=org",
        "alice\0",
        "(alice)",
        "ALICE\\",
        "alice)(objectClass=*",
    ] {
        let (_, end) = ground.come(name, THEIRS);
        // Names that are none count as one, so the later ones are not even tried.
        assert!(matches!(end.answer.status, 401 | 429), "{name:?} {}", end.answer.text());
    }
    let (_, end) = ground.come(" Alice ", THEIRS);
    assert_eq!(end.answer.status, 200, "{}", end.answer.text());
    assert_eq!(ground.tool.last().header("x-forwarded-user"), Some("alice"));
}

#[test]
fn gauntlet_b4_14_nothing_is_no_password() {
    let slapd = Slapd::start(&people());
    let ground = Ground::with(&slapd, &[]);
    for password in ["", "\0", "null", " ", "\0x"] {
        let (_, end) = ground.come("alice", password);
        assert!(matches!(end.answer.status, 400 | 401 | 429), "{password:?} {}", end.answer.text());
    }
}

#[test]
fn gauntlet_b8_05_spellings_of_a_name_are_one_person_and_one_count() {
    let slapd = Slapd::start(&people());
    let filter = "(&(objectClass=person)(|(uid={name})(mail={name})(cn={name})))";
    let ground = Ground::with(&slapd, &["--user-search-filter", filter]);
    assert_eq!(ground.come("alice", THEIRS).1.answer.status, 200);
    assert_eq!(ground.come("ALICE@example.org", THEIRS).1.answer.status, 200);
    let people = ground.door.cli_text(&["connector", "links", "company", "--output", "json"]);
    assert_eq!(people.matches("alice").count(), 1, "{people}");
    // Five wrong ones, each under another name, and the sixth right one is not tried.
    for name in ["alice", "ALICE", "alice@example.org", "alice@EXAMPLE.org", "alice of the directory"] {
        assert_eq!(ground.come(name, "wrong").1.answer.status, 401, "{name}");
    }
    let (_, end) = ground.come("Alice@Example.org", THEIRS);
    assert_eq!(end.answer.status, 401, "{}", end.answer.text());
}

#[test]
fn gauntlet_b8_03_a_server_that_proves_nothing_gets_nothing() {
    let ground = Ground::new(SLAPD_READER.1);
    // Made out to somebody else, over, and by an authority nobody named.
    for (names, days, is_trusted) in
        [("DNS:elsewhere.example.org", 30, true), ("IP:127.0.0.1", -1, true), ("IP:127.0.0.1", 30, false)]
    {
        let authority = Authority::new();
        let other = Authority::new();
        let certificate = authority.issue("server", names, days);
        let file = shown(&if is_trusted { authority.certificate() } else { other.certificate() });
        let slapd = Slapd::start_as(&people(), authority, &certificate);
        for (server, words) in [(slapd.tls_url(), &[][..]), (slapd.url(), &["--start-tls"])] {
            ground.connect("company", std::slice::from_ref(&server), &[&["--ca-file", &file], words].concat());
            let (_, end) = ground.come("alice", THEIRS);
            assert_eq!(end.answer.status, 503, "{names} {days} {}", end.answer.text());
            assert!(complaint(&end).contains("cannot be asked right now"), "{}", complaint(&end));
            assert!(ground.door.process.log().contains("did not prove who it is"), "{}", ground.door.process.tail());
            ground.door.cli_text(&["connector", "remove", "company"]);
        }
    }
}

/// A server that answers every question with these bytes, and tells what it was sent.
fn server(answers: Vec<Vec<u8>>) -> (String, Receiver<Vec<u8>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream: TcpStream = stream;
            let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
            let mut answers = answers.iter();
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = stream.read(&mut bytes) {
                let _ = tell.send(bytes[..count].to_vec());
                match answers.next() {
                    Some(answer) => drop(stream.write_all(answer)),
                    None => break,
                }
            }
        }
    });
    (format!("ldap://127.0.0.1:{port}"), told)
}

/// A short message: number, kind, and what stands in a result.
fn result(id: u8, kind: u8, code: u8, more: &[u8]) -> Vec<u8> {
    let content = [&[0x0a, 1, code, 4, 0, 4, 0], more].concat();
    let operation = [&[kind, u8::try_from(content.len()).expect("short")][..], &content].concat();
    let message = [&[2, 1, id][..], &operation].concat();
    [&[0x30, u8::try_from(message.len()).expect("short")][..], &message].concat()
}

#[test]
fn gauntlet_b8_03_who_does_not_begin_tls_is_told_no_password() {
    let ground = Ground::new(SLAPD_READER.1);
    for answer in [result(1, 0x78, 52, &[]), result(1, 0x78, 2, &[]), result(2, 0x78, 0, &[]), b"garbage".to_vec()] {
        let (url, told) = server(vec![answer.clone(), answer]);
        ground.connect("company", &[url], &["--start-tls"]);
        assert_eq!(ground.come("alice", THEIRS).1.answer.status, 503);
        let sent: Vec<u8> = told.try_iter().flatten().collect();
        assert!(!sent.is_empty(), "it was asked");
        let holds = |text: &str| sent.windows(text.len()).any(|part| part == text.as_bytes());
        assert!(!holds(SLAPD_READER.1) && !holds(THEIRS) && !holds("cn=reader"), "{sent:?}");
        ground.door.cli_text(&["connector", "remove", "company"]);
    }
}

#[test]
fn gauntlet_b8_03_nobody_follows_where_an_answer_leads() {
    let (elsewhere, followed) = server(vec![]);
    let referral = [
        &[0xa3, u8::try_from(elsewhere.len() + 2).expect("short"), 4][..],
        &[u8::try_from(elsewhere.len()).expect("short")],
        elsewhere.as_bytes(),
    ]
    .concat();
    let ground = Ground::new(SLAPD_READER.1);
    // The bind of whoever asks is answered with it, or the search is.
    for answers in [vec![result(1, 0x61, 10, &referral)], vec![result(1, 0x61, 0, &[]), result(2, 0x65, 10, &referral)]]
    {
        let (url, _told) = server(answers);
        ground.connect("company", &[url], &[]);
        assert_eq!(ground.come("alice", THEIRS).1.answer.status, 503);
        ground.door.cli_text(&["connector", "remove", "company"]);
    }
    assert!(followed.try_recv().is_err(), "somebody came");
}
