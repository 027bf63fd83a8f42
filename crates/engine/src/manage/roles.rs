//! Roles: made, given, put into each other. A role that would contain itself is refused. Tokens read roles
//! from the store whenever one is made; the entries in the change feed are for whatever may keep them.

use crate::door::Door;
use crate::manage::Refused;
use doorward_model::change::Change;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::Fault;
use doorward_model::id::{ClientId, RealmId, RoleId};
use doorward_model::limits;
use doorward_model::name::{RoleName, is_unprintable};
use doorward_model::people::{Holder, Role, Source};
use doorward_store::tx::Tx;
use doorward_store::{clients, groups, roles, users};

/// A role to be created.
pub struct NewRole {
    /// The client whose role it is; `None` for a role of the realm.
    pub client: Option<ClientId>,
    /// Its name.
    pub name: RoleName,
    /// What it stands for, for people.
    pub description: String,
}

/// Creates a role.
pub async fn create(door: &Door, tx: &mut Tx, realm: &RealmId, new: NewRole) -> Result<Result<Role, Refused>, Fault> {
    let NewRole { client: client_id, name, description } = new;
    if let Err(refused) = describable(&description) {
        return Ok(Err(refused));
    }
    let role = Role { id: RoleId::draw(&*door.dice), realm_id: realm.clone(), client_id, name, description };
    if let Some(client) = &role.client_id
        && clients::find_by_id(tx, client).await?.is_none_or(|client| client.realm_id != *realm)
    {
        return Ok(Err(Refused::because(format!("role {}: its client is not of this realm", role.name))));
    }
    if !roles::create(tx, &role).await? {
        return Ok(Err(Refused::taken("role", role.name.as_str())));
    }
    note(tx, EventKind::RoleCreated, &role, "");
    Ok(Ok(role))
}

/// Writes what a role stands for.
pub async fn describe(tx: &mut Tx, role: &Role, description: &str) -> Result<Result<(), Refused>, Fault> {
    if let Err(refused) = describable(description) {
        return Ok(Err(refused));
    }
    roles::describe(tx, &role.id, description).await?;
    note(tx, EventKind::RoleChanged, role, "");
    Ok(Ok(()))
}

/// What a description must be.
///
/// # Errors
/// A sentence of what is wrong.
pub fn describable(description: &str) -> Result<(), Refused> {
    let most = limits::ROLE_DESCRIPTION_CHARACTERS;
    if description.chars().count() > most || description.chars().any(is_unprintable) {
        let why = format!("the description of a role may have at most {most} characters, and no control characters");
        return Err(Refused::because(why));
    }
    Ok(())
}

/// Deletes a role; whoever had it has it no more.
pub async fn delete(tx: &mut Tx, role: &Role) -> Result<(), Fault> {
    roles::delete(tx, &role.id).await?;
    tx.changed(Change::Groups(role.realm_id.clone()));
    note(tx, EventKind::RoleDeleted, role, "");
    Ok(())
}

/// Gives a role; `false` when this source said so already. Refused across realms, and when a role would contain
/// itself, however far around.
pub async fn give(tx: &mut Tx, role: &Role, holder: &Holder, source: &Source) -> Result<Result<bool, Refused>, Fault> {
    if let Holder::Role(whole) = holder {
        // Two compositions made at once must not close a circle between them.
        groups::lock_structure(tx, &role.realm_id).await?;
        if roles::contains(tx, &role.id, whole).await? {
            let why = format!("role {} cannot be part of that role: it would contain itself", role.name);
            return Ok(Err(Refused::because(why)));
        }
    }
    let Some((realm, words)) = known(tx, holder).await? else {
        return Ok(Err(Refused::because(format!("role {}: whoever is to have it is not there", role.name))));
    };
    if realm != role.realm_id {
        return Ok(Err(Refused::because(format!("role {} is of another realm than the {words}", role.name))));
    }
    let given = roles::give(tx, &role.id, holder, source).await?;
    if given {
        tx.changed(touched(role, holder));
        note(tx, EventKind::RoleAssigned, role, &format!(" to {words} ({})", source.as_str()));
    }
    Ok(Ok(given))
}

/// Takes back a role a source had given; `false` when it had not.
pub async fn take(tx: &mut Tx, role: &Role, holder: &Holder, source: &Source) -> Result<bool, Fault> {
    let taken = roles::take(tx, &role.id, holder, source).await?;
    if taken {
        tx.changed(touched(role, holder));
        let words = known(tx, holder).await?.map(|(_, words)| words).unwrap_or_default();
        note(tx, EventKind::RoleUnassigned, role, &format!(" from {words} ({})", source.as_str()));
    }
    Ok(taken)
}

/// The realm of whoever holds a role, and words for the record.
async fn known(tx: &mut Tx, holder: &Holder) -> Result<Option<(RealmId, String)>, Fault> {
    Ok(match holder {
        Holder::User(id) => users::find(tx, id).await?.map(|user| (user.realm_id, format!("user {}", user.name))),
        Holder::Group(id) => {
            groups::find_by_id(tx, id).await?.map(|group| (group.realm_id, format!("group {}", group.name)))
        }
        Holder::Client(id) => {
            clients::find_by_id(tx, id).await?.map(|client| (client.realm_id, format!("client {}", client.name)))
        }
        Holder::Role(id) => roles::find_by_id(tx, id).await?.map(|role| (role.realm_id, format!("role {}", role.name))),
    })
}

/// What has to be read again where roles are kept.
fn touched(role: &Role, holder: &Holder) -> Change {
    match holder {
        Holder::User(id) => Change::User(id.clone()),
        Holder::Client(id) => Change::Client(id.clone()),
        Holder::Group(_) | Holder::Role(_) => Change::Groups(role.realm_id.clone()),
    }
}

fn note(tx: &mut Tx, kind: EventKind, role: &Role, rest: &str) {
    let of = role.client_id.as_ref().map(|client| format!(" of client {client}")).unwrap_or_default();
    let detail = format!("role {}{of}{rest}", role.name);
    tx.record(Event::new(kind, Some(&role.realm_id), role.id.to_string(), detail));
}
