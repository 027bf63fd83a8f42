//! A writing transaction. Events and changes are collected on the way and written by `commit`, in the
//! same transaction, so that neither the audit record nor the caches can miss what was done.

use crate::limits::A_FEW;
use crate::row::{Row, Value};
use crate::sql::{POSTGRES_FEED_LOCK, POSTGRES_NOTIFY, Sql};
use crate::store::{Pools, Query, Store, bound, fault};
use doorward_model::change::Change;
use doorward_model::context::Ctx;
use doorward_model::event::Event;
use doorward_model::fault::Fault;
use sqlx::{Postgres, Sqlite, Transaction};

enum Inner {
    Sqlite(Transaction<'static, Sqlite>),
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
        let inner = match &*store.pools {
            // IMMEDIATE takes the write lock now: a transaction that reads first cannot be refused later.
            Pools::Sqlite { writer, .. } => writer.begin_with("BEGIN IMMEDIATE").await.map(Inner::Sqlite),
            Pools::Postgres(pool) => store.doubt.wait(pool.begin()).await.map(Inner::Postgres),
        }
        .map_err(|error| fault("beginning a transaction", error))?;
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
        let count = match &mut self.inner {
            Inner::Sqlite(tx) => {
                bound!(Sqlite, sql, values).execute(&mut **tx).await.map(|outcome| outcome.rows_affected())
            }
            Inner::Postgres(tx) => {
                let work = bound!(Postgres, sql, values).execute(&mut **tx);
                self.store.doubt.wait(work).await.map(|outcome| outcome.rows_affected())
            }
        };
        count.map_err(|error| fault(sql.name, error))
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
        match self.inner {
            Inner::Sqlite(tx) => tx.commit().await,
            Inner::Postgres(tx) => self.store.doubt.wait(tx.commit()).await,
        }
        .map_err(|error| fault("committing", error))?;
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
        let rows = match &mut self.inner {
            Inner::Sqlite(tx) => bound!(Sqlite, sql, values)
                .fetch_all(&mut **tx)
                .await
                .map(|rows| rows.into_iter().map(Row::Sqlite).collect()),
            Inner::Postgres(tx) => self
                .store
                .doubt
                .wait(bound!(Postgres, sql, values).fetch_all(&mut **tx))
                .await
                .map(|rows| rows.into_iter().map(Row::Postgres).collect()),
        };
        rows.map_err(|error| fault(sql.name, error))
    }
}
