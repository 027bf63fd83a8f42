//! Looking for somebody by what they typed. In Active Directory a name may carry its domain, `DOMAIN\name` or
//! `name@domain.example.com`; the domain is one the directory itself knows, and the person must be in it.

use crate::person::{Person, subject_values};
use crate::protocol::message::{Scope, Search};
use crate::protocol::wire::{Wire, anything};
use crate::trouble::Trouble;
use doorward_engine::federation::directory::dn::Dn;
use doorward_engine::federation::directory::filter::{Filter, escape};
use doorward_engine::federation::settings::{LdapSettings, Reach, TYPED};
use doorward_model::time::Timestamp;

/// The attributes a domain is known by (MS-ADTS 6.1.1.2.1): the short name, and the one in DNS.
const SHORT_NAME: &str = "nETBIOSName";
const DNS_NAME: &str = "dnsRoot";

/// A name in its parts, as far as Active Directory has them.
#[derive(Debug, PartialEq, Eq)]
enum Typed<'a> {
    /// As it stands.
    Name,
    /// In a domain of which this is the short name, and in no other.
    Short(&'a str, &'a str),
    /// As it stands, or else in a domain of which this is the name in DNS.
    Dns(&'a str, &'a str),
}

impl<'a> Typed<'a> {
    fn read(login: &'a str, settings: &LdapSettings) -> Self {
        if !settings.active_directory {
            return Self::Name;
        }
        if let Some((domain, name)) = login.split_once('\\') {
            return Self::Short(domain, name);
        }
        match login.rsplit_once('@') {
            Some((name, domain)) if !name.is_empty() && !domain.is_empty() => Self::Dns(domain, name),
            _ => Self::Name,
        }
    }
}

/// The one person who is meant.
///
/// # Errors
/// [`Trouble`]; several who fit are one.
pub(crate) async fn find(
    wire: &mut Wire,
    settings: &LdapSettings,
    (login, now): (&str, Timestamp),
) -> Result<Option<Person>, Trouble> {
    let (attribute, domain, name) = match Typed::read(login, settings) {
        Typed::Short(domain, name) => (SHORT_NAME, domain, name),
        Typed::Name => return by_name(wire, settings, (login, now)).await,
        Typed::Dns(domain, name) => match by_name(wire, settings, (login, now)).await? {
            Some(person) => return Ok(Some(person)),
            None => (DNS_NAME, domain, name),
        },
    };
    // A second separator would be a part of the name, and no name has one.
    if domain.is_empty() || name.is_empty() || name.contains(['\\', '@']) {
        return Ok(None);
    }
    let Some(root) = domain_of(wire, (attribute, domain)).await? else { return Ok(None) };
    let found = by_name(wire, settings, (name, now)).await?;
    Ok(found.filter(|person| Dn::parse(&person.dn).is_ok_and(|dn| dn.is_within(&root))))
}

/// The person of this subject, if whoever asks sees them among those who may come in.
///
/// # Errors
/// [`Trouble`].
pub(crate) async fn find_again(
    wire: &mut Wire,
    settings: &LdapSettings,
    (subject, now): (&str, Timestamp),
) -> Result<Option<Person>, Trouble> {
    let filter = settings.user_filter().replace(TYPED, "*");
    let filter = Filter::parse(&filter).map_err(|bad| Trouble::Settings(bad.to_string()))?;
    let attribute = settings.subject_attribute();
    // The form it has here may stand for text or for bytes; what was found says which it is.
    let forms = subject_values(attribute, subject).into_iter().map(|value| Filter::equal(attribute, value));
    let filter = Filter::And(vec![filter, Filter::Or(forms.collect())]);
    let found = by_filter(wire, settings, (filter, now)).await?;
    Ok(found.filter(|person| person.subject() == subject))
}

/// The one entry of this name that fits the user filter.
async fn by_name(
    wire: &mut Wire,
    settings: &LdapSettings,
    (name, now): (&str, Timestamp),
) -> Result<Option<Person>, Trouble> {
    let filter = settings.user_filter().replace(TYPED, &escape(name));
    let filter = Filter::parse(&filter).map_err(|bad| Trouble::Settings(bad.to_string()))?;
    by_filter(wire, settings, (filter, now)).await
}

/// The one entry that fits.
async fn by_filter(
    wire: &mut Wire,
    settings: &LdapSettings,
    (filter, now): (Filter, Timestamp),
) -> Result<Option<Person>, Trouble> {
    let attributes = Person::attributes(settings);
    let scope = match settings.users.reach {
        Reach::One => Scope::One,
        Reach::Whole => Scope::Whole,
    };
    // Two are enough to know that it is not one.
    let base = &settings.users.base;
    let search = Search { base, scope, filter: &filter, attributes: &attributes, most: 2 };
    let mut found = None;
    wire.find(&search, |entry| {
        if found.is_some() {
            // A server may tell more than it is asked for.
            return Err(Trouble::Ambiguous);
        }
        found = Some(Person::read(settings, entry, now));
        Ok(())
    })
    .await?;
    found.transpose()
}

/// Where the domain of this name begins, if the directory knows exactly one.
async fn domain_of(wire: &mut Wire, (attribute, name): (&str, &str)) -> Result<Option<Dn>, Trouble> {
    let Some(configuration) = one(wire, ("", Scope::Base, &anything()), "configurationNamingContext").await? else {
        return Ok(None);
    };
    let filter =
        Filter::And(vec![Filter::equal("objectClass", b"crossRef"), Filter::equal(attribute, name.as_bytes())]);
    let base = format!("CN=Partitions,{configuration}");
    let root = one(wire, (&base, Scope::One, &filter), "nCName").await?;
    Ok(root.and_then(|root| Dn::parse(&root).ok()))
}

/// The attribute of the only entry that fits.
async fn one(
    wire: &mut Wire,
    (base, scope, filter): (&str, Scope, &Filter),
    attribute: &str,
) -> Result<Option<String>, Trouble> {
    let attributes = [attribute];
    let search = Search { base, scope, filter, attributes: &attributes, most: 2 };
    let mut found = Vec::new();
    wire.find(&search, |entry| {
        found.push(entry.text(attribute).map(str::to_owned));
        Ok(())
    })
    .await?;
    Ok(if found.len() == 1 { found.pop().flatten() } else { None })
}

#[cfg(test)]
mod tests {
    use super::Typed;
    use doorward_engine::federation::settings::LdapSettings;

    #[test]
    fn a_name_has_a_domain_where_domains_are() -> Result<(), serde_json::Error> {
        let text = r#"{"servers": ["ldaps://dc1"], "users": {"base": "dc=x"}}"#;
        let plain: LdapSettings = serde_json::from_str(text)?;
        let domain = LdapSettings { active_directory: true, ..plain.clone() };
        for (login, typed) in [
            ("alice", Typed::Name),
            ("EX\\alice", Typed::Short("EX", "alice")),
            ("EX\\al\\ice", Typed::Short("EX", "al\\ice")),
            ("\\alice", Typed::Short("", "alice")),
            ("EX\\a@b", Typed::Short("EX", "a@b")),
            ("alice@example.com", Typed::Dns("example.com", "alice")),
            ("a@b@example.com", Typed::Dns("example.com", "a@b")),
            ("@example.com", Typed::Name),
            ("alice@", Typed::Name),
        ] {
            assert_eq!(Typed::read(login, &domain), typed, "{login}");
            assert_eq!(Typed::read(login, &plain), Typed::Name, "{login}");
        }
        Ok(())
    }
}
