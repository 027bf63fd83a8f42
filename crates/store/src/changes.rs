//! The change feed: what every node's caches must hear of, in the order it was committed.

use crate::row::Value;
use crate::sql::statements;
use crate::store::{Pools, Query, Store, fault};
use crate::tx::Tx;
use doorward_model::change::Change;
use doorward_model::fault::Fault;
use doorward_model::limits;
use doorward_model::time::Timestamp;

statements! {
    APPEND = "INSERT INTO changes (at_ms, what) VALUES ($1, $2)";
    AFTER = "SELECT sequence, what FROM changes WHERE sequence > $1 ORDER BY sequence LIMIT $2";
    SPAN = "SELECT COALESCE(MIN(sequence), 0), COALESCE(MAX(sequence), 0) FROM changes";
    PRUNE = "DELETE FROM changes WHERE at_ms < $1 AND sequence < (SELECT MAX(sequence) FROM changes)";
}

/// One row of the feed.
#[derive(Debug)]
pub struct Entry {
    /// Its place: grows with every commit.
    pub sequence: i64,
    /// What changed; `None` for a kind this version does not know.
    pub change: Option<Change>,
}

pub(crate) async fn append(tx: &mut Tx, now: Timestamp, change: &Change) -> Result<(), Fault> {
    tx.run(APPEND, &[now.into(), Value::Text(&change.to_text())]).await.map(drop)
}

/// Entries after a place, oldest first, a page at a time.
pub async fn after(query: &mut impl Query, sequence: i64) -> Result<Vec<Entry>, Fault> {
    let rows = query.all(AFTER, &[Value::Number(sequence), Value::Number(limits::CHANGES_AT_ONCE)]).await?;
    rows.iter().map(|row| Ok(Entry { sequence: row.number(0)?, change: Change::parse(&row.text(1)?) })).collect()
}

/// The oldest and the newest place in the feed. A reader whose place lies before the oldest has missed
/// entries and must drop everything it caches.
pub async fn span(query: &mut impl Query) -> Result<(i64, i64), Fault> {
    match query.first(SPAN, &[]).await? {
        Some(row) => Ok((row.number(0)?, row.number(1)?)),
        None => Ok((0, 0)),
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
        listener.listen(crate::sql::POSTGRES_CHANNEL).await.map_err(|e| fault(doing, e))?;
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
