//! Signing keys of realms, and the tokens signed with them.

use crate::algorithm::Algorithm;
use crate::jwk::PublicKey;
use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::error::{KeyRejected, Unspecified};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaEncoding, RsaKeyPair, RsaPublicKeyComponents, RsaSignatureEncoding,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use doorward_model::fault::{Fault, FaultKind};
use doorward_model::id::KeyId;
use serde::Serialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

/// The `typ` most tokens have.
const USUAL: &str = "JWT";
/// Bytes of a header, about.
const HEADER_ROOM: usize = 96;
/// Letters the largest signature takes: RSA's, of 2048 bits.
const SIGNATURE_ROOM: usize = 352;

/// A realm's key pair for one algorithm, parsed once. It does not print.
pub struct SigningKey {
    id: KeyId,
    algorithm: Algorithm,
    pair: Pair,
    public: PublicKey,
    jwk: Value,
    /// The header of most tokens, encoded.
    usual_head: String,
    random: SystemRandom,
}

pub(crate) enum Pair {
    Rsa(&'static RsaSignatureEncoding, RsaKeyPair),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    /// Makes a new key pair, RSA ones of 2048 bits; returns its PKCS #8 form to be sealed and stored.
    pub fn generate(algorithm: Algorithm) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let random = SystemRandom::new();
        let made = match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => RsaKeyPair::generate(KeySize::Rsa2048)
                .and_then(|pair| pair.as_der().map(|document| document.as_ref().to_vec())),
            Algorithm::Es256 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
                .map(|document| document.as_ref().to_vec()),
            Algorithm::EdDsa => Ed25519KeyPair::generate_pkcs8(&random).map(|document| document.as_ref().to_vec()),
        };
        made.map(Zeroizing::new).map_err(|_| Fault::internal(format!("making a signing key for {algorithm}")))
    }

    /// Parses a stored key. Keys of another type, curve or size than the algorithm's are refused.
    pub fn parse(id: KeyId, algorithm: Algorithm, pkcs8: &[u8]) -> Result<Self, Fault> {
        let pair = Pair::parse(algorithm, pkcs8)
            .map_err(|error| Fault::corrupt("signing_keys", id.as_str(), format!("no key for {algorithm}: {error}")))?;
        let mut jwk = pair.public_members();
        if let Some(members) = jwk.as_object_mut() {
            members.insert("use".to_owned(), json!("sig"));
            members.insert("alg".to_owned(), json!(algorithm.as_str()));
            members.insert("kid".to_owned(), json!(id.as_str()));
        }
        // What is published must pass the check others' keys must pass.
        let public = PublicKey::parse_jwk(&jwk).map_err(|why| Fault::corrupt("signing_keys", id.as_str(), why))?;
        let usual_head = URL_SAFE_NO_PAD.encode(head(&id, algorithm, USUAL));
        Ok(Self { id, algorithm, pair, public, jwk, usual_head, random: SystemRandom::new() })
    }

    /// Its id: `kid` in headers and key sets.
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// What it signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Its public half, to verify our own tokens with.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The public key as a JWK (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2), to be published.
    pub fn public_jwk(&self) -> Value {
        self.jwk.clone()
    }

    /// The public key for those who do not read JWKs: what stands between the lines of a PEM file, in one line
    /// (`SubjectPublicKeyInfo`, RFC 5280 §4.1, in base64).
    pub fn public_pem_body(&self) -> Result<String, Fault> {
        let der = self.pair.public_der().map_err(|_| Fault::internal("writing a public key"))?;
        Ok(STANDARD.encode(der))
    }

    /// Signs claims into a compact JWS (RFC 7515 §7.1) of the given `typ`.
    pub fn sign(&self, kind: &str, claims: &impl Serialize) -> Result<String, Fault> {
        let claims = serde_json::to_vec(claims)
            .map_err(|error| Fault::new(FaultKind::Internal, "writing a token's claims", error))?;
        self.sign_written(kind, &claims)
    }

    /// As [`SigningKey::sign`], for claims that are written out: a JSON object.
    pub fn sign_written(&self, kind: &str, claims: &[u8]) -> Result<String, Fault> {
        let mut token = String::with_capacity((claims.len() + HEADER_ROOM) * 4 / 3 + SIGNATURE_ROOM);
        match kind == USUAL {
            true => token.push_str(&self.usual_head),
            false => URL_SAFE_NO_PAD.encode_string(head(&self.id, self.algorithm, kind), &mut token),
        }
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let signature = self.pair.sign(&self.random, token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }
}

/// The header of a token of that `typ`.
fn head(id: &KeyId, algorithm: Algorithm, kind: &str) -> String {
    format!(r#"{{"alg":"{algorithm}","kid":"{id}","typ":{}}}"#, Value::from(kind))
}

impl Pair {
    pub(crate) fn parse(algorithm: Algorithm, pkcs8: &[u8]) -> Result<Self, KeyRejected> {
        match algorithm {
            Algorithm::Rs256 => RsaKeyPair::from_pkcs8(pkcs8).map(|pair| Self::Rsa(&RSA_PKCS1_SHA256, pair)),
            Algorithm::Ps256 => RsaKeyPair::from_pkcs8(pkcs8).map(|pair| Self::Rsa(&RSA_PSS_SHA256, pair)),
            Algorithm::Es256 => EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).map(Self::P256),
            Algorithm::EdDsa => Ed25519KeyPair::from_pkcs8(pkcs8).map(Self::Ed25519),
        }
    }

    pub(crate) fn public_members(&self) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::Rsa(_, pair) => {
                let numbers = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                json!({"kty": "RSA", "n": text(&numbers.n), "e": text(&numbers.e)})
            }
            Self::P256(pair) => {
                // Uncompressed point: 0x04, x, y of 32 bytes each (SEC 1 §2.3.3).
                let point = pair.public_key().as_ref();
                let coordinate = |from: usize| text(point.get(from..from + 32).unwrap_or_default());
                json!({"kty": "EC", "crv": "P-256", "x": coordinate(1), "y": coordinate(33)})
            }
            Self::Ed25519(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref())})
            }
        }
    }

    fn public_der(&self) -> Result<Vec<u8>, Unspecified> {
        let document: PublicKeyX509Der<'_> = match self {
            Self::Rsa(_, pair) => pair.public_key().as_der()?,
            Self::P256(pair) => pair.public_key().as_der()?,
            Self::Ed25519(pair) => pair.public_key().as_der()?,
        };
        Ok(document.as_ref().to_vec())
    }

    pub(crate) fn sign(&self, random: &SystemRandom, message: &[u8]) -> Result<Vec<u8>, Fault> {
        let failed = |_| Fault::internal("signing a token");
        match self {
            Self::Rsa(encoding, pair) => {
                let encoding: &'static dyn RsaEncoding = *encoding;
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, random, message, &mut signature).map_err(failed)?;
                Ok(signature)
            }
            Self::P256(pair) => pair.sign(random, message).map(|made| made.as_ref().to_vec()).map_err(failed),
            Self::Ed25519(pair) => pair.try_sign(message).map(|made| made.as_ref().to_vec()).map_err(failed),
        }
    }
}
