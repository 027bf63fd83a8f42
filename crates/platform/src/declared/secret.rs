//! Where secrets are kept that declared files need.

use super::document::Text;
use super::object::Reader;
use serde::{Serialize, Serializer};
use std::fmt::{self, Display};
use std::path::PathBuf;

/// Where a secret is kept; the secret itself never stands in a declared file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretReference {
    /// An environment variable of the process that applies the plan: `env:NAME`.
    Environment(String),
    /// A file it can read: `file:/absolute/path`.
    File(PathBuf),
}

impl SecretReference {
    /// Parses `env:NAME` or `file:/absolute/path`.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(name) = text.strip_prefix("env:") {
            let fits = name.bytes().all(|b| b.is_ascii_alphanumeric() || (b == b'_'));
            let starts = name.bytes().next().is_some_and(|b| !b.is_ascii_digit());
            return (fits && starts).then(|| Self::Environment(name.to_owned()));
        }
        let path = text.strip_prefix("file:")?;
        path.starts_with('/').then(|| Self::File(PathBuf::from(path)))
    }
}

impl Display for SecretReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

impl Serialize for SecretReference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Reader<'_> {
    /// `what` it is of, such as the password.
    pub(super) fn secret(&mut self, what: &str, text: Option<&Text>) -> Option<SecretReference> {
        let text = text?;
        let reference = SecretReference::parse(&text.value);
        if reference.is_none() {
            // Whatever stands there may be the secret itself: it is not repeated.
            let at = self.at(text);
            let sentence = format!("the {what} is not a reference");
            self.complain(&at, &sentence, "write env:NAME or file:/absolute/path");
        }
        reference
    }
}
