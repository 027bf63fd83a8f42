//! A directory that speaks LDAP; Active Directory is one with other usual values.

use crate::federation::directory::dn::Dn;
use crate::federation::directory::filter::{Filter, is_attribute};
use crate::limits;
use doorward_model::secret_ref::SecretRef;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// What stands in a user filter for the name that was typed.
pub const TYPED: &str = "{name}";

/// A directory that speaks LDAP.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LdapSettings {
    /// Its servers, as URLs; the next one is asked when one is not there.
    pub servers: Vec<String>,
    /// Whether a connection to `ldap://` begins in clear and goes on with TLS.
    #[serde(default)]
    pub start_tls: bool,
    /// A file of certificates in PEM: the only authorities that count. The system's, when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<String>,
    /// Who asks; nobody in particular when empty.
    #[serde(default)]
    pub bind_dn: String,
    /// Where its password is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_from: Option<SecretRef>,
    /// Whether it is Active Directory.
    #[serde(default)]
    pub active_directory: bool,
    /// Where people are.
    pub users: UserSearch,
    /// Where groups are; they are not read when it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<GroupSearch>,
    /// Whether the directory's addresses are proved.
    #[serde(default)]
    pub addresses_are_proved: bool,
    /// Whether people change their passwords there on their account page here.
    #[serde(default)]
    pub change_passwords: bool,
    /// How long a connection may take to stand, in seconds.
    #[serde(default = "usual_connect")]
    pub connect_seconds: u32,
    /// How long an answer may take, in seconds.
    #[serde(default = "usual_answer")]
    pub answer_seconds: u32,
    /// How often everybody is read, in minutes; never when 0.
    #[serde(default)]
    pub read_minutes: u32,
    /// How often between two of these those are read who changed, in minutes; never when 0.
    #[serde(default)]
    pub changes_minutes: u32,
    /// Entries asked for at once when all are read.
    #[serde(default = "usual_page")]
    pub page_size: u32,
}

/// How far below its base a search looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reach {
    /// One level.
    One,
    /// All of them.
    #[default]
    Whole,
}

/// Where people are, and how their attributes are called. What is not said is what such directories usually have.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserSearch {
    /// Below this entry.
    pub base: String,
    /// Those that fit this filter, in which `{name}` stands for what was typed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// How far below.
    #[serde(default)]
    pub reach: Reach,
    /// What they are called here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
    /// The e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// What never changes and is never given to somebody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

/// Where groups are, and how it is known who is in them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupSearch {
    /// Below this entry.
    pub base: String,
    /// Those that fit this filter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// How far below.
    #[serde(default)]
    pub reach: Reach,
    /// What they are called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who says it: groups by this attribute, of members.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// Who says it: people by this attribute, of groups. Then the groups are not searched for members.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member_of: Option<String>,
    /// What stands in the attribute of members: an attribute of people, such as `uid` in POSIX groups. Names of entries
    /// when it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member_value: Option<String>,
    /// Groups inside groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nesting: Option<Nesting>,
}

/// Groups inside groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nesting {
    /// Do not count.
    Off,
    /// Are followed, level by level.
    Walk,
    /// Are followed by the directory itself, by Active Directory's rule for it.
    InChain,
}

fn usual_connect() -> u32 {
    5
}

fn usual_answer() -> u32 {
    10
}

fn usual_page() -> u32 {
    1000
}

/// How a server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// By TLS from the first byte.
    Tls,
    /// By TLS after both agreed to it in clear.
    StartTls,
    /// In clear, which nothing but this machine sees.
    Clear,
}

/// One server of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its name or address; the certificate must be made out to it.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How it is spoken to.
    pub security: Security,
}

impl Server {
    /// Reads `ldaps://HOST[:PORT]` or `ldap://HOST[:PORT]`.
    ///
    /// # Errors
    /// One sentence for whoever wrote it.
    pub fn parse(url: &str, start_tls: bool) -> Result<Self, String> {
        let wrong = || format!("`{}` is no server: write ldaps://HOST or ldaps://HOST:PORT", url.escape_debug());
        let (rest, is_tls) = match (url.strip_prefix("ldaps://"), url.strip_prefix("ldap://")) {
            (Some(rest), _) => (rest, true),
            (None, Some(rest)) => (rest, false),
            (None, None) => return Err(wrong()),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.strip_prefix('[') {
            Some(inner) => {
                let (host, behind) = inner.split_once(']').ok_or_else(wrong)?;
                host.parse::<std::net::Ipv6Addr>().map_err(|_| wrong())?;
                (host, behind)
            }
            None => rest.split_at_checked(rest.find(':').unwrap_or(rest.len())).ok_or_else(wrong)?,
        };
        let port = match port.strip_prefix(':') {
            Some(digits) => digits.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)?,
            None if port.is_empty() => {
                if is_tls {
                    636
                } else {
                    389
                }
            }
            None => return Err(wrong()),
        };
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':');
        if host.is_empty() || host.len() > limits::ISSUER_BYTES || !host.bytes().all(fits) {
            return Err(wrong());
        }
        let security = match (is_tls, start_tls) {
            (true, false) => Security::Tls,
            (true, true) => {
                return Err(format!(
                    "{url} is TLS from the first byte: StartTLS (--start-tls, start_tls) is for ldap:// servers"
                ));
            }
            (false, true) => Security::StartTls,
            (false, false) => Security::Clear,
        };
        let server = Self { host: host.to_ascii_lowercase(), port, security };
        if security == Security::Clear && !server.is_here() {
            return Err(format!(
                "{url} would get passwords in clear: write ldaps://, or begin TLS with StartTLS (--start-tls, start_tls)"
            ));
        }
        Ok(server)
    }

    /// Whether it is this machine.
    fn is_here(&self) -> bool {
        let is_loopback = self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        is_loopback || self.host == "localhost" || self.host.ends_with(".localhost")
    }

    /// For people.
    pub fn shown(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl LdapSettings {
    /// Its servers.
    ///
    /// # Errors
    /// One sentence for whoever wrote them.
    pub fn all_servers(&self) -> Result<Vec<Server>, String> {
        self.servers.iter().map(|url| Server::parse(url, self.start_tls)).collect()
    }

    /// The filter people are found by.
    pub fn user_filter(&self) -> &str {
        match &self.users.filter {
            Some(filter) => filter,
            None if self.active_directory => {
                "(&(objectCategory=person)(objectClass=user)(|(sAMAccountName={name})(userPrincipalName={name})))"
            }
            None => "(&(objectClass=person)(uid={name}))",
        }
    }

    /// What people are called here.
    pub fn name_attribute(&self) -> &str {
        self.or(self.users.name.as_deref(), "sAMAccountName", "uid")
    }

    /// The attribute of the name for people.
    pub fn display_attribute(&self) -> &str {
        self.or(self.users.display.as_deref(), "displayName", "cn")
    }

    /// The attribute of the e-mail address.
    pub fn email_attribute(&self) -> &str {
        self.or(self.users.email.as_deref(), "mail", "mail")
    }

    /// The attribute that never changes.
    pub fn subject_attribute(&self) -> &str {
        self.or(self.users.subject.as_deref(), "objectGUID", "entryUUID")
    }

    /// The filter groups fit.
    pub fn group_filter(&self) -> &str {
        let said = self.groups.as_ref().and_then(|groups| groups.filter.as_deref());
        let usual = "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup))";
        self.or(said, "(objectClass=group)", usual)
    }

    /// What groups are called.
    pub fn group_name_attribute(&self) -> &str {
        self.or(self.groups.as_ref().and_then(|groups| groups.name.as_deref()), "sAMAccountName", "cn")
    }

    /// The attribute by which groups say who is in them.
    pub fn member_attribute(&self) -> &str {
        self.groups.as_ref().and_then(|groups| groups.member.as_deref()).unwrap_or("member")
    }

    /// How groups inside groups count.
    pub fn nesting(&self) -> Nesting {
        let usual = if self.active_directory { Nesting::InChain } else { Nesting::Walk };
        self.groups.as_ref().and_then(|groups| groups.nesting).unwrap_or(usual)
    }

    fn or<'a>(&self, said: Option<&'a str>, active_directory: &'a str, other: &'a str) -> &'a str {
        said.unwrap_or(if self.active_directory { active_directory } else { other })
    }

    /// Without what makes no difference to whom it vouches for.
    pub(super) fn essence(&self) -> Self {
        let (connect_seconds, answer_seconds, page_size) = (0, 0, 0);
        let plain = Self { connect_seconds, answer_seconds, page_size, ..self.clone() };
        Self { secret_from: None, read_minutes: 0, changes_minutes: 0, change_passwords: false, ..plain }
    }

    pub(super) fn check(&self) -> Result<(), String> {
        if self.servers.is_empty() || self.servers.len() > limits::DIRECTORY_SERVERS {
            return Err(format!("a directory has 1 to {} servers", limits::DIRECTORY_SERVERS));
        }
        self.all_servers()?;
        let bases = [Some(&self.users.base), self.groups.as_ref().map(|groups| &groups.base), Some(&self.bind_dn)];
        if let Some(base) = bases.into_iter().flatten().find(|base| !is_entry(base, self.active_directory)) {
            return Err(format!("`{}` names no entry: write it as ou=people,dc=example,dc=com", base.escape_debug()));
        }
        if self.users.base.is_empty() {
            return Err("the user search base is missing: below which entry are people?".to_owned());
        }
        if self.bind_dn.is_empty() != self.secret_from.is_none() {
            return Err("a bind DN and a reference to its password belong together".to_owned());
        }
        let user_filter = self.user_filter();
        if !user_filter.contains(TYPED) {
            return Err(format!("the user filter lacks {TYPED}, which stands for the name somebody types"));
        }
        for filter in [user_filter, self.group_filter()] {
            let filled = filter.replace(TYPED, "x");
            Filter::parse(&filled).map_err(|bad| format!("`{}`: {bad}", filter.escape_debug()))?;
        }
        self.check_attributes()?;
        if self.groups.as_ref().is_some_and(|groups| groups.member_of.is_some() && groups.member_value.is_some()) {
            return Err("member values are for groups that name their members".to_owned());
        }
        if !(1..=limits::DIRECTORY_SECONDS).contains(&self.connect_seconds)
            || !(1..=limits::DIRECTORY_SECONDS).contains(&self.answer_seconds)
        {
            return Err(format!("connecting and answering may take 1 to {} seconds", limits::DIRECTORY_SECONDS));
        }
        if self.ca_file.as_ref().is_some_and(|file| !file.starts_with('/')) {
            return Err(
                "ca_file is a whole path, such as /etc/doorward/ca.pem: servers run in other folders".to_owned()
            );
        }
        if self.read_minutes > limits::DIRECTORY_READ_MINUTES {
            return Err(format!(
                "everybody is read at least every {} minutes, or never",
                limits::DIRECTORY_READ_MINUTES
            ));
        }
        // Nothing but reading everybody tells who is gone.
        if self.changes_minutes > 0 && self.changes_minutes >= self.read_minutes {
            return Err(
                "who changed is read more often than everybody is, and not without that: nobody would be found to be \
                        gone"
                    .to_owned(),
            );
        }
        if !(1..=limits::DIRECTORY_PAGE).contains(&self.page_size) {
            return Err(format!("a page has 1 to {} entries", limits::DIRECTORY_PAGE));
        }
        Ok(())
    }

    fn check_attributes(&self) -> Result<(), String> {
        let of_groups =
            self.groups.iter().flat_map(|groups| [groups.member_of.as_deref(), groups.member_value.as_deref()]);
        let mut all = vec![
            self.name_attribute(),
            self.display_attribute(),
            self.email_attribute(),
            self.subject_attribute(),
            self.group_name_attribute(),
            self.member_attribute(),
        ];
        all.extend(of_groups.flatten());
        match all.into_iter().find(|name| !is_attribute(name)) {
            Some(name) => Err(format!("`{}` is no attribute's name", name.escape_debug())),
            None => Ok(()),
        }
    }
}

/// Whether a text names an entry, or an account in Active Directory's other ways.
fn is_entry(text: &str, active_directory: bool) -> bool {
    Dn::parse(text).is_ok() || (active_directory && text.contains('@') && !text.contains(char::is_whitespace))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(words: &str) -> LdapSettings {
        let text = format!(
            r#"{{"servers": ["ldaps://dc1.example.com"], "users": {{"base": "ou=people,dc=example,dc=com"}}{words}}}"#
        );
        match serde_json::from_str(&text) {
            Ok(settings) => settings,
            Err(error) => panic!("{error}: {text}"),
        }
    }

    #[test]
    fn passwords_travel_in_clear_to_this_machine_alone() {
        for (url, start_tls, security) in [
            ("ldaps://dc1.example.com", false, Some((636, Security::Tls))),
            ("ldaps://10.0.0.1:1636/", false, Some((1636, Security::Tls))),
            ("ldaps://[2001:db8::1]:1636", false, Some((1636, Security::Tls))),
            ("ldap://dc1.example.com", true, Some((389, Security::StartTls))),
            ("ldap://127.0.0.1:1389", false, Some((1389, Security::Clear))),
            ("ldap://[::1]", false, Some((389, Security::Clear))),
            ("ldap://localhost", false, Some((389, Security::Clear))),
            ("ldap://dc1.example.com", false, None),
            ("ldap://127.0.0.1.example.com", false, None),
            ("ldap://localhost.example.com", false, None),
            ("ldaps://dc1.example.com", true, None),
            ("http://dc1.example.com", false, None),
            ("ldaps://", false, None),
            ("ldaps://user:pw@dc1", false, None),
            ("ldaps://dc1/dc=example", false, None),
            ("ldaps://dc1:0", false, None),
            ("ldaps://dc1:70000", false, None),
            ("ldaps://dc1 dc2", false, None),
        ] {
            let read = Server::parse(url, start_tls).ok().map(|server| (server.port, server.security));
            assert_eq!(read, security, "{url} {start_tls}");
        }
    }

    #[test]
    fn what_no_directory_can_be_is_refused_in_one_sentence() {
        assert_eq!(directory("").check(), Ok(()));
        assert_eq!(
            directory(r#", "active_directory": true, "bind_dn": "svc@example.com", "secret_from": "env:A""#).check(),
            Ok(())
        );
        for (words, part) in [
            (r#", "bind_dn": "cn=reader,dc=example,dc=com""#, "belong together"),
            (r#", "secret_from": "env:A""#, "belong together"),
            (r#", "bind_dn": "reader", "secret_from": "env:A""#, "names no entry"),
            (r#", "groups": {"base": "groups"}"#, "names no entry"),
            (r#", "groups": {"base": "dc=x", "filter": "(a"}"#, "closing parenthesis"),
            (r#", "groups": {"base": "dc=x", "name": "c n"}"#, "no attribute's name"),
            (r#", "groups": {"base": "dc=x", "member_of": "memberOf", "member_value": "uid"}"#, "member values"),
            (r#", "connect_seconds": 0"#, "seconds"),
            (r#", "page_size": 0"#, "a page has"),
            (r#", "ca_file": "ca.pem""#, "a whole path"),
            (r#", "changes_minutes": 5"#, "nobody would be found"),
            (r#", "read_minutes": 60, "changes_minutes": 60"#, "nobody would be found"),
        ] {
            let refused = directory(words).check();
            assert!(refused.as_ref().is_err_and(|sentence| sentence.contains(part)), "{words} {refused:?}");
        }
        let mut nameless = directory("");
        nameless.users.filter = Some("(uid=x)".to_owned());
        assert!(nameless.check().is_err());
    }
}
