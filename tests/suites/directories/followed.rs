//! How far what changed is followed: to a bound of people, through groups told in parts, and as deep as groups lie in each
//! other. Beyond it everybody is read, and nobody is told less than by that.

use crate::ground::{Ground, THEIRS, group, person};
use crate::scripted::{BIND, done, entry_of, server_that_reads};
use doorward_testkit::peers::{SLAPD_READER, Slapd};
use doorward_testkit::process::wait_until;
use serde_json::{Value, json};
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

fn sync(ground: &Ground, words: &[&str]) -> Value {
    let told = ground.door.cli_text(&[&["connector", "sync", "company", "--output", "json"][..], words].concat());
    serde_json::from_str(&told).unwrap_or_else(|error| panic!("{error}: {told}"))
}

/// Written down long ago: entries are read again while they are new.
fn old(entries: &[String]) -> String {
    let line = |(place, entry): (usize, &String)| {
        let uuid = format!("entryUUID: 00000000-0000-4000-8000-{place:012}");
        format!("{}\nmodifyTimestamp: 20200101000000Z\n{uuid}\n\n", entry.trim_end())
    };
    entries.iter().enumerate().map(line).collect()
}

#[test]
fn when_more_are_concerned_than_are_followed_one_by_one_everybody_is_read() {
    const FOLLOWED: usize = 1000;
    let names: Vec<String> = (0..FOLLOWED + 4).map(|number| format!("p{number}")).collect();
    let mut all: Vec<String> = names.iter().map(|name| person(name, "")).collect();
    all.push(group("crowd", &["p0"]));
    let slapd = Slapd::filled(&old(&all));
    // At a moment long ago everybody is the newest, and is asked for again: one alone is later.
    slapd.modify("dn: uid=p0,ou=people,dc=example,dc=org\nchangetype: modify\nreplace: sn\nsn: zero\n");
    let ground = Ground::with(&slapd, &[]);
    assert_eq!(sync(&ground, &[])["created"], json!(FOLLOWED + 4));
    let one_by_one = (json!("changes"), json!(null));
    let everybody = (json!("whole"), json!("more are concerned than are followed one by one"));
    let read_of = |count: usize, kind: &(Value, Value)| {
        let lines = names.iter().take(count).map(|name| format!("member: uid={name},ou=people,dc=example,dc=org\n"));
        let lines: String = lines.collect();
        let place = "dn: cn=crowd,ou=groups,dc=example,dc=org\nchangetype: modify\nreplace: member\n";
        slapd.modify(&format!("{place}{lines}"));
        let told = sync(&ground, &["--changes"]);
        assert_eq!((&told["run"], &told["whole_because"]), (&kind.0, &kind.1), "{told:#}");
        told
    };
    assert_eq!(read_of(FOLLOWED, &one_by_one)["read"], json!(FOLLOWED));
    assert_eq!(read_of(FOLLOWED + 1, &everybody)["read"], json!(FOLLOWED + 4));
    let last = format!("p{FOLLOWED}");
    assert_eq!((ground.groups(&last), ground.groups("p1003")), (json!(["crowd"]), json!([])));
    let told = ground.door.cli_text(&["events", "--kind", "directory_read", "--output", "json"]);
    assert!(told.contains(&format!("what changed, {FOLLOWED} people")), "{told}");
    assert!(told.contains(&format!("everybody, {} people, 0 new, 0 linked, 0 back, 1 in", FOLLOWED + 4)), "{told}");
    // As many were in it before. Everybody was read, so whoever is not there is gone.
    slapd.modify("dn: uid=p1003,ou=people,dc=example,dc=org\nchangetype: delete\n");
    let told = read_of(1, &everybody);
    assert_eq!((&told["read"], &told["removed"]), (&json!(FOLLOWED + 3), &json!(1)), "{told:#}");
    assert_eq!((ground.groups(&last), ground.groups("p0")), (json!([]), json!(["crowd"])));
}

#[test]
fn many_who_changed_themselves_or_by_a_group_inside_another_one_are_many_too() {
    const FOLLOWED: usize = 1000;
    let names: Vec<String> = (0..FOLLOWED + 4).map(|number| format!("p{number}")).collect();
    let mut all: Vec<String> = names.iter().map(|name| person(name, "")).collect();
    let inside: Vec<&str> = names.iter().take(FOLLOWED + 1).map(String::as_str).collect();
    all.extend([group("inner", &inside), group("outer", &["p5"])]);
    let slapd = Slapd::filled(&old(&all));
    let renamed = |name: &String| {
        format!("dn: uid={name},ou=people,dc=example,dc=org\nchangetype: modify\nreplace: sn\nsn: other\n\n")
    };
    slapd.modify(&renamed(&names[0]));
    let ground = Ground::with(&slapd, &[]);
    sync(&ground, &[]);
    let is_whole = || {
        let told = sync(&ground, &["--changes"]);
        assert_eq!((&told["run"], &told["read"]), (&json!("whole"), &json!(FOLLOWED + 4)), "{told:#}");
    };
    // The group that changed names one group, and that one names more than are followed.
    let place = "dn: cn=outer,ou=groups,dc=example,dc=org\nchangetype: modify\n";
    slapd.modify(&format!("{place}replace: member\nmember: cn=inner,ou=groups,dc=example,dc=org\n"));
    is_whole();
    let both = json!(["inner", "outer"]);
    assert_eq!((ground.groups("p0"), ground.groups("p1000"), ground.groups("p1003")), (both.clone(), both, json!([])));
    slapd.modify(&format!("{place}replace: member\nmember: uid=p5,ou=people,dc=example,dc=org\n"));
    is_whole();
    // People whose own entries changed.
    let changed = |count: usize| slapd.modify(&names.iter().take(count).map(renamed).collect::<String>());
    let told = {
        changed(FOLLOWED);
        sync(&ground, &["--changes"])
    };
    assert_eq!((&told["run"], &told["read"]), (&json!("changes"), &json!(FOLLOWED)), "{told:#}");
    changed(FOLLOWED + 1);
    is_whole();
}

#[test]
fn groups_are_followed_however_deep_they_lie_by_readings_and_at_the_door() {
    const LEVELS: usize = 60;
    // The last one lies in the first one again.
    let mut all = ["alice", "bob", "carol", "dora"].map(|name| person(name, "")).to_vec();
    all.push(group("level0", &["alice", &format!("cn=level{}", LEVELS - 2)]));
    all.extend((1..LEVELS - 1).map(|level| group(&format!("level{level}"), &[&format!("cn=level{}", level - 1)])));
    all.push(group("dagster-users", &[&format!("cn=level{}", LEVELS - 2)]));
    let slapd = Slapd::filled(&old(&all));
    let change = |dn: &str, what: &str| {
        slapd.modify(&format!("dn: {dn},dc=example,dc=org\nchangetype: modify\n{what}"));
    };
    change("uid=carol,ou=people", "replace: sn\nsn: carola\n");
    let ground = Ground::with(&slapd, &[]);
    let count = |name: &str| ground.groups(name).as_array().map(Vec::len);
    // Nobody was read before.
    let (_, end) = ground.come("alice", THEIRS);
    assert_eq!(end.answer.status, 200, "{}", end.answer.text());
    assert_eq!(count("alice"), Some(LEVELS));
    let told = sync(&ground, &[]);
    assert_eq!(told["regrouped"], json!(0), "the door and the reading say the same: {told:#}");
    assert_eq!((count("alice"), count("bob")), (Some(LEVELS), Some(0)));
    let told = sync(&ground, &["--changes"]);
    assert_eq!(told["read"], json!(1), "what lies deep is of no concern to who is not in it: {told:#}");
    // Somebody inside, whose own entry changed.
    change("uid=alice,ou=people", "replace: sn\nsn: alicia\n");
    let told = sync(&ground, &["--changes"]);
    assert_eq!(
        (&told["run"], &told["read"], &told["regrouped"]),
        (&json!("changes"), &json!(2), &json!(0)),
        "{told:#}"
    );
    assert_eq!(count("alice"), Some(LEVELS));
    // A group with as many around it.
    change("cn=level0,ou=groups", "replace: member\nmember: uid=bob,ou=people,dc=example,dc=org\n");
    let told = sync(&ground, &["--changes"]);
    assert_eq!(
        (&told["run"], &told["read"], &told["regrouped"]),
        (&json!("changes"), &json!(3), &json!(2)),
        "{told:#}"
    );
    assert_eq!((count("alice"), count("bob")), (Some(0), Some(LEVELS)));
}

#[test]
fn groups_that_changed_and_are_told_in_parts_are_whole_those_inside_too() {
    const AT_ONCE: usize = 4;
    let is_filled = Arc::new(AtomicBool::new(false));
    let url = server_that_reads({
        let is_filled = is_filled.clone();
        move |(kind, id), question, stream| {
            let asks_for = |text: &str| question.windows(text.len()).any(|part| part == text.as_bytes());
            let text = |text: &str| format!("\x04{}{text}", char::from(u8::try_from(text.len()).expect("short")));
            let asks_at = |dn: &str| asks_for(&format!("{}\x0a\x01\x00", text(dn)));
            let dn = |number: usize| format!("uid=p{number},dc=x");
            let groups = [
                ("cn=crowd,dc=groups", (0..10).map(dn).chain(["cn=inner,dc=groups".to_owned()]).collect::<Vec<_>>()),
                ("cn=inner,dc=groups", (10..16).map(dn).collect()),
            ];
            let groups = if is_filled.load(Ordering::Relaxed) { &groups[..] } else { &[] };
            let group = |(dn, members): &(&str, Vec<String>), from: usize| {
                let end = (from + AT_ONCE).min(members.len());
                let last = if end == members.len() { "*".to_owned() } else { (end - 1).to_string() };
                let name = format!("member;range={from}-{last}");
                let cn = dn[3..8].to_owned();
                entry_of(id, dn, &[("cn", vec![cn]), (name.as_str(), members[from..end].to_vec())])
            };
            let person = |number: usize| {
                let subject = format!("subject {number}");
                let all = [
                    ("uid", format!("p{number}")),
                    ("entryUUID", subject),
                    ("modifyTimestamp", "20200101000000Z".to_owned()),
                ];
                entry_of(id, &dn(number), &all.map(|(name, value)| (name, vec![value])))
            };
            let is_since = asks_for("modifyTimestamp\x04\x0f2");
            let found: Vec<u8> = if kind == BIND {
                return drop(stream.write_all(&done(id, 0x61, 0, "")));
            } else if let Some(known) = groups.iter().find(|(dn, _)| asks_at(dn)) {
                let from = (0..known.1.len()).find(|from| asks_for(&format!("member;range={from}-*")));
                group(known, from.unwrap_or(0))
            } else if let Some(number) = (0..17).find(|number| asks_at(&dn(*number))) {
                person(number)
            } else if asks_for("\x0a\x01\x02") && asks_for(&format!("{}\x0a\x01\x02", text("dc=groups"))) {
                // Whoever is asked for as a member, or what changed: the outer one alone.
                let names = |member: &String| asks_for(&format!("member{}", text(member)));
                let is_it = |(at, (_, members)): &(usize, &(&str, Vec<String>))| {
                    members.iter().any(names) || (is_since && *at == 0)
                };
                groups.iter().enumerate().filter(is_it).flat_map(|(_, known)| group(known, 0)).collect()
            } else if is_since {
                Vec::new()
            } else {
                (0..17).flat_map(person).collect()
            };
            let _ = stream.write_all(&[found, done(id, 0x65, 0, "")].concat());
        }
    });
    let ground = Ground::new(SLAPD_READER.1);
    let mut words = vec!["connector", "add", "ldap", "company", "--server-url", &url];
    words.extend(["--user-search-base", "dc=x", "--group-search-base", "dc=groups"]);
    ground.door.cli_text(&words);
    assert_eq!(sync(&ground, &[])["created"], json!(17));
    is_filled.store(true, Ordering::Relaxed);
    let told = sync(&ground, &["--changes"]);
    assert_eq!((&told["read"], &told["regrouped"]), (&json!(16), &json!(16)), "{told:#}");
    assert_eq!((ground.groups("p3"), ground.groups("p9")), (json!(["crowd"]), json!(["crowd"])));
    assert_eq!((ground.groups("p10"), ground.groups("p15")), (json!(["crowd", "inner"]), json!(["crowd", "inner"])));
    assert_eq!(ground.groups("p16"), json!([]));
}

#[test]
fn a_server_reads_what_changed_by_itself() {
    let slapd = Slapd::filled(&old(&[person("alice", ""), person("bob", "")]));
    let ground = Ground::with(&slapd, &["--sync-every", "600", "--sync-changes-every", "1"]);
    let is_there = |name: &str| ground.door.cli(&["user", "show", name]).status.success();
    wait_until("the first reading", Duration::from_secs(40), || is_there("alice"));
    slapd.add(&person("dora", ""));
    slapd.modify("dn: uid=bob,ou=people,dc=example,dc=org\nchangetype: delete\n");
    wait_until("what changed", Duration::from_secs(120), || is_there("dora"));
    let told = ground.door.cli_text(&["events", "--kind", "directory_read", "--output", "json"]);
    assert!(told.contains("everybody, 2 people") && told.contains("what changed, "), "{told}");
    let bob = ground.door.cli_text(&["user", "show", "bob", "--output", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&bob).expect("JSON")["active"], json!(true), "gone is told by all");
}
