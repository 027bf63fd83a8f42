//! People with an account at GitHub: known by its number, let in by organisation and team.

use crate::ground::{Ground, visit};
use doorward_testkit::http::Request;
use doorward_testkit::jar::{Hop, Jar};
use doorward_testkit::peers::{UPSTREAM_CLIENT, Upstream};
use doorward_tests::page_request;
use serde_json::{Value, json};

const ACME: u64 = 7;

fn org(name: &str, number: u64) -> Value {
    json!({"login": name, "id": number})
}

fn team(slug: &str, of: &Value) -> Value {
    json!({"id": 1, "slug": slug, "name": slug.to_uppercase(), "organization": of, "parent": null})
}

/// Ada of the data team of Acme, and of a hundred and twenty organisations before it.
fn people() -> Value {
    let acme = org("Acme", ACME);
    let mut orgs: Vec<Value> = (0..120).map(|number| org(&format!("club-{number}"), 1000 + number)).collect();
    orgs.push(acme.clone());
    let mut inner = team("inner", &acme);
    inner["parent"] = json!({"id": 2, "slug": "data", "name": "Data"});
    let address =
        |text: &str, primary: bool, verified: bool| json!({"email": text, "primary": primary, "verified": verified});
    json!({
        "ada": {
            "user": {"id": 583_231, "name": "Ada Lovelace", "email": "boss@example.com"},
            "emails": [address("old@example.com", false, true), address("ada@example.com", true, true)],
            "orgs": orgs, "teams": [inner],
        },
        "bob": {
            "user": {"id": 2, "name": null, "email": null},
            "emails": [address("bob@example.com", true, false)], "orgs": [acme], "teams": [],
        },
        "eve": {"user": {"id": 3}, "emails": [], "orgs": [org("acme-evil", 8)], "teams": [], "sso": "7"},
    })
}

struct Hub {
    ground: Ground,
    github: Upstream,
}

impl Hub {
    fn new(words: &[&str]) -> Hub {
        let ground = Ground::new(&[]);
        let uri = format!("{}/realms/main/broker/github/endpoint", ground.door.url());
        let github = Upstream::start_github(&uri, &people());
        let url = github.url("");
        let usual = ["connector", "add", "github", "github", "--url", &url, "--client-id", UPSTREAM_CLIENT.0];
        let more = ["--client-secret-ref", "env:COMPANY_SECRET", "--group", "Acme:data=dagster-users"];
        ground.door.cli_text(&[&usual[..], &more[..], words].concat());
        Hub { ground, github }
    }

    fn leave(&self, jar: &mut Jar) -> Hop {
        let page = visit(jar, &self.ground.tool_url("/x"));
        let page = self.ground.choose(jar, &page, "github");
        assert!(
            page.url.starts_with(&self.github.url("/login/oauth/authorize?")),
            "{} {}",
            page.url,
            page.answer.text()
        );
        page
    }

    fn come(&self, name: &str) -> (Jar, Hop) {
        let mut jar = Jar::new();
        let page = self.leave(&mut jar);
        let form = Request::new("POST", &page.url).header("Accept", "text/html").form(&[("name", name)]);
        let end = jar.follow(form).pop().expect("a hop");
        (jar, end)
    }
}

#[test]
fn people_come_in_by_number_team_and_proved_address() {
    let hub = Hub::new(&["--orgs", "acme"]);
    let (_, end) = hub.come("ada");
    assert_eq!(end.answer.status, 200, "{}", end.answer.text());
    let seen = hub.ground.tool.last();
    assert_eq!(seen.header("x-forwarded-user"), Some("ada"));
    assert_eq!(seen.header("x-forwarded-email"), Some("ada@example.com"), "neither an older one nor what she wrote");
    // Of the organisation that is let in, and of the team around hers; the others do not count.
    assert_eq!(hub.ground.groups("ada"), json!(["Acme", "Acme:inner", "dagster-users"]));
    let links = hub.ground.door.cli_text(&["connector", "links", "github", "--output", "json"]);
    assert!(links.contains("\"583231\""), "{links}");
    let (_, bob) = hub.come("bob");
    assert_eq!(bob.answer.status, 403, "of the organisation, not of the team");
    assert!(bob.answer.text().contains("dagster-users"), "{}", bob.answer.text());
    let bobs = hub.ground.door.cli_text(&["user", "show", "bob", "--output", "json"]);
    assert!(!bobs.contains("bob@example.com"), "GitHub has not verified it: {bobs}");
    // Names are given to others, numbers are not.
    let mut others = people();
    others["ada"]["user"]["id"] = json!(999);
    hub.github.say(&others);
    assert_eq!(hub.come("ada").1.answer.status, 403);
    // She is called otherwise now: still she.
    let mut renamed = people();
    renamed["lovelace"] = renamed["ada"].clone();
    hub.github.say(&renamed);
    let (_, end) = hub.come("lovelace");
    assert_eq!((end.answer.status, hub.ground.tool.last().header("x-forwarded-user")), (200, Some("ada")));
}

#[test]
fn gauntlet_b4_11_nobody_comes_in_by_an_organisation_that_is_not_told() {
    let hub = Hub::new(&["--orgs", "7/data"]);
    assert_eq!(hub.come("ada").1.answer.status, 200, "by the organisation's number, and its team");
    for name in ["bob", "eve", "nobody"] {
        let (_, end) = hub.come(name);
        assert_eq!(end.answer.status, 403, "{name} {}", end.answer.text());
        let why = if name == "nobody" { "says that you did not agree" } else { "is not open to your account there" };
        assert!(end.answer.text().contains(why), "{name} {}", end.answer.text());
    }
    // What GitHub leaves out stands in the log.
    let log = hub.ground.door.output();
    assert!(log.contains("partial-results; organizations=7"), "{log}");
    // The last of many pages counts as the first.
    hub.github.behave(&json!({"pageSize": 7}));
    assert_eq!(hub.come("ada").1.answer.status, 200);
    // A next page at another host would take her token there.
    let elsewhere = Upstream::start_github("http://127.0.0.1:9/endpoint", &people());
    hub.github.behave(&json!({"pageSize": 7, "elsewhere": elsewhere.url("")}));
    let (_, end) = hub.come("ada");
    assert_eq!((end.answer.status, elsewhere.asked("elsewhere")), (502, 0), "{}", end.answer.text());
    // Pages without end are not followed for ever.
    hub.github.behave(&json!({"pageSize": 1}));
    assert_eq!(hub.come("ada").1.answer.status, 502);
}

#[test]
fn an_answer_counts_once_in_its_own_browser() {
    let hub = Hub::new(&[]);
    let mut jar = Jar::new();
    let page = hub.leave(&mut jar);
    for needed in ["code_challenge_method=S256", "state=dwy_", "scope=read%3Auser+user%3Aemail+read%3Aorg"] {
        assert!(page.url.contains(needed), "{}", page.url);
    }
    let form = Request::new("POST", &page.url).header("Accept", "text/html").form(&[("name", "ada")]);
    let back = jar.send(form).location().to_owned();
    let before = hub.github.asked("token");
    for (url, mut other) in [
        (back.clone(), Jar::new()),
        (back.replace("state=dwy_", "state=dwy_A"), jar.clone()),
        (back.replace("/github/", "/company/"), jar.clone()),
        (format!("{back}&iss=https%3A%2F%2Felsewhere.example"), jar.clone()),
    ] {
        assert!(other.send(page_request(&url)).status >= 400, "{url}");
    }
    assert_eq!(hub.github.asked("token"), before, "none of these may reach the token endpoint");
    assert_eq!(jar.follow(page_request(&back)).pop().expect("a hop").answer.status, 200);
    assert!(jar.send(page_request(&back)).status >= 400, "a code is good once");
}

#[test]
fn who_has_no_number_is_nobody() {
    let hub = Hub::new(&[]);
    for id in [
        Value::Null,
        json!(""),
        json!(" "),
        json!(-7),
        json!(1.5),
        json!({"a": 1}),
        json!(true),
        json!("x".repeat(300)),
    ] {
        let mut odd = people();
        odd["ada"]["user"]["id"] = id.clone();
        hub.github.say(&odd);
        assert_eq!(hub.come("ada").1.answer.status, 502, "{id}");
    }
}

#[test]
fn trying_it_out_says_whether_github_knows_this_client() {
    let hub = Hub::new(&[]);
    let test = || hub.ground.door.cli(&["connector", "test", "github"]);
    assert!(test().status.success(), "{:?}", test());
    hub.ground.door.cli_text(&["connector", "update", "github", "--set", "oauth2.client_id=another"]);
    let ran = test();
    assert!(!ran.status.success(), "{ran:?}");
    assert!(String::from_utf8_lossy(&ran.stderr).contains("the token endpoint of the provider"), "{ran:?}");
}
