//! Opening the database, reading outside transactions, and telling faults apart.

use crate::postgres::{self, Doubt};
use crate::row::{Row, Value};
use crate::sql::{POSTGRES_LOOK_AT_PEOPLE, Sql};
use crate::sqlite::{Sqlite, Trouble};
use crate::tx::Tx;
use doorward_model::fault::{Fault, FaultKind};
use sqlx::postgres::{PgArguments, PgPool};
use std::path::PathBuf;
use std::sync::Arc;
use thiserror::Error;
use tokio::sync::Notify;

/// Where the data live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// A file, for one node.
    Sqlite(PathBuf),
    /// A PostgreSQL URL, for any number of nodes.
    Postgres(String),
}

pub(crate) enum Pools {
    Sqlite(Sqlite),
    Postgres(PgPool),
}

/// The open database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(crate) pools: Arc<Pools>,
    pub(crate) committed: Arc<Notify>,
    pub(crate) doubt: Doubt,
}

/// Why a database was not opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The server follows another one and is behind it: who was shut out there could still enter here.
    #[error("the server is a standby, which lags behind its primary: only the primary can be used")]
    Standby,
    /// The server takes no writes.
    #[error("the server takes no writes")]
    ReadOnly,
    /// It cannot be reached or opened.
    #[error("{0}")]
    Fault(#[from] Fault),
}

/// Something that answers queries: the store itself, or an open transaction.
pub trait Query: Send {
    /// All rows of a statement.
    fn all(&mut self, sql: Sql, values: &[Value<'_>]) -> impl Future<Output = Result<Vec<Row>, Fault>> + Send;

    /// The first row of a statement.
    fn first(&mut self, sql: Sql, values: &[Value<'_>]) -> impl Future<Output = Result<Option<Row>, Fault>> + Send {
        async move { Ok(self.all(sql, values).await?.into_iter().next()) }
    }
}

/// A statement for PostgreSQL with its parameters.
pub(crate) fn bound<'v>(sql: Sql, values: &[Value<'v>]) -> sqlx::query::Query<'v, sqlx::Postgres, PgArguments> {
    values.iter().fold(sqlx::query(sql.text), |query, value| match *value {
        Value::Text(text) => query.bind(text),
        Value::MaybeText(text) => query.bind(text),
        Value::Number(number) => query.bind(number),
        Value::Bytes(bytes) => query.bind(bytes),
    })
}

impl Store {
    /// Opens the database, creating the SQLite file if there is none. Does not migrate.
    ///
    /// # Errors
    /// When it cannot be reached or opened, or is no server that may be trusted with every answer.
    pub async fn open(database: &Database) -> Result<Self, OpenError> {
        let doubt = Doubt::default();
        let pools = match database {
            Database::Sqlite(file) => {
                let doing = format!("opening the database file {}", file.display());
                Pools::Sqlite(Sqlite::open(file).await.map_err(|trouble| troubled(&doing, trouble))?)
            }
            Database::Postgres(url) => Pools::Postgres(postgres::open(url, &doubt).await?),
        };
        Ok(Self { pools: Arc::new(pools), committed: Arc::new(Notify::new()), doubt })
    }

    /// Begins a writing transaction. Dropped without commit it leaves no trace.
    pub async fn begin(&self) -> Result<Tx, Fault> {
        Tx::begin(self).await
    }

    /// Whether any number of nodes may share this database.
    pub fn is_shared(&self) -> bool {
        matches!(*self.pools, Pools::Postgres(_))
    }

    /// Woken after every commit of this process that changed something cached.
    pub fn committed(&self) -> &Notify {
        &self.committed
    }

    /// Closes all connections; SQLite's log is folded into its file.
    pub async fn close(&self) {
        match &*self.pools {
            Pools::Sqlite(sqlite) => sqlite.close().await,
            Pools::Postgres(pool) => pool.close().await,
        }
    }

    /// Has the database look at how many people there are now, for its plans. SQLite's do not rest on that.
    pub async fn look_at_people(&self) -> Result<(), Fault> {
        let Pools::Postgres(pool) = &*self.pools else { return Ok(()) };
        let work = sqlx::query(POSTGRES_LOOK_AT_PEOPLE).execute(pool);
        self.doubt.wait(work).await.map(drop).map_err(|error| fault(POSTGRES_LOOK_AT_PEOPLE, error))
    }

    /// Prepares a statement without running it, so that a test can see that the database takes it.
    pub async fn prepare(&self, sql: Sql) -> Result<(), Fault> {
        use sqlx::{Executor as _, SqlSafeStr as _};
        match &*self.pools {
            Pools::Sqlite(sqlite) => sqlite.prepare(sql).map_err(|trouble| troubled(sql.name, trouble)),
            Pools::Postgres(pool) => {
                let prepared = pool.prepare(sql.text.into_sql_str()).await;
                prepared.map(drop).map_err(|error| fault(sql.name, error))
            }
        }
    }
}

impl Query for &Store {
    async fn all(&mut self, sql: Sql, values: &[Value<'_>]) -> Result<Vec<Row>, Fault> {
        match &*self.pools {
            Pools::Sqlite(sqlite) => sqlite.all(sql, values).await.map_err(|trouble| troubled(sql.name, trouble)),
            Pools::Postgres(pool) => {
                let rows = self.doubt.wait(bound(sql, values).fetch_all(pool)).await;
                let rows = rows.map_err(|error| fault(sql.name, error))?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
        }
    }
}

/// The same for what SQLite says.
pub(crate) fn troubled(doing: &str, trouble: Trouble) -> Fault {
    told(doing, (trouble.is_passing(), trouble.is_taken()), trouble)
}

/// Sorts the driver's errors: what means "not reachable now" becomes 503, a name that another write took at the same
/// moment is a conflict, everything else is internal.
pub(crate) fn fault(doing: &str, error: sqlx::Error) -> Fault {
    let unavailable = match &error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => true,
        sqlx::Error::WorkerCrashed | sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(database) => database.code().is_some_and(|code| is_passing(&code)),
        _ => false,
    };
    let is_taken = error.as_database_error().is_some_and(|database| database.is_unique_violation());
    told(doing, (unavailable, is_taken), error)
}

fn told(
    doing: &str,
    (is_passing, is_taken): (bool, bool),
    error: impl std::error::Error + Send + Sync + 'static,
) -> Fault {
    let kind = match (is_passing, is_taken) {
        (true, _) => FaultKind::Unavailable,
        (false, true) => FaultKind::Conflict,
        (false, false) => FaultKind::Internal,
    };
    Fault::new(kind, format!("database: {doing}"), error)
}

/// PostgreSQL: connection trouble (08), who is let in (28), no such database (3D), a lost race for locks (40), resources (53),
/// operator intervention (57), its machine (58), no writes now (25006), a transaction that waited too long (25P03).
fn is_passing(code: &str) -> bool {
    let classes = ["08", "28", "3D", "40", "53", "57", "58"];
    classes.iter().any(|class| code.starts_with(class)) || matches!(code, "25006" | "25P03")
}
