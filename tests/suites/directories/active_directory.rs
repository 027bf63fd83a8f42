//! Samba as an Active Directory domain controller, by LDAPS.

use crate::ground::{Ground, complaint, shown};
use doorward_testkit::peers::{SAMBA_READER, Samba};
use serde_json::json;

fn ground(domain: &Samba, words: &[&str]) -> Ground {
    let ground = Ground::new(SAMBA_READER.1);
    let (url, file) = (domain.tls_url(), shown(&domain.authority().certificate()));
    let mut all =
        vec!["identity", "add-connector", "ad", "domain", "--title", "The domain", "--bind-dn", SAMBA_READER.0];
    all.extend(["--bind-password-ref", "env:DIRECTORY_PASSWORD", "--ca-file", &file]);
    if !words.contains(&"--start-tls") {
        all.extend(["--server-url", &url]);
    }
    all.extend(["--user-search-base", "DC=ad,DC=example,DC=test", "--group-search-base", "DC=ad,DC=example,DC=test"]);
    all.extend(["--group", "all-staff=dagster-users"]);
    all.extend(words);
    ground.door.cli_text(&all);
    ground
}

#[test]
fn people_of_a_domain_come_in_with_groups_around_their_groups() {
    let domain = Samba::shared();
    let ground = ground(&domain, &[]);
    let (_, end) = ground.come("alice", "Alice-pw1");
    assert_eq!(end.answer.status, 200, "{}", end.answer.text());
    assert_eq!(ground.tool.last().header("x-forwarded-user"), Some("alice"));
    // The group everybody is in without being named, and the one around it, are among them.
    assert_eq!(ground.groups("alice"), json!(["Domain Users", "Users", "dagster-users", "eng", "platform"]));
    // Another name of the same person.
    let (_, end) = ground.come("ALICE@ad.example.test", "Alice-pw1");
    assert_eq!(end.answer.status, 200, "{}", end.answer.text());
    assert_eq!(
        ground.door.cli_text(&["connector", "links", "domain", "--output", "json"]).matches("\"user\"").count(),
        1
    );
    domain.tool(&["group", "removemembers", "eng", "platform"]);
    let (_, end) = ground.come("alice", "Alice-pw1");
    domain.tool(&["group", "addmembers", "eng", "platform"]);
    assert_eq!(end.answer.status, 403, "{}", end.answer.text());
    assert_eq!(ground.groups("alice"), json!(["Domain Users", "Users", "platform"]));
}

#[test]
fn groups_are_walked_here_as_well_and_rings_come_to_an_end() {
    let domain = Samba::shared();
    let (url, words) = (domain.url(), ["--group-nesting", "walk", "--start-tls", "--server-url"]);
    let ground = ground(&domain, &[&words[..], &[&url]].concat());
    assert_eq!(ground.come("bob", "Bob-pw1").1.answer.status, 403);
    assert_eq!(ground.groups("bob"), json!(["Domain Users", "Users", "ring-a", "ring-b"]));
    assert_eq!(ground.come("alice", "Alice-pw1").1.answer.status, 200);
}

#[test]
fn gauntlet_b8_06_accounts_that_are_shut_stay_out_and_are_told_why_when_the_password_is_right() {
    let domain = Samba::shared();
    let ground = ground(&domain, &[]);
    let no_match = "That user name and password do not match.";
    for (name, password, part) in [
        ("carol", "Carol-pw1", "disabled"),
        ("dave", "Dave-pw1", "expired"),
        ("mustchange", "Mustchange-pw1", "must be changed"),
    ] {
        let (_, end) = ground.come(name, "wrong");
        assert_eq!((end.answer.status, complaint(&end).as_str()), (401, no_match), "{name}");
        let (_, end) = ground.come(name, password);
        assert_eq!(end.answer.status, 403, "{name} {}", end.answer.text());
        assert!(complaint(&end).starts_with("Your") && complaint(&end).contains(part), "{name} {}", complaint(&end));
        let found = ground.door.cli(&["user", "show", name]);
        assert!(!found.status.success(), "{name} became a user");
    }
    // Locked: the directory says so whether the password is right or not, so nobody is told.
    domain.tool(&["domain", "passwordsettings", "set", "--account-lockout-threshold=2"]);
    for _ in 0..3 {
        assert_eq!(ground.come("erin", "wrong").1.answer.status, 401);
    }
    let (_, end) = ground.come("erin", "Erin-pw1");
    domain.tool(&["domain", "passwordsettings", "set", "--account-lockout-threshold=0"]);
    assert_eq!((end.answer.status, complaint(&end).as_str()), (401, no_match));
    let told = ground.refusals();
    for part in ["disabled there", "has expired there", "must be changed there first", "is locked there"] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn gauntlet_b8_05_a_name_with_its_domain_is_the_same_person_and_another_domains_is_nobody() {
    let domain = Samba::shared();
    let ground = ground(&domain, &[]);
    // The domain in its short form and in the DNS's, in whatever case; and the name alone.
    for name in ["bob", "ADEX\\bob", "adex\\BOB", "bob@ad.example.test", "BOB@AD.EXAMPLE.TEST"] {
        let (_, end) = ground.come(name, "Bob-pw1");
        assert_eq!(end.answer.status, 403, "{name} {}", end.answer.text());
        assert!(!complaint_or_none(&end).contains("do not match"), "{name} {}", end.answer.text());
    }
    let links = ground.door.cli_text(&["connector", "links", "domain", "--output", "json"]);
    assert_eq!(links.matches("\"user\"").count(), 1, "{links}");
    for name in [
        "OTHER\\bob",
        "\\bob",
        "ADEX\\",
        "ADEX\\ADEX\\bob",
        "ADEX\\bob@ad.example.test",
        "AD*\\bob",
        "bob@other.example.test",
        "bob@ad.example.test@ad.example.test",
        "bob@ad.example.test)(a=b",
        "Enterprise Configuration\\bob",
    ] {
        let (_, end) = ground.come(name, "Bob-pw1");
        assert!(matches!(end.answer.status, 401 | 429), "{name} {}", end.answer.text());
    }
    // Somebody of their own: the domain too may count wrong ones.
    domain.tool(&["user", "create", "spelled", "Spelled-pw1 of the domain"]);
    assert_eq!(ground.come("ADEX\\spelled", "Spelled-pw1 of the domain").1.answer.status, 403);
    // Wrong ones under one spelling leave none under the others.
    for _ in 0..5 {
        assert_eq!(ground.come("ADEX\\spelled", "wrong").1.answer.status, 401);
    }
    assert_eq!(ground.come("spelled@ad.example.test", "Spelled-pw1 of the domain").1.answer.status, 401);
}

/// What a page complains of, if it does.
fn complaint_or_none(hop: &doorward_testkit::jar::Hop) -> String {
    if hop.answer.text().contains("role=\"alert\"") { complaint(hop) } else { String::new() }
}
