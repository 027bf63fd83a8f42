//! LemonLDAP::NG as the company, over SAML and over OpenID Connect: its own people, in a real browser.

use crate::forge::Signer;
use crate::ground::Ground;
use doorward_testkit::peers::{LEMONLDAP_CLIENT, LEMONLDAP_SECRET, LemonLdap};
use doorward_testkit::process::wait_until;
use doorward_testkit::webdriver::Browser;
use serde_json::json;
use std::time::Duration;

/// A door whose tool is for `timelords` of the company, by the name their group has here.
fn by_saml(words: &[&str]) -> (Ground, LemonLdap) {
    let (ground, signer) = (Ground::new(), Signer::new());
    let mut company = LemonLdap::start((&signer.key_pem, &signer.certificate_pem()));
    let usual = ["--group", "timelords=dagster-users"];
    ground.connect("company", &company.metadata(), &[&usual, words].concat());
    company.know_by_metadata(&ground.descriptor("company"));
    (ground, company)
}

/// The same over OpenID Connect.
fn by_openid(words: &[&str]) -> (Ground, LemonLdap) {
    let ground = Ground::with_environment(&[("COMPANY_SECRET", LEMONLDAP_SECRET)]);
    let signer = Signer::new();
    let mut company = LemonLdap::start((&signer.key_pem, &signer.certificate_pem()));
    let issuer = company.url("/");
    let usual = ["connector", "add", "oidc", "company", "--issuer", &issuer, "--client-id", LEMONLDAP_CLIENT];
    let usual = [&usual[..], &["--client-secret-ref", "env:COMPANY_SECRET", "--group", "timelords=dagster-users"]];
    ground.door.cli_text(&[&usual.concat()[..], words].concat());
    let signed_out = format!("{}/logout_response", ground.endpoint("company"));
    company.know_by_address(&ground.endpoint("company"), &signed_out);
    (ground, company)
}

/// Goes from the tool to the company, signs in there and waits to be back.
fn come(ground: &Ground, browser: &Browser, name: &str, back: &str) {
    ground.come(browser, ("input[name=user]", "#lform button[type=submit]"), (name, name), back);
}

/// Who is in `timelords` gets to the tool, which is told who they are; who is not reads why.
fn company_decides(ground: &Ground) -> Browser {
    let browser = Browser::start();
    come(ground, &browser, "dwho", "tool.localhost");
    assert_eq!(browser.url(), ground.tool_url("/runs?x=1"));
    let seen = ground.tool.last();
    assert_eq!(seen.header("x-forwarded-user"), Some("dwho"));
    assert_eq!(ground.groups("dwho"), json!(["dagster-users", "users"]));
    let other = Browser::start();
    come(ground, &other, "rtyler", ground.door.url().as_str());
    other.wait_for_text("dagster-users");
    assert_eq!(ground.groups("rtyler"), json!(["earthlings", "users"]));
    browser
}

/// Whether the tool asks for a sign-in by now.
fn wait_out(ground: &Ground, browser: &Browser) {
    let is_out = || {
        browser.goto(&ground.tool_url("/again"));
        browser.url().contains("/sign-in")
    };
    wait_until("the session to be over here", Duration::from_secs(20), is_out);
}

fn sign_out(ground: &Ground, browser: &Browser) {
    browser.goto(&format!("{}/realms/main/sign-out", ground.door.url()));
    browser.press_on("form button");
    browser.wait_for_url("/signed-out");
}

#[test]
fn people_of_lemonldap_come_in_over_saml_and_sign_out_here_and_there() {
    let (ground, company) = by_saml(&["--single-logout"]);
    let browser = company_decides(&ground);
    assert_eq!(ground.tool.last().header("x-forwarded-email"), Some("dwho@badwolf.org"));
    sign_out(&ground, &browser);
    // There too: who comes again has to say who they are, which is what `come` waits for.
    come(&ground, &browser, "dwho", "tool.localhost");
    browser.goto(&company.url("/?logout=1"));
    wait_out(&ground, &browser);
}

#[test]
fn people_of_lemonldap_come_in_over_openid_connect() {
    let (ground, _company) = by_openid(&["--sign-out-there"]);
    let browser = company_decides(&ground);
    sign_out(&ground, &browser);
    come(&ground, &browser, "dwho", "tool.localhost");
}
