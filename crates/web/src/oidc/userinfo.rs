//! `GET|POST /realms/{realm}/protocol/openid-connect/userinfo` (OIDC Core §5.3).

use crate::answers;
use crate::callers::{Arrival, InRealm};
use crate::oidc::dpop::{Place, challenge, credential, tell_nonce};
use crate::oidc::{Outcome, certificate, finish, realm, share};
use crate::web::Web;
use axum::extract::{Request, State};
use axum::response::Response;
use doorward_engine::clients::mapper;
use doorward_engine::token::certificate::admits;
use doorward_engine::token::check::{Good, check};
use doorward_engine::token::dpop::{Scheme, key_of};
use doorward_engine::token::introspect::signed_userinfo;
use doorward_engine::token::{claims, single_claims};
use doorward_oauth::error::ErrorCode;
use doorward_oauth::parameters::Parameters;
use http::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;

/// Tells who a token speaks for.
pub async fn tell(State(web): State<Arc<Web>>, InRealm(name): InRealm, arrival: Arrival, request: Request) -> Response {
    finish(&arrival, answer(&web, &name, &arrival, request).await)
}

async fn answer(web: &Web, name: &str, arrival: &Arrival, request: Request) -> Outcome {
    let realm = realm(web, arrival, name).await?;
    let place = Place::of(web, request.method(), &arrival.path);
    let is_post = request.method() == Method::POST;
    let headers = request.headers().clone();
    let in_body = if is_post && !headers.contains_key(AUTHORIZATION) {
        super::form(request).await.ok().and_then(|(_, parameters)| token_in(&parameters))
    } else {
        None
    };
    let in_header = credential(&headers).map(|(token, scheme)| (token.to_owned(), scheme));
    let Some((token, scheme)) = in_header.or(in_body.map(|token| (token, Scheme::Bearer))) else {
        return Ok(nothing_shown());
    };
    let Some(good) = check(web.door(), &arrival.ctx, &realm, &token).await? else {
        let words = (ErrorCode::InvalidToken, "the token is over, revoked, or not ours");
        return Ok(refuse(StatusCode::UNAUTHORIZED, scheme, words));
    };
    if !admits(&good.claims, certificate::shown(web, arrival, &headers).as_ref()) {
        let sentence = "the token is bound to a certificate this connection was not made with";
        return Ok(refuse(StatusCode::UNAUTHORIZED, scheme, (ErrorCode::InvalidToken, sentence)));
    }
    let (mut answer, refused) = match place.admit(web, arrival, &good, (&token, scheme), &headers).await? {
        Ok(()) => (about(web, arrival, realm.name.as_str(), (&good, scheme)).await?, None),
        Err(error) => {
            // Whoever showed a bound token as another one is told how it is to be shown.
            let wanted = if key_of(&good.claims).is_some() { Scheme::Dpop } else { Scheme::Bearer };
            let words = (error.code(), error.sentence());
            (refuse(StatusCode::UNAUTHORIZED, wanted, words), Some(error.code()))
        }
    };
    tell_nonce(web, arrival, (&good.client, &headers), (refused, &mut answer));
    share(&headers, &good.client, &mut answer);
    Ok(answer)
}

/// What a good token that may be used tells, signed where its client wants that.
async fn about(web: &Web, arrival: &Arrival, realm: &str, (good, scheme): (&Good, Scheme)) -> Outcome {
    let scopes = good.person.as_ref().map(|(_, authorized)| authorized.scopes.contains("openid"));
    let (Some((subject, authorized)), Some(true)) = (&good.person, scopes) else {
        let words = (ErrorCode::InsufficientScope, "the token was not asked for with openid");
        return Ok(refuse(StatusCode::FORBIDDEN, scheme, words));
    };
    let place = mapper::Place::Userinfo;
    let mut told = claims::about(subject, &good.client, &authorized.scopes, place);
    single_claims::add(&mut told, &authorized.claims.userinfo, (subject, &good.client, place));
    match signed_userinfo(web.door(), &arrival.ctx, realm, (&good.client, &told)).await? {
        Some(signed) => Ok(super::jwt(signed, "application/jwt")),
        None => Ok(answers::json(StatusCode::OK, &Value::Object(told))),
    }
}

fn token_in(parameters: &Parameters) -> Option<String> {
    parameters.one("access_token").ok().flatten().map(str::to_owned)
}

/// Both ways of showing a token, to whoever shows none (RFC 6750 §3, RFC 9449 §7.1).
fn nothing_shown() -> Response {
    let body = json!({"error": "invalid_request", "error_description": "an access token is missing"});
    let mut answer = answers::json(StatusCode::UNAUTHORIZED, &body);
    for scheme in [Scheme::Bearer, Scheme::Dpop] {
        if let Ok(line) = HeaderValue::from_str(&challenge(scheme, None)) {
            answer.headers_mut().append(WWW_AUTHENTICATE, line);
        }
    }
    answer
}

fn refuse(status: StatusCode, scheme: Scheme, (code, sentence): (ErrorCode, &str)) -> Response {
    let body = json!({"error": code.as_str(), "error_description": sentence});
    let mut answer = answers::json(status, &body);
    if let Ok(line) = HeaderValue::from_str(&challenge(scheme, Some((code.as_str(), sentence)))) {
        answer.headers_mut().insert(WWW_AUTHENTICATE, line);
    }
    answer
}
