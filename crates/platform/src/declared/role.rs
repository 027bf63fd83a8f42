//! Declared roles, and the roles that users, groups, clients and other roles have.

use super::complaint::Position;
use super::document::{Document, Text};
use super::object::{Located, Reader};
use crate::limits;
use doorward_engine::manage::roles::describable;
use doorward_model::name::{ClientName, GroupName, RealmName, RoleName, UserName};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_saphyr::Spanned;
use std::collections::HashSet;
use std::fmt;

/// A declared role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredRole {
    /// Its realm.
    pub realm: Located<RealmName>,
    /// Its name.
    pub name: Located<RoleName>,
    /// The client whose role it is; `None` for a role of the realm.
    pub client: Option<Located<ClientName>>,
    /// What it stands for, for people; left as it is when absent.
    pub description: Option<String>,
    /// Roles it contains; a list owns every declared one, no list owns none.
    pub roles: Option<Vec<Located<RoleKey>>>,
}

impl DeclaredRole {
    /// Its name among the roles of its realm.
    pub fn key(&self) -> RoleKey {
        RoleKey { client: self.client.as_ref().map(|client| client.value.clone()), role: self.name.value.clone() }
    }
}

/// A role of a realm by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct RoleKey {
    /// The client whose role it is; `None` for a role of the realm.
    pub client: Option<ClientName>,
    /// Its name.
    pub role: RoleName,
}

impl fmt::Display for RoleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.client {
            Some(client) => write!(f, "{} of client {client}", self.role),
            None => write!(f, "{}", self.role),
        }
    }
}

/// Who has a role, by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HolderName {
    /// A user.
    User(UserName),
    /// Everybody in a group.
    Group(GroupName),
    /// A client, where it speaks for itself.
    Service(ClientName),
    /// Everybody who has another role.
    Role(RoleKey),
}

impl fmt::Display for HolderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(name) => write!(f, "user {name}"),
            Self::Group(name) => write!(f, "group {name}"),
            Self::Service(name) => write!(f, "client {name}"),
            Self::Role(key) => write!(f, "role {key}"),
        }
    }
}

/// A list of roles as written.
pub(super) type WrittenRoles = Spanned<Vec<Spanned<WrittenRole>>>;

/// A text, which is a role of the realm, or an object that names a client's.
#[derive(Debug)]
pub(super) enum WrittenRole {
    OfRealm(String),
    OfClient(WrittenClientRole),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenClientRole {
    client: Text,
    role: Text,
}

impl<'de> Deserialize<'de> for WrittenRole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Role;
        impl<'de> Visitor<'de> for Role {
            type Value = WrittenRole;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a role, or {client: …, role: …}")
            }
            fn visit_str<E>(self, text: &str) -> Result<WrittenRole, E> {
                Ok(WrittenRole::OfRealm(text.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<WrittenRole, A::Error> {
                let written = WrittenClientRole::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(WrittenRole::OfClient(written))
            }
        }
        deserializer.deserialize_any(Role)
    }
}

impl Reader<'_> {
    pub(super) fn role(&mut self, document: &Spanned<Document>) -> Option<DeclaredRole> {
        let written = &document.value;
        let realm = self.of_realm(document);
        let name = self.name(document, RoleName::parse);
        let client = written.of_client.as_ref().and_then(|text| self.located(text, ClientName::parse));
        let description =
            self.optional(written.description.as_ref(), |text| describable(text).map(|()| text.to_owned()));
        let roles = self.roles(written.roles.as_ref());
        if written.of_client.is_some() && client.is_none() {
            return None;
        }
        Some(DeclaredRole { realm: realm?, name: name?, client, description, roles })
    }

    /// A list of roles; what is written twice counts once.
    pub(super) fn roles(&mut self, list: Option<&WrittenRoles>) -> Option<Vec<Located<RoleKey>>> {
        let list = list?;
        if list.value.len() > limits::LIST_ENTRIES {
            let what = format!("the list has more than {} entries", limits::LIST_ENTRIES);
            self.complain(&self.at(list), what, "shorten it");
            return None;
        }
        let mut seen = HashSet::new();
        let all: Vec<_> = list.value.iter().filter_map(|written| self.role_key(written)).collect();
        Some(all.into_iter().filter(|located| seen.insert(located.value.clone())).collect())
    }

    fn role_key(&mut self, written: &Spanned<WrittenRole>) -> Option<Located<RoleKey>> {
        let at: Position = self.at(written);
        let (client, role) = match &written.value {
            WrittenRole::OfRealm(text) => (None, self.parsed(&at, text, RoleName::parse)?),
            WrittenRole::OfClient(WrittenClientRole { client, role }) => {
                let client = self.located(client, ClientName::parse)?.value;
                (Some(client), self.located(role, RoleName::parse)?.value)
            }
        };
        Some(Located { value: RoleKey { client, role }, at })
    }
}
