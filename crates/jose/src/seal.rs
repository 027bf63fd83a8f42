//! Secrets at rest: AES-256-GCM under the master key, with the purpose as associated data, so that a
//! secret sealed for one purpose does not open for another. NIST SP 800-38D.

use crate::mac::{MARK_BYTES, MacKey};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use doorward_model::dice::Dice;
use doorward_model::fault::Fault;
use zeroize::Zeroizing;

/// Length of the master key in bytes.
pub const MASTER_KEY_BYTES: usize = 32;
/// Version byte before every sealed secret, so that a later format can be told apart.
const FORMAT: u8 = 1;

/// The master key. Made on first start, kept outside the database, never printed.
pub struct MasterKey {
    sealing: LessSafeKey,
    marking: MacKey,
}

impl MasterKey {
    /// From its 32 bytes.
    pub fn from_bytes(bytes: &[u8; MASTER_KEY_BYTES]) -> Result<Self, Fault> {
        let key = UnboundKey::new(&AES_256_GCM, bytes).map_err(|_| Fault::internal("reading the master key"))?;
        Ok(Self { sealing: LessSafeKey::new(key), marking: MacKey::derive(bytes)? })
    }

    /// A mark on a message that nobody without the master key can make, the same at every call and on every node;
    /// a mark made for one purpose is none for another.
    pub fn mark(&self, purpose: &str, message: &[u8]) -> [u8; MARK_BYTES] {
        self.marking.mark(purpose, message)
    }

    /// Seals a secret for a purpose: format byte, nonce, ciphertext, tag.
    pub fn seal(&self, purpose: &str, secret: &[u8], dice: &dyn Dice) -> Result<Vec<u8>, Fault> {
        let mut nonce = [0u8; NONCE_LEN];
        dice.fill(&mut nonce);
        let mut sealed = secret.to_vec();
        self.sealing
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(purpose.as_bytes()), &mut sealed)
            .map_err(|_| Fault::internal("sealing a secret"))?;
        let mut whole = Vec::with_capacity(1 + NONCE_LEN + sealed.len());
        whole.push(FORMAT);
        whole.extend_from_slice(&nonce);
        whole.append(&mut sealed);
        Ok(whole)
    }

    /// Opens what was sealed for the same purpose; `None` when the key, the purpose or a bit differs.
    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (format, rest) = sealed.split_first()?;
        let (nonce, body) = rest.split_at_checked(NONCE_LEN)?;
        if *format != FORMAT {
            return None;
        }
        let mut body = Zeroizing::new(body.to_vec());
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let length = self.sealing.open_in_place(nonce, Aad::from(purpose.as_bytes()), &mut body).ok()?.len();
        body.truncate(length);
        Some(body)
    }
}

#[cfg(test)]
mod tests {
    use super::MasterKey;
    use doorward_model::dice::Counting;

    #[test]
    fn gauntlet_b10_07_a_sealed_secret_opens_whole_with_its_key_and_purpose_only() {
        let (Ok(key), Ok(other)) = (MasterKey::from_bytes(&[7; 32]), MasterKey::from_bytes(&[8; 32])) else {
            panic!("keys")
        };
        let Ok(sealed) = key.seal("signing key", b"secret", &Counting::new(1)) else { panic!("seal") };
        assert!(key.open("signing key", &sealed).is_some_and(|open| open.as_slice() == b"secret"));
        assert!(key.open("client secret", &sealed).is_none());
        assert!(other.open("signing key", &sealed).is_none());
        for bit in 0..sealed.len() * 8 {
            let mut bent = sealed.clone();
            bent[bit / 8] ^= 1 << (bit % 8);
            assert!(key.open("signing key", &bent).is_none(), "bit {bit}");
        }
        assert!(key.open("signing key", &[]).is_none());
    }
}
