//! The header of a compact token.

use crate::algorithm::Algorithm;
use crate::bad::{BadToken, Part};
use crate::json;
use crate::jwk::PublicKey;
use crate::limits;
use serde_json::{Map, Value};

/// Members that change how a token is read (RFC 7515 §4.1.11, RFC 7797, RFC 7516 §4.1.3) or say where its
/// key is to be had (RFC 7515 §4.1.2, §4.1.5, §4.1.6): keys come from us, never from whoever signs.
const REFUSED: [&str; 6] = ["crit", "b64", "zip", "jku", "x5u", "x5c"];

/// Whether a token brings the key it is signed with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Embedded {
    /// It must not: anybody can sign with a key of their own.
    Refused,
    /// It may: the token proves possession of that key and nothing else (RFC 9449 §4.2).
    Wanted,
}

/// What a token says about itself. Nothing of it is proved before the signature is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    algorithm: String,
    kid: Option<String>,
    typ: Option<String>,
}

impl Header {
    /// Reads a decoded header and the key in it, if one is wanted.
    pub(crate) fn read(bytes: &[u8], embedded: Embedded) -> Result<(Self, Option<PublicKey>), BadToken> {
        let members = json::object(bytes).map_err(|why| BadToken::Json(Part::Header, why))?;
        if let Some(name) = REFUSED.into_iter().find(|name| members.contains_key(*name)) {
            return Err(BadToken::Member(name));
        }
        let key = match (members.get("jwk"), embedded) {
            (None, _) => None,
            (Some(_), Embedded::Refused) => return Err(BadToken::Member("jwk")),
            (Some(jwk), Embedded::Wanted) => Some(PublicKey::parse_jwk(jwk).map_err(BadToken::EmbeddedKey)?),
        };
        let algorithm = members.get("alg").and_then(Value::as_str).ok_or(BadToken::NoAlgorithm)?;
        if algorithm.eq_ignore_ascii_case("none") {
            return Err(BadToken::Unsigned);
        }
        let header = Self { algorithm: algorithm.to_owned(), kid: name(&members, "kid")?, typ: name(&members, "typ")? };
        Ok((header, key))
    }

    /// `alg` as it stands.
    pub fn algorithm_name(&self) -> &str {
        &self.algorithm
    }

    /// `alg` if it is one with a public key that is spoken here.
    pub fn algorithm(&self) -> Option<Algorithm> {
        Algorithm::parse(&self.algorithm)
    }

    /// `kid`: which key the token says it is signed with. Good for looking up, by equality, in a list of
    /// known keys; never for building a path or a statement.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// `typ` as it stands.
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }

    /// Whether `typ` is this kind, such as `at+jwt`: a media type, so letter case does not matter and
    /// `application/` may stand before it (RFC 7515 §4.1.9). A token without `typ` is of no kind.
    pub fn is(&self, kind: &str) -> bool {
        const PREFIX: &str = "application/";
        self.typ.as_deref().is_some_and(|typ| {
            let bare = typ.split_at_checked(PREFIX.len()).filter(|(prefix, _)| prefix.eq_ignore_ascii_case(PREFIX));
            bare.map_or(typ, |(_, rest)| rest).eq_ignore_ascii_case(kind)
        })
    }
}

fn name(members: &Map<String, Value>, member: &'static str) -> Result<Option<String>, BadToken> {
    let Some(value) = members.get(member) else { return Ok(None) };
    let text = value.as_str().filter(|text| is_name(text)).ok_or(BadToken::Name(member))?;
    Ok(Some(text.to_owned()))
}

/// Whether a text may be a `kid` or `typ`: short, and harmless in a log.
pub(crate) fn is_name(text: &str) -> bool {
    text.len() <= limits::NAME_BYTES && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::{Embedded, Header};

    #[test]
    fn a_kind_is_a_media_type() {
        let is = |header: &str, kind: &str| {
            Header::read(header.as_bytes(), Embedded::Refused).is_ok_and(|(header, _)| header.is(kind))
        };
        assert!(is(r#"{"alg":"RS256","typ":"at+jwt"}"#, "at+jwt"));
        assert!(is(r#"{"alg":"RS256","typ":"AT+JWT"}"#, "at+jwt"));
        assert!(is(r#"{"alg":"RS256","typ":"Application/at+jwt"}"#, "at+jwt"));
        assert!(!is(r#"{"alg":"RS256","typ":"JWT"}"#, "at+jwt"));
        assert!(!is(r#"{"alg":"RS256","typ":"application/application/at+jwt"}"#, "at+jwt"));
        assert!(!is(r#"{"alg":"RS256","typ":"x/at+jwt"}"#, "at+jwt"));
        assert!(!is(r#"{"alg":"RS256","typ":"application-at+jwt"}"#, "at+jwt"));
        assert!(!is(r#"{"alg":"RS256","typ":"äapplicatio/"}"#, ""));
        assert!(!is(r#"{"alg":"RS256"}"#, "at+jwt"));
    }
}
