//! Authorization requests, read in two stages. What goes wrong before client and redirect URI are known
//! is shown on our own page (`Entry`); everything after that may be told to the client
//! (`AuthorizeRequest`). Owns syntax and the rules between parameters; what a client may ask for is
//! decided in `engine`. RFC 6749 §4.1.1, OIDC Core §3.1.2.1, §3.2.2.1 and §3.3.2.1.

mod claims;
mod details;
mod prompt;
mod read;
mod response;
#[cfg(test)]
mod tests;

use crate::client_auth::is_client_id;
use crate::error::OAuthError;
use crate::form::encode;
use crate::limits;
use crate::parameters::Parameters;
use crate::scope::Scopes;
pub use claims::{ClaimAsked, ClaimsRequest};
pub use details::{Detail, narrowed, parse as parse_details};
pub use prompt::{Prompt, Prompts};
pub use read::resources;
use response::ResponseWay;
pub use response::{ResponseMode, ResponseType};
use serde::{Deserialize, Serialize};

/// Parameters of an authorization request. What else stands beside them is not kept, least of all a client's secret.
pub const PARAMETERS: [&str; 23] = [
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "prompt",
    "max_age",
    "login_hint",
    "id_token_hint",
    "ui_locales",
    "acr_values",
    "kc_idp_hint",
    "claims",
    "authorization_details",
    "code_challenge",
    "code_challenge_method",
    "resource",
    "request",
    "request_uri",
    "dpop_jkt",
    "display",
];

/// What names of pushed requests begin with (RFC 9126 §2.2).
pub const PUSHED_PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

/// Parameters as a query.
pub fn query_of<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    encode(&pairs.collect::<Vec<_>>())
}

/// What must be known of a request before any answer may be redirected. A refusal to read it is shown on
/// our own page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Who asks.
    pub client_id: String,
    /// Where the answer is wanted, not verified yet.
    pub redirect_uri: Option<String>,
    /// What the client wants back with the answer.
    pub state: Option<String>,
    /// How a refusal of the rest travels. When the request's own wish cannot be read or is not allowed, it
    /// is that of its response type, else the query.
    pub response_mode: ResponseMode,
    /// Whether such a refusal is wrapped in a signed token (JARM).
    pub is_jarm: bool,
}

impl Entry {
    /// Reads the first stage.
    pub fn parse(parameters: &Parameters) -> Result<Self, OAuthError> {
        let client_id = parameters.one("client_id")?;
        let client_id = client_id.ok_or_else(|| OAuthError::invalid_request("client_id is missing; send it"))?;
        if !is_client_id(client_id) {
            return Err(OAuthError::invalid_request("client_id is too long or holds control characters"));
        }
        let way = way_of_refusals(parameters);
        Ok(Self {
            client_id: client_id.to_owned(),
            redirect_uri: read::text(parameters, "redirect_uri", limits::REDIRECT_URI_BYTES)?,
            state: read::text(parameters, "state", limits::STATE_BYTES)?,
            response_mode: way.mode,
            is_jarm: way.is_jarm,
        })
    }
}

/// How large the client's window is (OIDC Core §3.1.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Display {
    /// A whole page.
    Page,
    /// A small window.
    Popup,
    /// A touch screen.
    Touch,
    /// A feature phone.
    Wap,
}

impl Display {
    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "page" => Some(Self::Page),
            "popup" => Some(Self::Popup),
            "touch" => Some(Self::Touch),
            "wap" => Some(Self::Wap),
            _ => None,
        }
    }
}

/// A whole request. It may hold a plain code challenge and an identity token, so it does not print.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizeRequest {
    /// Who asks.
    pub client_id: String,
    /// Where the answer is wanted, as presented: verify it again whenever it is used.
    pub redirect_uri: Option<String>,
    /// What is asked for in the front channel.
    pub response_type: ResponseType,
    /// How the answer travels.
    pub response_mode: ResponseMode,
    /// Whether the answer is wrapped in a signed token (JARM).
    pub is_jarm: bool,
    /// What the client wants to be allowed.
    pub scopes: Scopes,
    /// What the client wants back with the answer.
    pub state: Option<String>,
    /// What the client wants to find in the identity token.
    pub nonce: Option<String>,
    /// Questions to put to the person.
    pub prompt: Prompts,
    /// How long ago the person may have signed in, in seconds.
    pub max_age: Option<u32>,
    /// The name the client expects.
    pub login_hint: Option<String>,
    /// An identity token of the person the client expects, not verified.
    pub id_token_hint: Option<String>,
    /// Languages the person prefers, best first.
    pub ui_locales: Vec<String>,
    /// Ways of signing in the client wants, best first.
    pub acr_values: Vec<String>,
    /// The connector to use, in Keycloak's word.
    pub kc_idp_hint: Option<String>,
    /// Single claims asked for.
    pub claims: ClaimsRequest,
    /// What the client wants to do, more precisely (RFC 9396).
    pub details: Vec<Detail>,
    /// The code challenge, raw: see `pkce`.
    pub code_challenge: Option<String>,
    /// Its method, raw.
    pub code_challenge_method: Option<String>,
    /// Resources the tokens are meant for.
    pub resources: Vec<String>,
    /// A request object, raw.
    pub request: Option<String>,
    /// Where a request object or pushed request lies, raw.
    pub request_uri: Option<String>,
    /// Thumbprint of the key the code is bound to.
    pub dpop_jkt: Option<String>,
    /// How large the client's window is.
    pub display: Option<Display>,
}

impl AuthorizeRequest {
    /// Reads the second stage, everything included. A refusal may be told to the client once its redirect
    /// URI is verified.
    pub fn parse(parameters: &Parameters) -> Result<Self, OAuthError> {
        parameters.check_doubled()?;
        let entry = Entry::parse(parameters)?;
        let response_type = parameters.one("response_type")?;
        let response_type = response_type.ok_or_else(|| refuse("response_type is missing; send code"))?;
        let response_type = ResponseType::parse(response_type)?;
        let way = ResponseWay::parse(parameters.one("response_mode")?, response_type)?;
        let short = |name| read::text(parameters, name, limits::WORD_BYTES);
        let request = Self {
            client_id: entry.client_id,
            redirect_uri: entry.redirect_uri,
            response_type,
            response_mode: way.mode,
            is_jarm: way.is_jarm,
            scopes: Scopes::parse(parameters.one("scope")?.unwrap_or_default())?,
            state: entry.state,
            nonce: read::text(parameters, "nonce", limits::NONCE_BYTES)?,
            prompt: Prompts::parse(&read::words(parameters, "prompt")?)?,
            max_age: read::max_age(parameters)?,
            login_hint: read::text(parameters, "login_hint", limits::LOGIN_HINT_BYTES)?,
            id_token_hint: read::text(parameters, "id_token_hint", limits::PARAMETER_VALUE_BYTES)?,
            ui_locales: read::words(parameters, "ui_locales")?,
            acr_values: read::words(parameters, "acr_values")?,
            kc_idp_hint: short("kc_idp_hint")?,
            claims: parameters.one("claims")?.map(ClaimsRequest::parse).transpose()?.unwrap_or_default(),
            details: parameters.one("authorization_details")?.map(details::parse).transpose()?.unwrap_or_default(),
            code_challenge: short("code_challenge")?,
            code_challenge_method: short("code_challenge_method")?,
            resources: read::resources(parameters)?,
            request: read::text(parameters, "request", limits::PARAMETER_VALUE_BYTES)?,
            request_uri: read::text(parameters, "request_uri", limits::URI_BYTES)?,
            dpop_jkt: read::thumbprint(parameters)?,
            display: read::display(parameters)?,
        };
        request.check()?;
        Ok(request)
    }

    /// The rules between parameters.
    fn check(&self) -> Result<(), OAuthError> {
        if self.request.is_some() && self.request_uri.is_some() {
            return Err(refuse("send request or request_uri, not both"));
        }
        if self.response_type.has_id_token() && !self.scopes.contains("openid") {
            return Err(refuse("response_type asks for an id_token; add openid to scope"));
        }
        if self.response_type.has_id_token() && self.nonce.is_none() {
            return Err(refuse("nonce is missing; an id_token through the browser needs one"));
        }
        Ok(())
    }
}

fn refuse(sentence: &'static str) -> OAuthError {
    OAuthError::invalid_request(sentence)
}

/// How to refuse a request that may itself be broken: never more openly than the answer would have gone.
fn way_of_refusals(parameters: &Parameters) -> ResponseWay {
    let only = |name| parameters.one(name).ok().flatten();
    let response_type = only("response_type").and_then(|text| ResponseType::parse(text).ok());
    let response_type = response_type.unwrap_or(ResponseType::Code);
    let default = ResponseWay { mode: response_type.default_mode(), is_jarm: false };
    ResponseWay::parse(only("response_mode"), response_type).unwrap_or(default)
}
