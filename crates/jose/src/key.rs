//! Signing keys of realms, and the tokens signed with them.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_model::fault::Fault;
use doorward_model::id::KeyId;
use serde::Serialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

/// A realm's key pair for ES256, parsed once.
pub struct SigningKey {
    id: KeyId,
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

impl SigningKey {
    /// Makes a new key pair; returns its PKCS #8 form to be sealed and stored.
    pub fn generate() -> Result<Zeroizing<Vec<u8>>, Fault> {
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .map(|document| Zeroizing::new(document.as_ref().to_vec()))
            .map_err(|_| Fault::internal("making a signing key"))
    }

    /// Parses a stored key. Keys of another type or curve are refused.
    pub fn parse(id: KeyId, pkcs8: &[u8]) -> Result<Self, Fault> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)
            .map_err(|error| Fault::corrupt("signing_keys", id.as_str(), error))?;
        Ok(Self { id, pair, random: SystemRandom::new() })
    }

    /// Its id: `kid` in headers and key sets.
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// Signs claims into a compact JWS (RFC 7515 §7.1) of the given `typ`.
    pub fn sign(&self, kind: &str, claims: &impl Serialize) -> Result<String, Fault> {
        let head = json!({"alg": "ES256", "kid": self.id.as_str(), "typ": kind}).to_string();
        let body = serde_json::to_vec(claims).map_err(|error| {
            Fault::new(doorward_model::fault::FaultKind::Internal, "writing a token's claims", error)
        })?;
        let mut token = URL_SAFE_NO_PAD.encode(head);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(body, &mut token);
        let signature =
            self.pair.sign(&self.random, token.as_bytes()).map_err(|_| Fault::internal("signing a token"))?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature.as_ref(), &mut token);
        Ok(token)
    }

    /// The public key as a JWK (RFC 7517 §4, RFC 7518 §6.2).
    pub fn public_jwk(&self) -> Value {
        // Uncompressed point: 0x04, x, y of 32 bytes each (SEC 1 §2.3.3).
        let point = self.pair.public_key().as_ref();
        let coordinate = |from: usize| URL_SAFE_NO_PAD.encode(point.get(from..from + 32).unwrap_or_default());
        json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.id.as_str(),
            "x": coordinate(1), "y": coordinate(33),
        })
    }

    /// Opens a token signed by this key; `None` when anything about it is off. The algorithm is this
    /// key's, whatever the token's header says.
    pub fn verify(&self, kind: &str, token: &str) -> Option<Value> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (head, body) = signed.split_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.pair.public_key().as_ref());
        public.verify(signed.as_bytes(), &signature).ok()?;
        let head: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(head).ok()?).ok()?;
        let fits = head.get("alg") == Some(&json!("ES256")) && head.get("typ") == Some(&json!(kind));
        if !fits {
            return None;
        }
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::SigningKey;
    use doorward_model::dice::Counting;
    use doorward_model::id::KeyId;
    use serde_json::json;

    fn key(seed: u64) -> SigningKey {
        let Ok(pkcs8) = SigningKey::generate() else { panic!("generate") };
        let Ok(key) = SigningKey::parse(KeyId::draw(&Counting::new(seed)), &pkcs8) else { panic!("parse") };
        key
    }

    #[test]
    fn a_token_opens_with_its_own_key_and_kind_only() {
        let (mine, other) = (key(1), key(2));
        let Ok(token) = mine.sign("JWT", &json!({"sub": "usr"})) else { panic!("sign") };
        assert_eq!(mine.verify("JWT", &token), Some(json!({"sub": "usr"})));
        assert_eq!(mine.verify("at+jwt", &token), None);
        assert_eq!(other.verify("JWT", &token), None);
        assert_eq!(mine.verify("JWT", &token[..token.len() - 1]), None);
    }

    #[test]
    fn a_jwk_shows_no_private_part() {
        let jwk = key(1).public_jwk();
        assert!(jwk.get("d").is_none() && jwk.get("x").is_some_and(|x| x.as_str().is_some_and(|x| x.len() == 43)));
    }
}
