//! Proofs of possession that were shown (RFC 9449 §11.1). Using one up is one guarded statement, so that of any
//! number of showings on any number of nodes exactly one counts.

use crate::row::Value;
use crate::sql::statements;
use crate::tx::Tx;
use doorward_model::fault::Fault;
use doorward_model::id::RealmId;
use doorward_model::time::Timestamp;

statements! {
    USE_UP = "INSERT INTO proofs (realm_id, hash, expires_ms) VALUES ($1, $2, $3) \
              ON CONFLICT (realm_id, hash) DO NOTHING";
    PRUNE = "DELETE FROM proofs WHERE expires_ms < $1";
}

/// Uses a proof up and remembers it until it would be too old anyway; `false` when it was shown before.
pub async fn use_up(tx: &mut Tx, realm: &RealmId, hash: &[u8], until: Timestamp) -> Result<bool, Fault> {
    Ok(tx.run(USE_UP, &[Value::Text(realm.as_str()), Value::Bytes(hash), until.into()]).await? == 1)
}

/// Forgets proofs that are too old.
pub async fn prune(tx: &mut Tx, now: Timestamp) -> Result<u64, Fault> {
    tx.run(PRUNE, &[now.into()]).await
}
