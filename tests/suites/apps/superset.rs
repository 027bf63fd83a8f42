//! Apache Superset with Flask-AppBuilder's provider `keycloak`.

use crate::{asks_for_password, client, sign_out};
use doorward_testkit::jar::Jar;
use doorward_testkit::peers::{AppClient, Superset};
use doorward_testkit::ports::free_port;
use doorward_tests::clients::{door, issuer};
use doorward_tests::{page_request, sign_in_at, user};
use serde_json::Value;

/// The names of somebody's roles, as Superset tells them.
fn roles(jar: &mut Jar, superset: &Superset) -> Vec<String> {
    let answer = jar.get(&superset.url("/api/v1/me/roles/"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let told = answer.json();
    let roles = told.pointer("/result/roles").and_then(Value::as_object).cloned().unwrap_or_default();
    // Everybody has the one that stands for everybody.
    roles.keys().filter(|role| *role != "Public").cloned().collect()
}

#[test]
fn superset_gives_people_the_roles_of_their_groups() {
    let (door, port) = (door(), free_port());
    user(&door, "carol");
    let secret = client(&door, "superset", port, "/oauth-authorized/keycloak", "/login/");
    let issuer = issuer(&door);
    let superset = Superset::start(&AppClient { port, issuer: &issuer, client_id: "superset", secret: &secret });

    let start = superset.url("/login/keycloak");
    let (mut alice, answer, url) = sign_in_at(&start, "alice");
    assert!(answer.status == 200 && url.starts_with(&superset.url("/")), "{url}: {}", superset.process.tail());
    assert_eq!(roles(&mut alice, &superset), ["Admin"], "{}", superset.process.tail());
    assert_eq!(alice.get(&superset.url("/api/v1/security/roles/")).status, 200);
    let (mut bob, _, _) = sign_in_at(&start, "bob");
    assert_eq!(roles(&mut bob, &superset), ["Gamma"]);
    assert_eq!(bob.get(&superset.url("/api/v1/security/roles/")).status, 403);

    // Another group at the next sign-in, another role.
    door.cli_text(&["group", "remove-member", "data-engineers", "alice"]);
    door.cli_text(&["group", "add-member", "sales", "alice"]);
    let (mut alice, _, _) = sign_in_at(&start, "alice");
    assert_eq!(roles(&mut alice, &superset), ["Gamma"]);
    let (mut carol, answer, url) = sign_in_at(&start, "carol");
    assert_eq!((answer.status, url.starts_with(&door.url())), (403, true), "{url}");
    assert_eq!(carol.get(&superset.url("/api/v1/me/roles/")).status, 401);

    let out = sign_out(&mut alice, &superset.url("/logout/"));
    assert_eq!(out.url, superset.url("/login/"));
    assert_eq!(alice.get(&superset.url("/api/v1/me/roles/")).status, 401);
    let again = alice.follow(page_request(&start)).pop().expect("a hop");
    assert!(asks_for_password(&again), "{}", again.url);
}
