//! `POST /realms/{realm}/protocol/openid-connect/token/introspect` (RFC 7662), signed where that is asked for
//! (RFC 9701).

use crate::answers;
use crate::callers::{Arrival, InRealm};
use crate::oidc::{Outcome, confidential_caller, finish, form, realm};
use crate::web::Web;
use axum::extract::{Request, State};
use axum::response::Response;
use doorward_engine::token::introspect::{introspect, signed};
use doorward_oauth::error::{ErrorCode, OAuthError};
use http::StatusCode;
use http::header::{ACCEPT, HeaderMap};
use serde_json::Value;
use std::sync::Arc;

/// Tells a client whether a token is good for it.
pub async fn tell(State(web): State<Arc<Web>>, InRealm(name): InRealm, arrival: Arrival, request: Request) -> Response {
    finish(&arrival, answer(&web, &name, &arrival, request).await)
}

async fn answer(web: &Web, name: &str, arrival: &Arrival, request: Request) -> Outcome {
    let realm = realm(web, arrival, name).await?;
    let (headers, parameters) = form(request).await?;
    let client = confidential_caller(web, arrival, &realm, (&headers, &parameters)).await?;
    let token = parameters.one("token").map_err(OAuthError::from)?;
    let token = token.ok_or_else(|| OAuthError::new(ErrorCode::InvalidRequest, "token is missing"))?;
    let told = introspect(web.door(), &arrival.ctx, &realm, (&client, token)).await?;
    if !wants_signed(&headers) {
        return Ok(answers::json(StatusCode::OK, &Value::Object(told)));
    }
    let signed = signed(web.door(), &arrival.ctx, realm.name.as_str(), (&client, told)).await?;
    Ok(super::jwt(signed, SIGNED))
}

/// The media type of a signed answer (RFC 9701 §5).
const SIGNED: &str = "application/token-introspection+jwt";

/// Whether the service asked for a signed answer (RFC 9701 §4).
fn wants_signed(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
    let mut kinds =
        lines.flat_map(|line| line.split(',')).map(|kind| kind.split(';').next().unwrap_or_default().trim());
    kinds.any(|kind| kind.eq_ignore_ascii_case(SIGNED))
}
