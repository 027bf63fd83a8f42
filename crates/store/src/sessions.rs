//! Sessions, passes to app hosts, and tickets between them. Single use is decided by one guarded
//! statement.

use crate::row::{Row, Value};
use crate::sql::statements;
use crate::store::Query;
use crate::tx::Tx;
use crate::users;
use doorward_model::fault::Fault;
use doorward_model::id::{AppId, ConnectorId, RealmId, SessionId, UserId};
use doorward_model::people::User;
use doorward_model::secret::TokenHash;
use doorward_model::session::{Pass, Session};
use doorward_model::time::Timestamp;

statements! {
    CREATE = "INSERT INTO sessions (id, hash, realm_id, user_id, created_ms, last_seen_ms, expires_ms, \
              idle_seconds, client_address, user_agent, connector_id, through_id) \
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    BY_HASH = "SELECT s.id, s.realm_id, s.user_id, s.created_ms, s.last_seen_ms, s.expires_ms, s.idle_seconds, \
               s.client_address, s.user_agent, s.connector_id, s.through_id, \
               u.id, u.realm_id, u.name, u.email, u.display, u.is_active, u.created_ms \
               FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.hash = $1";
    BY_ID = "SELECT id, realm_id, user_id, created_ms, last_seen_ms, expires_ms, idle_seconds, client_address, \
             user_agent, connector_id, through_id FROM sessions WHERE id = $1";
    BY_PASS = "SELECT s.id, s.realm_id, s.user_id, s.created_ms, s.last_seen_ms, s.expires_ms, s.idle_seconds, \
               s.client_address, s.user_agent, s.connector_id, s.through_id, \
               u.id, u.realm_id, u.name, u.email, u.display, u.is_active, u.created_ms, p.app_id, p.host \
               FROM passes p JOIN sessions s ON s.id = p.session_id JOIN users u ON u.id = s.user_id \
               WHERE p.hash = $1";
    OF_USER = "SELECT id, realm_id, user_id, created_ms, last_seen_ms, expires_ms, idle_seconds, client_address, \
               user_agent, connector_id, through_id FROM sessions WHERE user_id = $1 ORDER BY last_seen_ms DESC LIMIT $2";
    OF_REALM = "SELECT s.id, s.realm_id, s.user_id, s.created_ms, s.last_seen_ms, s.expires_ms, s.idle_seconds, \
                s.client_address, s.user_agent, s.connector_id, s.through_id, u.name FROM sessions s JOIN users u ON u.id = s.user_id \
                WHERE s.realm_id = $1 AND s.expires_ms > $2 ORDER BY s.last_seen_ms DESC LIMIT $3";
    IDS_OF_USER = "SELECT id FROM sessions WHERE user_id = $1";
    SEEN = "UPDATE sessions SET last_seen_ms = $2 WHERE id = $1 AND last_seen_ms < $2";
    END = "DELETE FROM sessions WHERE id = $1 RETURNING user_id";
    END_OF_USER = "DELETE FROM sessions WHERE user_id = $1 AND id <> $2 RETURNING id";
    BEGUN_THROUGH = "SELECT id FROM sessions WHERE through_id = $1 ORDER BY id";
    PRUNE = "DELETE FROM sessions WHERE expires_ms < $1 OR last_seen_ms + idle_seconds * 1000 < $1 RETURNING id";
    DROP_OLD_PASSES = "DELETE FROM passes WHERE session_id = $1 AND host = $2 AND created_ms < $3";
    CREATE_PASS = "INSERT INTO passes (hash, session_id, app_id, host, created_ms) VALUES ($1, $2, $3, $4, $5)";
    CREATE_TICKET = "INSERT INTO tickets (hash, session_id, app_id, back_url, binding, expires_ms) \
                     VALUES ($1, $2, $3, $4, $5, $6)";
    HOLD_SESSION = "UPDATE sessions SET idle_seconds = idle_seconds \
                    WHERE id = (SELECT session_id FROM tickets WHERE hash = $1)";
    USE_TICKET = "UPDATE tickets SET used_ms = $2 WHERE hash = $1 AND used_ms IS NULL AND expires_ms > $2 \
                  RETURNING session_id, app_id, back_url, binding";
    PRUNE_TICKETS = "DELETE FROM tickets WHERE expires_ms < $1";
}

/// A session with its user.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The session.
    pub session: Session,
    /// The user.
    pub user: User,
}

/// A ticket that has just been used up.
#[derive(Debug)]
pub struct UsedTicket {
    /// The session it admits.
    pub session_id: SessionId,
    /// The app it admits to.
    pub app_id: AppId,
    /// Where the browser goes next.
    pub back_url: String,
    /// Hash (hex) of the cookie the browser must show.
    pub binding: String,
}

fn session(row: &Row) -> Result<Session, Fault> {
    Ok(Session {
        id: row.parsed(0, "sessions", SessionId::parse)?,
        realm_id: row.parsed(1, "sessions", RealmId::parse)?,
        user_id: row.parsed(2, "sessions", UserId::parse)?,
        created_at: row.moment(3)?,
        last_seen_at: row.moment(4)?,
        expires_at: row.moment(5)?,
        idle_seconds: row.number(6)?,
        client_address: row.text(7)?,
        user_agent: row.text(8)?,
        connector: row.maybe_parsed(9, "sessions", ConnectorId::parse)?,
        through: row.maybe_parsed(10, "sessions", ConnectorId::parse)?,
    })
}

/// Keeps a new session under the hash of its credential.
pub async fn create(tx: &mut Tx, hash: &TokenHash, session: &Session) -> Result<(), Fault> {
    let values = [
        Value::Text(session.id.as_str()),
        Value::Bytes(hash.as_bytes()),
        Value::Text(session.realm_id.as_str()),
        Value::Text(session.user_id.as_str()),
        session.created_at.into(),
        session.last_seen_at.into(),
        session.expires_at.into(),
        Value::Number(session.idle_seconds),
        Value::Text(&session.client_address),
        Value::Text(&session.user_agent),
        Value::MaybeText(session.connector.as_ref().map(ConnectorId::as_str)),
        Value::MaybeText(session.through.as_ref().map(ConnectorId::as_str)),
    ];
    tx.run(CREATE, &values).await.map(drop)
}

/// The session behind a cookie, with its user.
pub async fn find(query: &mut impl Query, hash: &TokenHash) -> Result<Option<SignedIn>, Fault> {
    let row = query.first(BY_HASH, &[Value::Bytes(hash.as_bytes())]).await?;
    row.map(|row| Ok(SignedIn { session: session(&row)?, user: users::user(&row, 11)? })).transpose()
}

/// The session of that id.
pub async fn find_by_id(query: &mut impl Query, id: &SessionId) -> Result<Option<Session>, Fault> {
    query.first(BY_ID, &[Value::Text(id.as_str())]).await?.as_ref().map(session).transpose()
}

/// The pass behind a cookie, with its session and user.
pub async fn find_pass(query: &mut impl Query, hash: &TokenHash) -> Result<Option<(Pass, SignedIn)>, Fault> {
    let Some(row) = query.first(BY_PASS, &[Value::Bytes(hash.as_bytes())]).await? else { return Ok(None) };
    let signed_in = SignedIn { session: session(&row)?, user: users::user(&row, 11)? };
    let app_id = row.maybe_parsed(18, "passes", AppId::parse)?;
    let pass = Pass { session_id: signed_in.session.id.clone(), app_id, host: row.text(19)? };
    Ok(Some((pass, signed_in)))
}

/// A user's sessions, last seen first.
pub async fn of_user(query: &mut impl Query, user: &UserId, count: i64) -> Result<Vec<Session>, Fault> {
    query.all(OF_USER, &[Value::Text(user.as_str()), Value::Number(count)]).await?.iter().map(session).collect()
}

/// A realm's sessions with the names of their users, last seen first.
pub async fn of_realm(
    query: &mut impl Query,
    realm: &RealmId,
    now: Timestamp,
    count: i64,
) -> Result<Vec<(Session, String)>, Fault> {
    let rows = query.all(OF_REALM, &[Value::Text(realm.as_str()), now.into(), Value::Number(count)]).await?;
    rows.iter().map(|row| Ok((session(row)?, row.text(11)?))).collect()
}

/// Ids of all of a user's sessions.
pub async fn ids_of_user(query: &mut impl Query, user: &UserId) -> Result<Vec<SessionId>, Fault> {
    let rows = query.all(IDS_OF_USER, &[Value::Text(user.as_str())]).await?;
    rows.iter().map(|row| row.parsed(0, "sessions", SessionId::parse)).collect()
}

/// Ids of all sessions whose people a connector proved, of whom another one says who they are.
pub async fn begun_through(query: &mut impl Query, connector: &ConnectorId) -> Result<Vec<SessionId>, Fault> {
    let rows = query.all(BEGUN_THROUGH, &[Value::Text(connector.as_str())]).await?;
    rows.iter().map(|row| row.parsed(0, "sessions", SessionId::parse)).collect()
}

/// Notes when a session was last seen; never moves it back.
pub async fn seen(tx: &mut Tx, id: &SessionId, at: Timestamp) -> Result<(), Fault> {
    tx.run(SEEN, &[Value::Text(id.as_str()), at.into()]).await.map(drop)
}

/// Ends a session with its passes; tells whose it was.
pub async fn end(tx: &mut Tx, id: &SessionId) -> Result<Option<UserId>, Fault> {
    let row = tx.first(END, &[Value::Text(id.as_str())]).await?;
    row.map(|row| row.parsed(0, "sessions", UserId::parse)).transpose()
}

/// Ends all sessions of a user, except one; tells which.
pub async fn end_of_user(tx: &mut Tx, user: &UserId, except: Option<&SessionId>) -> Result<Vec<SessionId>, Fault> {
    let values = [Value::Text(user.as_str()), Value::Text(except.map_or("", |id| id.as_str()))];
    tx.all(END_OF_USER, &values).await?.iter().map(|row| row.parsed(0, "sessions", SessionId::parse)).collect()
}

/// Forgets sessions that were over by their own limits at `before`, and their passes; tells which. Their
/// caller leaves room for what was seen and is not written down yet.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<Vec<SessionId>, Fault> {
    tx.all(PRUNE, &[before.into()]).await?.iter().map(|row| row.parsed(0, "sessions", SessionId::parse)).collect()
}

/// Forgets tickets whose time is over.
pub async fn prune_tickets(tx: &mut Tx, now: Timestamp) -> Result<u64, Fault> {
    tx.run(PRUNE_TICKETS, &[now.into()]).await
}

/// A browser has one pass for a host; older ones go when a new one is made. Those made a moment ago stay,
/// because several tabs may enter at once.
const PASS_OVERLAP_SECONDS: i64 = 60;

/// Keeps a new pass under the hash of its credential.
pub async fn create_pass(tx: &mut Tx, hash: &TokenHash, pass: &Pass, now: Timestamp) -> Result<(), Fault> {
    let before = now.plus_seconds(-PASS_OVERLAP_SECONDS);
    tx.run(DROP_OLD_PASSES, &[Value::Text(pass.session_id.as_str()), Value::Text(&pass.host), before.into()]).await?;
    let values = [
        Value::Bytes(hash.as_bytes()),
        Value::Text(pass.session_id.as_str()),
        Value::MaybeText(pass.app_id.as_ref().map(|id| id.as_str())),
        Value::Text(&pass.host),
        now.into(),
    ];
    tx.run(CREATE_PASS, &values).await.map(drop)
}

/// Keeps a new ticket under the hash of its credential.
pub async fn create_ticket(
    tx: &mut Tx,
    hash: &TokenHash,
    ticket: &UsedTicket,
    expires_at: Timestamp,
) -> Result<(), Fault> {
    let values = [
        Value::Bytes(hash.as_bytes()),
        Value::Text(ticket.session_id.as_str()),
        Value::Text(ticket.app_id.as_str()),
        Value::Text(&ticket.back_url),
        Value::Text(&ticket.binding),
        expires_at.into(),
    ];
    tx.run(CREATE_TICKET, &values).await.map(drop)
}

/// Uses a ticket up: only one caller ever gets it. Takes the session before the ticket, as ending a
/// session does: in the other order the two could wait for each other on PostgreSQL.
pub async fn use_ticket(tx: &mut Tx, hash: &TokenHash, now: Timestamp) -> Result<Option<UsedTicket>, Fault> {
    tx.hold(HOLD_SESSION, &[Value::Bytes(hash.as_bytes())]).await?;
    let row = tx.first(USE_TICKET, &[Value::Bytes(hash.as_bytes()), now.into()]).await?;
    row.map(|row| {
        Ok(UsedTicket {
            session_id: row.parsed(0, "tickets", SessionId::parse)?,
            app_id: row.parsed(1, "tickets", AppId::parse)?,
            back_url: row.text(2)?,
            binding: row.text(3)?,
        })
    })
    .transpose()
}
