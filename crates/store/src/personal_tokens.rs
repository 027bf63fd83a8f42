//! Tokens that people make for their own programs: each opens some apps, as its owner.

use crate::app_tokens;
use crate::row::{Row, Value};
use crate::sql::statements;
use crate::store::Query;
use crate::tx::Tx;
use doorward_model::fault::Fault;
use doorward_model::id::{ConnectorId, ServiceTokenId, UserId};
use doorward_model::name::TokenName;
use doorward_model::secret::TokenHash;
use doorward_model::session::ServiceToken;
use doorward_model::time::Timestamp;

statements! {
    CREATE = "INSERT INTO personal_tokens (id, hash, user_id, name, created_ms, expires_ms, connector_id) \
              VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (user_id, name) DO NOTHING";
    ALLOW_APP = "INSERT INTO personal_token_apps (token_id, app_id) VALUES ($1, $2) \
                 ON CONFLICT (token_id, app_id) DO NOTHING";
    BY_HASH = "SELECT t.id, u.realm_id, t.name, t.expires_ms, a.app_id, t.user_id, t.connector_id FROM personal_tokens t \
               JOIN users u ON u.id = t.user_id \
               LEFT JOIN personal_token_apps a ON a.token_id = t.id WHERE t.hash = $1";
    OF_USER = "SELECT t.id, u.realm_id, t.name, t.expires_ms, a.app_id, t.user_id, t.connector_id FROM personal_tokens t \
               JOIN users u ON u.id = t.user_id \
               LEFT JOIN personal_token_apps a ON a.token_id = t.id WHERE t.user_id = $1 \
               ORDER BY t.name, a.app_id";
    COUNT = "SELECT COUNT(*) FROM personal_tokens WHERE user_id = $1";
    DELETE = "DELETE FROM personal_tokens WHERE id = $1 AND user_id = $2 RETURNING name";
    PRUNE = "DELETE FROM personal_tokens WHERE expires_ms < $1";
}

fn gather(rows: &[Row]) -> Result<Vec<ServiceToken>, Fault> {
    let owner = |row: &Row| {
        let came_by = row.maybe_parsed(6, "personal_tokens", ConnectorId::parse)?;
        Ok(Some((row.parsed(5, "personal_tokens", UserId::parse)?, came_by)))
    };
    app_tokens::gather(rows, "personal_tokens", owner)
}

/// Keeps a new token of a user under its hash; `false` when the user has one of that name.
pub async fn create(
    tx: &mut Tx,
    (hash, user): (&TokenHash, &UserId),
    token: &ServiceToken,
    now: Timestamp,
) -> Result<bool, Fault> {
    app_tokens::keep(tx, (CREATE, ALLOW_APP), (hash, user.as_str()), token, now).await
}

/// The token behind a bearer credential.
pub async fn find(query: &mut impl Query, hash: &TokenHash) -> Result<Option<ServiceToken>, Fault> {
    let rows = query.all(BY_HASH, &[Value::Bytes(hash.as_bytes())]).await?;
    Ok(gather(&rows)?.into_iter().next())
}

/// A user's tokens by name.
pub async fn of_user(query: &mut impl Query, user: &UserId) -> Result<Vec<ServiceToken>, Fault> {
    gather(&query.all(OF_USER, &[Value::Text(user.as_str())]).await?)
}

/// How many tokens a user has.
pub async fn count(query: &mut impl Query, user: &UserId) -> Result<i64, Fault> {
    query.first(COUNT, &[Value::Text(user.as_str())]).await?.map_or(Ok(0), |row| row.number(0))
}

/// Revokes a token, if it is this user's; tells its name.
pub async fn delete(tx: &mut Tx, id: &ServiceTokenId, user: &UserId) -> Result<Option<TokenName>, Fault> {
    let row = tx.first(DELETE, &[Value::Text(id.as_str()), Value::Text(user.as_str())]).await?;
    row.map(|row| row.parsed(0, "personal_tokens", TokenName::parse)).transpose()
}

/// Forgets tokens that ended before.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64, Fault> {
    tx.run(PRUNE, &[before.into()]).await
}
