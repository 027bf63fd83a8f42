//! What is known of where sessions began: what a provider gave for them, and its words that they are over there.

use crate::connectors::Outsider;
use crate::row::{Row, Value};
use crate::sql::statements;
use crate::store::Query;
use crate::tx::Tx;
use doorward_model::fault::Fault;
use doorward_model::id::{ConnectorId, SessionId};
use doorward_model::time::Timestamp;

statements! {
    ADD = "INSERT INTO session_origins (session_id, connector_id, issuer, subject, sid, kept, refresh_ms, vouched_ms) \
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    OF_SID = "SELECT session_id, subject FROM session_origins WHERE connector_id = $1 AND sid = $2 ORDER BY session_id";
    KEPT = "SELECT kept FROM session_origins WHERE session_id = $1";
    KEEP = "UPDATE session_origins SET kept = $2, refresh_ms = $3, vouched_ms = $4, failures = 0 \
            WHERE session_id = $1 AND refresh_ms = $5";
    PUT_OFF = "UPDATE session_origins SET refresh_ms = $2, failures = failures + 1 \
               WHERE session_id = $1 AND refresh_ms = $3";
    STOP = "UPDATE session_origins SET refresh_ms = 0 WHERE session_id = $1 AND refresh_ms = $2";
    DUE = "SELECT DISTINCT connector_id FROM session_origins WHERE refresh_ms > 0 AND refresh_ms <= $1 \
           ORDER BY connector_id";
    IS_CLAIMED = "SELECT 1 FROM session_origins WHERE session_id = $1 AND refresh_ms = $2";
    CLAIM = "UPDATE session_origins SET refresh_ms = $3 \
             WHERE refresh_ms > 0 AND refresh_ms <= $2 AND session_id = (SELECT session_id FROM session_origins \
             WHERE connector_id = $1 AND refresh_ms > 0 AND refresh_ms <= $2 ORDER BY refresh_ms, session_id LIMIT 1) \
             RETURNING session_id, issuer, subject, kept, vouched_ms, failures";
    HEAR = "INSERT INTO logout_tokens (connector_id, hash, subject, sid, told_ms, expires_ms) \
            VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (connector_id, hash) DO NOTHING";
    IS_OVER = "SELECT 1 FROM logout_tokens WHERE connector_id = $1 \
               AND told_ms >= $4 AND (subject IS NULL OR subject = $3) AND (sid IS NULL OR sid = $2)";
    PRUNE = "DELETE FROM logout_tokens WHERE expires_ms < $1";
}

/// A provider's word that somebody signed out there.
#[derive(Debug, Clone, Copy)]
pub struct LogoutToken<'a> {
    /// Hash of what tells it from others.
    pub hash: &'a [u8],
    /// Who, when it says so.
    pub subject: Option<&'a str>,
    /// Of which session, when it says so.
    pub sid: Option<&'a str>,
    /// When it was given.
    pub told_at: Timestamp,
    /// Until when it is remembered.
    pub until: Timestamp,
}

/// What is kept with a session's origin.
#[derive(Debug, Clone, Copy)]
pub struct Keeping<'a> {
    /// What the provider gave, sealed.
    pub sealed: Option<&'a [u8]>,
    /// When it is asked for the person again; never when absent.
    pub refresh_at: Option<Timestamp>,
    /// When it vouched for them.
    pub vouched_at: Timestamp,
}

/// A session whose provider is to be asked again, claimed until `lease`.
#[derive(Debug)]
pub struct Claimed {
    /// The session.
    pub session: SessionId,
    /// Who vouched for its person.
    pub issuer: String,
    /// What the provider calls them.
    pub subject: String,
    /// What it gave, sealed.
    pub sealed: Option<Vec<u8>>,
    /// When it last vouched for them.
    pub vouched_at: Timestamp,
    /// How often it could not be asked since.
    pub failures: i64,
    /// What this claim is told from later ones by.
    pub lease: Timestamp,
}

/// Notes where a session began, what the other side calls it, and what it gave.
pub async fn begun(
    tx: &mut Tx,
    session: &SessionId,
    (who, sid): (Outsider<'_>, Option<&str>),
    keeping: Keeping<'_>,
) -> Result<(), Fault> {
    let values = [
        Value::Text(session.as_str()),
        Value::Text(who.connector.as_str()),
        Value::Text(who.issuer),
        Value::Text(who.subject),
        Value::MaybeText(sid),
        Value::Bytes(keeping.sealed.unwrap_or_default()),
        Value::Number(keeping.refresh_at.map_or(0, Timestamp::millis)),
        keeping.vouched_at.into(),
    ];
    tx.run(ADD, &values).await.map(drop)
}

/// Sessions that a provider calls by this name; of this person alone, when one is named.
pub async fn of_sid(
    query: &mut impl Query,
    connector: &ConnectorId,
    sid: &str,
    subject: Option<&str>,
) -> Result<Vec<SessionId>, Fault> {
    let rows = query.all(OF_SID, &[Value::Text(connector.as_str()), Value::Text(sid)]).await?;
    let mut found = Vec::new();
    for row in &rows {
        let theirs = row.text(1)?;
        if subject.is_none_or(|subject| subject == theirs) {
            found.push(row.parsed(0, "session_origins", SessionId::parse)?);
        }
    }
    Ok(found)
}

/// What a provider gave for a session, sealed.
pub async fn kept(query: &mut impl Query, session: &SessionId) -> Result<Option<Vec<u8>>, Fault> {
    let row = query.first(KEPT, &[Value::Text(session.as_str())]).await?;
    row.map_or(Ok(None), |row| sealed(&row, 0))
}

fn sealed(row: &Row, at: usize) -> Result<Option<Vec<u8>>, Fault> {
    Ok(row.maybe_bytes(at)?.filter(|bytes| !bytes.is_empty()))
}

/// Keeps what a provider gave for a session in place of what it gave before; `false` when the claim `lease` is over.
pub async fn keep(tx: &mut Tx, session: &SessionId, keeping: Keeping<'_>, lease: Timestamp) -> Result<bool, Fault> {
    let values = [
        Value::Text(session.as_str()),
        Value::Bytes(keeping.sealed.unwrap_or_default()),
        Value::Number(keeping.refresh_at.map_or(0, Timestamp::millis)),
        keeping.vouched_at.into(),
        lease.into(),
    ];
    Ok(tx.run(KEEP, &values).await? == 1)
}

/// Connectors with sessions for which their providers are to be asked again.
pub async fn due(query: &mut impl Query, now: Timestamp) -> Result<Vec<ConnectorId>, Fault> {
    let rows = query.all(DUE, &[now.into()]).await?;
    rows.iter().map(|row| row.parsed(0, "session_origins", ConnectorId::parse)).collect()
}

/// Claims the next such session of a connector until `lease`: nobody else asks for it meanwhile.
pub async fn claim(
    tx: &mut Tx,
    connector: &ConnectorId,
    (now, lease): (Timestamp, Timestamp),
) -> Result<Option<Claimed>, Fault> {
    let row = tx.first(CLAIM, &[Value::Text(connector.as_str()), now.into(), lease.into()]).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Claimed {
        session: row.parsed(0, "session_origins", SessionId::parse)?,
        issuer: row.text(1)?,
        subject: row.text(2)?,
        sealed: sealed(&row, 3)?,
        vouched_at: row.moment(4)?,
        failures: row.number(5)?,
        lease,
    }))
}

/// Whether the claim `lease` still stands.
pub async fn is_claimed(query: &mut impl Query, session: &SessionId, lease: Timestamp) -> Result<bool, Fault> {
    Ok(query.first(IS_CLAIMED, &[Value::Text(session.as_str()), lease.into()]).await?.is_some())
}

/// Puts the next asking off; `false` when the claim `lease` is over.
pub async fn put_off(tx: &mut Tx, session: &SessionId, until: Timestamp, lease: Timestamp) -> Result<bool, Fault> {
    Ok(tx.run(PUT_OFF, &[Value::Text(session.as_str()), until.into(), lease.into()]).await? == 1)
}

/// Stops asking for a session.
pub async fn stop(tx: &mut Tx, session: &SessionId, lease: Timestamp) -> Result<bool, Fault> {
    Ok(tx.run(STOP, &[Value::Text(session.as_str()), lease.into()]).await? == 1)
}

/// Notes a provider's word; `false` when it was noted before.
pub async fn hear(tx: &mut Tx, connector: &ConnectorId, token: &LogoutToken<'_>) -> Result<bool, Fault> {
    let values = [
        Value::Text(connector.as_str()),
        Value::Bytes(token.hash),
        Value::MaybeText(token.subject),
        Value::MaybeText(token.sid),
        token.told_at.into(),
        token.until.into(),
    ];
    Ok(tx.run(HEAR, &values).await? == 1)
}

/// Whether the provider has said that this session of its is over, or that the person signed out everywhere after it
/// vouched for them.
pub async fn is_over(
    query: &mut impl Query,
    connector: &ConnectorId,
    (sid, subject): (Option<&str>, &str),
    vouched_at: Timestamp,
) -> Result<bool, Fault> {
    let values = [Value::Text(connector.as_str()), Value::MaybeText(sid), Value::Text(subject), vouched_at.into()];
    Ok(query.first(IS_OVER, &values).await?.is_some())
}

/// Forgets words that nobody could show again.
pub async fn prune(tx: &mut Tx, now: Timestamp) -> Result<u64, Fault> {
    tx.run(PRUNE, &[now.into()]).await
}
