//! Finding things by the names people use, with an answer that says what was not found.

use crate::clients::Client;
use crate::door::Door;
use crate::manage::Refused;
use doorward_model::app::App;
use doorward_model::fault::Fault;
use doorward_model::name::{AppSlug, ClientName, GroupName, RealmName, RoleName, UserName};
use doorward_model::people::{Group, Realm, Role, User};
use doorward_store::{apps, clients, groups, realms, roles, users};

/// Nothing of that name.
pub type NotFound = Refused;

/// Leaves the function with `Ok(Err(…))` when something was not found.
macro_rules! or_return {
    ($found:expr) => {
        match $found {
            Ok(found) => found,
            Err(missing) => return Ok(Err(missing)),
        }
    };
}
pub(crate) use or_return;

fn missing(kind: &str, name: &str, realm: Option<&Realm>) -> NotFound {
    let place = realm.map(|realm| format!(" in realm {}", realm.name)).unwrap_or_default();
    // A group needs nothing but its name, so making it may be what is wanted.
    let or = if kind == "group" { format!(", or make it with `doorward group create {name}`") } else { String::new() };
    Refused::because(format!("there is no {kind} named {name}{place}: list them with `doorward {kind} list`{or}"))
}

/// A realm.
pub async fn realm(door: &Door, name: &RealmName) -> Result<Result<Realm, NotFound>, Fault> {
    let found = realms::find(&mut &door.store, name).await?;
    Ok(found.ok_or_else(|| missing("realm", name.as_str(), None)))
}

/// A user of a realm.
pub async fn user(door: &Door, realm: &Realm, name: &UserName) -> Result<Result<User, NotFound>, Fault> {
    let found = users::find_by_name(&mut &door.store, &realm.id, name).await?;
    Ok(found.ok_or_else(|| missing("user", name.as_str(), Some(realm))))
}

/// A group of a realm.
pub async fn group(door: &Door, realm: &Realm, name: &GroupName) -> Result<Result<Group, NotFound>, Fault> {
    let found = groups::find(&mut &door.store, &realm.id, name).await?;
    Ok(found.ok_or_else(|| missing("group", name.as_str(), Some(realm))))
}

/// A client of a realm.
pub async fn client(door: &Door, realm: &Realm, name: &ClientName) -> Result<Result<Client, NotFound>, Fault> {
    match clients::find(&mut &door.store, &realm.id, name).await? {
        Some(row) => Client::read(row).map(Ok),
        None => Ok(Err(missing("client", name.as_str(), Some(realm)))),
    }
}

/// A role of a realm, or of one of its clients.
pub async fn role(
    door: &Door,
    realm: &Realm,
    (client, name): (Option<&Client>, &RoleName),
) -> Result<Result<Role, NotFound>, Fault> {
    let found = roles::find(&mut &door.store, (&realm.id, client.map(|client| &client.id)), name).await?;
    Ok(found.ok_or_else(|| match client {
        Some(client) => {
            let list = "list them with `doorward role list`";
            Refused::because(format!("client {} has no role named {name}: {list}", client.name))
        }
        None => missing("role", name.as_str(), Some(realm)),
    }))
}

/// An app of a realm.
pub async fn app(door: &Door, realm: &Realm, slug: &AppSlug) -> Result<Result<App, NotFound>, Fault> {
    let found = apps::find(&mut &door.store, &realm.id, slug).await?;
    Ok(found.ok_or_else(|| missing("app", slug.as_str(), Some(realm))))
}
