//! `GET|POST /realms/{realm}/protocol/openid-connect/userinfo` (OIDC Core §5.3).

use crate::answers;
use crate::callers::{Arrival, InRealm};
use crate::oidc::{Outcome, finish, realm, share};
use crate::web::Web;
use axum::extract::{Request, State};
use axum::response::Response;
use doorward_engine::clients::mapper::Place;
use doorward_engine::token::{check::check, claims};
use doorward_oauth::parameters::Parameters;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;

/// Tells who a token speaks for.
pub async fn tell(State(web): State<Arc<Web>>, InRealm(name): InRealm, arrival: Arrival, request: Request) -> Response {
    finish(&arrival, answer(&web, &name, &arrival, request).await)
}

async fn answer(web: &Web, name: &str, arrival: &Arrival, request: Request) -> Outcome {
    let realm = realm(web, arrival, name).await?;
    let is_post = request.method() == Method::POST;
    let headers = request.headers().clone();
    let in_body = if is_post && !headers.contains_key(AUTHORIZATION) {
        super::form(request).await.ok().and_then(|(_, parameters)| token_in(&parameters))
    } else {
        None
    };
    let Some(token) = bearer(&headers).map(str::to_owned).or(in_body) else {
        return Ok(challenge(StatusCode::UNAUTHORIZED, None));
    };
    let Some(good) = check(web.door(), &arrival.ctx, &realm, &token).await? else {
        return Ok(challenge(
            StatusCode::UNAUTHORIZED,
            Some(("invalid_token", "the token is over, revoked, or not ours")),
        ));
    };
    let scopes = good.person.as_ref().map(|(_, authorized)| authorized.scopes.contains("openid"));
    let (Some((subject, authorized)), Some(true)) = (&good.person, scopes) else {
        return Ok(challenge(
            StatusCode::FORBIDDEN,
            Some(("insufficient_scope", "the token was not asked for with openid")),
        ));
    };
    let told = claims::about(subject, &good.client, &claims::granted(&authorized.scopes), Place::Userinfo);
    let mut answer = answers::json(StatusCode::OK, &Value::Object(told));
    share(&headers, &good.client, &mut answer);
    Ok(answer)
}

fn token_in(parameters: &Parameters) -> Option<String> {
    parameters.one("access_token").ok().flatten().map(str::to_owned)
}

/// The token of a bearer header (RFC 6750 §2.1), if there is exactly one.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    let (kind, token) = lines.next()?.to_str().ok()?.trim().split_once(' ')?;
    (lines.next().is_none() && kind.eq_ignore_ascii_case("bearer")).then(|| token.trim())
}

/// RFC 6750 §3.
fn challenge(status: StatusCode, error: Option<(&str, &str)>) -> Response {
    let body = error.map_or_else(
        || json!({"error": "invalid_request", "error_description": "a bearer token is missing"}),
        |(code, sentence)| json!({"error": code, "error_description": sentence}),
    );
    let line = error.map_or_else(
        || "Bearer realm=\"doorward\"".to_owned(),
        |(code, sentence)| format!("Bearer realm=\"doorward\", error=\"{code}\", error_description=\"{sentence}\""),
    );
    let mut answer = answers::json(status, &body);
    if let Ok(line) = HeaderValue::from_str(&line) {
        answer.headers_mut().insert(WWW_AUTHENTICATE, line);
    }
    answer
}
