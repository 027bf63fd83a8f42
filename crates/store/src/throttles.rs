//! Counters of failed attempts. Reserving a place and counting are one statement, so that parallel
//! guesses on any number of nodes cannot run past the limit.
//!
//! Where an attempt has several counters, one statement takes them all, row by row in the order they are named: whoever names
//! them in one order never waits for somebody who waits for them.

use crate::row::Value;
use crate::sql::{Sql, statements};
use crate::store::Query;
use crate::tx::Tx;
use doorward_model::fault::Fault;
use doorward_model::time::Timestamp;

/// The most counters one attempt may have.
pub const TOGETHER: usize = 5;

/// A place under each of some counters: `$1` is the moment, then name, limit and the window's end of each.
macro_rules! reserve_text {
    (($name:literal, $most:literal, $ends:literal) $(, ($names:literal, $mosts:literal, $ends_:literal))*) => {
        concat!(
            "INSERT INTO throttles (name, failures, window_ends) VALUES (", $name, ", 1, ", $ends, ")",
            $(" , (", $names, ", 1, ", $ends_, ")",)*
            " ON CONFLICT (name) DO UPDATE SET \
             failures = CASE WHEN throttles.window_ends <= $1 THEN 1 ELSE throttles.failures + 1 END, \
             window_ends = CASE WHEN throttles.window_ends <= $1 THEN excluded.window_ends ELSE throttles.window_ends END \
             WHERE throttles.window_ends <= $1 OR throttles.failures < CASE throttles.name WHEN ", $name, " THEN CAST(", $most, " AS BIGINT)",
            $(" WHEN ", $names, " THEN CAST(", $mosts, " AS BIGINT)",)*
            " END RETURNING name, failures"
        )
    };
}

/// Gives a place back under each of some counters, or forgets the counter: name, and 1 to give back, 0 to forget. A counter
/// that is gone meanwhile comes back empty, and its window is over.
macro_rules! settle_text {
    (($name:literal, $stays:literal) $(, ($names:literal, $stay:literal))*) => {
        concat!(
            "INSERT INTO throttles (name, failures, window_ends) VALUES (", $name, ", 0, ", $stays, ")",
            $(", (", $names, ", 0, ", $stay, ")",)*
            " ON CONFLICT (name) DO UPDATE SET failures = CASE WHEN excluded.window_ends = 1 AND throttles.failures > 0 \
             THEN throttles.failures - 1 ELSE 0 END"
        )
    };
}

statements! {
    RESERVE = reserve_text!(("$2", "$3", "$4"));
    RESERVE_TWO = reserve_text!(("$2", "$3", "$4"), ("$5", "$6", "$7"));
    RESERVE_FIVE = reserve_text!(("$2", "$3", "$4"), ("$5", "$6", "$7"), ("$8", "$9", "$10"), ("$11", "$12", "$13"),
                                 ("$14", "$15", "$16"));
    SETTLE = settle_text!(("$1", "$2"));
    SETTLE_TWO = settle_text!(("$1", "$2"), ("$3", "$4"));
    SETTLE_FIVE = settle_text!(("$1", "$2"), ("$3", "$4"), ("$5", "$6"), ("$7", "$8"), ("$9", "$10"));
    COUNTS = "SELECT name, failures, window_ends FROM throttles WHERE window_ends > $1 AND name IN ($2, $3, $4, $5, $6)";
    FULL = "SELECT window_ends FROM throttles WHERE name = $1 AND window_ends > $2 AND failures >= $3";
    PRUNE = "DELETE FROM throttles WHERE window_ends < $1";
}

/// A place asked for under a counter.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The counter.
    pub name: &'a str,
    /// How many places there are.
    pub limit: i64,
    /// When a window that begins now ends.
    pub window_ends: Timestamp,
}

/// What stands under a counter whose window is not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// The counter.
    pub name: String,
    /// Places taken.
    pub taken: i64,
    /// When the window ends.
    pub window_ends: Timestamp,
}

/// What becomes of a place that was reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settle {
    /// The attempt was not a failure: the place is free again.
    GiveBack,
    /// The counter starts anew.
    Forget,
}

/// Takes a place under a limit and tells how many are taken now; `None` when all were, until the window ends.
pub async fn reserve(
    tx: &mut Tx,
    name: &str,
    limit: i64,
    (now, window_ends): (Timestamp, Timestamp),
) -> Result<Option<i64>, Fault> {
    let taken = reserve_all(tx, &[Wanted { name, limit, window_ends }], now).await?;
    Ok(taken.first().map(|(_, taken)| *taken))
}

/// Takes a place under each of some counters, all with names of their own, in this order, and tells how many are taken now
/// under those that had one left. Those that are missing in the answer had none: drop the transaction then, which gives
/// the others' places back.
pub async fn reserve_all(tx: &mut Tx, wanted: &[Wanted<'_>], now: Timestamp) -> Result<Vec<(String, i64)>, Fault> {
    let mut taken = Vec::new();
    for (some, sql) in pieces(wanted, [RESERVE_FIVE, RESERVE_TWO, RESERVE]) {
        let places =
            some.iter().flat_map(|one| [Value::Text(one.name), Value::Number(one.limit), one.window_ends.into()]);
        let values: Vec<Value<'_>> = std::iter::once(now.into()).chain(places).collect();
        for row in tx.all(sql, &values).await? {
            taken.push((row.text(0)?, row.number(1)?));
        }
    }
    Ok(taken)
}

/// What stands under some counters; those with nothing under them are missing. A read: those who are refused anyway must
/// not make others wait for the writer.
pub async fn counts(query: &mut impl Query, names: &[&str], now: Timestamp) -> Result<Vec<Count>, Fault> {
    let mut counts = Vec::new();
    for some in names.chunks(TOGETHER) {
        // Names are looked for five at a time; the last stands in for those that are not there.
        let last = some.last().copied().unwrap_or_default();
        let padded = some.iter().copied().chain(std::iter::repeat(last)).take(TOGETHER).map(Value::Text);
        let values: Vec<Value<'_>> = std::iter::once(now.into()).chain(padded).collect();
        for row in query.all(COUNTS, &values).await? {
            counts.push(Count { name: row.text(0)?, taken: row.number(1)?, window_ends: row.moment(2)? });
        }
    }
    Ok(counts)
}

/// When the window of a counter ends whose places are all taken.
pub async fn full_until(
    query: &mut impl Query,
    name: &str,
    limit: i64,
    now: Timestamp,
) -> Result<Option<Timestamp>, Fault> {
    let values = [Value::Text(name), now.into(), Value::Number(limit)];
    query.first(FULL, &values).await?.map(|row| row.moment(0)).transpose()
}

/// Settles what was reserved under some counters, all with names of their own, in this order.
pub async fn settle(tx: &mut Tx, places: &[(&str, Settle)]) -> Result<(), Fault> {
    for (some, sql) in pieces(places, [SETTLE_FIVE, SETTLE_TWO, SETTLE]) {
        let both = some.iter().flat_map(|(name, how)| [Value::Text(name), (*how == Settle::GiveBack).into()]);
        let values: Vec<Value<'_>> = both.collect();
        tx.run(sql, &values).await?;
    }
    Ok(())
}

/// Forgets counters whose windows are over.
pub async fn prune(tx: &mut Tx, now: Timestamp) -> Result<u64, Fault> {
    tx.run(PRUNE, &[now.into()]).await
}

/// All of them in order, in pieces there are statements for: of five, of two, of one.
fn pieces<T>(all: &[T], [five, two, one]: [Sql; 3]) -> impl Iterator<Item = (&[T], Sql)> {
    let mut rest = all;
    std::iter::from_fn(move || {
        let (count, sql) = match rest.len() {
            0 => return None,
            1 => (1, one),
            2..TOGETHER => (2, two),
            _ => (TOGETHER, five),
        };
        let (some, others) = rest.split_at_checked(count)?;
        rest = others;
        Some((some, sql))
    })
}
