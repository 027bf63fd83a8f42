//! What the tests of this crate share.

use crate::own_key::OwnKey;
use crate::trouble::Trouble;
use doorward_model::time::Timestamp;

/// A key of our own.
pub fn own_key() -> Result<OwnKey, Trouble> {
    let now = Timestamp::from_millis(1_790_000_000_000);
    let made = doorward_jose::self_signed::make("https://door.example", now);
    OwnKey::parse(&made.map_err(|_| Trouble::OwnKey("it could not be made"))?)
}
