//! Roles as tokens tell them, in Keycloak's shape: `realm_access.roles` and `resource_access.{client}.roles`.

use crate::door::Door;
use crate::live::feed::Touched;
use doorward_model::fault::Fault;
use doorward_model::id::{ClientId, UserId};
use doorward_store::roles::{self, Held};
use doorward_store::store::Query;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// All roles somebody has: given directly, by a group, or by another role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roles {
    /// Names of the realm's own.
    pub realm: BTreeSet<String>,
    /// Names of clients' roles, by `client_id`.
    pub clients: BTreeMap<String, BTreeSet<String>>,
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

    /// Those of a client, from memory where they are known there.
    pub async fn of_live_client(door: &Door, id: &ClientId) -> Result<Arc<Self>, Fault> {
        match door.live.roles.find(id) {
            Some(known) => Ok(known),
            None => Box::pin(Self::load(door, id)).await,
        }
    }

    async fn load(door: &Door, id: &ClientId) -> Result<Arc<Self>, Fault> {
        let mark = door.live.mark();
        let roles = Arc::new(Self::of_client(&mut &door.store, id).await?);
        door.live.keep(mark, &Touched::Roles, || drop(door.live.roles.put(id.clone(), roles.clone())));
        Ok(roles)
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
