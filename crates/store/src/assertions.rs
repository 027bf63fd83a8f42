//! Signed statements of clients that may be shown once: the first showing is the only one whose statement
//! touches a row, on whatever node.

use crate::row::Value;
use crate::sql::statements;
use crate::tx::Tx;
use doorward_model::fault::Fault;
use doorward_model::id::ClientId;
use doorward_model::time::Timestamp;

statements! {
    USE = "INSERT INTO assertions (client_id, kind, hash, expires_ms) VALUES ($1, $2, $3, $4) \
           ON CONFLICT (client_id, kind, hash) DO NOTHING";
    PRUNE = "DELETE FROM assertions WHERE expires_ms < $1";
}

/// Notes that a client showed a statement of a kind, by the hash of its id, and keeps the note until then;
/// `false` when it was shown before.
pub async fn use_once(
    tx: &mut Tx,
    client: &ClientId,
    (kind, hash): (&str, &[u8]),
    until: Timestamp,
) -> Result<bool, Fault> {
    let values = [Value::Text(client.as_str()), Value::Text(kind), Value::Bytes(hash), until.into()];
    Ok(tx.run(USE, &values).await? == 1)
}

/// Forgets statements that nobody would take any more.
pub async fn prune(tx: &mut Tx, now: Timestamp) -> Result<u64, Fault> {
    tx.run(PRUNE, &[now.into()]).await
}
