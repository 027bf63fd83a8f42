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

/// Three letters of kind, an underscore, 26 digits.
const LENGTH: usize = 30;

/// An id's text in place: the gate reads several for every request, and none may cost a jump into cold memory.
type Text = [u8; LENGTH];

fn draw(prefix: &[u8; 3], dice: &dyn Dice) -> Text {
    let mut bytes = [0u8; 16];
    dice.fill(&mut bytes);
    let mut number = u128::from_be_bytes(bytes);
    let mut text = [b'_'; LENGTH];
    for (place, letter) in text.iter_mut().zip(prefix) {
        *place = *letter;
    }
    for place in text.iter_mut().skip(prefix.len() + 1) {
        let digit = (number & 31) as usize;
        *place = ALPHABET.get(digit).copied().unwrap_or(b'a');
        number >>= 5;
    }
    text
}

fn parse(prefix: &'static str, text: &str) -> Result<Text, NotAnId> {
    let fits = |text: &Text| {
        text.strip_prefix(prefix.as_bytes())
            .and_then(|rest| rest.strip_prefix(b"_"))
            .is_some_and(|rest| rest.len() == 26 && rest.iter().all(|byte| ALPHABET.contains(byte)))
    };
    let whole = Text::try_from(text.as_bytes()).ok().filter(fits);
    whole.ok_or_else(|| NotAnId { text: text.chars().take(64).collect(), prefix })
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident: $prefix:literal),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Text);

        impl $name {
            /// Draws a fresh id.
            pub fn draw(dice: &dyn Dice) -> Self {
                Self(draw($prefix.as_bytes().first_chunk().unwrap_or(b"___"), dice))
            }

            /// Reads an id of this kind.
            pub fn parse(text: &str) -> Result<Self, NotAnId> {
                parse($prefix, text).map(Self)
            }

            /// The id as stored and printed.
            pub fn as_str(&self) -> &str {
                std::str::from_utf8(&self.0).unwrap_or_default()
            }
        }

        impl TryFrom<String> for $name {
            type Error = NotAnId;

            fn try_from(text: String) -> Result<Self, NotAnId> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.as_str().to_owned()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
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
    /// A scope of a realm's own.
    ClientScopeId: "csc",
    /// A role of one realm, or of one of its clients.
    RoleId: "rol",
    /// An outside identity provider of one realm.
    ConnectorId: "con",
    /// A protected tool.
    AppId: "app",
    /// A browser signed in to a realm.
    SessionId: "ses",
    /// A service token.
    ServiceTokenId: "tok",
    /// A client: a relying party of the OpenID Provider. Not its `client_id`, which is a name.
    ClientId: "cli",
    /// A secret of a client.
    ClientSecretId: "sec",
    /// A credential for registering clients.
    RegistrationTokenId: "rgt",
    /// A line of refresh tokens that began with one authorization.
    FamilyId: "fam",
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
