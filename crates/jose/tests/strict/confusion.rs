//! Tokens that try to choose the algorithm or the key they are checked with.

use crate::pen::{Pen, b64, pen, refusal, unb64, write_hmac};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use doorward_jose::algorithm::Algorithm;
use doorward_jose::bad::{BadKey, BadToken, Part};
use doorward_jose::hmac::HmacKey;
use doorward_jose::json::BadJson;
use doorward_jose::jwk::PublicKey;
use doorward_jose::jws::Presented;
use serde_json::{Value, json};

const CLAIMS: &str = r#"{"sub":"usr"}"#;

/// Every text and every run of bytes in which a public key is commonly kept.
fn forms(pen: &Pen) -> Vec<Vec<u8>> {
    let jwk = pen.key.public_jwk();
    let (der, raw) = match pen.key.algorithm() {
        Algorithm::Rs256 | Algorithm::Ps256 => {
            let pair = RsaKeyPair::from_pkcs8(&pen.pkcs8).expect("a key");
            (pair.public_key().as_der().expect("DER").as_ref().to_vec(), pair.public_key().as_ref().to_vec())
        }
        Algorithm::Es256 => {
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pen.pkcs8).expect("a key");
            (pair.public_key().as_der().expect("DER").as_ref().to_vec(), pair.public_key().as_ref().to_vec())
        }
        Algorithm::EdDsa => {
            let pair = Ed25519KeyPair::from_pkcs8(&pen.pkcs8).expect("a key");
            (pair.public_key().as_der().expect("DER").as_ref().to_vec(), pair.public_key().as_ref().to_vec())
        }
    };
    let lines: Vec<String> =
        STANDARD.encode(&der).as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"));
    let texts = [
        jwk.to_string(),
        serde_json::to_string_pretty(&jwk).expect("JSON"),
        json!({"keys": [jwk]}).to_string(),
        pem.trim_end().to_owned(),
        pem.replace('\n', "\r\n"),
        pem,
        pen.key.public().thumbprint(),
    ];
    texts.into_iter().map(String::into_bytes).chain([der, raw]).collect()
}

#[test]
fn gauntlet_b5_02_a_public_key_is_no_shared_secret() {
    let client = HmacKey::new(b"the secret of one client, 32 bytes at least").expect("a secret");
    for algorithm in Algorithm::ALL {
        let (pen, public) = (pen(algorithm), pen(algorithm).key.public());
        for secret in forms(pen) {
            for kid in [String::new(), format!(r#","kid":"{}""#, pen.key.id())] {
                let forged = write_hmac(&secret, &format!(r#"{{"alg":"HS256"{kid}}}"#), CLAIMS);
                assert_eq!(refusal(&forged, public), Some(BadToken::Algorithm), "{algorithm}");
                let answer = Presented::read(&forged).and_then(|presented| presented.verify_hmac(&client));
                assert_eq!(answer.err(), Some(BadToken::Signature), "{algorithm}");
                let renamed = write_hmac(&secret, &format!(r#"{{"alg":"{algorithm}"{kid}}}"#), CLAIMS);
                assert_eq!(refusal(&renamed, public), Some(BadToken::Signature), "{algorithm}");
                let answer = Presented::read(&renamed).and_then(|presented| presented.verify_hmac(&client));
                assert_eq!(answer.err(), Some(BadToken::Algorithm), "{algorithm}");
            }
        }
    }
}

#[test]
fn the_key_fixes_the_algorithm() {
    for writer in Algorithm::ALL {
        for named in ["RS256", "PS256", "ES256", "EdDSA", "HS256", "RS384", "ES256K", "rs256", "RS1", ""] {
            let token = pen(writer).write(format!(r#"{{"alg":"{named}"}}"#), CLAIMS);
            for reader in Algorithm::ALL {
                let answer = refusal(&token, pen(reader).key.public());
                let wanted = match (named == reader.as_str(), writer == reader) {
                    (false, _) => Some(BadToken::Algorithm),
                    (true, false) => Some(BadToken::Signature),
                    (true, true) => None,
                };
                assert_eq!(answer, wanted, "{writer} says {named}, read with {reader}");
            }
        }
    }
}

#[test]
fn an_rsa_key_without_alg_verifies_both_paddings_and_mixes_none() {
    let mut jwk = pen(Algorithm::Rs256).key.public_jwk();
    jwk.as_object_mut().expect("members").remove("alg");
    let key = PublicKey::parse_jwk(&jwk).expect("a key");
    assert!(key.verifies(Algorithm::Rs256) && key.verifies(Algorithm::Ps256) && !key.verifies(Algorithm::Es256));
    assert_eq!(refusal(&pen(Algorithm::Rs256).claims(CLAIMS), &key), None);
    // PKCS #1 padding under the name of PSS.
    let mixed = pen(Algorithm::Rs256).write(r#"{"alg":"PS256"}"#, CLAIMS);
    assert_eq!(refusal(&mixed, &key), Some(BadToken::Signature));
}

#[test]
fn gauntlet_b5_04_keys_in_the_header_are_refused() {
    let (mallory, public) = (Pen::new(Algorithm::Es256), pen(Algorithm::Es256).key.public());
    let jwk = mallory.key.public_jwk();
    let url = "https://evil.example/keys";
    let members = [
        ("jwk", jwk.clone()),
        ("jwk", Value::Null),
        ("jku", json!(url)),
        ("x5u", json!(url)),
        ("x5c", json!(["MIIB"])),
        ("crit", json!(["exp"])),
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("zip", json!("DEF")),
    ];
    for (name, value) in members {
        for (author, whose) in [(&mallory, "hers"), (pen(Algorithm::Es256), "ours")] {
            let mut header = json!({"alg": "ES256", "kid": author.key.id().as_str()});
            header[name] = value.clone();
            let token = author.write(header.to_string(), CLAIMS);
            assert_eq!(refusal(&token, public), Some(BadToken::Member(name)), "{name}, {whose}");
            // Where a key is wanted, everything else stays refused.
            if name != "jwk" {
                header["jwk"] = jwk.clone();
                let token = author.write(header.to_string(), CLAIMS);
                assert_eq!(Presented::read_with_key(&token).err(), Some(BadToken::Member(name)), "{name}, {whose}");
            }
        }
    }
}

#[test]
fn gauntlet_b5_04_a_proof_brings_its_public_key_and_nothing_more() {
    for algorithm in Algorithm::ALL {
        let pen = pen(algorithm);
        let header = |jwk: &Value| json!({"typ": "dpop+jwt", "alg": algorithm.as_str(), "jwk": jwk}).to_string();
        let token = pen.write(header(&pen.key.public_jwk()), CLAIMS);
        let (proof, key) = Presented::read_with_key(&token).expect("a proof");
        assert_eq!(key.thumbprint(), pen.key.public().thumbprint(), "{algorithm}");
        assert!(proof.header().is("dpop+jwt"));
        assert!(proof.verify(&key).is_ok_and(|claims| claims.subject() == Ok("usr")), "{algorithm}");

        let other = Pen::new(algorithm).write(header(&pen.key.public_jwk()), CLAIMS);
        let (proof, key) = Presented::read_with_key(&other).expect("a proof");
        assert_eq!(proof.verify(&key).err(), Some(BadToken::Signature), "{algorithm}");

        for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            let mut jwk = pen.key.public_jwk();
            jwk[private] = json!("AA");
            let token = pen.write(header(&jwk), CLAIMS);
            let wanted = BadToken::EmbeddedKey(BadKey::Private(private));
            assert_eq!(Presented::read_with_key(&token).err(), Some(wanted), "{algorithm}, {private}");
        }
        let token = pen.write(header(&json!({"kty": "oct", "alg": "HS256"})), CLAIMS);
        assert_eq!(Presented::read_with_key(&token).err(), Some(BadToken::EmbeddedKey(BadKey::Type)));
        let token = pen.claims(CLAIMS);
        assert_eq!(Presented::read_with_key(&token).err(), Some(BadToken::NoEmbeddedKey));
    }
    let doubled = pen(Algorithm::Es256).write(r#"{"alg":"ES256","jwk":{"kty":"EC","kty":"EC"}}"#, CLAIMS);
    let wanted = BadToken::Json(Part::Header, BadJson::Doubled);
    assert_eq!(Presented::read_with_key(&doubled).err(), Some(wanted));
}

#[test]
fn gauntlet_b5_07_unsigned_and_encrypted_tokens_are_refused() {
    let public = pen(Algorithm::Rs256).key.public();
    for none in ["none", "None", "NONE", "nOnE"] {
        let header = b64(format!(r#"{{"alg":"{none}"}}"#));
        let unsigned = format!("{header}.{}.", b64(CLAIMS));
        assert_eq!(refusal(&unsigned, public), Some(BadToken::EmptyPart), "{none}");
        assert_eq!(refusal(&format!("{unsigned}AA"), public), Some(BadToken::Unsigned), "{none}");
        let signed = pen(Algorithm::Rs256).finish(format!("{header}.{}", b64(CLAIMS)));
        assert_eq!(refusal(&signed, public), Some(BadToken::Unsigned), "{none}");
    }
    for alg in ["null", "1", "[]", "{}", r#"["none"]"#] {
        let token = pen(Algorithm::Rs256).write(format!(r#"{{"alg":{alg}}}"#), CLAIMS);
        assert_eq!(refusal(&token, public), Some(BadToken::NoAlgorithm), "{alg}");
    }
    assert_eq!(refusal(&pen(Algorithm::Rs256).write("{}", CLAIMS), public), Some(BadToken::NoAlgorithm));
    let header = b64(r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#);
    for encrypted in [format!("{header}.QUFB.QUFB.QUFB.QUFB"), format!("{header}..QUFB.QUFB.QUFB")] {
        assert_eq!(refusal(&encrypted, public), Some(BadToken::Encrypted));
    }
    // The public key as the password of a JWE.
    let direct = b64(r#"{"alg":"dir","enc":"A256GCM"}"#);
    assert_eq!(refusal(&format!("{direct}..QUFB.QUFB.QUFB"), public), Some(BadToken::Encrypted));
}

#[test]
fn gauntlet_b5_08_shared_secrets_shorter_than_the_hash_are_refused() {
    for length in [0, 1, 8, 16, 31, 1025, 65_536] {
        assert_eq!(HmacKey::new(&vec![b'x'; length]).err(), Some(BadKey::SecretSize), "{length}");
    }
    for length in [32, 33, 64, 1024] {
        let secret = vec![b'x'; length];
        let key = HmacKey::new(&secret).expect("a secret");
        let read = |token: &str| Presented::read(token).and_then(|presented| presented.verify_hmac(&key)).err();
        assert_eq!(read(&write_hmac(&secret, r#"{"alg":"HS256"}"#, CLAIMS)), None, "{length}");
        assert_eq!(read(&write_hmac(b"another", r#"{"alg":"HS256"}"#, CLAIMS)), Some(BadToken::Signature));
        for other in ["HS384", "HS512", "hs256", "RS256", "ES256"] {
            let token = write_hmac(&secret, &format!(r#"{{"alg":"{other}"}}"#), CLAIMS);
            assert_eq!(read(&token), Some(BadToken::Algorithm), "{other}");
        }
        let whole = write_hmac(&secret, r#"{"alg":"HS256"}"#, CLAIMS);
        let (signed, tag) = whole.rsplit_once('.').expect("a token");
        for cut in [b64(&unb64(tag)[..16]), b64([0; 32]), b64([0])] {
            assert_eq!(read(&format!("{signed}.{cut}")), Some(BadToken::Signature), "{cut}");
        }
    }
}
