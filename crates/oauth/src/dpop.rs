//! Proofs of possession: what one must say about the request it came with. Whether its key made it, which key
//! that must be, and whether it was shown before, is decided in `engine`. RFC 9449 §4.

use crate::error::{ErrorCode, OAuthError};
use crate::limits;
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use url::Url;

/// The `typ` of a proof (RFC 9449 §4.2).
pub const TYPE: &str = "dpop+jwt";

/// What a proof says, once its signature is verified.
#[derive(Debug, Clone, Copy)]
pub struct Stated<'p> {
    /// `jti`: what tells it from any other of its key.
    pub id: &'p str,
    /// `htm`: the method.
    pub method: &'p str,
    /// `htu`: the address.
    pub url: &'p str,
    /// `iat`: when it was made, in seconds since 1970.
    pub made_at: i64,
    /// `ath`: the hash of the access token beside it.
    pub access_token_hash: Option<&'p str>,
}

/// The request a proof came with.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'r> {
    /// Its method.
    pub method: &'r str,
    /// Where it was sent: the configured public address and the path, never what a header says.
    pub url: &'r str,
    /// The access token it is to open something with.
    pub access_token: Option<&'r str>,
    /// Now, in seconds since 1970.
    pub now: i64,
}

/// `invalid_dpop_proof` with its sentence.
pub fn invalid(sentence: impl Into<std::borrow::Cow<'static, str>>) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidDpopProof, sentence)
}

/// The proof of a request's `DPoP` headers, if there is one. Two are refused: the one that is checked may not be
/// the one that is believed. `None` in the list stands for a header that is no text.
pub fn only_one<'h>(mut headers: impl Iterator<Item = Option<&'h str>>) -> Result<Option<&'h str>, OAuthError> {
    match (headers.next(), headers.next()) {
        (None, _) => Ok(None),
        (Some(Some(proof)), None) if !proof.contains(',') => Ok(Some(proof)),
        (Some(_), None) => Err(invalid("the DPoP header is not one compact JWT")),
        (Some(_), Some(_)) => Err(invalid("there are two DPoP headers; send one")),
    }
}

/// Whether a proof was made for this request, now (RFC 9449 §4.3, numbers 8, 9, 11 and 12).
pub fn check(stated: &Stated<'_>, asked: &Asked<'_>) -> Result<(), OAuthError> {
    if !limits::PROOF_ID_BYTES.contains(&stated.id.len()) {
        let (least, most) = (limits::PROOF_ID_BYTES.start(), limits::PROOF_ID_BYTES.end());
        return Err(invalid(format!("the proof's jti must have {least} to {most} bytes")));
    }
    if stated.method != asked.method {
        return Err(invalid("the proof's htm is not the method of this request"));
    }
    if !is_same_address(stated.url, asked.url) {
        return Err(invalid("the proof's htu is not the address of this request, as the metadata names it"));
    }
    if stated.made_at > asked.now.saturating_add(limits::PROOF_AHEAD_SECONDS) {
        return Err(invalid("the proof's iat lies in the future; compare the clocks of both machines"));
    }
    if stated.made_at < asked.now.saturating_sub(limits::PROOF_SECONDS) {
        return Err(invalid("the proof is too old by its iat; make one for each request, and compare the clocks"));
    }
    match (asked.access_token, stated.access_token_hash) {
        (None, _) => Ok(()),
        (Some(token), Some(hash)) if hash == access_token_hash(token) => Ok(()),
        (Some(_), Some(_)) => Err(invalid("the proof's ath is not the hash of the access token beside it")),
        (Some(_), None) => Err(invalid("the proof lacks ath, the hash of the access token beside it")),
    }
}

/// The `ath` of an access token: its SHA-256 (RFC 9449 §4.2).
pub fn access_token_hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, token.as_bytes()))
}

/// Whether two addresses are one, letter case of scheme and host, the default port, query and fragment aside
/// (RFC 9449 §4.3, RFC 3986 §6.2.2 and §6.2.3).
fn is_same_address(stated: &str, asked: &str) -> bool {
    let is_plain = |text: &str| {
        (text.len() <= limits::URI_BYTES)
            && text.bytes().all(|byte| matches!(byte, 0x21..=0x7e) && !matches!(byte, b'\\'))
    };
    let read = |text: &str| {
        let mut url = Url::parse(text).ok()?;
        url.set_query(None);
        url.set_fragment(None);
        Some(url)
    };
    is_plain(stated) && read(stated).is_some_and(|stated| read(asked) == Some(stated))
}

#[cfg(test)]
mod tests {
    use super::{Asked, Stated, access_token_hash, check, only_one};
    use crate::error::ErrorCode;
    use crate::limits;

    const URL: &str = "https://door.example.com/realms/main/protocol/openid-connect/token";
    const NOW: i64 = 1_933_135_628;
    const STATED: Stated<'_> =
        Stated { id: "e1j3V_bKic8-LAEB", method: "POST", url: URL, made_at: NOW, access_token_hash: None };
    const ASKED: Asked<'_> = Asked { method: "POST", url: URL, access_token: None, now: NOW };

    fn is_fine(stated: &Stated<'_>, asked: &Asked<'_>) -> bool {
        let outcome = check(stated, asked);
        assert!(outcome.as_ref().err().is_none_or(|refused| refused.code() == ErrorCode::InvalidDpopProof));
        outcome.is_ok()
    }

    #[test]
    fn a_proof_is_for_one_method() {
        assert!(is_fine(&STATED, &ASKED));
        for method in ["GET", "PUT", "post", "", "POST "] {
            assert!(!is_fine(&Stated { method, ..STATED }, &ASKED), "{method}");
        }
    }

    #[test]
    fn a_proof_is_for_one_address_however_it_is_spelled() {
        for url in [
            "https://door.example.com/realms/main/protocol/openid-connect/token?a=b",
            "https://door.example.com/realms/main/protocol/openid-connect/token#here",
            "https://door.example.com:443/realms/main/protocol/openid-connect/token",
            "HTTPS://Door.Example.COM/realms/main/protocol/openid-connect/token",
            "https://door.example.com/realms/main/x/../protocol/openid-connect/token",
        ] {
            assert!(is_fine(&Stated { url, ..STATED }, &ASKED), "{url}");
        }
        for url in [
            "",
            "/realms/main/protocol/openid-connect/token",
            "http://door.example.com/realms/main/protocol/openid-connect/token",
            "https://door.example.com:8443/realms/main/protocol/openid-connect/token",
            "https://evil.example.com/realms/main/protocol/openid-connect/token",
            "https://door.example.com@evil.example.com/realms/main/protocol/openid-connect/token",
            "https://somebody@door.example.com/realms/main/protocol/openid-connect/token",
            "https://door.example.com/realms/other/protocol/openid-connect/token",
            "https://door.example.com/realms/main/protocol/openid-connect/token/",
            "https://door.example.com/realms/main/protocol/openid-connect/Token",
            "https://door.example.com\\realms/main/protocol/openid-connect/token",
            " https://door.example.com/realms/main/protocol/openid-connect/token",
            "https://door.example.com/realms/main/protocol/openid-connect/to\tken",
        ] {
            assert!(!is_fine(&Stated { url, ..STATED }, &ASKED), "{url}");
        }
        let long = format!("{URL}?{}", "a".repeat(limits::URI_BYTES));
        assert!(!is_fine(&Stated { url: &long, ..STATED }, &ASKED));
    }

    #[test]
    fn a_proof_is_of_its_moment() {
        let at = |made_at| is_fine(&Stated { made_at, ..STATED }, &ASKED);
        assert!(at(NOW - 10) && at(NOW + 10));
        assert!(at(NOW - limits::PROOF_SECONDS) && !at(NOW - limits::PROOF_SECONDS - 1));
        assert!(at(NOW + limits::PROOF_AHEAD_SECONDS) && !at(NOW + limits::PROOF_AHEAD_SECONDS + 1));
        assert!(!at(NOW - 3600) && !at(NOW + 3600) && !at(0) && !at(i64::MAX) && !at(i64::MIN));
    }

    #[test]
    fn a_proof_has_a_name_of_some_length() {
        for (length, is_good) in [(0, false), (1, true), (256, true), (257, false)] {
            assert_eq!(is_fine(&Stated { id: &"x".repeat(length), ..STATED }, &ASKED), is_good, "{length}");
        }
    }

    #[test]
    fn at_a_resource_the_proof_names_the_token() {
        // RFC 9449 §7.1: the token and the hash of the example.
        let token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
        let hash = "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo";
        assert_eq!(access_token_hash(token), hash);
        let asked = Asked { access_token: Some(token), ..ASKED };
        let with = |access_token_hash| is_fine(&Stated { access_token_hash, ..STATED }, &asked);
        assert!(with(Some(hash)));
        assert!(!with(None) && !with(Some("")) && !with(Some(&hash[1..])) && !with(Some(token)));
        assert!(!with(Some(&access_token_hash("another"))));
    }

    #[test]
    fn a_request_has_one_proof_or_none() {
        assert_eq!(only_one([].into_iter()), Ok(None));
        assert_eq!(only_one([Some("a.b.c")].into_iter()), Ok(Some("a.b.c")));
        for bad in [&[Some("a.b.c"), Some("a.b.c")][..], &[Some("a.b.c, d.e.f")], &[None], &[None, Some("a.b.c")]] {
            let refused = only_one(bad.iter().copied()).err().map(|refused| refused.code());
            assert_eq!(refused, Some(ErrorCode::InvalidDpopProof), "{bad:?}");
        }
    }
}
