//! Requests, and what comes of them.

use super::{Run, plans};
use crate::house::{Browser, CHALLENGE, NOWHERE, house, query, refusal, text, wishes};
use doorward_jose::jws::Presented;
use doorward_testkit::http::{Request, get};
use serde_json::Value;

plans! {
    oidcc_server
    oidcc_response_type_missing
    oidcc_idtoken_signature
    oidcc_ensure_request_without_nonce_succeeds_for_code_flow
    oidcc_ensure_request_with_unknown_parameter_succeeds
    oidcc_ensure_other_scope_order_succeeds
    oidcc_display_page
    oidcc_display_popup
    oidcc_ui_locales
    oidcc_claims_locales
    oidcc_login_hint
    oidcc_ensure_request_with_acr_values_succeeds
    oidcc_ensure_registered_redirect_uri
    oidcc_redirect_uri_missing
    oidcc_ensure_post_request_succeeds
    oidcc_ensure_request_with_valid_pkce_succeeds
}

fn oidcc_server(mode: &'static str) {
    let told = Run::new(mode).content(&[]);
    assert_eq!(text(&told, "/claims/iss"), house().issuer());
    assert!(text(&told, "/tokens/token_type").eq_ignore_ascii_case("bearer"));
    assert!(told.pointer("/tokens/expires_in").and_then(Value::as_i64).is_some_and(|seconds| seconds > 0));
    let sub = text(&told, "/claims/sub");
    assert!(sub.is_ascii() && sub.len() <= 255);
}

fn oidcc_response_type_missing(mode: &'static str) {
    let word = Run::new(mode).refused(&[("response_type", "")]);
    assert!(["invalid_request", "unsupported_response_type"].contains(&word.as_str()), "{word}");
}

/// RS256 unless the client asked for something else, and a `kid` that is published once.
fn oidcc_idtoken_signature(mode: &'static str) {
    let told = Run::new(mode).content(&[]);
    let token = text(&told, "/tokens/id_token");
    let header = Presented::read(token).expect("a token").header().clone();
    assert_eq!(header.algorithm_name(), "RS256");
    let certs = get(&house().endpoint("certs")).json();
    let keys = certs["keys"].as_array().cloned().unwrap_or_default();
    assert_eq!(keys.iter().filter(|key| key["kid"].as_str() == header.kid()).count(), 1, "{certs:#}");
}

fn oidcc_ensure_request_without_nonce_succeeds_for_code_flow(mode: &'static str) {
    let told = Run::new(mode).content(&[("nonce", "")]);
    assert_eq!(told.pointer("/claims/nonce"), None);
}

fn oidcc_ensure_request_with_unknown_parameter_succeeds(mode: &'static str) {
    Run::new(mode).content(&[("extra", "foobar")]);
}

fn oidcc_ensure_other_scope_order_succeeds(mode: &'static str) {
    let told = Run::new(mode).content(&[("scope", "email openid")]);
    assert_eq!(text(&told, "/userinfo/email"), "alice@example.com");
}

fn oidcc_display_page(mode: &'static str) {
    Run::new(mode).content(&[("display", "page")]);
}

fn oidcc_display_popup(mode: &'static str) {
    Run::new(mode).content(&[("display", "popup")]);
}

fn oidcc_ui_locales(mode: &'static str) {
    Run::new(mode).content(&[("ui_locales", "se x-unknown de-DE")]);
}

fn oidcc_claims_locales(mode: &'static str) {
    Run::new(mode).content(&[("claims_locales", "se")]);
}

fn oidcc_login_hint(mode: &'static str) {
    let mut run = Run::new(mode);
    let page = run.ask(&[("login_hint", "alice@example.com")]);
    assert_eq!(doorward_tests::field(&page.answer.text(), "login"), "alice@example.com");
    super::content(&run.browser.sign_in(&page));
}

fn oidcc_ensure_request_with_acr_values_succeeds(mode: &'static str) {
    let told = Run::new(mode).content(&[("acr_values", "1 2")]);
    assert_eq!(text(&told, "/claims/acr"), "1");
}

/// A page, and nothing sent anywhere.
fn oidcc_ensure_registered_redirect_uri(mode: &'static str) {
    for wrong in ["http://127.0.0.1:9/elsewhere", "http://127.0.0.1:9/callback?x=1", "http://127.0.0.1:9/callback/"] {
        let url = house().request("plain", &[("redirect_uri", wrong), ("response_mode", mode)]);
        let end = Browser::default().open(&url);
        assert_eq!((end.answer.status, end.sent.len()), (400, 0), "{wrong}: {}", end.url);
        assert!(!end.answer.text().contains("<form"), "{wrong}");
    }
}

/// Two are registered, so none can be meant.
fn oidcc_redirect_uri_missing(mode: &'static str) {
    let end = Browser::default().open(&house().request("plain", &[("redirect_uri", ""), ("response_mode", mode)]));
    assert_eq!((end.answer.status, end.sent.len()), (400, 0), "{}", end.url);
}

fn oidcc_ensure_post_request_succeeds(mode: &'static str) {
    let mut browser = Browser::default();
    let form = wishes("plain", &[("response_mode", mode)]);
    let page = browser.send(Request::new("POST", &house().endpoint("auth")).form(&form));
    let end = browser.sign_in(&page);
    assert_eq!(end.told("state"), "s");
    assert_eq!(house().redeem("plain", end.code()).status, 200);
}

fn oidcc_ensure_request_with_valid_pkce_succeeds(mode: &'static str) {
    let mut browser = Browser::default();
    let mut code = |more: &[(&str, &str)]| {
        let more = [&[("response_mode", mode)], more].concat();
        browser.visit(&house().request("plain", &more)).code().to_owned()
    };
    let form = |code: &str, verifier: &str| {
        let form = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", NOWHERE)];
        let verifier = [("code_verifier", verifier)];
        house().token("plain", &[&form[..], if verifier[0].1.is_empty() { &[] } else { &verifier }].concat())
    };
    assert_eq!(house().redeem("plain", &code(&[])).status, 200);
    let invalid = (400, "invalid_grant".to_owned());
    for wrong in ["", CHALLENGE, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl"] {
        assert_eq!(refusal(&form(&code(&[]), wrong)), invalid, "{wrong:?}");
    }
    // Without a challenge, where the client may, and then without a verifier.
    let without = [("code_challenge", ""), ("code_challenge_method", "")];
    assert_eq!(form(&code(&without), "").status, 200);
    let plain = query(&[("code_challenge_method", "plain"), ("code_challenge", CHALLENGE)]);
    let end = browser.open(&format!("{}&{plain}", house().request("plain", &without)));
    assert_eq!(end.told("error"), "invalid_request");
}
