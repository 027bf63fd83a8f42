//! The OpenID Provider's endpoints, on the paths tools know from Keycloak. Each file speaks one of them;
//! none holds a rule.

pub mod authorize;
mod details;
pub mod device;
pub mod discovery;
pub mod dpop;
pub mod grants;
pub mod introspect;
pub mod logout;
pub mod register;
pub mod pushed;
mod response;
pub mod revoke;
pub mod token;
pub mod userinfo;

use crate::answers;
use crate::callers::Arrival;
use crate::own::sign_in::known_realm;
use crate::web::Web;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use doorward_engine::clients::authenticate::{Proof, authenticate};
use doorward_engine::clients::{Client, ClientKind};
use doorward_engine::token::mint::DEFAULT_ALGORITHM;
use doorward_model::fault::{Fault, FaultKind};
use doorward_model::people::Realm;
use doorward_oauth::client_auth::Presented;
use doorward_oauth::error::{ErrorCode, OAuthError};
use doorward_oauth::parameters::Parameters;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, ORIGIN, RETRY_AFTER, VARY,
    WWW_AUTHENTICATE,
};
use http::{Method, StatusCode};
use serde_json::json;
use std::sync::Arc;

/// What an endpoint gives back: an answer, the protocol's "no", or a fault that becomes one.
pub type Outcome = Result<Response, Failure>;

/// Why an endpoint that programs call gives no answer.
pub enum Failure {
    /// The protocol's "no".
    Refused(OAuthError),
    /// There is no such realm.
    NoRealm,
    /// Something broke.
    Fault(Fault),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<OAuthError> for Failure {
    fn from(error: OAuthError) -> Self {
        Self::Refused(error)
    }
}

/// The answer in the protocol's words (RFC 6749 §5.2).
pub fn finish(arrival: &Arrival, outcome: Outcome) -> Response {
    match outcome {
        Ok(answer) => answer,
        Err(Failure::Refused(error)) => refusal(&error),
        Err(Failure::NoRealm) => answers::json(StatusCode::NOT_FOUND, &json!({"error": "Realm does not exist"})),
        Err(Failure::Fault(fault)) => {
            tracing::error!(request = %arrival.ctx.request, "{fault}");
            let is_away = fault.kind() == FaultKind::Unavailable;
            let (status, code) = if is_away {
                (StatusCode::SERVICE_UNAVAILABLE, ErrorCode::TemporarilyUnavailable)
            } else {
                (StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::ServerError)
            };
            let sentence = format!("the request could not be finished ({})", arrival.ctx.request);
            let mut answer = answers::json(status, &json!({"error": code.as_str(), "error_description": sentence}));
            if is_away {
                answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("2"));
            }
            answer
        }
    }
}

/// The protocol's "no" as an answer (RFC 6749 §5.2).
pub fn refusal(error: &OAuthError) -> Response {
    let status = match error.code() {
        ErrorCode::InvalidClient => StatusCode::UNAUTHORIZED,
        ErrorCode::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    };
    let body = json!({"error": error.code().as_str(), "error_description": error.sentence()});
    let mut answer = answers::json(status, &body);
    if status == StatusCode::UNAUTHORIZED {
        answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"doorward\""));
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("2"));
    }
    answer
}

/// The realm of a path, ready to sign.
pub async fn realm(web: &Web, arrival: &Arrival, name: &str) -> Result<Realm, Failure> {
    let realm = known_realm(web, name).await?.ok_or(Failure::NoRealm)?;
    web.door().keys.ensure(web.door(), &arrival.ctx, &realm.id, DEFAULT_ALGORITHM).await?;
    Ok(realm)
}

/// The parameters of a form. A query beside it is not read: tokens and secrets never stand in a URL.
pub async fn form(request: Request) -> Result<(HeaderMap, Parameters), Failure> {
    let (parts, body) = request.into_parts();
    let media_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if media_type.split(';').next().map(str::trim) != Some("application/x-www-form-urlencoded") {
        let sentence = "the body must be sent as application/x-www-form-urlencoded";
        return Err(OAuthError::new(ErrorCode::InvalidRequest, sentence).into());
    }
    let text = text_of(body).await?;
    let parameters = Parameters::parse_form(&text).map_err(OAuthError::from)?;
    parameters.check_doubled().map_err(OAuthError::from)?;
    Ok((parts.headers, parameters))
}

/// A small body as text, in time.
pub async fn text_of(body: Body) -> Result<String, Failure> {
    let refuse = |sentence| Failure::from(OAuthError::new(ErrorCode::InvalidRequest, sentence));
    let reading = axum::body::to_bytes(body, crate::limits::FORM_BYTES);
    let bytes = match tokio::time::timeout(crate::limits::FORM_ARRIVAL, reading).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(_)) => return Err(refuse("the body is too large or broke off")),
        Err(_) => return Err(refuse("the body did not arrive in time")),
    };
    String::from_utf8(bytes.into()).map_err(|_| refuse("the body is not UTF-8 text"))
}

/// The client that sends a form, proved to be itself.
pub async fn caller(
    web: &Web,
    arrival: &Arrival,
    realm: &Realm,
    (headers, parameters): (&HeaderMap, &Parameters),
) -> Result<Arc<Client>, Failure> {
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    let line = lines.next().map(|value| value.to_str().unwrap_or_default());
    if lines.next().is_some() {
        return Err(OAuthError::new(ErrorCode::InvalidRequest, "two Authorization headers").into());
    }
    let presented = Presented::read(line, parameters)?;
    let (name, proof) = match &presented {
        Presented::Basic { client_id, secret } | Presented::Post { client_id, secret } => {
            (client_id.as_str(), Proof::Secret(secret.reveal()))
        }
        Presented::None { client_id } => (client_id.as_str(), Proof::None),
        Presented::Assertion { .. } => {
            return Err(OAuthError::new(ErrorCode::InvalidClient, "client assertions are not taken").into());
        }
    };
    let known = authenticate(web.door(), &arrival.ctx, &realm.id, (name, proof)).await?;
    let refused =
        || OAuthError::new(ErrorCode::InvalidClient, "the client is unknown, disabled, or did not prove who it is");
    Ok(known.ok_or_else(refused)?)
}

/// As [`caller`], for endpoints that public clients may not use.
pub async fn confidential_caller(
    web: &Web,
    arrival: &Arrival,
    realm: &Realm,
    asked: (&HeaderMap, &Parameters),
) -> Result<Arc<Client>, Failure> {
    let client = caller(web, arrival, realm, asked).await?;
    if client.settings.kind == ClientKind::Public {
        return Err(OAuthError::new(ErrorCode::InvalidClient, "a public client may not ask this").into());
    }
    Ok(client)
}

/// Lets scripts of a client's own origins read the answer (Fetch standard, CORS protocol).
pub fn share(headers: &HeaderMap, client: &Client, answer: &mut Response) {
    answer.headers_mut().append(VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = headers.get(ORIGIN) else { return };
    let Ok(text) = origin.to_str() else { return };
    if allows(client, text) {
        answer.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        let shown = HeaderValue::from_static("DPoP-Nonce, WWW-Authenticate");
        answer.headers_mut().insert(ACCESS_CONTROL_EXPOSE_HEADERS, shown);
    }
}

/// Whether an origin is one of the client's: `+` stands for those of its redirect URIs, as with Keycloak.
fn allows(client: &Client, origin: &str) -> bool {
    client.settings.web_origins.iter().any(|known| match known.as_str() {
        "+" => client.settings.redirect_uris.iter().any(|rule| origin_of(rule.text()) == Some(origin)),
        exact => exact == origin,
    })
}

/// Scheme, host and port of a URL.
pub fn origin_of(url: &str) -> Option<&str> {
    let rest = url.find("://")? + 3;
    let end = url.get(rest..)?.find(['/', '?', '#', '*']).map_or(url.len(), |end| rest + end);
    url.get(..end)
}

/// `OPTIONS` of the endpoints scripts may call: whether an answer may be read is said with the answer.
pub async fn preflight(request: Request) -> Response {
    let mut answer = answers::text(StatusCode::OK, "");
    let headers = answer.headers_mut();
    if let Some(origin) = request.headers().get(ORIGIN) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("authorization, content-type, dpop"));
    }
    headers.append(VARY, HeaderValue::from_static("Origin"));
    debug_assert!(request.method() == Method::OPTIONS);
    answer
}
