//! What people agreed to let clients know and do.

use crate::row::Value;
use crate::sql::statements;
use crate::store::Query;
use crate::tx::Tx;
use doorward_model::fault::Fault;
use doorward_model::id::{ClientId, UserId};
use doorward_model::name::ClientName;
use doorward_model::time::Timestamp;

statements! {
    FIND = "SELECT scopes FROM consents WHERE user_id = $1 AND client_id = $2";
    GIVE = "INSERT INTO consents (user_id, client_id, scopes, granted_ms) VALUES ($1, $2, $3, $4) \
            ON CONFLICT (user_id, client_id) DO UPDATE SET scopes = excluded.scopes, granted_ms = excluded.granted_ms";
    REVOKE = "DELETE FROM consents WHERE user_id = $1 AND client_id = $2";
    OF_USER = "SELECT c.id, c.name, o.scopes, o.granted_ms FROM consents o JOIN clients c ON c.id = o.client_id \
               WHERE o.user_id = $1 ORDER BY c.name LIMIT $2";
}

/// One agreement, for the page that lists them.
#[derive(Debug)]
pub struct Consent {
    /// The client.
    pub client_id: ClientId,
    /// Its `client_id`.
    pub client: ClientName,
    /// The scopes, separated by spaces.
    pub scopes: String,
    /// Since when.
    pub granted_at: Timestamp,
}

/// The scopes a user agreed to for a client.
pub async fn find(query: &mut impl Query, user: &UserId, client: &ClientId) -> Result<Option<String>, Fault> {
    let values = [Value::Text(user.as_str()), Value::Text(client.as_str())];
    query.first(FIND, &values).await?.map(|row| row.text(0)).transpose()
}

/// Keeps an agreement, in place of a former one.
pub async fn give(tx: &mut Tx, user: &UserId, client: &ClientId, scopes: &str, now: Timestamp) -> Result<(), Fault> {
    let values = [Value::Text(user.as_str()), Value::Text(client.as_str()), Value::Text(scopes), now.into()];
    tx.run(GIVE, &values).await.map(drop)
}

/// Takes an agreement back; `false` when there was none.
pub async fn revoke(tx: &mut Tx, user: &UserId, client: &ClientId) -> Result<bool, Fault> {
    Ok(tx.run(REVOKE, &[Value::Text(user.as_str()), Value::Text(client.as_str())]).await? == 1)
}

/// A user's agreements by client, the first `count`.
pub async fn of_user(query: &mut impl Query, user: &UserId, count: i64) -> Result<Vec<Consent>, Fault> {
    let rows = query.all(OF_USER, &[Value::Text(user.as_str()), Value::Number(count)]).await?;
    rows.iter()
        .map(|row| {
            Ok(Consent {
                client_id: row.parsed(0, "clients", ClientId::parse)?,
                client: row.parsed(1, "clients", ClientName::parse)?,
                scopes: row.text(2)?,
                granted_at: row.moment(3)?,
            })
        })
        .collect()
}
