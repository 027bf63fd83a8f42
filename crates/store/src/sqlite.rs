//! SQLite. Its answers take microseconds, less than waking a thread that fetches them: so it is asked on the thread that
//! wants to know. What may take longer goes to a thread that may wait: a reading that has run for a while is broken off and
//! begun again there, and so are deletions, whose reach nobody can tell, what meets another process's lock, and every
//! commit, because that waits for the disk.

use crate::limits;
use crate::row::{Cell, Row, Value};
use crate::sql::Sql;
use parking_lot::Mutex;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, ToSql, ffi};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use thiserror::Error;
use tokio::sync::{OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// Why SQLite gave no answer.
#[derive(Debug, Error)]
pub(crate) enum Trouble {
    /// It says so itself.
    #[error(transparent)]
    Said(#[from] rusqlite::Error),
    /// Too many wait before this one.
    #[error("no connection was free within the time limit")]
    Wait,
    /// The store was closed.
    #[error("the database is closed")]
    Closed,
    /// The thread that asked is gone.
    #[error("the thread that asked ended before it had an answer")]
    Lost,
}

impl Trouble {
    /// Whether the next try may do better: busy, locked, read-only, I/O, full, cannot be opened.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Said(error) => primary(error).is_some_and(|code| matches!(code, 5 | 6 | 8 | 10 | 13 | 14)),
            Self::Wait | Self::Closed | Self::Lost => true,
        }
    }

    /// Whether another row has that name already.
    pub(crate) fn is_taken(&self) -> bool {
        let Self::Said(rusqlite::Error::SqliteFailure(error, _)) = self else { return false };
        matches!(error.extended_code, ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY)
    }

    /// Whether it only takes longer than the thread that asked may wait.
    fn takes_time(&self) -> bool {
        let Self::Said(error) = self else { return false };
        matches!(error.sqlite_error_code(), Some(ErrorCode::OperationInterrupted | ErrorCode::DatabaseBusy))
    }
}

fn primary(error: &rusqlite::Error) -> Option<i32> {
    error.sqlite_error().map(|error| error.extended_code & 0xff)
}

/// The file: one connection that writes, and some that read.
pub(crate) struct Sqlite {
    file: PathBuf,
    writer: Arc<tokio::sync::Mutex<Writer>>,
    idle: Arc<Mutex<Idle>>,
    long: Arc<Semaphore>,
}

impl Sqlite {
    /// Opens the file, and creates it if there is none.
    pub(crate) async fn open(file: &Path) -> Result<Self, Trouble> {
        let path = file.to_owned();
        let connection = aside(move || writing(&path)).await?;
        Ok(Self {
            file: file.to_owned(),
            writer: Arc::new(tokio::sync::Mutex::new(Writer(Some(connection)))),
            idle: Arc::new(Mutex::new(Idle { most: kept(), readers: Vec::new(), is_closed: false })),
            long: Arc::new(Semaphore::new(limits::SQLITE_READERS)),
        })
    }

    /// All rows of a statement that changes nothing.
    pub(crate) async fn all(&self, sql: Sql, values: &[Value<'_>]) -> Result<Vec<Row>, Trouble> {
        turn().await;
        let mut reader = self.reader()?;
        match reader.ask(sql, values, Some(limits::SQLITE_QUICK)) {
            Err(trouble) if trouble.takes_time() => {
                let permit = self.place().await?;
                let values: Vec<Kept> = values.iter().map(Kept::of).collect();
                let idle = self.idle.clone();
                aside(move || {
                    let _permit = permit;
                    reader.connection.busy_timeout(limits::ACQUIRE)?;
                    let values: Vec<Value<'_>> = values.iter().map(Kept::value).collect();
                    let rows = reader.ask(sql, &values, None)?;
                    reader.connection.busy_timeout(Duration::ZERO)?;
                    idle.lock().keep(reader);
                    Ok(rows)
                })
                .await
            }
            // A connection that met trouble is not kept: the next one sees what is there now.
            outcome => outcome.inspect(|_| self.idle.lock().keep(reader)),
        }
    }

    /// Sees whether a statement would be taken.
    pub(crate) fn prepare(&self, sql: Sql) -> Result<(), Trouble> {
        Ok(self.reader()?.connection.prepare(sql.sqlite).map(drop)?)
    }

    /// Begins a transaction that writes, as soon as nobody else does.
    pub(crate) async fn begin(&self) -> Result<Open, Trouble> {
        let open = Open(self.turn_to_write().await?);
        match open.begin() {
            Err(trouble) if trouble.takes_time() => {
                aside(move || {
                    open.connection()?.busy_timeout(limits::ACQUIRE)?;
                    let outcome = open.begin();
                    open.connection()?.busy_timeout(Duration::ZERO)?;
                    outcome.map(|()| open)
                })
                .await
            }
            outcome => outcome.map(|()| open),
        }
    }

    /// Does something with the connection that writes, on a thread that may wait.
    pub(crate) async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, Trouble> {
        let mut writer = self.turn_to_write().await?;
        aside(move || work(writer.0.as_mut().ok_or(Trouble::Closed)?)).await
    }

    /// Closes all connections, the one that writes last: it folds the log into the file.
    pub(crate) async fn close(&self) {
        let readers = self.idle.lock().close();
        let mut writer = self.writer.clone().lock_owned().await;
        let closed = aside(move || {
            drop(readers);
            drop(writer.0.take());
            Ok(())
        });
        // Nobody is left to be told.
        let _gone = closed.await;
    }

    /// The connection that writes, as soon as no other transaction has it.
    async fn turn_to_write(&self) -> Result<OwnedMutexGuard<Writer>, Trouble> {
        timeout(limits::ACQUIRE, self.writer.clone().lock_owned()).await.map_err(|_| Trouble::Wait)
    }

    fn reader(&self) -> Result<Reader, Trouble> {
        let mut idle = self.idle.lock();
        if idle.is_closed {
            return Err(Trouble::Closed);
        }
        match idle.readers.pop() {
            Some(reader) => Ok(reader),
            None => {
                drop(idle);
                Reader::open(&self.file)
            }
        }
    }

    async fn place(&self) -> Result<OwnedSemaphorePermit, Trouble> {
        let place = timeout(limits::ACQUIRE, self.long.clone().acquire_owned()).await.map_err(|_| Trouble::Wait)?;
        place.map_err(|_| Trouble::Closed)
    }
}

/// Connections that read, while nobody asks them.
struct Idle {
    most: usize,
    readers: Vec<Reader>,
    is_closed: bool,
}

/// One for each thread that can be at it, and those of the long readings. Others are closed when they were used.
fn kept() -> usize {
    limits::SQLITE_READERS + std::thread::available_parallelism().map_or(1, usize::from)
}

impl Idle {
    fn keep(&mut self, reader: Reader) {
        if !self.is_closed && self.readers.len() < self.most {
            self.readers.push(reader);
        }
    }

    fn close(&mut self) -> Vec<Reader> {
        self.is_closed = true;
        std::mem::take(&mut self.readers)
    }
}

/// A connection that reads.
struct Reader {
    connection: Connection,
    /// When its statement is to be broken off, in microseconds since `begun`.
    end: Arc<AtomicU64>,
    begun: Instant,
}

impl Reader {
    fn open(file: &Path) -> Result<Self, Trouble> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(file, flags)?;
        connection.set_prepared_statement_cache_capacity(limits::STATEMENTS_CACHED);
        connection.busy_timeout(Duration::ZERO)?;
        let (end, begun) = (Arc::new(AtomicU64::new(u64::MAX)), Instant::now());
        let ends = end.clone();
        let is_over = move || micros(begun.elapsed()) > ends.load(Ordering::Relaxed);
        connection.progress_handler(limits::SQLITE_STEPS, Some(is_over))?;
        Ok(Self { connection, end, begun })
    }

    fn ask(&mut self, sql: Sql, values: &[Value<'_>], within: Option<Duration>) -> Result<Vec<Row>, Trouble> {
        let end = within.map_or(u64::MAX, |within| micros(self.begun.elapsed() + within));
        self.end.store(end, Ordering::Relaxed);
        rows(&self.connection, sql, values)
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

/// The connection that writes, until it is closed.
struct Writer(Option<Connection>);

/// An open transaction. Dropped without a commit it leaves no trace.
pub(crate) struct Open(OwnedMutexGuard<Writer>);

impl Open {
    /// Runs a statement and tells how many rows it touched.
    pub(crate) fn run(&self, sql: Sql, values: &[Value<'_>]) -> Result<u64, Trouble> {
        let connection = self.connection()?;
        let mut statement = connection.prepare_cached(sql.sqlite)?;
        bind(&mut statement, values)?;
        let mut rows = statement.raw_query();
        while rows.next()?.is_some() {}
        Ok(connection.changes())
    }

    /// All rows of a statement.
    pub(crate) fn all(&self, sql: Sql, values: &[Value<'_>]) -> Result<Vec<Row>, Trouble> {
        rows(self.connection()?, sql, values)
    }

    /// Commits, and waits until the disk has it.
    pub(crate) async fn commit(self) -> Result<(), Trouble> {
        aside(move || Ok(self.connection()?.execute_batch("COMMIT")?)).await
    }

    /// Does something on a thread that may wait, and brings the transaction back.
    pub(crate) async fn aside<T: Send + 'static>(
        self,
        sql: Sql,
        values: &[Value<'_>],
        work: impl FnOnce(&Self, Sql, &[Value<'_>]) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<(Self, Result<T, Trouble>), Trouble> {
        let values: Vec<Kept> = values.iter().map(Kept::of).collect();
        aside(move || {
            let values: Vec<Value<'_>> = values.iter().map(Kept::value).collect();
            let outcome = work(&self, sql, &values);
            Ok((self, outcome))
        })
        .await
    }

    /// IMMEDIATE takes the write lock now: a transaction that reads first cannot be refused later.
    fn begin(&self) -> Result<(), Trouble> {
        Ok(self.connection()?.execute_batch("BEGIN IMMEDIATE")?)
    }

    fn connection(&self) -> Result<&Connection, Trouble> {
        self.0.0.as_ref().ok_or(Trouble::Closed)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        // A commit that failed on a full disk has ended the transaction by itself.
        if let Some(connection) = &self.0.0
            && !connection.is_autocommit()
            && let Err(error) = connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "a transaction could not be rolled back");
        }
    }
}

/// Opens the connection that writes.
fn writing(file: &Path) -> Result<Connection, Trouble> {
    let connection = Connection::open_with_flags(
        file,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.set_prepared_statement_cache_capacity(limits::STATEMENTS_CACHED);
    connection.busy_timeout(limits::ACQUIRE)?;
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL")?;
    connection.busy_timeout(Duration::ZERO)?;
    Ok(connection)
}

fn rows(connection: &Connection, sql: Sql, values: &[Value<'_>]) -> Result<Vec<Row>, Trouble> {
    let mut statement = connection.prepare_cached(sql.sqlite)?;
    bind(&mut statement, values)?;
    let columns = statement.column_count();
    let mut found = statement.raw_query();
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let cells = (0..columns).map(|at| row.get_ref(at).map(Cell::of)).collect::<Result<Box<[Cell]>, _>>()?;
        rows.push(Row::Sqlite(cells));
    }
    Ok(rows)
}

fn bind(statement: &mut rusqlite::Statement<'_>, values: &[Value<'_>]) -> Result<(), Trouble> {
    for (at, value) in values.iter().enumerate() {
        statement.raw_bind_parameter(at + 1, value)?;
    }
    Ok(())
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Value::Text(text) | Value::MaybeText(Some(text)) => ValueRef::Text(text.as_bytes()),
            Value::MaybeText(None) => ValueRef::Null,
            Value::Number(number) => ValueRef::Integer(number),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl Cell {
    fn of(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(number) => Self::Number(number),
            ValueRef::Real(_) => Self::Other,
            ValueRef::Text(bytes) => std::str::from_utf8(bytes).map_or(Self::Other, |text| Self::Text(text.into())),
            ValueRef::Blob(bytes) => Self::Bytes(bytes.into()),
        }
    }
}

/// A parameter on its way to another thread.
enum Kept {
    Text(Box<str>),
    MaybeText(Option<Box<str>>),
    Number(i64),
    Bytes(Box<[u8]>),
}

impl Kept {
    fn of(value: &Value<'_>) -> Self {
        match *value {
            Value::Text(text) => Self::Text(text.into()),
            Value::MaybeText(text) => Self::MaybeText(text.map(Into::into)),
            Value::Number(number) => Self::Number(number),
            Value::Bytes(bytes) => Self::Bytes(bytes.into()),
        }
    }

    fn value(&self) -> Value<'_> {
        match self {
            Self::Text(text) => Value::Text(text),
            Self::MaybeText(text) => Value::MaybeText(text.as_deref()),
            Self::Number(number) => Value::Number(*number),
            Self::Bytes(bytes) => Value::Bytes(bytes),
        }
    }
}

/// Lets others have their turn now and then: whoever asks on and on never waits for anything otherwise.
pub(crate) async fn turn() {
    tokio::task::consume_budget().await;
}

/// Runs something on a thread that may wait.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> Result<T, Trouble> + Send + 'static) -> Result<T, Trouble> {
    spawn_blocking(work).await.unwrap_or(Err(Trouble::Lost))
}

#[cfg(test)]
mod tests;
