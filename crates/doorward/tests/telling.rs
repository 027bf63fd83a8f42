//! Commands that tell: why somebody may sign in, what happened, and what is still to be delivered.
#![expect(clippy::unwrap_used, reason = "tests")]

mod given;

use given::Given;
use serde_json::{Value, json};

impl Given {
    fn json(&self, words: &str) -> Value {
        serde_json::from_str(&self.done(words)).unwrap()
    }
}

#[test]
fn a_client_is_explained_by_the_rule_that_is_asked_at_sign_in() {
    let given = Given::fresh();
    for words in ["group create data", "group create ops", "group nest data ops", "user create alice"] {
        given.done(words);
    }
    given.done("app create wiki --address https://w.x --allow data");
    given.done("client create web --redirect-uri https://a.x/cb --allow data");
    given.done("client create wide --redirect-uri https://a.x/cb --everyone");
    given.done("client create wiki-sso --redirect-uri https://a.x/cb --app wiki");
    given.done("client create job --service");
    given.run("explain alice web").is(
        7,
        "doorward: there is no app named web in realm main, it is a client: write `doorward explain alice --client web`",
    );
    given
        .run("explain alice nothing")
        .is(7, "doorward: there is no app named nothing in realm main: list them with `doorward app list`");
    given
        .run("explain alice --client nothing")
        .is(7, "doorward: there is no client named nothing in realm main: list them with `doorward client list`");
    assert_eq!(given.run("explain alice wiki --client web").code, 3);
    let told = |client: &str, code: i32| {
        let ended = given.run(&format!("explain alice --client {client}"));
        assert_eq!(ended.code, code, "{client}: {ended:?}");
        let told: Value = serde_json::from_str(&ended.out).unwrap();
        json!(["verdict", "app", "reason", "group_path", "missing_groups"].map(|key| told[key].clone()))
    };
    let missing = "in none of the groups that may enter: data";
    assert_eq!(told("web", 7), json!(["refuse", null, missing, [], ["data"]]));
    assert_eq!(told("wiki-sso", 7), json!(["refuse", "wiki", missing, [], ["data"]]));
    assert_eq!(told("job", 7), json!(["refuse", null, "the client has no rule, so it admits nobody", [], []]));
    assert_eq!(told("wide", 0), json!(["pass", null, "every signed-in user of the realm may enter", [], []]));
    given.done("group add-member ops alice");
    let member = "member of data, which may enter";
    assert_eq!(told("web", 0), json!(["pass", null, member, ["ops", "data"], []]));
    assert_eq!(told("wiki-sso", 0), json!(["pass", "wiki", member, ["ops", "data"], []]));
    given.done("client disable web");
    let disabled = "the client is disabled, so nobody can sign in through it";
    assert_eq!(told("web", 7), json!(["refuse", null, disabled, [], []]));
    given.done("user disable alice");
    assert_eq!(told("wide", 7), json!(["refuse", null, "the user is disabled", [], []]));
}

#[test]
fn events_are_told_by_name_and_chosen() {
    let given = Given::fresh();
    given.done("user create alice");
    given.done("user create bob");
    given.done("client create superset --redirect-uri https://a.x/cb --everyone");
    given.done("role create admin");
    given.done("role create writer --client superset");
    given.done("user update alice --name Al");
    let told = |words: &str| {
        let all = given.json(&format!("events {words}"));
        let line = |event: &Value| format!("{} {}", event["kind"].as_str().unwrap(), event["about"].as_str().unwrap());
        all.as_array().unwrap().iter().map(line).collect::<Vec<_>>()
    };
    let all = told("");
    for line in
        ["client_created client superset", "role_created role admin", "role_created role writer of client superset"]
    {
        assert!(all.iter().any(|told| told == line), "{line}: {all:?}");
    }
    assert_eq!(told("--user alice"), ["user_changed alice", "user_created alice"]);
    assert_eq!(told("--user alice --kind user_created"), ["user_created alice"]);
    assert_eq!(told("--kind user_created"), ["user_created bob", "user_created alice"]);
    let client = told("--client superset");
    assert!(client.iter().all(|told| told.contains("superset")) && !client.is_empty(), "{client:?}");
    assert_eq!(told("--since 1h").len(), all.len());
    assert_eq!(told("--since 2026-01-01T00:00:00Z").len(), all.len());
    assert_eq!(told("--since 9999-01-01T00:00:00Z"), Vec::<String>::new());
    let kind = "there is no such kind: write one as the column KIND shows it, such as signed_in";
    given.run("events --kind dance").is(3, &format!("doorward: invalid value 'dance' for '--kind <KIND>': {kind}"));
    given
        .run("events --count 99999999999999999999")
        .is(3, "doorward: invalid value '99999999999999999999' for '--count <N>': write a number from 1 to 10000");
    assert_eq!(given.run("events --user nobody").code, 7);
}

#[test]
fn deliveries_are_tried_again_by_number_by_client_or_all() {
    let given = Given::fresh();
    given.done("client create web --redirect-uri https://a.x/cb --everyone");
    given.run("delivery retry --all").is(0, "0 deliveries are tried again.");
    given.run("delivery retry --client web").is(0, "0 deliveries are tried again for client web.");
    given.run("delivery retry 5").is(7, "doorward: there is no delivery 5: see doorward delivery list");
    given.run("delivery retry 99999999999999999999").is(
        3,
        "doorward: invalid value '99999999999999999999' for '[NUMBER]': no delivery has such a number: see `doorward \
         delivery list`",
    );
    given.done("client create other --redirect-uri https://a.x/cb --everyone");
    // Given up, as a task leaves them after a day of attempts.
    let script = "import sqlite3, sys\nd = sqlite3.connect(sys.argv[1])\n\
                  d.execute(\"INSERT INTO deliveries (client_id, session_id, subject, state, attempts, due_ms, problem) \
                  SELECT id, 'ses_aaaaaaaaaaaaaaaaaaaaaaaaaa', name, 'failed', 9, 4102444800000, 'gone' FROM clients\")\n\
                  d.commit()\n";
    let file = given.scratch.join("data/doorward.db");
    assert!(std::process::Command::new("python3").args(["-c", script]).arg(&file).status().unwrap().success());
    let waiting = || {
        let all = given.json("delivery list");
        let is_waiting = |one: &&Value| one["state"] == "waiting" && one["attempts"] == 0;
        let names = all.as_array().unwrap().iter().filter(is_waiting).map(|one| one["client"].to_string());
        names.collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(waiting(), "");
    given.run("delivery retry --client web").is(0, "1 delivery is tried again for client web.");
    assert_eq!(waiting(), "\"web\"");
    let count = given.json("delivery list").as_array().unwrap().len();
    given.run("delivery retry --all").is(0, &format!("{count} deliveries are tried again."));
    assert_eq!(waiting(), "\"other\" \"web\"");
    assert_eq!(given.run("delivery retry").code, 3);
    assert_eq!(given.run("delivery retry 5 --all").code, 3);
}

#[test]
fn connecting_says_what_was_left_open_and_repeats_no_secret() {
    let given = Given::fresh();
    let add = |words: &str| given.run(&format!("connector add {words}"));
    let company = "oidc company --issuer https://id.example.com --client-id x";
    let pasted = add(&format!("{company} --client-secret-ref hunter2-hunter2"));
    assert!(pasted.code == 3 && pasted.err.contains("never the secret itself"), "{pasted:?}");
    assert!(!pasted.err.contains("hunter2"), "{pasted:?}");
    let made = add(&format!("{company} --group 0b1c=dagster-usres"));
    assert!(made.out.contains("Nothing was asked yet. Try it out: doorward connector test company"), "{made:?}");
    assert!(made.err.contains("there is no group dagster-usres yet"), "{made:?}");
    let directory = add("ldap staff --server-url ldap://127.0.0.1:389 --user-search-base dc=example");
    for words in ["keeps the session they have", "e-mail addresses are left out"] {
        assert!(directory.code == 0 && directory.err.contains(words), "{words}: {directory:?}");
    }
    let led = add("ldap more --server-url ldap://127.0.0.1:389 --user-search-base dc=example --at-once");
    assert!(led.code == 7 && led.err.contains("nobody is led there"), "{led:?}");
    add("github github --client-id x")
        .is(3, "doorward: GitHub asks for a client secret: say --client-secret-ref, or --secret-stdin");
    let github = add("github github --client-id x --client-secret-ref env:SECRET");
    assert!(github.err.contains("anybody with an account there comes in"), "{github:?}");
    given.run("connector add oidc b --issuer https://b.example.com --client-id x --group a:b").is(
        3,
        "doorward: invalid value 'a:b' for '--group <THEIRS=OURS>': write two of them with = between, NAME=VALUE",
    );
    let clear = add("oidc clear --issuer http://id.example.com --client-id x");
    assert!(clear.code == 3 || clear.code == 7, "{clear:?}");
    assert!(clear.err.contains("`http://id.example.com` can be no issuer: write https://"), "{clear:?}");
    let several = given.scratch.join("several.xml");
    let entity = |id: &str| format!("<EntityDescriptor entityID=\"{id}\"/>");
    let list = [entity("https://a.example"), entity("https://b.example")].concat();
    let text =
        format!("<EntitiesDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\">{list}</EntitiesDescriptor>");
    std::fs::write(&several, text).unwrap();
    let shown = several.display();
    let which = add(&format!("saml partner --metadata {shown}"));
    let sentence =
        "it describes several, `https://a.example`, `https://b.example`: say which one is meant (--entity-id)";
    assert!(which.code == 7 && which.err.contains(sentence), "{which:?}");
    let other = add(&format!("saml partner --metadata {shown} --entity-id https://c.example"));
    assert!(other.err.contains("`https://c.example`: it has `https://a.example`, `https://b.example`"), "{other:?}");
    let unread = add("saml partner --metadata nowhere.xml");
    assert!(unread.code == 3 && unread.err.contains("file nowhere.xml: No such file"), "{unread:?}");
    // Another issuer is another company, with a secret of its own.
    let sealed = given.run_with("connector update company --secret-stdin", "a secret of the first", &[]);
    assert_eq!((sealed.code, given.json("connector show company")["secret"].clone()), (0, json!("sealed")));
    let moved = given.run("connector update company --set oidc.issuer=https://other.example.com");
    assert!(moved.err.contains("the sealed secret was forgotten"), "{moved:?}");
    assert_eq!(given.json("connector show company")["secret"], "none");
    // Whoever fills a group that administers is told.
    given.done("group create admins");
    given.done("role create doorward-admin");
    given.done("role assign doorward-admin --group admins");
    let risky = given.run("connector update company --set group_rules.map.everybody=admins");
    assert!(risky.err.contains("whoever is in everybody there administers here from now on"), "{risky:?}");
    given.run("connector enable company").is(0, "Connector company is enabled already.");
    // A user's links are taken back by name.
    given.done("user create ada");
    given.done("connector link company ada --subject 1");
    given
        .run("connector unlink company ada")
        .is(0, "Took back a link; 0 sessions ended. They are nobody here until they are linked again.");
    given
        .run("connector unlink company ada")
        .is(7, "doorward: nobody who is user ada is linked through connector company");
}
