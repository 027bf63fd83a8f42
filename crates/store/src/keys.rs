//! Signing keys, sealed. This crate never sees them open. A key moves from state to state by statements that
//! name the state it leaves, so that of two nodes one does it.

use crate::row::{Row, Value};
use crate::sql::statements;
use crate::store::Query;
use crate::tx::Tx;
use doorward_model::fault::Fault;
use doorward_model::id::{KeyId, RealmId};
use doorward_model::signing::KeyState;
use doorward_model::time::Timestamp;

statements! {
    CREATE = "INSERT INTO signing_keys (id, realm_id, sealed, created_ms, algorithm, state, since_ms, until_ms) \
              VALUES ($1, $2, $3, $4, $5, $6, $4, NULLIF(CAST($7 AS BIGINT), -1)) ON CONFLICT DO NOTHING";
    ALL = "SELECT id, realm_id, sealed, algorithm, state, created_ms, since_ms, until_ms FROM signing_keys \
           ORDER BY realm_id, created_ms DESC, id";
    MOVE = "UPDATE signing_keys SET state = $3, since_ms = $4, until_ms = NULLIF(CAST($5 AS BIGINT), -1) \
            WHERE id = $1 AND state = $2";
    FORGET = "DELETE FROM signing_keys WHERE id = $1 AND state = $2";
    FORGET_ALL = "DELETE FROM signing_keys WHERE realm_id = $1 AND algorithm = $2 RETURNING id";
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
    /// What it is there for now.
    pub state: KeyState,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it came into its state.
    pub since: Timestamp,
    /// When it is to leave its state, where that is fixed.
    pub until: Option<Timestamp>,
}

/// What stands for "not fixed" in a parameter.
const NO_END: Timestamp = Timestamp::from_millis(-1);

fn key(row: &Row) -> Result<SealedKey, Fault> {
    Ok(SealedKey {
        id: row.parsed(0, "signing_keys", KeyId::parse)?,
        realm_id: row.parsed(1, "signing_keys", RealmId::parse)?,
        sealed: row.bytes(2)?,
        algorithm: row.text(3)?,
        state: row.parsed(4, "signing_keys", |text| KeyState::parse(text).ok_or("no state of a key"))?,
        created_at: row.moment(5)?,
        since: row.moment(6)?,
        until: row.maybe_moment(7)?,
    })
}

/// Keeps a new key; `false` when the realm has one in that state for that algorithm already.
pub async fn create(tx: &mut Tx, key: &SealedKey) -> Result<bool, Fault> {
    let values = [
        Value::Text(key.id.as_str()),
        Value::Text(key.realm_id.as_str()),
        Value::Bytes(&key.sealed),
        key.created_at.into(),
        Value::Text(&key.algorithm),
        Value::Text(key.state.as_str()),
        key.until.unwrap_or(NO_END).into(),
    ];
    Ok(tx.run(CREATE, &values).await? == 1)
}

/// All keys, newest first within a realm.
pub async fn all(query: &mut impl Query) -> Result<Vec<SealedKey>, Fault> {
    query.all(ALL, &[]).await?.iter().map(key).collect()
}

/// Moves a key from one state to another; `false` when it is not in the first.
pub async fn pass_on(
    tx: &mut Tx,
    id: &KeyId,
    (from, to): (KeyState, KeyState),
    (now, until): (Timestamp, Option<Timestamp>),
) -> Result<bool, Fault> {
    let values = [
        Value::Text(id.as_str()),
        Value::Text(from.as_str()),
        Value::Text(to.as_str()),
        now.into(),
        until.unwrap_or(NO_END).into(),
    ];
    Ok(tx.run(MOVE, &values).await? == 1)
}

/// Deletes a key in a state; `false` when it is not in it.
pub async fn forget(tx: &mut Tx, id: &KeyId, state: KeyState) -> Result<bool, Fault> {
    Ok(tx.run(FORGET, &[Value::Text(id.as_str()), Value::Text(state.as_str())]).await? == 1)
}

/// Deletes all of a realm's keys for an algorithm, whatever their state; tells which.
pub async fn forget_all(tx: &mut Tx, realm: &RealmId, algorithm: &str) -> Result<Vec<KeyId>, Fault> {
    let rows = tx.all(FORGET_ALL, &[Value::Text(realm.as_str()), Value::Text(algorithm)]).await?;
    rows.iter().map(|row| row.parsed(0, "signing_keys", KeyId::parse)).collect()
}
