//! Groups, their members, and groups inside groups. A cycle is refused.

use crate::door::Door;
use crate::manage::Refused;
use doorward_model::change::Change;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::Fault;
use doorward_model::id::{GroupId, RealmId};
use doorward_model::name::GroupName;
use doorward_model::people::{Group, Source, User};
use doorward_store::groups;
use doorward_store::tx::Tx;

/// Creates a group.
pub async fn create(
    door: &Door,
    tx: &mut Tx,
    realm: &RealmId,
    name: GroupName,
) -> Result<Result<Group, Refused>, Fault> {
    let group = Group { id: GroupId::draw(&*door.dice), realm_id: realm.clone(), name };
    if !groups::create(tx, &group).await? {
        return Ok(Err(Refused::taken("group", group.name.as_str())));
    }
    note(tx, EventKind::GroupCreated, &group, String::new());
    Ok(Ok(group))
}

/// Deletes a group; it leaves every rule that named it.
pub async fn delete(tx: &mut Tx, group: &Group) -> Result<(), Fault> {
    groups::delete(tx, &group.id).await?;
    tx.changed(Change::Groups(group.realm_id.clone()));
    tx.changed(Change::Apps);
    note(tx, EventKind::GroupDeleted, group, String::new());
    Ok(())
}

/// Adds a user; `false` when this source said so already.
pub async fn add_member(tx: &mut Tx, group: &Group, user: &User, source: &Source) -> Result<bool, Fault> {
    let added = groups::add_member(tx, &group.id, &user.id, source).await?;
    if added {
        tx.changed(Change::User(user.id.clone()));
        note(tx, EventKind::MemberAdded, group, format!("user {} ({})", user.name, source.as_str()));
    }
    Ok(added)
}

/// Takes back a membership a source had set; `false` when it had not.
pub async fn remove_member(tx: &mut Tx, group: &Group, user: &User, source: &Source) -> Result<bool, Fault> {
    let removed = groups::remove_member(tx, &group.id, &user.id, source).await?;
    if removed {
        tx.changed(Change::User(user.id.clone()));
        note(tx, EventKind::MemberRemoved, group, format!("user {} ({})", user.name, source.as_str()));
    }
    Ok(removed)
}

/// Puts a group inside another. Refused when that would put a group inside itself, however far around.
pub async fn nest(tx: &mut Tx, parent: &Group, child: &Group, source: &Source) -> Result<Result<bool, Refused>, Fault> {
    groups::lock_structure(tx, &parent.realm_id).await?;
    if parent.realm_id != child.realm_id {
        return Ok(Err(Refused::because("groups of different realms cannot be nested")));
    }
    if groups::is_above(tx, &child.id, &parent.id).await? {
        let sentence = format!(
            "group {} cannot go inside {}: {} already lies inside {}, so it would contain itself",
            child.name, parent.name, parent.name, child.name
        );
        return Ok(Err(Refused::because(sentence)));
    }
    let added = groups::nest(tx, &parent.id, &child.id, source).await?;
    if added {
        tx.changed(Change::Groups(parent.realm_id.clone()));
        note(tx, EventKind::MemberAdded, parent, format!("group {} ({})", child.name, source.as_str()));
    }
    Ok(Ok(added))
}

/// Takes a group out of another where a source had put it.
pub async fn unnest(tx: &mut Tx, parent: &Group, child: &Group, source: &Source) -> Result<bool, Fault> {
    let removed = groups::unnest(tx, &parent.id, &child.id, source).await?;
    if removed {
        tx.changed(Change::Groups(parent.realm_id.clone()));
        note(tx, EventKind::MemberRemoved, parent, format!("group {} ({})", child.name, source.as_str()));
    }
    Ok(removed)
}

/// The groups of these names, created when missing.
pub async fn find_or_create(
    door: &Door,
    tx: &mut Tx,
    realm: &RealmId,
    names: &[GroupName],
) -> Result<Vec<GroupId>, Fault> {
    let mut ids = Vec::with_capacity(names.len());
    for name in names {
        let id = match groups::find(tx, realm, name).await? {
            Some(group) => group.id,
            None => match create(door, tx, realm, name.clone()).await? {
                Ok(group) => group.id,
                Err(refused) => return Err(Fault::internal(format!("creating group {name}: {refused}"))),
            },
        };
        ids.push(id);
    }
    Ok(ids)
}

fn note(tx: &mut Tx, kind: EventKind, group: &Group, detail: String) {
    let detail = format!("group {} {detail}", group.name);
    tx.record(Event::new(kind, Some(&group.realm_id), group.id.to_string(), detail.trim_end()));
}
