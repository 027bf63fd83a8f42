//! Every page as people see it: in a real browser, on a phone and on a wide screen, light and dark. Each is
//! checked by axe-core and photographed; `cargo xtask screens` puts the README's pictures where they belong.
#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use doorward_testkit::door::{Door, DoorOptions};
use doorward_testkit::limits::BROWSER_WAIT;
use doorward_testkit::tools;
use doorward_testkit::webdriver::{Browser, Scheme};
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
    browser.fill("input[name=username]", "ada");
    browser.fill("input[name=name]", "Ada Lovelace");
    browser.fill("input[name=email]", "ada@example.com");
    browser.fill("input[name=password]", PASSWORD);
    browser.fill("input[name=password_repeat]", PASSWORD);
    browser.press_on("main form button");
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
    let errors: Vec<String> = browser.console_errors().into_iter().chain(visitor.console_errors()).collect();
    let refused: Vec<&String> = errors.iter().filter(|line| line.contains("Content Security Policy")).collect();
    assert!(refused.is_empty(), "{refused:?}");
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
