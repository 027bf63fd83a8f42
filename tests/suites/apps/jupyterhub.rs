//! JupyterHub with its generic OAuth authenticator.

use crate::{asks_for_password, client, sign_out};
use doorward_testkit::limits::APPLICATION_START;
use doorward_testkit::peers::{AppClient, JupyterHub};
use doorward_testkit::ports::free_port;
use doorward_testkit::process::wait_until;
use doorward_tests::clients::{door, issuer};
use doorward_tests::{page_request, sign_in_at};
use serde_json::{Value, json};

#[test]
fn jupyterhub_starts_a_notebook_for_members_of_a_group_and_for_nobody_else() {
    let (door, port) = (door(), free_port());
    let secret = client(&door, "jupyterhub", port, "/hub/oauth_callback", "/hub/");
    let issuer = issuer(&door);
    let hub = JupyterHub::start(&AppClient { port, issuer: &issuer, client_id: "jupyterhub", secret: &secret });

    let start = hub.url("/hub/oauth_login?next=%2Fhub%2Fhome");
    let (mut jar, answer, url) = sign_in_at(&start, "alice");
    assert_eq!((answer.status, url.as_str()), (200, hub.url("/hub/home").as_str()), "{}", hub.process.tail());
    let alice = hub.person("alice").expect("the hub knows alice");
    assert_eq!(alice.get("admin"), Some(&json!(true)), "{alice:#}");
    let mut groups: Vec<&str> =
        alice.get("groups").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    groups.sort_unstable();
    assert_eq!(groups, ["data", "data-engineers"]);

    // Her own server, which asks the hub who she is.
    jar.follow(page_request(&hub.url("/hub/spawn")));
    wait_until("alice's server", APPLICATION_START, || {
        hub.person("alice").is_ok_and(|alice| alice.pointer("/servers//ready") == Some(&json!(true)))
    });
    let lab = jar.follow(page_request(&hub.url("/user/alice/lab"))).pop().expect("a hop");
    assert_eq!(lab.answer.status, 200, "{}", lab.url);
    assert!(lab.answer.text().contains("JupyterLab"), "{}", lab.answer.text());

    // bob may sign in here, and the hub takes members of another group only.
    let (_, answer, url) = sign_in_at(&start, "bob");
    assert_eq!((answer.status, url.starts_with(&hub.url("/hub/oauth_callback"))), (403, true), "{url}");
    assert!(hub.person("bob").is_err());

    let out = sign_out(&mut jar, &hub.url("/hub/logout"));
    assert!(out.url.starts_with(&door.url()), "{}", out.url);
    let again = jar.follow(page_request(&start)).pop().expect("a hop");
    assert!(asks_for_password(&again), "{}", again.url);
}
