//! What a connector is made of, as declared and stored.

use doorward_model::name::DisplayText;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A connector's settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectorSettings {
    /// Its name on the button.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<DisplayText>,
    /// How the provider is spoken to.
    #[serde(flatten)]
    pub kind: Kind,
    /// Who may come in as whom.
    #[serde(default)]
    pub linking: Linking,
    /// Which of the provider's groups count here.
    #[serde(default)]
    pub groups: GroupRules,
}

/// The kinds of providers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// OpenID Connect.
    Oidc(OidcSettings),
}

impl Kind {
    /// Its name in commands and files.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Oidc(_) => "oidc",
        }
    }
}

/// A provider that speaks OpenID Connect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OidcSettings {
    /// Its issuer, letter by letter as its tokens say it.
    pub issuer: String,
    /// What Doorward is called there.
    pub client_id: String,
    /// Where the client secret is kept, when it is not sealed in the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_from: Option<SecretRef>,
    /// What is asked for besides `openid`.
    #[serde(default = "usual_scopes")]
    pub scopes: Vec<String>,
    /// More parameters of the authorization request, such as `audience`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    /// Whether claims are also fetched from the userinfo endpoint.
    #[serde(default = "yes")]
    pub user_info: bool,
    /// Under which names the provider says what.
    #[serde(default)]
    pub claims: ClaimNames,
    /// How far the provider's clock may be apart, in seconds.
    #[serde(default = "usual_tolerance")]
    pub clock_tolerance_seconds: u32,
    /// The only values of the claim `hd` that may come in; any when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosted_domains: Vec<String>,
    /// Whether the provider's addresses are proved although it does not say so.
    #[serde(default)]
    pub addresses_are_proved: bool,
}

fn usual_scopes() -> Vec<String> {
    vec!["profile".to_owned(), "email".to_owned()]
}

fn yes() -> bool {
    true
}

fn usual_tolerance() -> u32 {
    60
}

/// Names of claims. A dot leads into an object, unless a claim has the whole text as its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct ClaimNames {
    /// What the person would be called here; the first that is there.
    pub name: Vec<String>,
    /// The name for people.
    pub display: String,
    /// The e-mail address.
    pub email: String,
    /// Whether the address is proved.
    pub email_verified: String,
    /// The groups.
    pub groups: String,
}

impl Default for ClaimNames {
    fn default() -> Self {
        Self {
            name: vec!["preferred_username".to_owned(), "email".to_owned()],
            display: "name".to_owned(),
            email: "email".to_owned(),
            email_verified: "email_verified".to_owned(),
            groups: "groups".to_owned(),
        }
    }
}

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

/// Who may come in as whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Linking {
    /// Whether somebody nobody knows yet gets a user.
    pub create: bool,
    /// Domains of e-mail addresses of which this provider's word is the last: somebody who comes with a proved address
    /// of such a domain is the user whose proved address that is.
    pub domains: Vec<String>,
}

impl Default for Linking {
    fn default() -> Self {
        Self { create: true, domains: Vec::new() }
    }
}

/// Which of the provider's groups count here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct GroupRules {
    /// Whether groups that no rule names count under their own names.
    pub same_name: bool,
    /// What stands before the provider's names and is left out; names without it are passed over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// The provider's name or id of a group, and the group here.
    pub map: BTreeMap<String, String>,
}

impl Default for GroupRules {
    fn default() -> Self {
        Self { same_name: true, prefix: None, map: BTreeMap::new() }
    }
}
