//! Browsers signed in to a realm, their passes to app hosts, and the short-lived things between.

use crate::id::{AppId, ConnectorId, RealmId, SessionId, UserId};
use crate::time::Timestamp;
use crate::ways::CameBy;

/// A browser signed in to a realm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id, for lists and the audit record; not the credential.
    pub id: SessionId,
    /// Its realm.
    pub realm_id: RealmId,
    /// Who signed in.
    pub user_id: UserId,
    /// When.
    pub created_at: Timestamp,
    /// Last seen, to a minute or so.
    pub last_seen_at: Timestamp,
    /// The end of its life whatever happens.
    pub expires_at: Timestamp,
    /// Ends earlier when unseen for this many seconds.
    pub idle_seconds: i64,
    /// The client's address when it signed in.
    pub client_address: String,
    /// The browser's own description, for the session list.
    pub user_agent: String,
    /// The connector its person came through; `None` when they proved themselves here.
    pub connector: Option<ConnectorId>,
    /// The connector that proved who they are, where that is another one than the one that says so.
    pub through: Option<ConnectorId>,
}

impl Session {
    /// By which way its person came in.
    pub fn came_by(&self) -> CameBy<'_> {
        self.through.as_ref().or(self.connector.as_ref())
    }

    /// Whether it still stands at `now`: limits are kept here, never in the cookie.
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.expires_at && now < self.last_seen_at.plus_seconds(self.idle_seconds)
    }
}

/// A session's admission to one app's host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pass {
    /// The session it stands on: a pass ends with it.
    pub session_id: SessionId,
    /// The app it opens; `None` for a pass shared by a parent domain.
    pub app_id: Option<AppId>,
    /// The host it was issued for (the parent domain for a shared one).
    pub host: String,
}

/// A program's credential as the gate sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceToken {
    /// Its id.
    pub id: crate::id::ServiceTokenId,
    /// Its realm.
    pub realm_id: RealmId,
    /// Its name: what tools are told as user name, behind `service-`.
    pub name: crate::name::TokenName,
    /// Apps it opens.
    pub apps: Vec<AppId>,
    /// End of its life.
    pub expires_at: Timestamp,
    /// The person it stands for; `None` for a machine of its own.
    pub owner: Option<UserId>,
    /// The connector through which that person had come when they made it; `None` for an account kept here.
    pub came_by: Option<ConnectorId>,
}
