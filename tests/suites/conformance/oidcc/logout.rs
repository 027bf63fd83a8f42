//! Signing out by a client's wish, and who hears of it (`oidcc-rp-initiated-logout-…`, `oidcc-backchannel-…`,
//! `oidcc-frontchannel-…`).

use crate::fapi::claims_of;
use crate::house::{Browser, End, house, query, text};
use doorward_jose::claims::Skew;
use doorward_jose::jws::Presented;
use doorward_jose::key_set::KeySet;
use doorward_testkit::http::{Address, get};
use doorward_testkit::process::poll;
use doorward_tests::clients::tampered;
use doorward_tests::field;
use serde_json::{Value, json};
use std::time::Duration;

const BYE: &str = "http://127.0.0.1:9/bye";

/// Somebody who has signed in to a client.
struct Visit {
    browser: Browser,
    client: &'static str,
    hint: String,
    access: String,
}

impl Visit {
    fn to(client: &'static str) -> Visit {
        let mut browser = Browser::default();
        let end = browser.visit(&house().request(client, &[]));
        let tokens = house().redeem(client, end.code()).json();
        let (hint, access) = (text(&tokens, "/id_token").to_owned(), text(&tokens, "/access_token").to_owned());
        Visit { browser, client, hint, access }
    }

    fn leave(&mut self, wishes: &[(&str, &str)]) -> End {
        self.browser.open(&format!("{}?{}", house().endpoint("logout"), query(wishes)))
    }

    /// Whether the session is really gone: nobody comes in without a word, and its tokens are over.
    fn is_over(&mut self) -> bool {
        let quiet = self.browser.open(&house().request(self.client, &[("prompt", "none")]));
        let is_over = quiet.told("error") == "login_required";
        assert_eq!(house().userinfo(&self.access).status == 401, is_over);
        is_over
    }

    /// Says yes where people are asked whether they want to sign out.
    fn confirm(&mut self, page: &End) -> End {
        let html = page.answer.text();
        assert_eq!(page.answer.status, 200, "{}", page.url);
        assert!(!self.is_over(), "nobody has answered yet");
        self.browser.submit(page, &[("csrf", &field(&html, "csrf"))])
    }
}

#[test]
fn oidcc_rp_initiated_logout() {
    let mut visit = Visit::to("plain");
    let hint = visit.hint.clone();
    let end = visit.leave(&[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE), ("state", "a b&c")]);
    assert!(end.url.starts_with(BYE), "{}", end.url);
    assert_eq!(end.told("state"), "a b&c");
    assert!(visit.is_over());
}

#[test]
fn oidcc_rp_initiated_logout_no_state() {
    let mut visit = Visit::to("plain");
    let hint = visit.hint.clone();
    let end = visit.leave(&[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE)]);
    assert_eq!(end.url, BYE);
    assert!(visit.is_over());
}

#[test]
fn oidcc_rp_initiated_logout_no_post_logout_redirect_uri() {
    let mut visit = Visit::to("plain");
    let hint = visit.hint.clone();
    let end = visit.leave(&[("id_token_hint", &hint), ("state", "s")]);
    assert!(end.url.ends_with("/signed-out") && end.sent.is_empty(), "{}", end.url);
    assert!(visit.is_over());
}

/// Without a proof of who sends them here people are asked.
fn asked_first(wishes: &[(&str, &str)]) -> End {
    let mut visit = Visit::to("plain");
    let page = visit.leave(wishes);
    let end = visit.confirm(&page);
    assert!(visit.is_over());
    end
}

#[test]
fn oidcc_rp_initiated_logout_no_params() {
    assert!(asked_first(&[]).url.ends_with("/signed-out"));
}

#[test]
fn oidcc_rp_initiated_logout_only_state() {
    let end = asked_first(&[("state", "s")]);
    assert!(end.url.ends_with("/signed-out") && end.sent.is_empty(), "{}", end.url);
}

#[test]
fn oidcc_rp_initiated_logout_no_id_token_hint() {
    let end = asked_first(&[("client_id", "plain"), ("post_logout_redirect_uri", BYE), ("state", "s")]);
    assert!(end.url.starts_with(BYE) && end.told("state") == "s", "{}", end.url);
}

/// A page, nothing sent anywhere, and nobody signed out.
fn refused(client: &'static str, wishes: impl Fn(&str) -> Vec<(&'static str, String)>) {
    let mut visit = Visit::to(client);
    let wishes = wishes(&visit.hint);
    let wishes: Vec<(&str, &str)> = wishes.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let end = visit.leave(&wishes);
    assert_eq!((end.answer.status, end.sent.len()), (400, 0), "{wishes:?}: {}", end.url);
    assert!(end.url.starts_with(&house().door.url()), "{}", end.url);
    assert!(!visit.is_over());
}

fn hinted(hint: &str, target: &str) -> Vec<(&'static str, String)> {
    vec![("id_token_hint", hint.to_owned()), ("post_logout_redirect_uri", target.to_owned())]
}

#[test]
fn oidcc_rp_initiated_logout_bad_post_logout_redirect_uri() {
    refused("plain", |hint| hinted(hint, "http://127.0.0.1:9/elsewhere"));
}

#[test]
fn oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri() {
    refused("plain", |hint| hinted(hint, &format!("{BYE}?foo=bar")));
}

#[test]
fn oidcc_rp_initiated_logout_modified_id_token_hint() {
    refused("plain", |hint| hinted(&tampered(hint), BYE));
}

#[test]
fn oidcc_rp_initiated_logout_bad_id_token_hint() {
    refused("plain", |_| hinted("bad", BYE));
    // An address without anybody whose it could be.
    refused("plain", |_| vec![("post_logout_redirect_uri", BYE.to_owned())]);
    // A hint of one client beside the name of another.
    refused("plain", |hint| [hinted(hint, BYE), vec![("client_id", "other".to_owned())]].concat());
}

/// The logout token that the tool was sent for a session, proved as a tool would prove it.
fn told_behind(sid: &str) -> Value {
    let call = || {
        let calls = house().tool.seen().into_iter().filter(|seen| seen.path == "/backchannel");
        let tokens = calls.filter_map(|seen| {
            assert_eq!(seen.header("content-type"), Some("application/x-www-form-urlencoded"));
            String::from_utf8_lossy(&seen.body).strip_prefix("logout_token=").map(str::to_owned)
        });
        tokens.map(|token| proved(&token)).find(|claims| claims["sid"] == sid)
    };
    poll(Duration::from_secs(30), call).expect("the tool is told")
}

fn proved(token: &str) -> Value {
    let presented = Presented::read(token).expect("a token");
    assert!(presented.header().is("logout+jwt"));
    let set = KeySet::parse(&get(&house().endpoint("certs")).json()).expect("a key set");
    let claims = presented.verify(set.find_for(presented.header()).expect("a key")).expect("its signature");
    claims.check_times(crate::house::now(), Skew::USUAL).expect("in its time");
    Value::Object(claims.into_map())
}

#[test]
fn oidcc_backchannel_rp_initiated_logout() {
    let mut visit = Visit::to("told");
    let (hint, id_token) = (visit.hint.clone(), claims_of(&visit.hint));
    visit.leave(&[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE)]);
    assert!(visit.is_over());
    let claims = told_behind(text(&id_token, "/sid"));
    assert_eq!((text(&claims, "/iss"), text(&claims, "/aud")), (house().issuer().as_str(), "told"));
    assert_eq!(claims["sub"], id_token["sub"]);
    assert_eq!(claims["events"], json!({"http://schemas.openid.net/event/backchannel-logout": {}}));
    assert!(claims.get("nonce").is_none() && !text(&claims, "/jti").is_empty());
}

#[test]
fn oidcc_frontchannel_rp_initiated_logout() {
    let mut visit = Visit::to("told");
    let (hint, id_token) = (visit.hint.clone(), claims_of(&visit.hint));
    let wishes = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", BYE), ("state", "s")];
    let page = visit.leave(&wishes);
    let html = page.answer.text();
    let frame = html.split("<iframe").nth(1).and_then(|rest| rest.split("src=\"").nth(1)).expect("a frame");
    let frame = frame.split('"').next().unwrap_or_default().replace("&#38;", "&").replace("&amp;", "&");
    assert!(frame.starts_with(&format!("{}/frontchannel?", house().tool.url())), "{frame}");
    let carried = Address::parse(&frame).target;
    let carried = crate::house::fields(carried.split_once('?').expect("a query").1);
    let one = |name: &str| carried.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    assert_eq!((one("iss"), one("sid")), (Some(house().issuer().as_str()), Some(text(&id_token, "/sid"))));
    // From there the way goes on to where the client wants.
    assert!(html.contains(&format!("{BYE}?state=s")), "{html}");
    assert!(visit.is_over());
}
