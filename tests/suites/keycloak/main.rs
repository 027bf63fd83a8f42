//! A company whose people are in Keycloak: it vouches for them here, as an OpenID provider and as one of SAML.
#![allow(clippy::panic, clippy::expect_used, reason = "the suites fail by panicking")]

use doorward_testkit::door::{Door, DoorOptions};
use doorward_testkit::echo::Echo;
use doorward_testkit::http::get;
use doorward_testkit::peers::Keycloak;
use doorward_testkit::process::wait_until;
use doorward_testkit::scratch::Scratch;
use doorward_testkit::webdriver::Browser;
use doorward_tests::with_password;
use serde_json::{Value, json};
use std::time::Duration;

/// For a page of Keycloak's: its first ones are made when they are asked for.
const PAGE: Duration = Duration::from_secs(60);
/// Seconds between two questions about somebody.
const EVERY: &str = "5";
/// Some questions later.
const SOON: Duration = Duration::from_secs(30);
const SECRET: &str = "a-secret-of-the-company";

/// The company's people, each with the group `everybody` and what is named.
fn people() -> Value {
    let person = |name: &str, groups: &[&str]| {
        json!({
            "username": name, "enabled": true, "email": format!("{name}@example.com"), "emailVerified": true,
            "firstName": name, "lastName": "of the company", "groups": groups,
            "credentials": [{"type": "password", "value": format!("{name}-there")}],
        })
    };
    json!({
        "groups": [{"name": "dagster-users"}, {"name": "everybody"}],
        "users": [person("ada", &["/dagster-users", "/everybody"]), person("bob", &["/everybody"])],
    })
}

/// Everything at its place.
struct Ground {
    door: Door,
    keycloak: Keycloak,
    tool: Echo,
    scratch: Scratch,
}

impl Ground {
    /// Both ways of signing in are connected: `openid` and `saml`.
    fn new() -> Ground {
        let tool = Echo::start();
        let mut options = with_password(DoorOptions::up());
        let protect = format!("tool={}", tool.url());
        let words = ["--protect", &protect, "--allow", "dagster-users", "--outbound-allow", "127.0.0.1"];
        options.arguments = words.map(str::to_owned).to_vec();
        options.environment.push(("COMPANY_SECRET".to_owned(), SECRET.to_owned()));
        options.environment.push(("DOORWARD_OUTBOUND_ALLOW".to_owned(), "127.0.0.1".to_owned()));
        let door = Door::start(options);
        let keycloak = Keycloak::start(&["doorward.localhost"], people());
        let ground = Ground { door, keycloak, tool, scratch: Scratch::new("keycloak-ground") };
        ground.connect_openid();
        ground.connect_saml();
        ground
    }

    fn realm(&self) -> String {
        format!("{}/realms/main", self.door.url())
    }

    fn tool_url(&self, path: &str) -> String {
        format!("{}{path}", self.door.url_as("tool.localhost"))
    }

    fn connect_openid(&self) {
        let endpoint = format!("{}/broker/openid/endpoint", self.realm());
        let client = json!({
            "clientId": "doorward", "secret": SECRET, "redirectUris": [endpoint],
            "attributes": {
                "backchannel.logout.url": format!("{}/protocol/openid-connect/logout/backchannel-logout", self.realm()),
                "backchannel.logout.session.required": "true",
                "post.logout.redirect.uris": format!("{endpoint}/logout_response"),
            },
            "protocolMappers": [{
                "name": "groups", "protocol": "openid-connect", "protocolMapper": "oidc-group-membership-mapper",
                "config": {
                    "claim.name": "groups", "full.path": "false", "id.token.claim": "true", "userinfo.token.claim": "true",
                },
            }],
        });
        self.keycloak.company("POST", "/clients", Some(&client));
        let issuer = self.keycloak.issuer();
        let usual = ["connector", "add", "keycloak", "openid", "--issuer", &issuer, "--client-id", "doorward"];
        let more = ["--client-secret-ref", "env:COMPANY_SECRET", "--refresh-every", EVERY, "--sign-out-there"];
        self.door.cli_text(&[&usual[..], &more].concat());
    }

    fn connect_saml(&self) {
        let metadata = get(&self.keycloak.url("/realms/company/protocol/saml/descriptor")).text();
        let file = self.scratch.write("company.xml", &metadata);
        let file = file.to_str().expect("a path").to_owned();
        let usual = ["connector", "add", "saml", "saml", "--metadata", &file, "--attributes", "keycloak"];
        self.door
            .cli_text(&[&usual[..], &["--addresses-are-proved", "--single-logout", "--link-by-password"]].concat());
        // Keycloak reads what we publish, and makes a client of it.
        let ours = get(&format!("{}/broker/saml/endpoint/descriptor", self.realm()));
        let mut client = self.keycloak.read_description(&ours.text());
        // By itself it would have browsers tell us, and nobody's where an administrator signs somebody out.
        client["frontchannelLogout"] = json!(false);
        client["protocolMappers"] = json!([
            attribute("groups", "saml-group-membership-mapper", json!({"single": "true", "full.path": "false"})),
            attribute("email", "saml-user-property-mapper", json!({"user.attribute": "email"})),
            attribute("username", "saml-user-property-mapper", json!({"user.attribute": "username"})),
        ]);
        self.keycloak.company("POST", "/clients", Some(&client));
    }

    /// Goes to the tool, chooses a way, says at Keycloak who one is, and waits to be back.
    fn come(&self, way: &str, name: &str, back: &str) -> Browser {
        let browser = Browser::start();
        browser.goto(&self.tool_url("/runs?x=1"));
        browser.click(&browser.wait_for(&format!(".providers a[href*='/broker/{way}/']"), PAGE));
        browser.wait_for("#username", PAGE);
        browser.fill("#username", name);
        browser.fill("#password", &format!("{name}-there"));
        browser.press_on("#kc-login");
        browser.wait_for_url(back);
        browser
    }

    /// Whether the tool lets this browser in now.
    fn is_in(&self, browser: &Browser) -> bool {
        drop(self.tool.take());
        browser.goto(&self.tool_url("/again"));
        self.tool.seen().iter().any(|seen| seen.path == "/again")
    }

    fn groups(&self, user: &str) -> Value {
        let told = self.door.cli_text(&["user", "show", user, "--output", "json"]);
        serde_json::from_str::<Value>(&told).expect("JSON")["groups"].clone()
    }
}

fn attribute(name: &str, mapper: &str, more: Value) -> Value {
    let mut config = json!({"attribute.name": name, "friendly.name": name, "attribute.nameformat": "Basic"});
    let more = more.as_object().cloned().unwrap_or_default();
    config.as_object_mut().expect("an object").extend(more);
    json!({"name": name, "protocol": "saml", "protocolMapper": mapper, "config": config})
}

#[test]
fn keycloaks_people_come_in_by_openid_and_by_saml() {
    let ground = Ground::new();
    by_openid(&ground);
    by_saml(&ground);
}

fn by_openid(ground: &Ground) {
    let ada = ground.come("openid", "ada", "tool.localhost");
    assert_eq!(ada.url(), ground.tool_url("/runs?x=1"));
    let seen = ground.tool.last();
    assert_eq!(seen.header("x-forwarded-user"), Some("ada"));
    assert_eq!(seen.header("x-forwarded-email"), Some("ada@example.com"));
    assert_eq!(ground.groups("ada"), json!(["dagster-users", "everybody"]));
    let bob = ground.come("openid", "bob", &ground.door.url());
    bob.wait_for_text("dagster-users");
    // Taken away there, gone here when it is asked for her again; and back with it.
    let groups = ground.keycloak.company("GET", "/groups", None).json();
    let dagster = groups.as_array().and_then(|all| all.iter().find(|group| group["name"] == "dagster-users"));
    let dagster = dagster.and_then(|group| group["id"].as_str()).expect("the group's id");
    let membership = format!("/users/{}/groups/{dagster}", ground.keycloak.person("ada"));
    ground.keycloak.company("DELETE", &membership, None);
    wait_until("the group is gone", SOON, || !ground.is_in(&ada));
    ground.keycloak.company("PUT", &membership, None);
    wait_until("the group is back", SOON, || ground.is_in(&ada));
    // Signed out there by an administrator: Keycloak's logout token ends it here.
    ground.keycloak.company("POST", &format!("/users/{}/logout", ground.keycloak.person("ada")), None);
    wait_until("the session is over", SOON, || !ground.is_in(&ada));
    let events = ground.door.cli_text(&["events", "--kind", "session_ended", "--output", "json"]);
    assert!(events.contains("signed out at its provider"), "{events}");
    // Signed out here, she is out there.
    let ada = ground.come("openid", "ada", "tool.localhost");
    assert_eq!(ground.keycloak.sessions("ada"), 1);
    ada.goto(&format!("{}/sign-out", ground.realm()));
    ada.press_on("form button");
    ada.wait_for_url("/signed-out");
    assert_eq!(ground.keycloak.sessions("ada"), 0);
    // Whoever is disabled there is out here when they are asked for again.
    let bobs = format!("/users/{}", ground.keycloak.person("bob"));
    ground.keycloak.company("PUT", &bobs, Some(&json!({"enabled": false})));
    wait_until("bob is out", SOON, || {
        bob.goto(&ground.tool_url("/again"));
        bob.url().contains("/sign-in")
    });
}

fn by_saml(ground: &Ground) {
    // A name that is taken is nobody else's over another connector, so she is made anew.
    ground.door.cli_text(&["user", "delete", "ada"]);
    let ada = ground.come("saml", "ada", "tool.localhost");
    assert_eq!(ada.url(), ground.tool_url("/runs?x=1"));
    let seen = ground.tool.last();
    assert_eq!(seen.header("x-forwarded-user"), Some("ada"));
    assert_eq!(seen.header("x-forwarded-email"), Some("ada@example.com"));
    assert_eq!(ground.groups("ada"), json!(["dagster-users", "everybody"]));
    ada.goto(&format!("{}/sign-out", ground.realm()));
    ada.press_on("form button");
    ada.wait_for_url("/signed-out");
    assert_eq!(ground.keycloak.sessions("ada"), 0);
    // And the other way round: Keycloak tells us without a browser.
    let ada = ground.come("saml", "ada", "tool.localhost");
    ground.keycloak.company("POST", &format!("/users/{}/logout", ground.keycloak.person("ada")), None);
    wait_until("the session is over", SOON, || !ground.is_in(&ada));
}
