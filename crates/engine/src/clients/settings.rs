//! What is declared about a client; stored as one document.

use super::mapper::Mapper;
use super::realm_rules::RealmRules;
use doorward_model::app::Access;
use doorward_model::name::DisplayText;
pub use doorward_oauth::logout::logout_uri;
use doorward_oauth::redirect::RedirectRule;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

/// Whether a client can keep a secret (RFC 6749 §2.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientKind {
    /// It can: it runs on a server.
    #[default]
    Confidential,
    /// It cannot: a browser app, a program on people's machines. PKCE is required.
    Public,
}

/// How a client may come by tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// A person signs in (RFC 6749 §4.1).
    AuthorizationCode,
    /// And stays signed in (RFC 6749 §6).
    RefreshToken,
    /// The client speaks for itself (RFC 6749 §4.4).
    ClientCredentials,
    /// A person signs in at another screen (RFC 8628).
    DeviceCode,
    /// Somebody's token becomes one for another service (RFC 8693).
    TokenExchange,
    /// A workload shows a token of its own platform (RFC 7523 §2.1).
    JwtBearer,
    /// The client asks for the person's password (RFC 6749 §4.3): for tools that cannot do otherwise.
    Password,
    /// Tokens come through the browser (RFC 6749 §4.2, OIDC Core §3.2): for tools that cannot do otherwise.
    Implicit,
}

impl GrantType {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::AuthorizationCode,
        Self::RefreshToken,
        Self::ClientCredentials,
        Self::DeviceCode,
        Self::TokenExchange,
        Self::JwtBearer,
        Self::Password,
        Self::Implicit,
    ];

    /// As on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
            Self::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
            Self::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
            Self::JwtBearer => "urn:ietf:params:oauth:grant-type:jwt-bearer",
            Self::Password => "password",
            Self::Implicit => "implicit",
        }
    }

    /// Whether people sign in by it, so that somebody must be let in.
    pub fn signs_people_in(self) -> bool {
        matches!(self, Self::AuthorizationCode | Self::DeviceCode | Self::Password | Self::Implicit)
    }

    /// Whether a refresh token can come of it.
    pub fn can_be_refreshed(self) -> bool {
        matches!(self, Self::AuthorizationCode | Self::DeviceCode | Self::Password)
    }

    /// From the wire.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.as_str() == text)
    }
}

/// Whether people are asked before a client learns about them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentMode {
    /// The organisation has agreed for everybody.
    #[default]
    Implicit,
    /// Each person is asked once.
    Explicit,
}

/// Lives of what a client is given, in seconds; `None` for the realm's own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lifetimes {
    /// Access tokens and ID tokens.
    pub access_seconds: Option<i64>,
    /// Refresh tokens, each.
    pub refresh_seconds: Option<i64>,
    /// Offline tokens, each.
    pub offline_seconds: Option<i64>,
}

/// What was declared about a client; stored as one document. Fields a newer node wrote are passed over.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClientSettings {
    /// Its name for people.
    pub title: Option<DisplayText>,
    /// Whether it can keep a secret.
    pub kind: ClientKind,
    /// Where browsers may be sent back to.
    pub redirect_uris: Vec<RedirectRule>,
    /// Where browsers may be sent after signing out.
    pub post_logout_redirect_uris: Vec<RedirectRule>,
    /// Origins whose scripts may call the token endpoint and the like.
    pub web_origins: Vec<String>,
    /// How it may come by tokens.
    pub grants: Vec<GrantType>,
    /// Scopes it may ask for beyond those every client has.
    pub scopes: Vec<String>,
    /// Whether people are asked first.
    pub consent: ConsentMode,
    /// Whether a confidential client may do without PKCE, as tools of old do.
    pub pkce_optional: bool,
    /// Who may enter, when it belongs to no app.
    pub access: Access,
    /// Lives of its tokens.
    pub lifetimes: Lifetimes,
    /// What its tokens say besides.
    pub mappers: Vec<Mapper>,
    /// The JOSE name of the algorithm its tokens are signed with; empty for the realm's own.
    pub algorithm: String,
    /// How it proves who it is, when it can keep a secret.
    pub authentication: Authentication,
    /// Its public keys (RFC 7517 §5): what it signs assertions and request objects with, or its certificates.
    pub jwks: Option<Value>,
    /// The subject of its certificate (RFC 4514), for `tls_subject`.
    pub tls_subject: String,
    /// Whether its access tokens are bound to its certificate (RFC 8705 §3.4).
    pub certificate_bound: bool,
    /// Whether its authorization requests must be pushed (RFC 9126 §6).
    pub require_pushed: bool,
    /// Whether its authorization requests must be signed (RFC 9101 §10.5).
    pub require_signed_request: bool,
    /// Whether its tokens must be bound to a key (RFC 9449 §5.2).
    pub dpop_bound: bool,
    /// What it is told people by.
    pub subject: SubjectKind,
    /// The JOSE name of the algorithm userinfo answers are signed with; empty for plain JSON.
    pub userinfo_algorithm: String,
    /// Where it is told, server to server, that a session ended (OIDC Back-Channel Logout §2.2).
    pub backchannel_logout_uri: Option<String>,
    /// The page of its own that ends its session in the browser (OIDC Front-Channel Logout §2).
    pub frontchannel_logout_uri: Option<String>,
    /// Clients and audiences it may exchange tokens for (RFC 8693).
    pub exchange_for: Vec<String>,
    /// Platforms whose workloads may speak as this client (RFC 7523).
    pub workloads: Vec<Workload>,
    /// Types of authorization details it may ask for (RFC 9396 §10).
    pub authorization_details: Vec<String>,
    /// Whose paths it was set up for, which fixes the issuer in its tokens.
    pub paths: Paths,
    /// Whether `prompt=none` is passed over when somebody has to sign in, as some proxies always send it.
    pub tolerates_prompt_none: bool,
    /// What its realm says for all clients. Not its own: loaded beside it where tokens are made, never stored with it.
    #[serde(skip)]
    pub realm: Arc<RealmRules>,
}

impl ClientSettings {
    /// Whether it proves who it is by a secret it shares with us.
    pub fn has_secret(&self) -> bool {
        let by_secret = matches!(self.authentication, Authentication::Secret | Authentication::SecretJwt);
        self.kind == ClientKind::Confidential && by_secret
    }

    /// The texts of its redirect rules in order, those for signing out last, each with what is risky about it: a
    /// sentence with what to do behind `; `.
    pub fn redirect_risks(&self) -> impl Iterator<Item = (&str, Option<&'static str>)> {
        let after = self.post_logout_redirect_uris.iter().map(|rule| (rule.text(), rule.risk_after_sign_out()));
        self.redirect_uris.iter().map(|rule| (rule.text(), rule.risk())).chain(after)
    }
}

/// How a confidential client proves who it is (OIDC Core §9, RFC 8705 §2).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authentication {
    /// It sends its secret, in the `Authorization` header or in the body.
    #[default]
    Secret,
    /// It signs an assertion with its secret.
    SecretJwt,
    /// It signs an assertion with a key of its own.
    PrivateKeyJwt,
    /// A certificate with the subject declared for it.
    TlsSubject,
    /// A certificate that is one of its keys.
    TlsSelfSigned,
}

/// Whose paths a client was set up for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Paths {
    /// `/realms/REALM/…`: one issuer for the realm.
    #[default]
    Keycloak,
    /// `/application/o/CLIENT/…`: an issuer of its own, in the realm that stands for no name.
    Authentik,
}

/// What a client is told people by (OIDC Core §8).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectKind {
    /// The user's id, the same everywhere.
    #[default]
    Public,
    /// An id that only clients of the same sector know; the text is the sector.
    Pairwise(String),
}

/// A platform whose workloads may speak as a client: a Kubernetes cluster, a CI service (RFC 7523 §3).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Workload {
    /// `iss` of its tokens, to the letter.
    pub issuer: String,
    /// What `aud` of its tokens must contain.
    pub audience: String,
    /// Its public keys (RFC 7517 §5).
    pub jwks: Value,
    /// What `sub` may be: exact, or with one `*` at the end for any rest.
    pub subjects: Vec<String>,
    /// Whether one token may be shown many times, as workloads do that read it from a file. Otherwise a token that
    /// has a `jti` is good once.
    #[serde(default)]
    pub reusable: bool,
}
