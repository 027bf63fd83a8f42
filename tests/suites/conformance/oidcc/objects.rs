//! Requests that stand in an object, by value or by reference.

use super::{Run, plans};
use crate::fapi::{Member, claims_of};
use crate::house::{Browser, NOWHERE, house};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

plans! {
    oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported
    oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported
    oidcc_ensure_request_object_with_redirect_uri
}

fn unsigned(redirect_uri: &str) -> String {
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({"iss": "certified", "aud": house().issuer(), "client_id": "certified", "response_type": "code",
                        "redirect_uri": redirect_uri, "scope": "openid", "state": "inner"});
    format!("{}.{}.", part(json!({"alg": "none"})), part(claims))
}

/// Nothing is fetched, and that is said.
fn oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(mode: &'static str) {
    let address = format!("{}/request.jwt", house().tool.url());
    assert_eq!(Run::new(mode).refused(&[("request_uri", &address)]), "request_uri_not_supported");
    assert!(house().tool.seen().iter().all(|seen| seen.path != "/request.jwt"), "somebody fetched it");
}

/// Neither a page of ours passes it over, nor anything is sent anywhere: what a request without a signature says, the
/// address in it included, was said by nobody. The suite leaves this module out for providers that do not list `none`.
fn stops_at_a_page(mode: &'static str, redirect_uri: &str) {
    let end = Run::new(mode).ask(&[("request", &unsigned(redirect_uri))]);
    assert_eq!((end.answer.status, end.sent.len()), (400, 0), "{}", end.url);
    assert!(end.answer.text().contains("The signed request cannot be used"), "{}", end.answer.text());
}

fn oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(mode: &'static str) {
    stops_at_a_page(mode, &house().basic.url("/callback"));
}

/// The address inside counts for nothing while nobody signed it; signed, it counts alone.
fn oidcc_ensure_request_object_with_redirect_uri(mode: &'static str) {
    stops_at_a_page(mode, "http://127.0.0.1:9/evil");
    let member = Member::new("signing");
    let two = format!("{NOWHERE}-two");
    let object = member.object(|claims| {
        claims["redirect_uri"] = json!(two);
        if !mode.is_empty() {
            claims["response_mode"] = json!(mode);
        }
    });
    let pushed = member.push(&[("request", &object), ("redirect_uri", NOWHERE)]);
    let end = Browser::default().visit(&member.way(&pushed));
    assert!(end.url.starts_with(&two) && !end.code().is_empty(), "{}", end.url);
    assert_eq!(claims_of(&object)["redirect_uri"], two);
}
