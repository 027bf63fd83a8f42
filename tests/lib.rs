//! What the suites around the finished binary share: a door with people, groups and apps in it, and
//! signing in as a browser or a plain client would.
#![allow(clippy::panic, clippy::expect_used, reason = "the suites fail by panicking")]

pub mod behind;
pub mod clients;
pub mod proof;

use doorward_testkit::door::{Door, DoorOptions};
use doorward_testkit::http::{Answer, Request, get};
use doorward_testkit::jar::Jar;
use std::process::Output;

/// The password of everybody in the suites.
pub const PASSWORD: &str = "correct horse battery staple";

/// A door on SQLite with everything on free ports.
pub fn door() -> Door {
    Door::start(with_password(DoorOptions::up()))
}

/// Puts the password where commands find it.
pub fn with_password(mut options: DoorOptions) -> DoorOptions {
    options.environment.push(("DOORWARD_TEST_PASSWORD".to_owned(), PASSWORD.to_owned()));
    options
}

/// Creates a user.
pub fn user(door: &Door, name: &str) {
    let email = format!("{name}@example.com");
    door.cli_text(&["user", "create", name, "--email", &email, "--password-env", "DOORWARD_TEST_PASSWORD"]);
}

/// `dagster-users` with `data-engineers` nested inside it.
pub fn nested_groups(door: &Door) {
    door.cli_text(&["group", "create", "dagster-users"]);
    door.cli_text(&["group", "create", "data-engineers"]);
    door.cli_text(&["group", "nest", "dagster-users", "data-engineers"]);
}

/// The one sentence a failed command said.
pub fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).trim().to_owned()
}

/// The value of a hidden or visible field of a page.
pub fn field(page: &str, name: &str) -> String {
    let marker = format!("name=\"{name}\"");
    let at = page.find(&marker).unwrap_or_else(|| panic!("no field {name} in\n{page}"));
    let start = page[..at].rfind('<').expect("a field stands in a tag");
    let tag = &page[start..start + page[start..].find('>').expect("a tag ends")];
    let value = tag.split("value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
    value.replace("&quot;", "\"").replace("&#34;", "\"").replace("&#38;", "&").replace("&amp;", "&")
}

/// The address a page's form posts to.
pub fn action(page: &str) -> String {
    let rest = page.split("action=\"").nth(1).unwrap_or_else(|| panic!("no form in\n{page}"));
    rest.split('"').next().unwrap_or_default().replace("&#38;", "&").replace("&amp;", "&")
}

/// What a browser sends when somebody opens a page.
pub fn page_request(url: &str) -> Request {
    Request::new("GET", url).header("Accept", "text/html,application/xhtml+xml")
}

/// Opens a page as somebody not signed in, signs in, and ends where the browser would.
pub fn sign_in_at(url: &str, name: &str) -> (Jar, Answer, String) {
    let mut jar = Jar::new();
    let hops = jar.follow(page_request(url));
    let page = hops.last().expect("a hop");
    assert_eq!(page.answer.status, 200, "the sign-in page for {url}: {}", page.answer.text());
    let html = page.answer.text();
    let (flow, csrf) = (field(&html, "flow"), field(&html, "csrf"));
    let target = doorward_testkit::http::Address::parse(&page.url).join(&action(&html));
    let form = [("login", name), ("password", PASSWORD), ("flow", flow.as_str()), ("csrf", csrf.as_str())];
    let request = Request::new("POST", &target).header("Accept", "text/html").form(&form);
    let hops = jar.follow(request);
    let last = hops.into_iter().next_back().expect("a hop");
    (jar, last.answer, last.url)
}

/// What an administrator of the domain of the tests tells its browsers: to which hosts they may show tickets.
pub fn tell_browsers() {
    let folder = std::path::Path::new("/etc/chromium/policies/managed");
    let policy = r#"{"AuthServerAllowlist": "doorward.localhost,localhost", "DisableAuthNegotiateCnameLookup": true}"#;
    std::fs::create_dir_all(folder).expect("a folder");
    std::fs::write(folder.join("domain-of-tests.json"), policy).expect("a policy");
}

/// Whether a server answers at all.
pub fn answers(url: &str) -> bool {
    std::panic::catch_unwind(|| get(url)).is_ok()
}
