//! Authorization requests that clients pushed. Each is answered once: one guarded statement decides.

use crate::row::{Row, Value};
use crate::sql::statements;
use crate::store::Query;
use crate::tx::Tx;
use doorward_model::fault::Fault;
use doorward_model::id::ClientId;
use doorward_model::secret::TokenHash;
use doorward_model::time::Timestamp;

statements! {
    CREATE = "INSERT INTO pushed_requests (hash, client_id, query, is_signed, expires_ms, kept_ms) \
              SELECT $1, $2, $3, $4, $5, $5 \
              WHERE (SELECT COUNT(*) FROM pushed_requests WHERE client_id = $2 AND kept_ms > $6) < $7";
    OPEN = "UPDATE pushed_requests SET kept_ms = $4 \
            WHERE hash = $1 AND client_id = $2 AND expires_ms > $3 AND used_ms IS NULL";
    FIND = "SELECT query, is_signed, expires_ms, kept_ms, used_ms FROM pushed_requests \
            WHERE hash = $1 AND client_id = $2";
    USE = "UPDATE pushed_requests SET used_ms = $2 WHERE hash = $1 AND used_ms IS NULL";
    PRUNE = "DELETE FROM pushed_requests WHERE kept_ms < $1";
}

/// A pushed request as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushedRow {
    /// Its parameters, as a query.
    pub query: String,
    /// Whether the client had signed them.
    pub is_signed: bool,
}

/// A pushed request and how far it has come.
#[derive(Debug)]
pub struct Standing {
    /// The request.
    pub row: PushedRow,
    /// Until when a browser may arrive with it.
    pub expires_at: Timestamp,
    /// Until when it is kept: longer than that, once a browser has arrived.
    pub kept_until: Timestamp,
    /// When it was answered.
    pub used_at: Option<Timestamp>,
}

fn standing(row: &Row) -> Result<Standing, Fault> {
    Ok(Standing {
        row: PushedRow { query: row.text(0)?, is_signed: row.claim(1)? },
        expires_at: row.moment(2)?,
        kept_until: row.moment(3)?,
        used_at: row.maybe_moment(4)?,
    })
}

/// Keeps a request that a client pushed, to be opened until `expires_at`; `false` when the client has `most`
/// that are still kept.
pub async fn create(
    tx: &mut Tx,
    (hash, client): (&TokenHash, &ClientId),
    request: &PushedRow,
    (now, expires_at): (Timestamp, Timestamp),
    most: i64,
) -> Result<bool, Fault> {
    let values = [
        Value::Bytes(hash.as_bytes()),
        Value::Text(client.as_str()),
        Value::Text(&request.query),
        request.is_signed.into(),
        expires_at.into(),
        now.into(),
        Value::Number(most),
    ];
    Ok(tx.run(CREATE, &values).await? == 1)
}

/// Keeps a request until `kept_until`, because a browser has arrived with it; `false` when it is another client's, too
/// old or answered.
pub async fn open(
    tx: &mut Tx,
    (hash, client): (&TokenHash, &ClientId),
    (now, kept_until): (Timestamp, Timestamp),
) -> Result<bool, Fault> {
    let values = [Value::Bytes(hash.as_bytes()), Value::Text(client.as_str()), now.into(), kept_until.into()];
    Ok(tx.run(OPEN, &values).await? == 1)
}

/// A request of this client, however far it has come.
pub async fn find(query: &mut impl Query, hash: &TokenHash, client: &ClientId) -> Result<Option<Standing>, Fault> {
    let values = [Value::Bytes(hash.as_bytes()), Value::Text(client.as_str())];
    query.first(FIND, &values).await?.as_ref().map(standing).transpose()
}

/// Uses a request up, in the transaction that answers it; `false` when it was answered before.
pub async fn answer(tx: &mut Tx, hash: &TokenHash, now: Timestamp) -> Result<bool, Fault> {
    Ok(tx.run(USE, &[Value::Bytes(hash.as_bytes()), now.into()]).await? == 1)
}

/// Forgets requests that nobody opened in time, and those opened long ago.
pub async fn prune(tx: &mut Tx, now: Timestamp) -> Result<(), Fault> {
    tx.run(PRUNE, &[now.into()]).await.map(drop)
}
