//! Where secrets are kept outside of Doorward: a reference stands in settings, never the secret.

use serde::{Deserialize, Serialize};

/// Where a secret is kept outside of Doorward.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum SecretRef {
    /// In an environment variable of the server.
    Variable(String),
    /// In a file the server can read.
    File(String),
}

/// Text that is no reference to a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a reference to a secret is env:NAME or file:/PATH, not the secret itself")]
pub struct NotAReference;

impl SecretRef {
    /// Reads `env:NAME` or `file:/PATH`.
    ///
    /// # Errors
    /// [`NotAReference`]; what was written is not told, for it may be a secret.
    pub fn parse(text: &str) -> Result<Self, NotAReference> {
        let is_name =
            |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if let Some(name) = text.strip_prefix("env:").filter(|name| is_name(name)) {
            return Ok(Self::Variable(name.to_owned()));
        }
        if let Some(path) = text.strip_prefix("file:").filter(|path| path.starts_with('/') && !path.contains('\0')) {
            return Ok(Self::File(path.to_owned()));
        }
        Err(NotAReference)
    }
}

impl TryFrom<String> for SecretRef {
    type Error = NotAReference;

    fn try_from(text: String) -> Result<Self, NotAReference> {
        Self::parse(&text)
    }
}

impl From<SecretRef> for String {
    fn from(reference: SecretRef) -> Self {
        match reference {
            SecretRef::Variable(name) => format!("env:{name}"),
            SecretRef::File(path) => format!("file:{path}"),
        }
    }
}
