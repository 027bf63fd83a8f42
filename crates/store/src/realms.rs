//! Realms.

use crate::row::{Row, Value};
use crate::sql::statements;
use crate::store::Query;
use crate::tx::Tx;
use doorward_model::fault::Fault;
use doorward_model::id::RealmId;
use doorward_model::name::{DisplayText, RealmName};
use doorward_model::people::Realm;
use doorward_model::time::Timestamp;

statements! {
    CREATE = "INSERT INTO realms (id, name, title, created_ms) VALUES ($1, $2, $3, $4) \
              ON CONFLICT (name) DO NOTHING";
    RETITLE = "UPDATE realms SET title = $2 WHERE id = $1";
    BY_NAME = "SELECT id, name, title FROM realms WHERE name = $1";
    BY_ID = "SELECT id, name, title FROM realms WHERE id = $1";
    SETTINGS = "SELECT settings FROM realms WHERE id = $1";
    SET_SETTINGS = "UPDATE realms SET settings = $2 WHERE id = $1";
    LIST = "SELECT id, name, title FROM realms ORDER BY name LIMIT $1";
}

fn realm(row: &Row) -> Result<Realm, Fault> {
    Ok(Realm {
        id: row.parsed(0, "realms", RealmId::parse)?,
        name: row.parsed(1, "realms", RealmName::parse)?,
        title: row.parsed(2, "realms", DisplayText::parse)?,
    })
}

/// Creates a realm; `false` when the name is taken.
pub async fn create(tx: &mut Tx, realm: &Realm, now: Timestamp) -> Result<bool, Fault> {
    let values = [
        Value::Text(realm.id.as_str()),
        Value::Text(realm.name.as_str()),
        Value::Text(realm.title.as_str()),
        now.into(),
    ];
    Ok(tx.run(CREATE, &values).await? == 1)
}

/// Changes a realm's title.
pub async fn retitle(tx: &mut Tx, id: &RealmId, title: &DisplayText) -> Result<(), Fault> {
    tx.run(RETITLE, &[Value::Text(id.as_str()), Value::Text(title.as_str())]).await.map(drop)
}

/// What was declared about a realm, as JSON.
pub async fn settings(query: &mut impl Query, id: &RealmId) -> Result<Option<String>, Fault> {
    query.first(SETTINGS, &[Value::Text(id.as_str())]).await?.map(|row| row.text(0)).transpose()
}

/// Writes what was declared about a realm.
pub async fn set_settings(tx: &mut Tx, id: &RealmId, settings: &str) -> Result<(), Fault> {
    tx.run(SET_SETTINGS, &[Value::Text(id.as_str()), Value::Text(settings)]).await.map(drop)
}

/// The realm of that name.
pub async fn find(query: &mut impl Query, name: &RealmName) -> Result<Option<Realm>, Fault> {
    query.first(BY_NAME, &[Value::Text(name.as_str())]).await?.as_ref().map(realm).transpose()
}

/// The realm of that id.
pub async fn find_by_id(query: &mut impl Query, id: &RealmId) -> Result<Option<Realm>, Fault> {
    query.first(BY_ID, &[Value::Text(id.as_str())]).await?.as_ref().map(realm).transpose()
}

/// Realms by name, the first `count`.
pub async fn list(query: &mut impl Query, count: i64) -> Result<Vec<Realm>, Fault> {
    query.all(LIST, &[Value::Number(count)]).await?.iter().map(realm).collect()
}
