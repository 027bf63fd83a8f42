//! Whether a directory can be asked, and has what the connector's settings speak of. Nobody in particular is looked for.

use crate::directories::Question;
use crate::place::For;
use crate::protocol::message::{Scope, Search};
use crate::protocol::wire::{Wire, anything};
use crate::reading::anybody;
use crate::trouble::{Trouble, told};
use doorward_engine::federation::directory::filter::Filter;
use doorward_engine::federation::settings::LdapSettings;

/// A directory that answers.
#[derive(Debug)]
pub struct Probed {
    /// The server that did.
    pub server: String,
    /// What the settings speak of and nothing there has, each in one sentence. A directory may just be empty.
    pub notes: Vec<String>,
}

/// Whether the entries are there that people and groups are below, and anything that fits what is looked for.
pub(crate) struct Probing;

impl Question for Probing {
    type Answer = Probed;
    const PURPOSE: For = For::Asking;

    async fn ask(&self, wire: &mut Wire, settings: &LdapSettings) -> Result<Probed, Trouble> {
        let bases = std::iter::once(&settings.users.base).chain(settings.groups.iter().map(|groups| &groups.base));
        for base in bases {
            if !is_any(wire, (base, Scope::Base), &anything()).await? {
                return Err(Trouble::NoBase(base.clone()));
            }
        }
        let mut notes = Vec::new();
        people(wire, settings, &mut notes).await?;
        groups(wire, settings, &mut notes).await?;
        Ok(Probed { server: wire.server().shown(), notes })
    }
}

async fn people(wire: &mut Wire, settings: &LdapSettings, notes: &mut Vec<String>) -> Result<(), Trouble> {
    let place = (settings.users.base.as_str(), Scope::from(settings.users.reach));
    let fitting = anybody(settings)?;
    if !is_any(wire, place, &fitting).await? {
        notes.push("no entry fits the user filter, whatever is typed".to_owned());
        return Ok(());
    }
    let member_of = settings.groups.as_ref().and_then(|groups| groups.member_of.as_deref());
    let member_value = settings.groups.as_ref().and_then(|groups| groups.member_value.as_deref());
    let read = [
        (Some(settings.subject_attribute()), "by which people are told apart"),
        (Some(settings.name_attribute()), "which user names are taken from"),
        (member_of, "by which people say which groups they are in"),
        (member_value, "which stands for people in groups"),
    ];
    for (attribute, what) in read.into_iter().filter_map(|(attribute, what)| Some((attribute?, what))) {
        if !is_any(wire, place, &having(&fitting, attribute)).await? {
            notes.push(format!("nobody who fits the user filter has the attribute {}, {what}", told(attribute)));
        }
    }
    Ok(())
}

async fn groups(wire: &mut Wire, settings: &LdapSettings, notes: &mut Vec<String>) -> Result<(), Trouble> {
    let Some(groups) = &settings.groups else { return Ok(()) };
    let place = (groups.base.as_str(), Scope::from(groups.reach));
    let fitting = Filter::parse(settings.group_filter()).map_err(|bad| Trouble::Settings(bad.to_string()))?;
    if !is_any(wire, place, &fitting).await? {
        notes.push("no entry fits the group filter".to_owned());
        return Ok(());
    }
    let member = groups.member_of.is_none().then(|| settings.member_attribute());
    let read = [
        (Some(settings.group_name_attribute()), "which groups are called by"),
        (member, "by which groups name who is in them"),
    ];
    for (attribute, what) in read.into_iter().filter_map(|(attribute, what)| Some((attribute?, what))) {
        if !is_any(wire, place, &having(&fitting, attribute)).await? {
            notes.push(format!("no group has the attribute {}, {what}", told(attribute)));
        }
    }
    Ok(())
}

fn having(filter: &Filter, attribute: &str) -> Filter {
    Filter::And(vec![filter.clone(), Filter::Present(attribute.to_owned())])
}

async fn is_any(wire: &mut Wire, (base, scope): (&str, Scope), filter: &Filter) -> Result<bool, Trouble> {
    let search = Search { base, scope, filter, attributes: &["1.1"], most: 1 };
    let mut is_there = false;
    wire.find(&search, |_| {
        is_there = true;
        Ok(())
    })
    .await?;
    Ok(is_there)
}
