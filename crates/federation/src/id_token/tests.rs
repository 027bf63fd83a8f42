//! Tokens as a provider makes them, and as somebody else would like to.

use super::*;
use doorward_jose::algorithm::Algorithm;
use doorward_jose::key::SigningKey;
use doorward_model::dice::Counting;
use doorward_model::fault::Fault;
use doorward_model::id::KeyId;
use serde_json::{Value, json};
use std::sync::OnceLock;

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

fn settings() -> &'static OidcSettings {
    static SETTINGS: OnceLock<OidcSettings> = OnceLock::new();
    SETTINGS.get_or_init(|| {
        let read = serde_json::from_value(json!({"issuer": "https://id.example.com", "client_id": "doorward"}));
        let Ok(settings) = read else { panic!("settings") };
        settings
    })
}

fn asked() -> Asked<'static> {
    let (settings, nonce) = (settings(), Some("n-1"));
    Asked { settings, nonce, access_token: "the access token", beside: None, now: NOW, fresh_since: None }
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

#[test]
fn who_has_to_prove_themselves_again_has_done_so() -> Result<(), Fault> {
    let dice = Counting::new(1);
    let key = key(&dice)?;
    let keys = set(&[&key])?;
    for (proved_at, is_taken) in [
        (json!(NOW), true),
        (json!(NOW - 60), true),
        (json!(NOW - 61), false),
        (json!("now"), false),
        (Value::Null, false),
    ] {
        let mut claims = good();
        claims["auth_time"] = proved_at;
        if claims["auth_time"].is_null() {
            claims.as_object_mut().map(|members| members.remove("auth_time"));
        }
        let asked = Asked { fresh_since: Some(NOW), ..asked() };
        assert_eq!(check(&keys, &key.sign("JWT", &claims)?, &asked).is_ok(), is_taken, "{claims}");
    }
    Ok(())
}

#[test]
fn what_came_through_the_browser_with_a_token_is_named_in_it() -> Result<(), Fault> {
    let dice = Counting::new(1);
    let key = key(&dice)?;
    let keys = set(&[&key])?;
    let hash = |text: &str| json!(token_hash::at_hash("ES256", text));
    let beside = Some(Beside { code: "the code", state: "the state" });
    let browser = || Asked { beside, ..asked() };
    let judge = |change: &[(&str, Value)], asked: &Asked<'_>| -> Result<bool, Fault> {
        let mut claims = good();
        for (name, value) in change {
            claims[*name] = value.clone();
        }
        Ok(check(&keys, &key.sign("JWT", &claims)?, asked).is_ok())
    };
    let (token, code) = (("at_hash", hash("the access token")), ("c_hash", hash("the code")));
    assert!(judge(&[token.clone(), code.clone()], &browser())?);
    assert!(judge(&[token.clone(), code.clone(), ("s_hash", hash("the state"))], &browser())?);
    for wrong in [
        vec![],
        vec![token.clone()],
        vec![code.clone()],
        vec![token.clone(), ("c_hash", hash("another code"))],
        vec![("at_hash", hash("another token")), code.clone()],
        vec![token.clone(), code.clone(), ("s_hash", hash("another state"))],
        vec![token.clone(), ("c_hash", json!(7))],
    ] {
        assert!(!judge(&wrong, &browser())?, "{wrong:?}");
    }
    // What was not asked for need not be named.
    let alone = Asked { beside: Some(Beside { code: "", state: "the state" }), access_token: "", ..asked() };
    assert!(judge(&[], &alone)?);
    assert!(!judge(&[token], &alone)?, "a token that names another one is another one's");
    Ok(())
}

#[test]
fn what_is_anothers_is_told_beside_what_was_wanted() -> Result<(), Fault> {
    let dice = Counting::new(9);
    let key = key(&dice)?;
    let keys = set(&[&key])?;
    let same = "they must be the same, letter by letter";
    for (name, value, told) in [
        (
            "iss",
            json!("https://id.example.com/"),
            format!("of issuer `https://id.example.com/`, and the connector says `https://id.example.com`: {same}"),
        ),
        (
            "aud",
            json!(["another", "one\n"]),
            format!("for client `another one\\n`, and the connector says `doorward`: {same}"),
        ),
    ] {
        let mut claims = good();
        claims[name] = value;
        let refused = check(&keys, &key.sign("JWT", &claims)?, &asked());
        let sentence = refused.err().map(|trouble| trouble.to_string()).unwrap_or_default();
        assert_eq!(sentence, format!("its token is {told}"));
    }
    let tenants = json!({"issuer": "https://id.example.com", "client_id": "doorward", "tenants": ["ours"]});
    let Ok(tenants) = serde_json::from_value::<OidcSettings>(tenants) else { panic!("settings") };
    let mut claims = good();
    claims["tid"] = json!("theirs");
    let refused = check(&keys, &key.sign("JWT", &claims)?, &Asked { settings: &tenants, ..asked() });
    let sentence = refused.err().map(|trouble| trouble.to_string()).unwrap_or_default();
    assert_eq!(sentence, "the person is not let in: tenant `theirs` (claim tid) is none of the connector's");
    Ok(())
}
