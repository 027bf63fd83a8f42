//! Apache Airflow with the auth manager of its FAB provider and that one's provider `keycloak`.

use crate::client;
use doorward_testkit::http::Request;
use doorward_testkit::jar::Jar;
use doorward_testkit::peers::{Airflow, AppClient};
use doorward_testkit::ports::free_port;
use doorward_tests::clients::{ask, door, issuer};
use doorward_tests::{sign_in_at, user};
use serde_json::json;

/// The token that Airflow's pages call its API with.
fn token(jar: &Jar, airflow: &Airflow) -> String {
    let cookie = jar.find(&airflow.url("/"), "_token");
    cookie.unwrap_or_else(|| panic!("no token in {:?}\n{}", jar.cookies, airflow.process.tail())).value.clone()
}

#[test]
fn airflow_gives_people_the_roles_of_their_groups() {
    let (door, port) = (door(), free_port());
    user(&door, "carol");
    let secret = client(&door, "airflow", port, "/auth/oauth-authorized/keycloak", "/");
    let issuer = issuer(&door);
    let airflow = Airflow::start(&AppClient { port, issuer: &issuer, client_id: "airflow", secret: &secret });

    let start = airflow.url("/auth/login/keycloak");
    let (mut alice, answer, url) = sign_in_at(&start, "alice");
    assert!(answer.status == 200 && url.starts_with(&airflow.url("/")), "{url}: {}", airflow.process.tail());
    let (bob, _, _) = sign_in_at(&start, "bob");
    let (alices, bobs) = (token(&alice, &airflow), token(&bob, &airflow));
    for reader in [&alices, &bobs] {
        assert_eq!(ask(&airflow.url("/api/v2/dags"), reader).status, 200);
    }
    let create = |token: &str| {
        let request = Request::new("POST", &airflow.url("/api/v2/variables"));
        let request = request.header("Authorization", format!("Bearer {token}"));
        request.json(&json!({"key": "region", "value": "eu"})).send().status
    };
    assert_eq!((create(&bobs), create(&alices)), (403, 201), "{}", airflow.process.tail());

    let (carol, answer, url) = sign_in_at(&start, "carol");
    assert_eq!((answer.status, url.starts_with(&door.url())), (403, true), "{url}");
    assert!(carol.find(&airflow.url("/"), "_token").is_none());

    alice.visit(&airflow.url("/api/v2/auth/logout"));
    assert!(alice.find(&airflow.url("/"), "_token").is_none(), "{:?}", alice.cookies);
    assert_eq!(ask(&airflow.url("/api/v2/dags"), &alices).status, 403);
}
