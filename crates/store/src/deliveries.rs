//! Who got tokens in a session, and what is on its way to them when it ended. A delivery is claimed by one guarded
//! statement that also puts off its next turn: whoever claims it and dies leaves it to the next.

use crate::row::{Row, Value};
use crate::sql::statements;
use crate::store::Query;
use crate::tx::Tx;
use doorward_model::fault::Fault;
use doorward_model::id::{ClientId, SessionId};
use doorward_model::name::ClientName;
use doorward_model::time::Timestamp;

statements! {
    NOTE = "INSERT INTO session_clients (session_id, client_id, subject) VALUES ($1, $2, $3) \
            ON CONFLICT (session_id, client_id) DO NOTHING";
    OF_SESSION = "SELECT client_id FROM session_clients WHERE session_id = $1 ORDER BY client_id";
    LEAVE = "DELETE FROM session_clients WHERE session_id = $1 RETURNING session_id, client_id, subject";
    LEAVE_OVER = "DELETE FROM session_clients \
                  WHERE NOT EXISTS (SELECT 1 FROM sessions WHERE sessions.id = session_clients.session_id) \
                  RETURNING session_id, client_id, subject";
    CREATE = "INSERT INTO deliveries (client_id, session_id, subject, state, attempts, due_ms, problem) \
              VALUES ($1, $2, $3, 'waiting', 0, 0, '')";
    IS_DUE = "SELECT 1 FROM deliveries WHERE state = 'waiting' AND due_ms <= $1 LIMIT 1";
    CLAIM = "UPDATE deliveries SET due_ms = $2, attempts = attempts + 1, begun_ms = COALESCE(begun_ms, $1) \
             WHERE state = 'waiting' AND due_ms <= $1 AND number = (SELECT number FROM deliveries \
             WHERE state = 'waiting' AND due_ms <= $1 ORDER BY due_ms, number LIMIT 1) \
             RETURNING number, client_id, session_id, subject, attempts";
    FINISH = "DELETE FROM deliveries WHERE number = $1 AND attempts = $2";
    PUT_OFF = "UPDATE deliveries SET due_ms = $3, problem = $4, state = $5 \
               WHERE number = $1 AND attempts = $2 AND state = 'waiting'";
    RETRY = "UPDATE deliveries SET due_ms = 0, attempts = 0, state = 'waiting' WHERE number = $1";
    RETRY_ALL = "UPDATE deliveries SET due_ms = 0, attempts = 0, state = 'waiting'";
    RETRY_ALL_OF = "UPDATE deliveries SET due_ms = 0, attempts = 0, state = 'waiting' WHERE client_id = $1";
    LIST = "SELECT d.number, c.name, d.session_id, d.subject, d.state, d.attempts, d.begun_ms, d.due_ms, d.problem \
            FROM deliveries d JOIN clients c ON c.id = d.client_id ORDER BY d.number DESC LIMIT $1";
    PRUNE = "DELETE FROM deliveries WHERE state = 'failed' AND due_ms < $1";
}

/// A client that got tokens in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// The session.
    pub session_id: SessionId,
    /// The client.
    pub client_id: ClientId,
    /// Whom the tokens speak of, as the client is told.
    pub subject: String,
}

/// A delivery that has just been claimed.
#[derive(Debug)]
pub struct Claimed {
    /// Its number.
    pub number: i64,
    /// Who is told, and of what.
    pub party: Party,
    /// The how-manieth attempt this is; also tells this claim from any other.
    pub attempt: i64,
}

/// A delivery as it is listed.
#[derive(Debug)]
pub struct Listed {
    /// Its number.
    pub number: i64,
    /// Who is told.
    pub client: ClientName,
    /// Which session ended.
    pub session_id: SessionId,
    /// Whose session it was, as the client is told.
    pub subject: String,
    /// Whether it was given up.
    pub is_failed: bool,
    /// Attempts so far.
    pub attempts: i64,
    /// When it was first tried.
    pub begun_at: Option<Timestamp>,
    /// When it is tried next, or was given up.
    pub due_at: Timestamp,
    /// What went wrong last.
    pub problem: String,
}

fn party(row: &Row, first: usize) -> Result<Party, Fault> {
    Ok(Party {
        session_id: row.parsed(first, "session_clients", SessionId::parse)?,
        client_id: row.parsed(first + 1, "session_clients", ClientId::parse)?,
        subject: row.text(first + 2)?,
    })
}

/// Notes that a client got tokens in a session.
pub async fn note(tx: &mut Tx, party: &Party) -> Result<(), Fault> {
    let Party { session_id, client_id, subject } = party;
    let values = [Value::Text(session_id.as_str()), Value::Text(client_id.as_str()), Value::Text(subject)];
    tx.run(NOTE, &values).await.map(drop)
}

/// Clients that got tokens in a session.
pub async fn clients_of(query: &mut impl Query, session: &SessionId) -> Result<Vec<ClientId>, Fault> {
    let rows = query.all(OF_SESSION, &[Value::Text(session.as_str())]).await?;
    rows.iter().map(|row| row.parsed(0, "session_clients", ClientId::parse)).collect()
}

/// Hands over, once, who got tokens in a session that has just ended.
pub async fn leave(tx: &mut Tx, session: &SessionId) -> Result<Vec<Party>, Fault> {
    tx.all(LEAVE, &[Value::Text(session.as_str())]).await?.iter().map(|row| party(row, 0)).collect()
}

/// Hands over, once, who got tokens in sessions that are no more, however they ended.
pub async fn leave_over(tx: &mut Tx) -> Result<Vec<Party>, Fault> {
    tx.all(LEAVE_OVER, &[]).await?.iter().map(|row| party(row, 0)).collect()
}

/// Keeps a delivery, due at once.
pub async fn create(tx: &mut Tx, party: &Party) -> Result<(), Fault> {
    let Party { session_id, client_id, subject } = party;
    let values = [Value::Text(client_id.as_str()), Value::Text(session_id.as_str()), Value::Text(subject)];
    tx.run(CREATE, &values).await.map(drop)
}

/// Whether there is anything to deliver now.
pub async fn is_due(query: &mut impl Query, now: Timestamp) -> Result<bool, Fault> {
    Ok(query.first(IS_DUE, &[now.into()]).await?.is_some())
}

/// Claims the delivery that has been due for longest; until `lease` nobody else gets it.
pub async fn claim(tx: &mut Tx, now: Timestamp, lease: Timestamp) -> Result<Option<Claimed>, Fault> {
    let Some(row) = tx.first(CLAIM, &[now.into(), lease.into()]).await? else { return Ok(None) };
    let party = Party {
        client_id: row.parsed(1, "deliveries", ClientId::parse)?,
        session_id: row.parsed(2, "deliveries", SessionId::parse)?,
        subject: row.text(3)?,
    };
    Ok(Some(Claimed { number: row.number(0)?, party, attempt: row.number(4)? }))
}

/// Ends a delivery that was claimed; `false` when somebody else has claimed it since.
pub async fn finish(tx: &mut Tx, (number, attempt): (i64, i64)) -> Result<bool, Fault> {
    Ok(tx.run(FINISH, &[Value::Number(number), Value::Number(attempt)]).await? == 1)
}

/// Puts off a delivery that was claimed, or gives it up at that time; `false` when somebody else has claimed it since.
pub async fn put_off(
    tx: &mut Tx,
    (number, attempt): (i64, i64),
    (until, is_failed): (Timestamp, bool),
    problem: &str,
) -> Result<bool, Fault> {
    let state = if is_failed { "failed" } else { "waiting" };
    let values =
        [Value::Number(number), Value::Number(attempt), until.into(), Value::Text(problem), Value::Text(state)];
    Ok(tx.run(PUT_OFF, &values).await? == 1)
}

/// Makes a delivery due at once, with all its attempts before it; `false` when there is none of that number.
pub async fn retry(tx: &mut Tx, number: i64) -> Result<bool, Fault> {
    Ok(tx.run(RETRY, &[Value::Number(number)]).await? == 1)
}

/// Makes every delivery, or every one for a client, due at once, with all its attempts before it; how many there are.
pub async fn retry_all(tx: &mut Tx, client: Option<&ClientId>) -> Result<u64, Fault> {
    match client {
        Some(id) => tx.run(RETRY_ALL_OF, &[Value::Text(id.as_str())]).await,
        None => tx.run(RETRY_ALL, &[]).await,
    }
}

/// Deliveries that are waiting or were given up, newest first.
pub async fn list(query: &mut impl Query, count: i64) -> Result<Vec<Listed>, Fault> {
    let rows = query.all(LIST, &[Value::Number(count)]).await?;
    rows.iter()
        .map(|row| {
            Ok(Listed {
                number: row.number(0)?,
                client: row.parsed(1, "clients", ClientName::parse)?,
                session_id: row.parsed(2, "deliveries", SessionId::parse)?,
                subject: row.text(3)?,
                is_failed: row.text(4)? == "failed",
                attempts: row.number(5)?,
                begun_at: row.maybe_moment(6)?,
                due_at: row.moment(7)?,
                problem: row.text(8)?,
            })
        })
        .collect()
}

/// Forgets deliveries given up before.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64, Fault> {
    tx.run(PRUNE, &[before.into()]).await
}
