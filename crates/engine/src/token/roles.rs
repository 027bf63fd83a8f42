//! Roles as tokens tell them, in Keycloak's shape: `realm_access.roles` and `resource_access.{client}.roles`.

use crate::door::Door;
use crate::live::feed::Touched;
use crate::token::prepared::Prepared;
use arc_swap::ArcSwapOption;
use doorward_model::fault::Fault;
use doorward_model::id::{ClientId, UserId};
use doorward_store::roles::{self, Held};
use doorward_store::store::Query;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::sync::Arc;

/// All roles somebody has: given directly, by a group, or by another role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roles {
    /// Names of the realm's own.
    pub realm: BTreeSet<String>,
    /// Names of clients' roles, by `client_id`.
    pub clients: BTreeMap<String, BTreeSet<String>>,
}

/// A client's roles as they stand in memory, and what was worked out from them.
#[derive(Default)]
pub(crate) struct LiveRoles {
    roles: Roles,
    prepared: ArcSwapOption<Prepared>,
}

impl LiveRoles {
    /// Those of a client, from memory where they are known there.
    pub(crate) async fn of_client(door: &Door, id: &ClientId) -> Result<Arc<Self>, Fault> {
        match door.live.roles.find(id) {
            Some(known) => Ok(known),
            None => Box::pin(Self::load(door, id)).await,
        }
    }

    async fn load(door: &Door, id: &ClientId) -> Result<Arc<Self>, Fault> {
        let mark = door.live.mark();
        let roles = Roles::of_client(&mut &door.store, id).await?;
        let live = Arc::new(Self { roles, prepared: ArcSwapOption::empty() });
        door.live.keep(mark, &Touched::Roles, || drop(door.live.roles.put(id.clone(), live.clone())));
        Ok(live)
    }

    /// What the client's own tokens say, as it was worked out last.
    pub(crate) fn prepared(&self) -> Option<Arc<Prepared>> {
        self.prepared.load_full()
    }

    /// Keeps what was worked out from these roles.
    pub(crate) fn keep(&self, prepared: Arc<Prepared>) {
        self.prepared.store(Some(prepared));
    }
}

impl Deref for LiveRoles {
    type Target = Roles;

    fn deref(&self) -> &Roles {
        &self.roles
    }
}

impl Roles {
    /// Those of a user.
    pub async fn of_user(query: &mut impl Query, id: &UserId) -> Result<Self, Fault> {
        roles::of_user(query, id).await.map(Self::sorted)
    }

    /// Those of a client, where it speaks for itself.
    pub async fn of_client(query: &mut impl Query, id: &ClientId) -> Result<Self, Fault> {
        roles::of_client(query, id).await.map(Self::sorted)
    }

    fn sorted(held: Vec<Held>) -> Self {
        let mut roles = Self::default();
        for (name, client) in held {
            let of_one = match client {
                Some(client) => roles.clients.entry(client.to_string()).or_default(),
                None => &mut roles.realm,
            };
            of_one.insert(name.to_string());
        }
        roles
    }

    /// Writes them; what is empty is not there, as with Keycloak.
    pub fn tell(&self, claims: &mut Map<String, Value>) {
        if !self.realm.is_empty() {
            claims.insert("realm_access".to_owned(), json!({"roles": self.realm}));
        }
        if !self.clients.is_empty() {
            let clients = self.clients.iter().map(|(client, roles)| (client.clone(), json!({"roles": roles})));
            claims.insert("resource_access".to_owned(), Value::Object(clients.collect()));
        }
    }
}
