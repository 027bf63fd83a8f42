//! oauth4webapi: every answer of the provider is handed to the function that checks it.

use doorward_testkit::door::Door;
use doorward_testkit::peers::{RelyingParty, RelyingPartyOptions};
use doorward_testkit::ports::free_port;
use doorward_tests::clients::{declare, door, issuer, text};
use doorward_tests::{page_request, sign_in_at};
use serde_json::json;

fn party(door: &Door, issuer: &str, (auth, keys): (&str, &str)) -> RelyingParty {
    let port = free_port();
    let rules = format!(
        "redirect_uris: ['http://127.0.0.1:{port}/callback']\n\
         post_logout_redirect_uris: ['http://127.0.0.1:{port}/bye']\neveryone: true\n{keys}"
    );
    let secret = declare(door, "party", &rules);
    let scope = "openid profile email groups";
    RelyingParty::start_strict(&RelyingPartyOptions {
        port,
        issuer,
        client_id: "party",
        secret: (&secret, auth),
        scope,
    })
}

/// Signs alice in and out, with everything between that the client may ask.
fn everything_is_checked(door: &Door, issuer: &str, (auth, keys): (&str, &str)) {
    let party = party(door, issuer, (auth, keys));
    let (mut jar, answer, url) = sign_in_at(&party.url("/login"), "alice");
    let told = answer.json();
    assert_eq!(answer.status, 200, "{auth} {keys} {url}: {told:#}");
    assert_eq!((text(&told, "/claims/preferred_username"), text(&told, "/claims/iss")), ("alice", issuer));
    assert_eq!(told.pointer("/userinfo/groups"), Some(&json!(["data", "data-engineers"])));
    let (status, refreshed) = party.page("/refresh");
    assert_eq!((status, text(&refreshed, "/claims/sub")), (200, text(&told, "/claims/sub")), "{refreshed:#}");
    if auth != "none" {
        let (_, looked_up) = party.page("/introspect");
        assert_eq!(looked_up.get("active"), Some(&json!(true)), "{looked_up:#}");
    }
    let (status, revoked) = party.page("/revoke");
    assert_eq!(status, 200, "{revoked:#}");
    let (status, over) = party.page("/refresh");
    assert_eq!((status, text(&over, "/error")), (500, "invalid_grant"), "{over:#}");
    let bye = jar.follow(page_request(&party.url("/logout"))).pop().expect("a hop");
    assert_eq!(bye.answer.json(), json!({"bye": true}), "{}", bye.url);
}

#[test]
fn a_library_that_checks_every_answer_finds_nothing_wrong() {
    let door = door();
    for way in [
        ("basic", "algorithm: RS256"),
        ("post", "algorithm: ES256"),
        ("basic", "algorithm: PS256"),
        ("none", "algorithm: EdDSA\npublic: true"),
    ] {
        everything_is_checked(&door, &issuer(&door), way);
    }
}

#[test]
fn nor_does_it_at_authentiks_paths() {
    let door = door();
    let issuer = format!("{}/application/o/party/", door.url());
    everything_is_checked(&door, &issuer, ("post", "paths: authentik"));
}
