//! Typed ids. Every id is 128 random bits in lower-case base 32 behind a kind prefix, so that an id
//! tells what it is wherever it is printed and a mix-up does not compile.

use crate::dice::Dice;
use serde::{Deserialize, Serialize};
use std::fmt;

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Text that is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an id of the form {prefix}_… with 26 letters and digits")]
pub struct NotAnId {
    text: String,
    prefix: &'static str,
}

fn draw(prefix: &str, dice: &dyn Dice) -> String {
    let mut bytes = [0u8; 16];
    dice.fill(&mut bytes);
    let mut number = u128::from_be_bytes(bytes);
    let mut text = String::with_capacity(prefix.len() + 27);
    text.push_str(prefix);
    text.push('_');
    for _ in 0..26 {
        let digit = (number & 31) as usize;
        text.push(char::from(ALPHABET.get(digit).copied().unwrap_or(b'a')));
        number >>= 5;
    }
    text
}

fn parse(prefix: &'static str, text: &str) -> Result<String, NotAnId> {
    let fits = text
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'))
        .is_some_and(|rest| rest.len() == 26 && rest.bytes().all(|b| ALPHABET.contains(&b)));
    if fits { Ok(text.to_owned()) } else { Err(NotAnId { text: text.chars().take(64).collect(), prefix }) }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident: $prefix:literal),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Box<str>);

        impl $name {
            /// Draws a fresh id.
            pub fn draw(dice: &dyn Dice) -> Self {
                Self(draw($prefix, dice).into())
            }

            /// Reads an id of this kind.
            pub fn parse(text: &str) -> Result<Self, NotAnId> {
                parse($prefix, text).map(|text| Self(text.into()))
            }

            /// The id as stored and printed.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

ids! {
    /// A realm: an isolated tenant.
    RealmId: "rlm",
    /// A user of one realm.
    UserId: "usr",
    /// A group of one realm.
    GroupId: "grp",
    /// A protected tool.
    AppId: "app",
    /// A browser signed in to a realm.
    SessionId: "ses",
    /// A service token.
    ServiceTokenId: "tok",
    /// A signing key.
    KeyId: "key",
    /// An entry of the audit record.
    EventId: "evt",
    /// One request, as it appears in the log and on error pages.
    RequestId: "req",
}

#[cfg(test)]
mod tests {
    use super::{GroupId, UserId};
    use crate::dice::Counting;

    #[test]
    fn ids_of_another_kind_are_refused() {
        let user = UserId::draw(&Counting::new(1));
        assert_eq!(UserId::parse(user.as_str()), Ok(user.clone()));
        assert!(GroupId::parse(user.as_str()).is_err());
        assert!(UserId::parse("usr_").is_err());
        assert!(UserId::parse(&user.as_str().to_uppercase()).is_err());
    }
}
