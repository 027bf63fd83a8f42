//! Commands about what is known of users and what holds for realms; and that no answer holds a secret.
#![expect(clippy::unwrap_used, reason = "tests")]

mod given;

use given::Given;
use serde_json::{Value, json};

fn json_of(given: &Given, words: &str) -> Value {
    serde_json::from_str(&given.done(words)).unwrap()
}

#[test]
fn what_is_known_of_a_user_is_given_changed_and_shown() {
    let given = Given::fresh();
    given
        .run("user create alice --email a@example.com --given-name Alice --attribute team=data --attribute team=ops")
        .is(
            0,
            &format!(
                "Created user alice. There is no password yet: set one with `doorward --data {} user set-password alice \
                 --password-stdin`.",
                given.scratch.join("data").display()
            ),
        );
    let known = |keys: &[&str]| {
        let shown = json_of(&given, "user show alice");
        json!(keys.iter().map(|key| shown[*key].clone()).collect::<Vec<_>>())
    };
    let keys = ["given_name", "family_name", "email_verified", "attributes", "subject"];
    assert_eq!(known(&keys), json!(["Alice", "", false, {"team": ["data", "ops"]}, null]));
    given.run("user update alice --email-verified --attribute team= --attribute region=eu --subject f3b1").is(
        0,
        "Changed user alice: email_verified: false → true; subject: none → \"f3b1\"; attributes: +region=eu \
             -team=data -team=ops.",
    );
    let same = "user update alice --email-verified --attribute region=eu --subject f3b1 --given-name Alice";
    given.run(same).is(0, "Nothing to change: user alice is so already.");
    assert_eq!(known(&keys), json!(["Alice", "", true, {"region": ["eu"]}, "f3b1"]));
    given
        .run("user update alice --email b@example.com")
        .is(0, "Changed user alice: email: \"a@example.com\" → \"b@example.com\"; email_verified: true → false.");
    assert_eq!(known(&["email", "email_verified"]), json!(["b@example.com", false]));
    given.done("user update alice --email-verified=false --name Al");
    given.run("user update alice").is(3, "doorward: nothing to change is given: see `doorward user update --help`");
    given
        .run("user update alice --attribute =x")
        .is(3, "doorward: invalid value '=x' for '--attribute <NAME=VALUE>': write NAME=VALUE");
    given.done("user create bob");
    given
        .run("user update bob --subject f3b1")
        .is(7, "doorward: user bob: that subject is another user's: choose another");
    let id = known(&["id"])[0].as_str().unwrap().to_owned();
    given
        .run(&format!("user update bob --subject {id}"))
        .is(7, "doorward: a subject may not look like an id of Doorward's own");
    let long = "a".repeat(1025);
    given
        .run(&format!("user update bob --attribute x={long}"))
        .is(7, "doorward: a value of the attribute x has more than 1024 characters, or control ones");
    given.done("role create viewer");
    given.done("role assign viewer --user alice");
    assert_eq!(known(&["roles", "all_roles"]), json!([["viewer"], {"realm": ["viewer"], "clients": {}}]));
    given.done("client create polaris --service");
    given.done("role create writer --client polaris");
    given.done("role assign writer --client polaris --user alice");
    let table = given.done("user show alice --output table");
    let row = |name: &str| table.lines().find_map(|line| line.strip_prefix(name)).map(|rest| rest.trim().to_owned());
    assert_eq!(row("all roles"), Some("viewer, polaris: writer".to_owned()), "{table}");
    assert_eq!(row("attributes"), Some("region: eu".to_owned()), "{table}");
    assert!(!table.contains(['{', '[', '"']), "{table}");
    assert!(!given.done("user show bob --output table").contains(['{', '[', '"']));
}

#[test]
fn a_realm_says_how_long_things_live() {
    let given = Given::fresh();
    given.done("client create web --redirect-uri https://w.example.com/cb --everyone");
    given
        .run("realm update main --access-seconds 120 --session-idle-seconds 7200 --remembered-idle-seconds 9000")
        .is(0, "Changed realm main.");
    given.run("realm update main --access-seconds 120").is(0, "Realm main: nothing to change.");
    let shown = json_of(&given, "realm show main");
    let keys = ["access_seconds", "refresh_seconds", "session_idle_seconds", "session_lifetime_seconds"];
    assert_eq!(json!(keys.map(|key| shown[key].clone())), json!([120, 1800, 7200, 36000]));
    assert_eq!(json_of(&given, "client show web")["access_seconds"], json!(120));
    given.done("client update web --access-seconds 60");
    assert_eq!(json_of(&given, "client show web")["access_seconds"], json!(60));
    given
        .run("realm update main --access-seconds 90000")
        .is(7, "doorward: realm main: access_seconds must be 1 to 86400, and is 90000: correct the number");
    given
        .run("realm update main --remembered-idle-seconds 7200")
        .is(7, "doorward: realm main: remembered_idle_seconds must be more than idle_seconds, and 7200 is not: give more than 7200");
    given
        .run("realm update nowhere --title x")
        .is(7, "doorward: there is no realm named nowhere: list them with `doorward realm list`");
}

#[test]
fn a_client_is_told_people_by_sector_and_its_answers_are_signed() {
    let given = Given::fresh();
    let create = "client create web --redirect-uri https://w.example.com/cb --everyone";
    given
        .run(&format!("{create} --pairwise-sector https://x"))
        .is(7, "doorward: client web: a pairwise subject needs a sector: give a host name, such as example.com");
    given.done(&format!("{create} --pairwise-sector example.com --userinfo-algorithm ES256"));
    let shown = |key: &str| json_of(&given, "client show web")[key].clone();
    assert_eq!((shown("pairwise_sector"), shown("userinfo_algorithm")), (json!("example.com"), json!("ES256")));
    let mut command = given.command(&given.scratch.join("data"));
    command.args(["client", "update", "web", "--pairwise-sector", "", "--userinfo-algorithm", ""]);
    assert!(command.output().unwrap().status.success());
    assert_eq!((shown("pairwise_sector"), shown("userinfo_algorithm")), (Value::Null, json!("")));
}

/// Everything that commands tell, in all their forms.
#[test]
fn gauntlet_b3_25_no_answer_holds_a_secret() {
    let given = Given::fresh();
    let password = "correct horse battery";
    let declared = "kind: User\nname: carol\npassword: env:CAROL\n---\nkind: Client\nname: told\ngrants: \
                    [client_credentials]\n";
    std::fs::write(given.scratch.join("d.yaml"), declared).unwrap();
    given.run_with("user create alice --password-stdin", password, &[]).is(0, "Created user alice.");
    let variables = [("CAROL", "another horse battery")];
    assert_eq!(given.run_with("apply -f d.yaml --secrets-dir secrets", "", &variables).code, 0);
    given.done("group create data");
    given.done("app create dagster --address https://d.example.com --everyone");
    let made = json_of(&given, "client create web --redirect-uri https://w.example.com/cb --everyone");
    let rotated = json_of(&given, "client rotate-secret web");
    let token = given.done("token create ci --app dagster --expires-in 1h");
    let told = std::fs::read_to_string(given.scratch.join("secrets/main-told.secret")).unwrap();
    given.done("role create viewer");
    let mut secrets = vec![password.to_owned(), "another horse battery".to_owned(), told, token.trim().to_owned()];
    for made in [made, rotated] {
        secrets.push(made["client_secret"].as_str().unwrap().to_owned());
    }
    // What stands in the database about them, sealed or hashed, is nobody's either.
    let words = [
        "realm list",
        "realm show main",
        "user list",
        "user show alice",
        "user show carol",
        "group list",
        "group show data",
        "app list",
        "app show dagster",
        "client list",
        "client show web",
        "client show told",
        "role list",
        "role show viewer",
        "scope list",
        "session list",
        "token list",
        "key list",
        "events",
        "explain alice dagster",
    ];
    for words in words {
        for form in ["json", "yaml", "table"] {
            let ended = given.run(&format!("{words} --output {form}"));
            assert!(matches!(ended.code, 0 | 7), "{words}: {}", ended.err);
            let all = format!("{}{}", ended.out, ended.err);
            for secret in &secrets {
                assert!(!all.contains(secret.as_str()), "{words} --output {form} tells {secret}");
            }
            // A key's private members (RFC 7518 §6.2.2, §6.3.2), a password hash, a sealed secret.
            for trace in ["$argon2", "\"d\":", "\"sealed\"", "dwc_", "dwa_", "PRIVATE KEY"] {
                assert!(!all.contains(trace), "{words} --output {form} tells {trace}");
            }
        }
    }
    let plan = given.run_with("apply -f d.yaml --plan --output json", "", &variables);
    assert!(plan.code == 0 && !plan.out.contains("another horse"), "{}", plan.out);
}
