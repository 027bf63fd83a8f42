//! What a scope brings, and what it does not.

use super::{Run, plans};
use crate::house::{house, text};
use doorward_testkit::http::Request;
use serde_json::{Value, json};

plans! {
    oidcc_userinfo_get
    oidcc_userinfo_post_header
    oidcc_userinfo_post_body
    oidcc_scope_profile
    oidcc_scope_email
    oidcc_scope_address
    oidcc_scope_phone
    oidcc_scope_all
    oidcc_claims_essential
}

/// Asks for userinfo in the module's way, with the token in a header or in the body.
fn userinfo(mode: &'static str, method: &str, is_in_body: bool) {
    let told = Run::new(mode).content(&[]);
    let token = text(&told, "/tokens/access_token");
    let request = Request::new(method, &house().endpoint("userinfo"));
    let request = match is_in_body {
        true => request.form(&[("access_token", token)]),
        false => request.header("Authorization", format!("Bearer {token}")),
    };
    let answer = request.send();
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")), "{}", answer.text());
    assert_eq!(text(&answer.json(), "/sub"), text(&told, "/claims/sub"));
    // Nothing and something else are told what is wanted.
    let none = Request::new(method, &house().endpoint("userinfo")).send();
    assert_eq!(none.status, 401);
    assert!(none.headers_named("www-authenticate").iter().any(|line| line.starts_with("Bearer")));
    assert_eq!(house().userinfo(&doorward_tests::clients::tampered(token)).status, 401);
}

fn oidcc_userinfo_get(mode: &'static str) {
    userinfo(mode, "GET", false);
}

fn oidcc_userinfo_post_header(mode: &'static str) {
    userinfo(mode, "POST", false);
}

fn oidcc_userinfo_post_body(mode: &'static str) {
    userinfo(mode, "POST", true);
}

/// Scopes that bring claims only when they are asked for.
const ON_REQUEST: [(&str, &[&str]); 2] =
    [("address", &["address"]), ("phone", &["phone_number", "phone_number_verified"])];

/// What userinfo tells with a scope, and that nothing of another scope comes along. `profile` and `email` come always.
fn told_with(mode: &'static str, scope: &str) -> Value {
    let told = Run::new(mode).content(&[("scope", &format!("openid {scope}"))]);
    let told = told["userinfo"].clone();
    for (other, claims) in ON_REQUEST {
        let is_asked = scope.split(' ').any(|word| word == other);
        for claim in claims {
            assert_eq!(told.get(*claim).is_some(), is_asked, "{claim} with {scope}: {told:#}");
        }
    }
    told
}

fn oidcc_scope_profile(mode: &'static str) {
    let told = told_with(mode, "profile");
    for (claim, value) in [
        ("name", "Alice Adams"),
        ("given_name", "Alice"),
        ("family_name", "Adams"),
        ("preferred_username", "alice"),
        ("nickname", "al"),
    ] {
        assert_eq!(told.get(claim), Some(&json!(value)));
    }
}

fn oidcc_scope_email(mode: &'static str) {
    let told = told_with(mode, "email");
    assert_eq!(told.get("email"), Some(&json!("alice@example.com")));
    assert_eq!(told.get("email_verified"), Some(&json!(true)));
}

fn oidcc_scope_address(mode: &'static str) {
    let told = told_with(mode, "address");
    assert_eq!(told.pointer("/address/street_address"), Some(&json!("Tor 1")), "{told:#}");
    assert_eq!(told.pointer("/address/country"), Some(&json!("Germany")));
}

fn oidcc_scope_phone(mode: &'static str) {
    let told = told_with(mode, "phone");
    assert_eq!(told.get("phone_number"), Some(&json!("+49 30 1234567")));
    assert_eq!(told.get("phone_number_verified"), Some(&json!(true)));
}

fn oidcc_scope_all(mode: &'static str) {
    let told = told_with(mode, "profile email address phone");
    assert_eq!(told.get("name"), Some(&json!("Alice Adams")));
}

/// Claims by name, at userinfo and in the ID token, without the scope that would bring them.
fn oidcc_claims_essential(mode: &'static str) {
    let wish = json!({
        "userinfo": {"name": {"essential": true}, "phone_number": {"essential": true}},
        "id_token": {"phone_number_verified": null, "auth_time": {"essential": true}},
    });
    let told = Run::new(mode).content(&[("claims", &wish.to_string())]);
    assert_eq!(text(&told, "/userinfo/name"), "Alice Adams");
    assert_eq!(text(&told, "/userinfo/phone_number"), "+49 30 1234567");
    assert_eq!(told.pointer("/claims/phone_number_verified"), Some(&json!(true)));
    assert_eq!(told.pointer("/userinfo/phone_number_verified"), None, "{told:#}");
}
