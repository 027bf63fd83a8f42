//! `…/role-mappings`: who has which role. Users, groups, and clients under the id of their service account.

use crate::admin::{Body, Call, Failure, Outcome, clients, done, groups, roles, told};
use doorward_engine::clients::Client;
use doorward_engine::manage;
use doorward_engine::manage::look::roles as stored;
use doorward_engine::token::roles::Roles;
use doorward_model::id::{ClientId, RoleId, UserId};
use doorward_model::name::RoleName;
use doorward_model::people::{Holder, Role, Source, User};
use serde_json::{Map, Value, json};

/// Whoever a path below `/users` names.
pub enum Someone {
    /// A user.
    User(User),
    /// A client, speaking for itself.
    Service(Box<Client>),
}

/// A client's service account as Keycloak shows it: a user whose id is the client's.
pub fn service_account(client: &Client) -> Value {
    json!({
        "id": client.id, "username": format!("service-account-{}", client.name), "enabled": client.is_active,
        "emailVerified": false, "totp": false, "serviceAccountClientId": client.name,
    })
}

/// Whoever `{id}` names in this realm.
pub async fn someone(call: &Call) -> Result<Someone, Failure> {
    const MISSING: Failure = Failure::Missing("User not found");
    let id = call.part("id");
    let mut query = &call.door().store;
    if let Ok(id) = UserId::parse(id) {
        let user = doorward_engine::manage::look::users::find(&mut query, &id).await?;
        return user.filter(|user| user.realm_id == call.realm.id).map(Someone::User).ok_or(MISSING);
    }
    if ClientId::parse(id).is_ok() {
        return match clients::named(call, "id").await {
            Ok(client) => Ok(Someone::Service(Box::new(client))),
            Err(Failure::Missing(_)) => Err(MISSING),
            Err(failure) => Err(failure),
        };
    }
    Err(MISSING)
}

impl Someone {
    fn holder(&self) -> Holder {
        match self {
            Self::User(user) => Holder::User(user.id.clone()),
            Self::Service(client) => Holder::Client(client.id.clone()),
        }
    }
}

/// The holder of the path: below `/groups` a group.
async fn holder(call: &Call) -> Result<Holder, Failure> {
    if call.part("group").is_empty() {
        return Ok(someone(call).await?.holder());
    }
    Ok(Holder::Group(groups::named(call, "group").await?.id))
}

/// Roles given directly, each once although several sources may say the same.
async fn direct(call: &Call, holder: &Holder) -> Result<Vec<Role>, Failure> {
    let mut all: Vec<Role> =
        stored::direct(&mut &call.door().store, holder).await?.into_iter().map(|(role, _)| role).collect();
    all.dedup();
    Ok(all)
}

/// `GET role-mappings`: all of them.
pub async fn all(call: Call) -> Outcome {
    let given = direct(&call, &holder(&call).await?).await?;
    let (of_clients, of_realm): (Vec<Role>, Vec<Role>) = given.into_iter().partition(|role| role.client_id.is_some());
    let mut told_of: Map<String, Value> = Map::new();
    for role in of_clients {
        let Some(id) = &role.client_id else { continue };
        let Some(client) = doorward_engine::manage::look::clients::find_by_id(&mut &call.door().store, id).await?
        else {
            continue;
        };
        let entry = told_of
            .entry(client.name.to_string())
            .or_insert_with(|| json!({"id": client.id, "client": client.name, "mappings": []}));
        if let Some(list) = entry.get_mut("mappings").and_then(Value::as_array_mut) {
            list.push(roles::representation(&call, &role).await?);
        }
    }
    let of_realm = roles::representations(&call, of_realm).await?;
    Ok(told(&json!({"realmMappings": of_realm, "clientMappings": told_of})))
}

/// `GET role-mappings/realm` and `…/clients/{client}`: those given directly.
pub async fn given(call: Call) -> Outcome {
    let (holder, owner) = (holder(&call).await?, roles::owner(&call).await?);
    let given = direct(&call, &holder).await?.into_iter().filter(|role| role.client_id == owner);
    Ok(told(&roles::representations(&call, given).await?))
}

/// `GET …/available`: those not given directly.
pub async fn available(call: Call) -> Outcome {
    let (holder, owner) = (holder(&call).await?, roles::owner(&call).await?);
    let given = direct(&call, &holder).await?;
    let all = stored::all_of_realm(&mut &call.door().store, &call.realm.id).await?;
    let rest = all.into_iter().filter(|role| role.client_id == owner && !given.contains(role));
    Ok(told(&roles::representations(&call, rest).await?))
}

/// `GET …/composite`: those somebody has in the end, by groups and other roles too.
pub async fn effective(call: Call) -> Outcome {
    let owner = match call.part("client") {
        "" => None,
        _ => Some(clients::named(&call, "client").await?),
    };
    let mut query = &call.door().store;
    let held = match someone(&call).await? {
        Someone::User(user) => Roles::of_user(&mut query, &user.id).await?,
        Someone::Service(client) => Roles::of_client(&mut query, &client.id).await?,
    };
    let names = match &owner {
        None => Some(&held.realm),
        Some(client) => held.clients.get(client.name.as_str()),
    };
    let owner = owner.as_ref().map(|client| &client.id);
    let all = stored::all_of_realm(&mut query, &call.realm.id).await?.into_iter();
    let has = |role: &Role| names.is_some_and(|names| names.contains(role.name.as_str()));
    let held = all.filter(|role| role.client_id.as_ref() == owner && has(role));
    Ok(told(&roles::representations(&call, held).await?))
}

/// The roles that were sent, by id or by name; of this realm and this owner only.
async fn sent(call: &Call, owner: Option<&ClientId>) -> Result<Vec<Role>, Failure> {
    const MISSING: Failure = Failure::Missing("Role not found");
    let mut query = &call.door().store;
    let mut all = Vec::new();
    for body in call.bodies()? {
        let found = match body.text("id")? {
            Some(id) => stored::find_by_id(&mut query, &RoleId::parse(id).map_err(|_| MISSING)?).await?,
            None => by_name(call, owner, &body).await?,
        };
        let found = found.filter(|role| role.realm_id == call.realm.id && role.client_id.as_ref() == owner);
        all.push(found.ok_or(MISSING)?);
    }
    Ok(all)
}

async fn by_name(call: &Call, owner: Option<&ClientId>, body: &Body) -> Result<Option<Role>, Failure> {
    let name = RoleName::parse(body.needed("name")?).map_err(|bad| Failure::bad(bad.to_string()))?;
    Ok(stored::find(&mut &call.door().store, (&call.realm.id, owner), &name).await?)
}

/// `POST`: gives roles, all or none.
pub async fn give(call: Call) -> Outcome {
    let (holder, owner) = (holder(&call).await?, roles::owner(&call).await?);
    let sent = sent(&call, owner.as_ref()).await?;
    let mut tx = call.door().begin().await?;
    for role in &sent {
        manage::roles::give(&mut tx, role, &holder, &Source::Local).await??;
    }
    call.may_touch(&mut tx, &holder).await?;
    call.commit(tx).await?;
    Ok(done())
}

/// `DELETE`: takes roles back, all or none; those that were not given are not missed.
pub async fn take(call: Call) -> Outcome {
    let (holder, owner) = (holder(&call).await?, roles::owner(&call).await?);
    let sent = sent(&call, owner.as_ref()).await?;
    let mut tx = call.door().begin().await?;
    call.may_touch(&mut tx, &holder).await?;
    for role in &sent {
        manage::roles::take(&mut tx, role, &holder, &Source::Local).await?;
    }
    let left = stored::direct(&mut tx, &holder).await?;
    if let Some(role) = sent.iter().find(|role| left.iter().any(|(other, _)| other.id == role.id)) {
        return Err(Failure::Taken(format!("a declared file gives role {}: change it there", role.name)));
    }
    call.commit(tx).await?;
    Ok(done())
}
