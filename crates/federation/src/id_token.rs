//! Whether an ID token is the answer to what was asked (OIDC Core §3.1.3.7). Pure: the token, the keys and what was
//! asked in; what it claims out.

use crate::limits;
use crate::trouble::Trouble;
use doorward_jose::bad::BadToken;
use doorward_jose::claims::{Claims, Skew};
use doorward_jose::jws::Presented;
use doorward_jose::key_set::KeySet;
use doorward_oauth::token_hash;

/// What the token must answer.
pub struct Asked<'a> {
    /// The provider, letter by letter.
    pub issuer: &'a str,
    /// What Doorward is called there.
    pub client_id: &'a str,
    /// The nonce of the request.
    pub nonce: &'a str,
    /// The access token that came with it.
    pub access_token: &'a str,
    /// Seconds since 1970.
    pub now: i64,
    /// How far the provider's clock may be apart, in seconds.
    pub tolerance: u32,
}

/// Checks a token. `Err(Trouble::Token(BadToken::UnknownKey))` says that other keys may do.
///
/// # Errors
/// [`Trouble::Token`] or [`Trouble::Claim`]: what is wrong with it.
pub fn check(keys: &KeySet, token: &str, asked: &Asked<'_>) -> Result<Claims, Trouble> {
    let presented = Presented::read(token)?;
    let claims = presented.verify(keys.find_for(presented.header())?)?;
    if claims.issuer()? != asked.issuer {
        return Err(Trouble::Claim("another issuer"));
    }
    let audiences = claims.audiences()?;
    if !audiences.contains(&asked.client_id) {
        return Err(Trouble::Claim("that it is for another client"));
    }
    let party = claims.text("azp")?;
    if party.is_some_and(|party| party != asked.client_id) || (audiences.len() > 1 && party.is_none()) {
        return Err(Trouble::Claim("that it is for several clients, and not that it was made for Doorward"));
    }
    claims.check_times(asked.now, Skew::seconds(asked.tolerance))?;
    if claims.time("iat")?.is_none() {
        return Err(Trouble::Token(BadToken::NoClaim("iat")));
    }
    if claims.text("nonce")? != Some(asked.nonce) {
        return Err(Trouble::Claim("another nonce: it does not answer this sign-in"));
    }
    if let Some(told) = claims.text("at_hash")?
        && token_hash::at_hash(presented.header().algorithm_name(), asked.access_token).as_deref() != Some(told)
    {
        return Err(Trouble::Claim("that another access token belongs to it"));
    }
    let subject = claims.subject()?;
    if subject.trim().is_empty() || subject.len() > limits::SUBJECT_BYTES || subject.chars().any(char::is_control) {
        return Err(Trouble::Claim("no subject anybody could be known by"));
    }
    Ok(claims)
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_jose::algorithm::Algorithm;
    use doorward_jose::key::SigningKey;
    use doorward_model::dice::Counting;
    use doorward_model::fault::Fault;
    use doorward_model::id::KeyId;
    use serde_json::{Value, json};

    const NOW: i64 = 1_800_000_000;

    fn key(dice: &Counting) -> Result<SigningKey, Fault> {
        let pkcs8 = SigningKey::generate(Algorithm::Es256)?;
        SigningKey::parse(KeyId::draw(dice), Algorithm::Es256, &pkcs8)
    }

    fn good() -> Value {
        json!({
            "iss": "https://id.example.com", "aud": "doorward", "sub": "company-1", "nonce": "n-1",
            "iat": NOW - 5, "exp": NOW + 300,
        })
    }

    fn asked() -> Asked<'static> {
        Asked {
            issuer: "https://id.example.com",
            client_id: "doorward",
            nonce: "n-1",
            access_token: "the access token",
            now: NOW,
            tolerance: 60,
        }
    }

    fn set(keys: &[&SigningKey]) -> Result<KeySet, Fault> {
        let keys: Vec<Value> = keys.iter().map(|key| key.public_jwk()).collect();
        KeySet::parse(&json!({ "keys": keys })).map_err(|bad| Fault::internal(bad.to_string()))
    }

    #[test]
    fn the_answer_to_what_was_asked_is_taken() -> Result<(), Fault> {
        let dice = Counting::new(1);
        let key = key(&dice)?;
        let keys = set(&[&key])?;
        for (name, value) in [
            ("aud", json!(["doorward"])),
            ("azp", json!("doorward")),
            ("exp", json!(NOW - 59)),
            ("iat", json!(NOW + 59)),
            ("at_hash", json!(token_hash::at_hash("ES256", "the access token"))),
        ] {
            let mut claims = good();
            claims[name] = value;
            let token = key.sign("JWT", &claims)?;
            let taken = check(&keys, &token, &asked());
            assert!(taken.is_ok(), "{claims}: {:?}", taken.err());
        }
        let mut several = good();
        several["aud"] = json!(["doorward", "another"]);
        several["azp"] = json!("doorward");
        assert!(check(&keys, &key.sign("JWT", &several)?, &asked()).is_ok());
        Ok(())
    }

    /// Also the attack rows B4-05 and B4-08.
    #[test]
    fn gauntlet_b4_05_anything_missing_foreign_or_over_is_refused() -> Result<(), Fault> {
        let dice = Counting::new(1);
        let key = key(&dice)?;
        let keys = set(&[&key])?;
        let wrong = [
            ("iss", json!("https://id.example.com/")),
            ("iss", json!("https://evil.example.com")),
            ("iss", json!(["https://id.example.com"])),
            ("iss", Value::Null),
            ("aud", json!("another")),
            ("aud", json!([])),
            ("aud", json!(["doorward", "another"])),
            ("aud", json!({"doorward": true})),
            ("aud", Value::Null),
            ("azp", json!("another")),
            ("nonce", json!("n-2")),
            ("nonce", json!("")),
            ("nonce", Value::Null),
            ("exp", json!(NOW - 60)),
            ("exp", json!("never")),
            ("exp", Value::Null),
            ("iat", json!(NOW + 61)),
            ("iat", Value::Null),
            ("nbf", json!(NOW + 61)),
            ("at_hash", json!("77QmUPtjPfzWtF2AnpK9RQ")),
            ("sub", json!("")),
            ("sub", json!("  ")),
            ("sub", json!("a\u{0}b")),
            ("sub", json!(17)),
            ("sub", json!({"id": 1})),
            ("sub", json!("x".repeat(limits::SUBJECT_BYTES + 1))),
            ("sub", Value::Null),
        ];
        for (name, value) in wrong {
            for is_absent in [false, true] {
                let mut claims = good();
                claims[name] = value.clone();
                // Absent is as wrong as null, for what must be there.
                if is_absent && value.is_null() {
                    claims.as_object_mut().map(|members| members.remove(name));
                }
                let token = key.sign("JWT", &claims)?;
                assert!(check(&keys, &token, &asked()).is_err(), "{claims}");
            }
        }
        Ok(())
    }

    #[test]
    fn only_the_providers_keys_count_and_one_that_is_not_there_is_told_apart() -> Result<(), Fault> {
        let dice = Counting::new(1);
        let (ours, theirs) = (key(&dice)?, key(&dice)?);
        let token = theirs.sign("JWT", &good())?;
        let unknown = check(&set(&[&ours])?, &token, &asked()).err();
        assert_eq!(unknown, Some(Trouble::Token(BadToken::UnknownKey)));
        assert!(check(&set(&[&ours, &theirs])?, &token, &asked()).is_ok());
        let (head, rest) = token.split_once('.').unwrap_or_default();
        let (_, signature) = rest.split_once('.').unwrap_or_default();
        let (_, of_other) =
            ours.sign("JWT", &good())?.rsplit_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap_or_default();
        for forged in [
            format!("{head}.{}", rest.replace(signature, &of_other)),
            format!("{head}.{}.", rest.split('.').next().unwrap_or_default()),
            "eyJhbGciOiJub25lIn0.e30.".to_owned(),
            String::new(),
        ] {
            assert!(check(&set(&[&ours, &theirs])?, &forged, &asked()).is_err(), "{forged}");
        }
        Ok(())
    }
}
