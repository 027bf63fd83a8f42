//! Every page as people see it: in a real browser, on a phone and on a wide screen, light and dark. Each is
//! checked by axe-core and photographed; `cargo xtask screens` puts the README's pictures where they belong.
#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use doorward_testkit::door::{Door, DoorOptions};
use doorward_testkit::echo::{Echo, Reply};
use doorward_testkit::http::{Request, percent};
use doorward_testkit::limits::BROWSER_WAIT;
use doorward_testkit::process::wait_until;
use doorward_testkit::tools;
use doorward_testkit::webdriver::{Browser, Scheme};
use doorward_tests::clients::{code_in, declare, issuer, text};
use doorward_tests::{PASSWORD, user, with_password};
use std::path::PathBuf;

const SIZES: [(u32, u32, &str); 2] = [(390, 844, "phone"), (1440, 900, "wide")];
const TAGS: [&str; 6] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

fn directory() -> PathBuf {
    let directory = tools::workspace().join("target/screens");
    std::fs::create_dir_all(&directory).expect("a folder for pictures");
    directory
}

/// Checks and photographs the page the browser shows.
fn look(browser: &Browser, name: &str, found: &mut Vec<String>) {
    for (width, height, size) in SIZES {
        browser.emulate_device(width, height);
        for (scheme, light) in [(Scheme::Light, "light"), (Scheme::Dark, "dark")] {
            browser.emulate_scheme(scheme);
            browser.screenshot(&directory().join(format!("{name}-{size}-{light}.png")));
            for violation in browser.axe(&TAGS) {
                found.push(format!("{name} {size} {light}: {violation:?}"));
            }
            let wider = browser
                .execute("return document.documentElement.scrollWidth > document.documentElement.clientWidth", &[]);
            if wider != serde_json::Value::Bool(false) {
                found.push(format!("{name} {size} {light}: wider than the screen"));
            }
        }
    }
    browser.stop_emulating_device();
}

fn sign_in(browser: &Browser, name: &str, password: &str) {
    browser.fill("input[name=login]", name);
    browser.fill("input[name=password]", password);
    browser.press_on("main form button");
}

fn set_up(browser: &Browser, again: &str) {
    browser.fill("input[name=username]", "ada");
    browser.fill("input[name=name]", "Ada Lovelace");
    browser.fill("input[name=email]", "ada@example.com");
    browser.fill("input[name=password]", PASSWORD);
    browser.fill("input[name=password_repeat]", again);
    browser.press_on("main form button");
}

/// Whether the page has its stylesheet: the frame of the mark is drawn by it.
fn is_styled(browser: &Browser) -> bool {
    let script = "return getComputedStyle(document.querySelector('.mark-frame')).strokeWidth";
    browser.execute(script, &[]) == "2px"
}

/// What the browsers complained of that has to do with our pages' policies.
fn policy_errors(browsers: &[&Browser]) -> Vec<String> {
    let errors = browsers.iter().flat_map(|browser| browser.console_errors());
    errors.filter(|line| line.contains("Content Security Policy")).collect()
}

#[test]
fn every_page_is_fit_to_be_seen() {
    let mut options = with_password(DoorOptions::up());
    let protect = [
        "--protect",
        "dagster=http://127.0.0.1:9",
        "--allow",
        "dagster-users",
        "--protect",
        "grafana=http://127.0.0.1:9",
        "--allow",
        "analysts",
    ];
    options.arguments = protect.map(str::to_owned).to_vec();
    let door = Door::start(options);
    let url = door.url();
    let mut found = Vec::new();
    let browser = Browser::start();
    browser.goto(&door.setup_link().expect("the first start prints one"));
    browser.wait_for("input[name=username]", BROWSER_WAIT);
    look(&browser, "setup", &mut found);
    set_up(&browser, "another long phrase");
    browser.wait_for("[role=alert]", BROWSER_WAIT);
    look(&browser, "setup-refused", &mut found);
    set_up(&browser, PASSWORD);
    browser.wait_for_text("Dagster");
    look(&browser, "launcher", &mut found);
    browser.goto(&format!("{url}/realms/main/account"));
    browser.wait_for("input[name=new_password]", BROWSER_WAIT);
    look(&browser, "account", &mut found);
    browser.goto(&format!("{url}/realms/main/sign-out"));
    look(&browser, "sign-out", &mut found);
    browser.goto(&door.url_as("sample.localhost"));
    browser.wait_for_text("ada");
    look(&browser, "sample-tool", &mut found);
    browser.goto(&format!("{}/runs", door.url_as("dagster.localhost")));
    browser.wait_for("h1", BROWSER_WAIT);
    look(&browser, "tool-unreachable", &mut found);
    browser.goto(&format!("{url}/no-such-page"));
    look(&browser, "not-found", &mut found);
    browser.goto(&door.url_as("elsewhere.localhost"));
    browser.wait_for_text("Wrong door");
    assert!(is_styled(&browser), "the page has its stylesheet at a host nobody knows");
    look(&browser, "wrong-door", &mut found);
    user(&door, "bob");
    let visitor = Browser::start();
    visitor.goto(&format!("{}/runs/7", door.url_as("dagster.localhost")));
    visitor.wait_for("input[name=login]", BROWSER_WAIT);
    look(&visitor, "sign-in", &mut found);
    sign_in(&visitor, "bob", "not the right one");
    visitor.wait_for_text("do not match");
    look(&visitor, "sign-in-refused", &mut found);
    sign_in(&visitor, "bob", PASSWORD);
    visitor.wait_for_text("dagster-users");
    look(&visitor, "denied", &mut found);
    visitor.goto(&url);
    visitor.wait_for("h1", BROWSER_WAIT);
    look(&visitor, "launcher-of-bob", &mut found);
    visitor.goto(&format!("{url}/realms/main/sign-out"));
    visitor.press_on("main form button");
    visitor.wait_for_text("igned out");
    look(&visitor, "signed-out", &mut found);
    assert_eq!(policy_errors(&[&browser, &visitor]), Vec::<String>::new());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// A tool that keeps browsers on the page they are at, so that pages which lead on by themselves can be looked at.
struct Tool {
    echo: Echo,
    secret: String,
}

impl Tool {
    fn declare(door: &Door) -> Tool {
        let echo = Echo::start_with(|_| Reply { status: 204, headers: Vec::new(), body: Vec::new() });
        let url = echo.url();
        let keys = format!(
            "title: Notes\nredirect_uris: ['{url}/callback']\npost_logout_redirect_uris: ['{url}/bye']\n\
             frontchannel_logout_uri: {url}/frame\neveryone: true\npkce_optional: true\nconsent: explicit\n\
             grants: [authorization_code, refresh_token, device_code]\nauthorization_details: [payment_initiation]\n\
             mappers: \n- audience: https://reports.example.com/api"
        );
        let secret = declare(door, "notes", &keys);
        Tool { echo, secret }
    }

    /// An authorization request of its own.
    fn request(&self, door: &Door, more: &str) -> String {
        let back = percent(&format!("{}/callback", self.echo.url()));
        let scope = "openid%20profile%20email%20groups%20offline_access";
        let base = format!("{}/protocol/openid-connect/auth", issuer(door));
        format!("{base}?client_id=notes&response_type=code&redirect_uri={back}&scope={scope}&state=s{more}")
    }

    /// Asks the token endpoint, or another one beside it.
    fn ask(&self, door: &Door, path: &str, fields: &[(&str, &str)]) -> serde_json::Value {
        let url = format!("{}/protocol/openid-connect/{path}", issuer(door));
        let own = [("client_id", "notes"), ("client_secret", self.secret.as_str())];
        let form: Vec<_> = own.iter().chain(fields).copied().collect();
        let answer = Request::new("POST", &url).form(&form).send();
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    /// Waits until a browser has come to one of its addresses; gives what it sent.
    fn wait_visited(&self, path: &str) -> String {
        let found = || self.echo.seen().into_iter().find(|seen| seen.path.starts_with(path));
        wait_until(&format!("the browser at {path}"), BROWSER_WAIT, || found().is_some());
        found().map(|seen| String::from_utf8_lossy(&seen.body).into_owned()).unwrap_or_default()
    }
}

#[test]
fn every_page_before_a_client_is_fit_to_be_seen() {
    let door = Door::start(with_password(DoorOptions::serve()));
    user(&door, "alice");
    let tool = Tool::declare(&door);
    let mut found = Vec::new();
    let browser = Browser::start();
    let wish = r#"[{"type":"payment_initiation","actions":["initiate","cancel"],"amount":{"value":"12.50"}}]"#;
    let resource = percent("https://reports.example.com/api");
    browser.goto(&tool.request(&door, &format!("&authorization_details={}&resource={resource}", percent(wish))));
    sign_in(&browser, "alice", PASSWORD);
    browser.wait_for_text("12.50");
    look(&browser, "consent-details", &mut found);
    browser.goto(&tool.request(&door, "&response_mode=form_post"));
    browser.wait_for("button[name=decision]", BROWSER_WAIT);
    look(&browser, "consent", &mut found);
    browser.press_on("button[value=allow]");
    let posted = tool.wait_visited("/callback");
    browser.wait_for("form#answer", BROWSER_WAIT);
    look(&browser, "form-post", &mut found);
    let code = code_in(&format!("?{posted}"));
    let back = format!("{}/callback", tool.echo.url());
    let exchange = [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", back.as_str())];
    tool.ask(&door, "token", &exchange);

    let bye = percent(&format!("{}/bye", tool.echo.url()));
    let leave = format!("{}/protocol/openid-connect/logout", issuer(&door));
    browser.goto(&format!("{leave}?client_id=notes&post_logout_redirect_uri={bye}"));
    browser.wait_for("button.main", BROWSER_WAIT);
    look(&browser, "sign-out-at-client", &mut found);
    browser.press_on("button.main");
    tool.wait_visited("/frame");
    tool.wait_visited("/bye");
    browser.wait_for_text("Your tools are being told");
    look(&browser, "signing-out", &mut found);
    browser.goto(&format!("{}/protocol/openid-connect/auth?client_id=unknown", issuer(&door)));
    browser.wait_for_text("cannot go on");
    look(&browser, "client-unknown", &mut found);
    assert_eq!(policy_errors(&[&browser]), Vec::<String>::new());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_page_for_a_device_is_fit_to_be_seen() {
    let door = Door::start(with_password(DoorOptions::serve()));
    user(&door, "alice");
    let tool = Tool::declare(&door);
    let mut found = Vec::new();
    let browser = Browser::start();
    browser.goto(&format!("{}/device", issuer(&door)));
    sign_in(&browser, "alice", PASSWORD);
    browser.wait_for("input[name=user_code]", BROWSER_WAIT);
    look(&browser, "device-code", &mut found);
    browser.fill("input[name=user_code]", "BBBB-BBBB");
    browser.press_on("button.main");
    browser.wait_for("[role=alert]", BROWSER_WAIT);
    look(&browser, "device-code-refused", &mut found);
    for (decision, name) in [("allow", "device-done"), ("deny", "device-denied")] {
        let started = tool.ask(&door, "auth/device", &[("scope", "openid profile email offline_access")]);
        browser.goto(text(&started, "/verification_uri_complete"));
        browser.wait_for("input[name=user_code]", BROWSER_WAIT);
        browser.press_on("button.main");
        browser.wait_for("button[name=decision]", BROWSER_WAIT);
        if decision == "allow" {
            look(&browser, "device-question", &mut found);
        }
        browser.press_on(&format!("button[value={decision}]"));
        browser.wait_for_text("You can close this page");
        look(&browser, name, &mut found);
    }
    assert_eq!(policy_errors(&[&browser]), Vec::<String>::new());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_page_after_a_temporary_password_is_fit_to_be_seen() {
    let door = Door::start(with_password(DoorOptions::serve()));
    door.cli_text(&["user", "create", "bob", "--password-env", "DOORWARD_TEST_PASSWORD", "--temporary"]);
    let mut found = Vec::new();
    let browser = Browser::start();
    browser.goto(&door.url());
    sign_in(&browser, "bob", PASSWORD);
    browser.wait_for("input[name=new_password_repeat]", BROWSER_WAIT);
    look(&browser, "new-password", &mut found);
    for (again, name) in [("something else", Some("new-password-refused")), ("another long phrase", None)] {
        browser.fill("input[name=new_password]", "another long phrase");
        browser.fill("input[name=new_password_repeat]", again);
        browser.press_on("button.main");
        match name {
            Some(name) => {
                browser.wait_for("[role=alert]", BROWSER_WAIT);
                look(&browser, name, &mut found);
            }
            None => browser.wait_for_text("bob"),
        }
    }
    assert_eq!(policy_errors(&[&browser]), Vec::<String>::new());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_deep_link_survives_sign_in_in_a_browser_without_scripts() {
    let door = Door::start(with_password(DoorOptions::up()));
    user(&door, "alice");
    let browser = Browser::start();
    browser.devtools("Emulation.setScriptExecutionDisabled", &serde_json::json!({"value": true}));
    let deep = format!("{}/a/b?x=%2F&y=1", door.url_as("sample.localhost"));
    browser.goto(&deep);
    sign_in(&browser, "alice", PASSWORD);
    browser.wait_for_text("alice");
    assert_eq!(browser.url(), deep);
}
