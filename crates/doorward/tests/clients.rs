//! Commands about clients: what they say, what they print once, and what they leave behind.
#![expect(clippy::unwrap_used, reason = "tests")]

mod given;

use given::Given;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;

const ISSUER: &str = "http://doorward.localhost:8080/realms/main";
const CONFIGURATION: &str = "http://doorward.localhost:8080/realms/main/.well-known/openid-configuration";

impl Given {
    fn json(&self, words: &str) -> Value {
        serde_json::from_str(&self.done(words)).unwrap()
    }

    fn shown(&self, client: &str, key: &str) -> Value {
        self.json(&format!("client show {client}"))[key].clone()
    }

    /// What stands in a file of the scratch directory that its owner alone can read.
    fn secret_in(&self, name: &str) -> String {
        let path = self.scratch.join(name);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.starts_with("dwc_") && !text.ends_with('\n'), "{text:?}");
        text
    }
}

#[test]
fn a_scope_that_is_nearly_a_known_one_is_pointed_out() {
    let given = Given::fresh();
    for (scope, meant) in [("offline", "offline_access"), ("Profile", "profile"), ("OFFLINE_ACCESS", "offline_access")]
    {
        let made = given.run(&format!("client create {scope}-client --service --scope {scope}"));
        let sentence = format!("scope {scope} means nothing here: {meant} is meant");
        assert!(made.code == 0 && made.err.contains(&sentence), "{made:?}");
    }
    let made = given.run("client create plain --service --scope offline_access --scope reports:read");
    assert!(!made.err.contains("means nothing"), "{made:?}");
}

#[test]
fn a_client_is_made_shown_listed_disabled_and_deleted() {
    let given = Given::fresh();
    given.done("group create data");
    let made = given.run("client create web --redirect-uri https://w.example.com/cb --allow data --title Web");
    assert_eq!(
        (made.code, made.err.as_str()),
        (0, "Created client web. Its secret is shown only now: keep it safe.\n")
    );
    let made: Value = serde_json::from_str(&made.out).unwrap();
    let secret = made["client_secret"].as_str().unwrap();
    assert!(secret.starts_with("dwc_"), "{secret}");
    let expected = json!({
        "client_id": "web", "client_secret": secret, "issuer": ISSUER, "oidc_configuration": CONFIGURATION,
    });
    assert_eq!(made, expected);
    let shown = given.json("client show web");
    assert!(!shown.to_string().contains(secret) && !given.done("events").contains(secret));
    let picked = ["title", "public", "active", "groups", "everyone", "grants", "redirect_uris", "algorithm", "issuer"];
    assert_eq!(
        json!(picked.map(|key| shown[key].clone())),
        json!([
            "Web",
            false,
            true,
            ["data"],
            false,
            ["authorization_code", "refresh_token"],
            ["https://w.example.com/cb"],
            "RS256",
            ISSUER,
        ])
    );
    let secrets = shown["secrets"].as_array().unwrap();
    assert!(secrets.len() == 1 && secrets[0]["expires"].is_null(), "{secrets:?}");
    given
        .run("client create web --redirect-uri https://w.example.com/cb --everyone")
        .is(7, "doorward: there is already a client named web: choose another name");
    given.run("client disable web").is(0, "Client web is disabled.");
    given.run("client disable web").is(0, "Client web was disabled already.");
    assert_eq!(given.shown("web", "active"), json!(false));
    given.run("client enable web").is(0, "Client web is enabled.");
    given.done("app create grafana --address https://g.example.com --everyone");
    given.done("client create a --redirect-uri https://g.example.com/login --app grafana --public --output table");
    let table = given.done("client list --output table");
    let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["NAME", "TITLE", "PUBLIC", "GRANTS", "APP", "GROUPS", "EVERYONE", "ACTIVE"]);
    assert_eq!(lines[1], ["a", "a", "yes", "authorization_code,", "refresh_token", "grafana", "no", "yes"]);
    assert_eq!(lines[2], ["web", "Web", "no", "authorization_code,", "refresh_token", "data", "no", "yes"]);
    given.run("client delete web").is(0, "Deleted client web.");
    given
        .run("client show web")
        .is(7, "doorward: there is no client named web in realm main: list them with `doorward client list`");
    assert_eq!(given.json("client list").as_array().unwrap().len(), 1);
}

#[test]
fn who_may_enter_is_said_when_people_sign_in() {
    let given = Given::fresh();
    let create = "client create web --redirect-uri https://w.example.com/cb";
    given
        .run(create)
        .is(3, "doorward: nobody could sign in through client web: give --app APP, --allow GROUP or --everyone");
    given
        .run(&format!("{create} --allow nowhere"))
        .is(7, "doorward: there is no group named nowhere in realm main: list them with `doorward group list`, or make it with \
         `doorward group create nowhere`");
    let both = given.run(&format!("{create} --allow data --everyone"));
    assert_eq!(both.code, 3);
    assert!(both.err.contains("cannot be used with"), "{}", both.err);
    given
        .run("client create web --everyone")
        .is(7, "doorward: client web: the client has no redirect URI, and people sign in through it: give one, such as https://app.example.com/callback");
    // A program that speaks for itself lets nobody in.
    given.done("client create ci --service --scope catalog:read");
    let shown = given.json("client show ci");
    assert_eq!(
        json!([shown["grants"], shown["scopes"], shown["everyone"]]),
        json!([["client_credentials"], ["catalog:read"], false])
    );
    let wrong = given.run("client create ci2 --service --public");
    assert_eq!(wrong.code, 3, "{}", wrong.err);
    given
        .run("client create ci2 --public --grant client_credentials")
        .is(7, "doorward: client ci2: a public client cannot speak for itself: it has no secret to prove who it is: remove client_credentials or public");
}

#[test]
fn every_flag_of_a_new_client_is_kept() {
    let given = Given::fresh();
    let ended = given.run(
        "client create web --everyone --redirect-uri https://a.x/cb https://b.x/cb https://a.x/cb --redirect-wildcard https://a.x/* \
         --redirect-regex https://a\\.x/[0-9]+ --redirect-loopback http://127.0.0.1/cb --redirect-relative /cb \
         --post-logout-redirect-uri http://a.x/bye --web-origin + https://A.x --grant refresh_token authorization_code \
         client_credentials --scope a --scope b --scope a --consent explicit --pkce-optional --dpop-bound --access-seconds 60 \
         --refresh-seconds 120 --offline-seconds 180 --audience trino --claim team=data=x --algorithm ES256",
    );
    assert_eq!(ended.code, 0, "{}", ended.err);
    let warnings: Vec<&str> = ended.err.lines().filter(|line| line.starts_with("warning: ")).collect();
    assert_eq!(
        warnings,
        [
            "warning: https://a.x/*: whoever controls any page below this address receives codes: write the whole URI",
            "warning: https://a\\.x/[0-9]+: whoever controls any page this pattern fits receives codes: write the whole URI",
            "warning: http://a.x/bye: people are sent there unencrypted after signing out: use https",
        ]
    );
    let shown = given.json("client show web");
    let keys = [
        "redirect_uris",
        "post_logout_redirect_uris",
        "web_origins",
        "grants",
        "scopes",
        "consent",
        "pkce_optional",
        "dpop_bound",
        "access_seconds",
        "refresh_seconds",
        "offline_seconds",
        "algorithm",
    ];
    assert_eq!(
        json!(keys.map(|key| shown[key].clone())),
        json!([
            [
                "https://a.x/cb", "https://b.x/cb", {"wildcard": "https://a.x/*"}, {"regex": "https://a\\.x/[0-9]+"},
                {"loopback": "http://127.0.0.1/cb"}, {"relative": "/cb"},
            ],
            ["http://a.x/bye"], ["+", "https://a.x"], ["authorization_code", "refresh_token", "client_credentials"],
            ["a", "b"], "explicit", true, true, 60, 120, 180, "ES256",
        ])
    );
    let tell = json!({"access": true, "id": true, "userinfo": true});
    let claim = json!({"claim": {"path": ["team"], "from": {"value": "data=x"}, "tell": tell}});
    assert_eq!(shown["mappers"], json!([claim, {"audience": "trino"}]));
}

#[test]
fn wrong_words_are_told_in_one_sentence() {
    let given = Given::fresh();
    let how = "write it as https://app.example.com/callback";
    given
        .run("client create web --everyone --redirect-uri nope")
        .is(3, &format!("doorward: --redirect-uri `nope`: a redirect URI must be absolute: {how}"));
    given.run("client create web --everyone --redirect-wildcard https://*.x/").is(
        3,
        "doorward: --redirect-wildcard `https://*.x/`: a wildcard may stand only at the end of the path, behind a fixed \
         host: https://app.example.com/sub/*: correct the value",
    );
    for (flags, word) in [
        ("--grant magic", "not one of authorization_code, refresh_token, client_credentials"),
        ("--algorithm none", "not one of RS256, PS256, ES256, EdDSA"),
        ("--consent maybe", "not implicit or explicit"),
        ("--web-origin *", "must be scheme and host"),
        ("--claim sub=x", "the claim sub cannot be mapped"),
        ("--claim team", "write NAME=VALUE"),
        ("--access-seconds 0", "write a number of seconds"),
        ("--public --secret-file f", "cannot be used with"),
        ("--public --pkce-optional", "cannot be used with"),
    ] {
        let ended = given.run(&format!("client create web --everyone --redirect-uri https://w.x/cb {flags}"));
        assert!(
            (ended.code == 3) && ended.err.contains(word) && (ended.err.lines().count() == 1),
            "{flags}: {ended:?}"
        );
    }
    let many = (0..101).map(|number| format!(" s{number}")).collect::<String>();
    given
        .run(&format!("client create web --service --scope{many}"))
        .is(3, "doorward: --scope: 101 are given: give at most 100");
    assert_eq!(given.json("client list"), json!([]));
}

#[test]
fn a_secret_that_a_tool_has_already_stays_its_secret() {
    let given = Given::fresh();
    let bring = |words: &str, input: &str| given.run_with(&format!("{words} --secret-stdin"), input, &[]);
    let made = bring("client create moved --service", "brought-from-elsewhere\n");
    made.is(0, "Created client moved. Its secret is the one you gave.");
    assert!(!made.out.contains("brought") && !made.out.contains("client_secret"), "{}", made.out);
    let rotate = "client rotate-secret moved";
    bring(rotate, "brought-from-elsewhere").is(0, "Client moved has that secret already.");
    bring(&format!("{rotate} --overlap 0"), "another-one-from-there")
        .is(0, "Client moved has the secret you gave. Those before it have ended.");
    assert_eq!(given.shown("moved", "secrets").as_array().unwrap().len(), 1);
    for short in ["fifteen-letters", "letters with spaces", "l\u{f6}sung-mit-umlauten"] {
        let refused = bring(rotate, short);
        let sentence = "a client's secret has 16 to 1024 printable ASCII letters and no spaces";
        assert!(refused.code == 3 && refused.err.contains(sentence) && !refused.err.contains(short), "{refused:?}");
    }
    given.done("client create app --public --everyone --redirect-uri https://a.x/cb");
    bring("client rotate-secret app", "brought-from-elsewhere")
        .is(7, "doorward: client app is public: it has no secret");
    assert!(bring("client create other --public --everyone", "x").err.contains("cannot be used with"));
    // The same by a file; it is used when the client is made.
    given
        .scratch
        .write("tool.yaml", "kind: Client\nname: tool\ngrants: [client_credentials]\nsecret: env:TOOL_SECRET\n");
    let apply = |secret: &str| given.run_with("apply -f tool.yaml", "", &[("TOOL_SECRET", secret)]);
    let refused = apply("short");
    assert!(
        refused.code == 7 && refused.err.contains("secret of client main/tool: env:TOOL_SECRET: a client's"),
        "{refused:?}"
    );
    assert!(!apply("brought-from-elsewhere").out.contains("shown only now"));
    bring("client rotate-secret tool", "brought-from-elsewhere").is(0, "Client tool has that secret already.");
    assert_eq!(apply("another-one-from-there").code, 0);
    bring("client rotate-secret tool", "brought-from-elsewhere").is(0, "Client tool has that secret already.");
}

#[test]
fn a_secret_is_rotated_with_time_to_roll_it_out() {
    let given = Given::fresh();
    given.done("client create ci --service");
    let rotated = given.run("client rotate-secret ci --overlap 1h");
    assert!(
        rotated.code == 0 && rotated.err.starts_with("Client ci has a new secret. Those before it end at "),
        "{rotated:?}"
    );
    let told: Value = serde_json::from_str(&rotated.out).unwrap();
    assert!(told["client_secret"].as_str().unwrap().starts_with("dwc_"), "{told}");
    let secrets = given.shown("ci", "secrets");
    let ends: Vec<&Value> = secrets.as_array().unwrap().iter().map(|secret| &secret["expires"]).collect();
    assert_eq!(ends, [&Value::Null, &told["former_until"]]);
    let at_once = given.run("client rotate-secret ci --overlap 0 --secret-file ci.secret");
    at_once.is(0, "Client ci has a new secret. Those before it have ended. Its secret is in ci.secret.");
    let told: Value = serde_json::from_str(&at_once.out).unwrap();
    assert_eq!((&told["secret_file"], &told["client_secret"]), (&json!("ci.secret"), &Value::Null));
    given.secret_in("ci.secret");
    assert_eq!(given.shown("ci", "secrets").as_array().unwrap().len(), 1);
    given.done("client create app --public --everyone --redirect-uri https://a.x/cb");
    given.run("client rotate-secret app").is(7, "doorward: client app is public: it has no secret");
    // What cannot be kept is not made.
    let former = given.shown("ci", "secrets");
    given
        .run("client rotate-secret ci --secret-file no/where")
        .is(1, "doorward: --secret-file: no/where cannot be written, No such file or directory: name another");
    given
        .run("client create other --service --secret-file .")
        .is(1, "doorward: --secret-file: . cannot be written, is a directory: name another");
    assert_eq!(given.shown("ci", "secrets"), former);
    assert_eq!(given.run("client show other").code, 7);
}

#[test]
fn a_client_is_changed_only_where_something_is_given() {
    let given = Given::fresh();
    given.done("group create data");
    given.done("app create d --address https://d.x --everyone");
    given.done(
        "client create web --allow data --redirect-uri https://a.x/cb --scope s --claim team=data --audience trino \
         --title Web --access-seconds 60",
    );
    given.run("client update web").is(3, "doorward: nothing is given to change: see `doorward client update --help`");
    given.run("client update web --title Web").is(0, "Client web is so already.");
    given
        .run("client update web --redirect-wildcard https://a.x/* --app d --claim team=ops --consent explicit")
        .is(
            0,
            "warning: https://a.x/*: whoever controls any page below this address receives codes: write the whole URI\n\
             Changed client web: app: none → d; allowed_groups: -data; consent: \"implicit\" → \"explicit\"; mapper claim team: \
             the value `data`, told everywhere → the value `ops`, told everywhere; \
             redirect_uris: +wildcard:https://a.x/* -https://a.x/cb.",
        );
    let shown = given.json("client show web");
    let kept = ["title", "scopes", "access_seconds", "app", "groups"].map(|key| shown[key].clone());
    assert_eq!(json!(kept), json!(["Web", ["s"], 60, "d", []]));
    assert!(shown["mappers"].as_array().unwrap().contains(&json!({"audience": "trino"})));
    given.done(
        "client update web --title= --scope= --audience= --claim= --access-seconds= --consent= --everyone \
         --redirect-uri https://a.x/cb",
    );
    let shown = given.json("client show web");
    let back = ["title", "scopes", "mappers", "access_seconds", "consent", "app", "everyone", "redirect_uris"];
    let back = back.map(|key| shown[key].clone());
    assert_eq!(json!(back), json!(["web", [], [], 300, "implicit", null, true, ["https://a.x/cb"]]));
    given
        .run("client update web --grant refresh_token")
        .is(7, "doorward: client web: refresh_token needs authorization_code, device_code or password beside it: add one of them, or remove this");
    // A claim a file takes from groups is none of `--claim`'s.
    given.scratch.write(
        "web.yaml",
        "kind: Client\nname: web\nredirect_uris: [https://a.x/cb]\neveryone: true\nmappers: [{claim: {path: policy, from: \
         {groups: x-}}}]\n",
    );
    given.done("apply -f web.yaml");
    given.done("client update web --claim team=x");
    assert_eq!(given.shown("web", "mappers").as_array().unwrap().len(), 2);
}

#[test]
fn a_client_that_is_no_longer_public_gets_a_secret() {
    let given = Given::fresh();
    given.done("client create web --public --everyone --redirect-uri https://a.x/cb");
    assert_eq!(given.shown("web", "secrets"), json!([]));
    let turned = given.run("client update web --public=false --secret-file web.secret");
    turned.is(0, "Changed client web: kind: \"public\" → \"confidential\". Its secret is in web.secret.");
    given.secret_in("web.secret");
    given.run("client update web --public").is(0, "Changed client web: kind: \"confidential\" → \"public\".");
}

#[test]
fn a_platforms_words_make_a_client_too() {
    let given = Given::fresh();
    let made = given.run(
        "identity create-client my-app --redirect-uris https://a.x/cb,https://b.x/cb --scopes openid,catalog:read",
    );
    made.is(
        0,
        "warning: nobody may sign in through client my-app yet: run `doorward client update my-app --allow GROUP`, --app \
         APP or --everyone",
    );
    let lines: Vec<&str> = made.out.lines().collect();
    let [id, secret, configuration] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!((*id, *configuration), ("Client ID: my-app", &*format!("OIDC configuration: {CONFIGURATION}")));
    assert!(secret.starts_with("Client secret: dwc_") && secret.ends_with(" (shown once)"), "{secret}");
    let shown = given.json("client show my-app");
    assert_eq!(
        json!(["redirect_uris", "scopes", "everyone", "groups"].map(|key| shown[key].clone())),
        json!([["https://a.x/cb", "https://b.x/cb"], ["openid", "catalog:read"], false, []])
    );
    let made = given.run("identity create-client b --redirect-uris https://a.x/cb --everyone --secret-file b.secret");
    made.is(0, "");
    assert!(made.out.contains("\nClient secret: stored in b.secret\n"), "{}", made.out);
    given.secret_in("b.secret");
    let made = given.done("identity create-client c --redirect-uris https://a.x/cb --public --everyone");
    assert!(made.contains("\nClient secret: none, the client is public\n"), "{made}");
    // Without an address to come back to it speaks for itself.
    given.run("identity create-client d").is(0, "");
    assert_eq!(given.shown("d", "grants"), json!(["client_credentials"]));
    let made = given.json("identity create-client e --output json");
    assert_eq!((&made["client_id"], &made["issuer"]), (&json!("e"), &json!(ISSUER)));
}

#[test]
fn declared_clients_tell_their_secrets_once() {
    let given = Given::fresh();
    let text = "kind: Client\nname: web\nredirect_uris: [https://a.x/cb]\neveryone: true\n---\n\
                kind: Client\nname: app\npublic: true\nredirect_uris: [https://b.x/cb]\neveryone: true\n";
    given.scratch.write("set.yaml", text);
    let planned = given.run("apply -f set.yaml --plan");
    assert_eq!(
        (planned.code, planned.out.as_str()),
        (2, "+ client main/web\n+ client main/app\n2 to add, 0 to change, 0 to remove.\n")
    );
    let applied = given.done("apply -f set.yaml");
    let last = applied.strip_prefix(&planned.out).unwrap();
    let secret = last.strip_prefix("The secret of client main/web, shown only now: ").unwrap();
    assert!(secret.starts_with("dwc_") && secret.lines().count() == 1, "{last}");
    assert_eq!(given.done("apply -f set.yaml"), "Nothing to do: everything is as declared.\n");

    given.scratch.write("more.yaml", "kind: Client\nname: https://c.x/../id\ngrants: [client_credentials]\n");
    let applied = given.done("apply -f more.yaml --secrets-dir out/secrets");
    let file = "out/secrets/main-https%3A%2F%2Fc.x%2F..%2Fid.secret";
    let line = format!("The secret of client main/https://c.x/../id is in {file}.\n");
    assert!(applied.ends_with(&line) && !applied.contains("dwc_"), "{applied}");
    given.secret_in(file);
    let mode = std::fs::metadata(given.scratch.join("out/secrets")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);

    given.scratch.write("third.yaml", "kind: Client\nname: third\ngrants: [client_credentials]\n");
    given.scratch.write("taken", "");
    given
        .run("apply -f third.yaml --secrets-dir taken")
        .is(7, "doorward: --secrets-dir: taken cannot be written, File exists: name another; nothing was changed");
    assert_eq!(given.run("client show third").code, 7);
    let applied = given.json("apply -f third.yaml --output json");
    assert!(applied["secrets"][0]["secret"].as_str().unwrap().starts_with("dwc_"), "{applied}");
    assert_eq!(
        (&applied["secrets"][0]["client"], &applied["steps"][0]["step"]),
        (&json!("third"), &json!("create-client"))
    );
}

#[test]
fn a_plan_lets_nothing_through_that_applying_refuses() {
    let given = Given::fresh();
    let text = "kind: Client\nname: c7\nredirect_uris: [https://a.x/cb]\neveryone: true\nlifetimes: {access_seconds: 999999}\n";
    given.scratch.write("set.yaml", text);
    let expected = "doorward: set.yaml:5:29: access_seconds must be 1 to 86400, and is 999999: correct the number";
    given.run("apply -f set.yaml --plan").is(3, expected);
    given.run("apply -f set.yaml").is(3, expected);
}
