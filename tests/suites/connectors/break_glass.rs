//! Everybody comes through the company, but for who is kept for the day it cannot be asked.

use crate::ground::{Ground, visit};
use doorward_testkit::http::{Address, Request};
use doorward_testkit::jar::{Hop, Jar};
use doorward_tests::{PASSWORD, action, complaint, field, user};

/// Types a password where the page behind the link asks for one.
fn type_password(ground: &Ground, jar: &mut Jar, name: &str) -> Hop {
    let page = visit(jar, &ground.tool_url("/runs?x=1"));
    let html = page.answer.text();
    assert!(!html.contains("type=\"password\""), "nobody is asked for a password at first\n{html}");
    let link = html.split("href=\"").find(|rest| rest.contains("way=password")).expect("a way to a password");
    let link = link.split('"').next().expect("a link").replace("&#38;", "&").replace("&amp;", "&");
    let page = visit(jar, &Address::parse(&page.url).join(&link));
    let html = page.answer.text();
    let form =
        [("csrf", &*field(&html, "csrf")), ("flow", &*field(&html, "flow")), ("login", name), ("password", PASSWORD)];
    let target = Address::parse(&page.url).join(&action(&html));
    jar.follow(Request::new("POST", &target).header("Accept", "text/html").form(&form)).pop().expect("a hop")
}

#[test]
fn when_the_company_is_away_only_who_is_kept_for_emergencies_comes_in_and_it_is_recorded() {
    let mut ground = Ground::new(&[]);
    user(&ground.door, "local");
    user(&ground.door, "ops");
    for name in ["local", "ops"] {
        ground.door.cli_text(&["group", "add-member", "dagster-users", name]);
    }
    let shut = ["realm", "update", "main", "--password-sign-in", "break-glass"];
    let warned = || complaint(&ground.door.cli(&shut)).contains("Nobody is kept for emergencies");
    assert!(warned(), "nobody is");
    ground.door.cli_text(&["user", "update", "ops", "--break-glass"]);
    ground.door.cli_text(&["realm", "update", "main", "--password-sign-in", "everyone"]);
    assert!(!warned(), "ops is");
    ground.company.process.stop();
    let refused = type_password(&ground, &mut Jar::new(), "local");
    assert_eq!(refused.answer.status, 401, "{}", refused.answer.text());
    let mut jar = Jar::new();
    let end = type_password(&ground, &mut jar, "ops");
    assert_eq!((end.answer.status, end.url), (200, ground.tool_url("/runs?x=1")), "{}", end.answer.text());
    let events = ground.door.cli_text(&["events", "--kind", "break_glass_used", "--output", "json"]);
    assert_eq!(events.matches("\"what\": \"user ops\"").count(), 1, "{events}");
    assert!(ground.door.output().contains("a password kept for emergencies was used"), "{}", ground.door.output());
}
