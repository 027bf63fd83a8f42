//! Signatures that never came from the key.

use crate::pen::{Pen, b64, pen, refusal, unb64, verify};
use doorward_jose::algorithm::Algorithm;
use doorward_jose::bad::BadToken;
use doorward_jose::jwk::PublicKey;
use serde_json::json;

const CLAIMS: &str = r#"{"sub":"usr"}"#;
/// The order of P-256 (FIPS 186-5, SP 800-186 §3.2.1.3), big-endian.
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7,
    0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];
/// The order of Ed25519's group (RFC 8032 §5.1), little-endian.
const ED25519_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// A token signed well and, apart, what was signed and the signature.
fn signed(pen: &Pen) -> (String, Vec<u8>) {
    let token = pen.claims(CLAIMS);
    let (signed, signature) = token.rsplit_once('.').expect("a token");
    (signed.to_owned(), unb64(signature))
}

fn assert_refused(pen: &Pen, signed: &str, cases: &[(&str, Vec<u8>)]) {
    for (name, signature) in cases {
        let answer = refusal(&format!("{signed}.{}", b64(signature)), pen.key.public());
        assert_eq!(answer, Some(BadToken::Signature), "{name}");
    }
}

/// An integer as DER writes it.
fn der_integer(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len() - 1);
    let mut body = bytes[start..].to_vec();
    if body[0] >= 0x80 {
        body.insert(0, 0);
    }
    [vec![2, body.len() as u8], body].concat()
}

#[test]
fn gauntlet_b5_03_no_elliptic_signature_is_psychic() {
    let pen = pen(Algorithm::Es256);
    let (signed, good) = signed(pen);
    assert_eq!(refusal(&format!("{signed}.{}", b64(&good)), pen.key.public()), None);
    let (r, s) = good.split_at(32);
    let (zero, one) = ([0; 32], [[0; 31].as_slice(), &[1]].concat());
    let both = |r: &[u8], s: &[u8]| [r, s].concat();
    let der = [der_integer(r), der_integer(s)].concat();
    let cases = [
        ("both zero", both(&zero, &zero)),
        ("r zero", both(&zero, s)),
        ("s zero", both(r, &zero)),
        ("both one", both(&one, &one)),
        ("r the order", both(&P256_ORDER, s)),
        ("s the order", both(r, &P256_ORDER)),
        ("both the order", both(&P256_ORDER, &P256_ORDER)),
        ("beyond the order", both(&[0xff; 32], &[0xff; 32])),
        ("swapped", both(s, r)),
        ("DER", [vec![0x30, der.len() as u8], der].concat()),
        ("DER of zeros", vec![0x30, 6, 2, 1, 0, 2, 1, 0]),
        ("one byte short", good[..63].to_vec()),
        ("half", r.to_vec()),
        ("one byte", vec![0]),
        ("one byte long", [&good[..], &[0]].concat()),
        ("padded in front", [&[0], r, &[0], s].concat()),
        ("twice", [&good[..], &good[..]].concat()),
    ];
    assert_refused(pen, &signed, &cases);
    assert_eq!(refusal(&format!("{signed}."), pen.key.public()), Some(BadToken::EmptyPart));
}

#[test]
fn gauntlet_b5_03_no_edwards_signature_is_psychic() {
    let pen = pen(Algorithm::EdDsa);
    let (signed, good) = signed(pen);
    let (r, s) = good.split_at(32);
    // The same number, one order higher: a second spelling of a signature (RFC 8032 §8.4).
    let mut carry = 0u16;
    let higher: Vec<u8> = (s.iter().zip(ED25519_ORDER))
        .map(|(one, other)| {
            carry = u16::from(*one) + u16::from(other) + (carry >> 8);
            carry as u8
        })
        .collect();
    let identity = [[1].as_slice(), &[0; 31]].concat();
    let cases = [
        ("zeros", vec![0; 64]),
        ("ones", vec![0xff; 64]),
        ("the identity", [&identity[..], &[0; 32]].concat()),
        ("one order higher", [r, &higher].concat()),
        ("short", good[..63].to_vec()),
        ("long", [&good[..], &[0]].concat()),
    ];
    assert_refused(pen, &signed, &cases);
}

#[test]
fn gauntlet_b5_03_no_rsa_signature_is_psychic() {
    for algorithm in [Algorithm::Rs256, Algorithm::Ps256] {
        let pen = pen(algorithm);
        let (signed, good) = signed(pen);
        let n = unb64(pen.key.public_jwk()["n"].as_str().expect("n"));
        let cases = [
            ("zeros", vec![0; 256]),
            ("one", [vec![0; 255], vec![1]].concat()),
            ("the modulus", n.clone()),
            ("ones", vec![0xff; 256]),
            ("short", good[..255].to_vec()),
            ("a zero in front", [&[0], &good[..]].concat()),
            ("a zero behind", [&good[..], &[0]].concat()),
            ("one byte", vec![0]),
        ];
        assert_refused(pen, &signed, &cases);
    }
}

#[test]
fn gauntlet_b5_03_a_public_key_of_small_order_signs_anything_so_it_is_refused() {
    let identity = [[1].as_slice(), &[0; 31]].concat();
    let forged = [identity.as_slice(), &[0; 32]].concat();
    let token = format!("{}.{}.{}", b64(r#"{"alg":"EdDSA"}"#), b64(CLAIMS), b64(forged));
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": b64(&identity)});
    // Were the key taken, the signature would be right.
    assert!(PublicKey::parse_jwk(&jwk).is_err());
    let raw = aws_lc_rs::signature::UnparsedPublicKey::new(&aws_lc_rs::signature::ED25519, &identity);
    let (signed, signature) = token.rsplit_once('.').expect("a token");
    assert!(raw.verify(signed.as_bytes(), &unb64(signature)).is_ok());
}

#[test]
fn no_bit_of_a_token_can_change() {
    for algorithm in Algorithm::ALL {
        let pen = pen(algorithm);
        let token = pen.claims(CLAIMS);
        assert!(verify(&token, pen.key.public()).is_ok_and(|claims| claims.subject() == Ok("usr")), "{algorithm}");
        for place in 0..token.len() {
            let mut bent = token.clone().into_bytes();
            bent[place] ^= 1;
            let bent = String::from_utf8(bent).expect("letters");
            assert!(verify(&bent, pen.key.public()).is_err(), "{algorithm}, letter {place}");
            assert!(verify(&token[..place], pen.key.public()).is_err(), "{algorithm}, {place} letters");
        }
    }
}
