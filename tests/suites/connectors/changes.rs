//! What becomes of people when a connector is changed, by command or by file.

use crate::ground::{Ground, people, person, visit};
use doorward_testkit::door::{Door, DoorOptions};
use doorward_testkit::jar::Jar;
use doorward_testkit::peers::UPSTREAM_CLIENT;
use doorward_tests::user;
use serde_json::{Value, json};

#[test]
fn what_a_changed_connector_said_before_counts_no_longer() {
    let ground = Ground::new(&[]);
    let update = |words: &[&str]| {
        let output = ground.door.cli(&[&["connector", "update", "company"], words].concat());
        (output.status.code(), String::from_utf8_lossy(&output.stderr).trim().to_owned())
    };
    let (mut jar, end) = ground.come("ada");
    assert_eq!(end.answer.status, 200, "{}", end.answer.text());
    assert_eq!(update(&["--set", "title=The company"]).1, "Changed connector company.");
    assert_eq!(visit(&mut jar, &ground.tool_url("/again")).answer.status, 200);
    let told = update(&["--set", "group_rules.same_name=false", "--set", "group_rules.map.everybody=dagster-users"]);
    assert_eq!(told.1, "Changed connector company; 1 session that began there ended.");
    assert_eq!(ground.groups("ada"), json!([]));
    let page = visit(&mut jar, &ground.tool_url("/again"));
    assert!(page.answer.text().contains("<bdi>The company</bdi>"), "{}", page.answer.text());
    // By the new rules everybody of the company is in.
    assert_eq!(ground.come("bob").1.answer.status, 200);
    assert_eq!(ground.groups("bob"), json!(["dagster-users"]));
    let (code, complaint) = update(&["--set", "oidc.clientId=x"]);
    assert_eq!(code, Some(7), "{complaint}");
    assert!(complaint.contains("did you mean client_id?"), "{complaint}");
}

#[test]
fn a_corrected_address_counts_for_the_very_next_visitor() {
    let ground = Ground::new(&[]);
    let update = |issuer: &str| {
        ground.door.cli_text(&["connector", "update", "company", "--set", &format!("oidc.issuer={issuer}")])
    };
    let (right, wrong) = (ground.company.url(""), ground.company.url("/nowhere"));
    let reaches = || ground.leave(&mut Jar::new()).url.starts_with(&right);
    // Twice: what went wrong is remembered for a while, and what went well too.
    for _ in 0..2 {
        assert!(reaches());
        update(&wrong);
        assert!(!reaches());
        update(&right);
    }
    assert!(reaches());
}

#[test]
fn an_address_that_is_proved_from_now_on_comes_with_the_next_sign_in() {
    let ground = Ground::new(&[]);
    let mut unproved = people();
    for name in ["ada", "bob"] {
        unproved[name]["email_verified"] = json!(false);
    }
    ground.company.say(&unproved);
    let address = |name: &str| {
        let told = ground.door.cli_text(&["user", "show", name, "--output", "json"]);
        let user: Value = serde_json::from_str(&told).expect("JSON");
        (user["email"].clone(), user["email_verified"].clone())
    };
    // Twice: neither the first nor a later sign-in brings what nobody has proved.
    for name in ["ada", "bob", "ada"] {
        ground.come(name);
        assert_eq!(address(name), (Value::Null, json!(false)));
    }
    // An address is one person's: whoever has it already keeps it.
    user(&ground.door, "carol");
    ground.door.cli_text(&["user", "update", "carol", "--email", "bob@example.com"]);
    let proved = ["--set", "oidc.addresses_are_proved=true", "--set", "linking.domains=example.com"];
    ground.door.cli_text(&[&["connector", "update", "company"][..], &proved].concat());
    for name in ["ada", "bob"] {
        ground.come(name);
    }
    assert_eq!(address("ada"), (json!("ada@example.com"), json!(true)));
    assert_eq!(address("bob"), (Value::Null, json!(false)));
    // What stands there stays.
    unproved["ada"]["email"] = json!("lovelace@example.com");
    ground.company.say(&unproved);
    ground.come("ada");
    assert_eq!(address("ada"), (json!("ada@example.com"), json!(true)));
}

#[test]
fn who_is_on_the_way_while_a_connector_changes_begins_again() {
    let ground = Ground::new(&[]);
    let mut jar = Jar::new();
    let page = ground.leave(&mut jar);
    let back = ground.bring_back(&mut jar, &page, "ada");
    ground.door.cli_text(&["connector", "update", "company", "--set", "group_rules.same_name=false"]);
    let end = visit(&mut jar, &back);
    assert_eq!(end.answer.status, 410, "{}", end.answer.text());
    assert!(ground.door.cli_text(&["user", "list"]).lines().all(|line| !line.starts_with("ada")));
}

#[test]
fn a_connector_is_declared_in_a_file() {
    let ground = Ground::new(&[]);
    let file = ground.door.scratch().join("company.yaml");
    let text = format!(
        "kind: Connector\nname: company\ntitle: Declared\noidc:\n  issuer: {}\n  client_id: {}\n  secret_from: \
         env:COMPANY_SECRET\n  scopes: [profile, email, groups]\n",
        ground.company.url(""),
        UPSTREAM_CLIENT.0,
    );
    std::fs::write(&file, &text).expect("a file");
    let path = file.to_str().expect("a path");
    let apply = |more: &[&str]| {
        let output = ground.door.cli(&[&["apply", "-f", path], more].concat());
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, plan) = apply(&["--plan"]);
    assert_eq!(code, Some(2), "{plan}");
    assert!(plan.contains("~ connector main/company: title: none → \"Declared\""), "{plan}");
    assert_eq!(apply(&[]).0, Some(0));
    assert_eq!(apply(&["--plan"]).0, Some(0));
    let mut jar = Jar::new();
    let page = visit(&mut jar, &ground.tool_url("/x"));
    assert!(page.answer.text().contains("<bdi>Declared</bdi>"), "{}", page.answer.text());
    assert_eq!(ground.come("ada").1.answer.status, 200);
    // Disabled by hand stays disabled, unless the file says something of it.
    ground.door.cli_text(&["connector", "disable", "company"]);
    assert_eq!(apply(&["--plan"]).0, Some(0));
    std::fs::write(&file, format!("{text}active: true\n")).expect("a file");
    assert_eq!(apply(&[]).0, Some(0));
    assert_eq!(ground.come("ada").1.answer.status, 200);
    ground.door.cli_text(&["connector", "remove", "company"]);
    assert_eq!(apply(&[]).0, Some(0));
    assert_eq!(ground.come("bob").1.answer.status, 403);
}

#[test]
fn a_plan_tells_which_sessions_and_links_would_go_and_nothing_goes() {
    let ground = Ground::new(&[]);
    let (mut jar, end) = ground.come("ada");
    assert_eq!(end.answer.status, 200, "{}", end.answer.text());
    let plan = |words: &[&str]| {
        let ended = ground.door.cli(words);
        assert_eq!(ended.status.code(), Some(2), "{ended:?}");
        String::from_utf8_lossy(&ended.stdout).into_owned()
    };
    let update = |set: &str| plan(&["connector", "update", "company", "--plan", "--set", set]);
    let told = update("oidc.scopes=profile,groups");
    assert!(told.starts_with("~ connector main/company: oidc.scopes: "), "{told}");
    assert!(told.ends_with("; ends 1 session\n0 to add, 1 to change, 0 to remove.\n"), "{told}");
    let told = update("title=Renamed");
    assert!(told.starts_with("~ connector main/company: title: ") && !told.contains("ends"), "{told}");
    let told = update("oidc.issuer=https://other.example.com");
    assert!(told.contains("; ends 1 session, leaves 1 link to the issuer that was\n"), "{told}");
    let told = plan(&["connector", "remove", "company", "--plan"]);
    let line = "- connector main/company: ends 1 session, forgets 1 link\n0 to add, 0 to change, 1 to remove.\n";
    assert_eq!(told, line);
    let told = plan(&["connector", "remove", "company", "--plan", "--output", "json"]);
    let told: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!(told["steps"][0]["ends"], json!({"sessions": 1, "links": 1, "idle": 0, "secret": false}), "{told:#}");
    let already = ground.door.cli(&["connector", "update", "company", "--plan", "--unset", "title"]);
    assert_eq!(already.status.code(), Some(0), "{already:?}");
    // What would be refused is refused.
    let refused = ground.door.cli(&["connector", "update", "company", "--plan", "--set", "oidc.claims.subject=oid"]);
    assert!(doorward_tests::complaint(&refused).contains("people are linked"), "{refused:?}");
    let file = ground.door.scratch().join("company.yaml");
    let issuer = ground.company.url("");
    let text = format!("kind: Connector\nname: company\noidc:\n  issuer: {issuer}\n  client_id: another\n");
    std::fs::write(&file, &text).expect("a file");
    let path = file.to_str().expect("a path");
    assert!(plan(&["apply", "--plan", "-f", path]).contains("; ends 1 session\n"));
    // All of it was taken back.
    assert_eq!(visit(&mut jar, &ground.tool_url("/again")).answer.status, 200);
    assert!(ground.door.cli_text(&["connector", "links", "company"]).contains("ada"));
    // And when it is done it is told as it was planned.
    assert!(ground.door.cli_text(&["apply", "-f", path]).contains("; ends 1 session\n"));
    let removed = ground.door.cli(&["connector", "remove", "company"]);
    let said = String::from_utf8_lossy(&removed.stderr).into_owned();
    assert!(said.contains("Removed connector company; 0 sessions ended, 1 link forgotten, its users stay."), "{said}");
}

#[test]
fn whom_the_server_calls_counts_and_not_what_a_command_sees() {
    let warned = |allowed: &[&str]| {
        let mut options = DoorOptions::up();
        options.arguments.extend(allowed.iter().map(|word| (*word).to_owned()));
        let door = Door::start(options);
        let words = ["connector", "add", "oidc", "here", "--issuer", "http://127.0.0.1:9", "--client-id", "x"];
        let ended = door.cli(&words);
        assert!(ended.status.success(), "{ended:?}");
        String::from_utf8_lossy(&ended.stderr).contains("start the server with --outbound-allow 127.0.0.1")
    };
    assert!(warned(&[]));
    assert!(!warned(&["--outbound-allow", "127.0.0.0/8"]));
}

#[test]
fn a_connector_is_tried_out_and_nothing_comes_of_it() {
    let ground = Ground::new(&["--group", "0b1c=dagster-users", "--groups-prefix", "corp-"]);
    ground.door.cli_text(&["group", "create", "admins"]);
    ground.door.cli(&["role", "create", "doorward-admin"]);
    ground.door.cli_text(&["role", "assign", "doorward-admin", "--group", "admins"]);
    let test = |more: &[&str]| ground.door.cli(&[&["connector", "test", "company", "--output", "json"], more].concat());
    let told = |output: &std::process::Output| -> Value {
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    };
    let asked = told(&test(&[]));
    assert_eq!(asked["token_endpoint"], json!(ground.company.url("/token")));
    assert!(asked["keys"].as_u64() > Some(0), "{asked}");
    assert_eq!(asked["client"], "the provider takes it for what it is");
    let file = ground.door.scratch().join("claims.json");
    let path = file.to_str().expect("a path");
    let tried = |claims: &Value| {
        std::fs::write(&file, claims.to_string()).expect("a file");
        told(&test(&["--claims", path]))
    };
    let mut dora = person("company-7", "dora", &["0b1c", "corp-ops", "corp-admins", "other"]);
    let found = tried(&dora);
    assert_eq!(found["would_be"], "a new user dora");
    assert_eq!(found["groups"], json!(["dagster-users", "ops"]));
    let passed_over = json!(["other: it lacks the prefix", "admins: it administers, and no rule names it"]);
    assert_eq!(found["passed_over"], passed_over);
    user(&ground.door, "dora");
    assert!(tried(&dora)["would_be"].as_str().is_some_and(|words| words.starts_with("nobody: a user with the same")));
    ground.door.cli_text(&["connector", "link", "company", "dora", "--subject", "company-7"]);
    assert_eq!(tried(&dora)["would_be"], "user dora, who is linked");
    ground.door.cli_text(&["user", "disable", "dora"]);
    assert_eq!(tried(&dora)["would_be"], "nobody: user dora is disabled");
    // What a sign-in would refuse is refused here, in the same words.
    dora["groups"] = json!(7);
    std::fs::write(&file, dora.to_string()).expect("a file");
    assert!(String::from_utf8_lossy(&test(&["--claims", path]).stderr).contains("claim groups"));
    assert_eq!(ground.groups("dora"), json!([]));
    assert!(!ground.door.cli_text(&["group", "list"]).contains("ops"));
    // A provider that is not there.
    ground.door.cli_text(&["connector", "add", "oidc", "gone", "--issuer", "http://127.0.0.1:9", "--client-id", "x"]);
    let gone = ground.door.cli(&["connector", "test", "gone"]);
    assert!(String::from_utf8_lossy(&gone.stderr).contains("the provider cannot be asked"), "{gone:?}");
}

#[test]
fn trying_out_tells_all_that_is_wrong_and_changes_are_on_record_by_name() {
    let ground = Ground::new(&[]);
    let update = |words: &[&str]| ground.door.cli(&[&["connector", "update", "company"], words].concat());
    let test = || {
        let ran = ground.door.cli(&["connector", "test", "company"]);
        (ran.status.success(), String::from_utf8_lossy(&ran.stderr).into_owned())
    };
    assert!(test().0, "{:?}", test());
    // Another client than the provider knows.
    assert!(update(&["--set", "oidc.client_id=nobody"]).status.success());
    let (is_good, said) = test();
    assert!(!is_good && said.contains("does not take Doorward for this client (invalid_client"), "{said}");
    assert!(update(&["--set", &format!("oidc.client_id={}", UPSTREAM_CLIENT.0)]).status.success());
    // A secret where a key belongs.
    assert!(update(&["--set", "oidc.client_auth=private_key_jwt"]).status.success());
    let (is_good, said) = test();
    assert!(!is_good && said.contains("a secret cannot be used"), "{said}");
    assert!(!said.contains(UPSTREAM_CLIENT.1), "{said}");
    let key = ground.door.scratch().join("key.pem");
    let made = std::process::Command::new("openssl")
        .args(["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out"])
        .arg(&key)
        .output()
        .expect("openssl runs");
    assert!(made.status.success(), "{made:?}");
    let reference = format!("oidc.secret_from=file:{}", key.display());
    assert!(update(&["--set", &reference]).status.success());
    // A key can be used, and is none the provider knows.
    let (is_good, said) = test();
    assert!(!is_good && said.contains("does not take Doorward for this client"), "{said}");
    // A provider that is away, and a key that is not there: both, by number.
    std::fs::remove_file(&key).expect("the key was there");
    assert!(update(&["--set", "oidc.issuer=http://127.0.0.1:9"]).status.success());
    let (_, said) = test();
    assert!(said.contains("2 things are wrong: (1) the provider cannot be asked"), "{said}");
    assert!(said.contains("(2) a secret cannot be used"), "{said}");
    // The record names fields and no values; twice the same is no fault.
    assert!(update(&["--unset", "title"]).status.success());
    let shown = ground.door.cli_text(&["connector", "show", "company", "--output", "table"]);
    assert!(shown.contains("oidc.issuer") && !shown.contains("oidc: ("), "{shown}");
    user(&ground.door, "dora");
    ground.door.cli_text(&["user", "update", "dora", "--email", "other@example.com"]);
    ground.door.cli_text(&["user", "update", "dora", "--break-glass"]);
    ground.door.cli_text(&["realm", "update", "main", "--access-seconds", "120"]);
    for (kind, words) in [
        ("connector_changed", "connector company changed: oidc.issuer"),
        ("connector_changed", "connector company changed: oidc.client_auth"),
        ("user_changed", "user dora: email"),
        ("user_changed", "user dora: break_glass"),
        ("realm_changed", "lifetimes.access_seconds"),
    ] {
        let told = ground.door.cli_text(&["events", "--kind", kind, "--output", "json"]);
        assert!(told.contains(words), "{words}: {told}");
        assert!(!told.contains("other@example.com") && !told.contains("127.0.0.1:9"), "{told}");
    }
}

#[test]
fn a_secret_may_be_kept_sealed_and_is_shown_nowhere() {
    let ground = Ground::new(&[]);
    let update = |words: &[&str], input: &str| {
        ground.door.cli_reading(&[&["connector", "update", "company"], words].concat(), input)
    };
    let both = update(&["--secret-stdin"], UPSTREAM_CLIENT.1);
    assert!(String::from_utf8_lossy(&both.stderr).contains("--unset oidc.secret_from first"), "{both:?}");
    let empty = update(&["--unset", "oidc.secret_from", "--secret-stdin"], "\n");
    assert!(String::from_utf8_lossy(&empty.stderr).contains("standard input is empty"), "{empty:?}");
    let wrong = update(&["--unset", "oidc.secret_from", "--secret-stdin"], "not the one\n");
    assert!(wrong.status.success(), "{wrong:?}");
    assert_eq!(ground.come("ada").1.answer.status, 502, "the company knows another secret");
    assert!(update(&["--secret-stdin"], &format!("{}\n", UPSTREAM_CLIENT.1)).status.success());
    assert_eq!(ground.come("ada").1.answer.status, 200);
    let shown = ground.door.cli_text(&["connector", "show", "company", "--output", "json"]);
    assert!(!shown.contains(UPSTREAM_CLIENT.1), "{shown}");
    assert!(!ground.door.cli_text(&["events", "--output", "json"]).contains(UPSTREAM_CLIENT.1));
}
