//! How people find their provider from the sign-in page.

use crate::ground::{Ground, visit};
use doorward_testkit::http::{Address, Request};
use doorward_testkit::jar::{Hop, Jar};
use doorward_testkit::webdriver::Browser;
use doorward_tests::{PASSWORD, action, field, page_request, user};
use std::time::Duration;

/// Posts the form of a page with what was typed.
fn post(jar: &mut Jar, page: &Hop, typed: &[(&str, &str)]) -> Hop {
    let html = page.answer.text();
    let (flow, csrf) = (field(&html, "flow"), field(&html, "csrf"));
    let target = Address::parse(&page.url).join(&action(&html));
    let form = [typed, &[("flow", &flow), ("csrf", &csrf)]].concat();
    jar.follow(Request::new("POST", &target).header("Accept", "text/html").form(&form)).pop().expect("a hop")
}

#[test]
fn an_address_leads_to_its_company_in_a_real_browser() {
    let ground = Ground::new(&["--title", "The company", "--lead-domain", "example.com", "--hidden"]);
    let browser = Browser::start();
    browser.goto(&ground.tool_url("/runs?x=1"));
    let name = browser.wait_for("input[name=login]", Duration::from_secs(10));
    assert!(!browser.source().contains("type=\"password\""), "a name is asked for at first");
    assert!(!browser.source().contains("/broker/"), "hidden");
    drop(name);
    browser.fill("input[name=login]", "ada@Example.com");
    browser.press_on("button");
    browser.wait_for("input[name=name]", Duration::from_secs(10));
    browser.fill("input[name=name]", "ada");
    browser.press_on("button");
    browser.wait_for_url("tool.localhost");
    assert_eq!(ground.tool.last().header("x-forwarded-user"), Some("ada"));
}

#[test]
fn whoever_belongs_to_no_company_is_asked_for_a_password() {
    let ground = Ground::new(&["--lead-domain", "example.com"]);
    user(&ground.door, "local");
    ground.door.cli_text(&["group", "add-member", "dagster-users", "local"]);
    let mut jar = Jar::new();
    let page = visit(&mut jar, &ground.tool_url("/x"));
    for other in ["local", "local@example.org", "local@sub.example.com", "example.com", "@", "local@"] {
        let next = post(&mut jar, &page, &[("login", other), ("step", "name")]);
        assert!(next.answer.text().contains("type=\"password\""), "{other}");
    }
    // The company is told the name.
    let next = post(&mut jar, &page, &[("login", "ada@EXAMPLE.com"), ("step", "name")]);
    let html = next.answer.text();
    let at = html.find("/realms/main/broker/company/login?").expect("a way on");
    let path = html[at..].split('"').next().unwrap_or_default().replace("&#38;", "&").replace("&amp;", "&");
    let hops = jar.follow(page_request(&format!("{}{path}", ground.door.url())));
    assert!(hops.iter().any(|hop| hop.url.contains("login_hint=ada%40EXAMPLE.com")), "{path}");
    let next = post(&mut jar, &page, &[("login", "local"), ("step", "name")]);
    let end = post(&mut jar, &next, &[("login", "local"), ("password", PASSWORD)]);
    assert_eq!((end.answer.status, end.url), (200, ground.tool_url("/x")));
    // One domain leads to one place.
    let again = ["connector", "add", "oidc", "two", "--issuer", "https://id.example.com", "--client-id", "x"];
    let ran = ground.door.cli(&[&again[..], &["--lead-domain", "EXAMPLE.com"]].concat());
    assert!(String::from_utf8_lossy(&ran.stderr).contains("are led to connector company already"), "{ran:?}");
}

#[test]
fn everybody_is_led_on_at_once_and_who_wants_the_page_gets_it() {
    let ground = Ground::new(&["--at-once"]);
    let mut jar = Jar::new();
    let there = visit(&mut jar, &ground.tool_url("/x"));
    assert!(there.url.starts_with(&ground.company.url("/")), "{}", there.url);
    let page = visit(&mut jar, &format!("{}/realms/main/sign-in?way=page", ground.door.url()));
    assert!(page.answer.text().contains("type=\"password\""), "{}", page.answer.text());
    assert!(page.answer.text().contains("/broker/company/login"));
    // A company that says no is no circle.
    ground.door.cli_text(&["connector", "update", "company", "--set", "oidc.hosted_domains=[\"example.org\"]"]);
    let there = visit(&mut Jar::new(), &ground.tool_url("/x"));
    assert!(there.url.starts_with(&ground.company.url("/")));
    let mut jar = Jar::new();
    let page = visit(&mut jar, &ground.tool_url("/x"));
    let refused = ground.say_who(&mut jar, &page, "ada");
    // The company did what it should: it is the account that is another one.
    assert_eq!(refused.answer.status, 403, "{}", refused.answer.text());
    assert!(refused.answer.text().contains("is not open to your account there"), "{}", refused.answer.text());
    assert!(ground.door.output().contains("the connector lets in example.org"), "{}", ground.door.output());
    assert!(ground.refusals().contains("does not let this account of the provider in"), "{}", ground.refusals());
    assert!(refused.answer.text().contains("way=page"), "{}", refused.answer.text());
}

#[test]
fn the_company_chosen_last_comes_first() {
    let ground = Ground::new(&[]);
    ground.connect("a-company", &[]);
    let mut jar = Jar::new();
    let page = visit(&mut jar, &ground.tool_url("/x"));
    let order = |page: &Hop| {
        let text = page.answer.text();
        (text.find("/broker/a-company/"), text.find("/broker/company/"), text.contains("last used"))
    };
    let (first, second, is_known) = order(&page);
    assert!(first < second && !is_known);
    let page = ground.choose(&mut jar, &page, "company");
    ground.say_who(&mut jar, &page, "ada");
    ground.door.cli_text(&["session", "end", "--user", "ada"]);
    let page = visit(&mut jar, &ground.tool_url("/x"));
    let (first, second, is_known) = order(&page);
    assert!(second < first && is_known, "{}", page.answer.text());
}
