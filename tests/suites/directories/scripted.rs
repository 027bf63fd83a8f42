//! Servers that answer whatever a test wants: without an end, busy, unwilling.

use crate::ground::{Ground, THEIRS, complaint};
use doorward_testkit::peers::SLAPD_READER;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

pub const BIND: u8 = 0x60;
const SEARCH: u8 = 0x63;

/// A server that answers each question with what this makes of its kind and number, however often it is asked; it stops
/// when nobody listens.
fn server(answer: impl Fn(u8, u8, &mut TcpStream) + Send + Sync + 'static) -> String {
    server_that_reads(move |(kind, id), _, stream| answer(kind, id, stream))
}

/// As [`server`], told what the question looks like.
pub fn server_that_reads(answer: impl Fn((u8, u8), &[u8], &mut TcpStream) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let answer = answer.clone();
            std::thread::spawn(move || {
                let mut bytes = [0; 8192];
                while let Ok(count @ 1..) = stream.read(&mut bytes) {
                    // A sequence, however its length is written, then a number and the question.
                    let Some(at) = (2..5).find(|at| bytes[*at] == 2 && bytes[at + 1] == 1) else { break };
                    assert!(count > at + 3);
                    answer((bytes[at + 3], bytes[at + 2]), &bytes[..count], &mut stream);
                }
            });
        }
    });
    format!("ldap://127.0.0.1:{port}")
}

fn part(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).expect("not so long").to_be_bytes();
    [&[tag, 0x84][..], &length, content].concat()
}

/// How a bind or a search ended.
pub fn done(id: u8, kind: u8, code: u8, words: &str) -> Vec<u8> {
    let result = [&[0x0a, 1, code, 4, 0][..], &part(4, words.as_bytes())].concat();
    part(0x30, &[&[2, 1, id][..], &part(kind, &result)].concat())
}

/// An entry with these attributes.
pub fn entry_of(id: u8, dn: &str, all: &[(&str, Vec<String>)]) -> Vec<u8> {
    let attribute = |(name, values): &(&str, Vec<String>)| {
        let values: Vec<u8> = values.iter().flat_map(|value| part(4, value.as_bytes())).collect();
        part(0x30, &[part(4, name.as_bytes()), part(0x31, &values)].concat())
    };
    let all: Vec<u8> = all.iter().flat_map(attribute).collect();
    let content = [part(4, dn.as_bytes()), part(0x30, &all)].concat();
    part(0x30, &[&[2, 1, id][..], &part(0x64, &content)].concat())
}

/// Alice.
fn entry(id: u8) -> Vec<u8> {
    let subject = "11111111-2222-3333-4444-555555555555".to_owned();
    entry_of(id, "uid=alice,dc=x", &[("uid", vec!["alice".to_owned()]), ("entryUUID", vec![subject])])
}

/// Where else it may be.
fn reference(id: u8) -> Vec<u8> {
    part(0x30, &[&[2, 1, id][..], &part(0x73, &part(4, b"ldap://127.0.0.1:9/"))].concat())
}

#[test]
fn an_answer_without_an_end_comes_to_one() {
    for pause in [Duration::ZERO, Duration::from_millis(300)] {
        let url = server(move |kind, id, stream| {
            if kind == BIND {
                let _ = stream.write_all(&done(id, 0x61, 0, ""));
            }
            while kind == SEARCH && stream.write_all(&reference(id)).is_ok() {
                std::thread::sleep(pause);
            }
        });
        let ground = Ground::new(SLAPD_READER.1);
        ground.connect("company", &[url], &["--answer-timeout", "2"]);
        let begun = Instant::now();
        let (_, end) = ground.come("alice", THEIRS);
        assert_eq!(end.answer.status, 503, "{pause:?} {}", end.answer.text());
        // Three answers' time, and room for a busy machine.
        assert!(begun.elapsed() < Duration::from_secs(20), "{pause:?} {:?}", begun.elapsed());
        let why = if pause.is_zero() { "too many entries" } else { "did not answer within 6 seconds" };
        let log = ground.door.process.log();
        assert!(log.contains(why), "{pause:?} {}", ground.door.process.tail());
    }
}

#[test]
fn a_server_that_looks_at_no_password_is_away_and_uses_no_budget_up() {
    let code = Arc::new(AtomicU8::new(0));
    let url = server({
        let code = code.clone();
        move |kind, id, stream| {
            let answer = match kind {
                BIND => done(id, 0x61, code.load(Ordering::Relaxed), ""),
                // The person, and then no groups: they are searched for with a page, which is a longer question.
                SEARCH => [entry(id), done(id, 0x65, 0, "")].concat(),
                _ => return,
            };
            let _ = stream.write_all(&answer);
        }
    });
    let ground = Ground::new(SLAPD_READER.1);
    let mut words = vec!["connector", "add", "ldap", "company", "--server-url", &url];
    words.extend(["--user-search-base", "dc=x"]);
    ground.door.cli_text(&words);
    let come = || ground.come("alice", THEIRS).1;
    for result in [51, 52, 53, 80, 51, 52, 53, 80] {
        code.store(result, Ordering::Relaxed);
        let end = come();
        assert_eq!(end.answer.status, 503, "{result} {}", end.answer.text());
        assert!(complaint(&end).contains("cannot be asked right now"), "{result}");
        if matches!(result, 51 | 52) {
            // Left alone for a while.
            std::thread::sleep(Duration::from_millis(5200));
        }
    }
    code.store(0, Ordering::Relaxed);
    assert_eq!(come().answer.status, 403, "in, without the group");
    // Wrong ones count, and what they have set stays whatever the server says next.
    code.store(49, Ordering::Relaxed);
    for _ in 0..5 {
        assert_eq!(come().answer.status, 401);
    }
    for result in [53, 49, 0] {
        code.store(result, Ordering::Relaxed);
        assert_eq!(come().answer.status, 429, "{result}");
    }
}

#[test]
fn gauntlet_b8_09_a_group_of_ten_thousand_told_in_parts_is_whole() {
    const MEMBERS: usize = 10_000;
    const AT_ONCE: usize = 1500;
    let url = server_that_reads(|(kind, id), question, stream| {
        let asks_for = |text: &str| question.windows(text.len()).any(|part| part == text.as_bytes());
        let dn = |number: usize| format!("uid=p{number},dc=x");
        // As Active Directory tells many values: some, and where the rest begins.
        let group = |from: usize| {
            let end = (from + AT_ONCE).min(MEMBERS);
            let last = if end == MEMBERS { "*".to_owned() } else { (end - 1).to_string() };
            let name = format!("member;range={from}-{last}");
            let all = [("cn", vec!["crowd".to_owned()]), (name.as_str(), (from..end).map(dn).collect())];
            entry_of(id, "cn=crowd,dc=groups", &all)
        };
        let person = |number: usize| {
            let all = [("uid", vec![format!("p{number}")]), ("entryUUID", vec![format!("subject {number}")])];
            entry_of(id, &dn(number), &all)
        };
        let begin = (0..MEMBERS).step_by(AT_ONCE).find(|from| asks_for(&format!("member;range={from}-*")));
        let found = match (kind, begin) {
            (BIND, _) => return drop(stream.write_all(&done(id, 0x61, 0, ""))),
            (_, Some(from)) => group(from),
            _ if asks_for("dc=groups") => group(0),
            // The first, the last of the first part, the first and the last of the rest, and one who is in none.
            _ => [0, AT_ONCE - 1, AT_ONCE, MEMBERS - 1, MEMBERS].into_iter().flat_map(person).collect(),
        };
        let _ = stream.write_all(&[found, done(id, 0x65, 0, "")].concat());
    });
    let ground = Ground::new(SLAPD_READER.1);
    let mut words = vec!["connector", "add", "ldap", "company", "--server-url", &url];
    words.extend(["--user-search-base", "dc=x", "--group-search-base", "dc=groups"]);
    ground.door.cli_text(&words);
    ground.door.cli_text(&["connector", "sync", "company"]);
    for (name, groups) in
        [("p0", vec!["crowd"]), ("p1499", vec!["crowd"]), ("p1500", vec!["crowd"]), ("p9999", vec!["crowd"])]
    {
        assert_eq!(ground.groups(name), serde_json::json!(groups), "{name}");
    }
    assert_eq!(ground.groups("p10000"), serde_json::json!([]));
}

#[test]
fn groups_without_names_are_not_followed_without_an_end() {
    let (made, is_endless) = (AtomicUsize::new(0), Arc::new(AtomicBool::new(false)));
    let url = server_that_reads({
        let is_endless = is_endless.clone();
        move |(kind, id), question, stream| {
            let asks_for = |text: &str| question.windows(text.len()).any(|part| part == text.as_bytes());
            if kind == BIND {
                return drop(stream.write_all(&done(id, 0x61, 0, "")));
            }
            // Each lies in others that nobody has seen before.
            let count = match asks_for("dc=groups") {
                true if asks_for("uid=alice,dc=x") => 2000,
                true if is_endless.load(Ordering::Relaxed) => 60,
                _ => 0,
            };
            let first = made.fetch_add(count, Ordering::Relaxed);
            let group = |number: usize| entry_of(id, &format!("ou=g{number},dc=groups"), &[]);
            let found = match asks_for("dc=groups") {
                true => (first..first + count).flat_map(group).collect(),
                false => entry(id),
            };
            let _ = stream.write_all(&[found, done(id, 0x65, 0, "")].concat());
        }
    });
    let ground = Ground::new(SLAPD_READER.1);
    let mut words = vec!["connector", "add", "ldap", "company", "--server-url", &url];
    words.extend(["--user-search-base", "dc=x", "--group-search-base", "dc=groups"]);
    ground.door.cli_text(&words);
    assert_eq!(ground.come("alice", THEIRS).1.answer.status, 403, "in, without the group");
    is_endless.store(true, Ordering::Relaxed);
    let (_, end) = ground.come("alice", THEIRS);
    assert_eq!(end.answer.status, 503, "{}", end.answer.text());
    let log = ground.door.process.log();
    assert!(log.contains("more than 4000 groups would have to be looked at"), "{}", ground.door.process.tail());
}

/// The kind of question a server hangs up at.
pub struct Hangs(Arc<AtomicU8>);

impl Hangs {
    /// From now on at this one.
    pub fn at(&self, kind: u8) {
        self.0.store(kind, Ordering::Relaxed);
    }
}

/// A server with Alice, whose password is any, that hangs up at one kind of question.
pub fn server_that_hangs_up() -> (String, Hangs) {
    let hangs = Arc::new(AtomicU8::new(0));
    let url = server({
        let hangs = hangs.clone();
        move |kind, id, stream| {
            if kind == hangs.load(Ordering::Relaxed) {
                return drop(stream.shutdown(std::net::Shutdown::Both));
            }
            let answer = match kind {
                BIND => done(id, 0x61, 0, ""),
                SEARCH => [entry(id), done(id, 0x65, 0, "")].concat(),
                _ => return,
            };
            let _ = stream.write_all(&answer);
        }
    });
    (url, Hangs(hangs))
}

#[test]
fn a_guess_whose_answer_is_lost_is_a_guess() {
    let (url, hangs) = server_that_hangs_up();
    let ground = Ground::new(SLAPD_READER.1);
    ground.door.cli_text(&["connector", "add", "ldap", "company", "--server-url", &url, "--user-search-base", "dc=x"]);
    assert_eq!(ground.come("alice", THEIRS).1.answer.status, 403, "in, without the group");
    hangs.at(BIND);
    for _ in 0..5 {
        let end = ground.come("alice", "a guess").1;
        assert_eq!(end.answer.status, 503, "{}", end.answer.text());
        // Left alone for a while.
        std::thread::sleep(Duration::from_millis(5200));
    }
    hangs.at(0);
    assert_eq!(ground.come("alice", THEIRS).1.answer.status, 401, "as a wrong one");
}

#[test]
fn a_domain_that_does_not_show_how_it_is_with_accounts_lets_nobody_in() {
    let url = server(|kind, id, stream| {
        let all = [("sAMAccountName", "alice"), ("objectGUID", "alice's own")];
        let person = entry_of(id, "cn=alice,dc=x", &all.map(|(name, value)| (name, vec![value.to_owned()])));
        let answer = match kind {
            BIND => done(id, 0x61, 0, ""),
            _ => [person, done(id, 0x65, 0, "")].concat(),
        };
        let _ = stream.write_all(&answer);
    });
    let ground = Ground::new(SLAPD_READER.1);
    ground.door.cli_text(&["connector", "add", "ad", "domain", "--server-url", &url, "--user-search-base", "dc=x"]);
    let end = ground.come("alice", THEIRS).1;
    assert_eq!(end.answer.status, 403, "{}", end.answer.text());
    assert!(complaint(&end).contains("does not say whether your account may sign in"), "{}", complaint(&end));
    assert!(!ground.door.cli(&["user", "show", "alice"]).status.success());
    let told = ground.refusals();
    assert!(told.contains("the bind DN needs the right to read userAccountControl"), "{told}");
    let told = ground.door.cli_text(&["connector", "sync", "domain", "--output", "json"]);
    let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!((&told["unread"], &told["created"]), (&serde_json::json!(1), &serde_json::json!(0)), "{told:#}");
}

#[test]
fn accounts_of_ad_lds_say_in_their_own_word_that_they_are_not_disabled() {
    let said = Arc::new(std::sync::Mutex::new(""));
    let url = server({
        let said = said.clone();
        move |kind, id, stream| {
            let said = *said.lock().expect("ours");
            let mut all = vec![("sAMAccountName", "alice"), ("objectGUID", "alice's own")];
            all.extend((!said.is_empty()).then_some(("msDS-UserAccountDisabled", said)));
            let all: Vec<_> = all.into_iter().map(|(name, value)| (name, vec![value.to_owned()])).collect();
            let answer = match kind {
                BIND => done(id, 0x61, 0, ""),
                _ => [entry_of(id, "cn=alice,dc=x", &all), done(id, 0x65, 0, "")].concat(),
            };
            let _ = stream.write_all(&answer);
        }
    });
    let ground = Ground::new(SLAPD_READER.1);
    ground.door.cli_text(&["connector", "add", "ad", "domain", "--server-url", &url, "--user-search-base", "dc=x"]);
    let is_there = || ground.door.cli(&["user", "show", "alice"]).status.success();
    let keeps_out = |word: &'static str, why: &str| {
        *said.lock().expect("ours") = word;
        let end = ground.come("alice", THEIRS).1;
        assert_eq!(end.answer.status, 403, "{word}: {}", end.answer.text());
        assert!(complaint(&end).contains(why), "{word}: {}", complaint(&end));
    };
    // Not said, or in no word there is: not known, and so not in.
    for word in ["", "no", "0"] {
        keeps_out(word, "does not say whether your account may sign in");
    }
    keeps_out("TRUE", "disabled");
    assert!(!is_there());
    *said.lock().expect("ours") = "FALSE";
    assert_eq!(ground.come("alice", THEIRS).1.answer.status, 403, "in, without the group");
    assert!(is_there());
    keeps_out("TRUE", "disabled");
}
