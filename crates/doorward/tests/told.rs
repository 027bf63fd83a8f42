//! What a running server tells people and programs it does not let through.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use doorward_testkit::door::{Door, DoorOptions};
use doorward_testkit::echo::Echo;
use doorward_testkit::http::{Address, Answer, Request};
use doorward_testkit::jar::Jar;
use std::path::PathBuf;

const PASSWORD: &str = "correct horse battery staple";

fn up() -> Door {
    let environment = vec![("DOORWARD_TEST_PASSWORD".to_owned(), PASSWORD.to_owned())];
    Door::start(DoorOptions {
        program: Some(PathBuf::from(env!("CARGO_BIN_EXE_doorward"))),
        environment,
        trust_proxy: None,
        ..DoorOptions::up()
    })
}

fn page(url: &str) -> Answer {
    Request::new("GET", url).header("Accept", "text/html").send()
}

fn stylesheet(html: &str) -> String {
    let (_, rest) =
        html.split_once("<link rel=\"stylesheet\" href=\"").unwrap_or_else(|| panic!("no stylesheet:\n{html}"));
    rest.split_once('"').unwrap().0.to_owned()
}

#[test]
fn a_host_nobody_knows_gets_a_page_that_leads_on_with_all_it_is_made_of() {
    let door = up();
    let base = format!("http://127.0.0.1:{}", door.port());
    let answer = page(&base);
    let html = answer.text();
    assert_eq!(answer.status, 421);
    assert!(html.contains(&format!("Open {} instead", door.url())) && !html.contains("127.0.0.1"), "{html}");
    let css = page(&format!("{base}{}", stylesheet(&html)));
    assert_eq!((css.status, css.header("content-type")), (200, Some("text/css; charset=utf-8")));
    assert_eq!(page(&format!("{base}/.doorward/static/nothing.css")).status, 404);
    assert_eq!(page(&format!("{base}/.doorward/start")).status, 421, "nothing else answers there");
    let call = Request::new("GET", &base).header("Accept", "application/json").send();
    assert_eq!(call.status, 421);
    assert!(
        call.text().starts_with("no app and no page of Doorward answers at this host name (req_"),
        "{}",
        call.text()
    );
}

#[test]
fn a_token_that_does_not_count_is_told_so_and_not_to_sign_in() {
    let door = up();
    door.cli_text(&[
        "app",
        "create",
        "other",
        "--address",
        "http://other.localhost:1",
        "--upstream",
        "http://127.0.0.1:1",
    ]);
    let create = |name: &str, app: &str| {
        let text = door.cli_text(&["token", "create", name, "--app", app, "--expires-in", "1h"]);
        text.split_whitespace().find(|word| word.starts_with("dwa_")).unwrap().to_owned()
    };
    let (good, elsewhere, revoked) = (create("ci", "sample"), create("cd", "other"), create("old", "sample"));
    door.cli_text(&["token", "revoke", "old"]);
    let ask = |token: Option<&str>| {
        let request = Request::new("GET", &door.url_as("sample.localhost")).header("Accept", "application/json");
        match token {
            Some(token) => request.header("Authorization", format!("Bearer {token}")).send(),
            None => request.send(),
        }
    };
    assert_eq!(ask(Some(&good)).status, 200);
    let nothing = ask(None);
    assert_eq!((nothing.status, nothing.header("www-authenticate")), (401, Some("Bearer realm=\"doorward\"")));
    assert!(nothing.text().starts_with("sign in first (req_"), "{}", nothing.text());
    for bad in [revoked.as_str(), "dwa_made-up", &format!("dwa_{}", "a".repeat(52))] {
        let answer = ask(Some(bad));
        let says = answer.header("www-authenticate").unwrap_or_default();
        assert!(
            answer.status == 401 && says.starts_with("Bearer realm=\"doorward\", error=\"invalid_token\""),
            "{says}"
        );
        let text = answer.text();
        assert!(text.starts_with("this token is not valid: it is wrong, expired or revoked (req_"), "{bad}: {text}");
    }
    let scoped = ask(Some(&elsewhere));
    assert_eq!(scoped.status, 403);
    assert!(scoped.text().starts_with("this token is not for app sample (req_"), "{}", scoped.text());
    assert_eq!(ask(Some(&elsewhere)).status, 403);
    let events = door.cli_text(&["events", "--kind", "gate_denied", "--output", "json"]);
    let events: Vec<serde_json::Value> = serde_json::from_str(&events).unwrap();
    let what = "token cd at app sample (sample.localhost) holds a token for other apps";
    assert_eq!(events.iter().map(|event| event["what"].as_str().unwrap()).collect::<Vec<_>>(), [what], "once a minute");
}

#[test]
fn what_is_missing_after_sign_in_is_a_page_of_its_own() {
    let door = up();
    door.cli_text(&["group", "create", "one"]);
    let address = door.url_as("tool.localhost");
    let words = ["app", "create", "tool", "--address", &address, "--upstream", "http://127.0.0.1:1", "--allow", "one"];
    door.cli_text(&words);
    door.cli_text(&["user", "create", "alice", "--password-env", "DOORWARD_TEST_PASSWORD"]);
    let mut jar = Jar::new();
    let hop =
        jar.follow(Request::new("GET", &format!("{address}/runs?a=b")).header("Accept", "text/html")).pop().unwrap();
    let html = hop.answer.text();
    let after = |from: &str| html.split_once(from).unwrap_or_else(|| panic!("no {from}:\n{html}")).1;
    let value = |name: &str| {
        let tag = after(&format!("name=\"{name}\""));
        tag.split_once("value=\"").unwrap().1.split_once('"').unwrap().0.to_owned()
    };
    let action = after("action=\"").split_once('"').unwrap().0.replace("&amp;", "&");
    let target = Address::parse(&hop.url).join(&action);
    let (flow, csrf) = (value("flow"), value("csrf"));
    let form = [("login", "alice"), ("password", PASSWORD), ("flow", flow.as_str()), ("csrf", csrf.as_str())];
    let posted = jar.send(Request::new("POST", &target).header("Accept", "text/html").form(&form));
    assert_eq!(posted.status, 303, "loading the page again must not send the password again");
    for _ in 0..2 {
        let shown = jar.send(Request::new("GET", posted.location()).header("Accept", "text/html"));
        assert!(shown.status == 403 && shown.text().contains("one"), "{} {}", shown.status, shown.text());
    }
    door.cli_text(&["group", "add-member", "one", "alice"]);
    let led = jar.send(Request::new("GET", posted.location()).header("Accept", "text/html"));
    assert!(led.location().starts_with(&address), "let in by then: {} {}", led.status, led.location());
}

#[test]
fn a_tool_that_is_away_is_named() {
    let mut door = up();
    let gone = Echo::start();
    let upstream = gone.url();
    drop(gone);
    let address = door.url_as("tool.localhost");
    let words = ["app", "create", "tool", "--title", "Dagster & Co", "--address", &address, "--upstream", &upstream];
    door.cli_text(&[words.as_slice(), &["--everyone", "--public", "/health"]].concat());
    let answer = page(&format!("{address}/health"));
    let html = answer.text();
    assert_eq!(answer.status, 502);
    assert!(html.contains("The tool does not answer") && html.contains("Dagster &#38; Co cannot be reached"), "{html}");
    assert!(!html.contains(&upstream), "where it stands is nobody's business: {html}");
    door.stop();
    let log = door.output();
    let line = log.lines().find(|line| line.contains("carrying to")).unwrap();
    assert!(line.contains(&upstream) && line.contains("Connection refused"), "{line}");
    assert!(!line.contains("Connect(") && !line.contains("Os {"), "a sentence, no dump: {line}");
}
