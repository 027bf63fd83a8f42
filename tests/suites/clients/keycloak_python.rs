//! python-keycloak, pointed at Doorward in Keycloak's place.

use doorward_testkit::door::Door;
use doorward_testkit::peers::KeycloakPython;
use doorward_tests::clients::{Program, code_in, door, text};
use doorward_tests::{PASSWORD, sign_in_at};
use serde_json::json;

fn client<'a>(door: &Door, server: &'a mut String, secret: &'a str) -> KeycloakPython<'a> {
    *server = door.url();
    KeycloakPython { server, realm: "main", client_id: "portal", secret }
}

const PORTAL: &str = "grants: [authorization_code, refresh_token, client_credentials, password]";

#[test]
fn python_keycloak_signs_a_person_in_refreshes_and_signs_out() {
    let door = door();
    let portal = Program::declare(&door, "portal", PORTAL);
    let mut server = String::new();
    let client = client(&door, &mut server, portal.secret());
    let redirect_uri = portal.redirect_uri();
    let asked = client.run("auth_url", &[&redirect_uri]);
    let (_, _, at) = sign_in_at(&text(&asked, "/url").replace(' ', "%20"), "alice");
    let told = client.run("code", &[&code_in(&at), &redirect_uri]);
    let sub = text(&told, "/claims/sub");
    assert_eq!(text(&told, "/claims/preferred_username"), "alice");
    assert_eq!(text(&told, "/claims/azp"), "portal");
    assert_eq!(text(&told, "/id/nonce"), "n");
    assert_eq!(text(&told, "/userinfo/email"), "alice@example.com");
    assert_eq!(told.pointer("/userinfo/groups"), Some(&json!(["data", "data-engineers"])));
    assert_eq!(told.pointer("/introspected/active"), Some(&json!(true)));
    assert_eq!((text(&told, "/by_pem"), text(&told, "/refreshed")), (sub, sub));
    assert_eq!(told.get("after_logout"), Some(&json!({"active": false})));
    assert_eq!(text(&told, "/refresh_after_logout"), "invalid_grant");
}

#[test]
fn python_keycloak_gets_tokens_for_a_program_and_reads_what_the_provider_says_of_itself() {
    let door = door();
    let portal = Program::declare(&door, "portal", PORTAL);
    let mut server = String::new();
    let client = client(&door, &mut server, portal.secret());
    let told = client.run("machine", &[]);
    assert_eq!(text(&told, "/claims/preferred_username"), "service-account-portal");
    assert_eq!(told.pointer("/introspected/active"), Some(&json!(true)));
    let told = client.run("metadata", &[]);
    assert_eq!(text(&told, "/well_known/issuer"), format!("{}/realms/main", door.url()));
    assert!(told.pointer("/certs/keys/0/kid").is_some(), "{told:#}");
    let stranger = KeycloakPython { secret: "wrong", ..client };
    assert_eq!(stranger.run("machine", &[]).get("status"), Some(&json!(401)));
}

#[test]
fn python_keycloak_signs_a_person_in_by_password() {
    let door = door();
    let portal = Program::declare(&door, "portal", PORTAL);
    let mut server = String::new();
    let client = client(&door, &mut server, portal.secret());
    let told = client.run("password", &["alice", PASSWORD]);
    assert_eq!(text(&told, "/claims/preferred_username"), "alice", "{told:#}");
    assert_eq!(text(&told, "/refreshed"), text(&told, "/userinfo/sub"));
    assert_eq!(told.get("after_logout"), Some(&json!({"active": false})));
    assert_eq!(client.run("password", &["alice", "wrong"]).get("status"), Some(&json!(401)));
}
