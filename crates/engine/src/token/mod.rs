//! Tokens: how each grant becomes some, what stands in them, and when they stop being good. Load, decide,
//! apply: one file for each way.

mod begin;
pub mod certificate;
pub mod check;
pub mod claims;
pub mod client_credentials;
pub mod device_code;
pub mod dpop;
pub mod exchange;
pub mod exchange_code;
pub mod introspect;
pub mod mint;
pub mod password;
pub mod paths;
mod prepared;
pub mod refresh;
pub mod revoke;
pub mod roles;
pub mod single_claims;
pub mod sub;
pub mod workload;

use crate::door::Door;
use crate::gate::decide::Verdict;
use crate::{clients, clients::Client};
use doorward_model::fault::{Fault, FaultKind};
use doorward_model::id::{SessionId, UserId};
use doorward_model::people::{Group, User};
use doorward_model::secret::PlainToken;
use doorward_model::session::Session;
use doorward_model::time::Timestamp;
use doorward_model::ways::CameBy;
use doorward_oauth::authorize::{ClaimsRequest, Detail};
use doorward_oauth::error::{ErrorCode, OAuthError};
use doorward_oauth::scope::Scopes;
use doorward_store::store::Query;
use doorward_store::{groups, users};
use roles::Roles;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A rule's "no" in the protocol's words.
pub type Refused = OAuthError;

/// What came of an ask: an answer, or the protocol's "no".
pub type Outcome<T> = Result<Result<T, Refused>, Fault>;

/// What a person authorized a client to have; kept with the code and then with the family.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Authorized {
    /// The scopes.
    pub scopes: Scopes,
    /// Where the code was sent, exactly; the token request must name the same (RFC 6749 §4.1.3).
    pub redirect_uri: String,
    /// Whether the authorization request named it, or the client has only one.
    pub named_redirect_uri: bool,
    /// The PKCE challenge (S256), if there was one.
    pub challenge: Option<String>,
    /// Told back in the ID token (OIDC Core §3.1.2.1).
    pub nonce: Option<String>,
    /// When the person proved who they are.
    pub signed_in_at: Timestamp,
    /// Whether that was at an outside provider: by which means, is not known here.
    #[serde(default)]
    pub elsewhere: bool,
    /// Resources the tokens are for (RFC 8707).
    #[serde(default)]
    pub resources: Vec<String>,
    /// The key the code is bound to (RFC 9449 §10), by its thumbprint.
    #[serde(default)]
    pub code_key: Option<String>,
    /// The key the refresh tokens are bound to: a public client's (RFC 9449 §5), by its thumbprint.
    #[serde(default)]
    pub refresh_key: Option<String>,
    /// Single claims to be told (OIDC Core §5.5).
    #[serde(default)]
    pub claims: ClaimsRequest,
    /// What it may do, more precisely (RFC 9396).
    #[serde(default)]
    pub details: Vec<Detail>,
}

impl Authorized {
    /// What was authorized without a browser being sent anywhere.
    pub(crate) fn new(scopes: Scopes, resources: Vec<String>, session: &Session) -> Self {
        Self {
            scopes,
            redirect_uri: String::new(),
            named_redirect_uri: false,
            challenge: None,
            nonce: None,
            signed_in_at: session.created_at,
            elsewhere: session.connector.is_some(),
            resources,
            code_key: None,
            refresh_key: None,
            claims: ClaimsRequest::default(),
            details: Vec::new(),
        }
    }
}

/// The answer of the token endpoint (RFC 6749 §5.1).
pub struct Tokens {
    /// The access token.
    pub access: String,
    /// Its life, in seconds.
    pub access_seconds: i64,
    /// The refresh token and its life in seconds.
    pub refresh: Option<(PlainToken, i64)>,
    /// The ID token.
    pub id: Option<String>,
    /// What was granted.
    pub scopes: Arc<Scopes>,
    /// The browser session it came from.
    pub session: Option<SessionId>,
    /// The key the access token is bound to; `None` for one that whoever holds it may show.
    pub bound: Option<dpop::Bound>,
    /// What it may be used for, more precisely (RFC 9396 §7).
    pub details: Vec<Detail>,
}

impl Tokens {
    /// How the access token must be shown (RFC 6749 §7.1, RFC 9449 §5).
    pub fn token_type(&self) -> &'static str {
        if self.bound.is_some() { "DPoP" } else { "Bearer" }
    }
}

/// What is known of a user besides names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    /// Whether the e-mail address was proved to be the user's.
    pub email_verified: bool,
    /// Whether the user's password is kept for emergencies: it counts where others do not, and its use is recorded.
    pub break_glass: bool,
    /// First name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// Anything else, by name.
    pub attributes: BTreeMap<String, Vec<String>>,
}

impl Profile {
    /// From the store.
    pub fn read(id: &UserId, text: &str) -> Result<Self, Fault> {
        serde_json::from_str(if text.is_empty() { "{}" } else { text })
            .map_err(|error| Fault::corrupt("users", id.as_str(), error))
    }

    /// To the store.
    pub fn to_text(&self) -> Result<String, Fault> {
        serde_json::to_string(self).map_err(|error| Fault::new(FaultKind::Internal, "writing a profile", error))
    }
}

/// A person as tokens tell of one.
pub struct Subject {
    /// The user.
    pub user: User,
    /// All groups, nested ones included.
    pub groups: Vec<Group>,
    /// What is known besides.
    pub profile: Profile,
    /// All roles.
    pub roles: Roles,
    /// Paths of the groups, where the client is told them.
    pub paths: Vec<String>,
    /// What the client is told the user by.
    pub sub: String,
}

/// Loads a person as of now, if the user is there and may still enter the client, having come in as they had; the reason otherwise.
/// Every token is made and checked through this, so that a disabled user, a lost group or a changed rule
/// ends all of them at once. Inside a transaction everything is read through it: whoever holds a connection
/// must not wait for another one.
pub(crate) async fn subject(
    door: &Door,
    query: &mut impl Query,
    client: &Client,
    (id, came): (&UserId, CameBy<'_>),
) -> Result<Result<Subject, Verdict>, Fault> {
    let found = users::find_with_profile(query, id).await?;
    let Some((user, (profile, imported))) = found else { return Ok(Err(Verdict::SignIn)) };
    let groups = groups::of_user(query, id).await?;
    let verdict = clients::admits(door, client, (&user, &groups), came);
    if !matches!(verdict, Verdict::Pass(_)) {
        return Ok(Err(verdict));
    }
    let profile = Profile::read(id, &profile)?;
    let roles = Roles::of_user(query, id).await?;
    let paths = match client.wants_paths() {
        true => paths::of_user(query, id, &groups).await?,
        false => Vec::new(),
    };
    let sub = sub::of(door, client, id, imported.as_deref());
    Ok(Ok(Subject { user, groups, profile, roles, paths, sub }))
}

/// What is known of a user besides names, and the subject the user brought along.
pub async fn profile(query: &mut impl Query, id: &UserId) -> Result<(Profile, Option<String>), Fault> {
    let (text, imported) = users::profile(query, id).await?.unwrap_or_default();
    let profile = Profile::read(id, &text)?;
    Ok((profile, imported))
}

/// `invalid_grant` in one sentence.
pub(crate) fn invalid_grant(sentence: &'static str) -> Refused {
    OAuthError::new(ErrorCode::InvalidGrant, sentence)
}

pub(crate) fn facts_text(authorized: &Authorized) -> Result<String, Fault> {
    serde_json::to_string(authorized)
        .map_err(|error| Fault::new(FaultKind::Internal, "writing what was authorized", error))
}

pub(crate) fn read_facts(table: &str, row: &str, text: &str) -> Result<Authorized, Fault> {
    serde_json::from_str(text).map_err(|error| Fault::corrupt(table, row, error))
}
