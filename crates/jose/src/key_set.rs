//! Key sets (RFC 7517 §5): the keys a client or an issuer has published.

use crate::algorithm::Algorithm;
use crate::bad::{BadKey, BadToken};
use crate::header::Header;
use crate::jwk::PublicKey;
use crate::limits;
use serde_json::Value;

/// Public keys to choose from.
#[derive(Clone)]
pub struct KeySet {
    keys: Vec<PublicKey>,
}

impl KeySet {
    /// Reads a JWK Set. Keys that are not understood, or not for verifying, are skipped: issuers publish keys
    /// for others beside those for us.
    pub fn parse(set: &Value) -> Result<Self, BadKey> {
        let listed = set.get("keys").and_then(Value::as_array).ok_or(BadKey::NotASet)?;
        if listed.len() > limits::KEYS {
            return Err(BadKey::TooManyKeys);
        }
        Ok(Self { keys: listed.iter().filter_map(|jwk| PublicKey::parse_jwk(jwk).ok()).collect() })
    }

    /// The keys that were understood.
    pub fn keys(&self) -> &[PublicKey] {
        &self.keys
    }

    /// The one key that fits. A token without `kid` finds a key only when a single one fits its algorithm;
    /// when several keys fit, none is chosen, since trying them in turn lets whoever adds a key pick.
    pub fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Result<&PublicKey, BadToken> {
        let is_named = |key: &PublicKey| kid.is_none_or(|kid| key.kid() == Some(kid));
        let mut fitting = self.keys.iter().filter(|key| key.verifies(algorithm) && is_named(key));
        let key = fitting.next().ok_or(BadToken::UnknownKey)?;
        if fitting.next().is_some() { Err(BadToken::AmbiguousKey) } else { Ok(key) }
    }

    /// The one key that fits a token's header.
    pub fn find_for(&self, header: &Header) -> Result<&PublicKey, BadToken> {
        self.find(header.kid(), header.algorithm().ok_or(BadToken::Algorithm)?)
    }
}
