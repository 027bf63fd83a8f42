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
    Sqlite(Box<[Cell]>),
    /// From PostgreSQL.
    Postgres(sqlx::postgres::PgRow),
}

/// One column of a row of SQLite's.
pub enum Cell {
    /// NULL.
    Null,
    /// Text.
    Text(Box<str>),
    /// A whole number.
    Number(i64),
    /// Bytes.
    Bytes(Box<[u8]>),
    /// What is never stored: a fraction, or text that is none.
    Other,
}

/// What a column can be read as.
trait Readable: Sized + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> {
    /// `None` if the column holds something else.
    fn of(cell: &Cell) -> Option<Self>;
}

impl Readable for String {
    fn of(cell: &Cell) -> Option<Self> {
        if let Cell::Text(text) = cell { Some(text.to_string()) } else { None }
    }
}

impl Readable for i64 {
    fn of(cell: &Cell) -> Option<Self> {
        if let Cell::Number(number) = cell { Some(*number) } else { None }
    }
}

impl Readable for Vec<u8> {
    fn of(cell: &Cell) -> Option<Self> {
        if let Cell::Bytes(bytes) = cell { Some(bytes.to_vec()) } else { None }
    }
}

impl<T: Readable> Readable for Option<T> {
    fn of(cell: &Cell) -> Option<Self> {
        if let Cell::Null = cell { Some(None) } else { T::of(cell).map(Some) }
    }
}

impl Row {
    fn column<T: Readable>(&self, at: usize) -> Result<T, Fault> {
        let wrong = |what: String| Fault::corrupt("(answer)", &format!("column {at}"), what);
        match self {
            Row::Sqlite(cells) => {
                let cell = cells.get(at).ok_or_else(|| wrong("there is no such column".to_owned()))?;
                T::of(cell).ok_or_else(|| wrong("it holds something of another type".to_owned()))
            }
            Row::Postgres(row) => row.try_get(at).map_err(|error| wrong(error.to_string())),
        }
    }

    /// A text column.
    pub fn text(&self, at: usize) -> Result<String, Fault> {
        self.column(at)
    }

    /// A text column that may be NULL.
    pub fn maybe_text(&self, at: usize) -> Result<Option<String>, Fault> {
        self.column(at)
    }

    /// A number column.
    pub fn number(&self, at: usize) -> Result<i64, Fault> {
        self.column(at)
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
        self.column::<Option<i64>>(at).map(|number| number.map(Timestamp::from_millis))
    }

    /// A bytes column that may be NULL.
    pub fn maybe_bytes(&self, at: usize) -> Result<Option<Vec<u8>>, Fault> {
        self.column(at)
    }

    /// A bytes column.
    pub fn bytes(&self, at: usize) -> Result<Vec<u8>, Fault> {
        self.column(at)
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
