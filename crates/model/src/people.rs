//! Realms, users, groups and who belongs where, and since which source says so.

use crate::id::{ClientId, ConnectorId, GroupId, RealmId, RoleId, UserId};
use crate::name::{DisplayText, EmailAddress, GroupName, RealmName, RoleName, UserName};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// An isolated tenant with its own users, groups, apps and keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Realm {
    /// Its id.
    pub id: RealmId,
    /// Its name in URLs.
    pub name: RealmName,
    /// Its name for people.
    pub title: DisplayText,
}

/// A person, or a machine acting as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its id: the only thing that identifies a user.
    pub id: UserId,
    /// The realm it lives in.
    pub realm_id: RealmId,
    /// What it signs in with.
    pub name: UserName,
    /// Its e-mail address, if known.
    pub email: Option<EmailAddress>,
    /// Its name for people.
    pub display: DisplayText,
    /// A disabled user can do nothing at all.
    pub is_active: bool,
    /// When it was created.
    pub created_at: Timestamp,
}

/// A group of users and groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its id: rules name groups by id, so that a recycled name gets nothing.
    pub id: GroupId,
    /// The realm it lives in.
    pub realm_id: RealmId,
    /// Its name.
    pub name: GroupName,
}

/// A role: a word that tools read in tokens. It opens nothing by itself; rules name groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its id.
    pub id: RoleId,
    /// The realm it lives in.
    pub realm_id: RealmId,
    /// The client whose role it is; `None` for a role of the realm.
    pub client_id: Option<ClientId>,
    /// Its name.
    pub name: RoleName,
    /// What it stands for, for people; may be empty.
    pub description: String,
}

/// Who has a role.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Holder {
    /// A user.
    User(UserId),
    /// Everybody in a group, nested ones included.
    Group(GroupId),
    /// A client, where it speaks for itself.
    Client(ClientId),
    /// Everybody who has another role.
    Role(RoleId),
}

/// Who says that something is so. A source only ever changes its own rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Set by hand: commands and pages.
    Local,
    /// Set by a declared object.
    Declared,
    /// Said by an outside identity provider when the user last signed in through it.
    Connector(ConnectorId),
}

impl Source {
    /// As stored.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Local => "local",
            Self::Declared => "declared",
            Self::Connector(id) => id.as_str(),
        }
    }

    /// From the store.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "local" => Some(Self::Local),
            "declared" => Some(Self::Declared),
            _ => ConnectorId::parse(text).ok().map(Self::Connector),
        }
    }
}
