use super::{Ability, Endpoint, Layout, List, Provider, metadata};
use serde_json::{Value, json};

fn bare<'a>(layout: Layout<'a>, issuer: &'a str, base: &'a str) -> Provider<'a> {
    Provider {
        layout,
        issuer,
        base,
        endpoints: &[],
        abilities: &[],
        signing_algorithms: &["ES256"],
        scopes: &["openid"],
        grants: &["authorization_code"],
        response_types: &["code"],
        response_modes: &["query"],
        subject_types: &["public"],
        client_auth_methods: &["client_secret_basic", "none"],
        more: &[],
    }
}

fn members(document: &Value, of: &str) -> Vec<(String, String)> {
    let all = document.as_object().into_iter().flatten().filter(|(name, _)| name.contains(of));
    all.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
}

#[test]
fn keycloaks_addresses_are_where_clients_look_for_them() {
    let base = "https://id.example.com/realms/x";
    let mut provider = bare(Layout::Keycloak, base, base);
    provider.endpoints = &Endpoint::ALL;
    let document = metadata(&provider);
    for (member, path) in [
        ("authorization_endpoint", "/protocol/openid-connect/auth"),
        ("token_endpoint", "/protocol/openid-connect/token"),
        ("jwks_uri", "/protocol/openid-connect/certs"),
        ("userinfo_endpoint", "/protocol/openid-connect/userinfo"),
        ("end_session_endpoint", "/protocol/openid-connect/logout"),
        ("revocation_endpoint", "/protocol/openid-connect/revoke"),
        ("introspection_endpoint", "/protocol/openid-connect/token/introspect"),
        ("device_authorization_endpoint", "/protocol/openid-connect/auth/device"),
        ("pushed_authorization_request_endpoint", "/protocol/openid-connect/ext/par/request"),
        ("registration_endpoint", "/clients-registrations/openid-connect"),
    ] {
        assert_eq!(document.get(member), Some(&json!(format!("{base}{path}"))), "{member}");
    }
    assert_eq!(document.get("issuer"), Some(&json!(base)));
    assert_eq!(Layout::Keycloak.issuer("https://id.example.com/realms/x/"), base);
}

#[test]
fn authentiks_addresses_end_in_a_slash() {
    let layout = Layout::Authentik { slug: "grafana" };
    let issuer = layout.issuer("https://id.example.com/");
    assert_eq!(issuer, "https://id.example.com/application/o/grafana/");
    let mut provider = bare(layout, &issuer, "https://id.example.com/");
    provider.endpoints = &Endpoint::ALL;
    let document = metadata(&provider);
    for (member, path) in [
        ("authorization_endpoint", "authorize/"),
        ("token_endpoint", "token/"),
        ("jwks_uri", "grafana/jwks/"),
        ("userinfo_endpoint", "userinfo/"),
        ("end_session_endpoint", "grafana/end-session/"),
        ("revocation_endpoint", "revoke/"),
        ("introspection_endpoint", "introspect/"),
        ("device_authorization_endpoint", "device/"),
    ] {
        let wanted = format!("https://id.example.com/application/o/{path}");
        assert_eq!(document.get(member), Some(&json!(wanted)), "{member}");
    }
    assert!(document.get("registration_endpoint").is_none());
    assert!(document.get("pushed_authorization_request_endpoint").is_none());
}

#[test]
fn only_what_is_passed_in_is_advertised() {
    let base = "https://id.example.com/realms/x";
    let mut provider = bare(Layout::Keycloak, base, base);
    let document = metadata(&provider);
    let all = document.as_object().map(|all| all.keys().map(String::as_str).collect::<Vec<_>>()).unwrap_or_default();
    assert_eq!(
        all,
        [
            "authorization_response_iss_parameter_supported",
            "backchannel_logout_session_supported",
            "backchannel_logout_supported",
            "claim_types_supported",
            "claims_parameter_supported",
            "frontchannel_logout_session_supported",
            "frontchannel_logout_supported",
            "grant_types_supported",
            "id_token_signing_alg_values_supported",
            "issuer",
            "request_parameter_supported",
            "request_uri_parameter_supported",
            "require_pushed_authorization_requests",
            "response_modes_supported",
            "response_types_supported",
            "scopes_supported",
            "subject_types_supported",
            "tls_client_certificate_bound_access_tokens",
        ]
    );
    provider.endpoints = &[Endpoint::Token];
    assert_eq!(members(&metadata(&provider), "endpoint").len(), 2);
    provider.endpoints = &[Endpoint::Token, Endpoint::Revocation, Endpoint::Introspection];
    provider.more = &[(List::ClientAuthAlgorithms, &["ES256"])];
    assert_eq!(members(&metadata(&provider), "endpoint").len(), 9);
}

#[test]
fn abilities_are_true_or_false_and_lists_keep_their_order() {
    let mut provider = bare(Layout::Keycloak, "i", "b");
    provider.abilities = &[Ability::ClaimsParameter, Ability::BackchannelLogout];
    provider.scopes = &["openid", "email"];
    provider.more = &[(List::CodeChallengeMethods, &["S256"]), (List::Prompts, &["none", "login"])];
    let document = metadata(&provider);
    for (member, wanted) in [
        ("claims_parameter_supported", json!(true)),
        ("backchannel_logout_supported", json!(true)),
        ("backchannel_logout_session_supported", json!(true)),
        ("frontchannel_logout_supported", json!(false)),
        ("request_parameter_supported", json!(false)),
        ("request_uri_parameter_supported", json!(false)),
        ("scopes_supported", json!(["openid", "email"])),
        ("code_challenge_methods_supported", json!(["S256"])),
        ("prompt_values_supported", json!(["none", "login"])),
        ("id_token_signing_alg_values_supported", json!(["ES256"])),
    ] {
        assert_eq!(document.get(member), Some(&wanted), "{member}");
    }
}
