//! Compact tokens as they are presented (RFC 7515 §7.1): read strictly, then verified with a key whose type
//! fixes the algorithm.

use crate::bad::{BadToken, Part};
use crate::claims::Claims;
use crate::header::{Embedded, Header};
use crate::hmac::HmacKey;
use crate::json;
use crate::jwk::PublicKey;
use crate::limits;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Letters a header of the largest size takes, in base64url.
const HEADER_LETTERS: usize = (limits::HEADER_BYTES * 4).div_ceil(3);

/// A token that has the form of one. What it claims comes out only by a verification.
pub struct Presented<'t> {
    header: Header,
    /// What the signature covers: header, dot, claims.
    signed: &'t str,
    claims: Vec<u8>,
    signature: Vec<u8>,
}

impl<'t> Presented<'t> {
    /// Reads a token whose key is known otherwise.
    pub fn read(token: &'t str) -> Result<Self, BadToken> {
        Self::read_as(token, Embedded::Refused).map(|(presented, _)| presented)
    }

    /// Reads a proof of possession that brings its public key in `jwk` (RFC 9449 §4.2). The key is sound and
    /// nobody's: what it is worth, the caller must find out from its thumbprint.
    pub fn read_with_key(token: &'t str) -> Result<(Self, PublicKey), BadToken> {
        let (presented, key) = Self::read_as(token, Embedded::Wanted)?;
        key.map(|key| (presented, key)).ok_or(BadToken::NoEmbeddedKey)
    }

    fn read_as(token: &'t str, embedded: Embedded) -> Result<(Self, Option<PublicKey>), BadToken> {
        let (signed, head, claims, signature) = split(token)?;
        if head.len() > HEADER_LETTERS {
            return Err(BadToken::HeaderTooLong);
        }
        let (header, key) = Header::read(&decode(head, Part::Header)?, embedded)?;
        let (claims, signature) = (decode(claims, Part::Claims)?, decode(signature, Part::Signature)?);
        Ok((Self { header, signed, claims, signature }, key))
    }

    /// What the token says about itself: not proved.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Who the token says made it (`iss`): not proved. Good for finding the key that proves it, and for nothing
    /// else.
    pub fn unproved_issuer(&self) -> Result<String, BadToken> {
        self.claims()?.issuer().map(str::to_owned)
    }

    /// The claims, if the key made the signature. The key fixes the algorithm; a header that says another is
    /// refused.
    pub fn verify(&self, key: &PublicKey) -> Result<Claims, BadToken> {
        let algorithm = self.header.algorithm().ok_or(BadToken::Algorithm)?;
        key.verify(algorithm, self.signed.as_bytes(), &self.signature)?;
        self.claims()
    }

    /// The claims, if the shared secret made the signature with HS256.
    pub fn verify_hmac(&self, key: &HmacKey) -> Result<Claims, BadToken> {
        if self.header.algorithm_name() != HmacKey::ALGORITHM {
            return Err(BadToken::Algorithm);
        }
        key.verify(self.signed.as_bytes(), &self.signature)?;
        self.claims()
    }

    fn claims(&self) -> Result<Claims, BadToken> {
        json::object(&self.claims).map(Claims::verified).map_err(|why| BadToken::Json(Part::Claims, why))
    }
}

/// What is signed, header, claims, signature. The size comes first: nothing is counted or copied before.
fn split(token: &str) -> Result<(&str, &str, &str, &str), BadToken> {
    if token.len() > limits::TOKEN_BYTES {
        return Err(BadToken::TooLong);
    }
    if token.starts_with('{') {
        return Err(BadToken::JsonForm);
    }
    match token.bytes().filter(|byte| *byte == b'.').count() {
        2 => {}
        4 => return Err(BadToken::Encrypted),
        _ => return Err(BadToken::Parts),
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(BadToken::Parts)?;
    let (head, claims) = signed.split_once('.').ok_or(BadToken::Parts)?;
    if head.is_empty() || claims.is_empty() || signature.is_empty() {
        return Err(BadToken::EmptyPart);
    }
    Ok((signed, head, claims, signature))
}

/// This engine refuses padding, white space and trailing bits that are not zero, so a token has one spelling.
fn decode(text: &str, part: Part) -> Result<Vec<u8>, BadToken> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| BadToken::Encoding(part))
}
