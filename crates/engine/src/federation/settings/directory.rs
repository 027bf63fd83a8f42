//! Directories that are asked for groups a provider's tokens do not say.

use crate::federation::settings::{is_here, is_safe};
use doorward_model::name::EmailAddress;
use doorward_model::secret_ref::SecretRef;
use serde::{Deserialize, Serialize};

/// Who vouches for Google's people.
const GOOGLE: &str = "https://accounts.google.com";

/// A directory that is asked for somebody's groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Directory {
    /// Microsoft Graph, at this address, with the person's own token; of whom groups are left out.
    Graph(String),
    /// The directory of Google Workspace, for everybody.
    Google(Box<GoogleDirectory>),
}

/// The directory of a Google Workspace (Admin SDK), asked by a service account with domain-wide delegation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoogleDirectory {
    /// Where the service account's key is, the JSON file Google gives.
    pub key_from: SecretRef,
    /// The administrator in whose name it asks.
    pub administrator: String,
    /// Whether groups count that somebody is in by being in another group.
    #[serde(default)]
    pub nested: bool,
    /// Where the API is.
    #[serde(default = "google_api")]
    pub api: String,
}

fn google_api() -> String {
    "https://admin.googleapis.com".to_owned()
}

impl GoogleDirectory {
    /// At Google's own address.
    pub fn of(key_from: SecretRef, administrator: String, nested: bool) -> Self {
        Self { key_from, administrator, nested, api: google_api() }
    }
}

impl Directory {
    pub(super) fn check(&self, issuer: &str) -> Result<(), String> {
        let address = match self {
            Self::Graph(url) => url,
            Self::Google(google) => &google.api,
        };
        if !is_safe(address) || address.contains(['?', '#']) {
            return Err("the directory is at an https:// URL without query and fragment".to_owned());
        }
        // It is asked by what the issuer calls somebody: another one could call anybody by an address of this company's.
        if matches!(self, Self::Google(_)) && issuer != GOOGLE && !is_here(issuer) {
            return Err(format!("Google's directory knows Google's people: the issuer is {GOOGLE}"));
        }
        match self {
            Self::Google(google) if EmailAddress::parse(&google.administrator).is_err() => {
                Err("the administrator in whose name the directory is asked is an e-mail address".to_owned())
            }
            _ => Ok(()),
        }
    }
}
