//! Parts of outside providers' answers that count once, such as a SAML assertion: the first showing is the only one whose
//! statement touches a row, on whatever node. Each is known until it would be over anyway.

use crate::row::Value;
use crate::sql::statements;
use crate::tx::Tx;
use doorward_model::fault::Fault;
use doorward_model::id::ConnectorId;
use doorward_model::time::Timestamp;

statements! {
    USE = "INSERT INTO shown (connector_id, kind, id, expires_ms) VALUES ($1, $2, $3, $4) \
           ON CONFLICT (connector_id, kind, id) DO NOTHING";
    PRUNE = "DELETE FROM shown WHERE expires_ms < $1";
}

/// Notes that something was shown, and keeps the note until then; `false` when it was shown before.
pub async fn use_up(
    tx: &mut Tx,
    connector: &ConnectorId,
    (kind, id): (&str, &str),
    until: Timestamp,
) -> Result<bool, Fault> {
    let values = [Value::Text(connector.as_str()), Value::Text(kind), Value::Text(id), until.into()];
    Ok(tx.run(USE, &values).await? == 1)
}

/// Forgets what nobody would take any more.
pub async fn prune(tx: &mut Tx, now: Timestamp) -> Result<u64, Fault> {
    tx.run(PRUNE, &[now.into()]).await
}
