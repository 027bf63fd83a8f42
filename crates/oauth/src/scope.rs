//! Scopes: an ordered set of tokens, each of the letters the protocol allows. What a scope means is
//! decided elsewhere. RFC 6749 §3.3.

use crate::error::{ErrorCode, OAuthError};
use crate::limits;
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

/// Distinct scopes in the order they were first named. Written as one text with spaces between.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Scopes(Vec<Box<str>>);

/// Why scopes are not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadScopes {
    /// Too many.
    #[error("scope may hold at most {} scopes; ask for fewer", limits::SCOPES)]
    TooMany,
    /// One is too long.
    #[error("a scope may have at most {} bytes; shorten it", limits::SCOPE_BYTES)]
    TooLong,
    /// A letter no scope has.
    #[error("scope may hold printable ASCII letters without quotes and backslashes, with spaces between scopes")]
    Letter,
}

impl From<BadScopes> for OAuthError {
    fn from(bad: BadScopes) -> Self {
        Self::new(ErrorCode::InvalidScope, bad.to_string())
    }
}

impl Scopes {
    /// Reads scopes with spaces between them. One named twice counts once; more spaces than needed do no harm.
    pub fn parse(text: &str) -> Result<Self, BadScopes> {
        let mut scopes = Self::default();
        for (count, scope) in text.split(' ').filter(|scope| !scope.is_empty()).enumerate() {
            if count == limits::SCOPES {
                return Err(BadScopes::TooMany);
            }
            if scope.len() > limits::SCOPE_BYTES {
                return Err(BadScopes::TooLong);
            }
            if !scope.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)) {
                return Err(BadScopes::Letter);
            }
            scopes.add(scope);
        }
        Ok(scopes)
    }

    /// Whether a scope is among them; letters count with their case.
    pub fn contains(&self, scope: &str) -> bool {
        self.0.iter().any(|known| **known == *scope)
    }

    /// Whether every one of these is among the others.
    pub fn subset_of(&self, others: &Self) -> bool {
        self.iter().all(|scope| others.contains(scope))
    }

    /// These, then those of the others that are new.
    pub fn union(self, others: &Self) -> Self {
        self.with(others.iter())
    }

    /// These, then those of some names that are new. The names are scopes: whoever declared them was held to it.
    pub fn with<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        for name in names {
            self.add(name);
        }
        self
    }

    /// The scopes in their order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|scope| &**scope)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn add(&mut self, scope: &str) {
        if !self.contains(scope) {
            self.0.push(scope.into());
        }
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, scope) in self.iter().enumerate() {
            if place > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope)?;
        }
        Ok(())
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl TryFrom<String> for Scopes {
    type Error = BadScopes;
    fn try_from(text: String) -> Result<Self, BadScopes> {
        Self::parse(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::{BadScopes, Scopes};

    fn scopes(text: &str) -> Scopes {
        Scopes::parse(text).unwrap_or_default()
    }

    #[test]
    fn scopes_keep_their_order_and_count_once() {
        let read = scopes("  openid email  openid profile:read urn:x/y!~ ");
        assert_eq!(read.to_string(), "openid email profile:read urn:x/y!~");
        assert!(read.contains("email") && !read.contains("EMAIL") && !read.contains("profile"));
        assert!(scopes("").is_empty() && scopes(" ").to_string().is_empty());
    }

    #[test]
    fn broken_and_oversized_scopes_are_refused() {
        for bad in ["a\tb", "a\nb", "a\"b", "a\\b", "\u{e9}", "a\0", "a\x7f"] {
            assert_eq!(Scopes::parse(bad), Err(BadScopes::Letter), "{bad:?}");
        }
        let many = |count: usize| (0..count).map(|number| format!("s{number} ")).collect::<String>();
        assert!(Scopes::parse(&many(100)).is_ok());
        assert_eq!(Scopes::parse(&many(101)), Err(BadScopes::TooMany));
        assert_eq!(Scopes::parse(&"a ".repeat(101)), Err(BadScopes::TooMany));
        assert!(Scopes::parse(&"a".repeat(128)).is_ok());
        assert_eq!(Scopes::parse(&"a".repeat(129)), Err(BadScopes::TooLong));
    }

    #[test]
    fn sets_are_compared_and_joined() {
        let (few, many) = (scopes("b a"), scopes("a b c"));
        assert!(few.subset_of(&many) && !many.subset_of(&few) && scopes("").subset_of(&few));
        assert_eq!(few.union(&scopes("c a d")).to_string(), "b a c d");
    }

    #[test]
    fn scopes_are_stored_as_one_text_and_checked_when_read() {
        assert_eq!(serde_json::to_string(&scopes("b a")).ok().as_deref(), Some("\"b a\""));
        assert_eq!(serde_json::from_str::<Scopes>("\"b a\"").ok(), Some(scopes("b a")));
        assert!(serde_json::from_str::<Scopes>("\"b\\ta\"").is_err());
    }
}
