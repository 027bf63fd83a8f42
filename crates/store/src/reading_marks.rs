//! How far directories had come when they were read last.

use crate::row::Value;
use crate::sql::statements;
use crate::store::Query;
use crate::tx::Tx;
use doorward_model::fault::Fault;
use doorward_model::id::ConnectorId;

statements! {
    FIND = "SELECT revision, server, reached FROM reading_marks WHERE connector_id = $1";
    SET = "INSERT INTO reading_marks (connector_id, revision, server, reached) VALUES ($1, $2, $3, $4) \
           ON CONFLICT (connector_id) DO UPDATE SET revision = excluded.revision, server = excluded.server, \
           reached = excluded.reached";
    FORGET = "DELETE FROM reading_marks WHERE connector_id = $1";
}

/// How far a directory had come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadingMark {
    /// The connector as it was: how often it had been changed.
    pub revision: i64,
    /// Whose count it is.
    pub server: String,
    /// The count: of changes, or milliseconds since 1970.
    pub reached: i64,
}

/// How far a connector's directory had come when it was read last, if that is known.
pub async fn find(query: &mut impl Query, connector: &ConnectorId) -> Result<Option<ReadingMark>, Fault> {
    let row = query.first(FIND, &[Value::Text(connector.as_str())]).await?;
    row.map(|row| Ok(ReadingMark { revision: row.number(0)?, server: row.text(1)?, reached: row.number(2)? }))
        .transpose()
}

/// Notes how far it had come.
pub async fn set(tx: &mut Tx, connector: &ConnectorId, mark: &ReadingMark) -> Result<(), Fault> {
    let ReadingMark { revision, server, reached } = mark;
    let place = [Value::Text(connector.as_str()), Value::Number(*revision)];
    tx.run(SET, &[&place[..], &[Value::Text(server), Value::Number(*reached)]].concat()).await.map(drop)
}

/// Forgets it: the next reading is a whole one.
pub async fn forget(tx: &mut Tx, connector: &ConnectorId) -> Result<(), Fault> {
    tx.run(FORGET, &[Value::Text(connector.as_str())]).await.map(drop)
}
