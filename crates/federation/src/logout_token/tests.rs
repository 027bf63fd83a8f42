//! Logout tokens as a provider makes them, and as somebody else would like to.

use super::*;
use doorward_jose::algorithm::Algorithm;
use doorward_jose::key::SigningKey;
use doorward_model::dice::Counting;
use doorward_model::id::KeyId;
use serde_json::json;
use std::error::Error;

const NOW: i64 = 1_800_000_000;

fn key(dice: &Counting) -> Result<SigningKey, Box<dyn Error>> {
    let pkcs8 = SigningKey::generate(Algorithm::Es256)?;
    Ok(SigningKey::parse(KeyId::draw(dice), Algorithm::Es256, &pkcs8)?)
}

fn settings() -> Result<OidcSettings, serde_json::Error> {
    serde_json::from_value(json!({"issuer": "https://id.example.com", "client_id": "doorward"}))
}

fn good() -> Value {
    json!({
        "iss": "https://id.example.com", "aud": "doorward", "sub": "company-1", "sid": "s-1", "jti": "t-1",
        "iat": NOW - 5, "exp": NOW + 120, "events": { EVENT: {} },
    })
}

struct Company {
    key: SigningKey,
    keys: KeySet,
    settings: OidcSettings,
}

impl Company {
    fn new() -> Result<Self, Box<dyn Error>> {
        let key = key(&Counting::new(1))?;
        let keys = KeySet::parse(&json!({ "keys": [key.public_jwk()] }))?;
        Ok(Self { key, keys, settings: settings()? })
    }

    fn heard(&self, kind: &str, claims: &Value) -> Result<Word, Trouble> {
        let token = self.key.sign(kind, claims).unwrap_or_default();
        check(&self.keys, &token, &self.settings, NOW)
    }
}

#[test]
fn a_providers_word_says_who_signed_out_of_what() -> Result<(), Box<dyn Error>> {
    let company = Company::new()?;
    let word = company.heard("logout+jwt", &good())?;
    assert_eq!((word.subject.as_deref(), word.session.as_deref()), (Some("company-1"), Some("s-1")));
    assert_eq!((word.token_id.as_str(), word.told_at.seconds()), ("t-1", NOW - 5));
    assert_eq!(word.until.seconds(), NOW + 180, "until nobody would take it any more");
    for kind in ["JWT", "application/logout+jwt", "LOGOUT+JWT"] {
        assert!(company.heard(kind, &good()).is_ok(), "{kind}");
    }
    for gone in ["sub", "sid"] {
        let mut claims = good();
        claims.as_object_mut().map(|members| members.remove(gone));
        assert!(company.heard("logout+jwt", &claims).is_ok(), "{claims}");
    }
    // More events beside it, and more in it, change nothing.
    let mut claims = good();
    claims["events"]["urn:another"] = json!({});
    claims["events"][EVENT] = json!({"more": 1});
    assert!(company.heard("logout+jwt", &claims).is_ok());
    Ok(())
}

/// OpenID Connect Back-Channel Logout §2.6, each rule.
#[test]
fn anything_missing_foreign_or_over_is_no_providers_word() -> Result<(), Box<dyn Error>> {
    let company = Company::new()?;
    for (name, value) in [
        ("iss", json!("https://id.example.com/")),
        ("iss", Value::Null),
        ("aud", json!("another")),
        ("aud", json!(["doorward", "another"])),
        ("aud", Value::Null),
        ("azp", json!("another")),
        ("iat", json!(NOW + 61)),
        ("iat", Value::Null),
        ("exp", json!(NOW - 60)),
        ("exp", Value::Null),
        ("jti", json!("")),
        ("jti", json!(7)),
        ("jti", Value::Null),
        ("nonce", json!("n-1")),
        ("nonce", json!("")),
        ("events", json!({})),
        ("events", json!([EVENT])),
        ("events", json!(EVENT)),
        ("events", json!({ EVENT: true })),
        ("events", json!({ EVENT: null })),
        ("events", json!({"http://schemas.openid.net/event/frontchannel-logout": {}})),
        ("events", Value::Null),
        ("sub", json!("")),
        ("sub", json!(["company-1"])),
        ("sid", json!("a\u{0}b")),
        ("sid", json!("x".repeat(limits::SUBJECT_BYTES + 1))),
    ] {
        for is_absent in [false, true] {
            let mut claims = good();
            claims[name] = value.clone();
            if is_absent && value.is_null() {
                claims.as_object_mut().map(|members| members.remove(name));
            }
            let heard = company.heard("logout+jwt", &claims);
            assert!(heard.is_err(), "{claims}");
        }
    }
    // A nonce of null is a nonce; and there must be a name at all.
    let mut claims = good();
    claims["nonce"] = Value::Null;
    assert!(company.heard("logout+jwt", &claims).is_err());
    let mut nobody = good();
    for name in ["sub", "sid"] {
        nobody.as_object_mut().map(|members| members.remove(name));
    }
    assert!(company.heard("logout+jwt", &nobody).is_err());
    Ok(())
}

#[test]
fn other_kinds_of_tokens_and_other_keys_are_no_providers_word() -> Result<(), Box<dyn Error>> {
    let company = Company::new()?;
    for kind in ["at+jwt", "secevent+jwt", "dpop+jwt", ""] {
        assert!(company.heard(kind, &good()).is_err(), "{kind}");
    }
    let stranger = key(&Counting::new(1))?.sign("logout+jwt", &good())?;
    assert!(check(&company.keys, &stranger, &company.settings, NOW).is_err());
    let token = company.key.sign("logout+jwt", &good())?;
    let (_, rest) = token.split_once('.').unwrap_or_default();
    let (claims, _) = rest.split_once('.').unwrap_or_default();
    // {"alg":"none"}
    assert!(check(&company.keys, &format!("eyJhbGciOiJub25lIn0.{claims}."), &company.settings, NOW).is_err());
    assert_eq!(said_issuer(&token).as_deref(), Some("https://id.example.com"));
    assert_eq!(said_issuer("no token"), None);
    Ok(())
}

#[test]
fn where_people_are_told_apart_by_other_claims_a_name_alone_is_nobodys() -> Result<(), Box<dyn Error>> {
    let mut company = Company::new()?;
    company.settings.claims.subject = vec!["tid".to_owned(), "oid".to_owned()];
    let without = |gone: &[&str]| {
        let mut claims = good();
        claims["tid"] = json!("t");
        claims["oid"] = json!("o");
        gone.iter().for_each(|name| drop(claims.as_object_mut().and_then(|members| members.remove(*name))));
        claims
    };
    let word = company.heard("logout+jwt", &without(&[]))?;
    assert_eq!((word.subject.as_deref(), word.session.as_deref()), (Some("t:o"), Some("s-1")));
    let word = company.heard("logout+jwt", &without(&["oid"]))?;
    assert_eq!((word.subject.as_deref(), word.session.as_deref()), (None, Some("s-1")), "the session says enough");
    assert!(company.heard("logout+jwt", &without(&["oid", "sid"])).is_err());
    Ok(())
}
