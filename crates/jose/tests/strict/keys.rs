//! Public keys that are none, private keys that are another's, and keys as they are published.

use crate::pen::{Pen, b64, pen, refusal, verify};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use doorward_jose::algorithm::Algorithm;
use doorward_jose::bad::BadKey;
use doorward_jose::jwk::PublicKey;
use doorward_jose::jws::Presented;
use doorward_jose::key::SigningKey;
use doorward_model::dice::Counting;
use doorward_model::fault::FaultKind;
use doorward_model::id::KeyId;
use serde_json::{Value, json};

/// An RSA key of 1024 bits in PKCS #8, made for this test.
const RSA_1024: &str = "MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBAK2PJyGMcMn96j829NxCtCtvBUiDLu4hn1UT7Dod+HGyn1SMxsrsJBXQJE84\
    0jtrk9JiclTXIrQj1RYpBS+5BRllFsOthR8CHINraX7KrjwlvP4NCpFQllxAw5WZFge6oCHFuRv6u/CLl1hXb+ULkDbPEM5Ky01YiMNwxNYB\
    YCNZAgMBAAECgYBriQz3zmp73OVssYJZjsLPPoSJfy5uwUpVjniJMdSjrcbmvirVxCY/la1JoK0xv9/hNLoeMwX/k0wN5PCftwWexye8qRDv\
    EEDtcUbPDABfEFhB1A3jnTNIbzzY8yWywpa38IXtX3RoVOtY8JQC8UV9Z5BbTnhbsLF3XObWIuHMuQJBANgkflSc1Qi2M6gv4TDsqwawfI8V\
    KS0QoTTFnkx0q/Ar+0okSz0760QOySsRMdqtKxsk4qYc6GO1XB3Vz/S3KXMCQQDNkGnu+CZ1uWTeZVQy26KxlP8zl7llkAJfXftvY6AnpmGS\
    u3Mvf8uFnz5jWgZqKq+GSoubrjeByW33cRQirP0DAkEAqg18P0Hs8h+34Lla6U0q+eZc+Y3iiYwt6QEaHHkm1Z0k5h5L++9qmG8xouqyWKQp\
    5/9LOvo/dEM6KFcSeCyrNQJATiVCQDhR1psd/3Wh5pucY8nyolhhgHyYikyeEyBad/hGS5O7HCmG40tAWmCU47NKetDH9ezq6Qn8Jf702qHM\
    pQJBALYOkBlJstoD9bJzcsBmmH8JbfBovpqJTauqHcAheZA0ZFCi+Ea2hYs5uBcmNGVCf3zLltAzphQnIe0+9Qr6qNA=";

fn refused(jwk: &Value) -> Option<BadKey> {
    PublicKey::parse_jwk(jwk).err()
}

/// The public key of a pen with one member changed, or taken away with `None`.
fn changed(algorithm: Algorithm, name: &str, value: Option<Value>) -> Value {
    let mut jwk = pen(algorithm).key.public_jwk();
    match value {
        Some(value) => jwk[name] = value,
        None => drop(jwk.as_object_mut().expect("members").remove(name)),
    }
    jwk
}

/// An odd number of so many bits.
fn modulus(bits: usize) -> Vec<u8> {
    let mut bytes = vec![0xa5; bits.div_ceil(8)];
    bytes[0] = 1 << ((bits - 1) % 8);
    bytes
}

fn rsa(n: &[u8], e: &[u8]) -> Value {
    json!({"kty": "RSA", "n": b64(n), "e": b64(e)})
}

#[test]
fn gauntlet_b5_16_weak_rsa_keys_are_refused() {
    let usual = [1, 0, 1];
    for bits in [1, 512, 1024, 2040, 2047, 8193, 8200, 16_384] {
        assert_eq!(refused(&rsa(&modulus(bits), &usual)), Some(BadKey::RsaSize), "{bits} bits");
    }
    for bits in [2048, 2049, 3072, 4096, 8192] {
        assert_eq!(refused(&rsa(&modulus(bits), &usual)), None, "{bits} bits");
    }
    let mut even = modulus(2048);
    even[255] = 0xa4;
    assert_eq!(refused(&rsa(&even, &usual)), Some(BadKey::Unsound));

    let n = modulus(2048);
    let exponents: [&[u8]; 8] =
        [&[1], &[2], &[4], &[1, 0, 0], &[1, 0, 0, 0, 0], &[1, 0, 0, 0, 1], &[1, 0, 0, 0, 0, 0, 0, 1], &[255; 8]];
    for e in exponents {
        assert_eq!(refused(&rsa(&n, e)), Some(BadKey::RsaExponent), "{e:?}");
    }
    let exponents: [&[u8]; 4] = [&[3], &[17], &[1, 0, 1], &[255, 255, 255, 255]];
    for e in exponents {
        assert_eq!(refused(&rsa(&n, e)), None, "{e:?}");
    }
    let exponents: [&[u8]; 5] = [&[], &[0], &[0, 3], &[0, 1, 0, 1], &[1; 9]];
    for e in exponents {
        assert_eq!(refused(&rsa(&n, e)), Some(BadKey::Number("e")), "{e:?}");
    }
    let padded = [&[0], n.as_slice()].concat();
    assert_eq!(refused(&rsa(&padded, &usual)), Some(BadKey::Number("n")));
    assert_eq!(refused(&rsa(&[], &usual)), Some(BadKey::Number("n")));
}

#[test]
fn gauntlet_b5_16_points_off_the_curve_are_refused() {
    let jwk = pen(Algorithm::Es256).key.public_jwk();
    let y = crate::pen::unb64(jwk["y"].as_str().expect("y"));
    let mut bent = y.clone();
    bent[31] ^= 1;
    let es = |name: &str, bytes: &[u8]| refused(&changed(Algorithm::Es256, name, Some(json!(b64(bytes)))));
    assert_eq!(es("y", &bent), Some(BadKey::Unsound));
    assert_eq!(es("x", &y), Some(BadKey::Unsound));
    for (x, y) in [([0; 32], [0; 32]), ([1; 32], [1; 32]), ([0xff; 32], [0xff; 32])] {
        let point = json!({"kty": "EC", "crv": "P-256", "x": b64(x), "y": b64(y)});
        assert_eq!(refused(&point), Some(BadKey::Unsound), "{point}");
    }
    // A point of the invalid-curve attack: on y² = x³ - 3x + another b.
    let elsewhere = json!({"kty": "EC", "crv": "P-256", "x": b64([[0; 31].as_slice(), &[2]].concat()), "y": b64(&y)});
    assert_eq!(refused(&elsewhere), Some(BadKey::Unsound));
    let lengths = [&y[..31], &[0], &[], &[&[0], y.as_slice()].concat(), &[0; 64]];
    for bytes in lengths {
        assert_eq!(es("y", bytes), Some(BadKey::Number("y")), "{} bytes", bytes.len());
        assert_eq!(es("x", bytes), Some(BadKey::Number("x")), "{} bytes", bytes.len());
    }
}

#[test]
fn gauntlet_b5_16_edwards_points_of_small_order_are_refused() {
    let ed = |bytes: &[u8]| refused(&changed(Algorithm::EdDsa, "x", Some(json!(b64(bytes)))));
    let with = |first: u8, middle: u8, last: u8| {
        let mut bytes = [middle; 32];
        (bytes[0], bytes[31]) = (first, last);
        bytes
    };
    let hex = |text: &str| -> Vec<u8> {
        (0..32).map(|n| u8::from_str_radix(&text[n * 2..n * 2 + 2], 16).expect("hex")).collect()
    };
    let order_8 = [
        hex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
        hex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    ];
    let mut small = vec![with(0, 0, 0).to_vec(), with(1, 0, 0).to_vec(), with(0xec, 0xff, 0x7f).to_vec()];
    small.extend(order_8);
    // From the prime on: other spellings of small numbers.
    small.extend((0xed..=0xff).map(|first| with(first, 0xff, 0x7f).to_vec()));
    for point in small {
        assert_eq!(ed(&point), Some(BadKey::Unsound), "{point:x?}");
        let mut other_sign = point;
        other_sign[31] ^= 0x80;
        assert_eq!(ed(&other_sign), Some(BadKey::Unsound), "{other_sign:x?}");
    }
    for length in [0, 31, 33, 44, 64] {
        assert_eq!(ed(&vec![9; length]), Some(BadKey::Number("x")), "{length} bytes");
    }
}

#[test]
fn gauntlet_b5_16_private_and_foreign_keys_are_refused() {
    for algorithm in Algorithm::ALL {
        for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            for value in [json!("AA"), json!(null), json!([])] {
                assert_eq!(refused(&changed(algorithm, name, Some(value))), Some(BadKey::Private(name)));
            }
        }
        for value in [json!("enc"), json!("SIG"), json!(""), json!(null), json!(["sig"])] {
            assert_eq!(refused(&changed(algorithm, "use", Some(value.clone()))), Some(BadKey::Use), "{value}");
        }
        assert_eq!(refused(&changed(algorithm, "use", None)), None);
        for value in [json!([]), json!(["sign"]), json!(["encrypt", "wrapKey"]), json!("verify"), json!(null)] {
            let answer = refused(&changed(algorithm, "key_ops", Some(value.clone())));
            assert_eq!(answer, Some(BadKey::Operations), "{value}");
        }
        assert_eq!(refused(&changed(algorithm, "key_ops", Some(json!(["verify"])))), None);
        for value in ["none", "HS256", "RS384", "ES384", "RSA-OAEP", "rs256", ""] {
            assert_eq!(refused(&changed(algorithm, "alg", Some(json!(value)))), Some(BadKey::Algorithm), "{value}");
        }
        assert_eq!(refused(&changed(algorithm, "alg", Some(json!(null)))), Some(BadKey::Algorithm));
        assert_eq!(refused(&changed(algorithm, "alg", None)), None);
        for value in ["oct", "rsa", "EdDSA", "AKP", ""] {
            assert_eq!(refused(&changed(algorithm, "kty", Some(json!(value)))), Some(BadKey::Type), "{value}");
        }
        assert_eq!(refused(&changed(algorithm, "kty", None)), Some(BadKey::Type));
        assert_eq!(refused(&changed(algorithm, "unknown", Some(json!({"a": 1})))), None);
    }
    assert_eq!(refused(&changed(Algorithm::Es256, "alg", Some(json!("RS256")))), Some(BadKey::Algorithm));
    for (algorithm, curves) in [
        (Algorithm::Es256, ["P-384", "P-521", "secp256k1", "Ed25519", "p-256"]),
        (Algorithm::EdDsa, ["Ed448", "X25519", "X448", "P-256", "ed25519"]),
    ] {
        for curve in curves {
            assert_eq!(refused(&changed(algorithm, "crv", Some(json!(curve)))), Some(BadKey::Curve), "{curve}");
        }
        assert_eq!(refused(&changed(algorithm, "crv", None)), Some(BadKey::Curve));
    }
    for (algorithm, names) in
        [(Algorithm::Rs256, vec!["n", "e"]), (Algorithm::Es256, vec!["x", "y"]), (Algorithm::EdDsa, vec!["x"])]
    {
        for name in names {
            let good = pen(algorithm).key.public_jwk()[name].as_str().expect("text").to_owned();
            let other = |value: Option<Value>| refused(&changed(algorithm, name, value));
            assert_eq!(other(None), Some(BadKey::Number(name)));
            for value in [json!(1), json!(null), json!(""), json!("%%%%"), json!(good.replace(&good[..1], "+"))] {
                assert_eq!(other(Some(value.clone())), Some(BadKey::Number(name)), "{name}: {value}");
            }
            for value in [format!("{good}="), format!("{} ", &good[1..])] {
                let answer = other(Some(json!(value)));
                assert!(answer.is_some(), "{name}: {value}");
            }
        }
    }
    for other in [json!(null), json!([]), json!("RSA"), json!(1)] {
        assert_eq!(refused(&other), Some(BadKey::NotAnObject), "{other}");
    }
}

#[test]
fn one_key_has_one_thumbprint() {
    // 43 letters hold two bits more than 32 bytes: another spelling of the same number.
    let good = pen(Algorithm::EdDsa).key.public_jwk()["x"].as_str().expect("x").to_owned();
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = letters.find(good.chars().last().expect("a letter")).expect("a digit");
    let respelled = format!("{}{}", &good[..42], &letters[last + 1..last + 2]);
    let answer = refused(&changed(Algorithm::EdDsa, "x", Some(json!(respelled))));
    assert_eq!(answer, Some(BadKey::Number("x")));
    for algorithm in Algorithm::ALL {
        let bare = ["use", "alg", "kid"].into_iter().fold(pen(algorithm).key.public_jwk(), |mut jwk, name| {
            jwk.as_object_mut().expect("members").remove(name);
            jwk
        });
        let key = PublicKey::parse_jwk(&bare).expect("a key");
        assert_eq!(key.thumbprint(), pen(algorithm).key.public().thumbprint(), "{algorithm}");
        assert_eq!(key.thumbprint().len(), 43);
        assert_ne!(key.thumbprint(), Pen::new(algorithm).key.public().thumbprint(), "{algorithm}");
    }
}

#[test]
fn a_jwk_is_complete_and_shows_no_private_part() {
    for algorithm in Algorithm::ALL {
        let key = &pen(algorithm).key;
        let jwk = key.public_jwk();
        let mut names: Vec<&str> = jwk.as_object().expect("members").keys().map(String::as_str).collect();
        names.sort_unstable();
        let wanted: &[&str] = match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => &["alg", "e", "kid", "kty", "n", "use"],
            Algorithm::Es256 => &["alg", "crv", "kid", "kty", "use", "x", "y"],
            Algorithm::EdDsa => &["alg", "crv", "kid", "kty", "use", "x"],
        };
        assert_eq!(names, wanted);
        assert_eq!((&jwk["alg"], &jwk["use"]), (&json!(algorithm.as_str()), &json!("sig")));
        assert_eq!(jwk["kid"], key.id().as_str());
        assert_eq!(key.public().kid(), Some(key.id().as_str()));
        assert!(Algorithm::ALL.iter().all(|other| key.public().verifies(*other) == (*other == algorithm)));
    }
}

#[test]
fn a_token_opens_with_its_own_key_and_says_its_kind() {
    for algorithm in Algorithm::ALL {
        let key = &pen(algorithm).key;
        let token = key.sign("at+jwt", &json!({"sub": "usr"})).expect("a token");
        let header = Presented::read(&token).expect("a token").header().clone();
        assert_eq!(header.algorithm(), Some(algorithm));
        assert_eq!((header.kid(), header.typ()), (Some(key.id().as_str()), Some("at+jwt")));
        assert!(verify(&token, key.public()).is_ok_and(|claims| claims.subject() == Ok("usr")));
        assert!(refusal(&token, Pen::new(algorithm).key.public()).is_some());
        // A kind with letters that JSON escapes stays inside its quotes.
        let token = key.sign(r#"x","alg":"none"#, &json!({})).expect("a token");
        assert_eq!(Presented::read(&token).expect("a token").header().typ(), Some(r#"x","alg":"none"#));
    }
}

#[test]
fn a_stored_key_of_another_type_curve_or_size_is_refused() {
    let parse = |algorithm: Algorithm, pkcs8: &[u8]| {
        SigningKey::parse(KeyId::draw(&Counting::new(9)), algorithm, pkcs8).map(|key| key.algorithm())
    };
    for algorithm in Algorithm::ALL {
        for other in Algorithm::ALL {
            let is_rsa = |algorithm| matches!(algorithm, Algorithm::Rs256 | Algorithm::Ps256);
            let fits = algorithm == other || (is_rsa(algorithm) && is_rsa(other));
            let answer = parse(algorithm, &pen(other).pkcs8);
            assert_eq!(answer.is_ok(), fits, "{other} as {algorithm}");
        }
        let whole = &pen(algorithm).pkcs8;
        for bytes in [&[], &whole[..whole.len() - 1], b"-----BEGIN PRIVATE KEY-----", [0; 64].as_slice()] {
            let fault = parse(algorithm, bytes).expect_err("no key");
            assert_eq!(fault.kind(), FaultKind::Corrupt, "{algorithm}");
        }
    }
    let p384 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &SystemRandom::new()).expect("a key");
    assert!(parse(Algorithm::Es256, p384.as_ref()).is_err());
    let small = STANDARD.decode(RSA_1024).expect("base64");
    for algorithm in [Algorithm::Rs256, Algorithm::Ps256] {
        let fault = parse(algorithm, &small).expect_err("no key");
        assert!(fault.to_string().contains("TooSmall"), "{fault}");
    }
    // The same bytes under the name of X25519, which signs nothing (RFC 8410 §3).
    let mut x25519 = pen(Algorithm::EdDsa).pkcs8.clone();
    let place = x25519.windows(3).position(|bytes| bytes == [0x2b, 0x65, 0x70]).expect("the type's number");
    x25519[place + 2] = 0x6e;
    assert!(parse(Algorithm::EdDsa, &x25519).is_err());
}
