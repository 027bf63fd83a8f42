//! Why a token or a key is not taken: sentences for the person who sent it. None holds a piece of the token
//! or of a key, so each may be logged and answered.

use crate::json::BadJson;
use crate::limits;
use std::fmt;

/// A part of a compact token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Before the first dot.
    Header,
    /// Between the dots.
    Claims,
    /// After the last dot.
    Signature,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "header",
            Self::Claims => "claims",
            Self::Signature => "signature",
        })
    }
}

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// Larger than any token has to be.
    #[error("the token has more than {} bytes: put less into it", limits::TOKEN_BYTES)]
    TooLong,
    /// A header larger than any has to be.
    #[error("the token's header has more than {} bytes: put less into it", limits::HEADER_BYTES)]
    HeaderTooLong,
    /// A JWS in one of the JSON forms.
    #[error("the token is a JWS in JSON form: send the compact form, three parts joined by dots")]
    JsonForm,
    /// A JWE.
    #[error("the token has five parts, so it is encrypted (JWE): send one that is signed only (JWS)")]
    Encrypted,
    /// Not three parts.
    #[error("the token does not have three parts joined by dots: send the whole token and nothing besides")]
    Parts,
    /// A part without content: unsigned tokens have an empty signature.
    #[error("a part of the token is empty: header, claims and signature must all be there")]
    EmptyPart,
    /// Padding, white space, foreign letters or bits that mean nothing.
    #[error("the token's {0} is not plain base64url: encode it without padding, spaces or line breaks")]
    Encoding(Part),
    /// Not a JSON object with one reading.
    #[error("the token's {0} cannot be read: {1}")]
    Json(Part, BadJson),
    /// `alg` is missing or not text.
    #[error("the token's header names no algorithm: set `alg` to the one it is signed with")]
    NoAlgorithm,
    /// `alg` is `none`.
    #[error("the token is not signed (`alg` is `none`): sign it")]
    Unsigned,
    /// A header member that would change how the token is read or where its key comes from.
    #[error("the token's header holds `{0}`, which is not accepted: leave it out")]
    Member(&'static str),
    /// `kid` or `typ` is no short plain text.
    #[error(
        "the token's header member `{0}` must be text of at most {max} bytes without control characters",
        max = limits::NAME_BYTES
    )]
    Name(&'static str),
    /// A proof must bring its key and did not.
    #[error("the token's header holds no public key: put the key the token is signed with into `jwk`")]
    NoEmbeddedKey,
    /// The key a proof brought is not taken.
    #[error("the public key in the token's header is not taken: {0}")]
    EmbeddedKey(BadKey),
    /// The header's algorithm is not the key's.
    #[error("the token's `alg` is not the algorithm of the key it is checked with: sign with that key's algorithm")]
    Algorithm,
    /// No key fits `kid` and `alg`.
    #[error("no known key fits the token's `kid` and `alg`: sign with a registered key and name it in `kid`")]
    UnknownKey,
    /// More than one key fits.
    #[error("several keys fit the token's `kid` and `alg`: give each key a `kid` of its own and name it in the token")]
    AmbiguousKey,
    /// The signature is not that of the key over this token.
    #[error("the token's signature is wrong: it was made with another key, or the token was changed since")]
    Signature,
    /// A claim that must be there is not.
    #[error("the token lacks the claim `{0}`: add it")]
    NoClaim(&'static str),
    /// A claim that must be short text is not.
    #[error("the token's claim `{0}` must be text of at most {max} bytes", max = limits::CLAIM_TEXT_BYTES)]
    TextClaim(&'static str),
    /// A claim that must be a time is not.
    #[error("the token's claim `{0}` must be a whole number of seconds since 1970, neither text nor a fraction")]
    TimeClaim(&'static str),
    /// `aud` is neither text nor a list of texts.
    #[error("the token's claim `aud` must be text or a list of texts")]
    Audience,
    /// `exp` has passed.
    #[error("the token has expired: get a new one, and compare the clocks if it is new")]
    Expired,
    /// `nbf` or `iat` lies ahead.
    #[error("the token's claim `{0}` lies in the future: compare the clocks of both machines")]
    NotYet(&'static str),
}

/// Why a key or a key set is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// Not a JSON object.
    #[error("a key must be a JSON object (a JWK)")]
    NotAnObject,
    /// A key type not spoken here, a shared secret among them.
    #[error("the key's `kty` must be RSA, EC or OKP")]
    Type,
    /// A curve not spoken here.
    #[error("the key's `crv` must be P-256 for EC and Ed25519 for OKP")]
    Curve,
    /// The private half is there too.
    #[error("the key holds the private member `{0}`: make a new key and give out its public members only")]
    Private(&'static str),
    /// A number that is missing or not in its one spelling.
    #[error("the key's `{0}` must be base64url without padding, of the exact length and without leading zeros")]
    Number(&'static str),
    /// An RSA modulus too small or too large.
    #[error("an RSA key must have {} to {} bits: make a new one", limits::RSA_BITS.start(), limits::RSA_BITS.end())]
    RsaSize,
    /// An RSA exponent that signs nothing, or slows everything.
    #[error("an RSA key's `e` must be odd and at least 3 and at most 2^32: 65537 is usual")]
    RsaExponent,
    /// Numbers that are no key of their type: a point off the curve, an even modulus, a point of small order.
    #[error("the key's numbers do not form a key of its type: export it again")]
    Unsound,
    /// `use` says something else than signatures.
    #[error("the key's `use` must be `sig` or left out")]
    Use,
    /// `key_ops` does not allow verifying.
    #[error("the key's `key_ops` must be a list that holds `verify`, or be left out")]
    Operations,
    /// `alg` is not one of the key type's.
    #[error("the key's `alg` must fit its type: RS256 or PS256 for RSA, ES256 for EC, EdDSA for OKP")]
    Algorithm,
    /// `kid` is no short plain text.
    #[error("the key's `kid` must be text of at most {} bytes without control characters", limits::NAME_BYTES)]
    Name,
    /// Not a key set.
    #[error("a key set must be a JSON object with a list named `keys`")]
    NotASet,
    /// More keys than a set may have.
    #[error("a key set may hold at most {} keys: remove old ones", limits::KEYS)]
    TooManyKeys,
    /// A shared secret too short or too long for HS256.
    #[error(
        "a secret for HS256 must have {} to {} bytes: set a new one",
        limits::HMAC_SECRET_BYTES.start(),
        limits::HMAC_SECRET_BYTES.end()
    )]
    SecretSize,
}
