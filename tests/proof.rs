//! Whoever holds a key and proves it: writes proofs of possession with any header and any claims, well signed
//! (RFC 9449 §4.2).

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_jose::jwk::PublicKey;
use serde_json::{Value, json};

/// A holder of a key on P-256.
pub struct Holder {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

impl Default for Holder {
    fn default() -> Holder {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a fresh key");
        Holder { pair, random: SystemRandom::new() }
    }
}

impl Holder {
    /// The public key.
    pub fn jwk(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        let text = |from: usize| URL_SAFE_NO_PAD.encode(&point[from..from + 32]);
        json!({"kty": "EC", "crv": "P-256", "x": text(1), "y": text(33)})
    }

    /// What the key is called in tokens.
    pub fn thumbprint(&self) -> String {
        PublicKey::parse_jwk(&self.jwk()).expect("a key").thumbprint()
    }

    /// The header of a good proof.
    pub fn header(&self) -> Value {
        json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk()})
    }

    /// The claims of a good proof for a request made now, with a `jti` of its own.
    pub fn claims(&self, method: &str, url: &str, now: i64) -> Value {
        let mut id = [0u8; 16];
        self.random.fill(&mut id).expect("random bytes");
        json!({"jti": URL_SAFE_NO_PAD.encode(id), "htm": method, "htu": url, "iat": now})
    }

    /// Signs anything.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = self.pair.sign(&self.random, signed.as_bytes()).expect("a signature");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// A good proof with these claims besides.
    pub fn proof(&self, method: &str, url: &str, now: i64, more: &[(&str, &str)]) -> String {
        let mut claims = self.claims(method, url, now);
        for (name, text) in more {
            claims[*name] = json!(text);
        }
        self.sign(&self.header(), &claims)
    }
}

/// The `ath` of an access token.
pub fn ath(token: &str) -> String {
    use aws_lc_rs::digest::{SHA256, digest};
    URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes()))
}
