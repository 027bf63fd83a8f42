//! The groups somebody is in, groups around them included. Each group is looked at once, so groups that lie inside each
//! other come to an end.

use crate::limits;
use crate::person::Person;
use crate::protocol::message::{Entry, Scope, Search};
use crate::protocol::wire::{NO_SUCH_ENTRY, Wire, anything};
use crate::trouble::Trouble;
use doorward_engine::federation::directory::dn::Dn;
use doorward_engine::federation::directory::filter::{BadFilter, Filter};
use doorward_engine::federation::settings::{GroupSearch, LdapSettings, Nesting, Reach};
use std::collections::{BTreeMap, BTreeSet};

/// Active Directory's rule that follows groups inside groups (MS-ADTS 3.1.1.3.4.4.3).
const IN_CHAIN: &str = "1.2.840.113556.1.4.1941";

/// The names of the groups somebody is in; `None` when groups are not read. More than anybody can be in are told as well:
/// the engine refuses them, and a part of them would be the wrong ones.
pub(crate) async fn of(
    wire: &mut Wire,
    settings: &LdapSettings,
    person: &Person,
) -> Result<Option<Vec<String>>, Trouble> {
    let Some(groups) = &settings.groups else { return Ok(None) };
    let mut walk = Walk::of(settings, groups)?;
    walk.run(wire, person).await?;
    Ok(Some(walk.found.into_values().collect::<BTreeSet<_>>().into_iter().collect()))
}

struct Walk<'a> {
    settings: &'a LdapSettings,
    groups: &'a GroupSearch,
    filter: Filter,
    /// By their names as entries, in one spelling.
    found: BTreeMap<String, String>,
    /// Entries looked at, groups that count or not.
    seen: BTreeSet<String>,
}

impl<'a> Walk<'a> {
    fn of(settings: &'a LdapSettings, groups: &'a GroupSearch) -> Result<Self, Trouble> {
        let filter =
            Filter::parse(settings.group_filter()).map_err(|bad: BadFilter| Trouble::Settings(bad.to_string()))?;
        Ok(Self { settings, groups, filter, found: BTreeMap::new(), seen: BTreeSet::new() })
    }

    async fn run(&mut self, wire: &mut Wire, person: &Person) -> Result<(), Trouble> {
        let mut next = match self.groups.member_of.as_deref() {
            Some(attribute) => {
                let named = named_by(wire, attribute, person).await?;
                self.look_at(wire, named).await?
            }
            None => self.around_person(wire, person).await?,
        };
        next.extend(self.primary(wire, person).await?);
        if self.settings.nesting() == Nesting::Off || self.is_in_chain() {
            return Ok(());
        }
        // However deep they lie: what was seen is not looked at again, so rings come to an end.
        while !next.is_empty() && self.found.len() <= limits::GROUPS {
            next = self.further(wire, next).await?;
        }
        Ok(())
    }

    /// One level on. Groups without a name count for nothing and could go on for ever: they are not followed without an end.
    async fn further(&mut self, wire: &mut Wire, inner: Vec<String>) -> Result<Vec<String>, Trouble> {
        if self.seen.len() > limits::LOOKED_AT {
            return Err(Trouble::TooManyGroups(limits::LOOKED_AT));
        }
        match self.groups.member_of {
            Some(_) => self.look_at(wire, inner).await,
            None => self.around(wire, &inner).await,
        }
    }

    fn is_in_chain(&self) -> bool {
        self.settings.nesting() == Nesting::InChain && self.groups.member_of.is_none()
    }

    /// Groups that name the person.
    async fn around_person(&mut self, wire: &mut Wire, person: &Person) -> Result<Vec<String>, Trouble> {
        let member = self.member(person.groups.value.as_deref().unwrap_or(person.dn.as_bytes()));
        // A person without the value that stands in groups is in none.
        if self.groups.member_value.is_some() && person.groups.value.is_none() {
            return Ok(Vec::new());
        }
        self.search(wire, vec![member]).await
    }

    /// Groups that name one of these groups.
    async fn around(&mut self, wire: &mut Wire, inner: &[String]) -> Result<Vec<String>, Trouble> {
        let mut next = Vec::new();
        for some in inner.chunks(limits::NAMES_AT_ONCE) {
            let members = some.iter().map(|dn| self.member(dn.as_bytes())).collect();
            next.extend(self.search(wire, members).await?);
        }
        Ok(next)
    }

    fn member(&self, value: &[u8]) -> Filter {
        let attribute = self.settings.member_attribute();
        if self.is_in_chain() {
            return Filter::Rule(Some(IN_CHAIN.to_owned()), Some(attribute.to_owned()), false, value.to_vec());
        }
        Filter::equal(attribute, value)
    }

    /// Active Directory's primary group, and the ones around it.
    async fn primary(&mut self, wire: &mut Wire, person: &Person) -> Result<Vec<String>, Trouble> {
        let Some(identifier) = &person.groups.primary else { return Ok(Vec::new()) };
        let own = self.search(wire, vec![Filter::equal("objectSid", identifier)]).await?;
        if self.is_in_chain() { self.around(wire, &own).await } else { Ok(own) }
    }

    /// Groups that fit one of these; those not seen before are handed back.
    async fn search(&mut self, wire: &mut Wire, ways: Vec<Filter>) -> Result<Vec<String>, Trouble> {
        let filter = Filter::And(vec![self.filter.clone(), Filter::Or(ways)]);
        let attributes = self.attributes();
        let scope = match self.groups.reach {
            Reach::One => Scope::One,
            Reach::Whole => Scope::Whole,
        };
        let search = Search { base: &self.groups.base, scope, filter: &filter, attributes: &attributes, most: 0 };
        let mut entries = Vec::new();
        let size = self.settings.page_size;
        wire.every(&search, size, |entry| {
            entries.push((entry.dn.to_owned(), name_of(entry, self.settings)));
            Ok(())
        })
        .await?;
        Ok(entries.into_iter().filter_map(|(dn, name)| self.note(dn, name)).collect())
    }

    /// Looks at the groups of these names, and hands back those they say they are in themselves.
    async fn look_at(&mut self, wire: &mut Wire, named: Vec<String>) -> Result<Vec<String>, Trouble> {
        let base = Dn::parse(&self.groups.base).map_err(|bad| Trouble::Settings(bad.to_string()))?;
        let mut next = Vec::new();
        for dn in named {
            if self.found.len() > limits::GROUPS {
                break;
            }
            let is_below = Dn::parse(&dn).is_ok_and(|dn| dn.is_within(&base));
            if !is_below || !self.seen.insert(spelled(&dn)) {
                continue;
            }
            let attributes = self.attributes();
            let search =
                Search { base: &dn, scope: Scope::Base, filter: &self.filter, attributes: &attributes, most: 0 };
            let attribute = self.groups.member_of.as_deref().unwrap_or_default();
            let mut entry_found = None;
            let outcome = wire
                .search(&search, None, |entry| {
                    let above = entry.values(attribute).filter_map(|value| std::str::from_utf8(value).ok());
                    entry_found = Some((name_of(entry, self.settings), above.map(str::to_owned).collect::<Vec<_>>()));
                    Ok(())
                })
                .await?;
            if !matches!(outcome.code, 0 | NO_SUCH_ENTRY) {
                return Err(wire.refused("looking at a group", outcome));
            }
            if let Some((name, above)) = entry_found {
                self.found.extend(name.map(|name| (spelled(&dn), name)));
                next.extend(above);
            }
        }
        Ok(next)
    }

    fn attributes(&self) -> Vec<&str> {
        let name = self.settings.group_name_attribute();
        std::iter::once(name).chain(self.groups.member_of.as_deref()).collect()
    }

    /// Notes a group; its name as an entry, if it was not seen before.
    fn note(&mut self, dn: String, name: Option<String>) -> Option<String> {
        let key = spelled(&dn);
        if !self.seen.insert(key.clone()) {
            return None;
        }
        self.found.extend(name.map(|name| (key, name)));
        Some(dn)
    }
}

pub(crate) fn name_of(entry: &Entry<'_>, settings: &LdapSettings) -> Option<String> {
    entry.text(settings.group_name_attribute()).filter(|name| !name.is_empty()).map(str::to_owned)
}

/// An entry's name in one spelling; as it is written where it cannot be read.
fn spelled(dn: &str) -> String {
    Dn::parse(dn).map_or_else(|_| dn.to_owned(), |dn| dn.to_string())
}

/// The groups an entry names, those too that were told later because there are many.
pub(crate) async fn named_by(wire: &mut Wire, attribute: &str, person: &Person) -> Result<Vec<String>, Trouble> {
    let mut named = person.groups.member_of.clone();
    if let Some(from) = person.groups.rest {
        rest(wire, (&person.dn, attribute), from, |value| {
            named.extend(std::str::from_utf8(value).ok().map(str::to_owned));
            Ok(named.len() <= limits::GROUPS)
        })
        .await?;
    }
    Ok(named)
}

/// What is left of an attribute that was told in part, from a place on; `false` is enough of it.
pub(crate) async fn rest(
    wire: &mut Wire,
    (dn, attribute): (&str, &str),
    from: u64,
    mut each: impl FnMut(&[u8]) -> Result<bool, Trouble> + Send,
) -> Result<(), Trouble> {
    let mut next = Some(from);
    while let Some(from) = next {
        let wanted = format!("{attribute};range={from}-*");
        let (filter, attributes) = (anything(), [wanted.as_str()]);
        let search = Search { base: dn, scope: Scope::Base, filter: &filter, attributes: &attributes, most: 0 };
        next = None;
        wire.find(&search, |entry| {
            if let Some((values, rest)) = entry.part(attribute) {
                let mut is_wanted = true;
                for value in values {
                    is_wanted &= each(value)?;
                }
                // Only forward: a directory that goes back would never come to an end.
                next = rest.filter(|rest| *rest > from && is_wanted);
            }
            Ok(())
        })
        .await?;
    }
    Ok(())
}

/// The names of the groups around these; `None` when there are too many to be followed one by one.
pub(crate) async fn around(
    wire: &mut Wire,
    settings: &LdapSettings,
    inner: Vec<String>,
) -> Result<Option<Vec<String>>, Trouble> {
    let Some(groups) = settings.groups.as_ref().filter(|_| settings.nesting() != Nesting::Off) else {
        return Ok(Some(Vec::new()));
    };
    let mut walk = Walk::of(settings, groups)?;
    let mut next = inner;
    loop {
        next = match walk.further(wire, next).await {
            Ok(next) => next,
            Err(Trouble::TooManyGroups(_)) => return Ok(None),
            Err(trouble) => return Err(trouble),
        };
        if walk.found.len() > limits::GROUPS {
            return Ok(None);
        }
        // Active Directory has told all of them at once.
        if next.is_empty() || walk.is_in_chain() {
            return Ok(Some(walk.found.into_values().collect()));
        }
    }
}
