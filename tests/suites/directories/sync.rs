//! A whole directory taken over: who is new, whose groups changed, who is gone, and when nobody is shut out.

use crate::ground::{Ground, THEIRS, group, people, person, visit};
use doorward_testkit::http::Request;
use doorward_testkit::limits::BROWSER_WAIT;
use doorward_testkit::peers::{Dagster, Postgres, SAMBA_READER, SLAPD_READER, Samba, Slapd};
use doorward_testkit::process::wait_until;
use doorward_testkit::webdriver::Browser;
use doorward_tests::behind::{Through, put_behind};
use serde_json::{Value, json};
use std::time::Duration;

fn sync(ground: &Ground, words: &[&str]) -> Value {
    let told = ground.door.cli_text(&[&["connector", "sync", "company", "--output", "json"][..], words].concat());
    serde_json::from_str(&told).unwrap_or_else(|error| panic!("{error}: {told}"))
}

fn is_active(ground: &Ground, name: &str) -> bool {
    let told = ground.door.cli_text(&["user", "show", name, "--output", "json"]);
    serde_json::from_str::<Value>(&told).expect("JSON")["active"] == json!(true)
}

fn remove(slapd: &Slapd, name: &str) {
    slapd.modify(&format!("dn: uid={name},ou=people,dc=example,dc=org\nchangetype: delete\n"));
}

#[test]
fn a_directory_is_taken_over_and_what_changed_there_changes_here() {
    let slapd = Slapd::start(&people());
    let ground = Ground::with(&slapd, &["--page-size", "2"]);
    let told = sync(&ground, &[]);
    // Two of the four are let in nowhere by the directory.
    assert_eq!((&told["read"], &told["created"], &told["removed"]), (&json!(4), &json!(2), &json!(0)), "{told:#}");
    assert_eq!(ground.groups("alice"), json!(["dagster-users", "engineers", "ring-a", "ring-b"]));
    assert_eq!(sync(&ground, &[])["created"], json!(0));
    let (mut alice, end) = ground.come("alice", THEIRS);
    assert_eq!(end.answer.status, 200, "{}", end.answer.text());
    // Another group, without a sign-in.
    slapd.modify(
        "dn: cn=engineers,ou=groups,dc=example,dc=org\nchangetype: modify\nreplace: member\n\
         member: uid=bob,ou=people,dc=example,dc=org\n",
    );
    assert_eq!(sync(&ground, &[])["regrouped"], json!(2));
    assert_eq!(visit(&mut alice, &ground.tool_url("/x")).answer.status, 403);
    let (mut bob, end) = ground.come("bob", THEIRS);
    assert_eq!(end.answer.status, 200, "{}", end.answer.text());
    // Renamed there, the same person here.
    slapd
        .modify("dn: uid=alice,ou=people,dc=example,dc=org\nchangetype: modrdn\nnewrdn: uid=alicia\ndeleteoldrdn: 1\n");
    let told = sync(&ground, &[]);
    assert_eq!((&told["created"], &told["removed"]), (&json!(0), &json!(0)), "{told:#}");
    // Gone, and out at once.
    remove(&slapd, "bob");
    assert_eq!(sync(&ground, &[])["removed"], json!(1));
    assert!(visit(&mut bob, &ground.tool_url("/x")).url.contains("/sign-in"));
    assert!(!is_active(&ground, "bob"));
    assert_eq!(ground.groups("bob"), json!([]));
    assert_eq!(sync(&ground, &[])["removed"], json!(0));
    // Disabled there is as good as gone, and comes back with the next reading, or by signing in.
    slapd
        .modify("dn: uid=alicia,ou=people,dc=example,dc=org\nchangetype: modify\nadd: shadowExpire\nshadowExpire: 1\n");
    let refused = doorward_tests::complaint(&ground.door.cli(&["connector", "sync", "company"]));
    assert!(refused.contains("1 person is not in the directory any more"), "the last one is everybody: {refused}");
    assert_eq!(sync(&ground, &["--confirm-removals"])["removed"], json!(1));
    assert!(!is_active(&ground, "alice"));
    slapd.modify("dn: uid=alicia,ou=people,dc=example,dc=org\nchangetype: modify\ndelete: shadowExpire\n");
    assert_eq!(ground.come("alicia", THEIRS).1.answer.status, 403, "without the group, but as somebody");
    assert!(is_active(&ground, "alice"));
    // Who was disabled here stays so, whatever the directory says.
    ground.door.cli_text(&["user", "disable", "alice"]);
    assert_eq!(sync(&ground, &[])["back"], json!(0));
    assert!(!is_active(&ground, "alice"));
}

#[test]
fn gauntlet_b8_08_nobody_is_shut_out_by_half_a_reading_or_by_mistake() {
    let crowd: String = (0..40).map(|number| person(&format!("p{number}"), "")).collect();
    let mut slapd = Slapd::start(&crowd);
    let ground = Ground::with(&slapd, &["--page-size", "10"]);
    assert_eq!(sync(&ground, &[])["created"], json!(40));
    // Few may go without anybody being asked.
    remove(&slapd, "p0");
    assert_eq!(sync(&ground, &[])["removed"], json!(1));
    // Many may not.
    for number in 1..10 {
        remove(&slapd, &format!("p{number}"));
    }
    let refused = doorward_tests::complaint(&ground.door.cli(&["connector", "sync", "company"]));
    assert!(
        refused.contains("9 people are not in the directory any more") && refused.contains("--confirm-removals"),
        "{refused}"
    );
    assert!(is_active(&ground, "p1"));
    // A filter that finds nobody is such a mistake too.
    let change = ["connector", "update", "company", "--set", "ldap.users.filter=(&(uid={name})(sn=nobody))"];
    ground.door.cli_text(&change);
    assert!(!ground.door.cli(&["connector", "sync", "company"]).status.success());
    ground.door.cli_text(&["connector", "update", "company", "--unset", "ldap.users.filter"]);
    assert!(is_active(&ground, "p1") && is_active(&ground, "p39"));
    // A server that goes away is no reason.
    slapd.process.stop();
    assert!(!ground.door.cli(&["connector", "sync", "company", "--confirm-removals"]).status.success());
    slapd.restart();
    assert!(is_active(&ground, "p1"));
    let told = sync(&ground, &["--confirm-removals"]);
    assert_eq!((&told["removed"], &told["held_back"]), (&json!(9), &json!(0)), "{told:#}");
    assert!(!is_active(&ground, "p1") && is_active(&ground, "p39"));
}

#[test]
fn users_of_doorwards_own_are_in_nobodys_hands_but_their_own() {
    let slapd = Slapd::start(&people());
    let ground = Ground::with(&slapd, &[]);
    doorward_tests::user(&ground.door, "alice");
    let told = sync(&ground, &[]);
    assert_eq!((&told["created"], &told["passed_over"]), (&json!(1), &json!(1)), "{told:#}");
    assert_eq!(ground.groups("alice"), json!([]));
    let subject = slapd.attribute("uid=alice,ou=people,dc=example,dc=org", "entryUUID");
    ground.door.cli_text(&["connector", "link", "company", "alice", "--subject", &subject]);
    assert_eq!(sync(&ground, &[])["regrouped"], json!(1));
    // Gone there, she keeps what is her own.
    remove(&slapd, "alice");
    assert_eq!(sync(&ground, &[])["removed"], json!(1));
    assert!(is_active(&ground, "alice"));
    assert_eq!(ground.groups("alice"), json!([]));
}

#[test]
fn a_server_reads_its_directories_by_itself_on_postgresql_too() {
    let postgres = Postgres::start();
    postgres.create_database("directory");
    let slapd = Slapd::start(&people());
    let ground = Ground::on(SLAPD_READER.1, Some(postgres.url("directory")));
    ground.connect("company", &[slapd.url()], &["--sync-every", "1"]);
    let is_there = || ground.door.cli(&["user", "show", "alice"]).status.success();
    wait_until("the first reading", Duration::from_secs(40), is_there);
    assert_eq!(ground.groups("alice"), json!(["dagster-users", "engineers", "ring-a", "ring-b"]));
    let crowd: String = (0..300).map(|number| person(&format!("q{number}"), "")).collect();
    let names: Vec<String> = (0..300).map(|number| format!("q{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    slapd.add(&[crowd, group("crowd", &names)].concat());
    let told = sync(&ground, &[]);
    assert_eq!(told["created"], json!(300), "{told:#}");
    assert_eq!(ground.groups("q299"), json!(["crowd"]));
}

#[test]
fn a_domain_is_taken_over_with_groups_around_groups() {
    let domain = Samba::shared();
    let ground = Ground::new(SAMBA_READER.1);
    let (url, file) = (domain.tls_url(), domain.authority().certificate().display().to_string());
    let mut all = vec!["identity", "add-connector", "ad", "company", "--bind-dn", SAMBA_READER.0, "--server-url", &url];
    all.extend(["--bind-password-ref", "env:DIRECTORY_PASSWORD", "--ca-file", &file]);
    all.extend(["--user-search-base", "DC=ad,DC=example,DC=test", "--group-search-base", "DC=ad,DC=example,DC=test"]);
    ground.door.cli_text(&all);
    let told = sync(&ground, &[]);
    assert!(told["created"].as_i64().is_some_and(|count| count >= 5), "{told:#}");
    assert_eq!(ground.groups("alice"), json!(["Domain Users", "Users", "all-staff", "eng", "platform"]));
    assert_eq!(ground.groups("bob"), json!(["Domain Users", "Users", "ring-a", "ring-b"]));
    for barred in ["carol", "dave", "mustchange"] {
        assert!(!ground.door.cli(&["user", "show", barred]).status.success(), "{barred}");
    }
    // The same people as at the door.
    assert_eq!(ground.come("bob", "Bob-pw1").1.answer.status, 403);
    assert_eq!(sync(&ground, &[])["created"], json!(0));
}

#[test]
fn a_group_that_changes_there_opens_and_shuts_a_real_dagster_at_the_next_reading() {
    let slapd = Slapd::start(&people());
    let ground = Ground::with(&slapd, &[]);
    let dagster = Dagster::start();
    let behind = put_behind(&ground.door, Through::BuiltIn, "dagster", dagster.port());
    let browser = Browser::start();
    let sign_in = |name: &str| {
        browser.goto(&format!("{}/runs", behind.url));
        browser.wait_for("input[name=login]", BROWSER_WAIT);
        browser.fill("input[name=login]", name);
        browser.fill("input[name=password]", THEIRS);
        browser.press_on("form button");
    };
    let members = |all: &[&str]| {
        let all: String = all.iter().map(|name| format!("member: uid={name},ou=people,dc=example,dc=org\n")).collect();
        let group = "dn: cn=dagster-users,ou=groups,dc=example,dc=org\nchangetype: modify\nreplace: member\n";
        slapd.modify(&format!("{group}{all}"));
    };
    let is_at_dagster = format!("return location.hostname === '{}' && document.title.includes('Run')", behind.host);
    // Bob is in no group: he reads which one is missing, and after the next reading the same page is Dagster's.
    sign_in("bob");
    browser.wait_for_text("dagster-users");
    members(&["alice", "bob"]);
    sync(&ground, &[]);
    browser.goto(&format!("{}/runs", behind.url));
    browser.wait_until_js(&is_at_dagster, BROWSER_WAIT);
    // And shut again, without a sign-in between.
    members(&["alice"]);
    assert_eq!(sync(&ground, &[])["regrouped"], json!(1));
    browser.refresh();
    browser.wait_for_text("dagster-users");
}

#[test]
fn whoever_is_to_stay_out_stays_out_when_the_directory_has_them_again() {
    let slapd = Slapd::start(&people());
    let ground = Ground::with(&slapd, &[]);
    sync(&ground, &[]);
    let shadow = |name: &str, how: &str| {
        slapd.modify(&format!(
            "dn: uid={name},ou=people,dc=example,dc=org\nchangetype: modify\n{how}: shadowExpire\nshadowExpire: 1\n"
        ));
    };
    for name in ["alice", "bob"] {
        shadow(name, "add");
    }
    assert_eq!(sync(&ground, &["--confirm-removals"])["removed"], json!(2));
    // Said in a file of one, and by the admin API of the other, while both are out already.
    let file = ground.door.scratch().join("alice.yaml");
    std::fs::write(&file, "kind: User\nname: alice\nactive: false\n").expect("a file");
    let path = file.display().to_string();
    let plan = ground.door.cli(&["apply", "-f", &path, "--plan"]);
    let told = String::from_utf8_lossy(&plan.stdout).into_owned();
    assert!(told.contains("active: false until a directory has them again → false"), "{told}");
    ground.door.cli_text(&["apply", "-f", &path]);
    assert_eq!(ground.door.cli(&["apply", "-f", &path, "--plan"]).status.code(), Some(0), "said once");
    let id = serde_json::from_str::<Value>(&ground.door.cli_text(&["user", "show", "bob", "--output", "json"]))
        .expect("JSON")["id"]
        .clone();
    let answer = admin(&ground, "PUT", &format!("/users/{}", id.as_str().expect("an id")), &json!({"enabled": false}));
    assert_eq!(answer, 204);
    for name in ["alice", "bob"] {
        shadow(name, "delete");
    }
    assert_eq!(sync(&ground, &[])["back"], json!(2));
    assert!(!is_active(&ground, "alice") && !is_active(&ground, "bob"));
}

/// A call of the admin API, by somebody who may do everything.
fn admin(ground: &Ground, method: &str, path: &str, body: &Value) -> u16 {
    let told = ground.door.cli_text(&["client", "create", "terraform", "--service", "--output", "json"]);
    let secret = serde_json::from_str::<Value>(&told).expect("JSON")["client_secret"].clone();
    ground.door.cli(&["role", "create", "doorward-admin"]);
    ground.door.cli_text(&["role", "assign", "doorward-admin", "--service", "terraform"]);
    let url = format!("{}/realms/main/protocol/openid-connect/token", ground.door.url());
    let secret = secret.as_str().expect("a secret");
    let form = [("grant_type", "client_credentials"), ("client_id", "terraform"), ("client_secret", secret)];
    let token = Request::new("POST", &url).form(&form).send().json()["access_token"].clone();
    let token = token.as_str().expect("a token").to_owned();
    let url = format!("{}/admin/realms/main{path}", ground.door.url());
    Request::new(method, &url).header("Authorization", format!("Bearer {token}")).json(body).send().status
}
