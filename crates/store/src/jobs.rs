//! Durable recurring work. Claiming a run is one guarded statement, so that of any number of nodes
//! exactly one does it; work that dies half-way runs again at the next turn.

use crate::row::Value;
use crate::sql::statements;
use crate::store::Query;
use crate::tx::Tx;
use doorward_model::fault::Fault;
use doorward_model::time::Timestamp;

statements! {
    PLAN = "INSERT INTO jobs (name, run_at_ms) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    CLAIM = "UPDATE jobs SET run_at_ms = $3 WHERE name = $1 AND run_at_ms <= $2";
    NEXT = "SELECT run_at_ms FROM jobs WHERE name = $1";
}

/// Makes sure a job is planned.
pub async fn plan(tx: &mut Tx, name: &str, first: Timestamp) -> Result<(), Fault> {
    tx.run(PLAN, &[Value::Text(name), first.into()]).await.map(drop)
}

/// Claims a due run and plans the next one; `false` when it is not due or another node has it.
pub async fn claim(tx: &mut Tx, name: &str, (now, next): (Timestamp, Timestamp)) -> Result<bool, Fault> {
    Ok(tx.run(CLAIM, &[Value::Text(name), now.into(), next.into()]).await? == 1)
}

/// When a job runs next.
pub async fn next(query: &mut impl Query, name: &str) -> Result<Option<Timestamp>, Fault> {
    query.first(NEXT, &[Value::Text(name)]).await?.map(|row| row.moment(0)).transpose()
}
