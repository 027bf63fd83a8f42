//! What the attacks share: a door with people and an app, and browsers signed in to it.

use doorward_testkit::door::Door;
use doorward_testkit::echo::Echo;
use doorward_testkit::http::{Answer, Request};
use doorward_testkit::jar::Jar;
use doorward_tests::{action, door, field, nested_groups, page_request, sign_in_at, user};
use std::sync::LazyLock;

/// A door with alice and bob, and an echo behind the built-in proxy with one public path.
pub struct Scene {
    /// The door.
    pub door: Door,
    /// The tool behind it.
    pub echo: Echo,
    /// The tool's address as browsers know it, without a slash at the end.
    pub url: String,
}

/// A scene of one's own, for attacks that change something.
pub fn scene() -> Scene {
    let door = door();
    nested_groups(&door);
    for name in ["alice", "bob"] {
        user(&door, name);
    }
    door.cli_text(&["group", "add-member", "data-engineers", "alice"]);
    let echo = Echo::start();
    let url = door.url_as("echo.localhost");
    door.cli_text(&[
        "app",
        "create",
        "echo",
        "--address",
        &url,
        "--upstream",
        &echo.url(),
        "--allow",
        "dagster-users",
        "--public",
        "/public",
        "--public",
        "/hooks/*",
    ]);
    Scene { door, echo, url }
}

/// Most attacks change nothing: they share a scene.
pub static SCENE: LazyLock<Scene> = LazyLock::new(scene);

/// A browser in which somebody signed in on the way to the app.
pub fn signed_in(scene: &Scene, name: &str) -> Jar {
    sign_in_at(&format!("{}/in", scene.url), name).0
}

/// Name and value of the pass in a jar.
pub fn pass_of(jar: &Jar, url: &str) -> (String, String) {
    let cookies = jar.header_for(url).unwrap_or_default();
    let pass = cookies.split("; ").find(|pair| pair.starts_with("doorward_pass_")).expect("a pass");
    let (name, value) = pass.split_once('=').expect("a cookie");
    (name.to_owned(), value.to_owned())
}

/// Address of the sign-in page of the realm everybody is in.
pub fn sign_in_page(door: &Door) -> String {
    format!("{}/realms/main/sign-in", door.url())
}

/// Where a sign-in form is sent, its flow and its proof.
pub type SignInForm = (String, String, String);

/// The form a browser is shown where the address leads.
pub fn sign_in_form(jar: &mut Jar, url: &str) -> SignInForm {
    let html = jar.follow(page_request(url)).pop().expect("a page").answer.text();
    (action(&html), field(&html, "flow"), field(&html, "csrf"))
}

/// Sends a sign-in form with a login and a password, and follows nothing.
pub fn send_form(jar: &mut Jar, door: &Door, form: &SignInForm, (login, password): (&str, &str)) -> Answer {
    let (target, flow, csrf) = form;
    let form = [("login", login), ("password", password), ("flow", flow), ("csrf", csrf)];
    jar.send(Request::new("POST", &format!("{}{target}", door.url())).form(&form))
}

/// One attempt to sign in, from the form the address leads to.
pub fn attempt(jar: &mut Jar, door: &Door, url: &str, credentials: (&str, &str)) -> Answer {
    let form = sign_in_form(jar, url);
    send_form(jar, door, &form, credentials)
}
