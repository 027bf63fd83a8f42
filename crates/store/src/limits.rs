//! Limits of the store.

use std::time::Duration;

/// Read connections to SQLite: readers do not block each other, more than the cores gain nothing.
pub const SQLITE_READERS: u32 = 4;
/// Connections to PostgreSQL per node: several nodes must fit its default of 100.
pub const POSTGRES_CONNECTIONS: u32 = 16;
/// How long a statement waits for a connection, or for SQLite's writer in another process.
pub const ACQUIRE: Duration = Duration::from_secs(5);
/// How long one statement may run on PostgreSQL, in milliseconds: a hung one must not hold a person.
pub const STATEMENT_MILLISECONDS: &str = "10000";
/// Prepared statements kept by each connection to SQLite: all there are.
pub const STATEMENTS_CACHED: usize = 1024;
