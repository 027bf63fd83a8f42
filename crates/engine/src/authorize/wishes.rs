//! What a client may ask for: how its request has to come, which response types, scopes, resources and details are
//! its own, and when it must use PKCE.

use crate::authorize::Return;
use crate::clients::{Client, ClientKind, GrantType};
use crate::token::claims;
use doorward_oauth::authorize::{AuthorizeRequest, Prompt, ResponseType};
use doorward_oauth::error::{ErrorCode, OAuthError};
use doorward_oauth::pkce::{AllowPlain, Challenge};
use doorward_oauth::scope::Scopes;

/// Whether a request is one this client may make; the protocol's error otherwise, to be sent back.
pub fn acceptable(back: &Return, request: &AuthorizeRequest) -> Result<(), OAuthError> {
    let client = &back.client;
    check_way(back, request)?;
    check_type(client, request.response_type)?;
    if request.prompt.contains(Prompt::Create) {
        return Err(OAuthError::invalid_request("prompt=create: people do not register themselves here"));
    }
    allowed(client, &request.scopes, &request.resources)?;
    let is_its_own = |kind: &str| client.settings.authorization_details.iter().any(|declared| declared == kind);
    if let Some(detail) = request.details.iter().find(|detail| !is_its_own(detail.kind())) {
        let sentence = format!("this client may not ask for authorization_details of type {}", detail.kind());
        return Err(OAuthError::new(ErrorCode::InvalidAuthorizationDetails, sentence));
    }
    challenge(client, request).map(drop)
}

/// Whether a client may ask a person for these scopes and resources, however it asks.
pub fn allowed(client: &Client, scopes: &Scopes, resources: &[String]) -> Result<(), OAuthError> {
    if let Some(scope) = claims::not_allowed(client, scopes) {
        return Err(OAuthError::new(ErrorCode::InvalidScope, format!("this client may not ask for scope {scope}")));
    }
    // Whoever could name any resource could get a person's token for somebody else's service.
    let is_declared = |resource: &String| client.settings.mappers.iter().any(|mapper| mapper.is_audience(resource));
    if !resources.iter().all(is_declared) {
        let sentence = "resource is none of the audiences declared for this client";
        return Err(OAuthError::new(ErrorCode::InvalidTarget, sentence));
    }
    Ok(())
}

/// Whether the request came in a way this client may use.
fn check_way(back: &Return, request: &AuthorizeRequest) -> Result<(), OAuthError> {
    let settings = &back.client.settings;
    // What was signed or pushed here has been opened by now: these are others.
    if request.request.is_some() {
        return Err(OAuthError::new(ErrorCode::RequestNotSupported, "a request inside a request is not taken"));
    }
    if request.request_uri.is_some() {
        let sentence = "request_uri must be one that was pushed here; others are not fetched";
        return Err(OAuthError::new(ErrorCode::RequestUriNotSupported, sentence));
    }
    if settings.require_pushed && back.came.pushed.is_none() {
        return Err(OAuthError::invalid_request("this client must push its requests (RFC 9126)"));
    }
    if settings.require_signed_request && !back.came.is_signed {
        return Err(OAuthError::invalid_request("this client must sign its requests (RFC 9101)"));
    }
    Ok(())
}

/// Whether the client may use a response type.
fn check_type(client: &Client, kind: ResponseType) -> Result<(), OAuthError> {
    let refuse = |sentence: &'static str| Err(OAuthError::new(ErrorCode::UnauthorizedClient, sentence));
    let (by_code, by_browser) = (client.may(GrantType::AuthorizationCode), client.may(GrantType::Implicit));
    if kind.has_code() && !by_code {
        return refuse("this client may not use the authorization code grant");
    }
    if (kind.has_token() || kind.has_id_token()) && !by_browser {
        return refuse("this client may not have tokens through the browser (grant implicit)");
    }
    if kind == ResponseType::None && !by_code && !by_browser {
        return refuse("this client may not send people here to sign in");
    }
    Ok(())
}

/// The PKCE challenge of a request that will be answered with a code.
pub(super) fn challenge(client: &Client, request: &AuthorizeRequest) -> Result<Option<Challenge>, OAuthError> {
    if !request.response_type.has_code() {
        return Ok(None);
    }
    let (given, method) = (request.code_challenge.as_deref(), request.code_challenge_method.as_deref());
    let challenge = Challenge::parse(given, method, AllowPlain::No)?;
    let may_do_without = client.settings.kind == ClientKind::Confidential && client.settings.pkce_optional;
    if challenge.is_none() && !may_do_without {
        let sentence = "code_challenge is missing: this client must use PKCE (code_challenge_method S256)";
        return Err(OAuthError::new(ErrorCode::InvalidRequest, sentence));
    }
    Ok(challenge)
}
