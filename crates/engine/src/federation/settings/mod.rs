//! What a connector is made of, as declared and stored.

mod client_auth;
mod directory;
mod kerberos;
mod ldap;
mod oauth2;
mod oidc;
mod own_keys;
mod saml;

pub use client_auth::{Assertion, ClientAuth};
pub use directory::{Directory, GoogleDirectory};
pub use kerberos::KerberosSettings;
pub use ldap::{GroupSearch, LdapSettings, Nesting, Reach, Security, Server, TYPED, UserSearch};
pub use oauth2::{GitHub, OAuth2Settings};
pub use oidc::{CALLBACKS, ClaimNames, OidcSettings, Refresh, SignOut};
pub use own_keys::KeyStep;
pub use saml::{AttributeNames, NameIdFormat, SamlBinding, SamlPlace, SamlProvider, SamlSettings};

pub use doorward_oauth::authorize::{ResponseMode, ResponseType};

use crate::limits;
use doorward_model::name::{ConnectorName, DisplayText, GroupName, RealmName};
use doorward_model::secret_ref::SecretRef;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A connector's settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConnectorSettings {
    /// Its name on the button.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<DisplayText>,
    /// How the provider is spoken to.
    #[serde(flatten)]
    pub kind: Kind,
    /// Who is led to it from the sign-in page.
    #[serde(default)]
    pub sign_in: Entrance,
    /// Who may come in as whom.
    #[serde(default)]
    pub linking: Linking,
    /// Which of the provider's groups count here.
    #[serde(default, rename = "group_rules")]
    pub groups: GroupRules,
}

impl ConnectorSettings {
    /// Where browsers come back to from a connector of that name, on Doorward's own host.
    pub fn callback_path(&self, realm: &RealmName, name: &ConnectorName) -> String {
        let declared = self.kind.oidc().and_then(|oidc| oidc.callback_path.clone());
        declared.unwrap_or_else(|| format!("/realms/{realm}/broker/{name}/endpoint"))
    }

    /// Those of a provider about which nothing else is said.
    pub fn of(kind: Kind) -> Self {
        Self {
            title: None,
            kind,
            sign_in: Entrance::default(),
            linking: Linking::default(),
            groups: GroupRules::default(),
        }
    }

    /// What no connector may be, whoever made it.
    ///
    /// # Errors
    /// One sentence for whoever wrote it.
    pub fn check(&self) -> Result<(), String> {
        self.kind.check()?;
        if self.kind.ldap().is_some() && self.sign_in != Entrance::default() {
            let why = "people of a directory type their names on the sign-in page itself, so nobody is led there: leave \
                       out what is said of sign_in (--at-once, --hidden, --lead-domain)";
            return Err(why.to_owned());
        }
        if let Some(group) = self.groups.map.values().find(|group| GroupName::parse(group).is_err()) {
            return Err(format!("`{}` can be no group's name", group.escape_debug()));
        }
        if let Some(domain) = self.linking.domains.iter().chain(&self.sign_in.domains).find(|domain| !is_domain(domain))
        {
            return Err(format!("`{}` is no domain: write example.com", domain.escape_debug()));
        }
        Ok(())
    }

    /// What two active connectors of one realm cannot both say.
    ///
    /// # Errors
    /// One sentence for whoever wrote it, with the other one's name.
    pub fn check_beside(&self, (name, other): (&ConnectorName, &Self)) -> Result<(), String> {
        if self.sign_in.at_once && other.sign_in.at_once {
            return Err(format!("everybody is led to connector {name} at once already: take that back first"));
        }
        let is_theirs = |domain: &&String| other.sign_in.domains.iter().any(|own| own.eq_ignore_ascii_case(domain));
        match self.sign_in.domains.iter().find(is_theirs) {
            Some(domain) => Err(format!("people of {domain} are led to connector {name} already")),
            None => Ok(()),
        }
    }
}

/// The kinds of providers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// OpenID Connect.
    Oidc(OidcSettings),
    /// A directory, Active Directory among them.
    Ldap(LdapSettings),
    /// SAML 2.0.
    Saml(SamlSettings),
    /// OAuth 2 alone, as GitHub.
    OAuth2(OAuth2Settings),
    /// A domain whose browsers show tickets of Kerberos.
    Kerberos(KerberosSettings),
}

impl Kind {
    /// Its name in commands and files.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Oidc(_) => "oidc",
            Self::Ldap(_) => "ldap",
            Self::Saml(_) => "saml",
            Self::OAuth2(_) => "oauth2",
            Self::Kerberos(_) => "kerberos",
        }
    }

    /// Who vouches for the people that come through it.
    pub fn issuer(&self) -> &str {
        match self {
            Self::Oidc(oidc) => &oidc.issuer,
            // Servers come and go; what the directory calls somebody does not.
            Self::Ldap(_) => "directory",
            Self::Saml(saml) => &saml.entity_id,
            Self::OAuth2(oauth2) => &oauth2.issuer,
            Self::Kerberos(kerberos) => &kerberos.realm,
        }
    }

    /// Who is asked, for people: the provider as it calls itself, the servers of a directory, the domain.
    pub fn asks(&self) -> Vec<&str> {
        match self {
            Self::Ldap(ldap) => ldap.servers.iter().map(String::as_str).collect(),
            other => vec![other.issuer()],
        }
    }

    /// The addresses Doorward calls of itself, as far as they are settings: not those of directories, which are inside
    /// the network as a rule.
    pub fn called(&self) -> Vec<&str> {
        match self {
            Self::Oidc(oidc) => vec![oidc.discovery.as_deref().unwrap_or(&oidc.issuer)],
            Self::OAuth2(oauth2) => {
                let api = oauth2.github.as_ref().map(|github| github.api.as_str());
                [oauth2.token_url.as_str(), oauth2.user_info_url.as_str()].into_iter().chain(api).collect()
            }
            Self::Saml(saml) => saml.metadata_url.as_deref().into_iter().collect(),
            Self::Ldap(_) | Self::Kerberos(_) => Vec::new(),
        }
    }

    /// Where its secret is kept, when it is not sealed in the store.
    pub fn secret_from(&self) -> Option<&SecretRef> {
        match self {
            Self::Oidc(oidc) => oidc.secret_from.as_ref(),
            Self::Ldap(ldap) => ldap.secret_from.as_ref(),
            // Keys are no text: they are read where tickets are.
            Self::Saml(_) | Self::Kerberos(_) => None,
            Self::OAuth2(oauth2) => oauth2.secret_from.as_ref(),
        }
    }

    /// Where everything is that it keeps elsewhere: secrets, keys, certificates, key tables.
    pub fn kept_elsewhere(&self) -> Vec<&SecretRef> {
        let mut places: Vec<&SecretRef> = self.secret_from().into_iter().collect();
        match self {
            Self::Oidc(oidc) => {
                places.extend(&oidc.assertion.certificate_from);
                if let Some(Directory::Google(google)) = &oidc.directory {
                    places.push(&google.key_from);
                }
            }
            Self::Kerberos(kerberos) => places.push(&kerberos.keytab),
            Self::Ldap(_) | Self::OAuth2(_) | Self::Saml(_) => {}
        }
        places
    }

    /// Its settings, if it speaks OpenID Connect.
    pub fn oidc(&self) -> Option<&OidcSettings> {
        match self {
            Self::Oidc(oidc) => Some(oidc),
            Self::Ldap(_) | Self::OAuth2(_) | Self::Saml(_) | Self::Kerberos(_) => None,
        }
    }

    /// Its settings, if it is a directory: people type their passwords on the sign-in page itself.
    pub fn ldap(&self) -> Option<&LdapSettings> {
        match self {
            Self::Ldap(ldap) => Some(ldap),
            Self::Oidc(_) | Self::OAuth2(_) | Self::Saml(_) | Self::Kerberos(_) => None,
        }
    }

    /// Its settings, if it speaks SAML.
    pub fn saml(&self) -> Option<&SamlSettings> {
        match self {
            Self::Saml(saml) => Some(saml),
            Self::Ldap(_) | Self::Kerberos(_) => None,
            Self::Oidc(_) | Self::OAuth2(_) => None,
        }
    }

    /// Its settings, if browsers show it tickets.
    pub fn kerberos(&self) -> Option<&KerberosSettings> {
        match self {
            Self::Kerberos(kerberos) => Some(kerberos),
            Self::Oidc(_) | Self::OAuth2(_) | Self::Saml(_) | Self::Ldap(_) => None,
        }
    }

    /// By what it tells people apart.
    pub fn subjects(&self) -> String {
        match self {
            Self::Oidc(oidc) => oidc.claims.subject.join(" "),
            Self::OAuth2(oauth2) => oauth2.claims.subject.join(" "),
            Self::Ldap(ldap) => ldap.subject_attribute().to_owned(),
            Self::Saml(saml) => saml.subject_attribute.clone().unwrap_or_else(|| format!("{:?}", saml.name_id)),
            Self::Kerberos(kerberos) => kerberos.subjects(),
        }
    }

    /// Without what makes no difference to whom it vouches for.
    pub fn essence(&self) -> Self {
        match self {
            Self::Oidc(oidc) => Self::Oidc(oidc.essence()),
            Self::Ldap(ldap) => Self::Ldap(ldap.essence()),
            Self::Saml(saml) => Self::Saml(saml.essence()),
            Self::OAuth2(oauth2) => Self::OAuth2(oauth2.essence()),
            Self::Kerberos(kerberos) => Self::Kerberos(kerberos.essence()),
        }
    }

    /// How people who sign out here are signed out there too, if they are.
    pub fn sign_out(&self) -> Option<&SignOut> {
        self.oidc().and_then(|oidc| oidc.sign_out.as_ref())
    }

    /// Whether people who sign out here are signed out there too.
    pub fn signs_out(&self) -> bool {
        self.sign_out().is_some() || self.saml().is_some_and(|saml| saml.single_logout)
    }

    /// How often the provider is asked again for people who came through it, if it is.
    pub fn refresh(&self) -> Option<Refresh> {
        self.oidc().and_then(|oidc| oidc.refresh)
    }

    fn check(&self) -> Result<(), String> {
        match self {
            Self::Oidc(oidc) => oidc.check(),
            Self::Ldap(ldap) => ldap.check(),
            Self::Saml(saml) => saml.check(),
            Self::OAuth2(oauth2) => oauth2.check(),
            Self::Kerberos(kerberos) => kerberos.check(),
        }
    }
}

/// Who is led to a connector from the sign-in page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Entrance {
    /// Domains of e-mail addresses: whoever types one as their name is led here.
    pub domains: Vec<String>,
    /// Whether everybody is led here without being asked, unless they ask for the page.
    pub at_once: bool,
    /// Whether it has no button.
    pub hidden: bool,
}

impl Entrance {
    /// Whether somebody who types this name is led here.
    pub fn takes(&self, login: &str) -> bool {
        let domain = login.trim().rsplit_once('@').map(|(_, domain)| domain);
        domain.is_some_and(|domain| self.domains.iter().any(|own| own.eq_ignore_ascii_case(domain)))
    }
}

/// Who may come in as whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Linking {
    /// Whether somebody nobody knows yet gets a user.
    pub create: bool,
    /// Domains of e-mail addresses of which this provider's word is the last: somebody who comes with a proved address
    /// of such a domain is the user whose proved address that is.
    pub domains: Vec<String>,
    /// Whether somebody in whose way a user of the same name or address is may show that it is them, by its password.
    pub by_password: bool,
}

impl Default for Linking {
    fn default() -> Self {
        Self { create: true, domains: Vec::new(), by_password: false }
    }
}

/// Which of the provider's groups count here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
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

fn is_domain(text: &str) -> bool {
    let fits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    text.contains('.') && text.split('.').all(fits)
}

/// Whether a provider may be asked at a URL: `https`, or in clear on this machine. Whoever is on the way could put keys
/// of their own in place of the provider's.
fn is_safe(url: &str) -> bool {
    let is_short = url.len() <= limits::ISSUER_BYTES && !url.contains(' ');
    is_short && (url.starts_with("https://") || is_here(url))
}

/// Whether an address in clear is one of this machine's own.
fn is_here(url: &str) -> bool {
    doorward_oauth::logout::is_in_clear_here(url)
}

#[cfg(test)]
mod tests {
    use super::is_safe;

    #[test]
    fn in_clear_only_this_machine_is_asked_however_its_name_is_written() {
        for (url, safe) in [
            ("https://company.example.com", true),
            ("http://127.0.0.1:8080/x", true),
            ("http://127.9.9.9", true),
            ("http://[::1]:80/", true),
            ("http://localhost", true),
            ("http://LOCALHOST:1", true),
            ("http://company.localhost:8080", true),
            ("http://company.example.com", false),
            // Each of these is somewhere else to whoever connects.
            ("http://company.example.com#.localhost", false),
            ("http://company.example.com?.localhost", false),
            ("http://company.example.com\\.localhost", false),
            ("http://company.example.com:80#.localhost", false),
            ("http://localhost@company.example.com", false),
            ("http://someone@localhost", false),
            ("http://127.0.0.1.example.com", false),
            ("http://[::2]/", false),
            ("http://localhost:x", false),
            ("http://", false),
            ("ftp://localhost", false),
        ] {
            assert_eq!(is_safe(url), safe, "{url}");
        }
    }
}
