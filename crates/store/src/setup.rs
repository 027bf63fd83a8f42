//! One-time links by which a realm gets its first administrator.

use crate::row::Value;
use crate::sql::statements;
use crate::store::Query;
use crate::tx::Tx;
use doorward_model::fault::Fault;
use doorward_model::id::RealmId;
use doorward_model::secret::TokenHash;
use doorward_model::time::Timestamp;

statements! {
    CREATE = "INSERT INTO setup_links (hash, realm_id, expires_ms) VALUES ($1, $2, $3)";
    FORGET = "DELETE FROM setup_links WHERE realm_id = $1 OR expires_ms < $2";
    FIND = "SELECT realm_id FROM setup_links WHERE hash = $1 AND used_ms IS NULL AND expires_ms > $2";
    USE = "UPDATE setup_links SET used_ms = $2 WHERE hash = $1 AND used_ms IS NULL AND expires_ms > $2 \
           RETURNING realm_id";
}

/// Keeps a new link; older ones of the realm stop working.
pub async fn create(
    tx: &mut Tx,
    hash: &TokenHash,
    realm: &RealmId,
    (now, expires_at): (Timestamp, Timestamp),
) -> Result<(), Fault> {
    tx.run(FORGET, &[Value::Text(realm.as_str()), now.into()]).await?;
    tx.run(CREATE, &[Value::Bytes(hash.as_bytes()), Value::Text(realm.as_str()), expires_at.into()]).await.map(drop)
}

/// The realm of a link that still works.
pub async fn find(query: &mut impl Query, hash: &TokenHash, now: Timestamp) -> Result<Option<RealmId>, Fault> {
    let row = query.first(FIND, &[Value::Bytes(hash.as_bytes()), now.into()]).await?;
    row.map(|row| row.parsed(0, "setup_links", RealmId::parse)).transpose()
}

/// Uses a link up: only one caller ever gets it.
pub async fn use_up(tx: &mut Tx, hash: &TokenHash, now: Timestamp) -> Result<Option<RealmId>, Fault> {
    let row = tx.first(USE, &[Value::Bytes(hash.as_bytes()), now.into()]).await?;
    row.map(|row| row.parsed(0, "setup_links", RealmId::parse)).transpose()
}
