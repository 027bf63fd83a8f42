//! oauth4webapi: every answer of the provider is handed to the function that checks it.

use crate::fixture::{declare, door, issuer, text};
use doorward_testkit::door::Door;
use doorward_testkit::peers::{RelyingParty, RelyingPartyOptions};
use doorward_testkit::ports::free_port;
use doorward_tests::{page_request, sign_in_at};
use serde_json::json;

fn party(door: &Door, auth: &str, keys: &str) -> RelyingParty {
    let port = free_port();
    let rules = format!(
        "redirect_uris: ['http://127.0.0.1:{port}/callback']\n\
         post_logout_redirect_uris: ['http://127.0.0.1:{port}/bye']\neveryone: true\n{keys}"
    );
    let secret = declare(door, "party", &rules);
    let (issuer, scope) = (issuer(door), "openid profile email groups");
    RelyingParty::start_strict(&RelyingPartyOptions {
        port,
        issuer: &issuer,
        client_id: "party",
        secret: (&secret, auth),
        scope,
    })
}

#[test]
fn a_library_that_checks_every_answer_finds_nothing_wrong() {
    let door = door();
    for (auth, keys) in [
        ("basic", "algorithm: RS256"),
        ("post", "algorithm: ES256"),
        ("basic", "algorithm: PS256"),
        ("none", "algorithm: EdDSA\npublic: true"),
    ] {
        let party = party(&door, auth, keys);
        let (mut jar, answer, url) = sign_in_at(&party.url("/login"), "alice");
        let told = answer.json();
        assert_eq!(answer.status, 200, "{auth} {keys} {url}: {told:#}");
        assert_eq!(text(&told, "/claims/preferred_username"), "alice");
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
}
