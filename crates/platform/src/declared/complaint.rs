//! What is wrong in a declared file, where, and what to do about it.

use serde::{Serialize, Serializer};
use serde_saphyr::Location;
use std::fmt;
use std::sync::Arc;

/// A place in a declared file; lines and columns count from 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    file: Arc<str>,
    line: u64,
    column: u64,
}

impl Position {
    pub(super) fn new(file: &Arc<str>, location: Location) -> Self {
        Self { file: Arc::clone(file), line: location.line().max(1), column: location.column().max(1) }
    }

    /// Whether it is where a document begins.
    pub(super) fn is_first_column(&self) -> bool {
        self.column == 1
    }

    pub(super) fn start(file: &Arc<str>) -> Self {
        Self { file: Arc::clone(file), line: 1, column: 1 }
    }

    /// Name of the file, as given when it was read.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Line, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Column in characters, from 1.
    pub fn column(&self) -> u64 {
        self.column
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Something wrong in a declared file. Shown as `file:line:column: what: how`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Complaint {
    /// Where it stands.
    #[serde(flatten, serialize_with = "flat")]
    pub at: Position,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub how: String,
}

impl Complaint {
    pub(super) fn new(at: &Position, what: impl Into<String>, how: impl Into<String>) -> Self {
        Self { at: at.clone(), what: what.into(), how: how.into() }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.at, self.what, self.how)
    }
}

impl std::error::Error for Complaint {}

fn flat<S: Serializer>(at: &Position, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Flat<'a> {
        file: &'a str,
        line: u64,
        column: u64,
    }
    Flat { file: at.file(), line: at.line, column: at.column }.serialize(serializer)
}
