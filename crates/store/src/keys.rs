//! Signing keys, sealed. This crate never sees them open.

use crate::row::Value;
use crate::sql::statements;
use crate::store::Query;
use crate::tx::Tx;
use doorward_model::fault::Fault;
use doorward_model::id::{KeyId, RealmId};
use doorward_model::time::Timestamp;

statements! {
    CREATE = "INSERT INTO signing_keys (id, realm_id, sealed, created_ms, algorithm) \
              VALUES ($1, $2, $3, $4, $5)";
    ALL = "SELECT id, realm_id, sealed, algorithm FROM signing_keys ORDER BY realm_id, created_ms DESC, id";
}

/// A sealed key as stored.
#[derive(Debug)]
pub struct SealedKey {
    /// Its id: the `kid` in tokens.
    pub id: KeyId,
    /// The realm that signs with it.
    pub realm_id: RealmId,
    /// The sealed private key.
    pub sealed: Vec<u8>,
    /// What it signs with, by its JOSE name.
    pub algorithm: String,
}

/// Keeps a new key.
pub async fn create(tx: &mut Tx, key: &SealedKey, now: Timestamp) -> Result<(), Fault> {
    let values = [
        Value::Text(key.id.as_str()),
        Value::Text(key.realm_id.as_str()),
        Value::Bytes(&key.sealed),
        now.into(),
        Value::Text(&key.algorithm),
    ];
    tx.run(CREATE, &values).await.map(drop)
}

/// All keys, newest first within a realm.
pub async fn all(query: &mut impl Query) -> Result<Vec<SealedKey>, Fault> {
    let rows = query.all(ALL, &[]).await?;
    rows.iter()
        .map(|row| {
            Ok(SealedKey {
                id: row.parsed(0, "signing_keys", KeyId::parse)?,
                realm_id: row.parsed(1, "signing_keys", RealmId::parse)?,
                sealed: row.bytes(2)?,
                algorithm: row.text(3)?,
            })
        })
        .collect()
}
