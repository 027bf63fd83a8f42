//! How Doorward proves itself at a provider's token endpoint.

use crate::federation::settings::is_safe;
use doorward_jose::algorithm::Algorithm;
use doorward_model::secret_ref::SecretRef;
use serde::{Deserialize, Serialize};

/// How a client proves itself at a token endpoint (OIDC Core §9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// By its secret in the header.
    ClientSecretBasic,
    /// By its secret in the form.
    ClientSecretPost,
    /// By a signature with its secret (RFC 7523 §2.2).
    ClientSecretJwt,
    /// By a signature with a private key, which is kept where a secret would be.
    PrivateKeyJwt,
}

impl ClientAuth {
    /// Whether something is signed, and nothing secret shown.
    pub fn signs(self) -> bool {
        matches!(self, Self::ClientSecretJwt | Self::PrivateKeyJwt)
    }
}

/// What a signed proof says beside who it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Assertion {
    /// What it is signed with; by the type of the key when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<String>,
    /// What the key is called at the provider: `kid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// Where the key's certificate is, for a provider that knows keys by certificates: `x5t#S256`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_from: Option<SecretRef>,
    /// Whom it is for; the issuer when absent, whatever the provider publishes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
}

impl Assertion {
    /// Whether nothing is said.
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// What cannot be, for that way; `is_template` says that the issuer is none a proof could be for.
    pub(super) fn check(&self, way: Option<ClientAuth>, is_template: bool) -> Result<(), String> {
        let Self { algorithm, certificate_from, audience, .. } = self;
        let signs = way.is_some_and(ClientAuth::signs);
        if !signs && !self.is_usual() {
            return Err("assertion is for client_auth private_key_jwt and client_secret_jwt alone".to_owned());
        }
        let is_own = way == Some(ClientAuth::PrivateKeyJwt);
        if !is_own && (algorithm.is_some() || certificate_from.is_some()) {
            return Err("a shared secret has neither algorithm nor certificate: leave both out".to_owned());
        }
        if algorithm.as_deref().is_some_and(|name| Algorithm::parse(name).is_none()) {
            return Err("assertion.algorithm is RS256, PS256, ES256 or EdDSA".to_owned());
        }
        if audience.as_deref().is_some_and(|url| !is_safe(url)) {
            return Err("assertion.audience is an https:// URL of the provider's".to_owned());
        }
        if signs && audience.is_none() && is_template {
            return Err("an issuer that differs by tenant is no audience: say assertion.audience".to_owned());
        }
        Ok(())
    }
}
