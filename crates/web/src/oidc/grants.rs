//! The grants of the token endpoint whose requests have parameters, or answers, of their own: a password, an
//! exchange, a workload's assertion.

use crate::answers;
use crate::callers::Arrival;
use crate::oidc::token::{Asked, told};
use crate::oidc::{Failure, Outcome, caller};
use crate::web::Web;
use axum::response::Response;
use doorward_engine::clients::Client;
use doorward_engine::token::dpop::Key;
use doorward_engine::token::exchange::{self, Exchanged, TokenType};
use doorward_engine::token::password::{self, No};
use doorward_engine::token::{self, Tokens, workload};
use doorward_model::people::Realm;
use doorward_model::secret::Password;
use doorward_oauth::authorize::resources;
use doorward_oauth::error::{ErrorCode, OAuthError};
use doorward_oauth::parameters::Parameters;
use doorward_oauth::scope::Scopes;
use http::StatusCode;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue, PRAGMA};
use serde_json::json;
use std::sync::Arc;

/// Audiences and resources one token may be exchanged for at once.
const TARGETS: usize = 10;

fn one<'p>(parameters: &'p Parameters, name: &'static str) -> Result<Option<&'p str>, Failure> {
    Ok(parameters.one(name).map_err(OAuthError::from)?)
}

fn needed<'p>(parameters: &'p Parameters, name: &'static str) -> Result<&'p str, Failure> {
    let missing = || OAuthError::invalid_request(format!("{name} is missing"));
    Ok(one(parameters, name)?.ok_or_else(missing)?)
}

/// A name and a password. A wrong one is told as Keycloak tells it: tools tell it by the status from what is wrong
/// with them.
pub async fn by_password(
    web: &Web,
    arrival: &Arrival,
    asked: &Asked<'_>,
    (scopes, key): (Scopes, Option<&Key>),
) -> Outcome {
    let Asked { realm, client, parameters, .. } = *asked;
    let login = needed(parameters, "username")?;
    let Ok(password) = Password::presented(needed(parameters, "password")?) else {
        return Err(OAuthError::invalid_request("password is too long").into());
    };
    let ask = password::Ask { login, password, scopes, key };
    match password::password(web.door(), &arrival.ctx, (realm, client), ask).await? {
        Ok(tokens) => Ok(told(&tokens)?),
        Err(No::Refused(refused)) => Err(refused.into()),
        Err(No::Wrong) => {
            let body = json!({"error": "invalid_grant", "error_description": "Invalid user credentials"});
            Ok(answers::json(StatusCode::UNAUTHORIZED, &body))
        }
        Err(No::Busy) => {
            let sentence = "many people are signing in right now: try again in a moment";
            Err(OAuthError::new(ErrorCode::TemporarilyUnavailable, sentence).into())
        }
    }
}

/// Somebody's token for another one (RFC 8693 §2.1).
pub async fn by_exchange(
    web: &Web,
    arrival: &Arrival,
    asked: &Asked<'_>,
    (scopes, key): (Option<Scopes>, Option<&Key>),
) -> Outcome {
    let Asked { realm, client, parameters, .. } = *asked;
    let subject_token = needed(parameters, "subject_token")?;
    if TokenType::parse(needed(parameters, "subject_token_type")?) != Some(TokenType::Access) {
        return Err(OAuthError::invalid_request("subject_token_type is none but an access_token's").into());
    }
    if one(parameters, "actor_token")?.is_some() || one(parameters, "actor_token_type")?.is_some() {
        return Err(OAuthError::invalid_request("actor_token is not taken: the client itself is the actor").into());
    }
    let wanted = match one(parameters, "requested_token_type")? {
        None => TokenType::Access,
        Some(text) => TokenType::parse(text).ok_or_else(|| {
            OAuthError::invalid_request("requested_token_type is neither an access_token's nor an id_token's")
        })?,
    };
    let mut targets = resources(parameters)?;
    for audience in parameters.all("audience") {
        if !targets.iter().any(|target| target == audience) {
            targets.push(audience.to_owned());
        }
    }
    if targets.len() > TARGETS {
        let sentence = format!("at most {TARGETS} audiences and resources can be asked for at once");
        return Err(OAuthError::new(ErrorCode::InvalidTarget, sentence).into());
    }
    let ask = exchange::Ask { subject_token, targets, scopes, wanted, key };
    let Exchanged { token, kind, seconds, scopes, is_bound } =
        exchange::exchange(web.door(), &arrival.ctx, (realm, client), ask).await??;
    // What is no access token has no type to be used by (RFC 8693 §2.2.1).
    let token_type = match kind {
        TokenType::Access if is_bound => "DPoP",
        TokenType::Access => "Bearer",
        TokenType::Id => "N_A",
    };
    let body = json!({
        "access_token": token,
        "issued_token_type": kind.as_str(),
        "token_type": token_type,
        "expires_in": seconds,
        "scope": scopes.to_string(),
    });
    let mut answer: Response = answers::json(StatusCode::OK, &body);
    answer.headers_mut().insert(PRAGMA, HeaderValue::from_static("no-cache"));
    Ok(answer)
}

/// The client a workload speaks as. The assertion takes the place of a secret; who shows one is held to it.
pub async fn workload_client(
    web: &Web,
    arrival: &Arrival,
    realm: &Realm,
    (headers, parameters): (&HeaderMap, &Parameters),
) -> Result<Arc<Client>, Failure> {
    let proves = ["client_secret", "client_assertion", "client_assertion_type"];
    let is_proved =
        headers.contains_key(AUTHORIZATION) || proves.iter().any(|name| parameters.all(name).next().is_some());
    if is_proved {
        return caller(web, arrival, realm, (headers, parameters)).await;
    }
    let name = needed(parameters, "client_id")?;
    Ok(workload::client_of(web.door(), &arrival.ctx, realm, name).await??)
}

/// A workload's assertion (RFC 7523 §2.1).
pub async fn by_assertion(
    web: &Web,
    arrival: &Arrival,
    asked: &Asked<'_>,
    (scopes, key): (Scopes, Option<&Key>),
) -> token::Outcome<Tokens> {
    let Asked { realm, client, parameters, .. } = *asked;
    match parameters.one("assertion") {
        Ok(Some(assertion)) => {
            workload::workload(web.door(), &arrival.ctx, (realm, client), (assertion, scopes, key)).await
        }
        Ok(None) => Ok(Err(OAuthError::invalid_request("assertion is missing"))),
        Err(doubled) => Ok(Err(doubled.into())),
    }
}
