//! Clients that no file may declare, and how changes of mappers are told.

use super::super::client::sector;
use super::clients::{HEAD, USUAL, client, complaints, refused};
use super::there::{There, check};
use crate::limits;
use doorward_model::limits as nouns;

#[test]
fn what_the_engine_refuses_is_pointed_at_before_anything_is_planned() {
    let uris = |count: usize| (0..count).map(|number| format!("https://a.x/{number}")).collect::<Vec<_>>().join(", ");
    let many = format!(
        "kind: Client\nname: web\neveryone: true\nredirect_uris: [{}]\npost_logout_redirect_uris: [{}]\n",
        uris(60),
        uris(41)
    );
    for (text, expected) in [
        (
            format!("{USUAL}lifetimes: {{access_seconds: 999999}}\n"),
            "5:29: access_seconds must be 1 to 86400, and is 999999: correct the number",
        ),
        (
            format!("{USUAL}lifetimes:\n  access_seconds: 60\n  offline_seconds: 31622401\n"),
            "7:20: offline_seconds must be 1 to 31622400, and is 31622401: correct the number",
        ),
        (
            format!("{USUAL}require_signed_request: true\n"),
            "5:1: the client must sign its requests, and no key is registered to check them with: give its jwks",
        ),
        (
            format!("{USUAL}grants: [implicit]\ndpop_bound: true\n"),
            "6:1: tokens that come through the browser cannot be bound to a key: remove the grant implicit, or do not \
             bind them",
        ),
        (
            format!("{USUAL}grants: [implicit]\ncertificate_bound: true\n"),
            "6:1: tokens that come through the browser cannot be bound to a key: remove the grant implicit, or do not \
             bind them",
        ),
        (many, "4:16: a client has at most 100 redirect URIs, of both kinds: take some away"),
    ] {
        refused(&text, &[expected]);
    }
    // What follows from a value that could not be read is no news.
    refused(
        &format!("{HEAD}everyone: true\nredirect_uris: [nope]\n"),
        &["4:17: a redirect URI must be absolute: write it as https://app.example.com/callback"],
    );
}

#[test]
fn there_is_one_way_of_saying_who_may_enter() {
    let expected = ["4:1: everyone and allowed_groups: keep one of them"];
    let uri = "redirect_uris: [https://a.x/]";
    refused(&format!("{HEAD}{uri}\neveryone: true\nallowed_groups: [data]\n"), &expected);
    client(&format!("{HEAD}{uri}\neveryone: false\nallowed_groups: [data]\n"));
    client(&format!("{HEAD}{uri}\neveryone: true\nallowed_groups: []\n"));
    // Quotes make no difference to a truth value.
    let quoted = client(&format!("{HEAD}{uri}\neveryone: \"false\"\nallowed_groups: [data]\n"));
    assert!(!quoted.everyone);
    let app = "kind: App\nname: web\naddresses: [https://a.x]\neveryone: true\nallowed_groups: [data]\n";
    refused(app, &expected);
}

#[test]
fn nothing_stands_twice_in_a_list_of_a_client() {
    let twice = |at: &str, first: &str| {
        format!("{at}: this stands twice in one list: keep one of them, the other stands at d:{first}")
    };
    refused(
        &format!(
            "{HEAD}everyone: true\nredirect_uris:\n  - https://a.x/\n  - wildcard: https://a.x/*\n  - exact: https://a.x/\n\
             post_logout_redirect_uris: [https://a.x/, https://a.x/]\nscopes: [a, b, a]\n\
             web_origins: [https://a.x, https://A.x]\nexchange_for: [t, t]\nauthorization_details: [p, p]\n\
             grants: [authorization_code, authorization_code]\n"
        ),
        &[
            twice("7:5", "5:5"),
            twice("8:43", "8:29"),
            twice("9:16", "9:10"),
            twice("10:28", "10:15"),
            twice("11:19", "11:16"),
            twice("12:28", "12:25"),
            twice("13:30", "13:10"),
        ]
        .each_ref()
        .map(String::as_str),
    );
    refused(
        &format!("{HEAD}redirect_uris: [https://a.x/]\nallowed_groups: [a, a]\n"),
        &[twice("4:21", "4:18").as_str()],
    );
    let audiences = "mappers:\n  - audience: a\n  - audience: a\n";
    refused(&format!("{USUAL}{audiences}"), &[twice("7:5", "6:5").as_str()]);
}

#[test]
fn a_number_of_seconds_is_a_number() {
    for wrong in ["5m", "300s", "\"x\"", "1.5"] {
        refused(
            &format!("{USUAL}lifetimes: {{access_seconds: {wrong}}}\n"),
            &["5:29: a number of seconds belongs here: write 300 for five minutes"],
        );
    }
}

#[test]
fn changed_mappers_are_told_in_words() {
    let of = |mappers: &str| format!("{USUAL}mappers:\n{mappers}");
    let first = of(
        "  - claim: {path: [https://example.com/ns, regions], from: {attribute: region}}\n  - claim: {path: policy, from: {groups: minio-}}\n",
    );
    let then = of(
        "  - claim: {path: [https://example.com/ns, regions], from: {attribute: region, many: true}, tell: [access]}\n  - audience: trino\n  \
         - claim: {path: roles, from: {realm_roles: '', add: 'R:', join: ','}}\n",
    );
    check(
        There::main().having(&first),
        &then,
        &["~ client main/web: mapper claim https://example.com/ns → regions: attribute region, told everywhere → all \
           values of attribute region, told in access, introspection; mapper +audience trino; mapper +claim roles: \
           roles of the realm with `R:` before each joined by `,`, told everywhere; mapper -claim policy"],
    );
}

#[test]
fn what_is_too_long_or_too_much_is_pointed_at_where_it_stands() {
    let claim = |from: &str| format!("{USUAL}mappers:\n  - claim: {{path: x, from: {{realm_roles: '', {from}}}}}\n");
    let (most, over) = ("a".repeat(limits::CLAIM_NAME_BYTES), "a".repeat(limits::CLAIM_NAME_BYTES + 1));
    for key in ["add", "join"] {
        client(&claim(&format!("{key}: {most}")));
        let told = complaints(&claim(&format!("{key}: {over}")));
        let [sentence] = told.as_slice() else { panic!("{key}: {told:?}") };
        assert!(sentence.contains(": the text may have at most 256 bytes: "), "{key}: {sentence}");
    }
    let key = r#"{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let platform = format!("  - {{issuer: https://ci.x, audience: door, jwks: {{keys: [{key}]}}, subjects: [a]}}\n");
    let all = |count| format!("{USUAL}workloads:\n{}", platform.repeat(count));
    client(&all(nouns::CLIENT_WORKLOADS));
    let told = complaints(&all(nouns::CLIENT_WORKLOADS + 1));
    let most = nouns::CLIENT_WORKLOADS;
    assert_eq!(told, [format!("6:3: the list has more than {most} entries: shorten it")]);
}

#[test]
fn a_sector_is_a_host_as_it_is_compared() {
    assert!(sector("example.com").is_ok());
    for bad in ["Example.com", "example.com:443", "example.com.", "https://example.com", "", "a b"] {
        assert!(sector(bad).is_err_and(|told| told.contains("is not a host name")), "{bad}");
    }
}
