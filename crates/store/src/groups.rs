//! Groups, who is in them, and which lies inside which.

use crate::row::{Row, Value};
use crate::sql::statements;
use crate::store::Query;
use crate::tx::Tx;
use doorward_model::fault::Fault;
use doorward_model::id::{GroupId, RealmId, UserId};
use doorward_model::name::GroupName;
use doorward_model::people::{Group, Source};

statements! {
    CREATE = "INSERT INTO user_groups (id, realm_id, name) VALUES ($1, $2, $3) \
              ON CONFLICT (realm_id, name) DO NOTHING";
    BY_NAME = "SELECT id, realm_id, name FROM user_groups WHERE realm_id = $1 AND name = $2";
    BY_ID = "SELECT id, realm_id, name FROM user_groups WHERE id = $1";
    PAGE = "SELECT id, realm_id, name FROM user_groups WHERE realm_id = $1 AND name > $2 ORDER BY name LIMIT $3";
    DELETE = "DELETE FROM user_groups WHERE id = $1";
    ADD_MEMBER = "INSERT INTO memberships (group_id, user_id, source) VALUES ($1, $2, $3) \
                  ON CONFLICT (group_id, user_id, source) DO NOTHING";
    REMOVE_MEMBER = "DELETE FROM memberships WHERE group_id = $1 AND user_id = $2 AND source = $3";
    MEMBERS = "SELECT m.user_id, u.name, m.source FROM memberships m JOIN users u ON u.id = m.user_id \
               WHERE m.group_id = $1 AND u.name > $2 ORDER BY u.name LIMIT $3";
    ANYONE = "WITH RECURSIVE below (id) AS (SELECT CAST($1 AS TEXT) \
              UNION SELECT n.child_id FROM nestings n JOIN below b ON n.parent_id = b.id) \
              SELECT 1 FROM memberships m JOIN below b ON b.id = m.group_id LIMIT 1";
    NEST = "INSERT INTO nestings (parent_id, child_id, source) VALUES ($1, $2, $3) \
            ON CONFLICT (parent_id, child_id, source) DO NOTHING";
    UNNEST = "DELETE FROM nestings WHERE parent_id = $1 AND child_id = $2 AND source = $3";
    CHILDREN = "SELECT n.child_id, g.name, n.source FROM nestings n JOIN user_groups g ON g.id = n.child_id \
                WHERE n.parent_id = $1 ORDER BY g.name LIMIT $2";
    ABOVE = "WITH RECURSIVE above (id) AS (SELECT CAST($1 AS TEXT) \
             UNION SELECT n.parent_id FROM nestings n JOIN above a ON n.child_id = a.id) \
             SELECT 1 FROM above WHERE id = $2";
    ALL_ABOVE = "WITH RECURSIVE above (id) AS (SELECT CAST($1 AS TEXT) \
                 UNION SELECT n.parent_id FROM nestings n JOIN above a ON n.child_id = a.id) SELECT id FROM above";
    OF_USER = "WITH RECURSIVE above (id) AS (SELECT group_id FROM memberships WHERE user_id = $1 \
               UNION SELECT n.parent_id FROM nestings n JOIN above a ON n.child_id = a.id) \
               SELECT g.id, g.realm_id, g.name FROM user_groups g JOIN above a ON a.id = g.id ORDER BY g.name";
    DIRECT_OF_USER = "SELECT DISTINCT group_id FROM memberships WHERE user_id = $1";
    EDGES_OF_USER = "WITH RECURSIVE above (id) AS (SELECT group_id FROM memberships WHERE user_id = $1 \
                     UNION SELECT n.parent_id FROM nestings n JOIN above a ON n.child_id = a.id) \
                     SELECT DISTINCT n.child_id, n.parent_id FROM nestings n JOIN above a ON a.id = n.child_id";
    MEMBERSHIPS_OF_REALM = "SELECT m.group_id, m.user_id, m.source FROM memberships m \
                            JOIN user_groups g ON g.id = m.group_id WHERE g.realm_id = $1";
    NESTINGS_OF_REALM = "SELECT n.parent_id, n.child_id, n.source FROM nestings n \
                         JOIN user_groups g ON g.id = n.parent_id WHERE g.realm_id = $1";
    LOCK_STRUCTURE = "UPDATE realms SET name = name WHERE id = $1";
}

/// Someone or something inside a group, by id and name, and the source that says so.
#[derive(Debug, Clone)]
pub struct Member {
    /// Id of the user or group.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Who says so.
    pub source: String,
}

fn group(row: &Row) -> Result<Group, Fault> {
    Ok(Group {
        id: row.parsed(0, "user_groups", GroupId::parse)?,
        realm_id: row.parsed(1, "user_groups", RealmId::parse)?,
        name: row.parsed(2, "user_groups", GroupName::parse)?,
    })
}

fn member(row: &Row) -> Result<Member, Fault> {
    Ok(Member { id: row.text(0)?, name: row.text(1)?, source: row.text(2)? })
}

fn source(row: &Row) -> Result<Source, Fault> {
    row.parsed(2, "memberships", |text| Source::parse(text).ok_or("unknown source"))
}

/// Creates a group; `false` when the name is taken.
pub async fn create(tx: &mut Tx, group: &Group) -> Result<bool, Fault> {
    let values =
        [Value::Text(group.id.as_str()), Value::Text(group.realm_id.as_str()), Value::Text(group.name.as_str())];
    Ok(tx.run(CREATE, &values).await? == 1)
}

/// The group of that name in a realm.
pub async fn find(query: &mut impl Query, realm: &RealmId, name: &GroupName) -> Result<Option<Group>, Fault> {
    let values = [Value::Text(realm.as_str()), Value::Text(name.as_str())];
    query.first(BY_NAME, &values).await?.as_ref().map(group).transpose()
}

/// The group of that id.
pub async fn find_by_id(query: &mut impl Query, id: &GroupId) -> Result<Option<Group>, Fault> {
    query.first(BY_ID, &[Value::Text(id.as_str())]).await?.as_ref().map(group).transpose()
}

/// A page of a realm's groups by name, those after `after`.
pub async fn list(query: &mut impl Query, realm: &RealmId, after: &str, count: i64) -> Result<Vec<Group>, Fault> {
    let values = [Value::Text(realm.as_str()), Value::Text(after), Value::Number(count)];
    query.all(PAGE, &values).await?.iter().map(group).collect()
}

/// Deletes a group; memberships, nestings and rules that named it go with it.
pub async fn delete(tx: &mut Tx, id: &GroupId) -> Result<bool, Fault> {
    Ok(tx.run(DELETE, &[Value::Text(id.as_str())]).await? == 1)
}

/// Adds a member by a source; `false` when that source said so already.
pub async fn add_member(tx: &mut Tx, group: &GroupId, user: &UserId, source: &Source) -> Result<bool, Fault> {
    let values = [Value::Text(group.as_str()), Value::Text(user.as_str()), Value::Text(source.as_str())];
    Ok(tx.run(ADD_MEMBER, &values).await? == 1)
}

/// Takes back what a source said about a member.
pub async fn remove_member(tx: &mut Tx, group: &GroupId, user: &UserId, source: &Source) -> Result<bool, Fault> {
    let values = [Value::Text(group.as_str()), Value::Text(user.as_str()), Value::Text(source.as_str())];
    Ok(tx.run(REMOVE_MEMBER, &values).await? == 1)
}

/// A page of a group's direct members by name.
pub async fn members(query: &mut impl Query, id: &GroupId, after: &str, count: i64) -> Result<Vec<Member>, Fault> {
    let values = [Value::Text(id.as_str()), Value::Text(after), Value::Number(count)];
    query.all(MEMBERS, &values).await?.iter().map(member).collect()
}

/// Whether anybody is in a group, directly or by a group inside it.
pub async fn has_members(query: &mut impl Query, id: &GroupId) -> Result<bool, Fault> {
    Ok(query.first(ANYONE, &[Value::Text(id.as_str())]).await?.is_some())
}

/// Groups directly inside a group.
pub async fn children(query: &mut impl Query, id: &GroupId, count: i64) -> Result<Vec<Member>, Fault> {
    query.all(CHILDREN, &[Value::Text(id.as_str()), Value::Number(count)]).await?.iter().map(member).collect()
}

/// Whether `above` is `group` itself or contains it at any depth.
pub async fn is_above(query: &mut impl Query, above: &GroupId, group: &GroupId) -> Result<bool, Fault> {
    let values = [Value::Text(group.as_str()), Value::Text(above.as_str())];
    Ok(query.first(ABOVE, &values).await?.is_some())
}

/// A group and every group it lies in, at any depth.
pub async fn all_above(query: &mut impl Query, group: &GroupId) -> Result<Vec<GroupId>, Fault> {
    let rows = query.all(ALL_ABOVE, &[Value::Text(group.as_str())]).await?;
    rows.iter().map(|row| row.parsed(0, "nestings", GroupId::parse)).collect()
}

/// Takes the realm's row so that two nestings made at once cannot close a cycle between them.
pub async fn lock_structure(tx: &mut Tx, realm: &RealmId) -> Result<(), Fault> {
    tx.run(LOCK_STRUCTURE, &[Value::Text(realm.as_str())]).await.map(drop)
}

/// Puts a group inside another by a source.
pub async fn nest(tx: &mut Tx, parent: &GroupId, child: &GroupId, source: &Source) -> Result<bool, Fault> {
    let values = [Value::Text(parent.as_str()), Value::Text(child.as_str()), Value::Text(source.as_str())];
    Ok(tx.run(NEST, &values).await? == 1)
}

/// Takes back what a source said about a nesting.
pub async fn unnest(tx: &mut Tx, parent: &GroupId, child: &GroupId, source: &Source) -> Result<bool, Fault> {
    let values = [Value::Text(parent.as_str()), Value::Text(child.as_str()), Value::Text(source.as_str())];
    Ok(tx.run(UNNEST, &values).await? == 1)
}

/// All groups a user is in, directly or through nesting.
pub async fn of_user(query: &mut impl Query, user: &UserId) -> Result<Vec<Group>, Fault> {
    query.all(OF_USER, &[Value::Text(user.as_str())]).await?.iter().map(group).collect()
}

/// Groups a user is in directly.
pub async fn direct_of_user(query: &mut impl Query, user: &UserId) -> Result<Vec<GroupId>, Fault> {
    let rows = query.all(DIRECT_OF_USER, &[Value::Text(user.as_str())]).await?;
    rows.iter().map(|row| row.parsed(0, "memberships", GroupId::parse)).collect()
}

/// The nestings that lie above a user's direct groups, as (inner, outer).
pub async fn edges_of_user(query: &mut impl Query, user: &UserId) -> Result<Vec<(GroupId, GroupId)>, Fault> {
    let rows = query.all(EDGES_OF_USER, &[Value::Text(user.as_str())]).await?;
    rows.iter()
        .map(|row| Ok((row.parsed(0, "nestings", GroupId::parse)?, row.parsed(1, "nestings", GroupId::parse)?)))
        .collect()
}

/// Every membership of a realm, for planning declared objects.
pub async fn memberships_of_realm(
    query: &mut impl Query,
    realm: &RealmId,
) -> Result<Vec<(GroupId, UserId, Source)>, Fault> {
    let rows = query.all(MEMBERSHIPS_OF_REALM, &[Value::Text(realm.as_str())]).await?;
    rows.iter()
        .map(|row| {
            let group = row.parsed(0, "memberships", GroupId::parse)?;
            Ok((group, row.parsed(1, "memberships", UserId::parse)?, source(row)?))
        })
        .collect()
}

/// Every nesting of a realm, for planning declared objects: (outer, inner, source).
pub async fn nestings_of_realm(
    query: &mut impl Query,
    realm: &RealmId,
) -> Result<Vec<(GroupId, GroupId, Source)>, Fault> {
    let rows = query.all(NESTINGS_OF_REALM, &[Value::Text(realm.as_str())]).await?;
    rows.iter()
        .map(|row| {
            let parent = row.parsed(0, "nestings", GroupId::parse)?;
            Ok((parent, row.parsed(1, "nestings", GroupId::parse)?, source(row)?))
        })
        .collect()
}
