//! Wycheproof's vectors: signatures that libraries have taken wrongly, or refused wrongly. What a JWS signs is not free
//! to choose, so they go to the verification that reading a token ends in, with keys read as JWKs.
//!
//! A vector passes when Wycheproof calls it valid *and* the algorithm's own standard allows it (RFC 7518 §3): nothing
//! that is merely *acceptable*, no salt but of the hash's size, no shared secret shorter than the hash, no cut tag.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_jose::algorithm::Algorithm;
use doorward_jose::bad::BadKey;
use doorward_jose::hmac::HmacKey;
use doorward_jose::jwk::PublicKey;
use serde_json::{Value, json};
use wycheproof::{HashFunction, TestResult, ecdsa, eddsa, mac, rsa_pkcs1_verify as pkcs1, rsa_pss_verify as pss};

/// Vectors looked at, and how many of them passed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    all: usize,
    passed: usize,
}

impl Tally {
    /// Looks at one signature.
    fn judge(
        &mut self,
        name: &str,
        key: &Value,
        algorithm: Algorithm,
        (message, signature): (&[u8], &[u8]),
        is_good: bool,
    ) {
        let answer = PublicKey::parse_jwk(key).map_err(|why| why.to_string());
        let answer = answer.and_then(|key| key.verify(algorithm, message, signature).map_err(|why| why.to_string()));
        assert_eq!(answer.is_ok(), is_good, "{name} as {algorithm}: {answer:?}");
        self.all += 1;
        self.passed += usize::from(is_good);
    }
}

fn b64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn is_valid(result: TestResult) -> bool {
    result == TestResult::Valid
}

/// A point as an uncompressed one is written (SEC 1 §2.3.3), under the name of a curve.
fn point(curve: &str, bytes: &[u8]) -> Value {
    let (x, y) = bytes[1..].split_at((bytes.len() - 1) / 2);
    json!({"kty": "EC", "crv": curve, "x": b64(x), "y": b64(y)})
}

fn rsa(n: &[u8], e: &[u8]) -> Value {
    let bare = |bytes: &[u8]| b64(&bytes[bytes.iter().position(|byte| *byte != 0).unwrap_or_default()..]);
    json!({"kty": "RSA", "n": bare(n), "e": bare(e)})
}

fn elliptic(set: ecdsa::TestName, is_ours: bool) -> Tally {
    let mut tally = Tally::default();
    for group in ecdsa::TestSet::load(set).expect("the vectors").test_groups {
        let key = point("P-256", &group.key.key);
        for test in group.tests {
            let is_good = is_ours && is_valid(test.result);
            let name = format!("{set:?} {} ({})", test.tc_id, test.comment);
            tally.judge(&name, &key, Algorithm::Es256, (&test.msg, &test.sig), is_good);
        }
    }
    tally
}

#[test]
fn wycheproof_es256_takes_what_is_valid_and_nothing_else() {
    assert_eq!(elliptic(ecdsa::TestName::EcdsaSecp256r1Sha256P1363, true), Tally { all: 262, passed: 173 });
    // The same numbers in DER, and with another hash.
    assert_eq!(elliptic(ecdsa::TestName::EcdsaSecp256r1Sha256, false).passed, 0);
    assert_eq!(elliptic(ecdsa::TestName::EcdsaSecp256r1Sha512P1363, false).passed, 0);
}

#[test]
fn wycheproof_keys_on_other_curves_are_refused_whatever_they_are_called() {
    type Names = ecdsa::TestName;
    for (set, own, wanted) in [
        (Names::EcdsaSecp384r1Sha384P1363, "P-384", BadKey::Number("x")),
        (Names::EcdsaSecp521r1Sha512P1363, "P-521", BadKey::Number("x")),
        (Names::EcdsaSecp224r1Sha256P1363, "P-224", BadKey::Number("x")),
        (Names::EcdsaSecp256k1Sha256P1363, "secp256k1", BadKey::Unsound),
        (Names::EcdsaBrainpool256r1Sha256P1363, "BP-256", BadKey::Unsound),
    ] {
        for group in ecdsa::TestSet::load(set).expect("the vectors").test_groups {
            let refused = |curve: &str| PublicKey::parse_jwk(&point(curve, &group.key.key)).err();
            assert_eq!((refused(own), refused("P-256")), (Some(BadKey::Curve), Some(wanted)), "{set:?}");
        }
    }
}

#[test]
fn wycheproof_eddsa_takes_what_is_valid_and_nothing_else() {
    let mut tally = Tally::default();
    for group in eddsa::TestSet::load(eddsa::TestName::Ed25519).expect("the vectors").test_groups {
        let key = json!({"kty": "OKP", "crv": "Ed25519", "x": b64(&group.key.pk)});
        for test in group.tests {
            let name = format!("Ed25519 {} ({})", test.tc_id, test.comment);
            tally.judge(&name, &key, Algorithm::EdDsa, (&test.msg, &test.sig), is_valid(test.result));
        }
    }
    assert_eq!(tally, Tally { all: 151, passed: 88 });
    for group in eddsa::TestSet::load(eddsa::TestName::Ed448).expect("the vectors").test_groups {
        let key = |curve: &str| json!({"kty": "OKP", "crv": curve, "x": b64(&group.key.pk)});
        assert_eq!(PublicKey::parse_jwk(&key("Ed448")).err(), Some(BadKey::Curve));
        assert_eq!(PublicKey::parse_jwk(&key("Ed25519")).err(), Some(BadKey::Number("x")));
    }
}

fn rsa_pkcs1(set: pkcs1::TestName, is_ours: bool) -> Tally {
    let mut tally = Tally::default();
    for group in pkcs1::TestSet::load(set).expect("the vectors").test_groups {
        let key = rsa(&group.key.n, &group.key.e);
        for test in group.tests {
            // What is wrong in a set of another kind may be right as ours.
            if !is_ours && !is_valid(test.result) {
                continue;
            }
            let name = format!("{set:?} {} ({})", test.tc_id, test.comment);
            let signed: (&[u8], &[u8]) = (&test.msg, &test.sig);
            tally.judge(&name, &key, Algorithm::Rs256, signed, is_ours && is_valid(test.result));
            // What its other padding signed is told apart by the algorithm, and some of it is in the set.
            if !test.flags.contains(&pkcs1::TestFlag::WrongPrimitive) {
                tally.judge(&name, &key, Algorithm::Ps256, signed, false);
            }
        }
    }
    tally
}

#[test]
fn wycheproof_rs256_takes_what_is_valid_and_nothing_else() {
    type Names = pkcs1::TestName;
    for (set, passed) in
        [(Names::Rsa2048Sha256, 9), (Names::Rsa3072Sha256, 8), (Names::Rsa4096Sha256, 7), (Names::Rsa8192Sha256, 7)]
    {
        assert_eq!(rsa_pkcs1(set, true).passed, passed, "{set:?}");
    }
    for set in [Names::Rsa2048Sha224, Names::Rsa2048Sha384, Names::Rsa2048Sha512_256, Names::Rsa2048Sha3_256] {
        assert_eq!(rsa_pkcs1(set, false).passed, 0, "{set:?}");
    }
}

/// RFC 7518 §3.5: the salt has the size of the hash, and MGF1 uses the same hash.
fn rsa_pss(set: pss::TestName) -> Tally {
    let mut tally = Tally::default();
    for group in pss::TestSet::load(set).expect("the vectors").test_groups {
        let is_sha256 = |hash: Option<HashFunction>| hash == Some(HashFunction::Sha2_256);
        let is_ours = is_sha256(Some(group.hash)) && is_sha256(group.mgf_hash) && group.salt_size == 32;
        let is_long = group.key_size >= 2048;
        let key = rsa(&group.key.n, &group.key.e);
        for test in group.tests {
            if !is_ours && !is_valid(test.result) {
                continue;
            }
            let name = format!("{set:?} {} ({})", test.tc_id, test.comment);
            let signed: (&[u8], &[u8]) = (&test.msg, &test.sig);
            tally.judge(&name, &key, Algorithm::Ps256, signed, is_ours && is_long && is_valid(test.result));
            if !test.flags.contains(&pss::TestFlag::WrongPrimitive) {
                tally.judge(&name, &key, Algorithm::Rs256, signed, false);
            }
        }
    }
    tally
}

#[test]
fn wycheproof_ps256_takes_what_is_valid_and_nothing_else() {
    type Names = pss::TestName;
    for (set, passed) in [
        (Names::RsaPss2048Sha256Mgf1SaltLen32, 63),
        (Names::RsaPss3072Sha256Mgf1SaltLen32, 63),
        (Names::RsaPss4096Sha256Mgf1SaltLen32, 63),
        (Names::RsaPss2048Sha256Mgf1SaltLen0, 0),
        (Names::RsaPss2048Sha256Mgf1Sha1_20, 0),
        (Names::RsaPss2048Sha512_256Mgf1SaltLen32, 0),
        (Names::RsaPss2048Sha512Mgf1Sha256SaltLen32WithParams, 0),
        (Names::RsaPss4096Sha512Mgf1SaltLen32, 0),
        (Names::RsaPssmisc, 1),
    ] {
        assert_eq!(rsa_pss(set).passed, passed, "{set:?}");
    }
}

#[test]
fn wycheproof_hs256_takes_what_is_valid_and_nothing_else() {
    let mut tally = Tally::default();
    for group in mac::TestSet::load(mac::TestName::HmacSha256).expect("the vectors").test_groups {
        for test in group.tests {
            let is_good = is_valid(test.result) && group.key_size >= 256 && group.tag_size == 256;
            let key = HmacKey::new(&test.key);
            assert_eq!(key.is_ok(), test.key.len() >= 32, "{}", test.tc_id);
            let answer = key.map(|key| key.verify(&test.msg, &test.tag).is_ok());
            assert_eq!(answer == Ok(true), is_good, "{} ({})", test.tc_id, test.comment);
            tally.all += 1;
            tally.passed += usize::from(is_good);
        }
    }
    assert_eq!(tally, Tally { all: 174, passed: 30 });
}
