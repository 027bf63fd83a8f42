//! Passwords of a directory, changed on the account page here.

use crate::ground::{Ground, THEIRS, complaint, people, shown, visit};
use crate::scripted::{BIND, server_that_hangs_up};
use doorward_testkit::http::Request;
use doorward_testkit::jar::{Hop, Jar};
use doorward_testkit::peers::{SAMBA_READER, SLAPD_READER, Samba, Slapd};
use doorward_tests::{PASSWORD, field, user};

const NEW: &str = "another password of the directory";

/// Fills in the form on the account page.
fn change(ground: &Ground, jar: &mut Jar, (current, wanted): (&str, &str)) -> Hop {
    let account = format!("{}/realms/main/account", ground.door.url());
    let page = visit(jar, &account).answer.text();
    let csrf = field(&page, "csrf");
    let mut form = vec![("csrf", csrf.as_str()), ("current_password", current)];
    form.extend([("new_password", wanted), ("new_password_repeat", wanted)]);
    let asked = Request::new("POST", &format!("{account}/password")).header("Accept", "text/html").form(&form);
    jar.follow(asked).pop().expect("a hop")
}

#[test]
fn a_password_is_changed_where_it_is_kept_and_what_rested_on_the_old_one_is_over() {
    let mut slapd = Slapd::start(&people());
    let ground = Ground::with(&slapd, &["--change-passwords"]);
    let (mut here, end) = ground.come("alice", THEIRS);
    assert_eq!(end.answer.status, 200, "{}", end.answer.text());
    let (mut elsewhere, _) = ground.come("alice", THEIRS);
    let end = change(&ground, &mut here, ("wrong", NEW));
    assert_eq!(end.answer.status, 403, "{}", end.answer.text());
    assert!(complaint(&end).contains("not the one you have at company"), "{}", complaint(&end));
    assert_eq!(visit(&mut elsewhere, &ground.tool_url("/x")).answer.status, 200);
    // Too short by the rule that holds here: nothing is asked.
    assert_eq!(change(&ground, &mut here, (THEIRS, "short")).answer.status, 400);
    let end = change(&ground, &mut here, (THEIRS, NEW));
    assert_eq!(end.answer.status, 200, "{}", end.answer.text());
    assert!(end.answer.text().contains("Your password at company is changed"), "{}", end.answer.text());
    assert_eq!(visit(&mut here, &ground.tool_url("/x")).answer.status, 200);
    assert!(visit(&mut elsewhere, &ground.tool_url("/x")).url.contains("/sign-in"));
    assert_eq!(ground.come("alice", THEIRS).1.answer.status, 401);
    assert_eq!(ground.come("alice", NEW).1.answer.status, 200);
    let told = ground.door.cli_text(&["events", "--kind", "password_changed", "--output", "json"]);
    assert!(told.contains("user alice") && !told.contains(NEW) && !ground.door.process.log().contains(NEW), "{told}");
    // Away, it is not changed, and guesses count as everywhere.
    slapd.process.stop();
    assert_eq!(change(&ground, &mut here, (NEW, THEIRS)).answer.status, 503);
    slapd.restart();
    std::thread::sleep(std::time::Duration::from_secs(6));
    let statuses: Vec<_> = (0..12).map(|_| change(&ground, &mut here, ("wrong", THEIRS)).answer.status).collect();
    assert!(statuses.contains(&429) && statuses[0] == 403, "{statuses:?}");
}

#[test]
fn only_who_came_by_the_directory_changes_its_password_and_only_where_that_was_said() {
    let slapd = Slapd::start(&people());
    let ground = Ground::with(&slapd, &[]);
    let (mut jar, _) = ground.come("alice", THEIRS);
    assert_eq!(change(&ground, &mut jar, (THEIRS, NEW)).answer.status, 403, "nobody has said so");
    assert_eq!(ground.come("alice", THEIRS).1.answer.status, 200);
    ground.door.cli_text(&["connector", "update", "company", "--set", "ldap.change_passwords=true"]);
    // Somebody linked who came by the password kept here changes that one.
    user(&ground.door, "bob");
    let subject = slapd.attribute("uid=bob,ou=people,dc=example,dc=org", "entryUUID");
    ground.door.cli_text(&["connector", "link", "company", "bob", "--subject", &subject]);
    ground.door.cli_text(&["group", "add-member", "dagster-users", "bob"]);
    let (mut jar, end) = ground.come("bob", PASSWORD);
    assert_eq!(end.answer.status, 200, "{}", end.answer.text());
    assert_eq!(change(&ground, &mut jar, (PASSWORD, NEW)).answer.status, 200);
    assert_eq!(ground.come("bob", NEW).1.answer.status, 200);
    assert_eq!(ground.come("bob", THEIRS).1.answer.status, 200, "theirs is as it was");
    // Nobody changes another's: what counts is whom the session is linked with, and no name that is typed.
    let (mut jar, _) = ground.come("bob", THEIRS);
    assert_eq!(change(&ground, &mut jar, (THEIRS, "a third password of the directory")).answer.status, 200);
    assert_eq!(ground.come("alice", THEIRS).1.answer.status, 200);
}

#[test]
fn people_of_a_domain_change_theirs_by_its_own_rules() {
    let domain = Samba::shared();
    domain.tool(&["user", "create", "renee", "Renee-pw1 of the domain"]);
    domain.tool(&["domain", "passwordsettings", "set", "--min-pwd-age=0", "--complexity=on"]);
    let ground = Ground::new(SAMBA_READER.1);
    let (url, file) = (domain.tls_url(), shown(&domain.authority().certificate()));
    let mut all = vec!["identity", "add-connector", "ad", "domain", "--bind-dn", SAMBA_READER.0, "--server-url", &url];
    all.extend(["--bind-password-ref", "env:DIRECTORY_PASSWORD", "--ca-file", &file, "--change-passwords"]);
    all.extend(["--user-search-base", "DC=ad,DC=example,DC=test"]);
    ground.door.cli_text(&all);
    ground.door.cli_text(&["group", "create", "kept"]);
    let (mut jar, end) = ground.come("renee", "Renee-pw1 of the domain");
    assert_eq!(end.answer.status, 403, "in, without the group: {}", end.answer.text());
    let end = change(&ground, &mut jar, ("Renee-pw1 of the domain", "simplesimplesimple"));
    assert_eq!(end.answer.status, 400, "{}", end.answer.text());
    assert!(complaint(&end).contains("domain does not take the new password"), "{}", complaint(&end));
    let end = change(&ground, &mut jar, ("Renee-pw9 of the domain", "Renee-pw2 of the domain ü"));
    assert_eq!(end.answer.status, 403, "{}", end.answer.text());
    let end = change(&ground, &mut jar, ("Renee-pw1 of the domain", "Renee-pw2 of the domain ü"));
    assert_eq!(end.answer.status, 200, "{}", end.answer.text());
    assert_eq!(ground.come("renee", "Renee-pw2 of the domain ü").1.answer.status, 403);
    let refused = ground.come("renee", "Renee-pw9 of the domain").1.answer.status;
    assert_eq!(refused, 401);
}

#[test]
fn an_answer_that_is_lost_ends_what_rested_on_the_old_password_and_frees_no_guess() {
    let (url, hangs) = server_that_hangs_up();
    let ground = Ground::new(SLAPD_READER.1);
    let words = ["connector", "add", "ldap", "company", "--server-url", &url, "--user-search-base", "dc=x"];
    ground.door.cli_text(&[&words[..], &["--change-passwords"]].concat());
    ground.door.cli_text(&["group", "create", "kept"]);
    let come = || {
        let (jar, end) = ground.come("alice", THEIRS);
        assert_eq!(end.answer.status, 403, "in, without the group: {}", end.answer.text());
        jar
    };
    let (mut here, mut elsewhere) = (come(), come());
    let account = format!("{}/realms/main/account", ground.door.url());
    // The new one was sent, and may count.
    hangs.at(NEW_PASSWORD);
    let end = change(&ground, &mut here, (THEIRS, NEW));
    assert_eq!(end.answer.status, 503, "{}", end.answer.text());
    assert!(complaint(&end).contains("has not said whether your password is changed"), "{}", complaint(&end));
    assert_eq!(visit(&mut here, &account).answer.status, 200);
    assert!(visit(&mut elsewhere, &account).url.contains("/sign-in"));
    // So was a guess, and may have been right.
    hangs.at(BIND);
    let statuses: Vec<_> = (0..12).map(|_| change(&ground, &mut here, ("a guess", NEW)).answer.status).collect();
    assert!(statuses[0] == 503 && statuses.contains(&429), "{statuses:?}");
}

const NEW_PASSWORD: u8 = 0x77;
