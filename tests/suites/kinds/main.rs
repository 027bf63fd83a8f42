//! Every kind of connector, in a real browser, to a real tool with roles: whom the company calls an engineer
//! administrates JupyterHub, until it says otherwise.
#![allow(clippy::panic, clippy::expect_used, reason = "the suites fail by panicking")]

mod ways;

use doorward_testkit::door::{Door, DoorOptions};
use doorward_testkit::limits::BROWSER_WAIT;
use doorward_testkit::peers::{AppClient, JupyterHub, SAMBA_READER, SLAPD_READER, UPSTREAM_CLIENT};
use doorward_testkit::ports::free_port;
use doorward_testkit::process::holds_within;
use doorward_testkit::scratch::Scratch;
use doorward_testkit::webdriver::Browser;
use doorward_tests::clients::{declare, issuer};
use doorward_tests::with_password;
use serde_json::{Value, json};
use ways::Way;

/// A door with JupyterHub as its client, and no connector yet.
struct Ground {
    door: Door,
    hub: JupyterHub,
    scratch: Scratch,
}

impl Ground {
    fn new() -> Ground {
        // A name that programs with their own resolver find.
        let at = free_port();
        let public_url = Some(format!("http://localhost:{at}"));
        let mut options = with_password(DoorOptions { port: at, public_url, ..DoorOptions::serve() });
        options.arguments = ["--outbound-allow", "127.0.0.1"].map(str::to_owned).to_vec();
        for (name, secret) in [("COMPANY", UPSTREAM_CLIENT.1), ("SLAPD", SLAPD_READER.1), ("SAMBA", SAMBA_READER.1)] {
            options.environment.push((format!("{name}_SECRET"), secret.to_owned()));
        }
        options.environment.push(("DOORWARD_OUTBOUND_ALLOW".to_owned(), "127.0.0.1".to_owned()));
        let door = Door::start(options);
        for group in ["data", "data-engineers"] {
            door.cli_text(&["group", "create", group]);
        }
        let port = free_port();
        let keys = format!("redirect_uris: ['http://127.0.0.1:{port}/hub/oauth_callback']\nallowed_groups: [data]");
        let secret = declare(&door, "jupyterhub", &keys);
        let issuer = issuer(&door);
        let hub =
            JupyterHub::start_alone(&AppClient { port, issuer: &issuer, client_id: "jupyterhub", secret: &secret });
        Ground { door, hub, scratch: Scratch::new("kinds") }
    }

    /// Goes to the hub in a browser of its own and says who one is; what the hub then knows of them.
    fn come(&self, way: &Way) -> Value {
        let browser = match &way.computer {
            Some(computer) => Browser::start_with(&computer.environment()),
            None => Browser::start(),
        };
        browser.goto(&self.hub.url("/hub/oauth_login?next=%2Fhub%2Fhome"));
        (way.prove)(&browser);
        let home = self.hub.url("/hub/home");
        let is_there = holds_within(BROWSER_WAIT, || browser.url() == home);
        assert!(is_there, "{} is at {}: {}", way.name, browser.url(), browser.page_text());
        self.hub.person(way.name).unwrap_or_else(|status| panic!("{status}: the hub does not know {}", way.name))
    }
}

/// The groups the hub has somebody in.
fn groups(person: &Value) -> Vec<&str> {
    let all = person["groups"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut ours: Vec<&str> = all.filter(|name| name.starts_with("data")).collect();
    ours.sort_unstable();
    ours
}

#[test]
fn people_come_in_by_every_kind_and_their_role_in_the_tool_follows_their_company() {
    let ground = Ground::new();
    // All of them stay: whom no directory knows yet is asked for at each.
    let ways = ways::all(&ground);
    for way in &ways {
        let name = way.name;
        let engineer = ground.come(way);
        assert_eq!((groups(&engineer), &engineer["admin"]), (vec!["data", "data-engineers"], &json!(true)), "{name}");
        (way.demote)();
        let now = ground.come(way);
        assert_eq!((groups(&now), &now["admin"]), (vec!["data"], &json!(false)), "{name}");
    }
}
