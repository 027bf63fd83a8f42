//! The whole picture: a company on Entra, a real Dagster, every kind of proxy before it, and a second tool beside it.

use crate::entra::{DAGSTER, OURS, Tenant, person};
use crate::ground::visit;
use doorward_testkit::echo::Echo;
use doorward_testkit::http::Request;
use doorward_testkit::jar::Jar;
use doorward_testkit::limits::BROWSER_WAIT;
use doorward_testkit::peers::{Dagster, UPSTREAM_CLIENT};
use doorward_testkit::process::wait_until;
use doorward_testkit::webdriver::Browser;
use doorward_tests::behind::{Behind, Through, put_behind};
use doorward_world::World;
use serde_json::{Value, json};
use std::time::Duration;

/// The group `airbyte-users` as Entra calls it.
const AIRBYTE: &str = "aaaaaaaa-0000-4000-8000-000000000001";
/// Seconds between two questions about somebody.
const EVERY: &str = "5";
/// What those seconds are, with what a question and two cores take.
const BOUND: Duration = Duration::from_secs(20);

fn people() -> Value {
    let groups = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    json!({
        "ada": person("ada", OURS, &groups(&[DAGSTER, AIRBYTE])),
        "bob": person("bob", OURS, &groups(&[AIRBYTE])),
    })
}

/// Goes to a tool in a real browser, chooses the company and says who one is there.
fn come(browser: &Browser, url: &str, name: &str) {
    browser.goto(url);
    browser.click(&browser.wait_for(".providers a[href*='/broker/entra/']", BROWSER_WAIT));
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

/// The second tool, for whoever is in `airbyte-users`.
fn airbyte(tenant: &Tenant) -> (Echo, String) {
    let (tool, url) = (Echo::start(), tenant.ground.door.url_as("airbyte.localhost"));
    let words = ["app", "create", "airbyte", "--address", &url, "--upstream", &tool.url(), "--allow", "airbyte-users"];
    tenant.ground.door.cli_text(&words);
    (tool, format!("{url}/connections"))
}

/// The company says that somebody signed out there.
fn tell_of_sign_out(tenant: &Tenant, subject: &str) {
    let now = World::real().now().seconds();
    let claims = json!({
        "iss": tenant.entra.url(&format!("/{OURS}/v2.0")), "aud": UPSTREAM_CLIENT.0, "iat": now, "exp": now + 120,
        "jti": format!("{subject} {now}"), "sub": subject, "tid": OURS, "oid": format!("00000000-0000-4000-8000-{subject}"),
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    });
    let token = tenant.entra.sign(&json!({"header": {"typ": "logout+jwt"}, "claims": claims}));
    let url = format!("{}/realms/main/broker/entra/backchannel-logout", tenant.ground.door.url());
    let answer = Request::new("POST", &url).form(&[("logout_token", &token)]).send();
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// What a page of a tool ends with: its status, or 303 at the sign-in page.
fn page(jar: &mut Jar, url: &str) -> u16 {
    let end = visit(jar, url);
    if end.url.contains("/sign-in") { 303 } else { end.answer.status }
}

#[test]
fn the_companys_groups_open_a_real_dagster_behind_every_proxy() {
    let airbyte_rule = format!("group_rules.map.{AIRBYTE}=airbyte-users");
    let refresh = format!("oidc.refresh.every_seconds={EVERY}");
    let tenant = Tenant::new(&people(), &["--set", &airbyte_rule, "--set", &refresh]);
    tenant.ground.door.cli_text(&["group", "create", "airbyte-users"]);
    let (_airbyte, connections) = airbyte(&tenant);
    let dagster = Dagster::start();
    for through in [Through::Proxy("nginx"), Through::Proxy("traefik"), Through::Proxy("envoy"), Through::BuiltIn] {
        let behind = put_behind(&tenant.ground.door, through, &format!("dagster-{}", through.name()), dagster.port());
        let deep = format!("{}/runs?view=all", behind.url);
        // In by the company's group, onto the very page.
        let ada = Browser::start();
        come(&ada, &deep, "ada");
        dagster_works(&ada, &behind);
        assert!(ada.responses().iter().any(|answer| answer.url == deep), "{deep}");
        drop(ada);
        // Out without it, and told what is missing; what the other group opens is open.
        let bob = Browser::start();
        come(&bob, &deep, "bob");
        bob.wait_for_text("dagster-users");
        bob.goto(&connections);
        bob.wait_until_js("return location.hostname === 'airbyte.localhost'", BROWSER_WAIT);
        drop(bob);
        let (mut jar, end) = tenant.come_to(&deep, "ada");
        assert_eq!(end.answer.status, 200, "{}", end.answer.text());
        assert_eq!(page(&mut jar, &connections), 200);
        // Out where she is in, within the bound, when the company takes the group away; back with it.
        let mut changed = people();
        changed["ada"]["groups"] = json!([AIRBYTE]);
        tenant.entra.say(&changed);
        wait_until("the group is gone", BOUND, || page(&mut jar, &deep) == 403);
        assert_eq!(page(&mut jar, &connections), 200, "the other group is hers still");
        tenant.entra.say(&people());
        wait_until("the group is back", BOUND, || page(&mut jar, &deep) == 200);
        // Out at once when she signs out there.
        tell_of_sign_out(&tenant, "ada");
        assert_eq!((page(&mut jar, &deep), page(&mut jar, &connections)), (303, 303));
    }
}
