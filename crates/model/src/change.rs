//! What other nodes' caches must hear of. Each row of the change feed is one of these; it names what
//! changed, never the new value, so that a late reader can only ever read something newer.

use crate::id::{ClientId, RealmId, ServiceTokenId, SessionId, UserId};

/// Something cached that is no longer what it was.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Change {
    /// A user was changed, disabled, deleted, or joined or left a group.
    User(UserId),
    /// A session ended.
    Session(SessionId),
    /// Groups of a realm were nested, renamed or deleted.
    Groups(RealmId),
    /// Apps or their rules changed.
    Apps,
    /// A service token was changed or revoked.
    ServiceToken(ServiceTokenId),
    /// A client was changed, disabled or deleted.
    Client(ClientId),
    /// What a realm says for all of its clients changed.
    Realm(RealmId),
    /// Signing keys changed.
    Keys,
}

impl Change {
    /// As stored in the feed.
    pub fn to_text(&self) -> String {
        match self {
            Self::User(id) => format!("user {id}"),
            Self::Session(id) => format!("session {id}"),
            Self::Groups(id) => format!("groups {id}"),
            Self::Apps => "apps".to_owned(),
            Self::ServiceToken(id) => format!("token {id}"),
            Self::Client(id) => format!("client {id}"),
            Self::Realm(id) => format!("realm {id}"),
            Self::Keys => "keys".to_owned(),
        }
    }

    /// From the feed. `None` for a kind this version does not know: the reader then drops every
    /// cache, so that an older node beside a newer one never trusts something stale.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, id) = text.split_once(' ').unwrap_or((text, ""));
        match kind {
            "user" => UserId::parse(id).ok().map(Self::User),
            "session" => SessionId::parse(id).ok().map(Self::Session),
            "groups" => RealmId::parse(id).ok().map(Self::Groups),
            "apps" => Some(Self::Apps),
            "token" => ServiceTokenId::parse(id).ok().map(Self::ServiceToken),
            "client" => ClientId::parse(id).ok().map(Self::Client),
            "realm" => RealmId::parse(id).ok().map(Self::Realm),
            "keys" => Some(Self::Keys),
            _ => None,
        }
    }
}
