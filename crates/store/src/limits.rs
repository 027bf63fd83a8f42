//! Limits of the store.

use std::time::Duration;

/// Long readings of SQLite at a time, and connections kept for them beside one for each processor.
pub const SQLITE_READERS: usize = 4;
/// How long a reading of SQLite may hold the thread that asks: longer ones begin anew on a thread that may wait, which costs
/// a waking of some 50 microseconds and this.
pub const SQLITE_QUICK: Duration = Duration::from_millis(1);
/// Steps of SQLite's machine between two looks at the clock: some ten microseconds.
pub const SQLITE_STEPS: i32 = 1000;
/// Connections to PostgreSQL per node: several nodes must fit its default of 100.
pub const POSTGRES_CONNECTIONS: u32 = 16;
/// How long a statement waits for a connection, or for SQLite's writer in another process.
pub const ACQUIRE: Duration = Duration::from_secs(5);
/// How long one statement may run on PostgreSQL, and a transaction may wait for its next one, in milliseconds: a hung one
/// must not hold a person, and one whose node is cut off must not hold its locks.
pub const STATEMENT_MILLISECONDS: &str = "10000";
/// How long an answer of PostgreSQL is waited for: longer than a connection and a statement may take.
pub const ANSWER: Duration = Duration::from_secs(16);
/// How long PostgreSQL may take to say that a connection is there.
pub const PING: Duration = Duration::from_secs(2);
/// How long after an answer that did not come connections are tried before they are kept.
pub const DOUBT: Duration = Duration::from_secs(60);
/// Prepared statements kept by each connection to SQLite: all there are.
pub const STATEMENTS_CACHED: usize = 1024;
/// Rows written or looked for by one statement where there are many: twice as many gain little, and parameters are
/// counted in both databases.
pub const AT_ONCE: usize = 64;
/// The same for what is left over, which would cost more one by one than all the rest.
pub const A_FEW: usize = 8;
