//! Codes of devices whose people sign in at another screen. An answer is given once and a code is used once,
//! each by one guarded statement; how often a device asks is counted in the same place, for all nodes.
//! Locks are taken from the session to the code, which is the order a deletion takes them in.

use crate::row::{Row, Value};
use crate::sql::statements;
use crate::store::Query;
use crate::tx::Tx;
use doorward_model::fault::Fault;
use doorward_model::id::{ClientId, FamilyId, RealmId, SessionId};
use doorward_model::secret::TokenHash;
use doorward_model::time::Timestamp;

statements! {
    CREATE = "INSERT INTO device_codes (hash, realm_id, client_id, user_code, family_id, facts, state, \
              interval_seconds, expires_ms) VALUES ($1, $2, $3, $4, $5, $6, 'waiting', $7, $8) \
              ON CONFLICT (realm_id, user_code) DO NOTHING";
    BY_HASH = "SELECT hash, client_id, state, session_id, facts, expires_ms FROM device_codes WHERE hash = $1";
    BY_USER_CODE = "SELECT hash, client_id, state, session_id, facts, expires_ms FROM device_codes \
                    WHERE realm_id = $1 AND user_code = $2";
    HOLD_SESSION = "UPDATE sessions SET idle_seconds = idle_seconds WHERE id = $1";
    HOLD_ALLOWING_SESSION = "UPDATE sessions SET idle_seconds = idle_seconds \
                             WHERE id = (SELECT session_id FROM device_codes WHERE hash = $1)";
    ANSWER = "UPDATE device_codes SET state = $3, session_id = $4 \
              WHERE hash = $1 AND state = 'waiting' AND expires_ms > $2";
    USE = "UPDATE device_codes SET state = 'used' \
           WHERE hash = $1 AND client_id = $3 AND state = 'allowed' AND expires_ms > $2 \
           RETURNING session_id, family_id, facts";
    ASK = "UPDATE device_codes SET polled_ms = $2 \
           WHERE hash = $1 AND (polled_ms IS NULL OR polled_ms + interval_seconds * 1000 - $3 <= $2)";
    HURRY = "UPDATE device_codes SET interval_seconds = interval_seconds + $2 \
             WHERE hash = $1 AND interval_seconds < $3";
    PRUNE = "DELETE FROM device_codes WHERE expires_ms < $1";
}

/// How far a device's code has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nobody has answered yet.
    Waiting,
    /// Somebody said yes.
    Allowed,
    /// Somebody said no, or may not enter.
    Denied,
    /// It became tokens.
    Used,
}

impl State {
    const ALL: [Self; 4] = [Self::Waiting, Self::Allowed, Self::Denied, Self::Used];

    fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::Used => "used",
        }
    }

    fn parse(text: &str) -> Result<Self, &'static str> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or("it is no state of a device code")
    }
}

/// A new code of a device.
pub struct NewDeviceCode<'a> {
    /// The hash of what the device shows.
    pub hash: &'a TokenHash,
    /// Its realm.
    pub realm: &'a RealmId,
    /// The client the device runs.
    pub client: &'a ClientId,
    /// What the person types, in canonical form.
    pub user_code: &'a str,
    /// The family its tokens will belong to.
    pub family: &'a FamilyId,
    /// What is asked for, as JSON.
    pub facts: &'a str,
    /// How long the device waits between two asks, in seconds.
    pub interval_seconds: i64,
    /// The end of its life.
    pub expires_at: Timestamp,
}

/// A device's code as stored.
pub struct DeviceCodeRow {
    /// The hash of what the device shows.
    pub hash: TokenHash,
    /// The client the device runs.
    pub client_id: ClientId,
    /// How far it has come.
    pub state: State,
    /// The session of whoever answered, while it stands.
    pub session_id: Option<SessionId>,
    /// What is asked for, as JSON.
    pub facts: String,
    /// The end of its life.
    pub expires_at: Timestamp,
}

/// A code that has just been used up.
#[derive(Debug)]
pub struct UsedDeviceCode {
    /// The session it was allowed in.
    pub session_id: SessionId,
    /// The family its tokens belong to.
    pub family_id: FamilyId,
    /// What was asked for, as JSON.
    pub facts: String,
}

fn device_code(row: &Row) -> Result<DeviceCodeRow, Fault> {
    let hash = TokenHash::from_stored(&row.bytes(0)?)
        .ok_or_else(|| Fault::corrupt("device_codes", "(hash)", "it has not 32 bytes"))?;
    let session_id = row.maybe_text(3)?;
    Ok(DeviceCodeRow {
        hash,
        client_id: row.parsed(1, "device_codes", ClientId::parse)?,
        state: row.parsed(2, "device_codes", State::parse)?,
        session_id: session_id
            .map(|text| SessionId::parse(&text).map_err(|error| Fault::corrupt("device_codes", &text, error)))
            .transpose()?,
        facts: row.text(4)?,
        expires_at: row.moment(5)?,
    })
}

/// Keeps a new code; `false` when another one has the same user code.
pub async fn create(tx: &mut Tx, code: &NewDeviceCode<'_>) -> Result<bool, Fault> {
    let values = [
        Value::Bytes(code.hash.as_bytes()),
        Value::Text(code.realm.as_str()),
        Value::Text(code.client.as_str()),
        Value::Text(code.user_code),
        Value::Text(code.family.as_str()),
        Value::Text(code.facts),
        Value::Number(code.interval_seconds),
        code.expires_at.into(),
    ];
    Ok(tx.run(CREATE, &values).await? == 1)
}

/// The code a device shows.
pub async fn find(query: &mut impl Query, hash: &TokenHash) -> Result<Option<DeviceCodeRow>, Fault> {
    query.first(BY_HASH, &[Value::Bytes(hash.as_bytes())]).await?.as_ref().map(device_code).transpose()
}

/// The code a person typed, in canonical form.
pub async fn find_typed(
    query: &mut impl Query,
    realm: &RealmId,
    user_code: &str,
) -> Result<Option<DeviceCodeRow>, Fault> {
    let values = [Value::Text(realm.as_str()), Value::Text(user_code)];
    query.first(BY_USER_CODE, &values).await?.as_ref().map(device_code).transpose()
}

/// Answers for a code in a session, which is held first; `false` when the session is over, or the code is over or
/// was answered before.
pub async fn answer(
    tx: &mut Tx,
    hash: &TokenHash,
    (state, session): (State, &SessionId),
    now: Timestamp,
) -> Result<bool, Fault> {
    if tx.run(HOLD_SESSION, &[Value::Text(session.as_str())]).await? == 0 {
        return Ok(false);
    }
    let values =
        [Value::Bytes(hash.as_bytes()), now.into(), Value::Text(state.as_str()), Value::Text(session.as_str())];
    Ok(tx.run(ANSWER, &values).await? == 1)
}

/// Uses a code up, if it is this client's, allowed, good and unused. The session it was allowed in is held first;
/// without it there is nothing to use.
pub async fn use_code(
    tx: &mut Tx,
    hash: &TokenHash,
    client: &ClientId,
    now: Timestamp,
) -> Result<Option<UsedDeviceCode>, Fault> {
    if tx.run(HOLD_ALLOWING_SESSION, &[Value::Bytes(hash.as_bytes())]).await? == 0 {
        return Ok(None);
    }
    let values = [Value::Bytes(hash.as_bytes()), now.into(), Value::Text(client.as_str())];
    let Some(row) = tx.first(USE, &values).await? else { return Ok(None) };
    Ok(Some(UsedDeviceCode {
        session_id: row.parsed(0, "device_codes", SessionId::parse)?,
        family_id: row.parsed(1, "device_codes", FamilyId::parse)?,
        facts: row.text(2)?,
    }))
}

/// Counts that a device asked; `false` when it asks again too soon. `slack_millis` is what a network may add or
/// take away.
pub async fn ask(tx: &mut Tx, hash: &TokenHash, slack_millis: i64, now: Timestamp) -> Result<bool, Fault> {
    let values = [Value::Bytes(hash.as_bytes()), now.into(), Value::Number(slack_millis)];
    Ok(tx.run(ASK, &values).await? == 1)
}

/// Makes a device that asks too often wait `by` seconds longer, up to `most`.
pub async fn slow_down(tx: &mut Tx, hash: &TokenHash, (by, most): (i64, i64)) -> Result<(), Fault> {
    tx.run(HURRY, &[Value::Bytes(hash.as_bytes()), Value::Number(by), Value::Number(most)]).await.map(drop)
}

/// Forgets codes that ended before.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64, Fault> {
    tx.run(PRUNE, &[before.into()]).await
}
