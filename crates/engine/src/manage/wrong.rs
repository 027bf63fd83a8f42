//! What must hold for clients, scopes and lives, whoever writes them. Pure, so that a declared file is judged by the
//! same rules when it is read as a change is when it is made; each refusal names the key that is to blame.

#[cfg(test)]
mod tests;

use super::client_scopes::reserved;
use super::clients::check_workload;
use crate::clients::{
    ClientKind, ClientSettings, GrantType, Lifetimes, RealmSettings, ScopeSettings, SessionLives, SubjectKind, keys,
};
use crate::token::claims::KNOWN_SCOPES;
use doorward_jose::algorithm::Algorithm;
use doorward_model::address::HostName;
use doorward_model::limits;
use doorward_model::name::is_unprintable;
use doorward_oauth::logout::logout_uri;
use doorward_oauth::scope::Scopes;
use std::fmt;

/// A rule that settings do not keep. Shown as `what: how`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The key to blame, as declared files spell it.
    pub key: &'static str,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub how: String,
}

impl Wrong {
    fn new(key: &'static str, what: impl Into<String>, how: impl Into<String>) -> Self {
        Self { key, what: what.into(), how: how.into() }
    }

    /// From a sentence that says what to do behind its last colon or semicolon.
    fn of(key: &'static str, sentence: &str) -> Self {
        let halves = sentence.split_once("; ").or_else(|| sentence.rsplit_once(": "));
        let (what, how) = halves.unwrap_or((sentence, "correct the value"));
        Self::new(key, what, how)
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.how)
    }
}

/// What is wrong with a client's settings.
pub fn client(settings: &ClientSettings) -> Vec<Wrong> {
    let mut wrongs = grants(settings);
    wrongs.extend(places(settings));
    wrongs.extend(workloads(settings));
    if let Err(sentence) = keys::check_proof(settings) {
        let key = match sentence.split(':').next() {
            Some("jwks") => "jwks",
            Some("tls_subject") => "tls_subject",
            _ => "authentication",
        };
        let (what, how) = sentence.rsplit_once(": ").unwrap_or((&sentence, "correct the value"));
        wrongs.push(Wrong::new(key, what, how));
    }
    if settings.require_signed_request && settings.jwks.is_none() {
        let what = "the client must sign its requests, and no key is registered to check them with";
        wrongs.push(Wrong::new("require_signed_request", what, "give its jwks"));
    }
    if settings.access.groups.len() > limits::APP_GROUPS {
        let what = format!("more than {} groups are named", limits::APP_GROUPS);
        wrongs.push(Wrong::new("allowed_groups", what, "put them into one group and name that"));
    }
    wrongs.extend(lifetimes(&settings.lifetimes));
    wrongs.extend(reserved(&settings.mappers).map(unmappable));
    if let SubjectKind::Pairwise(sector) = &settings.subject
        && !is_sector(sector)
    {
        let what = "a pairwise subject needs a sector";
        wrongs.push(Wrong::new("pairwise_sector", what, "give a host name, such as example.com"));
    }
    for (key, name) in [("userinfo_algorithm", &settings.userinfo_algorithm), ("algorithm", &settings.algorithm)] {
        if !name.is_empty() && Algorithm::parse(name).is_none() {
            let what = format!("the algorithm {name} is not known");
            wrongs.push(Wrong::new(key, what, "give RS256, PS256, ES256 or EdDSA"));
        }
    }
    wrongs
}

/// What is wrong with how a client comes by tokens.
fn grants(settings: &ClientSettings) -> Vec<Wrong> {
    let has = |grant| settings.grants.contains(&grant);
    let is_public = settings.kind == ClientKind::Public;
    let can_be_refreshed = settings.grants.iter().any(|grant| grant.can_be_refreshed());
    let by_browser = has(GrantType::AuthorizationCode) || has(GrantType::Implicit);
    let bound = if settings.dpop_bound { "dpop_bound" } else { "certificate_bound" };
    let rules = [
        (settings.grants.is_empty(), "grants", "the client has no grant", "give one, such as authorization_code"),
        (
            by_browser && settings.redirect_uris.is_empty(),
            "redirect_uris",
            "the client has no redirect URI, and people sign in through it",
            "give one, such as https://app.example.com/callback",
        ),
        (
            is_public && has(GrantType::ClientCredentials),
            "grants",
            "a public client cannot speak for itself: it has no secret to prove who it is",
            "remove client_credentials or public",
        ),
        (
            is_public && settings.pkce_optional,
            "pkce_optional",
            "a public client must use PKCE",
            "remove pkce_optional or public",
        ),
        (
            (settings.dpop_bound || settings.certificate_bound) && has(GrantType::Implicit),
            bound,
            "tokens that come through the browser cannot be bound to a key",
            "remove the grant implicit, or do not bind them",
        ),
        (
            has(GrantType::RefreshToken) && !can_be_refreshed,
            "grants",
            "refresh_token needs authorization_code, device_code or password beside it",
            "add one of them, or remove this",
        ),
        (
            is_public && has(GrantType::TokenExchange),
            "grants",
            "a public client cannot exchange tokens: anybody could be it",
            "remove token_exchange or public",
        ),
        (
            has(GrantType::JwtBearer) && settings.workloads.is_empty(),
            "grants",
            "jwt_bearer needs a workload: whose tokens are taken must be said",
            "add one, or remove jwt_bearer",
        ),
    ];
    let broken = rules.into_iter().filter(|(is_broken, ..)| *is_broken);
    broken.map(|(_, key, what, how)| Wrong::new(key, what, how)).collect()
}

/// What is wrong with where a client sends browsers, and is told of sign-outs.
fn places(settings: &ClientSettings) -> Vec<Wrong> {
    let mut wrongs = Vec::new();
    if settings.redirect_uris.len() + settings.post_logout_redirect_uris.len() > limits::CLIENT_REDIRECT_URIS {
        let what = format!("a client has at most {} redirect URIs, of both kinds", limits::CLIENT_REDIRECT_URIS);
        wrongs.push(Wrong::new("redirect_uris", what, "take some away"));
    }
    for (key, uri) in [
        ("backchannel_logout_uri", &settings.backchannel_logout_uri),
        ("frontchannel_logout_uri", &settings.frontchannel_logout_uri),
    ] {
        if let Some(Err(bad)) = uri.as_deref().map(logout_uri) {
            wrongs.push(Wrong::of(key, &format!("{key}: {bad}")));
        }
    }
    wrongs
}

/// What is wrong with the platforms whose workloads may speak as a client.
fn workloads(settings: &ClientSettings) -> Vec<Wrong> {
    let all = &settings.workloads;
    if all.len() > limits::CLIENT_WORKLOADS {
        let what = format!("a client has at most {} workloads", limits::CLIENT_WORKLOADS);
        return vec![Wrong::new("workloads", what, "take some away")];
    }
    let whats = all.iter().filter_map(|workload| check_workload(workload).err());
    whats.map(|what| Wrong::new("workloads", what, "correct the workload")).collect()
}

/// What is wrong with a scope of a realm's own.
pub fn scope(name: &str, settings: &ScopeSettings) -> Vec<Wrong> {
    let mut wrongs = Vec::new();
    if KNOWN_SCOPES.contains(&name) {
        wrongs.push(Wrong::new("name", format!("Doorward has a scope {name} of its own"), "choose another name"));
    }
    if name.len() > limits::SCOPE_NAME_BYTES || !Scopes::parse(name).is_ok_and(|one| one.iter().count() == 1) {
        let what = format!("the name of a scope has 1 to {} characters of RFC 6749 §3.3", limits::SCOPE_NAME_BYTES);
        wrongs.push(Wrong::new("name", what, "choose another name"));
    }
    let text = &settings.description;
    if text.chars().count() > limits::ROLE_DESCRIPTION_CHARACTERS || text.chars().any(is_unprintable) {
        let most = limits::ROLE_DESCRIPTION_CHARACTERS;
        let what = format!("a description has at most {most} characters, and no control characters");
        wrongs.push(Wrong::new("description", what, "shorten it"));
    }
    if settings.mappers.len() > limits::SCOPE_MAPPERS {
        let what = format!("a scope has at most {} mappers", limits::SCOPE_MAPPERS);
        wrongs.push(Wrong::new("mappers", what, "take some away"));
    }
    wrongs.extend(reserved(&settings.mappers).map(unmappable));
    wrongs
}

/// What is wrong with one more scope in a realm that has `already` of its own.
pub fn one_more_scope(already: usize) -> Option<Wrong> {
    let most = limits::CLIENT_SCOPES;
    (already >= most)
        .then(|| Wrong::new("name", format!("a realm has at most {most} scopes of its own"), "delete one first"))
}

fn unmappable(name: &str) -> Wrong {
    Wrong::new("mappers", format!("the claim {name} cannot be mapped: tokens are checked by it"), "choose another name")
}

/// What is wrong with what a realm says for all of its clients and sessions.
pub fn realm(settings: &RealmSettings) -> Vec<Wrong> {
    lifetimes(&settings.lifetimes).into_iter().chain(sessions(&settings.sessions)).collect()
}

/// What is wrong with lives of tokens.
pub fn lifetimes(lives: &Lifetimes) -> Vec<Wrong> {
    let lives = [
        ("access_seconds", lives.access_seconds, ACCESS_SECONDS_MAX),
        ("refresh_seconds", lives.refresh_seconds, OFFLINE_SECONDS_MAX),
        ("offline_seconds", lives.offline_seconds, OFFLINE_SECONDS_MAX),
    ];
    lives.into_iter().filter_map(out_of_bounds).collect()
}

/// What is wrong with lives of sessions.
pub fn sessions(lives: &SessionLives) -> Vec<Wrong> {
    let all = [
        ("idle_seconds", lives.idle_seconds, SESSION_SECONDS_MAX),
        ("lifetime_seconds", lives.lifetime_seconds, SESSION_SECONDS_MAX),
        ("remembered_idle_seconds", lives.remembered_idle_seconds, SESSION_SECONDS_MAX),
        ("remembered_lifetime_seconds", lives.remembered_lifetime_seconds, SESSION_SECONDS_MAX),
    ];
    let mut wrongs: Vec<Wrong> = all.into_iter().filter_map(out_of_bounds).collect();
    // Whoever asked to stay signed in is known by it.
    if let (Some(idle), Some(remembered)) = (lives.idle_seconds, lives.remembered_idle_seconds)
        && remembered <= idle
    {
        let what = format!("remembered_idle_seconds must be more than idle_seconds, and {remembered} is not");
        wrongs.push(Wrong::new("remembered_idle_seconds", what, format!("give more than {idle}")));
    }
    wrongs
}

fn out_of_bounds((key, seconds, most): (&'static str, Option<i64>, i64)) -> Option<Wrong> {
    let seconds = seconds.filter(|seconds| !(1..=most).contains(seconds))?;
    Some(Wrong::new(key, format!("{key} must be 1 to {most}, and is {seconds}"), "correct the number"))
}

/// Whether a text can stand for a sector (OIDC Core §8.1): a host name.
fn is_sector(text: &str) -> bool {
    text.len() <= limits::HOST_BYTES
        && HostName::parse(text).is_some_and(|(host, port)| host.as_str() == text && port.is_none())
}

/// Longest life of an access token, in seconds: it cannot be called back everywhere.
pub(crate) const ACCESS_SECONDS_MAX: i64 = 24 * 60 * 60;
/// Longest life of an offline token, in seconds: a year.
const OFFLINE_SECONDS_MAX: i64 = 366 * 24 * 60 * 60;
/// Longest session, in seconds: a year.
const SESSION_SECONDS_MAX: i64 = 366 * 24 * 60 * 60;
