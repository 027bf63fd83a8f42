//! `POST /realms/{realm}/protocol/openid-connect/auth/device`: a device asks for its two codes (RFC 8628 §3.1).

use crate::answers;
use crate::callers::{Arrival, InRealm};
use crate::oidc::{Outcome, caller, finish, form, realm, share};
use crate::own::device::page_url;
use crate::web::Web;
use axum::extract::{Request, State};
use axum::response::Response;
use doorward_engine::clients::GrantType;
use doorward_engine::device::{Wanted, start};
use doorward_model::limits;
use doorward_oauth::authorize::resources;
use doorward_oauth::error::{ErrorCode, OAuthError};
use doorward_oauth::scope::Scopes;
use http::StatusCode;
use serde_json::json;
use std::sync::Arc;

/// Gives a device its codes.
pub async fn give(State(web): State<Arc<Web>>, InRealm(name): InRealm, arrival: Arrival, request: Request) -> Response {
    finish(&arrival, answer(&web, &name, &arrival, request).await)
}

async fn answer(web: &Web, name: &str, arrival: &Arrival, request: Request) -> Outcome {
    let realm = realm(web, arrival, name).await?;
    let (headers, parameters) = form(request).await?;
    let client = caller(web, arrival, &realm, (&headers, &parameters)).await?;
    if !client.may(GrantType::DeviceCode) {
        let sentence = "this client may not sign in devices";
        return Err(OAuthError::new(ErrorCode::UnauthorizedClient, sentence).into());
    }
    let scope = parameters.one("scope").map_err(OAuthError::from)?;
    let scopes = scope.map(Scopes::parse).transpose().map_err(OAuthError::from)?.unwrap_or_default();
    let wanted = Wanted { scopes, resources: resources(&parameters)? };
    let started = start(web.door(), &arrival.ctx, &realm, &client, &wanted).await??;
    let page = page_url(web, &realm);
    let mut answer = answers::json(
        StatusCode::OK,
        &json!({
            "device_code": started.device_code.reveal(),
            "user_code": started.user_code.to_string(),
            "verification_uri": page,
            "verification_uri_complete": format!("{page}?user_code={}", started.user_code),
            "expires_in": limits::DEVICE_CODE_SECONDS,
            "interval": limits::DEVICE_INTERVAL_SECONDS,
        }),
    );
    share(&headers, &client, &mut answer);
    Ok(answer)
}
