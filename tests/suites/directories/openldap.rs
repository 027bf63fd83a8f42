//! Who comes in, as whom, and with which groups.

use crate::ground::{Ground, THEIRS, complaint, people, person, shown, visit};
use doorward_testkit::peers::{SLAPD_READER, Slapd};
use doorward_testkit::webdriver::Browser;
use doorward_tests::{PASSWORD, user};
use serde_json::{Value, json};
use std::time::Duration;

const NO_MATCH: &str = "That user name and password do not match.";

#[test]
fn people_come_in_with_the_directorys_password_and_its_groups() {
    let slapd = Slapd::start(&people());
    let ground = Ground::with(&slapd, &["--addresses-are-proved"]);
    let (mut jar, end) = ground.come("alice", THEIRS);
    assert_eq!(
        (end.answer.status, end.url.as_str()),
        (200, ground.tool_url("/runs?x=1").as_str()),
        "{}",
        end.answer.text()
    );
    let seen = ground.tool.last();
    assert_eq!(seen.header("x-forwarded-user"), Some("alice"));
    assert_eq!(seen.header("x-forwarded-email"), Some("alice@example.org"));
    assert_eq!(ground.groups("alice"), json!(["dagster-users", "engineers", "ring-a", "ring-b"]));
    // What the directory says now takes the place of what it said before; what is said here stays.
    ground.door.cli_text(&["group", "create", "local"]);
    ground.door.cli_text(&["group", "add-member", "local", "alice"]);
    slapd.modify(
        "dn: cn=dagster-users,ou=groups,dc=example,dc=org\nchangetype: modify\nreplace: member\n\
         member: uid=bob,ou=people,dc=example,dc=org\n",
    );
    let (_, end) = ground.come("alice", THEIRS);
    assert_eq!(end.answer.status, 403, "{}", end.answer.text());
    assert_eq!(ground.groups("alice"), json!(["engineers", "local", "ring-a", "ring-b"]));
    // A session that was open meanwhile has lost it too.
    assert_eq!(visit(&mut jar, &ground.tool_url("/again")).answer.status, 403);
    assert_eq!(ground.come("bob", THEIRS).1.answer.status, 200);
    // The sign-in page has no button for a directory, and its way out leads nowhere.
    let page = visit(&mut doorward_testkit::jar::Jar::new(), &ground.tool_url("/x"));
    assert!(!page.answer.text().contains("/broker/"), "{}", page.answer.text());
    let way = format!("{}/realms/main/broker/company/login?flow=x", ground.door.url());
    assert_eq!(visit(&mut doorward_testkit::jar::Jar::new(), &way).answer.status, 404);
    let shown = ground.door.cli_text(&["connector", "show", "company", "--output", "json"]);
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!((&shown["people"], shown.get("redirect_uri")), (&json!(2), None), "{shown:#}");
    assert!(ground.door.cli_text(&["connector", "list"]).contains("ldap"));
}

#[test]
fn a_directory_is_tried_out_before_anybody_comes() {
    let mut slapd = Slapd::start(&people());
    let ground = Ground::with(&slapd, &[]);
    let told = ground.door.cli_text(&["connector", "test", "company", "--user", "alice", "--output", "json"]);
    let told: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!(told["would_be"], json!("a new user alice"), "{told:#}");
    assert_eq!(told["groups"], json!(["dagster-users", "engineers", "ring-a", "ring-b"]));
    assert!(!ground.door.cli(&["user", "show", "alice"]).status.success(), "nothing is saved");
    for (name, part) in
        [("expired", "has expired there"), ("nobody", "nobody of this name"), ("*", "nobody of this name")]
    {
        let refused = doorward_tests::complaint(&ground.door.cli(&["connector", "test", "company", "--user", name]));
        assert!(refused.contains(part), "{name}: {refused}");
    }
    let notes = |words: &[&str]| {
        let told = ground.door.cli_text(&[&["connector", "test", "company", "--output", "json"], words].concat());
        let told: Value = serde_json::from_str(&told).expect("JSON");
        assert!(told["server"].as_str().is_none_or(|server| server.contains("127.0.0.1")), "{told:#}");
        told["notes"].to_string()
    };
    assert_eq!((notes(&[]), notes(&["--user", "alice"])), ("[]".to_owned(), "[]".to_owned()));
    // What nothing there has: a slip of the pen, most likely.
    for (key, slip, told) in [
        ("ldap.groups.member", "memberr", "no group has the attribute memberr, by which groups name who is in them"),
        ("ldap.groups.name", "cnn", "no group has the attribute cnn"),
        ("ldap.groups.member_of", "memberOff", "has the attribute memberOff, by which people say which groups"),
        ("ldap.groups.filter", "(objectClass=nothing)", "no entry fits the group filter"),
        ("ldap.users.name", "uidd", "has the attribute uidd, which user names are taken from"),
    ] {
        ground.door.cli_text(&["connector", "update", "company", "--set", &format!("{key}={slip}")]);
        assert!(notes(&[]).contains(told), "{key}: {}", notes(&[]));
        if key.starts_with("ldap.groups") {
            assert!(notes(&["--user", "alice"]).contains(told), "{key}: {}", notes(&["--user", "alice"]));
        } else {
            // Who would be nobody ends the command as somebody who is not there does.
            let ran = ground.door.cli(&["connector", "test", "company", "--user", "alice"]);
            let text = String::from_utf8_lossy(&ran.stdout).into_owned();
            assert_eq!(ran.status.code(), Some(7), "{text}");
            assert!(text.contains("attribute uidd is not there") && text.contains("nobody: "), "{text}");
        }
        ground.door.cli_text(&["connector", "update", "company", "--unset", key]);
    }
    for filter in ["(uid={name}", "(&(uid={name})"] {
        let set = format!("ldap.users.filter={filter}");
        let refused = doorward_tests::complaint(&ground.door.cli(&["connector", "update", "company", "--set", &set]));
        assert!(refused.contains(&format!("`{filter}`")), "{refused}");
    }
    // An entry that is not there is named, so that one of two bases can be told from the other.
    ground.door.cli_text(&["connector", "update", "company", "--set", "ldap.groups.base=ou=nowhere,dc=example,dc=com"]);
    let refused = doorward_tests::complaint(&ground.door.cli(&["connector", "test", "company", "--user", "alice"]));
    assert!(refused.contains("ou=nowhere,dc=example,dc=com"), "{refused}");
    ground.door.cli_text(&["connector", "update", "company", "--set", "ldap.groups.base=ou=groups,dc=example,dc=com"]);
    slapd.process.stop();
    let refused = doorward_tests::complaint(&ground.door.cli(&["connector", "test", "company"]));
    assert!(refused.contains("cannot be reached"), "{refused}");
}

#[test]
fn a_port_of_the_other_kind_is_named() {
    let ground = Ground::new(SLAPD_READER.1);
    // Nothing listens there: what the port is for is known all the same.
    for (url, told) in [
        ("ldap://127.0.0.1:636", "port 636 is for TLS from the first byte: write ldaps://"),
        ("ldaps://127.0.0.1:389", "port 389 begins in clear: write ldap:// with StartTLS (--start-tls, start_tls)"),
    ] {
        ground.connect("company", &[url.to_owned()], &[]);
        assert!(ground.door.cli_text(&["connector", "list"]).contains(url));
        let refused = doorward_tests::complaint(&ground.door.cli(&["connector", "test", "company"]));
        assert!(refused.contains(told), "{refused}");
        ground.door.cli_text(&["connector", "remove", "company"]);
    }
}

#[test]
fn a_real_browser_signs_in_with_a_directorys_password() {
    let slapd = Slapd::start(&people());
    let ground = Ground::with(&slapd, &[]);
    let browser = Browser::start();
    browser.goto(&ground.tool_url("/runs?x=1"));
    browser.wait_for("input[name=login]", Duration::from_secs(10));
    browser.fill("input[name=login]", "alice");
    browser.fill("input[name=password]", THEIRS);
    browser.press_on("form button");
    browser.wait_for_url("tool.localhost");
    assert_eq!(browser.url(), ground.tool_url("/runs?x=1"));
    assert_eq!(ground.tool.last().header("x-forwarded-user"), Some("alice"));
}

#[test]
fn a_wrong_password_and_a_name_nobody_has_look_the_same() {
    let slapd = Slapd::start(&people());
    let ground = Ground::with(&slapd, &[]);
    user(&ground.door, "cleo");
    let (stranger, guess) = ("zaphod", "not this one");
    let pages: Vec<String> = [("alice", guess), (stranger, guess), ("cleo", guess), (stranger, THEIRS)]
        .into_iter()
        .map(|(name, password)| {
            let (_, end) = ground.come(name, password);
            assert_eq!((end.answer.status, complaint(&end).as_str()), (401, NO_MATCH), "{name}");
            end.answer.text().replace(name, "NAME")
        })
        .collect();
    let shape = |page: &String| {
        page.split('"').filter(|part| !part.contains("dwf_") && part.len() != 64).map(str::to_owned).collect::<Vec<_>>()
    };
    for page in &pages[1..] {
        assert_eq!(shape(page).len(), shape(&pages[0]).len());
    }
    let told = ground.refusals();
    assert!(!told.contains(stranger) && !told.contains(guess), "what was typed is not kept: {told}");
    let why = |reason: &str| told.matches(&format!("\"detail\": \"{reason}\"")).count();
    // Neither Alice, who has never been here, nor the stranger has an account here.
    assert_eq!((why("wrong password"), why("no account kept here, and no directory, takes it")), (1, 3), "{told}");
}

#[test]
fn the_address_somebody_has_here_leads_to_them_at_the_directory() {
    let slapd = Slapd::start(&people());
    let ground = Ground::with(&slapd, &["--addresses-are-proved"]);
    // The filter knows no addresses: before she has one here, hers leads nowhere.
    assert_eq!(ground.come("alice@example.org", THEIRS).1.answer.status, 401);
    assert_eq!(ground.come("alice", THEIRS).1.answer.status, 200);
    for (password, status) in [("not this one", 401), (THEIRS, 200)] {
        let (_, end) = ground.come("Alice@example.org", password);
        assert_eq!(end.answer.status, status, "{}", end.answer.text());
    }
    assert!(ground.refusals().contains("\"wrong password\""), "{}", ground.refusals());
    // Somebody else's address here leads to nobody there.
    user(&ground.door, "bob");
    ground.door.cli_text(&["user", "update", "bob", "--email", "bob@example.net"]);
    assert_eq!(ground.come("bob@example.net", THEIRS).1.answer.status, 401);
    // Whom the directory has no more is refused without any password being compared, and the record says so.
    ground.door.cli_text(&["user", "update", "alice", "--email", "other@example.org"]);
    ground.door.cli_text(&[
        "connector",
        "update",
        "company",
        "--set",
        "ldap.users.base=\"ou=groups,dc=example,dc=org\"",
    ]);
    assert_eq!(ground.come("other@example.org", THEIRS).1.answer.status, 401);
    assert!(ground.refusals().contains("no password was compared"), "{}", ground.refusals());
}

#[test]
fn names_only_a_directory_can_have_are_counted_apart() {
    let odd = person("two", "").replace("uid: two\n", "uid: two\nuid: two words\n");
    let slapd = Slapd::start(&format!("{}{odd}", people()));
    let ground = Ground::with(&slapd, &["--name-attribute", "mail", "--addresses-are-proved"]);
    for _ in 0..5 {
        assert_eq!(ground.come("some body", "not this one").1.answer.status, 401);
    }
    assert_eq!(ground.come("some body", "not this one").1.answer.status, 429);
    assert_eq!(ground.come("  SOME BODY ", "not this one").1.answer.status, 429, "spelled otherwise");
    let (_, end) = ground.come("two words", THEIRS);
    // She is known to the directory and in no group that opens the tool.
    assert_eq!(end.answer.status, 403, "{}", end.answer.text());
    assert!(!end.answer.text().contains("type=\"password\""), "{}", end.answer.text());
}

#[test]
fn a_user_of_doorwards_own_is_not_the_one_of_that_name_at_the_directory() {
    let slapd = Slapd::start(&people());
    let ground = Ground::with(&slapd, &[]);
    user(&ground.door, "alice");
    ground.door.cli_text(&["group", "add-member", "dagster-users", "alice"]);
    let (_, end) = ground.come("alice", THEIRS);
    assert_eq!((end.answer.status, complaint(&end).as_str()), (401, NO_MATCH));
    let (_, end) = ground.come("alice", PASSWORD);
    assert_eq!(end.answer.status, 200, "{}", end.answer.text());
    // Without a password of their own neither.
    ground.door.cli_text(&["user", "create", "bob"]);
    let (_, end) = ground.come("bob", THEIRS);
    assert_eq!((end.answer.status, complaint(&end).as_str()), (401, NO_MATCH));
    // Who is linked signs in with either, and is the same user.
    let subject = slapd.attribute("uid=alice,ou=people,dc=example,dc=org", "entryUUID");
    ground.door.cli_text(&["connector", "link", "company", "alice", "--subject", &subject]);
    for password in [PASSWORD, THEIRS] {
        let (_, end) = ground.come("alice", password);
        assert_eq!(end.answer.status, 200, "{}", end.answer.text());
        assert_eq!(ground.tool.last().header("x-forwarded-user"), Some("alice"));
    }
}

#[test]
fn gauntlet_b4_04_disabled_here_or_disconnected_nobody_comes_in() {
    let slapd = Slapd::start(&people());
    let ground = Ground::with(&slapd, &[]);
    let (mut jar, end) = ground.come("alice", THEIRS);
    assert_eq!(end.answer.status, 200, "{}", end.answer.text());
    ground.door.cli_text(&["user", "disable", "alice"]);
    let (_, end) = ground.come("alice", THEIRS);
    assert_eq!(end.answer.status, 403, "{}", end.answer.text());
    assert!(complaint(&end).contains("disabled"));
    ground.door.cli_text(&["user", "enable", "alice"]);
    let end = ground.come_in(&mut jar, "alice", THEIRS);
    assert_eq!(end.answer.status, 200, "{}", end.answer.text());
    ground.door.cli_text(&["connector", "disable", "company"]);
    assert!(visit(&mut jar, &ground.tool_url("/x")).url.contains("/sign-in"));
    let (_, end) = ground.come("alice", THEIRS);
    assert_eq!((end.answer.status, complaint(&end).as_str()), (401, NO_MATCH));
}

#[test]
fn gauntlet_b8_06_what_the_directory_says_of_an_account_keeps_it_out() {
    let slapd = Slapd::start(&people());
    let ground = Ground::with(&slapd, &[]);
    for (name, part) in [("expired", "expired"), ("reset", "must be changed")] {
        let (_, end) = ground.come(name, "wrong");
        assert_eq!((end.answer.status, complaint(&end).as_str()), (401, NO_MATCH), "{name}");
        let (_, end) = ground.come(name, THEIRS);
        assert_eq!(end.answer.status, 403, "{name} {}", end.answer.text());
        assert!(complaint(&end).contains(part), "{name} {}", complaint(&end));
    }
    assert!(ground.refusals().contains("connector company: the account has expired there"), "{}", ground.refusals());
}

#[test]
fn groups_are_read_in_the_other_direction_and_by_names_too() {
    let slapd = Slapd::start(&people());
    let ground = Ground::with(&slapd, &["--member-of-attribute", "memberOf"]);
    assert_eq!(ground.come("alice", THEIRS).1.answer.status, 200);
    assert_eq!(ground.groups("alice"), json!(["dagster-users", "engineers", "ring-a", "ring-b"]));
    ground.door.cli_text(&["connector", "remove", "company"]);
    let posix = ["--member-attribute", "memberUid", "--member-value-attribute", "uid", "--group-nesting", "off"];
    ground.connect("company", &[slapd.url()], &posix);
    assert_eq!(ground.come("bob", THEIRS).1.answer.status, 403);
    assert_eq!(ground.groups("bob"), json!(["posix"]));
    ground.door.cli_text(&["connector", "remove", "company"]);
    ground.connect("other", &[slapd.url()], &["--group-nesting", "off"]);
    ground.door.cli_text(&["user", "delete", "alice"]);
    assert_eq!(ground.come("alice", THEIRS).1.answer.status, 403);
    assert_eq!(ground.groups("alice"), json!(["engineers", "ring-a"]));
}

#[test]
fn passwords_travel_by_tls_to_the_server_an_authority_vouches_for() {
    let slapd = Slapd::start(&people());
    let ground = Ground::new(doorward_testkit::peers::SLAPD_READER.1);
    let file = shown(&slapd.authority().certificate());
    ground.connect("company", &[slapd.tls_url()], &["--ca-file", &file]);
    assert_eq!(ground.come("alice", THEIRS).1.answer.status, 200);
    ground.door.cli_text(&["connector", "remove", "company"]);
    ground.door.cli_text(&["user", "delete", "alice"]);
    ground.connect("company", &[slapd.url()], &["--ca-file", &file, "--start-tls"]);
    assert_eq!(ground.come("alice", THEIRS).1.answer.status, 200);
    let clear = ["connector", "add", "ldap", "clear", "--server-url", "ldap://dc1.example.org"];
    let refused = ground.door.cli(&[&clear[..], &["--user-search-base", "dc=example,dc=org"]].concat());
    let complaint = doorward_tests::complaint(&refused);
    assert!(!refused.status.success() && complaint.contains("in clear"), "{complaint}");
}
