//! Who is in which group of a whole directory: entries as marks of 16 bytes under keys of this reading's own, groups as
//! numbers, so that a hundred thousand members take a few megabytes.

use crate::groups::{name_of, rest};
use crate::limits;
use crate::person::Person;
use crate::protocol::message::{Entry, Scope, Search};
use crate::protocol::wire::Wire;
use crate::trouble::Trouble;
use doorward_engine::federation::directory::dn::Dn;
use doorward_engine::federation::directory::filter::{BadFilter, Filter};
use doorward_engine::federation::settings::{LdapSettings, Nesting, Reach};
use std::collections::hash_map::RandomState;
use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher as _, Hash};

/// The groups of a directory.
pub(crate) struct Index {
    names: Vec<Option<String>>,
    /// Each group's number by its own mark.
    numbers: HashMap<u128, u32>,
    /// Marks of members, and the groups that name them, in order.
    inside: Vec<(u128, u32)>,
    /// Marks of groups, and of those they name themselves in, until all numbers are known.
    named: Vec<(u128, u128)>,
    /// Groups by their security identifiers.
    identifiers: HashMap<Vec<u8>, u32>,
    own: Vec<u128>,
    marks: Marks,
    is_nested: bool,
    is_read: bool,
    /// Whether people name their groups.
    is_by_people: bool,
}

/// Turns entries into marks.
struct Marks {
    keys: (RandomState, RandomState),
    /// Whether members are named by a value of theirs and not as entries.
    is_by_value: bool,
}

impl Marks {
    fn mark(&self, what: impl Hash) -> u128 {
        let half = |state: &RandomState| u128::from(state.hash_one(&what));
        (half(&self.keys.0) << 64) | half(&self.keys.1)
    }

    /// An entry, in whatever spelling.
    fn entry(&self, dn: &[u8]) -> u128 {
        match std::str::from_utf8(dn).ok().and_then(|dn| Dn::parse(dn).ok()) {
            Some(dn) => self.mark(dn),
            None => self.mark(dn),
        }
    }

    /// What stands in the attribute of members.
    fn member(&self, value: &[u8]) -> u128 {
        if self.is_by_value { self.mark(value) } else { self.entry(value) }
    }
}

impl Index {
    /// Reads all groups.
    ///
    /// # Errors
    /// [`Trouble`].
    pub(crate) async fn read(wire: &mut Wire, settings: &LdapSettings) -> Result<Self, Trouble> {
        let said = settings.groups.as_ref();
        let is_by_value = said.is_some_and(|groups| groups.member_value.is_some());
        let mut index = Self {
            names: Vec::new(),
            numbers: HashMap::new(),
            inside: Vec::new(),
            named: Vec::new(),
            identifiers: HashMap::new(),
            own: Vec::new(),
            marks: Marks { keys: (RandomState::new(), RandomState::new()), is_by_value },
            is_nested: settings.nesting() != Nesting::Off,
            is_read: said.is_some(),
            is_by_people: said.is_some_and(|groups| groups.member_of.is_some()),
        };
        let Some(groups) = said else { return Ok(index) };
        let filter =
            Filter::parse(settings.group_filter()).map_err(|bad: BadFilter| Trouble::Settings(bad.to_string()))?;
        let attribute = groups.member_of.as_deref().unwrap_or(settings.member_attribute());
        let attributes = [settings.group_name_attribute(), attribute, "objectSid"];
        let scope = match groups.reach {
            Reach::One => Scope::One,
            Reach::Whole => Scope::Whole,
        };
        let search = Search { base: &groups.base, scope, filter: &filter, attributes: &attributes, most: 0 };
        let mut parts = Vec::new();
        let size = settings.page_size.min(limits::GROUPS_AT_ONCE);
        wire.every(&search, size, |entry| {
            parts.extend(index.note(entry, settings, attribute)?);
            index.is_bearable()
        })
        .await?;
        for part in parts {
            index.rest(wire, attribute, part).await?;
        }
        let outer = std::mem::take(&mut index.named);
        let known = outer.into_iter().filter_map(|(own, outer)| Some((own, *index.numbers.get(&outer)?)));
        index.inside.extend(known);
        index.inside.sort_unstable();
        index.inside.dedup();
        Ok(index)
    }

    /// Notes a group; where the rest begins, when it was told in part.
    fn note(&mut self, entry: &Entry<'_>, settings: &LdapSettings, attribute: &str) -> Result<Option<Part>, Trouble> {
        let number = u32::try_from(self.names.len()).map_err(|_| Trouble::TooManyGroups(self.names.len()))?;
        let own = self.marks.entry(entry.dn.as_bytes());
        self.names.push(name_of(entry, settings));
        self.own.push(own);
        self.numbers.insert(own, number);
        if let Some(identifier) = entry.first("objectSid") {
            self.identifiers.insert(identifier.to_vec(), number);
        }
        let (values, rest) = entry.part(attribute).unwrap_or_else(|| (entry.values(attribute), None));
        values.for_each(|value| self.value(value, (own, number)));
        Ok(rest.map(|from| Part { dn: entry.dn.to_owned(), group: (own, number), from }))
    }

    fn is_bearable(&self) -> Result<(), Trouble> {
        let count = self.inside.len() + self.named.len();
        if count > limits::MEMBERSHIPS { Err(Trouble::TooManyMembers(limits::MEMBERSHIPS)) } else { Ok(()) }
    }

    fn value(&mut self, value: &[u8], (own, number): (u128, u32)) {
        if self.is_by_people {
            self.named.push((own, self.marks.entry(value)));
        } else {
            self.inside.push((self.marks.member(value), number));
        }
    }

    /// Reads what is left of a group that was told in part.
    async fn rest(&mut self, wire: &mut Wire, attribute: &str, part: Part) -> Result<(), Trouble> {
        rest(wire, (&part.dn, attribute), part.from, |value| {
            self.value(value, part.group);
            self.is_bearable().map(|()| true)
        })
        .await
    }

    /// The names of the groups somebody is in; `None` when groups are not read.
    pub(crate) fn of(&self, person: &Person) -> Option<Vec<String>> {
        if !self.is_read {
            return None;
        }
        let mut waiting: Vec<u32> = if self.is_by_people {
            let named = person.groups.member_of.iter().map(|dn| self.marks.entry(dn.as_bytes()));
            named.filter_map(|mark| self.numbers.get(&mark).copied()).collect()
        } else if self.marks.is_by_value {
            person.groups.value.iter().flat_map(|value| self.around(self.marks.member(value))).collect()
        } else {
            self.around(self.marks.entry(person.dn.as_bytes())).collect()
        };
        waiting.extend(person.groups.primary.as_ref().and_then(|primary| self.identifiers.get(primary)));
        let mut found = BTreeSet::new();
        while let Some(group) = waiting.pop() {
            if found.insert(group) && self.is_nested {
                let own = usize::try_from(group).ok().and_then(|place| self.own.get(place));
                waiting.extend(own.into_iter().flat_map(|own| self.around(*own)));
            }
        }
        let names = found.into_iter().filter_map(|group| self.names.get(usize::try_from(group).ok()?)?.clone());
        Some(names.collect::<BTreeSet<_>>().into_iter().collect())
    }

    /// The groups that name an entry.
    fn around(&self, mark: u128) -> impl Iterator<Item = u32> {
        let first = self.inside.partition_point(|(known, _)| *known < mark);
        let from = self.inside.get(first..).unwrap_or_default();
        from.iter().take_while(move |(known, _)| *known == mark).map(|(_, group)| *group)
    }
}

/// The rest of a group.
struct Part {
    dn: String,
    group: (u128, u32),
    from: u64,
}
