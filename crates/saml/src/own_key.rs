//! A connector's own RSA key: what its requests are signed with, and what assertions for it are encrypted to. The
//! certificate around it only carries the key to the provider, which is told to trust it.

use crate::names::RSA_SHA256;
use crate::trouble::Trouble;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512, OaepAlgorithm,
    OaepPrivateDecryptingKey, PrivateDecryptingKey,
};
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use doorward_engine::federation::own_keys;
use doorward_engine::federation::settings::SamlSettings;
use zeroize::Zeroizing;

/// A key, open. It does not print.
pub struct OwnKey {
    pair: RsaKeyPair,
    opening: OaepPrivateDecryptingKey,
    certificate: String,
    random: SystemRandom,
}

/// Which hash a key was wrapped with (RFC 8017 §7.1); the mask is made with the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Oaep {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Oaep {
    fn algorithm(self) -> &'static OaepAlgorithm {
        match self {
            Self::Sha1 => &OAEP_SHA1_MGF1SHA1,
            Self::Sha256 => &OAEP_SHA256_MGF1SHA256,
            Self::Sha384 => &OAEP_SHA384_MGF1SHA384,
            Self::Sha512 => &OAEP_SHA512_MGF1SHA512,
        }
    }
}

const NO_KEY: Trouble = Trouble::OwnKey("it is no RSA key in PKCS #8: remove the connector and add it again");

impl OwnKey {
    /// Reads what `doorward_jose::self_signed` made.
    ///
    /// # Errors
    /// [`Trouble::OwnKey`]
    pub fn parse(text: &str) -> Result<Self, Trouble> {
        let (secret, certificate) = text.split_once(' ').ok_or(NO_KEY)?;
        let pkcs8 = Zeroizing::new(STANDARD.decode(secret).map_err(|_| NO_KEY)?);
        let opening = PrivateDecryptingKey::from_pkcs8(&pkcs8).map_err(|_| NO_KEY)?;
        Ok(Self {
            pair: RsaKeyPair::from_pkcs8(&pkcs8).map_err(|_| NO_KEY)?,
            opening: OaepPrivateDecryptingKey::new(opening).map_err(|_| NO_KEY)?,
            certificate: certificate.to_owned(),
            random: SystemRandom::new(),
        })
    }

    /// Its certificate, in base64.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// What it signs with, by the name in XML Signature.
    pub fn algorithm(&self) -> &'static str {
        RSA_SHA256
    }

    /// Signs.
    ///
    /// # Errors
    /// [`Trouble::OwnKey`]
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Trouble> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let signed = self.pair.sign(&RSA_PKCS1_SHA256, &self.random, message, &mut signature);
        signed.map_err(|_| Trouble::OwnKey("it could not sign"))?;
        Ok(signature)
    }

    /// Opens a key that was wrapped for this one.
    pub(crate) fn unwrap(&self, how: Oaep, wrapped: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let mut room = Zeroizing::new(vec![0; self.opening.min_output_size()]);
        let length = self.opening.decrypt(how.algorithm(), wrapped, &mut room, None).ok()?.len();
        room.truncate(length);
        Some(room)
    }
}

/// All keys a connector has of its own, open: the one that signs, and those beside it.
pub struct OwnKeys {
    signing: OwnKey,
    beside: Vec<OwnKey>,
    /// Whether one of those beside is newer than the one that signs, and which.
    newer: Option<usize>,
}

impl OwnKeys {
    /// Opens the keys settings name, of those that are kept.
    ///
    /// # Errors
    /// [`Trouble::OwnKey`]
    pub fn open(settings: &SamlSettings, kept: &str) -> Result<Self, Trouble> {
        let kept = own_keys::OwnKeys::parse(kept).ok_or(NO_KEY)?;
        let key = |number: &u32| OwnKey::parse(kept.get(*number).ok_or(NO_KEY)?);
        let numbers = &settings.other_own_keys;
        let newest = numbers.iter().enumerate().max_by_key(|(_, number)| **number);
        Ok(Self {
            signing: key(&settings.own_key)?,
            beside: numbers.iter().map(key).collect::<Result<_, _>>()?,
            newer: newest.filter(|(_, number)| **number > settings.own_key).map(|(place, _)| place),
        })
    }

    /// The one that signs.
    pub fn signing(&self) -> &OwnKey {
        &self.signing
    }

    /// The one to encrypt for: the newest, so that the others run out.
    pub fn newest(&self) -> &OwnKey {
        self.newer.and_then(|place| self.beside.get(place)).unwrap_or(&self.signing)
    }

    /// All of them, the one that signs first.
    pub fn all(&self) -> impl Iterator<Item = &OwnKey> {
        std::iter::once(&self.signing).chain(&self.beside)
    }
}

#[cfg(test)]
mod tests {
    use super::OwnKey;
    use crate::certificate::Key;
    use crate::names::RSA_SHA256;
    use crate::tests::own_key;

    #[test]
    fn a_made_key_signs_and_its_certificate_holds_it() -> Result<(), crate::trouble::Trouble> {
        let own = own_key()?;
        let signature = own.sign(b"message")?;
        let key = Key::of_certificate(own.certificate())?;
        assert!(key.has_signed(RSA_SHA256, b"message", &signature));
        assert!(!key.has_signed(RSA_SHA256, b"messagf", &signature));
        assert!(!key.has_signed("http://www.w3.org/2000/09/xmldsig#rsa-sha1", b"message", &signature));
        for odd in ["", "x", "x y", " "] {
            assert!(OwnKey::parse(odd).is_err(), "{odd}");
        }
        Ok(())
    }
}
