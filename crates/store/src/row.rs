//! Parameters and rows in one shape for both databases.

use doorward_model::fault::Fault;
use doorward_model::time::Timestamp;
use sqlx::Row as _;

/// One parameter. Each variant has a type of its own, so that a NULL is typed too.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// Text.
    Text(&'a str),
    /// Text or NULL.
    MaybeText(Option<&'a str>),
    /// A whole number.
    Number(i64),
    /// Bytes.
    Bytes(&'a [u8]),
}

impl From<Timestamp> for Value<'_> {
    fn from(moment: Timestamp) -> Self {
        Self::Number(moment.millis())
    }
}

impl From<bool> for Value<'_> {
    fn from(claim: bool) -> Self {
        Self::Number(i64::from(claim))
    }
}

/// One row of an answer; columns are read by position.
pub enum Row {
    /// From SQLite.
    Sqlite(sqlx::sqlite::SqliteRow),
    /// From PostgreSQL.
    Postgres(sqlx::postgres::PgRow),
}

macro_rules! column {
    ($self:ident, $at:ident, $kind:ty) => {
        match $self {
            Row::Sqlite(row) => row.try_get::<$kind, usize>($at),
            Row::Postgres(row) => row.try_get::<$kind, usize>($at),
        }
        .map_err(|error| Fault::corrupt("(answer)", &format!("column {}", $at), error))
    };
}

impl Row {
    /// A text column.
    pub fn text(&self, at: usize) -> Result<String, Fault> {
        column!(self, at, String)
    }

    /// A text column that may be NULL.
    pub fn maybe_text(&self, at: usize) -> Result<Option<String>, Fault> {
        column!(self, at, Option<String>)
    }

    /// A number column.
    pub fn number(&self, at: usize) -> Result<i64, Fault> {
        column!(self, at, i64)
    }

    /// A number column holding 0 or 1.
    pub fn claim(&self, at: usize) -> Result<bool, Fault> {
        self.number(at).map(|number| number != 0)
    }

    /// A number column holding an instant.
    pub fn moment(&self, at: usize) -> Result<Timestamp, Fault> {
        self.number(at).map(Timestamp::from_millis)
    }

    /// A number column holding an instant, or NULL.
    pub fn maybe_moment(&self, at: usize) -> Result<Option<Timestamp>, Fault> {
        column!(self, at, Option<i64>).map(|number| number.map(Timestamp::from_millis))
    }

    /// A bytes column that may be NULL.
    pub fn maybe_bytes(&self, at: usize) -> Result<Option<Vec<u8>>, Fault> {
        column!(self, at, Option<Vec<u8>>)
    }

    /// A bytes column.
    pub fn bytes(&self, at: usize) -> Result<Vec<u8>, Fault> {
        column!(self, at, Vec<u8>)
    }

    /// A text column parsed into a type that cannot be wrong; if it is wrong, the table is corrupt.
    pub fn parsed<T, E: std::fmt::Display>(
        &self,
        at: usize,
        table: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, Fault> {
        let text = self.text(at)?;
        parse(&text).map_err(|error| Fault::corrupt(table, &text, error))
    }

    /// The same, or NULL.
    pub fn maybe_parsed<T, E: std::fmt::Display>(
        &self,
        at: usize,
        table: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, Fault> {
        let text = self.maybe_text(at)?;
        text.map(|text| parse(&text).map_err(|error| Fault::corrupt(table, &text, error))).transpose()
    }
}
