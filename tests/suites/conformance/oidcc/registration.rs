//! Clients that register themselves (`oidcc-dynamic-certification-test-plan`). Doorward wants a registration token of
//! an operator's, fetches nothing that a client names, and shows people no pictures and links of such clients.

use crate::fapi::assertion;
use crate::house::{Browser, CHALLENGE, End, VERIFIER, house, now, query, refusal, registered, text};
use doorward_testkit::http::{Answer, Request, get};
use doorward_tests::field;
use doorward_tests::proof::Holder;
use serde_json::{Value, json};
use std::sync::LazyLock;

const CALLBACK: &str = "https://rp.example.com/callback";

fn send(method: &str, url: &str, token: &str, body: &Value) -> Answer {
    Request::new(method, url).header("Authorization", format!("Bearer {token}")).json(body).send()
}

fn register(metadata: &Value) -> Answer {
    static TOKEN: LazyLock<String> = LazyLock::new(|| {
        let more = ["--redirect-host", "rp.example.com", "--everyone", "--uses", "100"];
        house().door.cli_text(&[&["registration", "create", "suite"][..], &more].concat()).trim().to_owned()
    });
    send("POST", &format!("{}/clients-registrations/openid-connect", house().issuer()), &TOKEN, metadata)
}

fn registered_with(more: Value) -> Value {
    let mut metadata = json!({"redirect_uris": [CALLBACK], "client_name": "Suite"});
    metadata.as_object_mut().expect("members").extend(more.as_object().cloned().unwrap_or_default());
    let answer = register(&metadata);
    assert_eq!(answer.status, 201, "{metadata:#}: {}", answer.text());
    answer.json()
}

fn way(client: &Value, redirect_uri: &str) -> String {
    let wishes = [
        ("client_id", text(client, "/client_id")),
        ("redirect_uri", redirect_uri),
        ("response_type", "code"),
        ("scope", "openid"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let wishes: Vec<_> = wishes.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    format!("{}?{}", house().endpoint("auth"), query(&wishes))
}

/// The question whether the client may; what people see of it.
fn question(client: &Value, redirect_uri: &str) -> (Browser, End) {
    let mut browser = Browser::default();
    let page = browser.visit(&way(client, redirect_uri));
    assert!(page.answer.text().contains("name=\"decision\""), "{}: {}", page.url, page.answer.text());
    (browser, page)
}

/// Goes through all of it and gives the code.
fn code(client: &Value, redirect_uri: &str) -> String {
    let (mut browser, page) = question(client, redirect_uri);
    let html = page.answer.text();
    let form = [("request", field(&html, "request")), ("csrf", field(&html, "csrf")), ("decision", "allow".to_owned())];
    let end = browser.submit(&page, &form.each_ref().map(|(name, value)| (*name, value.as_str())));
    assert!(end.url.starts_with(redirect_uri), "{}", end.url);
    end.code().to_owned()
}

fn redeem(redirect_uri: &str, code: &str, proof: &[(&str, &str)]) -> Answer {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", redirect_uri),
        ("code_verifier", VERIFIER),
    ];
    Request::new("POST", &house().endpoint("token")).form(&[&form[..], proof].concat()).send()
}

fn with_secret(client: &Value) -> [(&str, &str); 2] {
    [("client_id", text(client, "/client_id")), ("client_secret", text(client, "/client_secret"))]
}

fn refused(metadata: Value) -> String {
    let (status, word) = refusal(&register(&metadata));
    assert_eq!(status, 400, "{metadata:#}");
    word
}

fn is_stopped(client: &Value, redirect_uri: &str) {
    let end = Browser::default().open(&way(client, redirect_uri));
    assert_eq!((end.answer.status, end.sent.len()), (400, 0), "{redirect_uri}: {}", end.url);
}

#[test]
fn oidcc_redirect_uri_query_ok_mismatch_and_added() {
    let address = format!("{CALLBACK}?foo=bar");
    let client = registered_with(json!({"redirect_uris": [address]}));
    let code = code(&client, &address);
    assert_eq!(redeem(&address, &code, &with_secret(&client)).status, 200);
    for wrong in ["?foo=baz", "?foo=bar&x=1", "", "?bar=foo", "?foo=bar#x"] {
        is_stopped(&client, &format!("{CALLBACK}{wrong}"));
    }
    is_stopped(&registered_with(json!({})), &address);
}

#[test]
fn oidcc_redirect_uri_regfrag() {
    assert_eq!(refused(json!({"redirect_uris": [format!("{CALLBACK}#fragment")]})), "invalid_redirect_uri");
}

#[test]
fn oidcc_ensure_redirect_uri_in_authorization_request() {
    let two = json!({"redirect_uris": [CALLBACK, format!("{CALLBACK}-two")]});
    is_stopped(&registered_with(two), "");
}

#[test]
fn oidcc_registration_logo_policy_and_tos_uri() {
    let links = ["logo_uri", "policy_uri", "tos_uri"];
    for name in links {
        let client = registered_with(json!({name: "https://rp.example.com/seen-by-people"}));
        let (_, page) = question(&client, CALLBACK);
        let html = page.answer.text();
        assert!(html.contains("Suite") && !html.contains("seen-by-people"), "{name}");
    }
}

#[test]
fn oidcc_registration_jwks_uri_is_not_fetched_and_keys_are_taken_by_value() {
    assert_eq!(
        refused(json!({"redirect_uris": [CALLBACK], "jwks_uri": "https://rp.example.com/jwks"})),
        "invalid_client_metadata"
    );
    let holder = Holder::default();
    let keys: Value = serde_json::from_str(&registered(&holder)).expect("a key");
    let own = json!({"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [keys]}});
    let client = registered_with(own);
    let name = text(&client, "/client_id");
    let proof = assertion(&holder, name, |_, _| ());
    let answer =
        redeem(CALLBACK, &code(&client, CALLBACK), &proof.each_ref().map(|(name, value)| (*name, value.as_str())));
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn oidcc_registration_sector_uri_and_sector_bad() {
    for more in [json!({"subject_type": "pairwise"}), json!({"sector_identifier_uri": "https://rp.example.com/sector"})]
    {
        let mut metadata = json!({"redirect_uris": [CALLBACK]});
        metadata.as_object_mut().expect("members").extend(more.as_object().cloned().unwrap_or_default());
        assert_eq!(refused(metadata), "invalid_client_metadata");
    }
}

#[test]
fn oidcc_idtoken_unsigned() {
    let metadata = json!({"redirect_uris": [CALLBACK], "id_token_signed_response_alg": "none"});
    assert_eq!(refused(metadata), "invalid_client_metadata");
}

#[test]
fn oidcc_idtoken_rs256_and_userinfo_rs256() {
    let wishes = json!({"id_token_signed_response_alg": "RS256", "userinfo_signed_response_alg": "RS256"});
    let client = registered_with(wishes);
    let tokens = redeem(CALLBACK, &code(&client, CALLBACK), &with_secret(&client)).json();
    let algorithm = |token: &str| {
        let read = doorward_jose::jws::Presented::read(token).expect("a token");
        read.header().algorithm_name().to_owned()
    };
    assert_eq!(algorithm(text(&tokens, "/id_token")), "RS256");
    assert_eq!(algorithm(&house().userinfo(text(&tokens, "/access_token")).text()), "RS256");
}

/// The relying party changes its key and is known by the new one at once.
#[test]
fn oidcc_refresh_token_rp_key_rotation() {
    let (old, new) = (Holder::default(), Holder::default());
    let metadata = |holder: &Holder| {
        let key: Value = serde_json::from_str(&registered(holder)).expect("a key");
        json!({"redirect_uris": [CALLBACK], "client_name": "Suite", "token_endpoint_auth_method": "private_key_jwt",
               "grant_types": ["authorization_code", "refresh_token"], "jwks": {"keys": [key]}})
    };
    let client = register(&metadata(&old)).json();
    let name = text(&client, "/client_id");
    let form = |holder: &Holder| assertion(holder, name, |_, _| ());
    let redeemed =
        redeem(CALLBACK, &code(&client, CALLBACK), &form(&old).each_ref().map(|(name, value)| (*name, value.as_str())));
    assert_eq!(redeemed.status, 200, "{}", redeemed.text());
    let tokens = redeemed.json();
    let mut changed = metadata(&new);
    changed["client_id"] = json!(name);
    let own = text(&client, "/registration_access_token");
    let put = send("PUT", text(&client, "/registration_client_uri"), own, &changed);
    assert_eq!(put.status, 200, "{}", put.text());
    let refresh = |holder: &Holder| {
        let form = form(holder);
        let proof = form.each_ref().map(|(name, value)| (*name, value.as_str()));
        let ask = [("grant_type", "refresh_token"), ("refresh_token", text(&tokens, "/refresh_token"))];
        Request::new("POST", &house().endpoint("token")).form(&[&ask[..], &proof].concat()).send()
    };
    assert_eq!(refusal(&refresh(&old)), (401, "invalid_client".to_owned()));
    assert_eq!(refresh(&new).status, 200);
}

/// A further key is published while the one that signs stays, under another name.
#[test]
fn oidcc_server_rotate_keys() {
    house().door.cli_text(&["realm", "create", "rotating"]);
    let certs = format!("{}/realms/rotating/protocol/openid-connect/certs", house().door.url());
    let kids = || -> Vec<String> {
        let set = get(&certs).json();
        let keys = set["keys"].as_array().cloned().unwrap_or_default();
        keys.iter().map(|key| text(key, "/kid").to_owned()).collect()
    };
    let before = kids();
    house().door.cli_text(&["--realm", "rotating", "key", "rotate", "--algorithm", "ES256"]);
    let after = kids();
    assert!(before.iter().all(|kid| after.contains(kid)), "{before:?} {after:?}");
    assert_eq!(after.len(), before.len() + 1, "{before:?} {after:?}");
}

/// `initiate_login_uri` is a member nobody here reads: such metadata is taken, and nothing is promised by repeating it.
#[test]
fn oidcc_3rd_party_init_login_is_not_promised() {
    let client = registered_with(json!({"initiate_login_uri": "https://rp.example.com/start"}));
    assert_eq!(client.get("initiate_login_uri"), None);
    assert!(client["client_id_issued_at"].as_i64().is_some_and(|at| (at - now()).abs() < 60));
}
