//! Codes and refresh tokens, and how clients prove who they are.

use crate::fapi::Member;
use crate::house::{Browser, house, now, refusal, text};
use doorward_jose::jws::Presented;
use doorward_jose::key_set::KeySet;
use doorward_testkit::http::get;
use doorward_tests::proof::Holder;
use serde_json::Value;

/// FAPI 2's `ensure-authorization-code-is-bound-to-client` asks the same.
#[test]
fn oidcc_a_code_is_bound_to_its_client() {
    let end = Browser::default().visit(&house().request("plain", &[]));
    assert_eq!(refusal(&house().redeem("other", end.code())), (400, "invalid_grant".to_owned()));
    assert_eq!(house().redeem("plain", end.code()).status, 200, "its own client is not hurt by a stranger");
}

#[test]
fn oidcc_server_client_secret_post() {
    let end = Browser::default().visit(&house().post.url("/login"));
    assert_eq!(text(&end.answer.json(), "/claims/aud"), "certified-post", "{}", end.answer.text());
    let metadata = get(&format!("{}/.well-known/openid-configuration", house().issuer())).json();
    let methods = metadata["token_endpoint_auth_methods_supported"].as_array().cloned().unwrap_or_default();
    for method in ["client_secret_basic", "client_secret_post", "private_key_jwt"] {
        assert!(methods.iter().any(|one| one == method), "{methods:?}");
    }
}

#[test]
fn oidcc_ensure_client_assertion_with_iss_aud_succeeds() {
    let (member, holder) = (Member::new("fapi"), Holder::default());
    let end = Browser::default().visit(&member.way(&member.push(&[])));
    let proof = holder.proof("POST", &house().endpoint("token"), now(), &[]);
    assert_eq!(member.redeem(end.code(), &[proof]).status, 200);
}

/// Nobody can guess a code, and no two are alike (RFC 6749 §10.10).
#[test]
fn oidcc_codes_are_long_and_random() {
    let mut browser = Browser::default();
    let mut code = || browser.visit(&house().request("plain", &[])).code().to_owned();
    let codes: Vec<String> = (0..8).map(|_| code()).collect();
    let random = |code: &str| code.split_once('_').map_or(code, |(_, random)| random).to_owned();
    let alike = |one: &str, other: &str| one.bytes().zip(other.bytes()).filter(|(one, other)| one == other).count();
    for (place, code) in codes.iter().map(|code| random(code)).enumerate() {
        assert!(code.len() * 6 >= 128, "{code}");
        let most = codes.iter().skip(place + 1).map(|other| alike(&code, &random(other))).max();
        assert!(most.unwrap_or_default() < code.len() / 2, "{codes:?}");
    }
}

/// An ID token through the browser needs a nonce (`oidcc-implicit-…`, `oidcc-hybrid-…`, for clients declared so).
#[test]
fn oidcc_ensure_request_without_nonce_fails() {
    for response_type in ["id_token", "id_token token", "code id_token", "code id_token token"] {
        let without = [("response_type", response_type), ("nonce", "")];
        let end = Browser::default().open(&house().request("hybrid", &without));
        assert_eq!((end.told("error"), end.told("state")), ("invalid_request", "s"), "{response_type}: {}", end.url);
        assert!(end.url.contains("#error="), "{}", end.url);
        let end = Browser::default().visit(&house().request("hybrid", &without[..1]));
        let claims = proved(end.told("id_token"));
        assert_eq!(text(&claims, "/nonce"), "n-0S6_WzA2Mj", "{response_type}");
        for (hash, part) in [("at_hash", "access_token"), ("c_hash", "code")] {
            assert_eq!(claims.get(hash).is_some(), !end.told(part).is_empty(), "{response_type} {hash}");
        }
    }
}

/// The claims of an ID token whose signature is the provider's.
fn proved(token: &str) -> Value {
    let set = KeySet::parse(&get(&house().endpoint("certs")).json()).expect("a key set");
    let presented = Presented::read(token).expect("a token");
    let claims = presented.verify(set.find_for(presented.header()).expect("a key")).expect("its signature");
    Value::Object(claims.into_map())
}

#[test]
fn oidcc_refresh_token() {
    let end = Browser::default().visit(&house().request("plain", &[]));
    let first = house().redeem("plain", end.code()).json();
    let form = |token: &str| [("grant_type", "refresh_token".to_owned()), ("refresh_token", token.to_owned())];
    let ask = |client: &str, token: &str| {
        let form = form(token);
        house().token(client, &form.each_ref().map(|(name, value)| (*name, value.as_str())))
    };
    let token = text(&first, "/refresh_token");
    assert_eq!(refusal(&ask("other", token)), (400, "invalid_grant".to_owned()));
    let answer = ask("plain", token);
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{}", answer.text());
    let second = answer.json();
    assert_ne!(text(&second, "/access_token"), text(&first, "/access_token"));
    let (old, new) = (proved(text(&first, "/id_token")), proved(text(&second, "/id_token")));
    // OIDC Core §12.2.
    for same in ["iss", "sub", "aud", "auth_time", "azp"] {
        assert_eq!(new.get(same), old.get(same), "{same}");
    }
    assert!(new["iat"].as_i64().is_some_and(|iat| (iat - now()).abs() < 30));
    assert_eq!(house().userinfo(text(&second, "/access_token")).status, 200);
    // Never more than was granted.
    let more = [("scope", "openid address")];
    let form = form(text(&second, "/refresh_token"));
    let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(refusal(&house().token("plain", &[&form[..], &more].concat())), (400, "invalid_scope".to_owned()));
}

#[test]
fn oidcc_userinfo_rs256() {
    let end = Browser::default().visit(&house().request("signed-userinfo", &[]));
    let tokens = house().redeem("signed-userinfo", end.code()).json();
    let answer = house().userinfo(text(&tokens, "/access_token"));
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/jwt")));
    let told = proved(&answer.text());
    assert_eq!((text(&told, "/iss"), text(&told, "/aud")), (house().issuer().as_str(), "signed-userinfo"));
    assert_eq!(told["sub"], proved(text(&tokens, "/id_token"))["sub"]);
    assert_eq!(Presented::read(&answer.text()).expect("a token").header().algorithm_name(), "RS256");
}
