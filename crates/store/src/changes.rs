//! The change feed: what every node's caches must hear of, in the order it was committed.

use crate::row::{Row, Value};
use crate::sql::statements;
use crate::store::{Pools, Query, Store, fault};
use crate::tx::Tx;
use doorward_model::change::Change;
use doorward_model::fault::Fault;
use doorward_model::limits;
use doorward_model::time::Timestamp;

statements! {
    APPEND = "INSERT INTO changes (at_ms, what) VALUES ($1, $2)";
    AFTER = "SELECT sequence, what, at_ms FROM changes WHERE sequence > $1 ORDER BY sequence LIMIT $2";
    SPAN = "SELECT COALESCE(MIN(sequence), 0), COALESCE(MAX(sequence), 0), \
            (SELECT at_ms FROM changes WHERE sequence = $1), \
            (SELECT at_ms FROM changes ORDER BY sequence DESC LIMIT 1) FROM changes";
    PRUNE = "DELETE FROM changes WHERE at_ms < $1 AND sequence < (SELECT MAX(sequence) FROM changes)";
}

/// One row of the feed.
#[derive(Debug)]
pub struct Entry {
    /// Its place: grows with every commit.
    pub sequence: i64,
    /// What changed; `None` for a kind this version does not know.
    pub change: Option<Change>,
    /// When it was written.
    pub at: Timestamp,
}

/// What the feed reaches over. A reader whose place lies before the oldest entry has missed some and must drop
/// everything it caches.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// The oldest place; 0 when there is none.
    pub oldest: i64,
    /// The newest place; 0 when there is none.
    pub newest: i64,
    /// When the entry at the reader's place was written, if it is there.
    pub at_place: Option<Timestamp>,
    /// When the newest entry was written.
    pub at_newest: Option<Timestamp>,
}

pub(crate) async fn append(tx: &mut Tx, now: Timestamp, change: &Change) -> Result<(), Fault> {
    tx.run(APPEND, &[now.into(), Value::Text(&change.to_text())]).await.map(drop)
}

/// Entries after a place, oldest first, a page at a time.
pub async fn after(query: &mut impl Query, sequence: i64) -> Result<Vec<Entry>, Fault> {
    let rows = query.all(AFTER, &[Value::Number(sequence), Value::Number(limits::CHANGES_AT_ONCE)]).await?;
    let entry =
        |row: &Row| Ok(Entry { sequence: row.number(0)?, change: Change::parse(&row.text(1)?), at: row.moment(2)? });
    rows.iter().map(entry).collect()
}

/// What the feed reaches over, for a reader at a place.
pub async fn span(query: &mut impl Query, place: i64) -> Result<Span, Fault> {
    match query.first(SPAN, &[Value::Number(place)]).await? {
        Some(row) => Ok(Span {
            oldest: row.number(0)?,
            newest: row.number(1)?,
            at_place: row.maybe_moment(2)?,
            at_newest: row.maybe_moment(3)?,
        }),
        None => Ok(Span { oldest: 0, newest: 0, at_place: None, at_newest: None }),
    }
}

/// Forgets what every node has long seen; the newest entry stays, so that places never repeat.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64, Fault> {
    tx.run(PRUNE, &[before.into()]).await
}

/// Wakes up at commits of other nodes. On SQLite it never does: there the feed is polled.
pub struct Listener(Option<sqlx::postgres::PgListener>);

impl Listener {
    /// Starts listening, on a connection of its own.
    pub async fn start(store: &Store) -> Result<Self, Fault> {
        let Pools::Postgres(pool) = &*store.pools else { return Ok(Self(None)) };
        let doing = "listening for changes";
        let mut listener = sqlx::postgres::PgListener::connect_with(pool).await.map_err(|e| fault(doing, e))?;
        let work = listener.listen(crate::sql::POSTGRES_CHANNEL);
        store.doubt.wait(work).await.map_err(|e| fault(doing, e))?;
        Ok(Self(Some(listener)))
    }

    /// Waits for the next wake-up.
    ///
    /// # Errors
    /// When the connection is lost; start a new listener then.
    pub async fn wait(&mut self) -> Result<(), Fault> {
        match &mut self.0 {
            Some(listener) => listener.recv().await.map(drop).map_err(|e| fault("listening for changes", e)),
            None => std::future::pending().await,
        }
    }
}
