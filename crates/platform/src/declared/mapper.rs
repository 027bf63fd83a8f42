//! Declared mappers: where a claim comes from and where it is told. Clients have them, and scopes of a realm.

use super::client::{claim_name, fixed, mapped_name};
use super::complaint::Position;
use super::document::{List, Text};
use super::object::{Located, Reader, shown, values};
use super::written::{WrittenClaim, WrittenFrom, WrittenMapper};
use crate::limits;
use doorward_engine::clients::mapper::{From, Mapper, Tell};
use doorward_engine::clients::template::{Property, Template};
use doorward_model::name::ClientName;
use serde_saphyr::Spanned;

/// Where a claim can come from, by key.
const SOURCES: &str = "attribute, groups, group_paths, realm_roles, client_roles, property, template, value";

impl Reader<'_> {
    /// A list of mappers.
    pub(super) fn mappers(&mut self, list: Option<&Spanned<Vec<Spanned<WrittenMapper>>>>, most: usize) -> Vec<Mapper> {
        let Some(list) = list else { return Vec::new() };
        if list.value.len() > most {
            let what = format!("the list has more than {most} entries");
            self.complain(&self.at(list), what, "shorten it");
            return Vec::new();
        }
        let read = |written| Some(Located { value: self.mapper(written)?, at: self.at(written) });
        let all = list.value.iter().filter_map(read).collect();
        values(self.once(all))
    }

    fn mapper(&mut self, written: &Spanned<WrittenMapper>) -> Option<Mapper> {
        match &written.value {
            WrittenMapper { claim: Some(claim), audience: None } => self.claim(claim),
            WrittenMapper { claim: None, audience: Some(text) } => {
                let audience = self.located(text, |text| claim_name("audience", text))?;
                Some(Mapper::Audience(audience.value))
            }
            _ => {
                let at = self.at(written);
                self.no(&at, "this is no mapper", "write an object with one of claim, audience")
            }
        }
    }

    fn claim(&mut self, written: &WrittenClaim) -> Option<Mapper> {
        let names = &written.path.value.0;
        let path_at = self.at(&written.path);
        if !(1..=limits::CLAIM_DEPTH).contains(&names.len()) {
            let what = format!("the path of a claim has 1 to {} names", limits::CLAIM_DEPTH);
            self.complain(&path_at, what, "correct the value");
        }
        for (place, name) in names.iter().enumerate() {
            // Only the first name can be one that tokens are checked by.
            let checked = if place == 0 { mapped_name(name) } else { claim_name("claim", name) };
            if let Err(what) = checked {
                self.complain(&path_at, what, "choose another name");
            }
        }
        let tell = match &written.tell {
            Some(list) => self.tell(list),
            None => Tell::default(),
        };
        let from = self.from(&written.from)?;
        Some(Mapper::Claim { path: names.clone(), from, tell })
    }

    fn from(&mut self, written: &Spanned<WrittenFrom>) -> Option<From> {
        let at = self.at(written);
        let all = &written.value;
        self.check_beside(written);
        let sources = [
            all.attribute.is_some(),
            all.groups.is_some(),
            all.group_paths.is_some(),
            all.realm_roles.is_some(),
            all.client_roles.is_some(),
            all.property.is_some(),
            all.template.is_some(),
            all.value.is_some(),
        ];
        if sources.into_iter().filter(|is_there| *is_there).count() != 1 {
            return self.no(&at, "a claim comes from one place", format!("write one of {SOURCES}"));
        }
        let from = self.source(all, &at)?;
        match &all.join {
            Some(with) => Some(From::Joined { with: self.short(with)?, of: Box::new(from) }),
            None => Some(from),
        }
    }

    /// Complains about keys that say something about another source than the one written.
    fn check_beside(&mut self, written: &Spanned<WrittenFrom>) {
        let all = &written.value;
        let at = self.at(written);
        let is_many = all.many.unwrap_or(false);
        let is_list = all.groups.is_some() || all.group_paths.is_some();
        let is_roles = all.realm_roles.is_some() || all.client_roles.is_some();
        if all.many.is_some() && all.attribute.is_none() {
            self.complain(&at, "`many` stands without an attribute", "remove it");
        }
        if all.add.is_some() && !is_roles {
            self.complain(&at, "`add` stands without realm_roles or client_roles", "remove it");
        }
        if all.join.is_some() && !is_list && !is_roles && !is_many {
            self.complain(&at, "`join` stands without a list to join", "remove it, or write many: true");
        }
    }

    fn source(&mut self, written: &WrittenFrom, at: &Position) -> Option<From> {
        let add = match &written.add {
            Some(text) => self.short(text)?,
            None => String::new(),
        };
        if let Some(text) = &written.attribute {
            let name = self.located(text, |text| claim_name("attribute", text))?.value;
            return Some(From::Attribute { name, many: written.many.unwrap_or(false) });
        }
        if let Some(prefix) = &written.groups {
            return Some(From::Groups { prefix: prefix.value.clone() });
        }
        if let Some(prefix) = &written.group_paths {
            return Some(From::GroupPaths { prefix: prefix.value.clone() });
        }
        if let Some(prefix) = &written.realm_roles {
            return Some(From::RealmRoles { prefix: prefix.value.clone(), add });
        }
        if let Some(text) = &written.client_roles {
            let client = self.located(text, ClientName::parse)?.value.to_string();
            return Some(From::ClientRoles { client, add });
        }
        if let Some(text) = &written.property {
            return self.located(text, property).map(|located| From::Property(located.value));
        }
        if let Some(text) = &written.template {
            return self.located(text, Template::parse).map(|located| From::Template(located.value));
        }
        match fixed(written.value.clone()?) {
            Ok(from) => Some(from),
            Err(what) => self.no(at, what, "shorten it"),
        }
    }

    /// A short text that stands in claims.
    fn short(&mut self, text: &Text) -> Option<String> {
        let most = limits::CLAIM_NAME_BYTES;
        let fits = |text: &str| match text.len() <= most {
            true => Ok(text.to_owned()),
            false => Err(format!("the text may have at most {most} bytes")),
        };
        self.located(text, fits).map(|located| located.value)
    }

    fn tell(&mut self, list: &List) -> Tell {
        const PLACES: [&str; 4] = ["access", "id", "userinfo", "introspection"];
        let place = |text: &str| match PLACES.contains(&text) {
            true => Ok(text.to_owned()),
            false => Err(format!("the place `{}` is not one of {}", shown(text), PLACES.join(", "))),
        };
        let told = values(self.list(list, PLACES.len(), place));
        if list.value.is_empty() {
            let how = format!("write some of {}, or leave out the key", PLACES.join(", "));
            self.complain(&self.at(list), "the claim is told nowhere", how);
        }
        let is_told = |place: &str| told.iter().any(|known| known == place);
        Tell {
            access: is_told("access"),
            id: is_told("id"),
            userinfo: is_told("userinfo"),
            introspection: is_told("introspection").then_some(true),
        }
    }
}

fn property(text: &str) -> Result<Property, String> {
    let known: Vec<&str> = Property::ALL.iter().map(|(_, name)| *name).collect();
    Property::parse(text).ok_or_else(|| format!("the property `{}` is not one of {}", shown(text), known.join(", ")))
}
