//! Counters of failed attempts. Reserving a place and counting are one statement, so that parallel
//! guesses on any number of nodes cannot run past the limit.

use crate::row::Value;
use crate::sql::statements;
use crate::store::Query;
use crate::tx::Tx;
use doorward_model::fault::Fault;
use doorward_model::time::Timestamp;

statements! {
    RESERVE = "INSERT INTO throttles (name, failures, window_ends) VALUES ($1, 1, $3) \
               ON CONFLICT (name) DO UPDATE SET \
               failures = CASE WHEN throttles.window_ends <= $2 THEN 1 ELSE throttles.failures + 1 END, \
               window_ends = CASE WHEN throttles.window_ends <= $2 THEN $3 ELSE throttles.window_ends END \
               WHERE throttles.window_ends <= $2 OR throttles.failures < $4 RETURNING failures";
    FULL = "SELECT window_ends FROM throttles WHERE name = $1 AND window_ends > $2 AND failures >= $3";
    RELEASE = "UPDATE throttles SET failures = failures - 1 WHERE name = $1 AND failures > 0";
    CLEAR = "DELETE FROM throttles WHERE name = $1";
    PRUNE = "DELETE FROM throttles WHERE window_ends < $1";
}

/// Takes a place under a limit and tells how many are taken now; `None` when all were, until the window ends.
pub async fn reserve(
    tx: &mut Tx,
    name: &str,
    limit: i64,
    (now, window_ends): (Timestamp, Timestamp),
) -> Result<Option<i64>, Fault> {
    let values = [Value::Text(name), now.into(), window_ends.into(), Value::Number(limit)];
    tx.first(RESERVE, &values).await?.map(|row| row.number(0)).transpose()
}

/// When the window of a counter ends whose places are all taken. A read: those who are refused anyway must
/// not make others wait for the writer.
pub async fn full_until(
    query: &mut impl Query,
    name: &str,
    limit: i64,
    now: Timestamp,
) -> Result<Option<Timestamp>, Fault> {
    let values = [Value::Text(name), now.into(), Value::Number(limit)];
    query.first(FULL, &values).await?.map(|row| row.moment(0)).transpose()
}

/// Gives a place back: the attempt was not a failure.
pub async fn release(tx: &mut Tx, name: &str) -> Result<(), Fault> {
    tx.run(RELEASE, &[Value::Text(name)]).await.map(drop)
}

/// Forgets a counter.
pub async fn clear(tx: &mut Tx, name: &str) -> Result<(), Fault> {
    tx.run(CLEAR, &[Value::Text(name)]).await.map(drop)
}

/// Forgets counters whose windows are over.
pub async fn prune(tx: &mut Tx, now: Timestamp) -> Result<u64, Fault> {
    tx.run(PRUNE, &[now.into()]).await
}
