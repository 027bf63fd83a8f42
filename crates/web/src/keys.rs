//! The realm's public keys, for tools that verify identity tokens (RFC 7517 §5).

use crate::answers::{self, Outcome};
use crate::callers::InRealm;
use crate::own::sign_in::known_realm;
use crate::web::Web;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use doorward_engine::token::mint::DEFAULT_ALGORITHM;
use doorward_engine::upkeep;
use doorward_model::context::Ctx;
use http::StatusCode;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, HeaderValue};
use serde_json::json;
use std::sync::Arc;

/// `GET /realms/{realm}/protocol/openid-connect/certs`, `GET /application/o/{slug}/jwks/`
pub async fn certs(State(web): State<Arc<Web>>, InRealm(realm): InRealm) -> Response {
    let ctx = web.begin(None);
    match key_set(&web, &ctx, &realm).await {
        Ok(answer) => answer,
        Err(fault) => answers::fault(&web, &ctx, &fault),
    }
}

/// Whether this is where a realm's keys are, on Keycloak's paths, written as everybody writes it.
pub fn is_at(path: &str) -> bool {
    realm_of(path).is_some()
}

fn realm_of(path: &str) -> Option<&str> {
    let name = path.strip_prefix("/realms/")?.strip_suffix("/protocol/openid-connect/certs")?;
    (!name.contains(['/', '%'])).then_some(name)
}

/// As [`certs`], without a router before it. Its access class is the route's: anybody may ask.
pub async fn certs_at(web: &Web, ctx: &Ctx, path: &str) -> Response {
    // No realm has an empty name.
    match key_set(web, ctx, realm_of(path).unwrap_or_default()).await {
        Ok(answer) => answer,
        Err(fault) => answers::fault(web, ctx, &fault),
    }
}

async fn key_set(web: &Web, ctx: &Ctx, realm: &str) -> Outcome {
    let unknown = || answers::json(StatusCode::NOT_FOUND, &json!({"error": "Realm does not exist"}));
    let Some(realm) = known_realm(web, realm).await? else { return Ok(unknown()) };
    // Published before anything is signed with it.
    web.door().keys.ensure(web.door(), ctx, &realm.id, DEFAULT_ALGORITHM).await?;
    // Whoever comes here may hold a token another node signed with a key it made a moment ago.
    upkeep::follow(web.door(), ctx).await?;
    let text = Bytes::from_owner(Arc::<[u8]>::from(web.door().keys.key_set(&realm.id)));
    let mut answer = answers::json_text(StatusCode::OK, text);
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
    answer.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    Ok(answer)
}
