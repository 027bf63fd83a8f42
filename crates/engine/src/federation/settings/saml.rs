//! Providers that speak SAML 2.0.

use crate::federation::own_keys::FIRST;
use crate::federation::settings::is_safe;
use crate::limits;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use doorward_jose::certificate::Certificate;
use doorward_model::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A provider that speaks SAML 2.0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamlSettings {
    /// What the provider calls itself, letter by letter.
    pub entity_id: String,
    /// Where the provider publishes its metadata, when it is read from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata_url: Option<String>,
    /// Certificates, in base64, one of which must have signed what is read from there; any when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metadata_certificates: Vec<String>,
    /// What was read from metadata once, or written by hand, when it is not read again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<SamlProvider>,
    /// What Doorward is called there; the connector's endpoint when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_entity_id: Option<String>,
    /// How people are named in answers.
    #[serde(default)]
    pub name_id: NameIdFormat,
    /// The attribute that tells people apart, in the place of their name in the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_attribute: Option<String>,
    /// Under which names the provider says what.
    #[serde(default)]
    pub attributes: AttributeNames,
    /// Whether the provider's addresses are proved: SAML has no word for it.
    #[serde(default)]
    pub addresses_are_proved: bool,
    /// Whether the assertion itself must be signed; else a signature of the whole answer is enough.
    #[serde(default)]
    pub assertions_signed: bool,
    /// Whether the whole answer must be signed; else a signature of the assertion is enough.
    #[serde(default)]
    pub responses_signed: bool,
    /// Whether a key to encrypt assertions with is published.
    #[serde(default)]
    pub encryption: bool,
    /// The number of the key of our own that signs. A number no key has yet stands for a new one.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub own_key: u32,
    /// The numbers of other keys of our own, which are published beside it and open what is encrypted for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_own_keys: Vec<u32>,
    /// Whether our requests are signed.
    #[serde(default = "yes")]
    pub signed_requests: bool,
    /// Whether people may come who did not ask to: what began at the provider.
    #[serde(default)]
    pub unsolicited: bool,
    /// How people must have proved themselves there: one of these classes; any when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authn_contexts: Vec<String>,
    /// Whether signing out here signs out there too.
    #[serde(default)]
    pub single_logout: bool,
    /// How far the provider's clock may be apart, in seconds.
    #[serde(default = "usual_tolerance")]
    pub clock_tolerance_seconds: u32,
}

/// What a provider publishes of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamlProvider {
    /// Where requests to sign in go.
    pub sign_on: Vec<SamlPlace>,
    /// Where requests to sign out go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logout: Vec<SamlPlace>,
    /// Its certificates, in base64: several while one takes the place of another.
    pub certificates: Vec<String>,
    /// Until when all of this counts, if the provider says so (`validUntil`), in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
}

/// An address and how a message gets there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamlPlace {
    /// How.
    pub binding: SamlBinding,
    /// Where.
    pub url: String,
    /// Where answers go, when that is elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<String>,
}

/// How a message travels with the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SamlBinding {
    /// In the query of an address.
    Redirect,
    /// In a form.
    Post,
}

/// How a provider names people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NameIdFormat {
    /// By a name that is nobody else's, ever.
    #[default]
    Persistent,
    /// By their e-mail address.
    Email,
    /// As it likes: whoever says so knows that it gives a name to one person only.
    Unspecified,
    /// By another name each time: an attribute must tell people apart.
    Transient,
}

impl NameIdFormat {
    /// Reads it as settings write it.
    pub fn parse(text: &str) -> Option<Self> {
        let all = [Self::Persistent, Self::Email, Self::Unspecified, Self::Transient];
        all.into_iter().find(|format| format.as_str() == text)
    }

    /// As settings write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Persistent => "persistent",
            Self::Email => "email",
            Self::Unspecified => "unspecified",
            Self::Transient => "transient",
        }
    }
}

/// Names of attributes, each the first that is there. `NameID` stands for the name in the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AttributeNames {
    /// What the person would be called here.
    pub name: Vec<String>,
    /// The name for people.
    pub display: Vec<String>,
    /// The e-mail address.
    pub email: Vec<String>,
    /// The groups; empty for none.
    pub groups: Vec<String>,
}

impl Default for AttributeNames {
    fn default() -> Self {
        Self::of("generic").unwrap_or(Self { name: vec![], display: vec![], email: vec![], groups: vec![] })
    }
}

/// Names providers are known for: of the user name, the name for people, the address, the groups.
const PRESETS: [(&str, [&[&str]; 4]); 5] = [
    (
        "generic",
        [
            &[
                "uid",
                "urn:oid:0.9.2342.19200300.100.1.1",
                "username",
                "mail",
                "email",
                "urn:oid:0.9.2342.19200300.100.1.3",
            ],
            &["displayName", "urn:oid:2.16.840.1.113730.3.1.241", "cn", "urn:oid:2.5.4.3", "name"],
            &["mail", "email", "urn:oid:0.9.2342.19200300.100.1.3"],
            &["groups", "memberOf", "urn:oid:1.3.6.1.4.1.5923.1.5.1.1", "Role"],
        ],
    ),
    (
        "entra",
        [
            &["http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name", "NameID"],
            &["http://schemas.microsoft.com/identity/claims/displayname"],
            &["http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"],
            &["http://schemas.microsoft.com/ws/2008/06/identity/claims/groups"],
        ],
    ),
    (
        "adfs",
        [
            &[
                "http://schemas.microsoft.com/ws/2008/06/identity/claims/windowsaccountname",
                "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
                "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
            ],
            &["http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"],
            &["http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"],
            &[
                "http://schemas.xmlsoap.org/claims/Group",
                "http://schemas.microsoft.com/ws/2008/06/identity/claims/role",
            ],
        ],
    ),
    ("okta", [&["login", "username", "email", "NameID"], &["displayName", "name"], &["email"], &["groups"]]),
    (
        "keycloak",
        [
            &["username", "urn:oid:0.9.2342.19200300.100.1.1", "email"],
            &["name"],
            &["email", "urn:oid:1.2.840.113549.1.9.1"],
            &["member", "groups", "Role"],
        ],
    ),
];

impl AttributeNames {
    /// The names a kind of provider uses.
    pub fn of(preset: &str) -> Option<Self> {
        let (_, [name, display, email, groups]) = PRESETS.iter().find(|(known, _)| *known == preset)?;
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Some(Self { name: owned(name), display: owned(display), email: owned(email), groups: owned(groups) })
    }

    /// The kinds of providers whose names are known.
    pub fn presets() -> impl Iterator<Item = &'static str> {
        PRESETS.iter().map(|(name, _)| *name)
    }
}

fn yes() -> bool {
    true
}

fn first() -> u32 {
    FIRST
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_first(number: &u32) -> bool {
    *number == FIRST
}

fn usual_tolerance() -> u32 {
    60
}

impl SamlSettings {
    /// Without what makes no difference to whom the provider vouches for. Its certificates follow one another.
    pub(super) fn essence(&self) -> Self {
        Self {
            metadata_url: None,
            metadata_certificates: Vec::new(),
            provider: None,
            signed_requests: false,
            encryption: false,
            own_key: FIRST,
            other_own_keys: Vec::new(),
            single_logout: false,
            clock_tolerance_seconds: 0,
            ..self.clone()
        }
    }

    /// What no SAML connector may be.
    pub(super) fn check(&self) -> Result<(), String> {
        for (id, whose) in [(Some(&self.entity_id), "the provider's"), (self.own_entity_id.as_ref(), "our own")] {
            let fits = |id: &String| !id.is_empty() && id.len() <= limits::ENTITY_ID_BYTES && !id.contains(is_odd);
            if !id.is_none_or(fits) {
                return Err(format!("{whose} entity id is missing, too long, or has spaces in it"));
            }
        }
        match (&self.metadata_url, &self.provider) {
            (Some(url), None) if is_safe(url) => {}
            (Some(_), None) => return Err("the address of the metadata is an https:// URL".to_owned()),
            (None, Some(provider)) => provider.check()?,
            (Some(_), Some(_)) => return Err("its metadata is read from a URL, or written here, not both".to_owned()),
            (None, None) => return Err("nothing says where the provider is: give its metadata".to_owned()),
        }
        check_certificates(&self.metadata_certificates)?;
        self.check_own_keys()?;
        if self.name_id == NameIdFormat::Transient && self.subject_attribute.is_none() {
            let sentence = "transient names are others each time: say which attribute tells people apart";
            return Err(sentence.to_owned());
        }
        if self.clock_tolerance_seconds > limits::CLOCK_TOLERANCE_SECONDS {
            return Err(format!("the clock tolerance is at most {} s", limits::CLOCK_TOLERANCE_SECONDS));
        }
        Ok(())
    }
}

impl SamlProvider {
    /// What no provider may publish.
    ///
    /// # Errors
    /// One sentence for whoever wrote it.
    pub fn check(&self) -> Result<(), String> {
        if self.sign_on.is_empty() {
            return Err("the provider says nowhere where people sign in".to_owned());
        }
        // A signature nobody can check is none.
        if self.certificates.is_empty() {
            return Err("there is no certificate to check the provider's signatures with".to_owned());
        }
        let places = self.sign_on.iter().chain(&self.logout);
        let mut urls = places.flat_map(|place| [Some(&place.url), place.answers.as_ref()]).flatten();
        if let Some(odd) = urls.find(|url| !is_safe(url) || url.contains('#')) {
            return Err(format!("`{}` is no https:// URL", odd.escape_debug()));
        }
        check_certificates(&self.certificates)
    }
}

fn check_certificates(all: &[String]) -> Result<(), String> {
    let is_good = |text: &String| {
        let compact: String = text.split_ascii_whitespace().collect();
        STANDARD.decode(compact).is_ok_and(|der| Certificate::parse(vec![der]).is_ok())
    };
    if all.len() > limits::SAML_CERTIFICATES || !all.iter().all(is_good) {
        return Err("a certificate of the provider cannot be read, or there are too many".to_owned());
    }
    Ok(())
}

fn is_odd(letter: char) -> bool {
    letter.is_whitespace() || letter.is_control()
}
