//! Opening the database, reading outside transactions, and telling faults apart.

use crate::limits;
use crate::postgres::{self, Doubt};
use crate::row::{Row, Value};
use crate::sql::{POSTGRES_LOOK_AT_PEOPLE, Sql};
use crate::tx::Tx;
use doorward_model::fault::{Fault, FaultKind};
use sqlx::postgres::PgPool;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _};
use std::path::{Path, PathBuf};
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
    Sqlite { writer: SqlitePool, readers: SqlitePool },
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

macro_rules! bound {
    ($kind:ty, $sql:expr, $values:expr) => {{
        let mut query = sqlx::query::<$kind>($sql.text);
        for value in $values {
            query = match *value {
                Value::Text(text) => query.bind(text),
                Value::MaybeText(text) => query.bind(text),
                Value::Number(number) => query.bind(number),
                Value::Bytes(bytes) => query.bind(bytes),
            };
        }
        query
    }};
}
pub(crate) use bound;

impl Store {
    /// Opens the database, creating the SQLite file if there is none. Does not migrate.
    ///
    /// # Errors
    /// When it cannot be reached or opened, or is no server that may be trusted with every answer.
    pub async fn open(database: &Database) -> Result<Self, OpenError> {
        let doubt = Doubt::default();
        let pools = match database {
            Database::Sqlite(file) => open_sqlite(file).await?,
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
            Pools::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
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
        let outcome = match &*self.pools {
            Pools::Sqlite { readers, .. } => readers.prepare(sql.text.into_sql_str()).await.map(drop),
            Pools::Postgres(pool) => pool.prepare(sql.text.into_sql_str()).await.map(drop),
        };
        outcome.map_err(|error| fault(sql.name, error))
    }
}

impl Query for &Store {
    async fn all(&mut self, sql: Sql, values: &[Value<'_>]) -> Result<Vec<Row>, Fault> {
        let rows = match &*self.pools {
            Pools::Sqlite { readers, .. } => bound!(sqlx::Sqlite, sql, values)
                .fetch_all(readers)
                .await
                .map(|rows| rows.into_iter().map(Row::Sqlite).collect()),
            Pools::Postgres(pool) => self
                .doubt
                .wait(bound!(sqlx::Postgres, sql, values).fetch_all(pool))
                .await
                .map(|rows| rows.into_iter().map(Row::Postgres).collect()),
        };
        rows.map_err(|error| fault(sql.name, error))
    }
}

async fn open_sqlite(file: &Path) -> Result<Pools, Fault> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .statement_cache_capacity(limits::STATEMENTS_CACHED)
        .disable_statement_logging()
        .busy_timeout(limits::ACQUIRE);
    let doing = format!("opening the database file {}", file.display());
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(limits::ACQUIRE)
        // There is no network between: a connection to a file does not break while nobody looks.
        .test_before_acquire(false)
        .after_release(|connection, _| Box::pin(is_whole(connection)))
        .connect_with(options.clone())
        .await
        .map_err(|error| fault(&doing, error))?;
    let readers = SqlitePoolOptions::new()
        .max_connections(limits::SQLITE_READERS)
        .acquire_timeout(limits::ACQUIRE)
        .test_before_acquire(false)
        .connect_lazy_with(options.read_only(true));
    Ok(Pools::Sqlite { writer, readers })
}

/// Whether a connection has left its last transaction. A commit that fails on a full disk ends the transaction by itself,
/// and the driver goes on to believe in it: nothing could be begun on that connection any more.
async fn is_whole(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    if connection.is_in_transaction() {
        // A rollback may still be on its way: it is done before this is answered.
        connection.ping().await?;
    }
    Ok(!connection.is_in_transaction())
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
    let kind = match (unavailable, is_taken) {
        (true, _) => FaultKind::Unavailable,
        (false, true) => FaultKind::Conflict,
        (false, false) => FaultKind::Internal,
    };
    Fault::new(kind, format!("database: {doing}"), error)
}

/// PostgreSQL: connection trouble (08), who is let in (28), no such database (3D), a lost race for locks (40), resources (53),
/// operator intervention (57), its machine (58), no writes now (25006), a transaction that waited too long (25P03). SQLite: busy (5), locked (6), I/O (10), full (13), cannot open (14), read-only (8).
fn is_passing(code: &str) -> bool {
    if let Ok(number) = code.parse::<i32>()
        && code.len() < 5
    {
        return matches!(number & 0xff, 5 | 6 | 8 | 10 | 13 | 14);
    }
    let classes = ["08", "28", "3D", "40", "53", "57", "58"];
    classes.iter().any(|class| code.starts_with(class)) || matches!(code, "25006" | "25P03")
}
