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
    /// In a Secret of the Kubernetes cluster the server runs in.
    Kubernetes {
        /// The namespace of the Secret.
        namespace: String,
        /// Its name.
        name: String,
        /// The key within it.
        key: String,
    },
}

/// Text that is no reference to a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a reference to a secret is env:NAME, file:/PATH with the whole path, or k8s:NAMESPACE/NAME#KEY, and never the secret \
     itself"
)]
pub struct NotAReference;

impl SecretRef {
    /// Reads `env:NAME`, `file:/PATH` or `k8s:NAMESPACE/NAME#KEY`.
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
        text.strip_prefix("k8s:").and_then(in_a_cluster).ok_or(NotAReference)
    }
}

/// Reads `NAMESPACE/NAME#KEY`: a DNS label, a DNS subdomain (RFC 1123), and the key of a Secret. The first two become
/// parts of an address, and cannot lead out of it.
fn in_a_cluster(text: &str) -> Option<SecretRef> {
    let (place, key) = text.split_once('#')?;
    let (namespace, name) = place.split_once('/')?;
    let is_label = |label: &str| {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_whole = !label.is_empty() && !label.starts_with('-') && !label.ends_with('-');
        is_whole && label.bytes().all(fits)
    };
    let is_key = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let fits = namespace.len() <= LABEL_BYTES
        && is_label(namespace)
        && name.len() <= NAME_BYTES
        && name.split('.').all(is_label)
        && (1..=NAME_BYTES).contains(&key.len())
        && key.bytes().all(is_key);
    let [namespace, name, key] = [namespace, name, key].map(str::to_owned);
    fits.then_some(SecretRef::Kubernetes { namespace, name, key })
}

/// Longest label of a name, and longest name, in bytes (RFC 1123 §2.1).
const LABEL_BYTES: usize = 63;
const NAME_BYTES: usize = 253;

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
            SecretRef::Kubernetes { namespace, name, key } => format!("k8s:{namespace}/{name}#{key}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SecretRef;

    #[test]
    fn references_read_back_and_nothing_else_is_one() {
        for text in ["env:COMPANY_SECRET", "file:/run/secret", "k8s:ops/company.secret-1#client_secret.v2"] {
            assert_eq!(SecretRef::parse(text).map(String::from).as_deref(), Ok(text));
        }
        for odd in [
            "hunter2",
            "env:",
            "env:A B",
            "file:relative",
            "k8s:ops/company",
            "k8s:company#key",
            "k8s:/company#key",
            "k8s:ops/#key",
            "k8s:ops/company#",
            "k8s:ops/company#a/b",
            "k8s:ops/company#a#b",
            "k8s:ops/..#key",
            "k8s:../company#key",
            "k8s:ops/a/b#key",
            "k8s:ops/a..b#key",
            "k8s:ops/-a#key",
            "k8s:Ops/company#key",
            "k8s:a.b/company#key",
            "k8s:ops/company?x#key",
            "k8s:ops/company%2f#key",
        ] {
            assert!(SecretRef::parse(odd).is_err(), "{odd}");
        }
        let long = format!("k8s:{}/company#key", "a".repeat(64));
        assert!(SecretRef::parse(&long).is_err());
    }
}
