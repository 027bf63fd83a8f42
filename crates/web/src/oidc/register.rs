//! `/realms/{realm}/clients-registrations/openid-connect`: clients that register themselves, with a token an
//! operator made for them, and change themselves afterwards. RFC 7591, RFC 7592.

use crate::answers;
use crate::callers::{Arrival, InRealm};
use crate::oidc::dpop::credential;
use crate::oidc::{Failure, Outcome, finish, realm, text_of};
use crate::web::Web;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use doorward_engine::clients::{Authentication, Client, ClientKind};
use doorward_engine::registration::{self, Registered};
use doorward_engine::token::dpop::Scheme;
use doorward_engine::token::mint;
use doorward_model::people::Realm;
use doorward_oauth::error::{ErrorCode, OAuthError};
use doorward_oauth::redirect::RedirectRule;
use doorward_oauth::registration::{Metadata, changed_client};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, PRAGMA, WWW_AUTHENTICATE};
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Registers a client.
pub async fn create(
    State(web): State<Arc<Web>>,
    InRealm(name): InRealm,
    arrival: Arrival,
    request: Request,
) -> Response {
    told(&arrival, register(&web, &name, &arrival, request).await)
}

/// Reads, changes or deletes a client at its own address.
pub async fn one(
    State(web): State<Arc<Web>>,
    Path((name, client)): Path<(String, String)>,
    arrival: Arrival,
    request: Request,
) -> Response {
    told(&arrival, manage(&web, (&name, &client), &arrival, request).await)
}

async fn register(web: &Web, name: &str, arrival: &Arrival, request: Request) -> Outcome {
    let realm = realm(web, arrival, name).await?;
    let (headers, text) = document(request).await?;
    let token = token(&headers)?;
    let metadata = Metadata::parse(&text)?;
    let made = registration::register(web.door(), &arrival.ctx, &realm.id, (token, &metadata)).await??;
    Ok(answer(web, &realm, StatusCode::CREATED, &made, &metadata.method_name))
}

async fn manage(web: &Web, (name, client): (&str, &str), arrival: &Arrival, request: Request) -> Outcome {
    let realm = realm(web, arrival, name).await?;
    let method = request.method().clone();
    let headers = request.headers().clone();
    let (client, kept) = registration::of_token(web.door(), &realm.id, (client, token(&headers)?)).await??;
    if method == Method::DELETE {
        registration::remove(web.door(), &arrival.ctx, &client).await?;
        return Ok(answers::text(StatusCode::NO_CONTENT, ""));
    }
    if method == Method::GET {
        let method_name = method_name(&client);
        let known = Registered { client, at: kept.created_at, secret: None, token: None };
        return Ok(answer(web, &realm, StatusCode::OK, &known, method_name));
    }
    let (_, text) = document(request).await?;
    if changed_client(&text)? != client.name.as_str() {
        let sentence = "client_id is another one than the address names";
        return Err(OAuthError::new(ErrorCode::InvalidClientMetadata, sentence).into());
    }
    let metadata = Metadata::parse(&text)?;
    let changed = registration::replace(web.door(), &arrival.ctx, (&client, &kept), &metadata).await??;
    Ok(answer(web, &realm, StatusCode::OK, &changed, &metadata.method_name))
}

async fn document(request: Request) -> Result<(HeaderMap, String), Failure> {
    let (parts, body) = request.into_parts();
    let media_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if media_type.split(';').next().map(str::trim) != Some("application/json") {
        let sentence = "the body must be sent as application/json";
        return Err(OAuthError::new(ErrorCode::InvalidClientMetadata, sentence).into());
    }
    Ok((parts.headers, text_of(body).await?))
}

fn token(headers: &HeaderMap) -> Result<&str, OAuthError> {
    let bearer = credential(headers).filter(|(_, scheme)| *scheme == Scheme::Bearer);
    bearer.map(|(token, _)| token).ok_or_else(|| {
        OAuthError::new(ErrorCode::InvalidToken, "a registration token is needed, in one Authorization: Bearer header")
    })
}

/// Bad tokens are 401 (RFC 6750 §3.1), bad metadata 400 (RFC 7591 §3.2.2).
fn told(arrival: &Arrival, outcome: Outcome) -> Response {
    let is_token = matches!(&outcome, Err(Failure::Refused(error)) if error.code() == ErrorCode::InvalidToken);
    let mut answer = finish(arrival, outcome);
    if is_token {
        *answer.status_mut() = StatusCode::UNAUTHORIZED;
        let line = HeaderValue::from_static("Bearer realm=\"doorward\", error=\"invalid_token\"");
        answer.headers_mut().insert(WWW_AUTHENTICATE, line);
    }
    answer
}

fn method_name(client: &Client) -> &'static str {
    match (client.settings.kind, client.settings.authentication) {
        (ClientKind::Public, _) => "none",
        (_, Authentication::Secret) => "client_secret_basic",
        (_, Authentication::SecretJwt) => "client_secret_jwt",
        (_, Authentication::PrivateKeyJwt) => "private_key_jwt",
        (_, Authentication::TlsSubject) => "tls_client_auth",
        (_, Authentication::TlsSelfSigned) => "self_signed_tls_client_auth",
    }
}

/// Everything that is registered (RFC 7591 §3.2.1).
fn answer(web: &Web, realm: &Realm, status: StatusCode, known: &Registered, method_name: &str) -> Response {
    let Registered { client, at, secret, token } = known;
    let settings = &client.settings;
    let texts = |rules: &[RedirectRule]| rules.iter().map(|rule| Value::from(rule.text())).collect::<Value>();
    let issuer = mint::issuer(web.door(), realm.name.as_str());
    let algorithm = match settings.algorithm.as_str() {
        "" => mint::DEFAULT_ALGORITHM.as_str(),
        named => named,
    };
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
    put("client_id", json!(client.name.as_str()));
    put("client_id_issued_at", json!(at.seconds()));
    put("client_name", json!(client.title()));
    put("redirect_uris", texts(&settings.redirect_uris));
    put("post_logout_redirect_uris", texts(&settings.post_logout_redirect_uris));
    put("token_endpoint_auth_method", json!(method_name));
    put("grant_types", settings.grants.iter().map(|grant| Value::from(grant.as_str())).collect());
    put("scope", json!(registration::scopes(client).join(" ")));
    put("subject_type", json!("public"));
    put("id_token_signed_response_alg", json!(algorithm));
    put("require_pushed_authorization_requests", json!(settings.require_pushed));
    put("require_signed_request_object", json!(settings.require_signed_request));
    put("dpop_bound_access_tokens", json!(settings.dpop_bound));
    for (name, value) in [
        ("jwks", settings.jwks.clone()),
        ("backchannel_logout_uri", settings.backchannel_logout_uri.clone().map(Value::from)),
        ("frontchannel_logout_uri", settings.frontchannel_logout_uri.clone().map(Value::from)),
        (
            "userinfo_signed_response_alg",
            Some(settings.userinfo_algorithm.clone()).filter(|name| !name.is_empty()).map(Value::from),
        ),
    ] {
        if let Some(value) = value {
            put(name, value);
        }
    }
    if let Some(secret) = secret {
        put("client_secret", json!(secret.reveal()));
        put("client_secret_expires_at", json!(0));
    }
    if let Some(token) = token {
        put("registration_access_token", json!(token.reveal()));
    }
    put("registration_client_uri", json!(format!("{issuer}/clients-registrations/openid-connect/{}", client.name)));
    let mut answer = answers::json(status, &Value::Object(body));
    answer.headers_mut().insert(PRAGMA, HeaderValue::from_static("no-cache"));
    answer
}
