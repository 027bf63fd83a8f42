//! Servers that are away, and servers that say nothing.

use crate::ground::{Ground, THEIRS, complaint, people};
use doorward_testkit::peers::{SLAPD_READER, Slapd};
use doorward_testkit::ports::free_port;
use doorward_tests::{PASSWORD, user};
use std::time::{Duration, Instant};

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
fn guesses_at_a_password_kept_here_count_while_the_directory_is_away() {
    let ground = Ground::new(SLAPD_READER.1);
    ground.connect("company", &["ldap://127.0.0.1:9".to_owned()], &[]);
    user(&ground.door, "cleo");
    ground.door.cli_text(&["connector", "link", "company", "cleo", "--subject", "somebody-there"]);
    let mut statuses = Vec::new();
    for number in 0..8 {
        statuses.push(ground.come("cleo", &format!("guess number {number}")).1.answer.status);
    }
    assert!(statuses.contains(&429), "{statuses:?}");
    assert_eq!(ground.come("cleo", PASSWORD).1.answer.status, 429, "the right one is as late as any other");
}
