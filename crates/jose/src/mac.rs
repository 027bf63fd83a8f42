//! Marks that only holders of the master key can make: HMAC-SHA-256 under a key derived from it (RFC 2104, RFC 5869),
//! so that what is marked says nothing about what is sealed.

use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::hmac;
use doorward_model::fault::Fault;
use zeroize::Zeroizing;

/// Length of a mark in bytes.
pub const MARK_BYTES: usize = 32;

/// What the derived key is for: another word would give another key.
const INFO: &[&[u8]] = &[b"doorward marks 1"];

pub(crate) struct MacKey(hmac::Key);

struct Length;

impl KeyType for Length {
    fn len(&self) -> usize {
        MARK_BYTES
    }
}

impl MacKey {
    pub(crate) fn derive(master: &[u8]) -> Result<Self, Fault> {
        let failed = |_| Fault::internal("deriving a key from the master key");
        let mut key = Zeroizing::new([0u8; MARK_BYTES]);
        let extracted = Salt::new(HKDF_SHA256, &[]).extract(master);
        extracted.expand(INFO, Length).map_err(failed)?.fill(key.as_mut()).map_err(failed)?;
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, key.as_ref())))
    }

    pub(crate) fn mark(&self, purpose: &str, message: &[u8]) -> [u8; MARK_BYTES] {
        let mut context = hmac::Context::with_key(&self.0);
        // The length goes first: where the purpose ends cannot be moved.
        context.update(&(purpose.len() as u64).to_be_bytes());
        context.update(purpose.as_bytes());
        context.update(message);
        let mut mark = [0u8; MARK_BYTES];
        mark.copy_from_slice(context.sign().as_ref());
        mark
    }
}

#[cfg(test)]
mod tests {
    use super::MacKey;

    #[test]
    fn a_mark_is_of_its_key_its_purpose_and_its_message() {
        let (Ok(key), Ok(same), Ok(other)) =
            (MacKey::derive(&[7; 32]), MacKey::derive(&[7; 32]), MacKey::derive(&[8; 32]))
        else {
            panic!("keys")
        };
        let mark = key.mark("nonce", b"7");
        assert_eq!(mark, same.mark("nonce", b"7"));
        for another in
            [other.mark("nonce", b"7"), key.mark("nonce", b"8"), key.mark("nonc", b"e7"), key.mark("nonce7", b"")]
        {
            assert_ne!(mark, another);
        }
    }

    #[test]
    fn a_mark_is_that_of_the_rfcs() {
        // HKDF (RFC 5869) without salt and with the info above, then HMAC (RFC 2104), by Python's hmac module.
        let Ok(key) = MacKey::derive(&[7; 32]) else { panic!("a key") };
        let hex: String = key.mark("nonce", b"7").iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "644e59b1ab05123f3d51db3d51fa1e426e1611c502e69e0b44cbdaa9aa8d9bb6");
    }
}
