//! Keys Doorward proves itself with to others (RFC 7521, RFC 7523): a private key of its own, or a secret it shares.

use crate::algorithm::Algorithm;
use crate::bad::BadKey;
use crate::hmac::HmacKey;
use crate::jwk::PublicKey;
use crate::key::Pair;
use aws_lc_rs::rand::SystemRandom;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_model::fault::{Fault, FaultKind};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Map, Value};

/// A key for assertions. It does not print.
pub struct AssertionKey {
    secret: Secret,
    algorithm: &'static str,
}

enum Secret {
    Own(Pair),
    Shared(Box<HmacKey>),
}

impl AssertionKey {
    /// Reads a private key in PEM (PKCS #8). An RSA key signs with RS256 unless `algorithm` says PS256, one of P-256 with
    /// ES256.
    ///
    /// # Errors
    /// One sentence; it holds nothing of the key.
    pub fn parse_pem(pem: &str, algorithm: Option<Algorithm>) -> Result<Self, String> {
        let key = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| {
            "it is no private key in PEM that begins with -----BEGIN PRIVATE KEY-----: `openssl pkcs8 -topk8 -nocrypt` \
             writes other forms so"
        })?;
        let der = key.secret_pkcs8_der();
        let tried: &[Algorithm] = match &algorithm {
            Some(one) => std::slice::from_ref(one),
            None => &Algorithm::ALL,
        };
        let found = tried.iter().find_map(|one| Some((*one, Pair::parse(*one, der).ok()?)));
        match (found, algorithm) {
            (Some((algorithm, pair)), _) => Ok(Self { secret: Secret::Own(pair), algorithm: algorithm.as_str() }),
            (None, Some(algorithm)) => Err(format!("it is no key for {algorithm}")),
            (None, None) => Err("it is neither an RSA key of 2048 bits or more nor one of P-256 or Ed25519".to_owned()),
        }
    }

    /// A secret shared with whoever it is shown to; it signs with HS256.
    ///
    /// # Errors
    /// [`BadKey::SecretSize`] when it is shorter than the hash.
    pub fn of_secret(secret: &[u8]) -> Result<Self, BadKey> {
        Ok(Self { secret: Secret::Shared(Box::new(HmacKey::new(secret)?)), algorithm: HmacKey::ALGORITHM })
    }

    /// The thumbprint of its public half (RFC 7638), if it has one.
    pub fn thumbprint(&self) -> Option<String> {
        match &self.secret {
            Secret::Own(pair) => PublicKey::parse_jwk(&pair.public_members()).ok().map(|key| key.thumbprint()),
            Secret::Shared(_) => None,
        }
    }

    /// Signs claims into a compact JWS (RFC 7515 §7.1), with these members in its header beside `alg` and `typ`.
    pub fn sign(&self, header: Map<String, Value>, claims: &Map<String, Value>) -> Result<String, Fault> {
        let mut head = Map::new();
        head.insert("alg".to_owned(), Value::from(self.algorithm));
        head.insert("typ".to_owned(), Value::from("JWT"));
        head.extend(header);
        let text = |part: &Map<String, Value>| {
            serde_json::to_vec(part)
                .map(|bytes| URL_SAFE_NO_PAD.encode(bytes))
                .map_err(|error| Fault::new(FaultKind::Internal, "writing an assertion", error))
        };
        let mut token = format!("{}.{}", text(&head)?, text(claims)?);
        let signature = match &self.secret {
            Secret::Own(pair) => pair.sign(&SystemRandom::new(), token.as_bytes())?,
            Secret::Shared(key) => key.sign(token.as_bytes()),
        };
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jws::Presented;
    use crate::key::SigningKey;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::json;

    fn object(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    fn pem(algorithm: Algorithm) -> Result<String, Fault> {
        let body = STANDARD.encode(SigningKey::generate(algorithm)?.as_slice());
        Ok(format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n"))
    }

    #[test]
    fn what_a_key_signs_its_public_half_verifies() -> Result<(), Box<dyn std::error::Error>> {
        for (made, said, named) in [
            (Algorithm::Rs256, None, "RS256"),
            (Algorithm::Rs256, Some(Algorithm::Ps256), "PS256"),
            (Algorithm::Es256, None, "ES256"),
            (Algorithm::EdDsa, None, "EdDSA"),
        ] {
            let key = AssertionKey::parse_pem(&pem(made)?, said)?;
            let token = key.sign(object(&json!({"kid": "k-1", "x5t#S256": "x"})), &object(&json!({"sub": "me"})))?;
            let presented = Presented::read(&token)?;
            assert_eq!((presented.header().algorithm_name(), presented.header().kid()), (named, Some("k-1")));
            let Secret::Own(pair) = &key.secret else { panic!("a pair") };
            let claims = presented.verify(&PublicKey::parse_jwk(&pair.public_members())?)?;
            assert_eq!(claims.get("sub"), Some(&json!("me")));
            let other = AssertionKey::parse_pem(&pem(made)?, said)?;
            let Secret::Own(other) = &other.secret else { panic!("a pair") };
            assert!(Presented::read(&token)?.verify(&PublicKey::parse_jwk(&other.public_members())?).is_err());
        }
        Ok(())
    }

    #[test]
    fn a_secret_signs_when_it_is_long_enough() -> Result<(), Box<dyn std::error::Error>> {
        let secret = b"a secret of at least thirty-two letters";
        let token = AssertionKey::of_secret(secret)?.sign(Map::new(), &object(&json!({"sub": "me"})))?;
        assert!(Presented::read(&token)?.verify_hmac(&HmacKey::new(secret)?).is_ok());
        assert!(Presented::read(&token)?.verify_hmac(&HmacKey::new(&[7; 40])?).is_err());
        assert!(AssertionKey::of_secret(b"short").is_err());
        Ok(())
    }

    #[test]
    fn what_is_no_key_is_said_so_without_a_word_of_it() -> Result<(), Fault> {
        let p256 = pem(Algorithm::Es256)?;
        for (text, said) in [
            ("", None),
            ("hunter2", None),
            ("-----BEGIN PRIVATE KEY-----\naHVudGVyMg==\n-----END PRIVATE KEY-----\n", None),
            (p256.replace("PRIVATE KEY", "PUBLIC KEY").as_str(), None),
            (p256.as_str(), Some(Algorithm::Rs256)),
        ] {
            let Err(why) = AssertionKey::parse_pem(text, said) else { panic!("{text}") };
            assert!(!why.contains("hunter2") && !why.contains("aHVudGVyMg"), "{why}");
        }
        Ok(())
    }
}
