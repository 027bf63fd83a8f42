//! Service tokens of machines, scoped to apps.

use crate::app_tokens;
use crate::row::{Row, Value};
use crate::sql::statements;
use crate::store::Query;
use crate::tx::Tx;
use doorward_model::fault::Fault;
use doorward_model::id::{RealmId, ServiceTokenId};
use doorward_model::name::TokenName;
use doorward_model::secret::TokenHash;
use doorward_model::session::ServiceToken;
use doorward_model::time::Timestamp;

statements! {
    CREATE = "INSERT INTO service_tokens (id, hash, realm_id, name, created_ms, expires_ms) \
              VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (realm_id, name) DO NOTHING";
    ALLOW_APP = "INSERT INTO service_token_apps (token_id, app_id) VALUES ($1, $2) \
                 ON CONFLICT (token_id, app_id) DO NOTHING";
    BY_NAME = "SELECT id FROM service_tokens WHERE realm_id = $1 AND name = $2";
    BY_HASH = "SELECT t.id, t.realm_id, t.name, t.expires_ms, a.app_id FROM service_tokens t \
               LEFT JOIN service_token_apps a ON a.token_id = t.id WHERE t.hash = $1";
    OF_REALM = "SELECT t.id, t.realm_id, t.name, t.expires_ms, a.app_id FROM service_tokens t \
                LEFT JOIN service_token_apps a ON a.token_id = t.id WHERE t.realm_id = $1 \
                ORDER BY t.name, a.app_id LIMIT $2";
    DELETE = "DELETE FROM service_tokens WHERE realm_id = $1 AND name = $2 RETURNING id";
    PRUNE = "DELETE FROM service_tokens WHERE expires_ms < $1";
}

fn gather(rows: &[Row]) -> Result<Vec<ServiceToken>, Fault> {
    app_tokens::gather(rows, "service_tokens", |_| Ok(None))
}

/// Keeps a new token under its hash; `false` when the name is taken.
pub async fn create(tx: &mut Tx, hash: &TokenHash, token: &ServiceToken, now: Timestamp) -> Result<bool, Fault> {
    app_tokens::keep(tx, (CREATE, ALLOW_APP), (hash, token.realm_id.as_str()), token, now).await
}

/// Whether a realm has a token of that name.
pub async fn is_there(query: &mut impl Query, realm: &RealmId, name: &str) -> Result<bool, Fault> {
    Ok(query.first(BY_NAME, &[Value::Text(realm.as_str()), Value::Text(name)]).await?.is_some())
}

/// The token behind a bearer credential.
pub async fn find(query: &mut impl Query, hash: &TokenHash) -> Result<Option<ServiceToken>, Fault> {
    let rows = query.all(BY_HASH, &[Value::Bytes(hash.as_bytes())]).await?;
    Ok(gather(&rows)?.into_iter().next())
}

/// A realm's tokens by name.
pub async fn list(query: &mut impl Query, realm: &RealmId, count: i64) -> Result<Vec<ServiceToken>, Fault> {
    gather(&query.all(OF_REALM, &[Value::Text(realm.as_str()), Value::Number(count)]).await?)
}

/// Revokes a token by name.
pub async fn delete(tx: &mut Tx, realm: &RealmId, name: &TokenName) -> Result<Option<ServiceTokenId>, Fault> {
    let row = tx.first(DELETE, &[Value::Text(realm.as_str()), Value::Text(name.as_str())]).await?;
    row.map(|row| row.parsed(0, "service_tokens", ServiceTokenId::parse)).transpose()
}

/// Forgets tokens that ended before.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64, Fault> {
    tx.run(PRUNE, &[before.into()]).await
}
