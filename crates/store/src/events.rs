//! The audit record. Written by `Tx::commit` only.

use crate::limits::{A_FEW, AT_ONCE};
use crate::row::{Row, Value};
use crate::sql::{Rows, statements, with_rows};
use crate::store::Query;
use crate::tx::Tx;
use doorward_model::context::Ctx;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::Fault;
use doorward_model::id::{ClientId, UserId};
use doorward_model::name::ClientName;
use doorward_model::time::Timestamp;

statements! {
    APPEND = "INSERT INTO events (at_ms, kind, realm_id, actor, subject, detail, request_id, client_address) \
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    APPEND_MANY = with_rows!("INSERT INTO events (at_ms, kind, realm_id, actor, subject, detail, request_id, client_address) VALUES ",
                             Rows { first: 1, count: AT_ONCE, columns: 8 }, "");
    APPEND_SOME = with_rows!("INSERT INTO events (at_ms, kind, realm_id, actor, subject, detail, request_id, client_address) VALUES ",
                             Rows { first: 1, count: A_FEW, columns: 8 }, "");
    NEWEST = "SELECT at_ms, kind, actor, subject, detail, request_id, client_address FROM events \
              ORDER BY sequence DESC LIMIT $1";
    MATCHING = "SELECT at_ms, kind, actor, subject, detail, request_id, client_address FROM events \
                WHERE at_ms >= $2 AND ($3 = '' OR kind = $3) AND ($7 = '' OR request_id = $7) \
                AND ($4 = '' OR actor = $4 OR subject = $4 OR detail LIKE '%' || $4 || '%' \
                OR subject IN (SELECT id FROM sessions WHERE user_id = $4)) \
                AND ($5 = '' OR actor = $5 OR subject = $5 OR detail LIKE '%' || $5 || '%' \
                OR ' ' || detail || ' ' LIKE '% client ' || $6 || ' %' ESCAPE '\\' \
                OR ' ' || detail LIKE '% client ' || $6 || ', %' ESCAPE '\\' \
                OR ' ' || detail LIKE '% client ' || $6 || ': %' ESCAPE '\\') \
                ORDER BY sequence DESC LIMIT $1";
    PRUNE = "DELETE FROM events WHERE at_ms < $1";
}

/// One entry as read back.
#[derive(Debug)]
pub struct Recorded {
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub kind: String,
    /// Who did it.
    pub actor: String,
    /// What it is about.
    pub subject: String,
    /// More words.
    pub detail: String,
    /// At which request.
    pub request: String,
    /// From which address.
    pub client_address: String,
}

pub(crate) async fn append(tx: &mut Tx, ctx: &Ctx, event: &Event) -> Result<(), Fault> {
    let values = [
        ctx.now.into(),
        Value::Text(event.kind.as_str()),
        Value::MaybeText(event.realm_id.as_ref().map(|id| id.as_str())),
        Value::Text(&ctx.actor.to_text()),
        Value::Text(&event.subject),
        Value::Text(&event.detail),
        Value::Text(&ctx.request.to_string()),
        Value::Text(&ctx.client_address()),
    ];
    tx.run(APPEND, &values).await.map(drop)
}

/// Appends as many events as one statement takes; the rest is left, and all of them when they are but a few.
pub(crate) async fn append_many<'e>(tx: &mut Tx, ctx: &Ctx, events: &'e [Event]) -> Result<&'e [Event], Fault> {
    let (count, sql) = if events.len() < AT_ONCE { (A_FEW, APPEND_SOME) } else { (AT_ONCE, APPEND_MANY) };
    let Some((some, rest)) = events.split_at_checked(count) else { return Ok(events) };
    let (actor, request, client) = (ctx.actor.to_text(), ctx.request.to_string(), ctx.client_address());
    let mut values = Vec::with_capacity(some.len() * 8);
    for event in some {
        values.extend([
            ctx.now.into(),
            Value::Text(event.kind.as_str()),
            Value::MaybeText(event.realm_id.as_ref().map(|id| id.as_str())),
            Value::Text(&actor),
            Value::Text(&event.subject),
            Value::Text(&event.detail),
            Value::Text(&request),
            Value::Text(&client),
        ]);
    }
    tx.run(sql, &values).await?;
    Ok(rest)
}

/// The newest entries, newest first.
pub async fn newest(query: &mut impl Query, count: i64) -> Result<Vec<Recorded>, Fault> {
    query.all(NEWEST, &[Value::Number(count)]).await?.iter().map(recorded).collect()
}

/// Which entries are wanted; what is empty asks for nothing.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Not before.
    pub since: Option<Timestamp>,
    /// Of this kind.
    pub kind: Option<EventKind>,
    /// Of this request, by the number that stands on pages and in the log.
    pub request: String,
    /// Done by this user, or about them or a session of theirs.
    pub user: Option<UserId>,
    /// Done by this client, or about it: its id, and its name, which stands in what is recorded of people who sign in
    /// through it.
    pub client: Option<(ClientId, ClientName)>,
}

/// The newest entries of those that are wanted, newest first.
pub async fn matching(query: &mut impl Query, count: i64, wanted: &Wanted) -> Result<Vec<Recorded>, Fault> {
    let values = [
        Value::Number(count),
        wanted.since.unwrap_or(Timestamp::from_millis(0)).into(),
        Value::Text(wanted.kind.map(EventKind::as_str).unwrap_or_default()),
        Value::Text(wanted.user.as_ref().map(UserId::as_str).unwrap_or_default()),
        Value::Text(wanted.client.as_ref().map(|(id, _)| id.as_str()).unwrap_or_default()),
        Value::Text(&wanted.client.as_ref().map(|(_, name)| as_found(name)).unwrap_or_default()),
        Value::Text(&wanted.request),
    ];
    query.all(MATCHING, &values).await?.iter().map(recorded).collect()
}

/// A name as the search for it in a detail takes it, where nothing in it stands for any letter.
fn as_found(name: &ClientName) -> String {
    name.as_str().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

fn recorded(row: &Row) -> Result<Recorded, Fault> {
    Ok(Recorded {
        at: row.moment(0)?,
        kind: row.text(1)?,
        actor: row.text(2)?,
        subject: row.text(3)?,
        detail: row.text(4)?,
        request: row.text(5)?,
        client_address: row.text(6)?,
    })
}

/// Forgets entries older than the record is kept.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64, Fault> {
    tx.run(PRUNE, &[before.into()]).await
}
