//! Which tokens of workloads were shown before: each is good once.

use crate::row::Value;
use crate::sql::statements;
use crate::tx::Tx;
use doorward_model::fault::Fault;
use doorward_model::id::RealmId;
use doorward_model::time::Timestamp;

statements! {
    USE = "INSERT INTO workload_tokens (realm_id, hash, expires_ms) VALUES ($1, $2, $3) \
           ON CONFLICT (realm_id, hash) DO NOTHING";
    PRUNE = "DELETE FROM workload_tokens WHERE expires_ms < $1";
}

/// Uses a token up, by the hash of its issuer and id; `false` when it was used before. It is remembered until it
/// would be over anyway.
pub async fn use_up(tx: &mut Tx, realm: &RealmId, hash: &[u8], until: Timestamp) -> Result<bool, Fault> {
    Ok(tx.run(USE, &[Value::Text(realm.as_str()), Value::Bytes(hash), until.into()]).await? == 1)
}

/// Forgets tokens that are over.
pub async fn prune(tx: &mut Tx, now: Timestamp) -> Result<u64, Fault> {
    tx.run(PRUNE, &[now.into()]).await
}
