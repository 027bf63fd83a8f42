//! `POST /realms/{realm}/protocol/openid-connect/token` (RFC 6749 §3.2).

use crate::answers;
use crate::callers::{Arrival, InRealm};
use crate::oidc::discovery::OFFERED;
use crate::oidc::dpop::{Place, tell_nonce};
use crate::oidc::grants::{by_assertion, by_exchange, by_password, workload_client};
use crate::oidc::{Failure, Outcome, caller, certificate, finish, form, refusal, share};
use crate::own::sign_in::known_realm;
use crate::web::Web;
use axum::extract::{Request, State};
use axum::response::Response;
use doorward_engine::clients::{Client, GrantType};
use doorward_engine::token::Tokens;
use doorward_engine::token::certificate::bind;
use doorward_engine::token::client_credentials::client_credentials;
use doorward_engine::token::device_code::device_code;
use doorward_engine::token::exchange_code::{self, exchange_code};
use doorward_engine::token::refresh::{self, refresh};
use doorward_model::fault::{Fault, FaultKind};
use doorward_model::id::SessionId;
use doorward_model::people::Realm;
use doorward_oauth::authorize::{Detail, parse_details};
use doorward_oauth::error::{ErrorCode, OAuthError};
use doorward_oauth::parameters::Parameters;
use doorward_oauth::scope::Scopes;
use http::StatusCode;
use http::header::{HeaderMap, HeaderValue, PRAGMA};
use serde::Serialize;
use std::sync::Arc;

/// Gives tokens.
pub async fn give(State(web): State<Arc<Web>>, InRealm(name): InRealm, arrival: Arrival, request: Request) -> Response {
    finish(&arrival, answer(&web, &name, &arrival, request).await)
}

/// Whether a path is the endpoint of a realm, spelled plainly: programs ask there so often that no router stands in between.
pub fn is_at(path: &str) -> bool {
    realm_of(path).is_some()
}

fn realm_of(path: &str) -> Option<&str> {
    let name = path.strip_prefix("/realms/")?.strip_suffix("/protocol/openid-connect/token")?;
    (!name.contains(['/', '%'])).then_some(name)
}

/// As [`give`], without a router before it. Its access class is the route's: anybody may ask, and proves who it is here.
pub async fn give_at(web: &Web, arrival: Arrival, request: Request) -> Response {
    // No realm has an empty name.
    let realm = realm_of(&arrival.path).unwrap_or_default();
    finish(&arrival, answer(web, realm, &arrival, request).await)
}

async fn answer(web: &Web, name: &str, arrival: &Arrival, request: Request) -> Outcome {
    // What a client's tokens are signed with is made sure of when the client has proved itself.
    let realm = known_realm(web, name).await?.ok_or(Failure::NoRealm)?;
    let place = Place::of(web, request.method(), &arrival.path);
    let (headers, parameters) = form(request).await?;
    let one = |name| parameters.one(name).map_err(OAuthError::from);
    let grant = one("grant_type")?.ok_or_else(|| missing("grant_type is missing"))?;
    let grant = GrantType::parse(grant)
        .filter(|grant| OFFERED.contains(grant))
        .ok_or_else(|| OAuthError::new(ErrorCode::UnsupportedGrantType, "this grant_type is not known here"))?;
    let client = match grant {
        GrantType::JwtBearer => Box::pin(workload_client(web, arrival, &realm, (&headers, &parameters))).await?,
        _ => caller(web, arrival, &realm, (&headers, &parameters)).await?,
    };
    let asked = Asked { realm: &realm, client: &client, place: &place, headers: &headers, parameters: &parameters };
    let (mut answer, refused) = match given(web, arrival, grant, &asked).await {
        Ok(answer) => (answer, None),
        Err(Failure::Refused(error)) => (refusal(arrival, &error), Some(error.code())),
        Err(other) => return Err(other),
    };
    tell_nonce(web, arrival, (&client, &headers), (refused, &mut answer));
    // Refusals too: a script must be able to read the nonce it is to use.
    share(&headers, &client, &mut answer);
    Ok(answer)
}

/// A request by a client that proved who it is.
pub struct Asked<'a> {
    /// The realm.
    pub realm: &'a Realm,
    /// The client.
    pub client: &'a Arc<Client>,
    /// Where the request was sent.
    pub place: &'a Place<'a>,
    /// Its head.
    pub headers: &'a HeaderMap,
    /// Its parameters.
    pub parameters: &'a Parameters,
}

fn missing(what: &'static str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidRequest, what)
}

async fn given(web: &Web, arrival: &Arrival, grant: GrantType, asked: &Asked<'_>) -> Outcome {
    let Asked { realm, client, place, headers, parameters } = *asked;
    if !client.may(grant) {
        let sentence = format!("this client may not use the grant {}", grant.as_str());
        return Err(OAuthError::new(ErrorCode::UnauthorizedClient, sentence).into());
    }
    let one = |name| parameters.one(name).map_err(OAuthError::from);
    let scopes = one("scope")?.map(Scopes::parse).transpose().map_err(OAuthError::from)?;
    let details = one("authorization_details")?.map(parse_details).transpose()?;
    if details.is_some() && !matches!(grant, GrantType::AuthorizationCode | GrantType::RefreshToken) {
        let sentence =
            "authorization_details are agreed to by a person, at the authorization endpoint; leave them out here";
        return Err(OAuthError::new(ErrorCode::InvalidAuthorizationDetails, sentence).into());
    }
    let key = place.key(web, arrival, (client, headers))?;
    let key = key.as_ref();
    let bound = bind(&arrival.ctx, client, certificate::shown(web, arrival, headers).as_ref())?;
    let bound = bound.map(|ctx| Arrival { ctx, ..arrival.clone() });
    let arrival = bound.as_ref().unwrap_or(arrival);
    let (door, ctx, realm_name) = (web.door(), &arrival.ctx, realm.name.as_str());
    // All but the first on the heap: a future is moved about at the size of its largest branch.
    let tokens = match grant {
        GrantType::ClientCredentials => {
            client_credentials(door, ctx, realm_name, client, (scopes.unwrap_or_default(), key)).await?
        }
        GrantType::AuthorizationCode => {
            let code = one("code")?.ok_or_else(|| missing("code is missing"))?;
            let (redirect_uri, verifier) = (one("redirect_uri")?, one("code_verifier")?);
            let ask = exchange_code::Ask { code, redirect_uri, verifier, key, details };
            Box::pin(exchange_code(door, ctx, realm_name, client, ask)).await?
        }
        GrantType::RefreshToken => {
            let token = one("refresh_token")?.ok_or_else(|| missing("refresh_token is missing"))?;
            let ask = refresh::Ask { token, narrower: scopes.as_ref(), key, details };
            Box::pin(refresh(door, ctx, realm_name, client, ask)).await?
        }
        GrantType::DeviceCode => {
            let code = one("device_code")?.ok_or_else(|| missing("device_code is missing"))?;
            Box::pin(device_code(door, ctx, realm_name, client, (code, key))).await?
        }
        GrantType::TokenExchange => return Box::pin(by_exchange(web, arrival, asked, (scopes, key))).await,
        GrantType::Password => {
            return Box::pin(by_password(web, arrival, asked, (scopes.unwrap_or_default(), key))).await;
        }
        GrantType::JwtBearer => Box::pin(by_assertion(web, arrival, asked, (scopes.unwrap_or_default(), key))).await?,
        GrantType::Implicit => {
            let sentence = "this grant_type is not known here";
            return Err(OAuthError::new(ErrorCode::UnsupportedGrantType, sentence).into());
        }
    };
    Ok(told(&tokens?)?)
}

/// The token response (RFC 6749 §5.1), with the members Keycloak adds.
#[derive(Serialize)]
struct Told<'a> {
    access_token: &'a str,
    expires_in: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_expires_in: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    token_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<&'a str>,
    #[serde(rename = "not-before-policy")]
    not_before_policy: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_state: Option<&'a str>,
    scope: &'a Scopes,
    #[serde(skip_serializing_if = "<[Detail]>::is_empty")]
    authorization_details: &'a [Detail],
}

/// Bytes of an answer beside its tokens, about.
const ROOM: usize = 256;

/// Tokens as an answer.
pub fn told(tokens: &Tokens) -> Result<Response, Fault> {
    let refresh = tokens.refresh.as_ref();
    let told = Told {
        access_token: &tokens.access,
        expires_in: tokens.access_seconds,
        refresh_expires_in: refresh.map(|(_, seconds)| *seconds),
        refresh_token: refresh.map(|(token, _)| token.reveal()),
        token_type: tokens.token_type(),
        id_token: tokens.id.as_deref(),
        not_before_policy: 0,
        session_state: tokens.session.as_ref().map(SessionId::as_str),
        scope: &tokens.scopes,
        authorization_details: &tokens.details,
    };
    let mut body = Vec::with_capacity(tokens.access.len() + ROOM);
    serde_json::to_writer(&mut body, &told)
        .map_err(|error| Fault::new(FaultKind::Internal, "writing a token response", error))?;
    let mut answer = answers::json_text(StatusCode::OK, body);
    answer.headers_mut().insert(PRAGMA, HeaderValue::from_static("no-cache"));
    Ok(answer)
}
