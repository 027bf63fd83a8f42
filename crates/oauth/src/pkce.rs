//! Proof key for code exchange: the challenge an authorization request brings and the verifier that
//! redeems the code. S256 unless a client is allowed `plain`. RFC 7636, RFC 9700 §2.1.1.

use crate::error::{ErrorCode, OAuthError};
use aws_lc_rs::{constant_time, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Whether a client may send its verifier as the challenge: old clients only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AllowPlain {
    /// It may.
    Yes,
    /// It may not.
    No,
}

/// A code challenge. A plain one is the verifier itself, so challenges do not print.
#[derive(Clone)]
pub struct Challenge {
    method: Method,
    text: Box<str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    S256,
    Plain,
}

impl Challenge {
    /// Reads `code_challenge` and `code_challenge_method`; `None` when neither was sent. No method means
    /// `plain` (RFC 7636 §4.3).
    pub fn parse(challenge: Option<&str>, method: Option<&str>, plain: AllowPlain) -> Result<Option<Self>, OAuthError> {
        let Some(text) = challenge else {
            return match method {
                Some(_) => Err(OAuthError::invalid_request("code_challenge_method needs a code_challenge; send both")),
                None => Ok(None),
            };
        };
        let method = match method {
            Some("S256") => Method::S256,
            Some("plain") | None if plain == AllowPlain::Yes => Method::Plain,
            Some("plain") | None => {
                return Err(OAuthError::invalid_request("send code_challenge_method=S256; plain is not taken here"));
            }
            Some(_) => return Err(OAuthError::invalid_request("code_challenge_method must be S256")),
        };
        let is_fine = match method {
            Method::S256 => (text.len() == 43) && text.bytes().all(is_base64url),
            Method::Plain => is_verifier(text),
        };
        if is_fine {
            Ok(Some(Self { method, text: text.into() }))
        } else {
            Err(OAuthError::invalid_request(
                "code_challenge must be the SHA-256 of the verifier as 43 letters of base64url without padding",
            ))
        }
    }

    /// The challenge as it was sent: to be kept with the code.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The method's word: to be kept with the code.
    pub fn method(&self) -> &'static str {
        match self.method {
            Method::S256 => "S256",
            Method::Plain => "plain",
        }
    }

    /// Whether a verifier is well-formed (RFC 7636 §4.1) and fits, compared in constant time.
    pub fn verify(&self, verifier: &str) -> bool {
        if !is_verifier(verifier) {
            return false;
        }
        let transformed = match self.method {
            Method::S256 => URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes())),
            Method::Plain => verifier.to_owned(),
        };
        constant_time::verify_slices_are_equal(self.text.as_bytes(), transformed.as_bytes()).is_ok()
    }
}

/// Judges what a token request brings against what the code was issued with. A verifier without a
/// challenge is refused too: somebody may have taken the challenge out of the request (RFC 9700 §4.8.2).
pub fn check(challenge: Option<&Challenge>, verifier: Option<&str>) -> Result<(), OAuthError> {
    let refuse = |sentence| Err(OAuthError::new(ErrorCode::InvalidGrant, sentence));
    match (challenge, verifier) {
        (None, None) => Ok(()),
        (Some(challenge), Some(verifier)) if challenge.verify(verifier) => Ok(()),
        (Some(_), Some(_)) => refuse("code_verifier does not fit the code_challenge of this code"),
        (Some(_), None) => refuse("code_verifier is missing; this code was asked for with a code_challenge"),
        (None, Some(_)) => refuse("this code was asked for without a code_challenge; send none, or ask again with one"),
    }
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn is_verifier(text: &str) -> bool {
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    (43..=128).contains(&text.len()) && text.bytes().all(is_unreserved)
}

#[cfg(test)]
mod tests {
    use super::{AllowPlain, Challenge, check};
    use crate::error::ErrorCode;

    /// RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn challenge(text: &str, method: Option<&str>, plain: AllowPlain) -> Option<Challenge> {
        Challenge::parse(Some(text), method, plain).ok().flatten()
    }

    #[test]
    fn the_example_of_the_rfc_fits_and_nothing_near_it() {
        let known = challenge(CHALLENGE, Some("S256"), AllowPlain::No);
        let fits = |verifier: &str| known.as_ref().is_some_and(|known| known.verify(verifier));
        assert!(fits(VERIFIER));
        for cut in 0..VERIFIER.len() {
            assert!(!fits(&VERIFIER[..cut]));
        }
        for near in [VERIFIER.to_lowercase(), format!("{VERIFIER}="), format!("{VERIFIER}a"), CHALLENGE.to_owned()] {
            assert!(!fits(&near), "{near}");
        }
        assert_eq!(known.as_ref().map(|known| (known.method(), known.text())), Some(("S256", CHALLENGE)));
    }

    #[test]
    fn a_challenge_is_43_letters_of_base64url() {
        for bad in
            ["", &CHALLENGE[1..], &format!("{CHALLENGE}a"), &CHALLENGE.replace('-', "+"), &CHALLENGE.replace('-', "=")]
        {
            assert!(challenge(bad, Some("S256"), AllowPlain::Yes).is_none(), "{bad}");
        }
    }

    #[test]
    fn plain_is_refused_unless_the_client_is_allowed_it() {
        for method in [Some("plain"), None] {
            assert!(challenge(VERIFIER, method, AllowPlain::No).is_none());
            let known = challenge(VERIFIER, method, AllowPlain::Yes);
            assert!(known.as_ref().is_some_and(|known| known.verify(VERIFIER) && known.method() == "plain"));
            assert!(known.is_some_and(|known| !known.verify(CHALLENGE)));
            // RFC 7636 §4.2: a plain challenge is a verifier.
            assert!(challenge("short", method, AllowPlain::Yes).is_none());
        }
        for method in ["s256", "PLAIN", "S512", "none"] {
            assert!(challenge(CHALLENGE, Some(method), AllowPlain::Yes).is_none(), "{method}");
        }
    }

    #[test]
    fn a_method_without_a_challenge_is_refused_and_neither_is_fine() {
        assert!(Challenge::parse(None, Some("S256"), AllowPlain::No).is_err());
        assert!(Challenge::parse(None, None, AllowPlain::No).is_ok_and(|none| none.is_none()));
    }

    #[test]
    fn a_verifier_is_43_to_128_unreserved_letters() {
        let plain = |text: &str| challenge(text, Some("plain"), AllowPlain::Yes);
        for (text, is_fine) in [
            ("a".repeat(42), false),
            ("a".repeat(43), true),
            (format!("{}-._~", "Z9".repeat(62)), true),
            ("a".repeat(129), false),
            (format!("{}+", "a".repeat(43)), false),
            (format!("{} ", "a".repeat(43)), false),
            (format!("{}\u{e9}", "a".repeat(43)), false),
        ] {
            assert_eq!(plain(&text).is_some_and(|known| known.verify(&text)), is_fine, "{text}");
        }
        // Its hash fits, its form does not.
        let hash_of_short = "LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ";
        assert!(challenge(hash_of_short, Some("S256"), AllowPlain::No).is_some_and(|known| !known.verify("hello")));
    }

    #[test]
    fn challenge_and_verifier_come_together_or_not_at_all() {
        let known = challenge(CHALLENGE, Some("S256"), AllowPlain::No);
        assert_eq!(check(None, None), Ok(()));
        assert_eq!(check(known.as_ref(), Some(VERIFIER)), Ok(()));
        for (challenge, verifier) in [(known.as_ref(), None), (known.as_ref(), Some(CHALLENGE)), (None, Some(VERIFIER))]
        {
            assert_eq!(check(challenge, verifier).err().map(|refusal| refusal.code()), Some(ErrorCode::InvalidGrant));
        }
    }
}
