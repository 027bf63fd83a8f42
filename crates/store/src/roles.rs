//! Roles of realms and of clients, and who has them.

use crate::row::{Row, Value};
use crate::sql::{Sql, statements};
use crate::store::Query;
use crate::tx::Tx;
use doorward_model::fault::Fault;
use doorward_model::id::{ClientId, GroupId, RealmId, RoleId, UserId};
use doorward_model::name::{ClientName, RoleName};
use doorward_model::people::{Holder, Role, Source};

statements! {
    CREATE = "INSERT INTO roles (id, realm_id, client_id, name, description) VALUES ($1, $2, $3, $4, $5) \
              ON CONFLICT DO NOTHING";
    DESCRIBE = "UPDATE roles SET description = $2 WHERE id = $1";
    DELETE = "DELETE FROM roles WHERE id = $1";
    BEARING = "WITH RECURSIVE bearing (id) AS (SELECT r.group_id FROM role_groups r JOIN user_groups g ON g.id = r.group_id \
               WHERE g.realm_id = $1 UNION SELECT n.child_id FROM nestings n JOIN bearing b ON n.parent_id = b.id) \
               SELECT id FROM bearing";
    BY_ID = "SELECT id, realm_id, client_id, name, description FROM roles WHERE id = $1";
    OF_REALM_BY_NAME = "SELECT id, realm_id, client_id, name, description FROM roles \
                        WHERE realm_id = $1 AND client_id IS NULL AND name = $2";
    OF_CLIENT_BY_NAME = "SELECT id, realm_id, client_id, name, description FROM roles \
                         WHERE client_id = $1 AND name = $2";
    PAGE_OF_REALM = "SELECT id, realm_id, client_id, name, description FROM roles \
                     WHERE realm_id = $1 AND client_id IS NULL AND name > $2 ORDER BY name LIMIT $3";
    PAGE_OF_CLIENT = "SELECT id, realm_id, client_id, name, description FROM roles \
                      WHERE client_id = $1 AND name > $2 ORDER BY name LIMIT $3";
    ALL_OF_REALM = "SELECT id, realm_id, client_id, name, description FROM roles WHERE realm_id = $1 ORDER BY name";
    GIVE_USER = "INSERT INTO role_users (role_id, user_id, source) VALUES ($1, $2, $3) \
                 ON CONFLICT (role_id, user_id, source) DO NOTHING";
    GIVE_GROUP = "INSERT INTO role_groups (role_id, group_id, source) VALUES ($1, $2, $3) \
                  ON CONFLICT (role_id, group_id, source) DO NOTHING";
    GIVE_CLIENT = "INSERT INTO role_clients (role_id, client_id, source) VALUES ($1, $2, $3) \
                   ON CONFLICT (role_id, client_id, source) DO NOTHING";
    GIVE_ROLE = "INSERT INTO role_parts (role_id, whole_id, source) VALUES ($1, $2, $3) \
                 ON CONFLICT (role_id, whole_id, source) DO NOTHING";
    TAKE_USER = "DELETE FROM role_users WHERE role_id = $1 AND user_id = $2 AND source = $3";
    TAKE_GROUP = "DELETE FROM role_groups WHERE role_id = $1 AND group_id = $2 AND source = $3";
    TAKE_CLIENT = "DELETE FROM role_clients WHERE role_id = $1 AND client_id = $2 AND source = $3";
    TAKE_ROLE = "DELETE FROM role_parts WHERE role_id = $1 AND whole_id = $2 AND source = $3";
    DIRECT_OF_USER = "SELECT r.id, r.realm_id, r.client_id, r.name, r.description, h.source FROM role_users h \
                      JOIN roles r ON r.id = h.role_id WHERE h.user_id = $1 ORDER BY r.name, r.id";
    DIRECT_OF_GROUP = "SELECT r.id, r.realm_id, r.client_id, r.name, r.description, h.source FROM role_groups h \
                       JOIN roles r ON r.id = h.role_id WHERE h.group_id = $1 ORDER BY r.name, r.id";
    DIRECT_OF_CLIENT = "SELECT r.id, r.realm_id, r.client_id, r.name, r.description, h.source FROM role_clients h \
                        JOIN roles r ON r.id = h.role_id WHERE h.client_id = $1 ORDER BY r.name, r.id";
    DIRECT_OF_ROLE = "SELECT r.id, r.realm_id, r.client_id, r.name, r.description, h.source FROM role_parts h \
                      JOIN roles r ON r.id = h.role_id WHERE h.whole_id = $1 ORDER BY r.name, r.id";
    USERS_WITH = "SELECT h.user_id, u.name, h.source FROM role_users h JOIN users u ON u.id = h.user_id \
                  WHERE h.role_id = $1 AND u.name > $2 ORDER BY u.name LIMIT $3";
    GROUPS_WITH = "SELECT h.group_id, g.name, h.source FROM role_groups h JOIN user_groups g ON g.id = h.group_id \
                   WHERE h.role_id = $1 AND g.name > $2 ORDER BY g.name LIMIT $3";
    CLIENTS_WITH = "SELECT h.client_id, c.name, h.source FROM role_clients h JOIN clients c ON c.id = h.client_id \
                    WHERE h.role_id = $1 AND c.name > $2 ORDER BY c.name LIMIT $3";
    WHOLES_WITH = "SELECT r.id, r.realm_id, r.client_id, r.name, r.description, h.source FROM role_parts h \
                   JOIN roles r ON r.id = h.whole_id WHERE h.role_id = $1 ORDER BY r.name, r.id";
    HOLDERS_OF_REALM = "SELECT h.role_id, 'user', h.user_id, h.source FROM role_users h \
                        JOIN roles r ON r.id = h.role_id WHERE r.realm_id = $1 \
                        UNION ALL SELECT h.role_id, 'group', h.group_id, h.source FROM role_groups h \
                        JOIN roles r ON r.id = h.role_id WHERE r.realm_id = $1 \
                        UNION ALL SELECT h.role_id, 'client', h.client_id, h.source FROM role_clients h \
                        JOIN roles r ON r.id = h.role_id WHERE r.realm_id = $1 \
                        UNION ALL SELECT h.role_id, 'role', h.whole_id, h.source FROM role_parts h \
                        JOIN roles r ON r.id = h.role_id WHERE r.realm_id = $1";
    CONTAINS = "WITH RECURSIVE inside (id) AS (SELECT CAST($1 AS TEXT) \
                UNION SELECT p.role_id FROM role_parts p JOIN inside i ON p.whole_id = i.id) \
                SELECT 1 FROM inside WHERE id = $2";
    OF_USER = "WITH RECURSIVE above (id) AS (SELECT group_id FROM memberships WHERE user_id = $1 \
               UNION SELECT n.parent_id FROM nestings n JOIN above a ON n.child_id = a.id), \
               held (id) AS (SELECT role_id FROM role_users WHERE user_id = $1 \
               UNION SELECT g.role_id FROM role_groups g JOIN above a ON a.id = g.group_id \
               UNION SELECT p.role_id FROM role_parts p JOIN held h ON p.whole_id = h.id) \
               SELECT r.name, c.name FROM roles r JOIN held h ON h.id = r.id LEFT JOIN clients c ON c.id = r.client_id";
    OF_CLIENT = "WITH RECURSIVE held (id) AS (SELECT role_id FROM role_clients WHERE client_id = $1 \
                 UNION SELECT p.role_id FROM role_parts p JOIN held h ON p.whole_id = h.id) \
                 SELECT r.name, c.name FROM roles r JOIN held h ON h.id = r.id \
                 LEFT JOIN clients c ON c.id = r.client_id";
}

/// Someone who has a role, by id and name, and the source that says so.
#[derive(Debug, Clone)]
pub struct Named {
    /// Id of the user, group or client.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Who says so.
    pub source: String,
}

/// A role somebody has in the end, by name: of the realm, or of the client named.
pub type Held = (RoleName, Option<ClientName>);

fn role(row: &Row) -> Result<Role, Fault> {
    let client_id = row.maybe_text(2)?;
    Ok(Role {
        id: row.parsed(0, "roles", RoleId::parse)?,
        realm_id: row.parsed(1, "roles", RealmId::parse)?,
        client_id: client_id
            .map(|text| ClientId::parse(&text).map_err(|error| Fault::corrupt("roles", &text, error)))
            .transpose()?,
        name: row.parsed(3, "roles", RoleName::parse)?,
        description: row.text(4)?,
    })
}

fn source(row: &Row, at: usize) -> Result<Source, Fault> {
    row.parsed(at, "roles", |text| Source::parse(text).ok_or("unknown source"))
}

fn holder_id(holder: &Holder) -> Value<'_> {
    Value::Text(match holder {
        Holder::User(id) => id.as_str(),
        Holder::Group(id) => id.as_str(),
        Holder::Client(id) => id.as_str(),
        Holder::Role(id) => id.as_str(),
    })
}

/// Creates a role; `false` when the realm or the client has one of that name.
pub async fn create(tx: &mut Tx, role: &Role) -> Result<bool, Fault> {
    let values = [
        Value::Text(role.id.as_str()),
        Value::Text(role.realm_id.as_str()),
        Value::MaybeText(role.client_id.as_ref().map(ClientId::as_str)),
        Value::Text(role.name.as_str()),
        Value::Text(&role.description),
    ];
    Ok(tx.run(CREATE, &values).await? == 1)
}

/// Writes what a role stands for.
pub async fn describe(tx: &mut Tx, id: &RoleId, description: &str) -> Result<(), Fault> {
    tx.run(DESCRIBE, &[Value::Text(id.as_str()), Value::Text(description)]).await.map(drop)
}

/// Deletes a role; whoever had it has it no more.
pub async fn delete(tx: &mut Tx, id: &RoleId) -> Result<bool, Fault> {
    Ok(tx.run(DELETE, &[Value::Text(id.as_str())]).await? == 1)
}

/// The role of that id.
pub async fn find_by_id(query: &mut impl Query, id: &RoleId) -> Result<Option<Role>, Fault> {
    query.first(BY_ID, &[Value::Text(id.as_str())]).await?.as_ref().map(role).transpose()
}

/// The role of that name: of a client, or of the realm.
pub async fn find(
    query: &mut impl Query,
    (realm, client): (&RealmId, Option<&ClientId>),
    name: &RoleName,
) -> Result<Option<Role>, Fault> {
    let (sql, owner) = match client {
        Some(client) => (OF_CLIENT_BY_NAME, client.as_str()),
        None => (OF_REALM_BY_NAME, realm.as_str()),
    };
    query.first(sql, &[Value::Text(owner), Value::Text(name.as_str())]).await?.as_ref().map(role).transpose()
}

/// A page of the roles of a client, or of the realm's own, by name, those after `after`.
pub async fn page(
    query: &mut impl Query,
    (realm, client): (&RealmId, Option<&ClientId>),
    after: &str,
    count: i64,
) -> Result<Vec<Role>, Fault> {
    let (sql, owner) = match client {
        Some(client) => (PAGE_OF_CLIENT, client.as_str()),
        None => (PAGE_OF_REALM, realm.as_str()),
    };
    query.all(sql, &[Value::Text(owner), Value::Text(after), Value::Number(count)]).await?.iter().map(role).collect()
}

/// Every role of a realm and of its clients.
pub async fn all_of_realm(query: &mut impl Query, realm: &RealmId) -> Result<Vec<Role>, Fault> {
    query.all(ALL_OF_REALM, &[Value::Text(realm.as_str())]).await?.iter().map(role).collect()
}

/// Gives a role by a source; `false` when that source said so already.
pub async fn give(tx: &mut Tx, role: &RoleId, holder: &Holder, source: &Source) -> Result<bool, Fault> {
    let sql = of_kind(holder, [GIVE_USER, GIVE_GROUP, GIVE_CLIENT, GIVE_ROLE]);
    let values = [Value::Text(role.as_str()), holder_id(holder), Value::Text(source.as_str())];
    Ok(tx.run(sql, &values).await? == 1)
}

/// Takes back what a source said about a role.
pub async fn take(tx: &mut Tx, role: &RoleId, holder: &Holder, source: &Source) -> Result<bool, Fault> {
    let sql = of_kind(holder, [TAKE_USER, TAKE_GROUP, TAKE_CLIENT, TAKE_ROLE]);
    let values = [Value::Text(role.as_str()), holder_id(holder), Value::Text(source.as_str())];
    Ok(tx.run(sql, &values).await? == 1)
}

fn of_kind(holder: &Holder, [user, group, client, role]: [Sql; 4]) -> Sql {
    match holder {
        Holder::User(_) => user,
        Holder::Group(_) => group,
        Holder::Client(_) => client,
        Holder::Role(_) => role,
    }
}

/// The roles given to someone directly, by name; for a role: those it contains.
pub async fn direct(query: &mut impl Query, holder: &Holder) -> Result<Vec<(Role, Source)>, Fault> {
    let sql = of_kind(holder, [DIRECT_OF_USER, DIRECT_OF_GROUP, DIRECT_OF_CLIENT, DIRECT_OF_ROLE]);
    let rows = query.all(sql, &[holder_id(holder)]).await?;
    rows.iter().map(|row| Ok((role(row)?, source(row, 5)?))).collect()
}

/// The roles that contain a role directly.
pub async fn wholes(query: &mut impl Query, id: &RoleId) -> Result<Vec<(Role, Source)>, Fault> {
    let rows = query.all(WHOLES_WITH, &[Value::Text(id.as_str())]).await?;
    rows.iter().map(|row| Ok((role(row)?, source(row, 5)?))).collect()
}

/// A page of the users who have a role directly, by name.
pub async fn users(query: &mut impl Query, id: &RoleId, after: &str, count: i64) -> Result<Vec<Named>, Fault> {
    named(query, USERS_WITH, id, (after, count)).await
}

/// A page of the groups that have a role directly, by name.
pub async fn groups(query: &mut impl Query, id: &RoleId, after: &str, count: i64) -> Result<Vec<Named>, Fault> {
    named(query, GROUPS_WITH, id, (after, count)).await
}

/// A page of the clients that have a role for themselves, by name.
pub async fn clients(query: &mut impl Query, id: &RoleId, after: &str, count: i64) -> Result<Vec<Named>, Fault> {
    named(query, CLIENTS_WITH, id, (after, count)).await
}

async fn named(
    query: &mut impl Query,
    sql: Sql,
    id: &RoleId,
    (after, count): (&str, i64),
) -> Result<Vec<Named>, Fault> {
    let rows = query.all(sql, &[Value::Text(id.as_str()), Value::Text(after), Value::Number(count)]).await?;
    rows.iter().map(|row| Ok(Named { id: row.text(0)?, name: row.text(1)?, source: row.text(2)? })).collect()
}

/// Who has which role of a realm directly, for planning declared objects.
pub async fn holders_of_realm(query: &mut impl Query, realm: &RealmId) -> Result<Vec<(RoleId, Holder, Source)>, Fault> {
    let rows = query.all(HOLDERS_OF_REALM, &[Value::Text(realm.as_str())]).await?;
    rows.iter()
        .map(|row| {
            let holder = match row.text(1)?.as_str() {
                "user" => Holder::User(row.parsed(2, "role_users", UserId::parse)?),
                "group" => Holder::Group(row.parsed(2, "role_groups", GroupId::parse)?),
                "client" => Holder::Client(row.parsed(2, "role_clients", ClientId::parse)?),
                _ => Holder::Role(row.parsed(2, "role_parts", RoleId::parse)?),
            };
            Ok((row.parsed(0, "roles", RoleId::parse)?, holder, source(row, 3)?))
        })
        .collect()
}

/// Whether `whole` is `part` itself or contains it at any depth.
pub async fn contains(query: &mut impl Query, whole: &RoleId, part: &RoleId) -> Result<bool, Fault> {
    let values = [Value::Text(whole.as_str()), Value::Text(part.as_str())];
    Ok(query.first(CONTAINS, &values).await?.is_some())
}

/// Every role a user has in the end: given directly, by a group at any depth, or by another role.
pub async fn of_user(query: &mut impl Query, user: &UserId) -> Result<Vec<Held>, Fault> {
    query.all(OF_USER, &[Value::Text(user.as_str())]).await?.iter().map(held).collect()
}

/// The groups of a realm whose members have any role by being in them, or in one around them.
pub async fn bearing(query: &mut impl Query, realm: &RealmId) -> Result<Vec<GroupId>, Fault> {
    let rows = query.all(BEARING, &[Value::Text(realm.as_str())]).await?;
    rows.iter().map(|row| row.parsed(0, "role_groups", GroupId::parse)).collect()
}

/// Every role a client has for itself in the end.
pub async fn of_client(query: &mut impl Query, client: &ClientId) -> Result<Vec<Held>, Fault> {
    query.all(OF_CLIENT, &[Value::Text(client.as_str())]).await?.iter().map(held).collect()
}

fn held(row: &Row) -> Result<Held, Fault> {
    let client = row.maybe_text(1)?;
    let client = client.map(|text| ClientName::parse(&text).map_err(|error| Fault::corrupt("clients", &text, error)));
    Ok((row.parsed(0, "roles", RoleName::parse)?, client.transpose()?))
}
