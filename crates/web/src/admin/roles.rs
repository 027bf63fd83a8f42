//! `/admin/realms/{realm}/roles`, `…/roles-by-id`, `…/clients/{id}/roles`: roles of the realm and of its clients.

use crate::admin::{Call, Failure, Outcome, Window, clients, done, made, told, users};
use crate::limits;
use doorward_engine::administration::Right;
use doorward_engine::manage::look::roles;
use doorward_engine::manage::{self, roles::NewRole};
use doorward_gate::query::url_encode;
use doorward_model::id::{ClientId, RoleId, UserId};
use doorward_model::name::RoleName;
use doorward_model::people::{Holder, Role};
use serde_json::{Value, json};

const MISSING: Failure = Failure::Missing("Could not find role");

/// A role in Keycloak's words.
pub async fn representation(call: &Call, role: &Role) -> Result<Value, Failure> {
    let parts = roles::direct(&mut &call.door().store, &Holder::Role(role.id.clone())).await?;
    let container = role.client_id.as_ref().map_or(call.realm.id.as_str(), ClientId::as_str);
    Ok(json!({
        "id": role.id, "name": role.name, "description": role.description, "composite": !parts.is_empty(),
        "clientRole": role.client_id.is_some(), "containerId": container, "attributes": {},
    }))
}

/// Several of them.
pub async fn representations(call: &Call, roles: impl IntoIterator<Item = Role>) -> Result<Value, Failure> {
    let mut all = Vec::new();
    for role in roles {
        all.push(representation(call, &role).await?);
    }
    Ok(Value::Array(all))
}

/// The client of a path below `/clients/{id}`; `None` elsewhere.
pub async fn owner(call: &Call) -> Result<Option<ClientId>, Failure> {
    match call.part("client") {
        "" => Ok(None),
        _ => Ok(Some(clients::named(call, "client").await?.id)),
    }
}

/// `GET`.
pub async fn list(call: Call) -> Outcome {
    let (owner, window) = (owner(&call).await?, Window::of(&call, limits::ADMIN_ROWS)?);
    let part = call.query.text("search").to_lowercase();
    let (mut after, mut found) = (String::new(), Vec::new());
    while i64::try_from(found.len()).unwrap_or(i64::MAX) < window.end() {
        let rows = doorward_model::limits::PAGE_ROWS;
        let page = roles::page(&mut &call.door().store, (&call.realm.id, owner.as_ref()), &after, rows).await?;
        let Some(last) = page.last() else { break };
        after = last.name.to_string();
        found.extend(page.into_iter().filter(|role| role.name.as_str().to_lowercase().contains(&part)));
    }
    Ok(told(&representations(&call, window.cut(found)).await?))
}

/// `POST`: a new role. What it is made of is said by its own call.
pub async fn create(call: Call) -> Outcome {
    let (body, client) = (call.body()?, owner(&call).await?);
    if body.get("composites").is_some_and(|parts| parts != &json!({})) {
        return Err(Failure::bad("composites are not taken with a role: create it, then send them to its composites"));
    }
    let name = RoleName::parse(body.needed("name")?).map_err(|bad| Failure::bad(bad.to_string()))?;
    let description = body.text("description")?.unwrap_or_default().to_owned();
    let mut tx = call.door().begin().await?;
    let below = client.as_ref().map(|id| format!("/clients/{id}")).unwrap_or_default();
    let words = format!("Role with name {name} already exists");
    let new = NewRole { client, name, description };
    let role = manage::roles::create(call.door(), &mut tx, &call.realm.id, new).await?;
    let role = role.map_err(|refused| Failure::of_new(&refused, words))?;
    call.commit(tx).await?;
    let name = url_encode(role.name.as_str());
    Ok(made(&call.web, &format!("/admin/realms/{}{below}/roles/{name}", call.realm.name)))
}

/// The role of the path; of this realm only, and of the client of the path, if it names one.
pub async fn named(call: &Call) -> Result<Role, Failure> {
    let name = RoleName::parse(call.part("name")).map_err(|_| MISSING)?;
    let owner = owner(call).await?;
    let found = roles::find(&mut &call.door().store, (&call.realm.id, owner.as_ref()), &name).await?;
    found.ok_or(MISSING)
}

/// `GET` of one.
pub async fn show(call: Call) -> Outcome {
    let role = named(&call).await?;
    Ok(told(&representation(&call, &role).await?))
}

/// `GET roles-by-id`: roles of the realm need another right than those of clients.
pub async fn show_by_id(call: Call) -> Outcome {
    let id = RoleId::parse(call.part("role")).map_err(|_| MISSING)?;
    let found = roles::find_by_id(&mut &call.door().store, &id).await?;
    let role = found.filter(|role| role.realm_id == call.realm.id).ok_or(MISSING)?;
    let right = if role.client_id.is_some() { Right::ViewClients } else { Right::ViewRealm };
    if !call.rights.has(right) && !call.rights.has(Right::ViewUsers) {
        return Err(Failure::Forbidden(None));
    }
    Ok(told(&representation(&call, &role).await?))
}

/// `PUT`: what it stands for.
pub async fn update(call: Call) -> Outcome {
    let (body, role) = (call.body()?, named(&call).await?);
    if body.text("name")?.is_some_and(|name| name != role.name.as_str()) {
        return Err(Failure::bad("a role cannot be renamed: make another one, or leave the name as it is"));
    }
    if let Some(description) = body.text("description")? {
        let mut tx = call.door().begin().await?;
        manage::roles::describe(&mut tx, &role, description).await??;
        call.commit(tx).await?;
    }
    Ok(done())
}

/// `DELETE`.
pub async fn delete(call: Call) -> Outcome {
    let role = named(&call).await?;
    let mut tx = call.door().begin().await?;
    call.may_touch(&mut tx, &Holder::Role(role.id.clone())).await?;
    manage::roles::delete(&mut tx, &role).await?;
    call.commit(tx).await?;
    Ok(done())
}

/// `GET users`: those it was given to directly, by name.
pub async fn holders(call: Call) -> Outcome {
    let (role, window) = (named(&call).await?, Window::of(&call, limits::ADMIN_USERS)?);
    // Several sources may say the same.
    let mut all = roles::users(&mut &call.door().store, &role.id, "", window.end().saturating_mul(2)).await?;
    all.dedup_by(|one, other| one.id == other.id);
    let ids = window.cut(all).filter_map(|holder| UserId::parse(&holder.id).ok());
    Ok(told(&users::shown_by_id(&call, ids).await?))
}
