//! Something broken, as opposed to a refusal (a rule's normal "no"). A fault carries what was being
//! done and the causes for the log; people get a fixed sentence and the request id, never this text.

use std::fmt;

/// What kind of thing broke: it decides the status people see, never the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The database cannot be reached or is closed: 503, try again.
    Unavailable,
    /// A write met another one of the same name at the same moment.
    Conflict,
    /// Stored data that cannot be: names table and row.
    Corrupt,
    /// Anything else.
    Internal,
}

/// An opaque failure with its story.
#[derive(Debug)]
pub struct Fault {
    kind: FaultKind,
    doing: String,
    cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Fault {
    /// A fault of a kind met while `doing` something, with its cause.
    pub fn new(
        kind: FaultKind,
        doing: impl Into<String>,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { kind, doing: doing.into(), cause: Some(cause.into()) }
    }

    /// A fault without a deeper cause.
    pub fn internal(doing: impl Into<String>) -> Self {
        Self { kind: FaultKind::Internal, doing: doing.into(), cause: None }
    }

    /// Stored data that cannot be: says which table and row.
    pub fn corrupt(table: &str, row: &str, what: impl fmt::Display) -> Self {
        Self { kind: FaultKind::Corrupt, doing: format!("reading table {table}, row {row}: {what}"), cause: None }
    }

    /// What kind of thing broke.
    pub fn kind(&self) -> FaultKind {
        self.kind
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.doing)?;
        let mut cause = self.cause.as_deref().map(|c| c as &dyn std::error::Error);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl std::error::Error for Fault {}

/// The system's sentence without its number.
pub fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}
