//! What this realm's provider can do, where programs look for it (OIDC Discovery §4, RFC 8414), and the
//! realm's own root as Keycloak has it.

use crate::answers;
use crate::callers::Arrival;
use crate::oidc::{Failure, Outcome, finish, realm};
use crate::web::Web;
use axum::extract::{Path, State};
use axum::response::Response;
use doorward_engine::clients::{self, Assigned, GrantType, Paths, RealmRules};
use doorward_engine::token::{claims, mint};
use doorward_model::name::ClientName;
use doorward_oauth::authorize::ResponseType;
use doorward_oauth::discovery::{Ability, Endpoint, Layout, List, Provider, metadata};
use http::StatusCode;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, HeaderValue};
use serde_json::{Value, json};
use std::sync::Arc;

/// The provider's metadata.
pub async fn show(State(web): State<Arc<Web>>, Path(name): Path<String>, arrival: Arrival) -> Response {
    finish(&arrival, document_of_realm(&web, &name, &arrival).await)
}

async fn document_of_realm(web: &Web, name: &str, arrival: &Arrival) -> Outcome {
    let realm = realm(web, arrival, name).await?;
    let base = mint::issuer(web.door(), realm.name.as_str());
    let text = realm.metadata(|rules| document(web, Layout::Keycloak, &base, rules).to_string());
    Ok(shared(text.to_owned()))
}

/// The metadata of a client that was set up for authentik's paths: an issuer of its own.
pub async fn of_client(State(web): State<Arc<Web>>, Path(slug): Path<String>, arrival: Arrival) -> Response {
    finish(&arrival, document_of_client(&web, &slug, &arrival).await)
}

async fn document_of_client(web: &Web, slug: &str, arrival: &Arrival) -> Outcome {
    let realm = realm(web, arrival, web.door().settings.realm.as_str()).await?;
    let client = match ClientName::parse(slug) {
        Ok(name) => clients::find(web.door(), &realm.id, &name).await?,
        Err(_) => None,
    };
    let not_found = |sentence: String| {
        answers::json(StatusCode::NOT_FOUND, &json!({"error": "not_found", "error_description": sentence}))
    };
    let Some(client) = client.filter(|client| client.is_active) else {
        return Ok(not_found("no client of that name stands here".to_owned()));
    };
    if client.settings.paths != Paths::Authentik {
        let how = format!("run `doorward client update {} --paths authentik`", client.name);
        return Ok(not_found(format!("this client was set up for Keycloak's paths: {how}")));
    }
    let root = web.door().settings.public.url("/");
    let layout = Layout::Authentik { slug: client.name.as_str() };
    Ok(shared(document(web, layout, &root, &client.settings.realm).to_string()))
}

/// `GET /application/o/{slug}/`: where people look first.
pub async fn to_metadata(Path(slug): Path<String>) -> Response {
    match ClientName::parse(&slug) {
        // Taken apart into words of the path before, so that it leads nowhere else.
        Ok(name) if !name.as_str().contains(['/', '\\', '?', '#', '%']) => {
            answers::see_other(&format!("/application/o/{name}/.well-known/openid-configuration"))
        }
        _ => answers::json(StatusCode::NOT_FOUND, &json!({"error": "not_found"})),
    }
}

/// `GET /realms/{realm}`
pub async fn root(State(web): State<Arc<Web>>, Path(name): Path<String>, arrival: Arrival) -> Response {
    finish(&arrival, root_of(&web, &name, &arrival).await)
}

async fn root_of(web: &Web, name: &str, arrival: &Arrival) -> Outcome {
    let realm = realm(web, arrival, name).await?;
    let base = mint::issuer(web.door(), realm.name.as_str());
    let key = web.door().keys.signing(&realm.id, mint::DEFAULT_ALGORITHM).ok_or(Failure::NoRealm)?;
    let about = json!({
        "realm": realm.name.as_str(),
        "public_key": key.public_pem_body()?,
        "token-service": format!("{base}/protocol/openid-connect"),
        "account-service": format!("{base}/account"),
        "tokens-not-before": 0,
    });
    Ok(shared(about.to_string()))
}

/// Grants that are spoken.
pub const OFFERED: [GrantType; 7] = [
    GrantType::AuthorizationCode,
    GrantType::RefreshToken,
    GrantType::ClientCredentials,
    GrantType::DeviceCode,
    GrantType::TokenExchange,
    GrantType::JwtBearer,
    GrantType::Password,
];

/// Ways an answer travels (OAuth 2.0 Multiple Response Types §2.1, Form Post Response Mode, JARM §2.3).
const RESPONSE_MODES: [&str; 7] =
    ["query", "fragment", "form_post", "jwt", "query.jwt", "fragment.jwt", "form_post.jwt"];

fn document(web: &Web, layout: Layout<'_>, base: &str, rules: &RealmRules) -> Value {
    let issuer = layout.issuer(base);
    let algorithms = mint::algorithms();
    let about = claims::ABOUT.into_iter().filter(|name| !claims::TOLD.contains(name));
    let told: Vec<&str> = claims::TOLD.into_iter().chain(about).collect();
    // Tokens through the browser come from the authorization endpoint alone.
    let grants: Vec<&str> = OFFERED.iter().chain(&[GrantType::Implicit]).map(|grant| grant.as_str()).collect();
    // Those that only some clients may ask for are no offer to everybody.
    let own = rules.scopes.iter().filter(|scope| scope.settings.assigned != Assigned::Named);
    let scopes: Vec<&str> = claims::KNOWN_SCOPES.into_iter().chain(own.map(|scope| scope.name.as_str())).collect();
    let (methods, abilities) = client_authentication(web);
    let assertion_algorithms: Vec<&str> = algorithms.iter().copied().chain([SECRET_ALGORITHM]).collect();
    let provider = Provider {
        layout,
        issuer: &issuer,
        base,
        endpoints: &[
            Endpoint::Authorization,
            Endpoint::Token,
            Endpoint::Keys,
            Endpoint::UserInfo,
            Endpoint::Introspection,
            Endpoint::Revocation,
            Endpoint::EndSession,
            Endpoint::Registration,
            Endpoint::Device,
            Endpoint::PushedAuthorization,
        ],
        abilities: &abilities,
        signing_algorithms: &algorithms,
        scopes: &scopes,
        grants: &grants,
        response_types: &ResponseType::ALL.map(ResponseType::as_str),
        response_modes: &RESPONSE_MODES,
        subject_types: &["public", "pairwise"],
        client_auth_methods: &methods,
        more: &[
            (List::UserInfoAlgorithms, &algorithms),
            (List::IntrospectionAlgorithms, &algorithms),
            (List::Claims, &told),
            (List::ClientAuthAlgorithms, &assertion_algorithms),
            (List::RequestObjectAlgorithms, &algorithms),
            (List::ResponseAlgorithms, &algorithms),
            (List::DpopAlgorithms, &algorithms),
            (List::CodeChallengeMethods, &["S256"]),
            (List::Prompts, &["none", "login", "consent", "select_account"]),
            (List::AcrValues, &[claims::ACR]),
            (List::UiLocales, &["en"]),
        ],
    };
    metadata(&provider)
}

/// What clients sign with their secret by (RFC 7518 §3.2).
const SECRET_ALGORITHM: &str = "HS256";

/// How clients may prove who they are here, and what the provider can do besides. Certificates count only where a
/// proxy hands them on; for known subjects, only where somebody vouches for them.
fn client_authentication(web: &Web) -> (Vec<&'static str>, Vec<Ability>) {
    let mut methods = vec!["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"];
    let mut abilities = vec![
        Ability::IssuerInResponse,
        Ability::ClaimsParameter,
        Ability::RequestParameter,
        Ability::BackchannelLogout,
        Ability::FrontchannelLogout,
    ];
    if web.trusted.takes_certificates() {
        methods.push("self_signed_tls_client_auth");
        abilities.push(Ability::CertificateBoundTokens);
        if web.door().settings.client_authorities.is_some() {
            methods.push("tls_client_auth");
        }
    }
    (methods, abilities)
}

fn shared(document: String) -> Response {
    let mut answer = answers::json_text(StatusCode::OK, document);
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
    answer.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    answer
}
