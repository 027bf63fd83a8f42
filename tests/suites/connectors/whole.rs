//! The whole picture: the company's identity, a real Dagster, every kind of proxy before it.

use crate::ground::{Ground, people};
use doorward_testkit::http::Request;
use doorward_testkit::jar::Jar;
use doorward_testkit::limits::BROWSER_WAIT;
use doorward_testkit::peers::Dagster;
use doorward_testkit::process::wait_until;
use doorward_testkit::webdriver::Browser;
use doorward_tests::behind::{Behind, Through, put_behind};
use doorward_tests::page_request;
use serde_json::json;

/// Goes to a tool in a real browser, chooses the company and says who one is there.
fn come(browser: &Browser, url: &str, name: &str) {
    browser.goto(url);
    browser.click(&browser.wait_for(".providers a", BROWSER_WAIT));
    browser.wait_for("input[name=name]", BROWSER_WAIT);
    browser.fill("input[name=name]", name);
    browser.press_on("button");
}

/// Dagster's own pages ask it over GraphQL and a WebSocket, and are answered.
fn dagster_works(browser: &Browser, behind: &Behind) {
    browser.wait_until_js(&format!("return location.hostname === '{}'", behind.host), BROWSER_WAIT);
    wait_until("GraphQL answers with data", BROWSER_WAIT, || {
        browser.responses().iter().any(|answer| {
            answer.url.contains("/graphql")
                && answer.status == 200
                && browser.response_body(answer).is_some_and(|body| body.contains("\"data\""))
        })
    });
}

#[test]
fn the_companys_groups_open_a_real_dagster_behind_every_proxy() {
    let ground = Ground::new(&[]);
    let dagster = Dagster::start();
    for through in [Through::Proxy("nginx"), Through::Proxy("traefik"), Through::Proxy("envoy"), Through::BuiltIn] {
        let behind = put_behind(&ground.door, through, &format!("dagster-{}", through.name()), dagster.port());
        let deep = format!("{}/runs?view=all", behind.url);
        // In by the company's group, onto the very page.
        let ada = Browser::start();
        come(&ada, &deep, "ada");
        dagster_works(&ada, &behind);
        assert!(ada.responses().iter().any(|answer| answer.url == deep), "{deep}");
        drop(ada);
        // Out without it, and told what is missing.
        let bob = Browser::start();
        come(&bob, &deep, "bob");
        bob.wait_for_text("dagster-users");
        drop(bob);
        // Out when the company takes the group away and she comes again, also where she was in already.
        let (mut jar, end) = ground.come("ada");
        assert_eq!(end.answer.status, 200, "{}", end.answer.text());
        assert_eq!(page(&mut jar, &deep), 200);
        let mut changed = people();
        changed["ada"]["groups"] = json!(["everybody"]);
        ground.company.say(&changed);
        assert_eq!(ground.come("ada").1.answer.status, 403);
        assert_eq!(page(&mut jar, &deep), 403);
        ground.company.say(&people());
    }
}

/// The status a page of a tool ends with.
fn page(jar: &mut Jar, url: &str) -> u16 {
    let request: Request = page_request(url);
    jar.follow(request).pop().expect("a hop").answer.status
}
