//! Clients: what is refused and where, what is planned, and what stands in a step.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::parse;
use super::there::{There, check};
use crate::declared::{Declared, DeclaredClient, Step};
use crate::limits;
use doorward_engine::clients::mapper::{From, Mapper, Tell};
use doorward_engine::clients::{Authentication, ClientKind, ConsentMode, GrantType, Lifetimes};
use serde_json::json;

pub(super) const HEAD: &str = "kind: Client\nname: web\n";
pub(super) const USUAL: &str = "kind: Client\nname: web\nredirect_uris: [https://web.example.com/cb]\neveryone: true\n";

#[track_caller]
pub(super) fn refused(text: &str, expected: &[&str]) {
    assert_eq!(complaints(text), expected, "{text}");
}

/// Complaints about a file, without its name.
#[track_caller]
pub(super) fn complaints(text: &str) -> Vec<String> {
    let complaints = parse("d", text).map(|objects| objects.len()).unwrap_err();
    complaints.iter().map(|c| c.to_string()["d:".len()..].to_owned()).collect()
}

#[track_caller]
pub(super) fn client(text: &str) -> DeclaredClient {
    match parse("d.yaml", text).unwrap().pop() {
        Some(Declared::Client(client)) => *client,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_client_says_as_little_as_it_may() {
    let client = client(USUAL);
    let settings = &client.settings;
    assert_eq!((client.realm.value.as_str(), client.name.value.as_str()), ("main", "web"));
    assert_eq!((client.app, client.everyone, client.active), (None, true, None));
    assert_eq!(settings.grants, [GrantType::AuthorizationCode, GrantType::RefreshToken]);
    assert_eq!((settings.kind, settings.consent), (ClientKind::Confidential, ConsentMode::Implicit));
    assert_eq!((settings.title.as_ref(), settings.pkce_optional, settings.algorithm.as_str()), (None, false, ""));
    assert!(!settings.dpop_bound);
    assert_eq!((settings.lifetimes, settings.mappers.as_slice()), (Lifetimes::default(), [].as_slice()));
    assert!(client.risks.is_empty());
}

#[test]
fn a_secret_that_is_there_already_is_referred_to_and_never_repeated() {
    let with = |more: &str| There::main().plan(&format!("{USUAL}{more}"));
    let plan = with("secret: env:WEB_SECRET\n").unwrap();
    let step = serde_json::to_value(&plan.steps).unwrap()[0].clone();
    assert_eq!(step["secret"], json!("env:WEB_SECRET"));
    for (more, sentence) in [
        ("secret: dwc_hush\n", "the secret is not a reference: write env:NAME or file:/absolute/path"),
        ("secret: env:X\npublic: true\n", "this client has no secret: it is public, or proves itself by a key"),
    ] {
        let shown = with(more).unwrap_err();
        assert!(shown.iter().any(|line| line.contains(sentence)) && !shown.join("").contains("hush"), "{shown:?}");
    }
}

#[test]
fn a_full_client_is_read_to_the_last_key() {
    let text = r"
kind: Client
realm: main
name: web
title: The web
active: false
public: true
redirect_uris:
  - https://a.example.com/cb
  - exact: com.example.app:/cb
  - wildcard: https://a.example.com/*
  - regex: https://a\.example\.com/[a-z]+
  - loopback: http://127.0.0.1/cb
  - {relative: /oauth2/callback}
post_logout_redirect_uris: [https://a.example.com/]
web_origins: [+, https://A.example.com]
grants: [refresh_token, authorization_code]
scopes: [catalog:read]
consent: explicit
allowed_groups: [data]
lifetimes: {access_seconds: 60, refresh_seconds: 120, offline_seconds: 180}
mappers:
  - claim: {path: policy, from: {groups: minio-}, tell: [access]}
  - claim: {path: [ns, region], from: {attribute: region, many: true}}
  - claim: {path: first, from: {attribute: region}}
  - claim: {path: fixed, from: {value: {a: [1, x, true]}}, tell: [id, userinfo]}
  - audience: trino
algorithm: EdDSA
";
    let client = client(text);
    let settings = serde_json::to_value(&client.settings).unwrap();
    assert_eq!(client.active, Some(false));
    assert_eq!(client.allowed_groups.iter().map(|group| group.value.as_str()).collect::<Vec<_>>(), ["data"]);
    assert_eq!(
        settings["redirect_uris"],
        json!([
            {"exact": "https://a.example.com/cb"},
            {"exact": "com.example.app:/cb"},
            {"wildcard": "https://a.example.com/*"},
            {"regex": r"https://a\.example\.com/[a-z]+"},
            {"loopback": "http://127.0.0.1/cb"},
            {"relative": "/oauth2/callback"},
        ])
    );
    assert_eq!(settings["post_logout_redirect_uris"], json!([{"exact": "https://a.example.com/"}]));
    assert_eq!(settings["web_origins"], json!(["+", "https://a.example.com"]));
    assert_eq!(settings["grants"], json!(["authorization_code", "refresh_token"]));
    assert_eq!((&settings["scopes"], &settings["consent"]), (&json!(["catalog:read"]), &json!("explicit")));
    assert_eq!(settings["lifetimes"], json!({"access_seconds": 60, "refresh_seconds": 120, "offline_seconds": 180}));
    assert_eq!((&settings["kind"], &settings["algorithm"]), (&json!("public"), &json!("EdDSA")));
    let claim =
        |path: &[&str], from, tell| Mapper::Claim { path: path.iter().map(ToString::to_string).collect(), from, tell };
    let region = |many| From::Attribute { name: "region".to_owned(), many };
    assert_eq!(
        client.settings.mappers,
        [
            claim(
                &["policy"],
                From::Groups { prefix: "minio-".to_owned() },
                Tell { access: true, id: false, userinfo: false, introspection: None },
            ),
            claim(&["ns", "region"], region(true), Tell::default()),
            claim(&["first"], region(false), Tell::default()),
            claim(
                &["fixed"],
                From::Value(json!({"a": [1, "x", true]})),
                Tell { access: false, id: true, userinfo: true, introspection: None },
            ),
            Mapper::Audience("trino".to_owned()),
        ]
    );
}

const PLATFORM_KEY: &str = r#"{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

fn deploy(more: &str) -> String {
    format!(
        "kind: Client\nname: web\ngrants: [jwt_bearer, token_exchange]\nexchange_for: [catalog, \"https://api.example.com/\"]\n\
         workloads:\n  - issuer: https://ci.example.com\n    audience: door\n    jwks: {{\"keys\": [{PLATFORM_KEY}]}}\n    {more}\n"
    )
}

#[test]
fn other_grants_bring_their_targets_and_platforms() {
    let client = client(&deploy("subjects: [\"repo:acme/*\", exact]\n    reusable: true"));
    let settings = &client.settings;
    assert_eq!(settings.grants, [GrantType::TokenExchange, GrantType::JwtBearer]);
    assert_eq!(settings.exchange_for, ["catalog", "https://api.example.com/"]);
    let [platform] = settings.workloads.as_slice() else { panic!("{:?}", settings.workloads) };
    assert_eq!((platform.issuer.as_str(), platform.audience.as_str()), ("https://ci.example.com", "door"));
    assert_eq!(
        (platform.subjects.as_slice(), platform.reusable),
        (["repo:acme/*", "exact"].map(str::to_owned).as_slice(), true)
    );
    refused(
        &deploy("subjects: [\"*\"]"),
        &["6:5: the subject * is neither exact nor a beginning with one * behind it: correct the workload"],
    );
    refused(&deploy("subjects: []"), &["6:5: a workload names 1 to 100 subjects: correct the workload"]);
    refused(
        &format!("{HEAD}grants: [jwt_bearer]\n"),
        &["3:9: jwt_bearer needs a workload: whose tokens are taken must be said: add one, or remove jwt_bearer"],
    );
    refused(
        &format!("{HEAD}public: true\ngrants: [token_exchange]\n"),
        &["4:9: a public client cannot exchange tokens: anybody could be it: remove token_exchange or public"],
    );
    refused(
        &format!("{HEAD}grants: [device_code]\n"),
        &["1:1: nobody could sign in through the client: add app: NAME, allowed_groups: […] or everyone: true"],
    );
}

#[test]
fn redirect_rules() {
    let of = |rules: &str| format!("{HEAD}everyone: true\nredirect_uris:\n{rules}");
    refused(
        &of(
            "  - nope\n  - {wild: x}\n  - {}\n  - {exact: https://a.x/, regex: x}\n  - wildcard: https://*.x/\n  - regex: https://a.b/\n",
        ),
        &[
            "5:5: a redirect URI must be absolute: write it as https://app.example.com/callback",
            "6:5: this is no redirect rule: write one text, or an object with one of exact, wildcard, regex, loopback, relative",
            "7:5: this is no redirect rule: write one text, or an object with one of exact, wildcard, regex, loopback, relative",
            "8:5: this is no redirect rule: write one text, or an object with one of exact, wildcard, regex, loopback, relative",
            "9:5: a wildcard may stand only at the end of the path, behind a fixed host: https://app.example.com/sub/*: correct the value",
            "10:5: an unescaped dot in the host of a redirect pattern stands for any letter: write \\. instead",
        ],
    );
    refused(&of("  - 5\n"), &["5:5: integer `5` stands where a redirect URI belongs: correct the value"]);
    let many = "  - https://a.x/\n".repeat(101);
    refused(&of(&many), &["5:3: the list has more than 100 entries: shorten it"]);
}

#[test]
fn words_and_numbers() {
    refused(
        &format!(
            "{USUAL}grants: [magic]\nweb_origins: [\"*\", https://a/b]\nalgorithm: none\nconsent: maybe\nscopes: [\"a b\"]\n\
             lifetimes: {{access_seconds: 0}}\n"
        ),
        &[
            "5:10: the grant `magic` is not one of authorization_code, refresh_token, client_credentials, device_code, token_exchange, jwt_bearer, password, implicit: correct the value",
            "6:15: the web origin `*` must be scheme and host, https://app.example.com, or +: correct the value",
            "6:20: the web origin `https://a/b` must be scheme and host, https://app.example.com, or +: correct the value",
            "7:12: the algorithm `none` is not one of RS256, PS256, ES256, EdDSA: correct the value",
            "8:10: the consent `maybe` is not implicit or explicit: correct the value",
            "9:10: the scope `a b` must be 1 to 128 printable ASCII characters without spaces, quotes and backslashes: correct the value",
            "10:29: access_seconds must be 1 to 86400, and is 0: correct the number",
        ],
    );
    refused(
        &format!("{USUAL}lifetimes: {{acces_seconds: 3}}\n"),
        &[
            "5:13: `acces_seconds` is none of the keys that belong here, access_seconds, refresh_seconds, offline_seconds: did you mean access_seconds?",
        ],
    );
    let told = complaints(&format!("{USUAL}redirect_uri: x\n"));
    let known =
        "5:1: Client has no key `redirect_uri`: did you mean redirect_uris? its keys are realm, name, title, active, ";
    assert!(matches!(told.as_slice(), [only] if only.starts_with(known) && only.contains(", algorithm")), "{told:?}");
    refused(
        &USUAL.replace("name: web", "name: \"a b\""),
        &[
            "2:7: the client id `a b` must be 1 to 255 printable ASCII characters without spaces, quotes, angle brackets or backslashes: correct the value",
        ],
    );
}

#[test]
fn how_requests_have_to_come() {
    let text = "require_pushed: true\nrequire_signed_request: true\ntolerates_prompt_none: true\n\
                authorization_details: [payment, \"https://a.example.com/x\"]\n";
    let settings = client(&format!("{USUAL}{text}jwks: {{keys: [{KEY}]}}\n")).settings;
    assert!(settings.require_pushed && settings.require_signed_request && settings.tolerates_prompt_none);
    assert_eq!(settings.authorization_details, ["payment", "https://a.example.com/x"]);
    let plain = client(USUAL).settings;
    assert!(!plain.require_pushed && !plain.require_signed_request && !plain.tolerates_prompt_none);
    refused(
        &format!("{USUAL}authorization_details: [\"a b\"]\n"),
        &["5:25: the type `a b` must be 1 to 256 printable ASCII characters without spaces: correct the value"],
    );
    // Whoever gets tokens through the browser needs an address and a rule as well.
    refused(
        &format!("{HEAD}grants: [implicit]\n"),
        &[
            "1:1: the client has no redirect URI, and people sign in through it: give one, such as https://app.example.com/callback",
            "1:1: nobody could sign in through the client: add app: NAME, allowed_groups: […] or everyone: true",
        ],
    );
}

#[test]
fn mappers() {
    let of = |mappers: &str| format!("{USUAL}mappers:\n{mappers}");
    refused(
        &of("  - {}\n  - {audience: a, claim: {path: x, from: {value: 1}}}\n  - audience: \"\"\n"),
        &[
            "6:5: this is no mapper: write an object with one of claim, audience",
            "7:5: this is no mapper: write an object with one of claim, audience",
            "8:15: the audience `` must be 1 to 256 printable ASCII characters without spaces: correct the value",
        ],
    );
    refused(
        &of(
            "  - claim: {path: sub, from: {value: 1}}\n  - claim: {path: [ns, sub, \"\"], from: {value: 1}}\n  - claim: {path: [], from: {}, tell: []}\n  \
             - claim: {path: x, from: {value: 1, groups: a}, tell: [head]}\n  - claim: {path: x, from: {groups: a, many: true}}\n",
        ),
        &[
            "6:19: the claim sub cannot be mapped: tokens are checked by it: choose another name",
            "7:19: the claim `` must be 1 to 256 printable ASCII characters without spaces: choose another name",
            "8:19: the path of a claim has 1 to 8 names: correct the value",
            "8:29: a claim comes from one place: write one of attribute, groups, group_paths, realm_roles, client_roles, \
             property, template, value",
            "8:39: the claim is told nowhere: write some of access, id, userinfo, introspection, or leave out the key",
            "9:28: a claim comes from one place: write one of attribute, groups, group_paths, realm_roles, client_roles, \
             property, template, value",
            "9:58: the place `head` is not one of access, id, userinfo, introspection: correct the value",
            "10:28: `many` stands without an attribute: remove it",
        ],
    );
    refused(
        &of("  - claim: {path: x, form: {value: 1}}\n"),
        &["6:22: `form` is none of the keys that belong here, path, from, tell: correct the key"],
    );
    refused(&of("  - claim: {path: x}\n"), &["6:13: the key `from` is missing: add it"]);
    let long = "a".repeat(limits::CLAIM_VALUE_BYTES);
    refused(
        &of(&format!("  - claim: {{path: x, from: {{value: {long}}}}}\n")),
        &["6:28: the value of a claim may have at most 1024 bytes: shorten it"],
    );
    refused(
        &of(&"  - audience: a\n".repeat(limits::CLIENT_MAPPERS + 1)),
        &["6:3: the list has more than 100 entries: shorten it"],
    );
}

#[test]
fn what_does_not_go_together() {
    refused(
        &format!(
            "{HEAD}redirect_uris: []\npublic: true\npkce_optional: true\ngrants: [client_credentials, refresh_token]\n"
        ),
        &[
            "5:1: a public client must use PKCE: remove pkce_optional or public",
            "6:9: a public client cannot speak for itself: it has no secret to prove who it is: remove client_credentials or public",
            "6:9: refresh_token needs authorization_code, device_code or password beside it: add one of them, or remove this",
        ],
    );
    refused(
        HEAD,
        &[
            "1:1: the client has no redirect URI, and people sign in through it: give one, such as https://app.example.com/callback",
            "1:1: nobody could sign in through the client: add app: NAME, allowed_groups: […] or everyone: true",
        ],
    );
    refused(&format!("{HEAD}grants: []\n"), &["3:9: the client has no grant: give one, such as authorization_code"]);
    refused(
        &format!("{USUAL}app: web\n"),
        &["5:6: the client has a rule of its own, and its app has one too: keep app, or allowed_groups and everyone"],
    );
    // A program that speaks for itself needs neither.
    client(&format!("{HEAD}grants: [client_credentials]\n"));
}

#[test]
fn a_client_is_declared_once_in_a_realm() {
    refused(&format!("{USUAL}---\n{USUAL}"), &["7:7: client main/web is declared twice: the other stands at d:2:7"]);
    assert_eq!(parse("d", &format!("{USUAL}---\n{USUAL}realm: lab\n")).unwrap().len(), 2);
}

#[test]
fn a_client_is_made_behind_what_it_names() {
    let text = "kind: Client\nname: grafana\nredirect_uris: [https://g.example.com/login]\napp: grafana\n---\n\
                kind: Client\nname: web\nredirect_uris: [https://w.example.com/cb]\nallowed_groups: [data]\n---\n\
                kind: App\nname: grafana\naddresses: [https://g.example.com]\nallowed_groups: [data]\n---\n\
                kind: Group\nname: data\n";
    check(
        There::main(),
        text,
        &["+ group main/data", "+ app main/grafana", "+ client main/grafana", "+ client main/web"],
    );
    check(There::main().having(text), "", &[]);
}

#[test]
fn names_nobody_knows_are_pointed_at() {
    let text = "kind: Client\nname: a\nredirect_uris: [https://a.x/]\napp: x\n---\n\
                kind: Client\nname: b\nredirect_uris: [https://b.x/]\nallowed_groups: [y]\n---\n\
                kind: Client\nrealm: nowhere\nname: c\nredirect_uris: [https://c.x/]\neveryone: true\n";
    super::there::refused(
        There::main(),
        text,
        &[
            "d.yaml:4:6: app main/x is neither declared nor there: declare it with kind: App, or correct the name",
            "d.yaml:9:18: group main/y is neither declared nor there: declare it with kind: Group, or correct the name",
            "d.yaml:12:8: realm nowhere is neither declared nor there: declare it with kind: Realm, or correct the name",
        ],
    );
}

#[test]
fn clients_are_owned_as_a_whole() {
    let first = "kind: Client\nname: web\ntitle: Web\nredirect_uris: [https://a.x/cb, {wildcard: https://a.x/w/*}]\nallowed_groups: [old]\n\
                 scopes: [s]\nlifetimes: {access_seconds: 60}\nmappers: [{audience: trino}]\n";
    let there = || There::main().group("old").group("new").having(first);
    check(there(), first, &[]);
    check(
        there(),
        "kind: Client\nname: web\npublic: true\nredirect_uris: [https://a.x/cb, https://b.x/cb]\nallowed_groups: [new]\n\
         lifetimes: {refresh_seconds: 60}\n",
        &["~ client main/web: allowed_groups: +new -old; kind: \"confidential\" → \"public\"; \
           lifetimes.access_seconds: 60 → none; lifetimes.refresh_seconds: none → 60; mapper -audience trino; \
           redirect_uris: +https://b.x/cb -wildcard:https://a.x/w/*; scopes: -s; title: \"Web\" → none"],
    );
    let app = "kind: App\nname: web\naddresses: [https://a.x]\neveryone: true\n";
    check(
        there().having(app),
        "kind: Client\nname: web\ntitle: Web\nredirect_uris: [https://a.x/cb, {wildcard: https://a.x/w/*}]\napp: web\n\
         scopes: [s]\nlifetimes: {access_seconds: 60}\nmappers: [{audience: trino}]\n",
        &["~ client main/web: app: none → web; allowed_groups: -old"],
    );
}

#[test]
fn silence_does_not_enable_a_disabled_client() {
    let disabled = || {
        There::main().having(USUAL).with(|current| {
            for client in &mut current.clients {
                client.is_active = false;
            }
        })
    };
    check(disabled(), USUAL, &[]);
    check(disabled(), &format!("{USUAL}active: true\n"), &["~ client main/web: active: false → true"]);
    check(
        disabled(),
        &USUAL.replace("/cb", "/back"),
        &["~ client main/web: redirect_uris: +https://web.example.com/back -https://web.example.com/cb"],
    );
    assert!(!disabled().current.clients.is_empty());
}

#[test]
fn a_rule_that_names_a_deleted_group_is_rewritten() {
    let text = USUAL.replace("everyone: true", "allowed_groups: [g]");
    let there = There::main().group("g").having(&text).with(|current| {
        for client in &mut current.clients {
            client.settings.access.groups.clear();
        }
    });
    check(there, &text, &["~ client main/web: allowed_groups: +g"]);
}

#[test]
fn risky_redirect_rules_are_warned_about_at_their_place() {
    let text = "kind: Client\nname: web\nredirect_uris:\n  - wildcard: https://a.x/*\n  - http://b.x/cb\npost_logout_redirect_uris:\n  \
                - regex: https://a\\.x/.*\n  - http://b.x/bye\neveryone: true\n";
    let plan = There::main().plan(text).unwrap();
    let shown: Vec<String> = plan.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "d.yaml:4:5: https://a.x/*: whoever controls any page below this address receives codes: write the whole URI",
            "d.yaml:5:5: http://b.x/cb: codes travel unencrypted to this address: use https",
            "d.yaml:7:5: https://a\\.x/.*: people may be sent to any page this pattern fits after signing out: write the whole URI",
            "d.yaml:8:5: http://b.x/bye: people are sent there unencrypted after signing out: use https",
        ]
    );
    assert_eq!(There::main().plan(USUAL).unwrap().warnings, []);
}

#[test]
fn a_step_says_who_may_enter_by_name_and_only_once() {
    let plan = There::main().plan(USUAL).unwrap();
    assert!(matches!(plan.steps.as_slice(), [Step::CreateClient { .. }]));
    let step = serde_json::to_value(&plan.steps).unwrap()[0].clone();
    assert_eq!(
        (&step["step"], &step["client"], &step["everyone"]),
        (&json!("create-client"), &json!("web"), &json!(true))
    );
    assert!(step["settings"]["access"].is_null() && step["settings"]["redirect_uris"].is_array(), "{step}");
}

const KEY: &str = "{kty: OKP, crv: Ed25519, x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo, kid: a}";

#[test]
fn a_client_says_how_it_proves_who_it_is() {
    let by_key =
        client(&format!("{USUAL}authentication: private_key_jwt\njwks: {{keys: [{KEY}]}}\ncertificate_bound: true\n"));
    let settings = &by_key.settings;
    assert_eq!((settings.authentication, settings.certificate_bound), (Authentication::PrivateKeyJwt, true));
    assert_eq!(settings.jwks.as_ref().unwrap()["keys"][0]["kid"], json!("a"));
    let by_subject = client(&format!("{USUAL}authentication: tls_subject\ntls_subject: CN=loader,O=Example\n"));
    assert_eq!(by_subject.settings.tls_subject, "CN=loader,O=Example");
    assert!(!by_subject.settings.has_secret() && client(USUAL).settings.has_secret());
}

#[test]
fn a_proof_that_cannot_be_is_pointed_at() {
    let private = KEY.replace("kid: a", "d: x");
    for (more, expected) in [
        ("authentication: magic\n".to_owned(), "5:17: the authentication `magic` is not one of secret, secret_jwt, "),
        (
            "authentication: private_key_jwt\n".to_owned(),
            "5:17: private_key_jwt needs the client's public keys: give jwks",
        ),
        (
            format!("authentication: private_key_jwt\njwks: {{keys: [{private}]}}\n"),
            "6:7: jwks: key 1: the key holds the private member `d`: make a new key",
        ),
        ("jwks: {keys: []}\n".to_owned(), "5:7: jwks: the key set must be a JSON object with a list named `keys`"),
        ("authentication: tls_subject\n".to_owned(), "5:17: tls_subject needs the subject"),
        ("tls_subject: CN=a\n".to_owned(), "1:1: a subject is compared with authentication tls_subject only"),
        ("public: true\nauthentication: secret_jwt\n".to_owned(), "6:17: a public client proves nothing"),
    ] {
        let text = format!("{USUAL}{more}");
        let complaints = parse("d", &text).map(|objects| objects.len()).unwrap_err();
        let shown: Vec<String> = complaints.iter().map(|c| c.to_string()["d:".len()..].to_owned()).collect();
        assert!(shown.len() == 1 && shown[0].starts_with(expected), "{text}{shown:?}");
    }
}
