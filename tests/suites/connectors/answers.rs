//! Answers that come otherwise than with a code in the query: ID tokens through the browser, in the fragment or as a form.

use crate::ground::{Ground, visit};
use doorward_oauth::form;
use doorward_oauth::parameters::Parameters;
use doorward_testkit::http::{Address, Request};
use doorward_testkit::jar::{Hop, Jar};
use doorward_testkit::webdriver::Browser;
use doorward_tests::{action, field, page_request};
use serde_json::json;
use std::time::Duration;

type Fields = Vec<(String, String)>;

const PARTS: [&str; 6] = ["code", "id_token", "access_token", "state", "iss", "error"];

/// A door whose company is asked for that, in that way.
fn ground(response_type: &str, mode: &str) -> Ground {
    Ground::new(&["--response-type", response_type, "--response-mode", mode])
}

fn endpoint(ground: &Ground) -> String {
    format!("{}/realms/main/broker/company/endpoint", ground.door.url())
}

fn fields_of(text: &str) -> Fields {
    let read = Parameters::parse_form(text).expect("a form");
    read.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Says at the company who one is; what comes back, wherever it stands.
fn answer_of(ground: &Ground, jar: &mut Jar, name: &str) -> Fields {
    let page = ground.leave(jar);
    assert!(page.url.starts_with(&ground.company.url("/")), "{} {}", page.url, page.answer.text());
    let mut answer = jar.send(Request::new("POST", &page.url).header("Accept", "text/html").form(&[("name", name)]));
    let mut at = page.url;
    while let Some(next) = answer.header("location") {
        at = Address::parse(&at).join(next);
        if let Some(behind) = at.strip_prefix(&format!("{}#", endpoint(ground))) {
            return fields_of(behind);
        }
        answer = jar.send(page_request(&at));
    }
    let html = answer.text();
    assert_eq!(action(&html), endpoint(ground), "{html}");
    let is_there = |name: &&&str| html.contains(&format!("name=\"{name}\""));
    PARTS.iter().filter(is_there).map(|name| ((*name).to_owned(), field(&html, name))).collect()
}

/// Brings it to Doorward, and goes on as a browser with script would.
fn post(ground: &Ground, jar: &mut Jar, fields: &Fields) -> Hop {
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let form = Request::new("POST", &endpoint(ground)).header("Accept", "text/html").form(&fields);
    jar.follow(form).pop().expect("a hop")
}

fn with(fields: &Fields, name: &str, value: &str) -> Fields {
    let mut changed: Fields = fields.iter().filter(|(own, _)| own != name).cloned().collect();
    if !value.is_empty() {
        changed.push((name.to_owned(), value.to_owned()));
    }
    changed
}

fn part(fields: &Fields, name: &str) -> String {
    fields.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone()).unwrap_or_default()
}

#[test]
fn forms_and_fragments_bring_people_in_in_a_real_browser() {
    for (response_type, mode) in [("code", "form_post"), ("id_token", "fragment"), ("code id_token token", "fragment")]
    {
        let ground = ground(response_type, mode);
        let browser = Browser::start();
        browser.goto(&ground.tool_url("/runs?x=1"));
        browser.click(&browser.wait_for(".providers a", Duration::from_secs(10)));
        browser.wait_for("input[name=name]", Duration::from_secs(10));
        browser.fill("input[name=name]", "ada");
        browser.press_on("button");
        browser.wait_for_url("tool.localhost");
        assert_eq!(browser.url(), ground.tool_url("/runs?x=1"), "{response_type} {mode}");
        assert_eq!(ground.tool.last().header("x-forwarded-user"), Some("ada"));
        // Going back does not find the answer in the browser's history.
        browser.execute("history.go(-1)", &[]);
        std::thread::sleep(Duration::from_millis(500));
        assert!(!browser.url().contains("id_token="), "{}", browser.url());
    }
}

#[test]
fn whatever_was_asked_for_brings_people_in() {
    let ground = ground("code", "form_post");
    for response_type in
        ["id_token", "id_token token", "code id_token", "code token", "code id_token token", "token id_token code"]
    {
        let set = format!("oidc.response_type={response_type}");
        ground.door.cli_text(&["connector", "update", "company", "--set", &set]);
        let mut jar = Jar::new();
        let fields = answer_of(&ground, &mut jar, "ada");
        let end = post(&ground, &mut jar, &fields);
        assert_eq!((end.answer.status, end.url), (200, ground.tool_url("/runs?x=1")), "{response_type}");
        let mut jar = Jar::new();
        let fields = answer_of(&ground, &mut jar, "bob");
        assert_eq!(post(&ground, &mut jar, &fields).answer.status, 403, "by groups too: {response_type}");
    }
    let refused = |words: &[&str]| {
        let ran = ground.door.cli(&[&["connector", "update", "company"], words].concat());
        assert!(!ran.status.success(), "{words:?}");
        String::from_utf8_lossy(&ran.stderr).into_owned()
    };
    assert!(refused(&["--set", "oidc.response_type=token"]).contains("nothing says who somebody is"));
    assert!(refused(&["--set", "oidc.response_mode=query"]).contains("tokens do not travel in a query"));
}

#[test]
fn a_form_from_the_companys_own_site_comes_without_cookies_and_is_sent_on() {
    let ground = ground("code", "form_post");
    let mut jar = Jar::new();
    let fields = answer_of(&ground, &mut jar, "ada");
    let before = ground.company.asked("token");
    // As browsers send it: without a cookie. The page that sends it on sets none and says nothing of who it is.
    let page = post(&ground, &mut Jar::new(), &fields);
    let html = page.answer.text();
    assert_eq!((page.answer.status, action(&html)), (200, endpoint(&ground)), "{html}");
    assert!(page.answer.headers_named("set-cookie").is_empty(), "{:?}", page.answer.headers_named("set-cookie"));
    assert_eq!(page.answer.header("cache-control"), Some("no-store"));
    let again = with(&fields, "again", &field(&html, "again"));
    assert_eq!(field(&html, "code"), part(&fields, "code"));
    // Once more without one, it is over; what nobody here began is not sent on at all.
    for fields in [again.clone(), with(&fields, "state", "dwy_AAAA"), with(&fields, "state", "")] {
        let end = post(&ground, &mut Jar::new(), &fields);
        assert!(end.answer.status >= 400 && !end.answer.text().contains("id=\"answer\""), "{}", end.answer.text());
    }
    // Nor is it good in another browser.
    let mut other = Jar::new();
    ground.leave(&mut other);
    assert!(post(&ground, &mut other, &again).answer.status >= 400);
    assert_eq!(ground.company.asked("token"), before, "none of these may reach the token endpoint");
    let end = post(&ground, &mut jar, &again);
    assert_eq!(end.answer.status, 200, "{}", end.answer.text());
}

#[test]
fn an_answer_that_came_otherwise_is_told_in_the_log_and_not_taken() {
    let ground = ground("code", "form_post");
    let mut jar = Jar::new();
    let fields = answer_of(&ground, &mut jar, "ada");
    let before = ground.company.asked("token");
    let query: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let url = format!("{}?{}", endpoint(&ground), form::encode(&query));
    // Of somebody who did not begin here nothing is said.
    assert_eq!(visit(&mut Jar::new(), &url).answer.status, 410);
    assert!(!ground.door.output().contains("its answer came by"), "{}", ground.door.output());
    let end = visit(&mut jar, &url);
    assert_eq!(end.answer.status, 502, "{}", end.answer.text());
    assert!(end.answer.text().contains("do not understand each other"), "{}", end.answer.text());
    let log = ground.door.output();
    assert!(log.contains("its answer came by query, and was asked for by form_post"), "{log}");
    // And the other way round.
    ground.door.cli_text(&["connector", "update", "company", "--unset", "oidc.response_mode"]);
    let mut jar = Jar::new();
    let page = ground.leave(&mut jar);
    let back = ground.bring_back(&mut jar, &page, "ada");
    let sent = fields_of(back.split_once('?').map_or("", |(_, query)| query));
    assert_eq!(post(&ground, &mut jar, &sent).answer.status, 502);
    assert!(ground.door.output().contains("its answer came by form_post, and was asked for by query"));
    assert_eq!(ground.company.asked("token"), before, "none of these may reach the token endpoint");
}

#[test]
fn the_parts_of_an_answer_belong_together() {
    // Nobody else is asked who it is, who would say it too.
    let words = ["--response-type", "code id_token token", "--response-mode", "form_post", "--no-user-info"];
    let ground = Ground::new(&words);
    let mut jar = Jar::new();
    let fields = answer_of(&ground, &mut jar, "ada");
    let mut bobs = Jar::new();
    let theirs = answer_of(&ground, &mut bobs, "bob");
    let before = ground.company.asked("token");
    for name in ["code", "id_token", "access_token", "state"] {
        for value in [part(&theirs, name), String::new()] {
            let end = post(&ground, &mut jar, &with(&fields, name, &value));
            assert!(end.answer.status >= 400, "{name} {value}: {}", end.answer.text());
            assert!(end.answer.headers_named("set-cookie").iter().all(|line| !line.contains("session")), "{name}");
        }
    }
    // Servers write queries into logs: nothing is taken from there that was asked for as a form.
    let query = form::encode(&fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>());
    let end = visit(&mut jar, &format!("{}?{query}", endpoint(&ground)));
    assert!(end.answer.status >= 400, "{}", end.answer.text());
    assert_eq!(ground.company.asked("token"), before, "none of these may reach the token endpoint");
    // The token endpoint speaks of somebody else.
    ground.company.behave(&json!({"claims": {"sub": "company-2"}}));
    assert_eq!(post(&ground, &mut jar, &fields).answer.status, 502);
    ground.company.behave(&json!({}));
    let mut jar = Jar::new();
    let fields = answer_of(&ground, &mut jar, "ada");
    assert_eq!(post(&ground, &mut jar, &fields).answer.status, 200);
}

#[test]
fn an_id_token_is_good_once_and_for_what_was_asked() {
    let ground = ground("id_token", "form_post");
    let mut jar = Jar::new();
    let fields = answer_of(&ground, &mut jar, "ada");
    let claims = crate::ground::claims(&part(&fields, "id_token"));
    let mut forged = Vec::new();
    for (name, value) in [
        ("nonce", json!("another")),
        ("nonce", json!(null)),
        ("aud", json!("another")),
        ("iss", json!("https://evil.example")),
        ("exp", json!(1)),
    ] {
        let mut other = claims.clone();
        other[name] = value;
        forged.push(ground.company.sign(&json!({"claims": other})));
    }
    forged.push(ground.company.sign(&json!({"claims": claims, "stranger": true})));
    forged.push(ground.company.sign(&json!({"claims": claims, "header": {"alg": "none"}})));
    for token in forged {
        let end = post(&ground, &mut jar, &with(&fields, "id_token", &token));
        assert_eq!(end.answer.status, 502, "{}", crate::ground::claims(&token));
    }
    assert_eq!(post(&ground, &mut jar.clone(), &fields).answer.status, 200);
    let again = post(&ground, &mut jar, &fields);
    assert_eq!(again.answer.status, 403, "{}", again.answer.text());
    assert!(again.answer.text().contains("used already"), "{}", again.answer.text());
    assert_eq!(ground.company.asked("token"), 0);
    // What the company says in place of an answer is heard however it comes.
    let mut jar = Jar::new();
    let fields = answer_of(&ground, &mut jar, "nobody");
    assert_eq!(part(&fields, "error"), "access_denied");
    assert_eq!(post(&ground, &mut jar, &fields).answer.status, 403);
}

#[test]
fn a_connector_that_wants_queries_takes_no_forms() {
    let ground = Ground::new(&[]);
    let mut jar = Jar::new();
    let page = ground.leave(&mut jar);
    let back = ground.bring_back(&mut jar, &page, "ada");
    let query = back.split('?').nth(1).expect("a query");
    let fields = fields_of(query);
    assert!(post(&ground, &mut jar, &fields).answer.status >= 400);
    assert_eq!(ground.company.asked("token"), 0);
}
