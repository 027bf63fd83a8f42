//! The metadata document clients configure themselves from, in the layouts of the products Doorward can
//! stand in for. Only what is passed in is advertised. OIDC Discovery §3, RFC 8414 §2.

mod layout;
#[cfg(test)]
mod tests;

pub use layout::{Endpoint, Layout};
use serde_json::{Map, Value, json};

/// What a provider can do besides its endpoints. What is not passed in is advertised as false, because
/// clients take some of these for true when nothing is said (OIDC Discovery §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ability {
    /// Reads the `claims` parameter.
    ClaimsParameter,
    /// Reads request objects.
    RequestParameter,
    /// Fetches request objects.
    RequestUriParameter,
    /// Names itself in authorization responses (RFC 9207).
    IssuerInResponse,
    /// Tells clients of a sign-out from server to server.
    BackchannelLogout,
    /// Tells clients of a sign-out through the browser.
    FrontchannelLogout,
    /// Takes pushed requests only.
    OnlyPushedRequests,
    /// Binds access tokens to clients' certificates (RFC 8705 §3.3).
    CertificateBoundTokens,
}

impl Ability {
    const ALL: [Self; 8] = [
        Self::ClaimsParameter,
        Self::RequestParameter,
        Self::RequestUriParameter,
        Self::IssuerInResponse,
        Self::BackchannelLogout,
        Self::FrontchannelLogout,
        Self::OnlyPushedRequests,
        Self::CertificateBoundTokens,
    ];

    fn members(self) -> &'static [&'static str] {
        match self {
            Self::ClaimsParameter => &["claims_parameter_supported"],
            Self::RequestParameter => &["request_parameter_supported"],
            Self::RequestUriParameter => &["request_uri_parameter_supported"],
            Self::IssuerInResponse => &["authorization_response_iss_parameter_supported"],
            Self::BackchannelLogout => &["backchannel_logout_supported", "backchannel_logout_session_supported"],
            Self::FrontchannelLogout => &["frontchannel_logout_supported", "frontchannel_logout_session_supported"],
            Self::OnlyPushedRequests => &["require_pushed_authorization_requests"],
            Self::CertificateBoundTokens => &["tls_client_certificate_bound_access_tokens"],
        }
    }
}

/// What else a provider may list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// Algorithms of the answers of userinfo, when they are signed.
    UserInfoAlgorithms,
    /// Algorithms of the answers of introspection, when they are signed (RFC 9701).
    IntrospectionAlgorithms,
    /// Algorithms of request objects.
    RequestObjectAlgorithms,
    /// Algorithms of signed authorization responses (JARM).
    ResponseAlgorithms,
    /// Algorithms of proofs of possession (RFC 9449).
    DpopAlgorithms,
    /// Algorithms of client assertions.
    ClientAuthAlgorithms,
    /// Claims.
    Claims,
    /// PKCE methods.
    CodeChallengeMethods,
    /// Values of `prompt`.
    Prompts,
    /// Values of `acr`.
    AcrValues,
    /// Languages of the pages.
    UiLocales,
}

impl List {
    fn member(self) -> &'static str {
        match self {
            Self::UserInfoAlgorithms => "userinfo_signing_alg_values_supported",
            Self::IntrospectionAlgorithms => "introspection_signing_alg_values_supported",
            Self::RequestObjectAlgorithms => "request_object_signing_alg_values_supported",
            Self::ResponseAlgorithms => "authorization_signing_alg_values_supported",
            Self::DpopAlgorithms => "dpop_signing_alg_values_supported",
            Self::ClientAuthAlgorithms => "token_endpoint_auth_signing_alg_values_supported",
            Self::Claims => "claims_supported",
            Self::CodeChallengeMethods => "code_challenge_methods_supported",
            Self::Prompts => "prompt_values_supported",
            Self::AcrValues => "acr_values_supported",
            Self::UiLocales => "ui_locales_supported",
        }
    }
}

/// What a provider says about itself. Lists are advertised in their order.
#[derive(Debug, Clone, Copy)]
pub struct Provider<'a> {
    /// Whose paths the endpoints have.
    pub layout: Layout<'a>,
    /// The issuer, to the letter as it stands in tokens.
    pub issuer: &'a str,
    /// What the endpoints' addresses begin with: `https://host/realms/x` for Keycloak's layout, the root for
    /// authentik's.
    pub base: &'a str,
    /// What can be called.
    pub endpoints: &'a [Endpoint],
    /// What it can do besides.
    pub abilities: &'a [Ability],
    /// Algorithms of identity tokens.
    pub signing_algorithms: &'a [&'a str],
    /// Scopes.
    pub scopes: &'a [&'a str],
    /// Grant types.
    pub grants: &'a [&'a str],
    /// Response types.
    pub response_types: &'a [&'a str],
    /// Response modes.
    pub response_modes: &'a [&'a str],
    /// Subject types: `public`, `pairwise`.
    pub subject_types: &'a [&'a str],
    /// How clients may authenticate at every endpoint that wants them to.
    pub client_auth_methods: &'a [&'a str],
    /// Whatever else there is to list.
    pub more: &'a [(List, &'a [&'a str])],
}

/// The document.
pub fn metadata(provider: &Provider<'_>) -> Value {
    let mut document = Map::new();
    let mut say = |member: &str, value: Value| document.insert(member.to_owned(), value);
    say("issuer", json!(provider.issuer));
    for endpoint in provider.endpoints {
        if let Some(address) = provider.layout.address(provider.base, *endpoint) {
            say(endpoint.member(), json!(address));
        }
    }
    for ability in Ability::ALL {
        for member in ability.members() {
            say(member, json!(provider.abilities.contains(&ability)));
        }
    }
    say("claim_types_supported", json!(["normal"]));
    say("scopes_supported", json!(provider.scopes));
    say("grant_types_supported", json!(provider.grants));
    say("response_types_supported", json!(provider.response_types));
    say("response_modes_supported", json!(provider.response_modes));
    say("subject_types_supported", json!(provider.subject_types));
    say("id_token_signing_alg_values_supported", json!(provider.signing_algorithms));
    for (list, words) in provider.more {
        say(list.member(), json!(words));
    }
    let assertions = provider.more.iter().find(|(list, _)| *list == List::ClientAuthAlgorithms);
    for (endpoint, methods, algorithms) in CALLED_BY_CLIENTS {
        if provider.endpoints.contains(&endpoint) {
            // Public clients are not told what a token is worth.
            let is_open = |method: &&&str| endpoint != Endpoint::Introspection || **method != "none";
            let taken: Vec<_> = provider.client_auth_methods.iter().filter(is_open).collect();
            say(methods, json!(taken));
            if let Some((_, words)) = assertions {
                say(algorithms, json!(words));
            }
        }
    }
    Value::Object(document)
}

/// Where clients authenticate, and what tells how (RFC 8414 §2).
const CALLED_BY_CLIENTS: [(Endpoint, &str, &str); 3] = [
    (Endpoint::Token, "token_endpoint_auth_methods_supported", "token_endpoint_auth_signing_alg_values_supported"),
    (
        Endpoint::Revocation,
        "revocation_endpoint_auth_methods_supported",
        "revocation_endpoint_auth_signing_alg_values_supported",
    ),
    (
        Endpoint::Introspection,
        "introspection_endpoint_auth_methods_supported",
        "introspection_endpoint_auth_signing_alg_values_supported",
    ),
];
