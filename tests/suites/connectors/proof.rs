//! Somebody in whose way a user stands shows by its password that it is them.

use crate::ground::{Ground, visit};
use doorward_testkit::http::{Address, Request};
use doorward_testkit::jar::{Hop, Jar};
use doorward_tests::{PASSWORD, action, field, user};
use serde_json::json;

/// The company with an `ada` and a `bob`, and local users of the same names.
fn ground() -> Ground {
    let ground = Ground::new(&["--link-by-password"]);
    user(&ground.door, "ada");
    user(&ground.door, "bob");
    ground
}

/// Posts the sign-in form of a page.
fn post(jar: &mut Jar, page: &Hop, (name, password): (&str, &str)) -> Hop {
    let html = page.answer.text();
    let (flow, csrf, pending) = (field(&html, "flow"), field(&html, "csrf"), field(&html, "pending"));
    post_with(jar, page, &[("login", name), ("password", password)], (&flow, &csrf, &pending))
}

fn post_with(jar: &mut Jar, page: &Hop, typed: &[(&str, &str)], (flow, csrf, pending): (&str, &str, &str)) -> Hop {
    let target = Address::parse(&page.url).join(&action(&page.answer.text()));
    let form = [typed, &[("flow", flow), ("csrf", csrf), ("pending", pending)]].concat();
    jar.follow(Request::new("POST", &target).header("Accept", "text/html").form(&form)).pop().expect("a hop")
}

fn links(ground: &Ground) -> String {
    ground.door.cli_text(&["connector", "links", "company"])
}

#[test]
fn whoever_knows_the_password_of_the_account_in_their_way_is_linked() {
    let ground = ground();
    let (mut jar, page) = ground.come("ada");
    assert_eq!(page.answer.status, 200, "{}", page.answer.text());
    assert!(page.answer.text().contains("There is already an account"), "{}", page.answer.text());
    assert!(!page.answer.text().contains("/broker/"), "whoever came back is not sent there again");
    let wrong = post(&mut jar, &page, ("ada", "not it at all"));
    assert_eq!(wrong.answer.status, 401);
    assert!(!links(&ground).contains("company-1"));
    // The page after a wrong password is as good as the first.
    let end = post(&mut jar, &wrong, ("ada", PASSWORD));
    assert_eq!((end.answer.status, end.url), (200, ground.tool_url("/runs?x=1")), "{}", end.answer.text());
    assert_eq!(ground.tool.last().header("x-forwarded-user"), Some("ada"));
    assert!(links(&ground).contains("company-1"));
    assert_eq!(ground.groups("ada"), json!(["dagster-users", "everybody"]));
    // From now on the company is enough, and the session rests on its word too.
    assert_eq!(ground.come("ada").1.url, ground.tool_url("/runs?x=1"));
    ground.door.cli_text(&["connector", "disable", "company"]);
    assert_ne!(visit(&mut jar, &ground.tool_url("/again")).url, ground.tool_url("/again"));
}

#[test]
fn gauntlet_b4_03_a_proof_for_one_account_counts_for_no_other() {
    let ground = ground();
    let (mut jar, page) = ground.come("ada");
    post(&mut jar, &page, ("bob", PASSWORD));
    // Signed in, as the password says, and nobody is linked.
    assert!(visit(&mut jar, &ground.tool_url("/x")).answer.text().contains("bob"));
    assert!(!links(&ground).contains("company-1"));
}

#[test]
fn gauntlet_b4_03_a_proof_counts_in_the_browser_that_came_back() {
    let ground = ground();
    let (_, page) = ground.come("ada");
    let pending = field(&page.answer.text(), "pending");
    // Another browser, with a sign-in page of its own and what stood in the first one's.
    let mut other = Jar::new();
    let own = visit(&mut other, &ground.tool_url("/x"));
    let html = own.answer.text();
    let typed = [("login", "ada"), ("password", PASSWORD)];
    let end = post_with(&mut other, &own, &typed, (&field(&html, "flow"), &field(&html, "csrf"), &pending));
    assert_eq!(end.answer.status, 403, "signed in, and in no group: {}", end.answer.text());
    assert!(!links(&ground).contains("company-1"));
}

#[test]
fn a_proof_counts_while_the_connector_is_as_it_was() {
    let ground = ground();
    let (mut jar, page) = ground.come("ada");
    ground.door.cli_text(&["connector", "update", "company", "--set", "title=The company"]);
    let end = post(&mut jar, &page, ("ada", PASSWORD));
    assert_eq!(end.answer.status, 403, "signed in, and in no group: {}", end.answer.text());
    assert!(!links(&ground).contains("company-1"));
}

#[test]
fn a_proof_makes_nobody_a_user_somebody_else_of_the_company_is() {
    let ground = ground();
    let (mut jar, page) = ground.come("bob");
    ground.door.cli_text(&["connector", "link", "company", "bob", "--subject", "another"]);
    let end = post(&mut jar, &page, ("bob", PASSWORD));
    assert_eq!(end.answer.status, 403, "signed in, and in no group: {}", end.answer.text());
    assert!(!links(&ground).contains("company-2"));
    // And nobody is asked for the password of such a user.
    assert!(
        !ground
            .come("bob")
            .1
            .answer
            .text()
            .contains("There is already an account with your name or e-mail address. If it is yours")
    );
}

#[test]
fn who_has_no_password_is_not_asked_for_one() {
    let ground = Ground::new(&["--link-by-password"]);
    ground.door.cli_text(&["user", "create", "ada"]);
    assert_eq!(ground.come("ada").1.answer.status, 403);
    // A user with ada's name and another with her address: nothing says which.
    ground.door.cli_text(&["user", "create", "robert", "--email", "bob@example.com"]);
    user(&ground.door, "cleo");
    ground.door.cli_text(&["user", "create", "bob", "--password-env", "DOORWARD_TEST_PASSWORD"]);
    assert_eq!(ground.come("bob").1.answer.status, 403);
}
