//! Our tokens read by another library, and its tokens read here.

use crate::pen::{pen, verify};
use doorward_jose::algorithm::Algorithm;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Value, json};

/// Bytes before the RSA key itself in PKCS #8 for a key of 2048 bits; the other library wants it bare.
const RSA_PREFIX: usize = 26;

fn theirs(algorithm: Algorithm) -> jsonwebtoken::Algorithm {
    match algorithm {
        Algorithm::Rs256 => jsonwebtoken::Algorithm::RS256,
        Algorithm::Ps256 => jsonwebtoken::Algorithm::PS256,
        Algorithm::Es256 => jsonwebtoken::Algorithm::ES256,
        Algorithm::EdDsa => jsonwebtoken::Algorithm::EdDSA,
    }
}

#[test]
fn our_tokens_and_keys_are_read_by_another_library() {
    for algorithm in Algorithm::ALL {
        let key = &pen(algorithm).key;
        let claims = json!({"sub": "usr", "aud": "app", "exp": 4_000_000_000_i64, "name": "Zoë \"Z\""});
        let token = key.sign("at+jwt", &claims).expect("a token");
        let jwk: Jwk = serde_json::from_value(key.public_jwk()).expect("a JWK");
        let decoding = DecodingKey::from_jwk(&jwk).expect("a key");
        let mut validation = Validation::new(theirs(algorithm));
        validation.set_audience(&["app"]);
        let read = jsonwebtoken::decode::<Value>(&token, &decoding, &validation).expect("a good token");
        assert_eq!(read.claims, claims, "{algorithm}");
        assert_eq!(read.header.typ.as_deref(), Some("at+jwt"));
        assert_eq!(read.header.kid.as_deref(), Some(key.id().as_str()));
    }
}

#[test]
fn tokens_of_another_library_are_read_here() {
    for algorithm in Algorithm::ALL {
        let pen = pen(algorithm);
        let encoding = match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => EncodingKey::from_rsa_der(&pen.pkcs8[RSA_PREFIX..]),
            Algorithm::Es256 => EncodingKey::from_ec_der(&pen.pkcs8),
            Algorithm::EdDsa => EncodingKey::from_ed_der(&pen.pkcs8),
        };
        let header = Header::new(theirs(algorithm));
        let token = jsonwebtoken::encode(&header, &json!({"sub": "usr", "n": [1, 2.5]}), &encoding).expect("a token");
        let claims = verify(&token, pen.key.public()).expect("a good token");
        assert_eq!(Value::Object(claims.into_map()), json!({"sub": "usr", "n": [1, 2.5]}), "{algorithm}");
    }
}
