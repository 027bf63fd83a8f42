//! Changing realms, users, groups, roles, apps and service tokens: what commands, declared objects and pages
//! share. Each function works inside a transaction the caller opened, so that many changes are one.

pub mod apps;
pub mod client_scopes;
pub mod clients;
pub mod connectors;
pub mod find;
pub mod groups;
pub mod look;
mod own_keys;
pub mod personal_tokens;
pub mod profiles;
pub mod realms;
pub mod roles;
pub mod tokens;
pub mod users;
pub mod ways;
mod what_changed;
pub mod wrong;

use std::fmt;

/// A rule's "no" to a change, as one sentence for the person who asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    sentence: String,
    is_taken: bool,
}

impl Refused {
    /// In the caller's words.
    pub fn because(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), is_taken: false }
    }

    /// A name is in use.
    pub fn taken(kind: &str, name: &str) -> Self {
        let article = if kind.starts_with('a') { "an" } else { "a" };
        let sentence = format!("there is already {article} {kind} named {name}: choose another name");
        Self { sentence, is_taken: true }
    }

    /// Whether the only thing wrong is that the name is in use.
    pub fn is_taken(&self) -> bool {
        self.is_taken
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}
