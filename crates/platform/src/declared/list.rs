//! Lists in declared objects: how long they may be, and what may stand in them twice.

use super::document::{Document, List, Text};
use super::object::{Located, Reader};
use doorward_engine::limits::CONNECTORS;
use doorward_model::ways::WayName;
use std::collections::HashSet;
use std::fmt::Display;

impl Reader<'_> {
    /// A list; what is written twice counts once.
    pub(super) fn list<T, E: Display>(
        &mut self,
        list: &List,
        most: usize,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Vec<Located<T>> {
        if !self.fits(list, most) {
            return Vec::new();
        }
        let mut seen = HashSet::new();
        let once: Vec<&Text> = list.value.iter().filter(|text| seen.insert(text.value.as_str())).collect();
        once.into_iter().filter_map(|text| self.located(text, &parse)).collect()
    }

    /// A list in which nothing may stand twice, however it is spelled.
    pub(super) fn distinct<T: PartialEq, E: Display>(
        &mut self,
        list: &List,
        most: usize,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Vec<Located<T>> {
        if !self.fits(list, most) {
            return Vec::new();
        }
        let all = list.value.iter().filter_map(|text| self.located(text, &parse)).collect();
        self.once(all)
    }

    /// The ways in that count; none written is every one, and an empty list could be read as none at all.
    pub(super) fn ways(&mut self, written: &Document) -> Vec<Located<WayName>> {
        let Some(list) = &written.connectors else { return Vec::new() };
        if list.value.is_empty() {
            let how = "leave the key out for every way in, or name the ways that count";
            self.complain(&self.at(list), "no way in is named", how);
        }
        self.distinct(list, CONNECTORS + 1, WayName::parse)
    }

    /// The entries of a list, each once; complains about those that stand there twice.
    pub(super) fn once<T: PartialEq>(&mut self, all: Vec<Located<T>>) -> Vec<Located<T>> {
        let mut found: Vec<Located<T>> = Vec::with_capacity(all.len());
        for entry in all {
            match found.iter().find(|known| known.value == entry.value) {
                Some(first) => {
                    let how = format!("keep one of them, the other stands at {}", first.at);
                    self.complain(&entry.at, "this stands twice in one list", how);
                }
                None => found.push(entry),
            }
        }
        found
    }

    fn fits(&mut self, list: &List, most: usize) -> bool {
        let fits = list.value.len() <= most;
        if !fits {
            self.complain(&self.at(list), format!("the list has more than {most} entries"), "shorten it");
        }
        fits
    }
}
