//! The life of a signing key. A key is published before it signs and after it has signed, so that whoever
//! checks a token finds its key wherever they look.

/// What a key is there for. A key that is in no state is gone: neither published nor accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyState {
    /// Published and accepted, so that everybody knows it before it signs.
    Announced,
    /// Signs. A realm has one for each algorithm.
    Active,
    /// Signs no more; published and accepted until the last token it signed is over.
    Retiring,
}

impl KeyState {
    /// All of them, in the order of a key's life.
    pub const ALL: [Self; 3] = [Self::Announced, Self::Active, Self::Retiring];

    /// As stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Announced => "announced",
            Self::Active => "active",
            Self::Retiring => "retiring",
        }
    }

    /// From the store.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}
