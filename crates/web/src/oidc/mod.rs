//! The OpenID Provider's endpoints, on the paths tools know from Keycloak. Each file speaks one of them;
//! none holds a rule.

pub mod authorize;
pub mod certificate;
mod details;
pub mod device;
pub mod discovery;
pub mod dpop;
pub mod grants;
pub mod introspect;
pub mod logout;
pub mod pushed;
pub mod register;
pub(crate) mod response;
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
use doorward_engine::clients::authenticate::{Proof, Shown, Unproved, authenticate};
use doorward_engine::clients::{Client, ClientKind};
use doorward_engine::live::realms::LiveRealm;
use doorward_engine::token::mint::DEFAULT_ALGORITHM;
use doorward_model::fault::{Fault, FaultKind};
use doorward_model::people::Realm;
use doorward_model::time::Timestamp;
use doorward_oauth::client_auth::{AssertionType, Presented};
use doorward_oauth::error::{ErrorCode, OAuthError};
use doorward_oauth::parameters::Parameters;
use doorward_oauth::redirect::RedirectRule;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue,
    ORIGIN, RETRY_AFTER, VARY, WWW_AUTHENTICATE,
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
    /// Too many wrong secrets came from there.
    Throttled {
        /// Seconds until the next one is looked at.
        seconds: i64,
    },
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
        Err(Failure::Refused(error)) => refusal(arrival, &error),
        Err(Failure::Throttled { seconds }) => throttled(seconds),
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

/// Whether programs ask here, which read no pages.
pub fn is_for_programs(path: &str) -> bool {
    let of_realm = ["/protocol/openid-connect/", "/clients-registrations/", "/backchannel-logout"];
    path.starts_with("/application/o/") || of_realm.iter().any(|part| path.contains(part))
}

/// The protocol's "no" as an answer (RFC 6749 §5.2).
pub fn refusal(arrival: &Arrival, error: &OAuthError) -> Response {
    tracing::info!(request = %arrival.ctx.request, path = %arrival.path, "refused: {}: {}", error.code().as_str(), error.sentence());
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

/// RFC 6585 §4. Told to whoever names that client from that network, whether there is one or not.
fn throttled(seconds: i64) -> Response {
    let sentence = format!("too many wrong secrets for this client came from this network: wait {seconds} seconds");
    let code = ErrorCode::TemporarilyUnavailable;
    let body = json!({"error": code.as_str(), "error_description": sentence});
    let mut answer = answers::json(StatusCode::TOO_MANY_REQUESTS, &body);
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    answer
}

/// An answer that is a JWT. It is one client's and changes at any time: nobody keeps it.
pub fn jwt(token: String, media_type: &'static str) -> Response {
    let mut answer = answers::text(StatusCode::OK, "");
    *answer.body_mut() = Body::from(token);
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    answer
}

/// The realm of a path, ready to sign.
pub async fn realm(web: &Web, arrival: &Arrival, name: &str) -> Result<Arc<LiveRealm>, Failure> {
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
    let proof = match &presented {
        Presented::Basic { secret, .. } | Presented::Post { secret, .. } => Proof::Secret(secret.reveal()),
        Presented::Assertion { kind: AssertionType::Jwt, assertion, .. } => Proof::Assertion(assertion.reveal()),
        Presented::Assertion { kind: AssertionType::Saml, .. } => {
            let sentence = "SAML assertions of clients are not taken: sign a JWT";
            return Err(OAuthError::new(ErrorCode::InvalidClient, sentence).into());
        }
        Presented::None { .. } => Proof::None,
    };
    let certificate = certificate::shown(web, arrival, headers);
    let (client_id, path) = (presented.client_id(), &*arrival.path);
    let shown = Shown { client_id, proof, certificate: certificate.as_ref(), path };
    match authenticate(web.door(), &arrival.ctx, realm, &shown).await? {
        Ok(client) => Ok(client),
        Err(Unproved::Refused(error)) => Err(error.into()),
        Err(Unproved::Throttled { until }) => Err(Failure::Throttled { seconds: seconds_until(arrival, until) }),
    }
}

fn seconds_until(arrival: &Arrival, until: Timestamp) -> i64 {
    (until.millis_since(arrival.ctx.now) / 1000).max(0) + 1
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
        // Keycloak's own library for pages asks with credentials. No endpoint that shares its answers reads cookies.
        answer.headers_mut().insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
}

/// Whether an origin is one of the client's: `+` stands for those of its redirect URIs, as with Keycloak.
fn allows(client: &Client, origin: &str) -> bool {
    client.settings.web_origins.iter().any(|known| match known.as_str() {
        "+" => client.settings.redirect_uris.iter().any(|rule| has_origin(rule, origin)),
        exact => exact == origin,
    })
}

/// Whether a redirect rule leads to an origin. A loopback rule leads to any port of its host (RFC 8252 §7.3).
fn has_origin(rule: &RedirectRule, origin: &str) -> bool {
    match (rule, origin_of(rule.text())) {
        (RedirectRule::Loopback(_), Some(known)) => without_port(known) == without_port(origin),
        (_, known) => known == Some(origin),
    }
}

/// Scheme and host.
fn without_port(origin: &str) -> &str {
    match origin.rsplit_once(':') {
        Some((rest, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => rest,
        _ => origin,
    }
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
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("authorization, content-type, dpop"));
    }
    headers.append(VARY, HeaderValue::from_static("Origin"));
    debug_assert!(request.method() == Method::OPTIONS);
    answer
}
