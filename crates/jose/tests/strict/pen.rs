//! Writes tokens with any header and any bytes as claims, well signed: what an attacker with a key can do.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_jose::algorithm::Algorithm;
use doorward_jose::bad::BadToken;
use doorward_jose::claims::Claims;
use doorward_jose::jwk::PublicKey;
use doorward_jose::jws::Presented;
use doorward_jose::key::SigningKey;
use doorward_model::dice::Counting;
use doorward_model::id::KeyId;
use std::sync::LazyLock;

/// A key pair that signs anything.
pub struct Pen {
    pub pkcs8: Vec<u8>,
    pub key: SigningKey,
}

static PENS: LazyLock<Vec<Pen>> = LazyLock::new(|| Algorithm::ALL.into_iter().map(Pen::new).collect());

/// The one pen of an algorithm, made once: RSA keys take their time.
pub fn pen(algorithm: Algorithm) -> &'static Pen {
    PENS.iter().find(|pen| pen.key.algorithm() == algorithm).expect("a pen of every algorithm")
}

impl Pen {
    /// A pen with a fresh key.
    pub fn new(algorithm: Algorithm) -> Self {
        let pkcs8 = SigningKey::generate(algorithm).expect("a fresh key").to_vec();
        let id = KeyId::draw(&Counting::new(algorithm as u64));
        let key = SigningKey::parse(id, algorithm, &pkcs8).expect("its own key");
        Self { pkcs8, key }
    }

    /// The signature over a text.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        let rsa = |encoding| {
            let pair = RsaKeyPair::from_pkcs8(&self.pkcs8).expect("an RSA key");
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(encoding, &random, message, &mut signature).expect("a signature");
            signature
        };
        match self.key.algorithm() {
            Algorithm::Rs256 => rsa(&RSA_PKCS1_SHA256),
            Algorithm::Ps256 => rsa(&RSA_PSS_SHA256),
            Algorithm::Es256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &self.pkcs8).expect("a key");
                pair.sign(&random, message).expect("a signature").as_ref().to_vec()
            }
            Algorithm::EdDsa => Ed25519KeyPair::from_pkcs8(&self.pkcs8).expect("a key").sign(message).as_ref().to_vec(),
        }
    }

    /// A token with this header and these claims, byte for byte, well signed.
    pub fn write(&self, header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> String {
        self.finish(format!("{}.{}", b64(header), b64(claims)))
    }

    /// A token with exactly this text before the signature, well signed.
    pub fn finish(&self, signed: String) -> String {
        let signature = self.sign(signed.as_bytes());
        format!("{signed}.{}", b64(signature))
    }

    /// A token with the pen's own algorithm and these claims.
    pub fn claims(&self, claims: impl AsRef<[u8]>) -> String {
        self.write(format!(r#"{{"alg":"{}"}}"#, self.key.algorithm()), claims)
    }
}

/// A token signed with a shared secret, whatever its header says.
pub fn write_hmac(secret: &[u8], header: &str, claims: &str) -> String {
    let signed = format!("{}.{}", b64(header), b64(claims));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
    format!("{signed}.{}", b64(tag))
}

/// Base64url without padding.
pub fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of base64url.
pub fn unb64(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).expect("base64url")
}

/// Reads and verifies.
pub fn verify(token: &str, key: &PublicKey) -> Result<Claims, BadToken> {
    Presented::read(token)?.verify(key)
}

/// Why a token is refused; `None` when it passes.
pub fn refusal(token: &str, key: &PublicKey) -> Option<BadToken> {
    verify(token, key).err()
}
