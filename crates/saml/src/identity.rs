//! From what an assertion says to an `ExternalIdentity`. Pure. What cannot be read as it should is an error: taking it for
//! absent would make somebody a member of nothing, or of everything.

use crate::limits;
use crate::logout::Session;
use crate::names::{EMAIL, PERSISTENT, TRANSIENT, UNSPECIFIED};
use crate::response::{Attribute, Name, Proved};
use crate::trouble::Trouble;
use aws_lc_rs::digest::{Context, SHA256};
use doorward_engine::federation::ExternalIdentity;
use doorward_engine::federation::kept::Kept;
use doorward_engine::federation::naming::{Place, choose};
use doorward_engine::federation::settings::{NameIdFormat, SamlSettings};
use doorward_model::name::{DisplayText, EmailAddress, UserName};
use doorward_model::told::told;

/// What stands for the name in the answer among the names of attributes.
const NAME_ID: &str = "NameID";
/// What Entra says instead of the groups when there are too many.
const OVERAGE: &str = "http://schemas.microsoft.com/claims/groups.link";

/// The format a name is asked for in, and must have.
pub fn format(wanted: NameIdFormat) -> &'static str {
    match wanted {
        NameIdFormat::Persistent => PERSISTENT,
        NameIdFormat::Email => EMAIL,
        NameIdFormat::Unspecified => UNSPECIFIED,
        NameIdFormat::Transient => TRANSIENT,
    }
}

/// Reads what a provider says of somebody.
///
/// # Errors
/// [`Trouble::Attribute`], [`Trouble::Answer`]
pub fn identity(settings: &SamlSettings, own_id: &str, proved: &Proved) -> Result<ExternalIdentity, Trouble> {
    let said = Said { attributes: &proved.attributes, name: proved.name.as_ref() };
    let names = &settings.attributes;
    let email = said.first(&names.email).and_then(|text| EmailAddress::parse(&text).ok());
    let email_verified = email.is_some() && settings.addresses_are_proved;
    // Tools take a name that looks like an address for one.
    let may_be_named = |name: &UserName| settings.addresses_are_proved || EmailAddress::parse(name.as_str()).is_err();
    let mut notes = Vec::new();
    let all: Vec<_> = names.name.iter().map(|name| (name, said.first(std::slice::from_ref(name)))).collect();
    let what = |name: &str| if name == NAME_ID { NAME_ID.to_owned() } else { format!("attribute {}", told(name)) };
    let places = all.iter().map(|(name, says)| Place { what: what(name), says: says.as_deref() });
    let name = choose(places, may_be_named).map_err(|why| notes.push(why)).ok();
    Ok(ExternalIdentity {
        issuer: settings.entity_id.clone(),
        subject: subject(settings, own_id, proved)?,
        name,
        display: said.first(&names.display).and_then(|text| DisplayText::parse(&text).ok()),
        email,
        email_verified,
        groups: groups(&names.groups, &said, &mut notes)?,
        session: proved.session.as_deref().map(|index| session_of(settings, proved.name.as_ref(), index)),
        vouched_at: Some(proved.issued_at),
        session_until: proved.session_until,
        kept: kept(settings, proved),
        notes,
        ..ExternalIdentity::default()
    })
}

/// What a session there is called here. Where an attribute tells people apart, the provider's word that one is over still
/// names them by their name there, and the same index may be somebody else's session: so the name is a part of it.
pub fn session_of(settings: &SamlSettings, name: Option<&Name>, index: &str) -> String {
    let Some(name) = name.filter(|_| settings.subject_attribute.is_some()) else { return index.to_owned() };
    let mut context = Context::new(&SHA256);
    for part in [&name.format, &name.value] {
        context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(part.as_bytes());
    }
    let hash: String = context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{index} {hash}")
}

/// What signing out there will take.
fn kept(settings: &SamlSettings, proved: &Proved) -> Kept {
    let name = proved.name.clone().filter(|_| settings.single_logout);
    let session = name.map(|name| Session { name, index: proved.session.clone() });
    match session.and_then(|session| serde_json::to_string(&session).ok()) {
        Some(text) => Kept::of_saml(text),
        None => Kept::default(),
    }
}

/// What tells the person apart from everybody else there, for ever.
fn subject(settings: &SamlSettings, own_id: &str, proved: &Proved) -> Result<String, Trouble> {
    if let Some(wanted) = &settings.subject_attribute {
        let wrong = |why| Trouble::Attribute { name: told(wanted), why };
        let mut all =
            proved.attributes.iter().filter(|one| one.name == *wanted || one.friendly.as_ref() == Some(wanted));
        let found = all.next().ok_or_else(|| wrong("is to tell people apart and is not there"))?;
        if all.next().is_some() {
            return Err(wrong("is to tell people apart and stands there twice"));
        }
        return match found.values.as_slice() {
            [only] if is_subject(only) => Ok(only.clone()),
            [_] => Err(wrong("is to tell people apart and is empty, too long, or has spaces around it")),
            _ => Err(wrong("is to tell people apart and has several values")),
        };
    }
    let name = proved.name.as_ref().ok_or(Trouble::Answer("it names nobody (NameID)"))?;
    if name.format == TRANSIENT {
        return Err(Trouble::Answer("its name is another one each time: have the provider send a persistent one"));
    }
    if name.format != format(settings.name_id) {
        return Err(Trouble::Answer("its name has another format than the connector wants (NameID)"));
    }
    let is_theirs = name.qualifier.as_deref().is_none_or(|who| who == settings.entity_id);
    let is_for_us = name.party.as_deref().is_none_or(|party| party == own_id);
    if !is_theirs || !is_for_us {
        return Err(Trouble::Answer("its name was given by or to somebody else (NameQualifier, SPNameQualifier)"));
    }
    match is_subject(&name.value) {
        true => Ok(name.value.clone()),
        false => Err(Trouble::Answer("its name is empty, too long, or has spaces around it (NameID)")),
    }
}

fn is_subject(text: &str) -> bool {
    let fits = !text.is_empty() && text.len() <= limits::SUBJECT_BYTES;
    fits && text.trim() == text && !text.chars().any(char::is_control)
}

struct Said<'a> {
    attributes: &'a [Attribute],
    name: Option<&'a Name>,
}

impl Said<'_> {
    /// The first value of the first of these attributes that has one.
    fn first(&self, names: &[String]) -> Option<String> {
        for name in names {
            if name == NAME_ID {
                match self.name.filter(|name| name.format != TRANSIENT) {
                    Some(name) => return Some(name.value.trim().to_owned()),
                    None => continue,
                }
            }
            let values = find(self.attributes, name).map_or(&[][..], |attribute| &attribute.values);
            let mut values = values.iter().map(|value| value.trim());
            if let Some(first) = values.find(|value| !value.is_empty()) {
                return Some(first.to_owned());
            }
        }
        None
    }
}

/// An attribute by its name, else by its name for people.
fn find<'a>(all: &'a [Attribute], name: &str) -> Option<&'a Attribute> {
    let by_name = all.iter().find(|attribute| attribute.name == name);
    by_name.or_else(|| all.iter().find(|attribute| attribute.friendly.as_deref() == Some(name)))
}

/// The groups: what every attribute of the first of these names says. A provider that says nothing says that there are none.
fn groups(names: &[String], said: &Said<'_>, notes: &mut Vec<String>) -> Result<Option<Vec<String>>, Trouble> {
    if names.is_empty() {
        return Ok(None);
    }
    if find(said.attributes, OVERAGE).is_some() {
        let why = "says that there are too many groups: have the provider send only those assigned to the application";
        return Err(Trouble::Attribute { name: OVERAGE.to_owned(), why });
    }
    for name in names {
        let is_it = |one: &&Attribute| one.name == *name || one.friendly.as_deref() == Some(name);
        let mut found = said.attributes.iter().filter(is_it).peekable();
        if found.peek().is_some() {
            let values = found.flat_map(|one| &one.values).map(|value| value.trim());
            return Ok(Some(values.filter(|value| !value.is_empty()).map(str::to_owned).collect()));
        }
    }
    let names: Vec<_> = names.iter().map(|name| told(name)).collect();
    notes.push(format!("attribute {} is not there, which was taken for no groups", names.join(" or ")));
    Ok(Some(Vec::new()))
}
