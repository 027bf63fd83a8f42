//! Shared secrets that verify HS256 (RFC 7518 §3.2), for clients that sign with their secret. A type of its
//! own: a public key cannot become one, and a token that says HS256 cannot reach a public key.

use crate::bad::{BadKey, BadToken};
use crate::limits;
use aws_lc_rs::hmac;

/// A shared secret for HS256.
pub struct HmacKey(hmac::Key);

impl HmacKey {
    /// Its name in `alg`.
    pub const ALGORITHM: &'static str = "HS256";

    /// From a client's secret; refused when it is shorter than the hash.
    pub fn new(secret: &[u8]) -> Result<Self, BadKey> {
        if !limits::HMAC_SECRET_BYTES.contains(&secret.len()) {
            return Err(BadKey::SecretSize);
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, secret)))
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        hmac::sign(&self.0, message).as_ref().to_vec()
    }

    /// Whether the secret made the signature, compared in constant time. Tokens are verified with
    /// [`crate::jws::Presented::verify_hmac`], which ends here.
    ///
    /// # Errors
    /// [`BadToken::Signature`] when it did not.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadToken> {
        hmac::verify(&self.0, message, signature).map_err(|_| BadToken::Signature)
    }
}
