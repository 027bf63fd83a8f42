//! Somebody as a directory has them, and what they are told to the engine as.

use crate::account::{self, Bar};
use crate::limits;
use crate::protocol::message::Entry;
use crate::trouble::Trouble;
use doorward_engine::federation::ExternalIdentity;
use doorward_engine::federation::naming::{Place, choose};
use doorward_engine::federation::settings::LdapSettings;
use doorward_model::name::{DisplayText, EmailAddress, UserName};
use doorward_model::time::Timestamp;

/// Somebody who was found; nothing is proved of them.
#[derive(Debug, Clone)]
pub struct Person {
    /// The entry's name, as the directory writes it.
    pub(crate) dn: String,
    subject: String,
    name: Option<String>,
    display: Option<DisplayText>,
    email: Option<EmailAddress>,
    /// Why they do not come in, whatever their password is.
    pub(crate) bar: Option<Bar>,
    pub(crate) groups: Said,
}

/// What an entry says of the groups it is in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said {
    /// Names of groups, if people say them.
    pub(crate) member_of: Vec<String>,
    /// Where the rest of them begins, if they were told in part.
    pub(crate) rest: Option<u64>,
    /// What stands for the person in the attribute of members.
    pub(crate) value: Option<Vec<u8>>,
    /// The security identifier of Active Directory's primary group, which names no members.
    pub(crate) primary: Option<Vec<u8>>,
}

impl Person {
    /// The attributes that are asked for.
    pub(crate) fn attributes(settings: &LdapSettings) -> Vec<&str> {
        let mut all = vec![
            settings.name_attribute(),
            settings.display_attribute(),
            settings.email_attribute(),
            settings.subject_attribute(),
        ];
        all.extend(account::ATTRIBUTES);
        if let Some(groups) = &settings.groups {
            all.extend(groups.member_of.as_deref());
            all.extend(groups.member_value.as_deref());
            if settings.active_directory {
                all.extend(["primaryGroupID", "objectSid"]);
            }
        }
        all
    }

    /// Reads an entry.
    ///
    /// # Errors
    /// [`Trouble::NoSubject`]: nothing says for ever who it is.
    pub(crate) fn read(settings: &LdapSettings, entry: &Entry<'_>, now: Timestamp) -> Result<Self, Trouble> {
        let subject = subject(settings.subject_attribute(), entry)?;
        let text = |name: &str| entry.text(name).filter(|text| !text.is_empty());
        let email = text(settings.email_attribute()).and_then(|text| EmailAddress::parse(text).ok());
        Ok(Self {
            dn: entry.dn.to_owned(),
            subject,
            name: text(settings.name_attribute()).map(str::to_owned),
            display: text(settings.display_attribute()).and_then(|text| DisplayText::parse(text).ok()),
            email,
            bar: account::of_entry(entry, settings.active_directory, now),
            groups: said(settings, entry),
        })
    }

    /// What the directory calls them, for ever.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// What is proved of them, once it is.
    pub(crate) fn identity(
        &self,
        settings: &LdapSettings,
        issuer: &str,
        groups: Option<Vec<String>>,
    ) -> ExternalIdentity {
        let email_verified = settings.addresses_are_proved && self.email.is_some();
        // Tools take a name that looks like an address for one: it has to be the person's own.
        // Judged as it will be written here: some letters become others on the way.
        let is_own = |name: &String| {
            let Ok(name) = UserName::parse(name) else { return true };
            let is_email = self.email.as_ref().is_some_and(|email| email.as_str() == name.as_str().to_lowercase());
            !name.as_str().contains('@') || (email_verified && is_email)
        };
        let what = format!("attribute {}", settings.name_attribute());
        let may_be_named = |name: &UserName| is_own(&name.to_string());
        let chosen = choose([Place { what, says: self.name.as_deref() }], may_be_named);
        ExternalIdentity {
            issuer: issuer.to_owned(),
            subject: self.subject.clone(),
            // As the directory writes it: tickets are compared with that.
            name: self.name.clone().filter(is_own),
            notes: chosen.err().into_iter().collect(),
            display: self.display.clone(),
            email: self.email.clone(),
            email_verified,
            groups,
            ..ExternalIdentity::default()
        }
    }
}

/// The one value by which people are told apart, as text.
fn subject(attribute: &str, entry: &Entry<'_>) -> Result<String, Trouble> {
    let missing = || Trouble::NoSubject(attribute.to_owned());
    let mut values = entry.values(attribute);
    let value = values.next().filter(|value| !value.is_empty()).ok_or_else(missing)?;
    if values.next().is_some() {
        return Err(missing());
    }
    let text = match (<[u8; 16]>::try_from(value), std::str::from_utf8(value)) {
        (Ok(guid), _) if attribute.eq_ignore_ascii_case("objectGUID") => guid_text(&guid),
        // Spelled in one way: directories compare these without regard to case.
        (_, Ok(text)) if attribute.eq_ignore_ascii_case("entryUUID") => text.to_ascii_lowercase(),
        (_, Ok(text)) if !text.chars().any(char::is_control) => text.to_owned(),
        _ => value.iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    if text.trim().is_empty() || text.len() > limits::SUBJECT_BYTES { Err(missing()) } else { Ok(text) }
}

/// The values that are written here as this subject.
pub(crate) fn subject_values(attribute: &str, subject: &str) -> Vec<Vec<u8>> {
    let digits: String = subject.chars().filter(|letter| *letter != '-').collect();
    let byte = |place: usize| digits.get(2 * place..2 * place + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
    let bytes: Option<Vec<u8>> = (0..digits.len() / 2).map(byte).collect();
    let bytes = bytes.filter(|_| digits.len().is_multiple_of(2));
    match (bytes.as_deref().map(<[u8; 16]>::try_from), bytes.clone()) {
        (Some(Ok(shown)), _) if attribute.eq_ignore_ascii_case("objectGUID") => {
            // Turned round twice is as it was.
            vec![ORDER.iter().map(|from| shown.get(*from).copied().unwrap_or_default()).collect()]
        }
        (_, Some(bytes)) if !subject.contains('-') => vec![subject.as_bytes().to_vec(), bytes],
        _ => vec![subject.as_bytes().to_vec()],
    }
}

/// Where the bytes of a GUID are stored, in the order they are written in.
const ORDER: [usize; 16] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];

/// A GUID as Microsoft's tools write it: the first three parts are stored with their bytes turned round.
fn guid_text(guid: &[u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (place, from) in ORDER.into_iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{:02x}", guid.get(from).copied().unwrap_or_default()));
    }
    text
}

fn said(settings: &LdapSettings, entry: &Entry<'_>) -> Said {
    let Some(groups) = &settings.groups else { return Said::default() };
    let mut said = Said::default();
    if let Some(attribute) = groups.member_of.as_deref() {
        let (values, rest) = entry.part(attribute).unwrap_or_else(|| (entry.values(attribute), None));
        said.member_of = values.filter_map(|value| std::str::from_utf8(value).ok()).map(str::to_owned).collect();
        said.rest = rest;
    }
    said.value = groups.member_value.as_deref().and_then(|attribute| entry.first(attribute)).map(<[u8]>::to_vec);
    if settings.active_directory {
        said.primary = primary(entry);
    }
    said
}

/// The identifier of the primary group: the person's own with another last number.
fn primary(entry: &Entry<'_>) -> Option<Vec<u8>> {
    let number = entry.text("primaryGroupID")?.parse::<u32>().ok()?;
    let own = entry.first("objectSid")?;
    let domain = own.get(..own.len().checked_sub(4)?)?;
    Some([domain, &number.to_le_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::{guid_text, subject_values};

    #[test]
    fn a_guid_is_written_as_microsofts_tools_write_it() {
        let stored = [0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff];
        assert_eq!(guid_text(&stored), "00112233-4455-6677-8899-aabbccddeeff");
        assert_eq!(subject_values("objectguid", &guid_text(&stored)), [stored.to_vec()]);
    }

    #[test]
    fn a_subject_is_looked_for_in_every_form_it_may_have() {
        let text = |text: &str| text.as_bytes().to_vec();
        assert_eq!(subject_values("entryUUID", "00112233-4455-6677-8899-aabbccddeeff").len(), 1);
        assert_eq!(subject_values("employeeNumber", "0a0b"), [text("0a0b"), vec![10, 11]]);
        assert_eq!(subject_values("employeeNumber", "4711x"), [text("4711x")]);
        assert_eq!(subject_values("uid", "ä€"), [text("ä€")]);
    }
}
