//! What holds while the process runs: nothing optional that is needed.

use doorward_jose::certificate::Authorities;
use doorward_model::address::{Address, HostName};
use doorward_model::name::RealmName;

/// Settings of the use cases.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where browsers reach Doorward itself. Links are built from this alone, never from headers.
    pub public: Address,
    /// The realm used where none is named.
    pub realm: RealmName,
    /// Lifetimes of sessions.
    pub sessions: SessionLimits,
    /// How long cached sessions keep passing while the database is gone, in seconds; 0 for not at all.
    pub database_grace_seconds: i64,
    /// The parent domain whose apps share one pass, when that mode is on.
    pub shared_domain: Option<HostName>,
    /// Who vouches for the certificates of clients that are known by their subject.
    pub client_authorities: Option<Authorities>,
    /// How signing keys follow one another.
    pub keys: KeyTimes,
}

/// How signing keys follow one another, in seconds.
#[derive(Debug, Clone, Copy)]
pub struct KeyTimes {
    /// For how long a key signs before the next one does; 0 for as long as nobody says otherwise.
    pub rotate_seconds: i64,
    /// For how long a key is published before it signs: longer than anybody keeps a copy of the key set.
    pub announce_seconds: i64,
}

impl Default for KeyTimes {
    fn default() -> Self {
        Self { rotate_seconds: 90 * 24 * 60 * 60, announce_seconds: 60 * 60 }
    }
}

/// Lifetimes of sessions, in seconds.
#[derive(Debug, Clone, Copy)]
pub struct SessionLimits {
    /// Ends when unseen for this long.
    pub idle_seconds: i64,
    /// Ends after this long in any case.
    pub lifetime_seconds: i64,
    /// Idle limit with "keep me signed in".
    pub remembered_idle_seconds: i64,
    /// Lifetime with "keep me signed in".
    pub remembered_lifetime_seconds: i64,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self {
            idle_seconds: 30 * 60,
            lifetime_seconds: 10 * 60 * 60,
            remembered_idle_seconds: 7 * 24 * 60 * 60,
            remembered_lifetime_seconds: 30 * 24 * 60 * 60,
        }
    }
}
