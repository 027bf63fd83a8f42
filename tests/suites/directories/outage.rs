//! Servers that are away, and servers that say nothing.

use crate::ground::{Ground, THEIRS, complaint, people};
use doorward_testkit::jar::Hop;
use doorward_testkit::peers::{SLAPD_READER, Slapd};
use doorward_testkit::ports::free_port;
use doorward_tests::{PASSWORD, user};
use std::time::{Duration, Instant};

/// The sentence without the number of its request, the one thing in it that differs.
fn numberless(end: &Hop) -> String {
    let sentence = complaint(end);
    let words = sentence.split(' ').map(|word| if word.starts_with("req_") { "NUMBER" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn the_next_server_is_asked_when_one_is_not_there() {
    let mut first = Slapd::start(&people());
    let second = Slapd::start(&people());
    let ground = Ground::new(SLAPD_READER.1);
    let gone = format!("ldap://127.0.0.1:{}", free_port());
    // The same people at both: told apart by a value that both have.
    let words = ["--subject-attribute", "mail"];
    ground.connect("company", &[gone, first.url(), second.url()], &words);
    assert_eq!(ground.come("alice", THEIRS).1.answer.status, 200);
    first.process.stop();
    assert_eq!(ground.come("alice", THEIRS).1.answer.status, 200);
    drop(second);
    let (_, end) = ground.come("alice", THEIRS);
    assert_eq!(end.answer.status, 503, "{}", end.answer.text());
    assert!(complaint(&end).contains("company cannot be asked right now"), "{}", complaint(&end));
    // The number leads to the line of the log that says why.
    let said = complaint(&end);
    let number = said.rsplit(' ').next().unwrap_or_default().trim_end_matches('.');
    let log = ground.door.output();
    assert!(log.lines().any(|line| line.contains(number) && line.contains("cannot be reached")), "{said}\n{log}");
    assert_eq!(end.answer.header("retry-after"), Some("60"));
}

#[test]
fn a_directory_that_hangs_keeps_nobody_else_waiting() {
    let mut slapd = Slapd::start(&people());
    let ground = Ground::with(&slapd, &["--answer-timeout", "12", "--connect-timeout", "2"]);
    user(&ground.door, "cleo");
    ground.door.cli_text(&["group", "add-member", "dagster-users", "cleo"]);
    assert_eq!(ground.come("alice", THEIRS).1.answer.status, 200);
    slapd.pause();
    std::thread::scope(|scope| {
        let waiting: Vec<_> = (0..24)
            .map(|number| {
                scope.spawn({
                    let ground = &ground;
                    move || ground.come(&format!("stranger-{number}"), THEIRS).1.answer.status
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(500));
        for _ in 0..3 {
            let begun = Instant::now();
            assert_eq!(ground.come("cleo", PASSWORD).1.answer.status, 200);
            // Long before anybody gives the directory up, however busy the machine is.
            assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
        }
        for one in waiting {
            let status = one.join().expect("no panic");
            assert_eq!(status, 503);
        }
    });
    // Nobody's budget was used up by it: they all were no attempts.
    slapd.go_on();
    std::thread::sleep(Duration::from_secs(6));
    assert_eq!(ground.come("alice", THEIRS).1.answer.status, 200);
}

#[test]
fn an_outage_tells_no_name_from_another_and_makes_no_guess_free() {
    let mut slapd = Slapd::start(&people());
    let ground = Ground::new(SLAPD_READER.1);
    ground.connect("company", &[slapd.url()], &[]);
    for name in ["cleo", "dora"] {
        user(&ground.door, name);
    }
    ground.door.cli_text(&["group", "add-member", "dagster-users", "cleo"]);
    ground.door.cli_text(&["connector", "link", "company", "dora", "--subject", "somebody-there"]);
    ground.door.cli_text(&["user", "create", "blank"]);
    slapd.process.stop();
    // Of Doorward's own, linked, without any password, at the directory, and nobody: in whatever order, however often.
    let names = ["cleo", "dora", "blank", "alice", "nobody"];
    let mut pages = Vec::new();
    for round in 0..8 {
        for name in names {
            let (_, end) = ground.come(name, &format!("guess number {round}"));
            let page = (end.answer.status, numberless(&end), end.answer.header("retry-after").map(str::to_owned));
            assert_eq!(page.0, 503, "{name} {round} {}", page.1);
            pages.push(page);
        }
    }
    assert!(pages.windows(2).all(|pair| pair[0] == pair[1]), "{pages:?}");
    assert!(pages[0].1.contains("company cannot be asked right now"), "{pages:?}");
    // The right one is as late as any other, now and when the directory is there again.
    assert_eq!(ground.come("cleo", PASSWORD).1.answer.status, 503);
    slapd.restart();
    std::thread::sleep(Duration::from_secs(6));
    assert_eq!(ground.come("cleo", PASSWORD).1.answer.status, 401);
    // Those whose password nobody compared have lost nothing.
    assert_eq!(ground.come("alice", THEIRS).1.answer.status, 200);
}

#[test]
fn the_right_password_of_doorwards_own_needs_no_directory() {
    let mut slapd = Slapd::start(&people());
    let ground = Ground::with(&slapd, &[]);
    user(&ground.door, "cleo");
    ground.door.cli_text(&["group", "add-member", "dagster-users", "cleo"]);
    slapd.process.stop();
    for _ in 0..8 {
        assert_eq!(ground.come("cleo", PASSWORD).1.answer.status, 200);
    }
}

#[test]
fn while_one_of_two_directories_is_away_neithers_people_can_be_told_from_nobody() {
    let first = Slapd::start(&people());
    let ground = Ground::new(SLAPD_READER.1);
    ground.connect("a-there", &[first.url()], &[]);
    assert_eq!(ground.come("alice", THEIRS).1.answer.status, 200);
    ground.connect("b-away", &["ldap://127.0.0.1:9".to_owned()], &[]);
    // Who is right comes in, and who is wrong reads what everybody reads.
    assert_eq!(ground.come("alice", THEIRS).1.answer.status, 200);
    let said = |name: &str, password: &str| {
        let (_, end) = ground.come(name, password);
        (end.answer.status, numberless(&end))
    };
    let nobody = said("nobody", "wrong");
    assert_eq!(nobody.0, 503);
    for name in ["alice", "bob", "expired"] {
        assert_eq!(said(name, "wrong"), nobody, "{name}");
    }
    // Wrong ones were compared by the one that is there, so they count.
    for round in 0..5 {
        assert_eq!(said("alice", &format!("guess number {round}")), nobody);
    }
    assert_eq!(said("alice", THEIRS), nobody);
}
