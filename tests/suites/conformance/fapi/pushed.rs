//! Pushed requests: `par-…`.

use super::{Member, PUSH, assertion};
use crate::house::{Browser, NOWHERE, house, query, refusal, text, wishes};
use doorward_testkit::http::{Request, get};
use serde_json::Value;

#[test]
fn fapi2_a_request_is_pushed_or_refused() {
    let member = Member::new("fapi");
    let pushed = member.push(&[]);
    assert_eq!(pushed.header("cache-control"), Some("no-store"));
    let told = pushed.json();
    assert!(text(&told, "/request_uri").starts_with("urn:ietf:params:oauth:request_uri:"));
    assert!(told.get("expires_in").and_then(Value::as_i64).is_some_and(|seconds| (5..=600).contains(&seconds)));
    let end = Browser::default().open(&house().request("fapi", &[]));
    assert_eq!((end.told("error"), end.told("state")), ("invalid_request", "s"), "{}", end.url);
}

#[test]
fn fapi2_what_would_be_refused_later_is_refused_at_once() {
    let member = Member::new("fapi");
    for (more, word) in [
        (&[("redirect_uri", "http://127.0.0.1:9/elsewhere")][..], "invalid_request"),
        (&[("response_type", "")], "invalid_request"),
        (&[("response_type", "code id_token")], "unauthorized_client"),
        (&[("code_challenge", "")], "invalid_request"),
        (&[("code_challenge_method", "plain")], "invalid_request"),
        (&[("code_challenge_method", "")], "invalid_request"),
        (&[("request_uri", "urn:ietf:params:oauth:request_uri:x")], "invalid_request"),
        (&[("scope", "openid unknown")], "invalid_scope"),
        (&[("dpop_jkt", "short")], "invalid_request"),
    ] {
        let answer = member.push(more);
        assert_ne!(answer.status, 201, "{more:?}");
        assert_eq!(refusal(&answer), (400, word.to_owned()), "{more:?}");
    }
    // More than the profile allows: a client with one address may leave it out (RFC 6749 §3.1.2.3).
    assert_eq!(member.push(&[("redirect_uri", "")]).status, 201);
    let own = assertion(member.key, member.name, |_, _| ());
    let twice = [&wishes("fapi", &[])[..], &[("scope", "openid")]].concat();
    assert_eq!(refusal(&member.call_with(PUSH, &twice, &own, &[])), (400, "invalid_request".to_owned()));
    for method in ["GET", "PUT", "DELETE"] {
        assert_eq!(Request::new(method, &house().endpoint(PUSH)).send().status, 405, "{method}");
    }
}

#[test]
fn fapi2_a_pushed_request_is_its_clients_and_answered_once() {
    let member = Member::new("fapi");
    let way = member.way(&member.push(&[]));
    let mut browser = Browser::default();
    // Another client cannot use it, and its own does not lose it by that.
    let stolen = browser.open(&way.replace("client_id=fapi&", "client_id=fapi-two&"));
    assert_eq!((stolen.answer.status, stolen.sent.len()), (400, 0), "{}", stolen.url);
    // Looked at again before somebody has signed in it still works.
    assert!(browser.open(&way).asks_for_a_password());
    let page = browser.open(&way);
    let end = browser.sign_in(&page);
    assert!(end.url.starts_with(NOWHERE) && !end.code().is_empty());
    let again = browser.open(&way);
    assert_eq!((again.answer.status, again.sent.len()), (400, 0), "{}", again.url);
    let unknown = [("client_id", "fapi"), ("request_uri", "urn:ietf:params:oauth:request_uri:AAAAAAAAAAAAAAAAAAAAAA")];
    let unknown = get(&format!("{}?{}", house().endpoint("auth"), query(&unknown)));
    assert_eq!((unknown.status, unknown.header("location")), (400, None));
}
