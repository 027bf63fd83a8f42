//! Apache with mod_auth_openidc in front of a tool.

use doorward_testkit::door::Door;
use doorward_testkit::echo::{Echo, Reply};
use doorward_testkit::http::{Request, get};
use doorward_testkit::peers::{ApacheOptions, Peer, apache};
use doorward_testkit::ports::free_port;
use doorward_tests::clients::{declare, door, issuer, jwks};
use doorward_tests::{page_request, sign_in_at};
use serde_json::json;

fn by_metadata(door: &Door) -> String {
    format!("OIDCProviderMetadataURL {}/.well-known/openid-configuration", issuer(door))
}

fn start(door: &Door, tool: &Echo, provider: &str) -> Peer {
    let port = free_port();
    let keys = format!(
        "redirect_uris: ['http://127.0.0.1:{port}/tool/callback']\n\
         post_logout_redirect_uris: ['http://127.0.0.1:{port}/bye']\neveryone: true"
    );
    let secret = declare(door, "apache", &keys);
    apache(&ApacheOptions {
        port,
        upstream_port: tool.port(),
        provider,
        client_id: "apache",
        client_secret: &secret,
        group: "data",
    })
}

#[test]
fn apache_signs_people_in_tells_the_tool_and_signs_them_out() {
    let (door, tool) = (door(), Echo::start());
    let apache = start(&door, &tool, &by_metadata(&door));
    let deep = format!("{}/tool/runs?view=all", apache.url());
    let (mut jar, answer, url) = sign_in_at(&deep, "alice");
    assert_eq!((answer.status, url.as_str()), (200, deep.as_str()), "{}", answer.text());
    let seen = tool.last();
    assert_eq!(seen.path, "/tool/runs?view=all");
    assert_eq!(seen.header("x-remote-user"), Some("alice"), "{:?}", seen.headers);
    assert_eq!(seen.header("oidc_claim_groups"), Some("data,data-engineers"), "{:?}", seen.headers);
    assert_eq!(seen.header("oidc_claim_email"), Some("alice@example.com"));

    // What a stranger claims about himself does not reach the tool.
    let forged = Request::new("GET", &deep).header("OIDC_CLAIM_groups", "admins").header("X-Remote-User", "root");
    assert_eq!(jar.send(forged).status, 200);
    let seen = tool.last();
    assert_eq!(seen.headers_named("oidc_claim_groups"), ["data,data-engineers"]);
    assert_eq!(seen.headers_named("x-remote-user"), ["alice"]);

    // Signing out at Apache ends the session here too: the next visit asks for the password.
    let bye = doorward_testkit::http::percent(&format!("{}/bye", apache.url()));
    let hops = jar.follow(page_request(&format!("{}/tool/callback?logout={bye}", apache.url())));
    let last = hops.last().expect("a hop");
    assert_eq!((last.answer.status, last.url.as_str()), (200, format!("{}/bye", apache.url()).as_str()));
    assert!(hops.iter().any(|hop| hop.url.contains("/protocol/openid-connect/logout?")));
    let again = jar.follow(page_request(&deep)).pop().expect("a hop");
    assert!(again.url.starts_with(&door.url()) && again.answer.text().contains("name=\"password\""), "{}", again.url);
}

#[test]
fn apache_keeps_somebody_without_the_group_out() {
    let (door, tool) = (door(), Echo::start());
    let apache = start(&door, &tool, &by_metadata(&door));
    let (_, answer, url) = sign_in_at(&format!("{}/tool/runs", apache.url()), "bob");
    assert_eq!((answer.status, url.starts_with(&apache.url())), (401, true), "{url}: {}", answer.text());
    assert!(tool.seen().is_empty(), "{:?}", tool.seen());
}

#[test]
fn apache_refuses_tokens_that_the_keys_it_knows_did_not_sign() {
    let (door, tool) = (door(), Echo::start());
    door.cli_text(&["realm", "create", "sales", "--title", "Sales"]);
    let mut metadata = get(&format!("{}/.well-known/openid-configuration", issuer(&door))).json();
    metadata["jwks_uri"] = json!(jwks(&door, "sales"));
    let provider = Echo::start_with(move |_| Reply::json(&metadata));
    let apache = start(&door, &tool, &format!("OIDCProviderMetadataURL {}/metadata", provider.url()));
    let (_, answer, url) = sign_in_at(&format!("{}/tool/runs", apache.url()), "alice");
    // Its own page, with words for people in place of the tool.
    assert!(answer.text().contains("Error in handling response"), "{url}: {}", answer.text());
    assert!(apache.process.log().contains("id_token signature could not be validated"), "{}", apache.process.tail());
    assert!(tool.seen().is_empty(), "{:?}", tool.seen());
}
