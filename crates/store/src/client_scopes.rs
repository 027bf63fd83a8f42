//! Scopes of a realm's own. What one brings is the engine's business.

use crate::row::{Row, Value};
use crate::sql::statements;
use crate::store::Query;
use crate::tx::Tx;
use doorward_model::fault::Fault;
use doorward_model::id::{ClientScopeId, RealmId};

statements! {
    CREATE = "INSERT INTO client_scopes (id, realm_id, name, settings) VALUES ($1, $2, $3, $4) \
              ON CONFLICT (realm_id, name) DO NOTHING";
    UPDATE = "UPDATE client_scopes SET settings = $2 WHERE id = $1";
    DELETE = "DELETE FROM client_scopes WHERE id = $1";
    BY_NAME = "SELECT id, realm_id, name, settings FROM client_scopes WHERE realm_id = $1 AND name = $2";
    OF_REALM = "SELECT id, realm_id, name, settings FROM client_scopes WHERE realm_id = $1 ORDER BY name";
}

/// A scope as stored.
#[derive(Debug, Clone)]
pub struct ClientScopeRow {
    /// Its id.
    pub id: ClientScopeId,
    /// Its realm.
    pub realm_id: RealmId,
    /// Its name, as clients ask for it.
    pub name: String,
    /// What it brings, as JSON.
    pub settings: String,
}

fn scope(row: &Row) -> Result<ClientScopeRow, Fault> {
    Ok(ClientScopeRow {
        id: row.parsed(0, "client_scopes", ClientScopeId::parse)?,
        realm_id: row.parsed(1, "client_scopes", RealmId::parse)?,
        name: row.text(2)?,
        settings: row.text(3)?,
    })
}

/// Creates a scope; `false` when the name is taken.
pub async fn create(tx: &mut Tx, scope: &ClientScopeRow) -> Result<bool, Fault> {
    let values = [
        Value::Text(scope.id.as_str()),
        Value::Text(scope.realm_id.as_str()),
        Value::Text(&scope.name),
        Value::Text(&scope.settings),
    ];
    Ok(tx.run(CREATE, &values).await? == 1)
}

/// Writes what a scope brings.
pub async fn update(tx: &mut Tx, id: &ClientScopeId, settings: &str) -> Result<(), Fault> {
    tx.run(UPDATE, &[Value::Text(id.as_str()), Value::Text(settings)]).await.map(drop)
}

/// Deletes a scope.
pub async fn delete(tx: &mut Tx, id: &ClientScopeId) -> Result<bool, Fault> {
    Ok(tx.run(DELETE, &[Value::Text(id.as_str())]).await? == 1)
}

/// The scope of that name in a realm.
pub async fn find(query: &mut impl Query, realm: &RealmId, name: &str) -> Result<Option<ClientScopeRow>, Fault> {
    let values = [Value::Text(realm.as_str()), Value::Text(name)];
    query.first(BY_NAME, &values).await?.as_ref().map(scope).transpose()
}

/// Every scope of a realm's own, by name.
pub async fn of_realm(query: &mut impl Query, realm: &RealmId) -> Result<Vec<ClientScopeRow>, Fault> {
    query.all(OF_REALM, &[Value::Text(realm.as_str())]).await?.iter().map(scope).collect()
}
