//! What changed at a directory since it was read last: people, and those whom groups that changed name or have named. Who
//! they are is told by the entries as they are now; whom a group has named before, the engine knows.

use crate::groups::{self, name_of, rest};
use crate::limits;
use crate::person::{Person, subject_values};
use crate::protocol::message::{Entry, Scope, Search};
use crate::protocol::wire::{NO_SUCH_ENTRY, SUCCESS};
use crate::reading::{Reading, anybody};
use crate::trouble::Trouble;
use doorward_engine::federation::directory::dn::Dn;
use doorward_engine::federation::directory::filter::{BadFilter, Filter};
use doorward_engine::federation::settings::{LdapSettings, Nesting, Reach};
use doorward_engine::federation::sync::Page;
use std::collections::{BTreeMap, BTreeSet};

/// To be asked elsewhere; no name of an entry (RFC 4511 appendix A).
const REFERRAL: i64 = 10;
const BAD_NAME: i64 = 34;

/// Groups that changed.
#[derive(Debug, Default)]
pub struct ChangedGroups {
    /// What they and the groups around them are called: whoever was in one of them may be in it no more.
    pub names: Vec<String>,
    /// What stands in them for their members now.
    members: BTreeSet<Vec<u8>>,
    /// They are so many, or have so many members, that everybody is to be read.
    pub is_much: bool,
}

/// The rest of a group that was told in part.
struct Part {
    dn: String,
    attribute: String,
    from: u64,
}

impl ChangedGroups {
    /// Notes whom an entry names; where the rest begins.
    fn note(&mut self, entry: &Entry<'_>, settings: &LdapSettings) -> Vec<Part> {
        let mut parts = Vec::new();
        for attribute in attributes_of_members(settings) {
            let (values, next) = entry.part(attribute).unwrap_or_else(|| (entry.values(attribute), None));
            values.for_each(|value| self.member(value));
            let (dn, attribute) = (entry.dn.to_owned(), attribute.to_owned());
            parts.extend(next.map(|from| Part { dn, attribute, from }));
        }
        parts
    }

    fn member(&mut self, value: &[u8]) {
        if self.members.len() < limits::FOLLOWED {
            self.members.insert(value.to_vec());
        } else {
            self.is_much = true;
        }
    }
}

/// By which attributes groups name members: the one that was said, or where people say it, those that usually are behind it.
fn attributes_of_members(settings: &LdapSettings) -> Vec<&str> {
    match settings.groups.as_ref().and_then(|groups| groups.member_of.as_ref()) {
        Some(_) => vec!["member", "uniqueMember"],
        None => vec![settings.member_attribute()],
    }
}

impl Reading {
    /// The groups that changed since.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn changed_groups(&mut self, since: i64) -> Result<ChangedGroups, Trouble> {
        let place = self.place.clone();
        let settings = &place.settings;
        let mut changed = ChangedGroups::default();
        let Some(groups) = &settings.groups else { return Ok(changed) };
        let filter = Filter::And(vec![group_filter(settings)?, self.stand.since(since)]);
        let mut attributes = vec![settings.group_name_attribute()];
        attributes.extend(attributes_of_members(settings));
        attributes.extend(self.stand.attribute());
        let scope = Scope::from(groups.reach);
        let search = Search { base: &groups.base, scope, filter: &filter, attributes: &attributes, most: 0 };
        let (mut dns, mut parts) = (Vec::new(), Vec::new());
        let (size, stand) = (settings.page_size.min(limits::GROUPS_AT_ONCE), &mut self.stand);
        self.wire
            .every(&search, size, |entry| {
                stand.note(entry);
                if dns.len() >= limits::FOLLOWED {
                    changed.is_much = true;
                    return Ok(());
                }
                dns.push(entry.dn.to_owned());
                changed.names.extend(name_of(entry, settings));
                parts.extend(changed.note(entry, settings));
                Ok(())
            })
            .await?;
        self.rest_of(&mut changed, parts).await?;
        if !changed.is_much && !dns.is_empty() {
            match groups::around(&mut self.wire, settings, dns).await? {
                Some(around) => changed.names.extend(around),
                None => changed.is_much = true,
            }
        }
        Ok(changed)
    }

    async fn rest_of(&mut self, changed: &mut ChangedGroups, parts: Vec<Part>) -> Result<(), Trouble> {
        for part in parts {
            if changed.is_much {
                return Ok(());
            }
            rest(&mut self.wire, (&part.dn, &part.attribute), part.from, |value| {
                changed.member(value);
                Ok(!changed.is_much)
            })
            .await?;
        }
        Ok(())
    }

    /// Reads who changed since, whom the groups that changed name, and those of these subjects: whom they named before.
    /// `None` without these, or when too many are concerned: then everybody is to be read.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn changes(
        &mut self,
        since: i64,
        (groups, before): (ChangedGroups, Option<Vec<String>>),
    ) -> Result<Option<Vec<Page>>, Trouble> {
        let place = self.place.clone();
        let settings = &place.settings;
        let mut found = Found::default();
        let is_much = groups.is_much || before.is_none() || self.changed_people(settings, since, &mut found).await?;
        if is_much
            || self.members(settings, groups, &mut found).await?
            || self.again(settings, before.unwrap_or_default(), &mut found).await?
        {
            return Ok(None);
        }
        let mut all = Vec::with_capacity(found.people.len());
        for person in found.people.values() {
            match groups::of(&mut self.wire, settings, person).await {
                Ok(groups) => all.push(self.present(settings, person, groups)),
                // Who reads everybody follows groups however many they are.
                Err(Trouble::TooManyGroups(_)) => return Ok(None),
                Err(trouble) => return Err(trouble),
            }
        }
        let (mut all, mut nameless) = (all.into_iter(), found.nameless);
        let size = usize::try_from(settings.page_size).unwrap_or(usize::MAX);
        let mut pages = Vec::new();
        loop {
            let people: Vec<_> = all.by_ref().take(size).collect();
            if people.is_empty() && nameless == 0 {
                return Ok(Some(pages));
            }
            pages.push(Page { people, nameless: std::mem::take(&mut nameless) });
        }
    }

    /// People whose own entries changed; `true` when they are too many.
    async fn changed_people(
        &mut self,
        settings: &LdapSettings,
        since: i64,
        found: &mut Found,
    ) -> Result<bool, Trouble> {
        let filter = Filter::And(vec![anybody(settings)?, self.stand.since(since)]);
        let attributes = self.attributes(settings);
        let scope = Scope::from(settings.users.reach);
        let search = Search { base: &settings.users.base, scope, filter: &filter, attributes: &attributes, most: 0 };
        let (stand, now) = (&mut self.stand, self.now);
        let each = |entry: &Entry<'_>| {
            stand.note(entry);
            found.note(Person::read(settings, entry, now))
        };
        self.wire.every(&search, settings.page_size, each).await?;
        Ok(found.is_much())
    }

    /// People whom groups name, and groups inside them; `true` when they are too many.
    async fn members(
        &mut self,
        settings: &LdapSettings,
        mut groups: ChangedGroups,
        found: &mut Found,
    ) -> Result<bool, Trouble> {
        if let Some(attribute) = settings.groups.as_ref().and_then(|groups| groups.member_value.as_deref()) {
            let all: Vec<Filter> = groups.members.iter().map(|value| Filter::equal(attribute, value)).collect();
            return self.people(settings, all, found).await;
        }
        let mut seen = BTreeSet::new();
        while let Some(member) = groups.members.pop_first() {
            let Some(dn) = std::str::from_utf8(&member).ok().and_then(|text| Dn::parse(text).ok()) else { continue };
            if !seen.insert(dn.to_string()) {
                continue;
            }
            if groups.is_much || seen.len() > limits::FOLLOWED {
                return Ok(true);
            }
            let written = String::from_utf8_lossy(&member).into_owned();
            let is_person = is_below(&dn, (&settings.users.base, settings.users.reach))
                && self.person_at(settings, &written, found).await?;
            if !is_person {
                self.inner(settings, (&dn, &written), &mut groups).await?;
            }
        }
        Ok(found.is_much())
    }

    /// Reads a person by the entry's name; `false` when nobody who could be found is there.
    async fn person_at(&mut self, settings: &LdapSettings, dn: &str, found: &mut Found) -> Result<bool, Trouble> {
        let (filter, attributes, now) = (anybody(settings)?, self.attributes(settings), self.now);
        let search = Search { base: dn, scope: Scope::Base, filter: &filter, attributes: &attributes, most: 0 };
        let mut is_there = false;
        let each = |entry: &Entry<'_>| {
            is_there = true;
            found.note(Person::read(settings, entry, now))
        };
        let outcome = self.wire.search(&search, None, each).await?;
        match outcome.code {
            SUCCESS | REFERRAL | NO_SUCH_ENTRY | BAD_NAME => Ok(is_there),
            _ => Err(self.wire.refused("looking at a member", outcome)),
        }
    }

    /// Notes the members of a group inside another one.
    async fn inner(
        &mut self,
        settings: &LdapSettings,
        (dn, written): (&Dn, &str),
        groups: &mut ChangedGroups,
    ) -> Result<(), Trouble> {
        let Some(base) = settings.groups.as_ref().map(|groups| (groups.base.as_str(), groups.reach)) else {
            return Ok(());
        };
        if settings.nesting() == Nesting::Off || !is_below(dn, base) {
            return Ok(());
        }
        let filter = group_filter(settings)?;
        let attributes = attributes_of_members(settings);
        let search = Search { base: written, scope: Scope::Base, filter: &filter, attributes: &attributes, most: 0 };
        let mut parts = Vec::new();
        let each = |entry: &Entry<'_>| {
            parts = groups.note(entry, settings);
            Ok(())
        };
        let outcome = self.wire.search(&search, None, each).await?;
        if !matches!(outcome.code, SUCCESS | REFERRAL | NO_SUCH_ENTRY | BAD_NAME) {
            return Err(self.wire.refused("looking at a group", outcome));
        }
        self.rest_of(groups, parts).await
    }

    /// People who are here already; `true` when they are too many.
    async fn again(
        &mut self,
        settings: &LdapSettings,
        subjects: Vec<String>,
        found: &mut Found,
    ) -> Result<bool, Trouble> {
        let attribute = settings.subject_attribute();
        let mut ways = Vec::new();
        for subject in subjects.iter().filter(|subject| !found.people.contains_key(*subject)) {
            ways.extend(subject_values(attribute, subject).iter().map(|value| Filter::equal(attribute, value)));
        }
        self.people(settings, ways, found).await
    }

    /// People who fit one of these; `true` when they are too many.
    async fn people(&mut self, settings: &LdapSettings, ways: Vec<Filter>, found: &mut Found) -> Result<bool, Trouble> {
        let attributes = self.attributes(settings);
        let (scope, now) = (Scope::from(settings.users.reach), self.now);
        for some in ways.chunks(limits::NAMES_AT_ONCE) {
            let filter = Filter::And(vec![anybody(settings)?, Filter::Or(some.to_vec())]);
            let base = &settings.users.base;
            let search = Search { base, scope, filter: &filter, attributes: &attributes, most: 0 };
            self.wire.find(&search, |entry| found.note(Person::read(settings, entry, now))).await?;
            if found.is_much() {
                return Ok(true);
            }
        }
        Ok(found.is_much())
    }
}

/// People who were found, each once.
#[derive(Default)]
struct Found {
    people: BTreeMap<String, Person>,
    nameless: usize,
}

impl Found {
    fn note(&mut self, read: Result<Person, Trouble>) -> Result<(), Trouble> {
        match read {
            // One more says that they are too many.
            Ok(_) if self.is_much() => {}
            Ok(person) => drop(self.people.insert(person.subject().to_owned(), person)),
            Err(trouble) if trouble.is_of_person() => self.nameless += 1,
            Err(trouble) => return Err(trouble),
        }
        Ok(())
    }

    fn is_much(&self) -> bool {
        self.people.len() > limits::FOLLOWED
    }
}

fn group_filter(settings: &LdapSettings) -> Result<Filter, Trouble> {
    Filter::parse(settings.group_filter()).map_err(|bad: BadFilter| Trouble::Settings(bad.to_string()))
}

/// Whether a search below a base would come across an entry.
fn is_below(dn: &Dn, (base, reach): (&str, Reach)) -> bool {
    Dn::parse(base).is_ok_and(|base| match reach {
        Reach::One => dn.is_child_of(&base),
        Reach::Whole => dn.is_within(&base),
    })
}
