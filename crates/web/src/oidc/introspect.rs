//! `POST /realms/{realm}/protocol/openid-connect/token/introspect` (RFC 7662).

use crate::answers;
use crate::callers::{Arrival, InRealm};
use crate::oidc::{Outcome, confidential_caller, finish, form, realm};
use crate::web::Web;
use axum::extract::{Request, State};
use axum::response::Response;
use doorward_engine::token::check::check;
use doorward_engine::token::dpop::key_of;
use doorward_oauth::error::{ErrorCode, OAuthError};
use http::StatusCode;
use serde_json::{Value, json};
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
    let good = check(web.door(), &arrival.ctx, &realm, token).await?;
    // Only those a token is for may ask about it (RFC 7662 §4).
    let good = good.filter(|good| {
        good.claims.audiences().is_ok_and(|audiences| audiences.contains(&client.name.as_str()))
            || good.client.id == client.id
    });
    let Some(good) = good else { return Ok(answers::json(StatusCode::OK, &json!({"active": false}))) };
    let name = good.person.as_ref().map(|(subject, _)| subject.user.name.to_string());
    let token_type = if key_of(&good.claims).is_some() { "DPoP" } else { "Bearer" };
    let mut told = good.claims.into_map();
    told.insert("active".to_owned(), json!(true));
    told.insert("token_type".to_owned(), json!(token_type));
    if let Some(name) = name {
        told.insert("username".to_owned(), json!(name));
    }
    Ok(answers::json(StatusCode::OK, &Value::Object(told)))
}
