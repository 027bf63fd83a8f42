//! A writing transaction. Events and changes are collected on the way and written by `commit`, in the
//! same transaction, so that neither the audit record nor the caches can miss what was done.

use crate::limits::A_FEW;
use crate::row::{Row, Value};
use crate::sql::{POSTGRES_FEED_LOCK, POSTGRES_NOTIFY, Sql};
use crate::sqlite::{Open, Trouble, turn};
use crate::store::{Pools, Query, Store, bound, fault, troubled};
use doorward_model::change::Change;
use doorward_model::context::Ctx;
use doorward_model::event::Event;
use doorward_model::fault::Fault;
use sqlx::{Postgres, Transaction};

enum Inner {
    /// Nothing while a statement runs on another thread, and for good if nobody waited for it to come back.
    Sqlite(Option<Open>),
    Postgres(Transaction<'static, Postgres>),
}

/// An open transaction.
pub struct Tx {
    inner: Inner,
    store: Store,
    events: Vec<Event>,
    changes: Vec<Change>,
}

impl Tx {
    pub(crate) async fn begin(store: &Store) -> Result<Self, Fault> {
        let doing = "beginning a transaction";
        let inner = match &*store.pools {
            Pools::Sqlite(sqlite) => {
                let open = sqlite.begin().await.map_err(|trouble| troubled(doing, trouble))?;
                Inner::Sqlite(Some(open))
            }
            Pools::Postgres(pool) => {
                let begun = store.doubt.wait(pool.begin()).await;
                Inner::Postgres(begun.map_err(|error| fault(doing, error))?)
            }
        };
        Ok(Self { inner, store: store.clone(), events: Vec::new(), changes: Vec::new() })
    }

    /// Notes an event for the audit record.
    pub fn record(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Notes that something cached has changed.
    pub fn changed(&mut self, change: Change) {
        if !self.changes.contains(&change) {
            self.changes.push(change);
        }
    }

    /// Runs a statement and tells how many rows it touched.
    pub async fn run(&mut self, sql: Sql, values: &[Value<'_>]) -> Result<u64, Fault> {
        match &mut self.inner {
            Inner::Sqlite(open) => on(open, sql, values, Open::run).await,
            Inner::Postgres(tx) => {
                let work = bound(sql, values).execute(&mut **tx);
                let done = self.store.doubt.wait(work).await.map_err(|error| fault(sql.name, error))?;
                Ok(done.rows_affected())
            }
        }
    }

    /// Runs a statement that is there for the lock it takes on rows, and changes nothing. On SQLite nothing is run: an
    /// open transaction holds the one lock there is.
    pub async fn hold(&mut self, sql: Sql, values: &[Value<'_>]) -> Result<(), Fault> {
        match self.inner {
            Inner::Sqlite(_) => Ok(()),
            Inner::Postgres(_) => self.run(sql, values).await.map(drop),
        }
    }

    /// Writes events and changes, commits durably, wakes those who follow the feed, and hands the
    /// changes back so that this process can act on them before it answers.
    pub async fn commit(mut self, ctx: &Ctx) -> Result<Vec<Change>, Fault> {
        let events = std::mem::take(&mut self.events);
        let mut left = events.as_slice();
        while left.len() >= A_FEW {
            left = crate::events::append_many(&mut self, ctx, left).await?;
        }
        for event in left {
            crate::events::append(&mut self, ctx, event).await?;
        }
        let changes = std::mem::take(&mut self.changes);
        if !changes.is_empty() {
            self.on_postgres(POSTGRES_FEED_LOCK).await?;
            for change in &changes {
                crate::changes::append(&mut self, ctx.now, change).await?;
            }
            self.on_postgres(POSTGRES_NOTIFY).await?;
        }
        let doing = "committing";
        match self.inner {
            Inner::Sqlite(open) => {
                let open = open.ok_or_else(|| abandoned(doing))?;
                open.commit().await.map_err(|trouble| troubled(doing, trouble))?;
            }
            Inner::Postgres(tx) => {
                self.store.doubt.wait(tx.commit()).await.map_err(|error| fault(doing, error))?;
            }
        }
        if !changes.is_empty() {
            self.store.committed.notify_waiters();
        }
        Ok(changes)
    }

    async fn on_postgres(&mut self, text: &'static str) -> Result<(), Fault> {
        if let Inner::Postgres(tx) = &mut self.inner {
            let work = sqlx::query(text).execute(&mut **tx);
            self.store.doubt.wait(work).await.map_err(|error| fault(text, error))?;
        }
        Ok(())
    }
}

impl Query for Tx {
    async fn all(&mut self, sql: Sql, values: &[Value<'_>]) -> Result<Vec<Row>, Fault> {
        match &mut self.inner {
            Inner::Sqlite(open) => on(open, sql, values, Open::all).await,
            Inner::Postgres(tx) => {
                let work = bound(sql, values).fetch_all(&mut **tx);
                let rows = self.store.doubt.wait(work).await.map_err(|error| fault(sql.name, error))?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
        }
    }
}

/// Runs a statement in a transaction of SQLite's: here, unless it is a deletion, which may take longer than this thread can wait.
async fn on<T: Send + 'static>(
    open: &mut Option<Open>,
    sql: Sql,
    values: &[Value<'_>],
    work: fn(&Open, Sql, &[Value<'_>]) -> Result<T, Trouble>,
) -> Result<T, Fault> {
    let broken = |trouble| troubled(sql.name, trouble);
    if !sql.is_deletion() {
        turn().await;
        let open = open.as_ref().ok_or_else(|| abandoned(sql.name))?;
        return work(open, sql, values).map_err(broken);
    }
    let taken = open.take().ok_or_else(|| abandoned(sql.name))?;
    let (back, outcome) = taken.aside(sql, values, work).await.map_err(broken)?;
    *open = Some(back);
    outcome.map_err(broken)
}

/// A statement before this one was not waited for to its end: the transaction is gone with it.
fn abandoned(doing: &str) -> Fault {
    Fault::internal(format!("{doing}, in a transaction that was given up"))
}
