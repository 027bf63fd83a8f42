//! The whole way of FAPI 2.0's Security Profile: `happy-flow`, `user-rejects-authentication`, codes, PKCE.

use super::{Member, claims_of, proof};
use crate::house::{Browser, NOWHERE, house, now, refusal, text};
use doorward_jose::jws::Presented;
use doorward_testkit::http::Request;
use doorward_tests::field;
use doorward_tests::proof::{Holder, ath};
use serde_json::json;

#[test]
fn fapi2_happy_flow_for_two_clients_with_long_nonce_and_state() {
    let (nonce, state) = ("n".repeat(384), "\u{e9}&=+ ".repeat(100));
    for (name, algorithm) in [("fapi", "PS256"), ("fapi-two", "ES256")] {
        let (member, holder) = (Member::new(name), Holder::default());
        let end = Browser::default().visit(&member.way(&member.push(&[("nonce", &nonce), ("state", &state)])));
        assert_eq!((end.told("state"), end.told("iss")), (state.as_str(), house().issuer().as_str()));
        let answer = member.redeem(end.code(), &[proof(&holder)]);
        assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{}", answer.text());
        let tokens = answer.json();
        assert_eq!(text(&tokens, "/token_type"), "DPoP");
        let id_token = text(&tokens, "/id_token");
        assert_eq!(Presented::read(id_token).expect("a token").header().algorithm_name(), algorithm);
        assert_eq!(claims_of(id_token)["nonce"], nonce);
        let access = text(&tokens, "/access_token");
        assert_eq!(claims_of(access)["cnf"], json!({"jkt": holder.thumbprint()}));
        // The name of the scheme is of any case (RFC 9110 §11.1).
        for scheme in ["DPoP", "dpop", "DPOP"] {
            let proof = holder.proof("GET", &house().endpoint("userinfo"), now(), &[("ath", &ath(access))]);
            let ask = Request::new("GET", &house().endpoint("userinfo")).header("DPoP", proof);
            assert_eq!(ask.header("Authorization", format!("{scheme} {access}")).send().status, 200, "{scheme}");
        }
    }
}

#[test]
fn fapi2_user_rejects_authentication() {
    let mut browser = Browser::default();
    let page = browser.visit(&house().request("asking", &[]));
    let html = page.answer.text();
    let form = [("request", field(&html, "request")), ("csrf", field(&html, "csrf")), ("decision", "deny".to_owned())];
    let end = browser.submit(&page, &form.each_ref().map(|(name, value)| (*name, value.as_str())));
    assert_eq!((end.told("error"), end.told("state")), ("access_denied", "s"), "{}", end.url);
    assert!(end.url.starts_with(NOWHERE) && end.told("code").is_empty());
}

#[test]
fn fapi2_a_code_is_its_clients_its_keys_and_its_verifiers() {
    let invalid = (400, "invalid_grant".to_owned());
    let (member, other, holder) = (Member::new("fapi"), Member::new("fapi-two"), Holder::default());
    let mut browser = Browser::default();
    let jkt = holder.thumbprint();
    let mut code = |more: &[(&str, &str)]| browser.visit(&member.way(&member.push(more))).code().to_owned();
    let own = code(&[]);
    assert_eq!(refusal(&other.redeem(&own, &[proof(&holder)])), invalid, "another client");
    assert_eq!(refusal(&member.redeem(&own, &[])), (400, "invalid_dpop_proof".to_owned()), "no proof");
    let tokens = member.redeem(&own, &[proof(&holder)]);
    assert_eq!(tokens.status, 200, "{}", tokens.text());
    assert_eq!(refusal(&member.redeem(&own, &[proof(&holder)])), invalid, "a second time");
    for verifier in ["", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl"] {
        let answer = member.redeem_with(&code(&[]), verifier, &[proof(&holder)]);
        assert_eq!(refusal(&answer), invalid, "verifier {verifier:?}");
    }
    let bound = code(&[("dpop_jkt", &jkt)]);
    assert_eq!(refusal(&member.redeem(&bound, &[proof(&Holder::default())])), invalid, "another key");
    assert_eq!(member.redeem(&code(&[("dpop_jkt", &jkt)]), &[proof(&holder)]).status, 200);
}

#[test]
fn fapi2_a_proof_sent_with_a_pushed_request_binds_the_code() {
    let (member, holder) = (Member::new("fapi"), Holder::default());
    let at_push = |holder: &Holder| holder.proof("POST", &house().endpoint(super::PUSH), now(), &[]);
    let push = |more: &[(&str, &str)], holder: &Holder| {
        member.call(super::PUSH, &crate::house::wishes("fapi", more), &[at_push(holder)])
    };
    let end = Browser::default().visit(&member.way(&push(&[], &holder)));
    let stolen = member.redeem(end.code(), &[proof(&Holder::default())]);
    assert_eq!(refusal(&stolen), (400, "invalid_grant".to_owned()));
    let jkt = Holder::default().thumbprint();
    let (status, word) = refusal(&push(&[("dpop_jkt", &jkt)], &holder));
    assert!(status == 400 && ["invalid_request", "invalid_dpop_proof"].contains(&word.as_str()), "{word}");
}
