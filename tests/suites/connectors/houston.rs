//! What Houston was configured with, by variables and by values of its chart, and the places its providers know.

use crate::ground::{Ground, people, visit};
use doorward_testkit::door::{Door, DoorOptions, binary};
use doorward_testkit::echo::Echo;
use doorward_testkit::http::Request;
use doorward_testkit::jar::Jar;
use doorward_testkit::peers::{UPSTREAM_CLIENT, Upstream};
use doorward_testkit::ports::free_port;
use doorward_testkit::scratch::Scratch;
use doorward_tests::{page_request, with_password};
use serde_json::json;
use std::process::Command;

/// A door whose environment speaks of the company as Houston's does, and nothing else says anything of it.
fn ground(flow: &str) -> Ground {
    let port = free_port();
    let company = Upstream::start(&format!("http://doorward.localhost:{port}/v1/oauth/callback/"), &people());
    let tool = Echo::start();
    let mut options = with_password(DoorOptions { port, ..DoorOptions::up() });
    let protect = format!("tool={}", tool.url());
    options.arguments = ["--protect", &protect, "--allow", "dagster-users", "--outbound-allow", "127.0.0.1"]
        .map(str::to_owned)
        .to_vec();
    let discovery = company.url("/.well-known/openid-configuration");
    for (name, value) in [
        ("FLOW", flow),
        ("CUSTOM__ENABLED", "true"),
        ("CUSTOM__CLIENT_ID", UPSTREAM_CLIENT.0),
        ("CUSTOM__CLIENT_SECRET", UPSTREAM_CLIENT.1),
        ("CUSTOM__DISCOVERY_URL", &discovery),
        ("CUSTOM__DISPLAY_NAME", "The company"),
        ("CUSTOM__AUTH_URL_PARAMS__AUDIENCE", "astro"),
        ("CUSTOM__AUTH_URL_PARAMS__CLAIMS_LOCALES", "de"),
    ] {
        options.environment.push((format!("AUTH__OPENID_CONNECT__{name}"), value.to_owned()));
    }
    Ground { door: Door::start(options), company, tool }
}

#[test]
fn variables_that_configured_houston_connect_its_provider() {
    let mut ground = ground("code");
    let first = ground.door.cli_text(&["connector", "show", "custom", "--output", "json"]);
    assert!(!first.contains(UPSTREAM_CLIENT.1), "{first}");
    assert!(first.contains("/v1/oauth/callback/"), "{first}");
    ground.door.cli_text(&["connector", "update", "custom", "--set", "oidc.scopes=[\"profile\",\"email\",\"groups\"]"]);
    let mut jar = Jar::new();
    let page = visit(&mut jar, &ground.tool_url("/runs?x=1"));
    assert!(page.answer.text().contains("<bdi>The company</bdi>"), "{}", page.answer.text());
    let there = ground.choose(&mut jar, &page, "custom");
    let back = ground.bring_back_to(&mut jar, &there, ("ada", "/v1/oauth/callback/"));
    // The same answer is nobody's in another browser, and nothing without a state.
    assert!(Jar::new().send(page_request(&back)).status >= 400);
    assert_eq!(Jar::new().send(page_request(&back.replace("state=", "staid="))).status, 404);
    // Nor is it this provider's where another one's answers come to.
    let elsewhere = back.replace("/v1/oauth/callback/", "/v1/oauth/redirect/");
    assert_eq!(jar.clone().send(page_request(&elsewhere)).status, 404);
    let (place, query) = elsewhere.split_once('?').expect("a query");
    let posted = Request::new("POST", place).header("Content-Type", "application/x-www-form-urlencoded");
    assert_eq!(jar.clone().send(posted.body(query)).status, 404);
    let end = jar.follow(page_request(&back)).pop().expect("a hop");
    assert_eq!((end.answer.status, end.url), (200, ground.tool_url("/runs?x=1")), "{}", end.answer.text());
    assert_eq!(ground.tool.last().header("x-forwarded-user"), Some("ada"));
    // The environment's word is the last at every start.
    ground.door.restart();
    let second = ground.door.cli_text(&["connector", "show", "custom", "--output", "json"]);
    assert_eq!(second.replace("\"people\": 1", "\"people\": 0"), first);
}

#[test]
fn the_values_of_a_chart_are_imported() {
    let ground = Ground::new(&[]);
    let values = json!({"astronomer": {"houston": {"config": {"auth": {"openidConnect": {
        "flow": "implicit",
        "okta": {"enabled": true, "clientId": "app", "clientSecret": "hush-hush", "baseDomain": "acme.okta.com"},
        "google": {"enabled": false},
    }}}}}});
    let file = ground.door.scratch().join("values.yaml");
    std::fs::write(&file, values.to_string()).expect("a file");
    let path = file.to_str().expect("a path");
    let plan = ground.door.cli(&["import", "houston", path, "--plan"]);
    assert_eq!(plan.status.code(), Some(2), "{plan:?}");
    assert!(String::from_utf8_lossy(&plan.stdout).contains("+ connector okta"), "{plan:?}");
    assert!(String::from_utf8_lossy(&plan.stderr).contains("flow implicit is passed over"), "{plan:?}");
    assert!(!ground.door.cli_text(&["connector", "list"]).contains("okta"));
    assert!(ground.door.cli_text(&["import", "houston", path]).contains("+ connector okta"));
    let shown = ground.door.cli_text(&["connector", "show", "okta", "--output", "json"]);
    assert!(shown.contains("https://acme.okta.com\"") && !shown.contains("hush-hush"), "{shown}");
    assert!(ground.door.cli_text(&["import", "houston", path]).contains("Nothing to do"));
    let broken = ground.door.cli_reading(&["import", "houston", "-"], "a: [1");
    assert!(String::from_utf8_lossy(&broken.stderr).contains("line 1"), "{broken:?}");
    let other = ground.door.cli_reading(&["import", "houston", "-"], "a: 1");
    assert!(String::from_utf8_lossy(&other.stderr).contains("nothing stands at"), "{other:?}");
}

#[test]
fn a_broken_environment_is_said_in_one_sentence_and_nothing_starts() {
    let scratch = Scratch::new("houston");
    let data = scratch.join("data").display().to_string();
    let listen = format!("127.0.0.1:{}", free_port());
    let mut command = Command::new(binary());
    command.args(["serve", "--data", &data, "--listen", &listen, "--public-url", &format!("http://{listen}")]);
    let output = command.env("AUTH__OPENID_CONNECT__OKTA__ENABLED", "true").output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let refused = String::from_utf8_lossy(&output.stderr);
    assert!(refused.contains("AUTH__OPENID_CONNECT__OKTA: clientId is missing"), "{refused}");
}
