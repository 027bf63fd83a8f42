//! Large applications that sign people in through the OpenID Provider with nothing but settings: who gets in, with which
//! roles, and who does not. What they need is gigabytes large, so this suite runs when it is asked for.
#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod airflow;
mod jupyterhub;
mod superset;

use doorward_testkit::door::Door;
use doorward_testkit::http::{Address, Request};
use doorward_testkit::jar::{Hop, Jar};
use doorward_tests::clients::declare;
use doorward_tests::{action, field, page_request};

/// Declares an application's client for members of `data` and `sales`; gives its secret.
fn client(door: &Door, name: &str, port: u16, callback: &str, bye: &str) -> String {
    let keys = format!(
        "redirect_uris: ['http://127.0.0.1:{port}{callback}']\n\
         post_logout_redirect_uris: ['http://127.0.0.1:{port}{bye}']\nallowed_groups: [data, sales]"
    );
    declare(door, name, &keys)
}

/// Signs out at an application that asks the provider without naming a session: the person is asked, and says yes.
fn sign_out(jar: &mut Jar, url: &str) -> Hop {
    let asked = jar.follow(page_request(url)).pop().expect("a hop");
    let page = asked.answer.text();
    assert!(page.contains("name=\"csrf\""), "{}: {page}", asked.url);
    let target = Address::parse(&asked.url).join(&action(&page));
    let csrf = field(&page, "csrf");
    let form = [("csrf", csrf.as_str())];
    jar.follow(Request::new("POST", &target).header("Accept", "text/html").form(&form)).pop().expect("a hop")
}

/// Whether a page asks for the password.
fn asks_for_password(hop: &Hop) -> bool {
    hop.answer.text().contains("name=\"password\"")
}
