//! People who come in with what a SAML provider proved: SimpleSAMLphp, real browsers, and answers forged in every way that
//! was ever published.
#![allow(clippy::panic, clippy::expect_used, reason = "the suites fail by panicking")]

mod apart;
mod begun;
mod bounds;
mod conditions;
mod encrypted;
mod forge;
mod ground;
mod hostile;
mod judged;
mod lemonldap;
mod logout;
mod metadata;
mod mutants;
mod named;
mod own_keys;
mod pysaml2;
mod spid;
mod trusted;
mod xmlsec;

use doorward_testkit::jar::Jar;
use doorward_testkit::peers::SimpleSaml;
use doorward_testkit::webdriver::Browser;
use doorward_tests::page_request;
use forge::{Claims, Signer, at};
use ground::{Ground, attribute};
use serde_json::{Value, json};
use std::time::Duration;

/// The people of the company, by the names and passwords they sign in with there.
fn people() -> Value {
    json!({
        "ada:ada-there": {"uid": ["ada"], "mail": ["ada@example.com"], "groups": ["dagster-users", "everybody"]},
        "bob:bob-there": {"uid": ["bob"], "mail": ["bob@example.com"], "groups": ["everybody"]},
    })
}

/// A door connected with SimpleSAMLphp, told these words more; its own settings there are others.
fn real(words: &[&str], settings: &Value) -> (Ground, SimpleSaml) {
    let (ground, signer) = (Ground::new(), Signer::new());
    let company = SimpleSaml::start((&signer.key_pem, &signer.certificate_pem()), &people(), settings);
    ground.connect("company", &company.metadata(), words);
    company.know(&ground.descriptor("company"));
    (ground, company)
}

/// Goes from the tool to the company, signs in there and waits to be back.
fn come(ground: &Ground, browser: &Browser, (name, password): (&str, &str), back: &str) {
    let page = ("input[name=username]", "#regularsubmit button, button[type=submit], input[type=submit]");
    ground.come(browser, page, (name, password), back);
}

#[test]
fn a_real_browser_goes_to_simplesamlphp_and_back() {
    let (ground, company) = real(&["--title", "The company"], &Value::Null);
    let browser = Browser::start();
    come(&ground, &browser, ("ada", "ada-there"), "tool.localhost");
    assert_eq!(browser.url(), ground.tool_url("/runs?x=1"));
    let seen = ground.tool.last();
    assert_eq!(seen.header("x-forwarded-user"), Some("ada"));
    assert_eq!(seen.header("x-forwarded-email"), Some("ada@example.com"));
    assert_eq!(ground.groups("ada"), json!(["dagster-users", "everybody"]));
    // What the company says now takes the place of what it said before.
    let mut changed = people();
    changed["ada:ada-there"]["groups"] = json!(["everybody"]);
    company.say(&changed);
    let other = Browser::start();
    come(&ground, &other, ("ada", "ada-there"), ground.door.url().as_str());
    other.wait_for_text("dagster-users");
    assert_eq!(ground.groups("ada"), json!(["everybody"]));
    // And somebody else is somebody else.
    let third = Browser::start();
    come(&ground, &third, ("bob", "bob-there"), ground.door.url().as_str());
    third.wait_for_text("dagster-users");
    assert!(ground.users().contains("\"bob\""), "{}", ground.users());
}

#[test]
fn gauntlet_b6_17_simplesamlphp_encrypts_by_cbc_which_is_refused() {
    let (ground, _company) = real(&["--encryption"], &json!({"assertion.encryption": true}));
    let browser = Browser::start();
    come(&ground, &browser, ("ada", "ada-there"), "/endpoint");
    browser.wait_for_text("You are not signed in");
}

#[test]
fn gauntlet_b6_14_and_15_a_genuine_answer_opens_a_session_once_where_it_was_asked_for() {
    let (ground, signer) = Ground::forged(&[]);
    let mut asked = ground.ask("company");
    assert_eq!(attribute(&asked.message, "AssertionConsumerServiceURL"), ground.endpoint("company"));
    assert!(asked.address.starts_with(forge::SIGN_ON) && asked.address.contains("&Signature="), "{}", asked.address);
    let answer = Claims::new(&ground.endpoint("company"), &asked.id).genuine(&signer);
    let mut before = asked.jar.clone();
    let end = ground.bring(&mut asked.jar, "company", &answer);
    assert_eq!((end.answer.status, end.url), (200, ground.tool_url("/runs?x=1")), "{}", end.answer.text());
    assert!(ground.is_in(&mut asked.jar));
    let again = ground.bring(&mut asked.jar, "company", &answer);
    assert_eq!(again.answer.status, 410, "{}", again.answer.text());
    // The same browser as it was before, with its request still open.
    let replayed = ground.bring(&mut before, "company", &answer);
    assert_eq!(replayed.answer.status, 403, "{}", replayed.answer.text());
    assert!(replayed.answer.text().contains("used already"), "{}", replayed.answer.text());
    assert!(!ground.is_in(&mut before));
    let mut stranger = Jar::new();
    let elsewhere = ground.bring(&mut stranger, "company", &answer);
    assert_eq!(elsewhere.answer.status, 410, "{}", elsewhere.answer.text());
    assert!(!ground.is_in(&mut stranger));
}

#[test]
fn a_session_here_ends_with_the_one_there() {
    let (ground, signer) = Ground::forged(&[]);
    let mut asked = ground.ask("company");
    let mut claims = Claims::new(&ground.endpoint("company"), &asked.id);
    claims.session_until = Some(at(4));
    let end = ground.bring(&mut asked.jar, "company", &claims.genuine(&signer));
    assert_eq!(end.answer.status, 200, "{}", end.answer.text());
    let over = || asked.jar.send(page_request(&ground.tool_url("/later"))).status != 200;
    doorward_testkit::process::wait_until("the session to be over", Duration::from_secs(10), over);
}
