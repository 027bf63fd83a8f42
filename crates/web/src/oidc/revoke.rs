//! `POST /realms/{realm}/protocol/openid-connect/revoke` (RFC 7009).

use crate::answers;
use crate::callers::{Arrival, InRealm};
use crate::oidc::{Outcome, caller, finish, form, realm, share};
use crate::web::Web;
use axum::extract::{Request, State};
use axum::response::Response;
use doorward_engine::token::revoke;
use doorward_oauth::error::{ErrorCode, OAuthError};
use http::StatusCode;
use serde_json::json;
use std::sync::Arc;

/// Takes tokens back.
pub async fn take(State(web): State<Arc<Web>>, InRealm(name): InRealm, arrival: Arrival, request: Request) -> Response {
    finish(&arrival, answer(&web, &name, &arrival, request).await)
}

async fn answer(web: &Web, name: &str, arrival: &Arrival, request: Request) -> Outcome {
    let realm = realm(web, arrival, name).await?;
    let (headers, parameters) = form(request).await?;
    let client = caller(web, arrival, &realm, (&headers, &parameters)).await?;
    let token = parameters.one("token").map_err(OAuthError::from)?;
    let token = token.ok_or_else(|| OAuthError::new(ErrorCode::InvalidRequest, "token is missing"))?;
    revoke::revoke(web.door(), &arrival.ctx, &realm, &client, token).await?;
    // The same answer whether the token was known (RFC 7009 §2.2).
    let mut answer = answers::json(StatusCode::OK, &json!({}));
    share(&headers, &client, &mut answer);
    Ok(answer)
}
