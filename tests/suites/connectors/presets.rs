//! Every provider whose ways are known, by a stand-in that has them, through its own few words.

use crate::ground::{Ground, people, visit};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use doorward_jose::algorithm::Algorithm;
use doorward_jose::key::SigningKey;
use doorward_model::dice::Counting;
use doorward_model::id::KeyId;
use doorward_testkit::http::Request;
use doorward_testkit::jar::{Hop, Jar};
use doorward_testkit::peers::{UPSTREAM_CLIENT, Upstream};
use serde_json::{Value, json};

/// A provider that is connected by `words`, in which `^` is its address.
struct Known {
    ground: Ground,
    provider: Upstream,
    name: &'static str,
}

impl Known {
    fn new((like, name): (&str, &'static str), said: &Value, words: &[&str]) -> Known {
        let ground = Ground::new(&[]);
        let uri = format!("{}/realms/main/broker/{name}/endpoint", ground.door.url());
        let provider = Upstream::start_like(like, &uri, &people_with(said));
        let words: Vec<String> = words.iter().map(|word| word.replace('^', &provider.url(""))).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let usual = ["connector", "add", name, name, "--client-id", UPSTREAM_CLIENT.0];
        let more = ["--client-secret-ref", "env:COMPANY_SECRET"];
        ground.door.cli_text(&[&usual[..], &more, &words[..]].concat());
        Known { ground, provider, name }
    }

    fn come(&self) -> (Jar, Hop) {
        let mut jar = Jar::new();
        let page = visit(&mut jar, &self.ground.tool_url("/x"));
        let page = self.ground.choose(&mut jar, &page, self.name);
        assert!(page.url.contains("/interaction/"), "{} {}", page.url, page.answer.text());
        let form = Request::new("POST", &page.url).header("Accept", "text/html").form(&[("name", "ada")]);
        let end = jar.follow(form).pop().expect("a hop");
        (jar, end)
    }

    fn comes_in(&self, named: &str) -> Jar {
        let (jar, end) = self.come();
        assert_eq!(end.answer.status, 200, "{}: {}", self.name, end.answer.text());
        assert_eq!(self.ground.tool.last().header("x-forwarded-user"), Some(named), "{}", self.name);
        jar
    }
}

/// Ada without what providers do not say by themselves, and with what this one says.
fn people_with(said: &Value) -> Value {
    let mut all = people();
    let ada = all["ada"].as_object_mut().expect("ada");
    ada.remove("groups");
    ada.extend(said.as_object().expect("an object").clone());
    all
}

#[test]
fn okta_gives_groups_for_a_scope_by_its_own_server_and_by_a_custom_one() {
    for (like, org) in [("okta", "^"), ("okta-custom", "^/oauth2/default")] {
        let okta = Known::new((like, "okta"), &json!({"groups": ["dagster-users"]}), &["--org", org]);
        okta.comes_in("ada");
        assert!(okta.provider.ways()[0]["scope"].as_str().is_some_and(|scope| scope.contains("groups")));
    }
}

#[test]
fn auth0_has_a_slash_an_audience_and_groups_under_a_name_of_the_companys() {
    let said = json!({"nickname": "ada.l", "https://acme.example/groups": ["dagster-users"], "groups": ["not-these"]});
    let words = ["--tenant-domain", "^", "--audience", "https://api.example.com"];
    let words = [&words[..], &["--groups-claim", "https://acme.example/groups"]].concat();
    let auth0 = Known::new(("auth0", "auth0"), &said, &words);
    auth0.comes_in("ada.l");
    assert_eq!(auth0.provider.ways()[0]["audience"], "https://api.example.com");
    assert_eq!(auth0.ground.groups("ada.l"), json!(["dagster-users"]));
}

#[test]
fn cognito_has_its_own_names_for_things_endpoints_elsewhere_and_its_own_way_out() {
    let said = json!({"cognito:username": "ada.c", "cognito:groups": ["dagster-users"], "token_use": "id"});
    let ground_words = ["--pool", "^/eu-west-1_AbCdEfGhI", "--pages", "^", "--sign-out-there"];
    let cognito = Known::new(("cognito", "cognito"), &said, &ground_words);
    let mut jar = cognito.comes_in("ada.c");
    let end = crate::sign_out::leave(&cognito.ground, &mut jar);
    assert!(end.url.ends_with("/realms/main/signed-out"), "{} {}", end.url, end.answer.text());
}

#[test]
fn keycloak_gitlab_and_authentik_say_groups_each_in_its_own_place() {
    for (name, said, words, named) in [
        (
            "keycloak",
            json!({"realm_access": {"roles": ["dagster-users", "offline_access"]}}),
            &["--issuer", "^/realms/company", "--groups-claim", "realm_access.roles"][..],
            "ada",
        ),
        (
            "gitlab",
            json!({"nickname": "ada-git", "groups_direct": ["acme/data"]}),
            &["--url", "^", "--only-listed-groups", "--group", "acme/data=dagster-users"],
            "ada-git",
        ),
        ("authentik", json!({"groups": ["dagster-users"]}), &["--issuer", "^/application/o/doorward/"], "ada"),
    ] {
        Known::new((name, name), &said, words).comes_in(named);
    }
}

#[test]
fn zitadel_says_roles_at_its_userinfo_endpoint_alone_and_dex_knows_connectors() {
    let roles = json!({"urn:zitadel:iam:org:project:roles": {"dagster-users": {"1": "acme.zitadel.cloud"}}});
    let zitadel = Known::new(("zitadel", "zitadel"), &roles, &["--issuer", "^"]);
    zitadel.comes_in("ada");
    assert_eq!(zitadel.ground.groups("ada"), json!(["dagster-users"]));
    let said = json!({
        "sub": "CgVhZGEtMRIEbGRhcA", "groups": ["dagster-users"],
        "federated_claims": {"connector_id": "ldap", "user_id": "ada-1"},
    });
    let dex = Known::new(("dex", "dex"), &said, &["--issuer", "^/dex", "--parameter", "connector_id=ldap"]);
    dex.comes_in("ada");
    assert_eq!(dex.provider.ways()[0]["connector_id"], "ldap");
}

const ADMINISTRATOR: &str = "admin@example.com";

/// A company at Google, whose directory says these groups of whoever is asked about.
struct Workspace {
    known: Known,
    jwk: Value,
}

impl Workspace {
    fn new(more: &[&str]) -> Workspace {
        let file = doorward_testkit::scratch::Scratch::new("google");
        let place = file.write("key.json", "{}");
        let reference = format!("file:{}", place.display());
        let words = ["--hosted-domain", "example.com", "--directory-key-ref", &reference];
        let words = [&words[..], &["--directory-administrator", ADMINISTRATOR], more].concat();
        let said = json!({"sub": "1077", "hd": "example.com", "preferred_username": null});
        let known = Known::new(("google", "google"), &said, &words);
        let made = SigningKey::generate(Algorithm::Rs256).expect("a key");
        let jwk = SigningKey::parse(KeyId::draw(&Counting::new(5)), Algorithm::Rs256, &made).expect("it").public_jwk();
        let base = known.provider.url("");
        let key = json!({
            "type": "service_account", "client_email": "doorward@acme.iam.gserviceaccount.com", "private_key_id": "key-1",
            "private_key": format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(made.as_slice())),
            "token_uri": format!("{base}/google/token"),
        });
        // The stand-in is at no address of Google's: that it is, is said here.
        let place = known.ground.door.scratch().join("google.json");
        std::fs::write(&place, key.to_string()).expect("a file");
        let set = [
            format!("oidc.issuer={base}"),
            format!("oidc.directory.google.api={base}"),
            format!("oidc.directory.google.key_from=file:{}", place.display()),
        ];
        let set: Vec<&str> = set.iter().flat_map(|one| ["--set", one.as_str()]).collect();
        known.ground.door.cli_text(&[&["connector", "update", "google"], &set[..]].concat());
        Workspace { known, jwk }
    }

    fn say(&self, groups: &Value, more: &Value) {
        let mut directory = json!({
            "account": "doorward@acme.iam.gserviceaccount.com", "administrator": ADMINISTRATOR, "jwk": self.jwk,
            "groups": groups,
        });
        directory.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        self.known.provider.behave(&json!({"directory": directory}));
    }
}

const RULE: [&str; 3] = ["--group", "dagster@example.com=dagster-users", "--only-listed-groups"];

#[test]
fn googles_directory_says_the_groups_of_whoever_comes() {
    let workspace = Workspace::new(&RULE);
    let other = |number: usize| format!("g{number}@example.com");
    let many: Vec<String> = (0..6).map(other).chain(["Dagster@example.com".to_owned()]).collect();
    workspace.say(&json!({"1077": many}), &json!({}));
    workspace.known.comes_in("ada@example.com");
    assert_eq!(workspace.known.provider.asked("directory"), 4, "two at once");
    assert_eq!(workspace.known.ground.groups("ada@example.com"), json!(["dagster-users"]));
    let ways = workspace.known.provider.ways();
    assert_eq!((&ways[0]["hd"], &ways[0]["prompt"]), (&json!("example.com"), &json!("select_account")));
    // In none: out. So is whoever the directory does not know, and everybody while it says nothing.
    workspace.say(&json!({"1077": []}), &json!({}));
    assert_eq!(workspace.known.come().1.answer.status, 403);
    workspace.say(&json!({"ada@example.com": ["dagster@example.com"]}), &json!({}));
    assert_eq!(workspace.known.come().1.answer.status, 502, "by their number, not by an address that is given on");
    for wrong in [json!({"administrator": "another@example.com"}), json!({"account": "another"})] {
        workspace.say(&json!({"1077": many}), &wrong);
        let before = workspace.known.provider.asked("directory");
        assert_eq!(workspace.known.come().1.answer.status, 502, "{wrong}");
        assert_eq!(workspace.known.provider.asked("directory"), before);
    }
    // More than anybody is in.
    let endless: Vec<String> = (0..120).map(other).collect();
    workspace.say(&json!({"1077": endless}), &json!({}));
    assert_eq!(workspace.known.come().1.answer.status, 502);
    // Another company's people are nobody.
    workspace.say(&json!({"1077": many}), &json!({}));
    workspace.known.provider.say(&people_with(&json!({"sub": "1077", "hd": "evil.example"})));
    assert_eq!(workspace.known.come().1.answer.status, 403);
}

#[test]
fn groups_within_groups_count_at_google_where_that_is_said() {
    for (more, status) in [(&["--nested-groups"][..], 200), (&[], 403)] {
        let workspace = Workspace::new(&[&RULE[..], more].concat());
        let groups = json!({
            "1077": ["engineers@example.com"], "engineers@example.com": ["data@example.com"],
            // A circle ends.
            "data@example.com": ["dagster@example.com", "engineers@example.com"], "dagster@example.com": [],
        });
        workspace.say(&groups, &json!({}));
        let (_, end) = workspace.known.come();
        assert_eq!(end.answer.status, status, "{more:?} {}", end.answer.text());
    }
}

#[test]
fn any_provider_that_speaks_openid_connect_has_two_names_for_its_kind() {
    let ground = Ground::new(&[]);
    let issuer = "https://id.example.com";
    let shown = |kind: &str, name: &str| {
        let words = ["connector", "add", kind, name, "--issuer", issuer, "--client-id", "doorward"];
        ground.door.cli_text(&[&words[..], &["--title", "Example Corp", "--scopes", "profile,groups"]].concat());
        let shown = ground.door.cli_text(&["connector", "show", name, "--output", "json"]);
        serde_json::from_str::<Value>(&shown).expect("JSON")["settings"].clone()
    };
    let usual = shown("oidc", "one");
    assert_eq!((&usual["oidc"]["issuer"], &usual), (&json!(issuer), &shown("generic", "two")));
    assert!(ground.door.cli_text(&["connector", "add", "--help"]).contains("[alias: generic]"));
}
