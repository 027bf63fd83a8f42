//! Signed requests and signed answers: FAPI 2.0 Message Signing.

use super::{Member, claims_of, without};
use crate::house::{Browser, House, NOWHERE, house, now, refusal, text};
use doorward_jose::jws::Presented;
use doorward_jose::key_set::KeySet;
use doorward_testkit::http::{Request, get};
use doorward_tests::clients::tampered;
use serde_json::{Value, json};

type Change = fn(&mut Value, &mut Value);

#[test]
fn fapi2_request_objects_are_taken_or_refused() {
    let cases: [(&str, Change, bool); 27] = [
        ("as it should be", |_, _| (), true),
        ("typ JWT", |header, _| header["typ"] = json!("JWT"), true),
        ("typ of an assertion", |header, _| header["typ"] = json!("client-authentication+jwt"), false),
        // More than the profile allows: several audiences, and no `nbf`, which plain OpenID Connect does not know.
        ("aud with others", |_, claims| claims["aud"] = json!([house().issuer(), "https://x.example"]), true),
        ("no nbf", |_, claims| without(claims, "nbf"), true),
        ("nbf two hours ago", |_, claims| claims["nbf"] = json!(now() - 7200), true),
        ("no aud", |_, claims| without(claims, "aud"), false),
        ("another aud", |_, claims| claims["aud"] = json!("https://x.example"), false),
        ("aud the token endpoint", |_, claims| claims["aud"] = json!(house().endpoint("token")), false),
        ("no exp", |_, claims| without(claims, "exp"), false),
        ("expired", |_, claims| claims["exp"] = json!(now() - 60), false),
        ("good for more than an hour", |_, claims| claims["exp"] = json!(now() + 4000), false),
        ("nbf in a minute", |_, claims| claims["nbf"] = json!(now() + 60), false),
        ("nbf in 8 seconds", |_, claims| claims["nbf"] = json!(now() + 8), true),
        ("no iss", |_, claims| without(claims, "iss"), false),
        ("another iss", |_, claims| claims["iss"] = json!("fapi-two"), false),
        ("no client_id", |_, claims| without(claims, "client_id"), false),
        ("another client_id", |_, claims| claims["client_id"] = json!("fapi"), false),
        ("sub the client", |_, claims| claims["sub"] = json!("signing"), false),
        ("request inside", |_, claims| claims["request"] = json!("x"), false),
        ("request_uri inside", |_, claims| claims["request_uri"] = json!("urn:x"), false),
        ("alg none", |header, _| header["alg"] = json!("none"), false),
        ("alg RS256", |header, _| header["alg"] = json!("RS256"), false),
        ("alg HS256", |header, _| header["alg"] = json!("HS256"), false),
        ("another kid", |header, _| header["kid"] = json!("another"), false),
        ("a key of its own", |header, _| header["jwk"] = house().keys[0].jwk(), false),
        ("crit", |header, _| header["crit"] = json!(["exp"]), false),
    ];
    let member = Member::new("signing");
    for (name, change, is_good) in cases {
        let answer = member.push(&[("request", &member.object_with(change))]);
        let refused = (answer.status != 201).then(|| refusal(&answer));
        let wanted = (!is_good).then(|| (400, "invalid_request_object".to_owned()));
        assert_eq!(refused, wanted, "{name}: {}", answer.text());
    }
    let good = member.object(|_| ());
    let stranger = Member::new("fapi-two").key.sign(&json!({"alg": "ES256", "kid": "own"}), &claims_of(&good));
    for (name, object) in
        [("bent", tampered(&good)), ("another client's key", stranger), ("cut", good[..good.len() - 90].to_owned())]
    {
        let refused = refusal(&member.push(&[("request", &object)]));
        assert_eq!(refused, (400, "invalid_request_object".to_owned()), "{name}");
    }
    assert_eq!(refusal(&member.push(&[])), (400, "invalid_request".to_owned()), "not signed at all");
}

#[test]
fn fapi2_what_stands_beside_a_request_object_does_not_count() {
    let member = Member::new("signing");
    let mut browser = Browser::default();
    let object = member.object(|claims| without(claims, "state"));
    let end = browser.visit(&member.way(&member.push(&[("request", &object), ("state", "outside")])));
    assert_eq!((end.told("state"), end.code().is_empty()), ("", false), "{}", end.url);
    let object = member.object(|claims| (claims["state"], claims["nonce"]) = (json!("inside"), json!("inner")));
    let end =
        browser.visit(&member.way(&member.push(&[("request", &object), ("state", "outside"), ("nonce", "outer")])));
    assert_eq!(end.told("state"), "inside");
    let tokens = member.redeem(end.code(), &[]).json();
    assert_eq!(text(&claims_of(text(&tokens, "/id_token")), "/nonce"), "inner");
}

/// An authorization response in one token (JARM §4.1, §4.3).
fn signed_answer(house: &House, end: &crate::house::End, client: &str) -> Value {
    assert!(end.url.starts_with(&format!("{NOWHERE}?response=")) && end.sent.len() == 1, "{}", end.url);
    let set = KeySet::parse(&get(&house.endpoint("certs")).json()).expect("a key set");
    let presented = Presented::read(end.told("response")).expect("a token");
    assert_eq!(presented.header().algorithm_name(), "PS256", "as the client's tokens are");
    let claims = presented.verify(set.find_for(presented.header()).expect("a key")).expect("its signature");
    let claims = Value::Object(claims.into_map());
    assert_eq!((text(&claims, "/iss"), text(&claims, "/aud")), (house.issuer().as_str(), client));
    assert!(claims["exp"].as_i64().is_some_and(|exp| (1..=600).contains(&(exp - now()))), "{claims:#}");
    claims
}

#[test]
fn fapi2_answers_come_signed_where_that_is_asked_for() {
    let (house, member) = (house(), Member::new("fapi"));
    let mut browser = Browser::default();
    for mode in ["jwt", "query.jwt"] {
        let end = browser.visit(&member.way(&member.push(&[("response_mode", mode)])));
        let told = signed_answer(house, &end, "fapi");
        assert!(told.get("code").is_some() && told["state"] == "s", "{told:#}");
    }
    let quiet = Browser::default().open(&member.way(&member.push(&[("response_mode", "jwt"), ("prompt", "none")])));
    let told = signed_answer(house, &quiet, "fapi");
    assert_eq!((text(&told, "/error"), told.get("code")), ("login_required", None));
}

#[test]
fn fapi2_introspection_is_signed_where_that_is_asked_for() {
    let end = Browser::default().visit(&house().request("plain", &[]));
    let tokens = house().redeem("plain", end.code()).json();
    let form =
        [("token", text(&tokens, "/access_token")), ("client_id", "plain"), ("client_secret", house().secret("plain"))];
    let request = Request::new("POST", &house().endpoint("token/introspect")).form(&form);
    let answer = request.header("Accept", "application/token-introspection+jwt").send();
    assert_eq!(answer.header("content-type"), Some("application/token-introspection+jwt"));
    let set = KeySet::parse(&get(&house().endpoint("certs")).json()).expect("a key set");
    let token = answer.text();
    let presented = Presented::read(&token).expect("a token");
    assert!(presented.header().is("token-introspection+jwt"));
    let claims = presented.verify(set.find_for(presented.header()).expect("a key")).expect("its signature");
    let claims = Value::Object(claims.into_map());
    assert_eq!((text(&claims, "/iss"), text(&claims, "/aud")), (house().issuer().as_str(), "plain"));
    assert_eq!(claims.pointer("/token_introspection/active"), Some(&json!(true)));
    // It is no token of its own kind.
    assert_eq!(house().userinfo(&token).status, 401);
}
