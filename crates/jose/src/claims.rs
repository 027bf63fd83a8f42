//! What a verified token claims, read strictly: a claim of the wrong type is an error, never absent.

use crate::bad::BadToken;
use crate::limits;
use serde_json::{Map, Value};

/// The claims of a token whose signature was verified: nothing but [`crate::jws::Presented`] makes them.
#[derive(Clone)]
pub struct Claims(Map<String, Value>);

/// How far two clocks may be apart, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skew(i64);

impl Skew {
    /// For tokens of other machines.
    pub const USUAL: Self = Self(limits::SKEW_SECONDS);
    /// For our own tokens.
    pub const NONE: Self = Self(0);

    /// For the clock of somebody who is known to be this far apart.
    pub fn seconds(seconds: u32) -> Self {
        Self(i64::from(seconds))
    }
}

/// The time claims, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// When the token ends.
    pub exp: Option<i64>,
    /// When it begins.
    pub nbf: Option<i64>,
    /// When it was made.
    pub iat: Option<i64>,
}

impl Times {
    /// Whether the token is good at `now`, in seconds. `exp` must be there.
    pub fn check(&self, now: i64, skew: Skew) -> Result<(), BadToken> {
        let exp = self.exp.ok_or(BadToken::NoClaim("exp"))?;
        if now >= exp.saturating_add(skew.0) {
            return Err(BadToken::Expired);
        }
        let latest = now.saturating_add(skew.0);
        let ahead =
            [("nbf", self.nbf), ("iat", self.iat)].into_iter().find(|(_, time)| time.is_some_and(|t| t > latest));
        ahead.map_or(Ok(()), |(name, _)| Err(BadToken::NotYet(name)))
    }
}

impl Claims {
    pub(crate) fn verified(members: Map<String, Value>) -> Self {
        Self(members)
    }

    /// A claim as it stands.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// All claims.
    pub fn into_map(self) -> Map<String, Value> {
        self.0
    }

    /// A claim that is a single text; `None` when the token lacks it.
    pub fn text(&self, name: &'static str) -> Result<Option<&str>, BadToken> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        let text = value.as_str().filter(|text| text.len() <= limits::CLAIM_TEXT_BYTES);
        text.map(Some).ok_or(BadToken::TextClaim(name))
    }

    fn needed(&self, name: &'static str) -> Result<&str, BadToken> {
        self.text(name)?.ok_or(BadToken::NoClaim(name))
    }

    /// `iss`: who made the token. It must be there.
    pub fn issuer(&self) -> Result<&str, BadToken> {
        self.needed("iss")
    }

    /// `sub`: whom it is about. It must be there.
    pub fn subject(&self) -> Result<&str, BadToken> {
        self.needed("sub")
    }

    /// `jti`: what tells it from any other. It must be there.
    pub fn jti(&self) -> Result<&str, BadToken> {
        self.needed("jti")
    }

    /// `aud`: whom it is for, written as one text or a list. Empty when the token lacks it.
    pub fn audiences(&self) -> Result<Vec<&str>, BadToken> {
        match self.0.get("aud") {
            None => Ok(Vec::new()),
            Some(Value::String(text)) => Ok(vec![text]),
            Some(Value::Array(list)) => list.iter().map(|one| one.as_str().ok_or(BadToken::Audience)).collect(),
            Some(_) => Err(BadToken::Audience),
        }
    }

    /// A claim that is a time, in seconds since 1970: a JSON integer that is not negative.
    pub fn time(&self, name: &'static str) -> Result<Option<i64>, BadToken> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        let seconds = value.as_i64().filter(|seconds| *seconds >= 0);
        seconds.map(Some).ok_or(BadToken::TimeClaim(name))
    }

    /// `exp`, `nbf` and `iat`.
    pub fn times(&self) -> Result<Times, BadToken> {
        Ok(Times { exp: self.time("exp")?, nbf: self.time("nbf")?, iat: self.time("iat")? })
    }

    /// Whether the token is good at `now`, in seconds since 1970.
    pub fn check_times(&self, now: i64, skew: Skew) -> Result<(), BadToken> {
        self.times()?.check(now, skew)
    }
}
