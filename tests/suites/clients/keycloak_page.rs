//! keycloak-js in a real browser: a page signs people in without a secret.

use doorward_testkit::door::Door;
use doorward_testkit::limits::BROWSER_WAIT;
use doorward_testkit::peers::KeycloakPage;
use doorward_testkit::ports::free_port;
use doorward_testkit::webdriver::Browser;
use doorward_tests::PASSWORD;
use doorward_tests::clients::{declare, door, text};
use serde_json::{Value, json};
use std::sync::Mutex;

/// Chromium is heavy: one at a time.
static BROWSER: Mutex<()> = Mutex::new(());

fn page(door: &Door, origins: &str, rule: &str) -> KeycloakPage {
    let port = free_port();
    let keys = format!("public: true\nredirect_uris: ['http://localhost:{port}/']\nweb_origins: ['{origins}']\n{rule}");
    declare(door, "spa", &keys);
    KeycloakPage::start(port, &door.url(), "main", "spa")
}

fn state_becomes(browser: &Browser, words: &str) {
    let script = "return document.getElementById('state')?.textContent !== 'starting'";
    browser.wait_until_js(script, BROWSER_WAIT);
    let state = browser.execute("return document.getElementById('state')?.textContent", &[]);
    assert!(state.as_str().is_some_and(|state| state.contains(words)), "{state}: {}", browser.url());
}

/// Waits until the page itself says so, at its plain address: pages on the way have these words too.
fn comes_home(browser: &Browser, page: &KeycloakPage, words: &str) {
    let (home, words) = (json!(page.url()), json!(words));
    let script = format!(
        "return location.href === {home} && Boolean(document.getElementById('state')?.textContent.includes({words}))"
    );
    browser.wait_until_js(&script, BROWSER_WAIT);
}

fn sign_in(browser: &Browser, name: &str) {
    browser.execute("window.keycloak.login()", &[]);
    browser.wait_for("input[name=login]", BROWSER_WAIT);
    browser.fill("input[name=login]", name);
    browser.fill("input[name=password]", PASSWORD);
    browser.press_on("main form button");
}

/// Runs an asynchronous expression of the page; gives `{told}` or `{error}`.
fn run(browser: &Browser, expression: &str) -> Value {
    let script = format!(
        "const done = arguments[arguments.length - 1];
         (async () => {expression})().then((told) => done({{told}}), (error) => done({{error: String(error?.message ?? error)}}));"
    );
    browser.execute_async(&script, &[])
}

#[test]
fn keycloak_js_signs_somebody_in_refreshes_and_signs_out() {
    let _alone = BROWSER.lock();
    let door = door();
    let page = page(&door, "+", "allowed_groups: [data]");
    let browser = Browser::start();
    browser.goto(&page.url());
    state_becomes(&browser, "signed out");
    sign_in(&browser, "alice");
    // The code is gone from the address.
    comes_home(&browser, &page, "signed in");
    let claims = browser.execute("return window.keycloak.idTokenParsed", &[]);
    assert_eq!((text(&claims, "/preferred_username"), text(&claims, "/aud")), ("alice", "spa"));
    let access = browser.execute("return window.keycloak.tokenParsed", &[]);
    assert_eq!(access.get("groups"), Some(&json!(["data", "data-engineers"])));
    let told = run(&browser, "window.keycloak.loadUserInfo()");
    assert_eq!(text(&told, "/told/email"), "alice@example.com", "{told:#}");
    let before = browser.execute("return window.keycloak.refreshToken", &[]);
    assert_eq!(run(&browser, "window.keycloak.updateToken(-1)"), json!({"told": true}));
    assert_ne!(browser.execute("return window.keycloak.refreshToken", &[]), before);

    // A second page of the browser needs no password, and after signing out it needs it again.
    browser.goto(&page.url());
    state_becomes(&browser, "signed out");
    browser.execute("window.keycloak.login()", &[]);
    comes_home(&browser, &page, "signed in");
    let home = page.url();
    browser.execute(&format!("window.keycloak.logout({{redirectUri: '{home}'}})"), &[]);
    comes_home(&browser, &page, "signed out");
    browser.execute("window.keycloak.login()", &[]);
    browser.wait_for("input[name=password]", BROWSER_WAIT);
}

#[test]
fn keycloak_js_hears_no_when_somebody_lacks_the_group_or_the_origin_is_not_the_clients() {
    let _alone = BROWSER.lock();
    let door = door();
    let page = page(&door, "https://elsewhere.example.com", "allowed_groups: [data]");
    let browser = Browser::start();
    browser.goto(&page.url());
    state_becomes(&browser, "signed out");
    sign_in(&browser, "bob");
    browser.wait_for_text("data");
    assert!(browser.url().starts_with(&door.url()), "{}", browser.url());
    browser.delete_cookies();
    browser.goto(&page.url());
    state_becomes(&browser, "signed out");
    sign_in(&browser, "alice");
    browser.wait_for_text("failed");
}
