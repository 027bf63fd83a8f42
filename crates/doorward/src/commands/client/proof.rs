//! Flags of how a client proves who it is, shared by making and changing one.

use crate::exit::{Exit, plain};
use clap::Args;
use doorward_engine::clients::{Authentication, ClientSettings};
use doorward_engine::limits::CLIENT_KEYS_BYTES;
use doorward_platform::declared::client::authentication;
use serde_json::Value;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// How a client proves who it is.
#[derive(Args, Debug, Default)]
pub struct ProofFlags {
    /// How it proves who it is: secret, secret_jwt, private_key_jwt, tls_subject, tls_self_signed [default: secret].
    #[arg(long, value_name = "METHOD", value_parser = method)]
    authentication: Option<Authentication>,
    /// A file with its public keys, a JWK Set, for private_key_jwt and tls_self_signed.
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
    /// The subject of its certificate, such as CN=loader,O=Example, for tls_subject.
    #[arg(long, value_name = "DN")]
    tls_subject: Option<String>,
    /// Whether its access tokens are bound to its certificate.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    certificate_bound: Option<bool>,
}

/// A way of proving oneself; an empty text stands for the usual one.
fn method(text: &str) -> Result<Authentication, String> {
    if text.is_empty() { Ok(Authentication::default()) } else { authentication(text) }
}

impl ProofFlags {
    /// Whether nothing was given.
    pub fn is_empty(&self) -> bool {
        let Self { authentication, jwks, tls_subject, certificate_bound } = self;
        authentication.is_none() && jwks.is_none() && tls_subject.is_none() && certificate_bound.is_none()
    }

    /// The settings with what was given; an empty text takes back what was said before.
    pub fn of(&self, now: ClientSettings) -> Result<ClientSettings, Exit> {
        Ok(ClientSettings {
            authentication: self.authentication.unwrap_or(now.authentication),
            jwks: match &self.jwks {
                Some(file) if file.as_os_str().is_empty() => None,
                Some(file) => Some(key_set(file)?),
                None => now.jwks,
            },
            tls_subject: self.tls_subject.clone().unwrap_or(now.tls_subject),
            certificate_bound: self.certificate_bound.unwrap_or(now.certificate_bound),
            ..now
        })
    }
}

/// Reads a file with keys. What stands in it is judged with the client as a whole.
fn key_set(file: &Path) -> Result<Value, Exit> {
    let shown = file.display();
    let unreadable = |error: std::io::Error| {
        Exit::usage(format!("--jwks {shown}: it cannot be read, {}: correct the path", plain(&error)))
    };
    let mut text = Vec::new();
    // One byte more than a set may have: then it is refused for its size.
    let most = u64::try_from(CLIENT_KEYS_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    std::fs::File::open(file).map_err(unreadable)?.take(most).read_to_end(&mut text).map_err(unreadable)?;
    if text.len() > CLIENT_KEYS_BYTES {
        return Err(Exit::usage(format!(
            "--jwks {shown}: it has more than {CLIENT_KEYS_BYTES} bytes: remove old keys"
        )));
    }
    serde_json::from_slice(&text)
        .map_err(|_| Exit::usage(format!("--jwks {shown}: it is not JSON: write {{\"keys\": […]}}")))
}

#[cfg(test)]
mod tests {
    use super::method;
    use doorward_engine::clients::Authentication;

    #[test]
    fn methods_have_names() {
        assert_eq!(method("private_key_jwt"), Ok(Authentication::PrivateKeyJwt));
        assert_eq!(method(""), Ok(Authentication::Secret));
        assert!(method("none").is_err() && method("client_secret_jwt").is_err());
    }
}
