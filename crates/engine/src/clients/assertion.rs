//! What a client signs to prove who it is (RFC 7521 §4.2, RFC 7523 §3, OIDC Core §9). The signature is
//! somebody else's business: what is judged here was signed by the client's own key or secret.

use crate::limits;
use aws_lc_rs::digest::{SHA256, digest};
use doorward_jose::bad::BadToken;
use doorward_jose::claims::{Claims, Skew};
use doorward_jose::header::Header;
use doorward_jose::limits::SKEW_SECONDS;
use doorward_model::time::Timestamp;

/// What the single use of assertions is noted under.
pub(crate) const KIND: &str = "client";

/// What an assertion is held against.
pub(crate) struct Expected<'a> {
    /// The client.
    pub client: &'a str,
    /// Whom it may be meant for: the issuer, the token endpoint, and the endpoint that was called.
    pub audiences: &'a [&'a str],
    /// Now.
    pub now: Timestamp,
}

/// A good assertion: what makes it a single one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Single {
    /// SHA-256 of its id: ids may be long.
    pub hash: [u8; 32],
    /// From when on it would not be taken anyway.
    pub until: Timestamp,
}

/// Why an assertion is no proof, though its client signed it: told to the client, which is itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Bad {
    #[error("{0}")]
    Token(#[from] BadToken),
    #[error("the assertion's `iss` and `sub` must both be the client id")]
    NotOfItself,
    #[error("the assertion's `aud` must be the issuer or the token endpoint, and nothing besides")]
    Audience,
    #[error("the assertion's `exp` is more than {} seconds ahead: make it short-lived", limits::ASSERTION_SECONDS)]
    TooLong,
    #[error("the assertion's `jti` is empty: set it to a fresh random text")]
    NoId,
    #[error("the header's `typ` is that of another kind of token: leave it out, or set it to JWT")]
    Kind,
}

/// Judges an assertion whose signature is the client's.
pub(crate) fn decide(header: &Header, claims: &Claims, expected: &Expected<'_>) -> Result<Single, Bad> {
    // A token of another kind, signed by the same key for another purpose, is not meant as a proof.
    let is_kind = header.typ().is_none() || header.is("JWT") || header.is("client-authentication+jwt");
    if !is_kind {
        return Err(Bad::Kind);
    }
    if claims.issuer()? != expected.client || claims.subject()? != expected.client {
        return Err(Bad::NotOfItself);
    }
    let audiences = claims.audiences()?;
    // One audience of somebody else's is enough to refuse: whoever that is could show the assertion here.
    if audiences.is_empty() || !audiences.iter().all(|told| expected.audiences.contains(told)) {
        return Err(Bad::Audience);
    }
    let now = expected.now.seconds();
    claims.check_times(now, Skew::USUAL)?;
    let end = claims.times()?.exp.ok_or(BadToken::NoClaim("exp"))?;
    let latest = now + limits::ASSERTION_SECONDS + SKEW_SECONDS;
    if end > latest {
        return Err(Bad::TooLong);
    }
    let id = claims.jti()?;
    if id.is_empty() {
        return Err(Bad::NoId);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, id.as_bytes()).as_ref());
    let until = Timestamp::from_millis(end.saturating_mul(1000)).plus_seconds(limits::ASSERTION_MEMORY_SECONDS);
    Ok(Single { hash, until })
}

#[cfg(test)]
mod tests {
    use super::{Bad, Expected, decide};
    use aws_lc_rs::hmac;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use doorward_jose::bad::BadToken;
    use doorward_jose::hmac::HmacKey;
    use doorward_jose::jws::Presented;
    use doorward_model::time::Timestamp;
    use serde_json::{Value, json};

    const SECRET: &[u8] = &[7; 32];
    const NOW: i64 = 1_900_000_000;
    const ISSUER: &str = "https://door.example.com/realms/main";
    const TOKEN: &str = "https://door.example.com/realms/main/protocol/openid-connect/token";

    fn judge(header: &Value, claims: &Value) -> Result<(), Bad> {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET), signed.as_bytes());
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
        let (Ok(token), Ok(key)) = (Presented::read(&token), HmacKey::new(SECRET)) else { panic!("{claims}") };
        let Ok(claims) = token.verify_hmac(&key) else { panic!("{claims}") };
        let now = Timestamp::from_millis(NOW * 1000);
        let expected = Expected { client: "ci", audiences: &[ISSUER, TOKEN], now };
        decide(token.header(), &claims, &expected).map(drop)
    }

    fn good() -> Value {
        json!({"iss": "ci", "sub": "ci", "aud": TOKEN, "exp": NOW + 60, "iat": NOW, "jti": "1"})
    }

    fn with(name: &str, value: Value) -> Result<(), Bad> {
        let mut claims = good();
        match value {
            Value::Null => drop(claims.as_object_mut().and_then(|members| members.remove(name))),
            value => claims[name] = value,
        }
        judge(&json!({"alg": "HS256"}), &claims)
    }

    #[test]
    fn a_client_speaks_of_itself_to_us_for_a_short_time() {
        assert_eq!(judge(&json!({"alg": "HS256"}), &good()), Ok(()));
        for (name, value) in [
            ("aud", json!(ISSUER)),
            ("aud", json!([ISSUER])),
            ("aud", json!([TOKEN, ISSUER])),
            ("exp", json!(NOW + 330)),
            ("exp", json!(NOW - 29)),
            ("iat", Value::Null),
            ("iat", json!(NOW + 30)),
            ("nbf", json!(NOW + 30)),
        ] {
            assert_eq!(with(name, value.clone()), Ok(()), "{name} {value}");
        }
        let no = |name| Bad::Token(BadToken::NoClaim(name));
        for (name, value, wanted) in [
            ("iss", json!("other"), Bad::NotOfItself),
            ("sub", json!("other"), Bad::NotOfItself),
            ("iss", Value::Null, no("iss")),
            ("sub", Value::Null, no("sub")),
            ("jti", Value::Null, no("jti")),
            ("jti", json!(""), Bad::NoId),
            ("jti", json!(7), Bad::Token(BadToken::TextClaim("jti"))),
            ("exp", Value::Null, no("exp")),
            ("exp", json!(NOW + 331), Bad::TooLong),
            ("exp", json!(i64::MAX), Bad::TooLong),
            ("exp", json!(NOW - 30), Bad::Token(BadToken::Expired)),
            ("exp", json!("soon"), Bad::Token(BadToken::TimeClaim("exp"))),
            ("iat", json!(NOW + 31), Bad::Token(BadToken::NotYet("iat"))),
            ("nbf", json!(NOW + 31), Bad::Token(BadToken::NotYet("nbf"))),
            ("aud", Value::Null, Bad::Audience),
            ("aud", json!([]), Bad::Audience),
            ("aud", json!("https://door.example.com"), Bad::Audience),
            ("aud", json!(format!("{TOKEN}/")), Bad::Audience),
            ("aud", json!([TOKEN, "https://other.example.com"]), Bad::Audience),
            ("aud", json!({"0": TOKEN}), Bad::Token(BadToken::Audience)),
        ] {
            assert_eq!(with(name, value.clone()), Err(wanted), "{name} {value}");
        }
    }

    #[test]
    fn a_token_of_another_kind_is_no_assertion() {
        for typ in ["JWT", "jwt", "client-authentication+jwt", "application/client-authentication+jwt"] {
            assert_eq!(judge(&json!({"alg": "HS256", "typ": typ}), &good()), Ok(()), "{typ}");
        }
        for typ in ["dpop+jwt", "at+jwt", "oauth-authz-req+jwt", "logout+jwt", ""] {
            assert_eq!(judge(&json!({"alg": "HS256", "typ": typ}), &good()), Err(Bad::Kind), "{typ}");
        }
    }
}
