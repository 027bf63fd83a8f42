//! Clients' secrets, opened once: kept as a hash to compare with and as a key to check signatures with. The
//! clear form does not stay in memory.

use crate::door::Door;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use doorward_jose::claims::Claims;
use doorward_jose::hmac::HmacKey;
use doorward_jose::jws::Presented;
use doorward_model::fault::Fault;
use doorward_model::id::ClientId;
use doorward_model::time::Timestamp;
use doorward_store::clients;
use std::sync::Arc;

/// What clients' secrets are sealed for.
pub(crate) const PURPOSE: &str = "client secret";

/// One secret of a client.
pub(crate) struct ClientSecret {
    expires_at: Option<Timestamp>,
    hash: [u8; 32],
    /// `None` when it is too short to sign with (RFC 7518 §3.2).
    key: Option<HmacKey>,
}

impl ClientSecret {
    fn new(clear: &[u8], expires_at: Option<Timestamp>) -> Self {
        Self { expires_at, hash: hash(clear), key: HmacKey::new(clear).ok() }
    }

    fn is_good(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| end > now)
    }
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

/// Opens a client's secrets.
pub(crate) async fn load(door: &Door, client: &ClientId) -> Result<Arc<[ClientSecret]>, Fault> {
    let sealed = clients::secrets(&mut &door.store, client).await?;
    sealed
        .iter()
        .map(|secret| {
            let clear = door.keys.open(PURPOSE, &secret.sealed).ok_or_else(|| {
                Fault::corrupt("client_secrets", secret.id.as_str(), "it was sealed with another master key")
            })?;
            Ok(ClientSecret::new(&clear, secret.expires_at))
        })
        .collect()
}

/// Whether one of the secrets that are good now was presented. All of them are compared, each in constant time.
pub(crate) fn any_is(secrets: &[ClientSecret], presented: &str, now: Timestamp) -> bool {
    let presented = hash(presented.as_bytes());
    let good = secrets.iter().filter(|secret| secret.is_good(now));
    good.fold(false, |fits, secret| fits | verify_slices_are_equal(&secret.hash, &presented).is_ok())
}

/// The claims of a token that one of the secrets that are good now has signed. All of them are tried.
pub(crate) fn verify(secrets: &[ClientSecret], token: &Presented<'_>, now: Timestamp) -> Option<Claims> {
    let good = secrets.iter().filter(|secret| secret.is_good(now));
    good.filter_map(|secret| secret.key.as_ref()).fold(None, |found, key| token.verify_hmac(key).ok().or(found))
}

#[cfg(test)]
mod tests {
    use super::{ClientSecret, any_is};
    use doorward_model::time::Timestamp;

    #[test]
    fn every_secret_is_good_until_its_own_end() {
        let at = Timestamp::from_millis;
        let secrets = [ClientSecret::new(b"new", None), ClientSecret::new(b"old", Some(at(1000)))];
        assert!(any_is(&secrets, "new", at(5000)) && any_is(&secrets, "old", at(999)));
        assert!(!any_is(&secrets, "old", at(1000)));
        for wrong in ["", "ne", "new ", "New", "newold"] {
            assert!(!any_is(&secrets, wrong, at(0)), "{wrong}");
        }
        assert!(!any_is(&[], "", at(0)));
    }
}
