//! Keys of a connector's own by their numbers, as they are sealed together. Which of them signs is for settings to say.

use std::collections::{BTreeMap, BTreeSet};
use zeroize::Zeroizing;

/// The number of a connector's first key.
pub const FIRST: u32 = 1;

/// A connector's own keys, each in the form `doorward_jose::self_signed` gives it. They do not print.
#[derive(Default)]
pub struct OwnKeys {
    by_number: BTreeMap<u32, Zeroizing<String>>,
}

impl OwnKeys {
    /// Reads what was sealed: a line for each key, with its number before it. The first one has none: it was the only one
    /// before keys could be replaced. `None` when it is something else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut by_number = BTreeMap::new();
        for line in text.lines() {
            let (number, key) = match line.split_once(' ')? {
                (number, key) if key.contains(' ') => (number.parse().ok()?, key),
                _ => (FIRST, line),
            };
            if by_number.insert(number, Zeroizing::new(key.to_owned())).is_some() {
                return None;
            }
        }
        Some(Self { by_number })
    }

    /// As it is sealed.
    pub fn text(&self) -> Zeroizing<String> {
        let length = self.by_number.values().map(|key| key.len() + 16).sum();
        // As long as it becomes, so that no part of it stays behind where it grew.
        let mut text = Zeroizing::new(String::with_capacity(length));
        for (number, key) in &self.by_number {
            if !text.is_empty() {
                text.push('\n');
            }
            if *number != FIRST {
                text.push_str(&format!("{number} "));
            }
            text.push_str(key);
        }
        text
    }

    /// The key of a number.
    pub fn get(&self, number: u32) -> Option<&str> {
        self.by_number.get(&number).map(|key| key.as_str())
    }

    /// Those of these numbers that are not there.
    pub(crate) fn missing(&self, wanted: &[u32]) -> Vec<u32> {
        wanted.iter().copied().filter(|number| !self.by_number.contains_key(number)).collect()
    }

    /// Takes a key in.
    pub(crate) fn put(&mut self, number: u32, key: Zeroizing<String>) {
        self.by_number.insert(number, key);
    }

    /// Forgets all but these; tells which those were.
    pub(crate) fn keep(&mut self, wanted: &[u32]) -> Vec<u32> {
        let wanted: BTreeSet<u32> = wanted.iter().copied().collect();
        let gone = self.by_number.keys().copied().filter(|number| !wanted.contains(number)).collect();
        self.by_number.retain(|number, _| wanted.contains(number));
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sealed_together_and_the_first_as_ever() {
        let mut keys = OwnKeys::parse("a2V5 Y2VydA==").unwrap_or_default();
        assert_eq!((keys.get(1), keys.text().as_str()), (Some("a2V5 Y2VydA=="), "a2V5 Y2VydA=="));
        assert_eq!(keys.missing(&[1, 2, 3]), [2, 3]);
        keys.put(2, Zeroizing::new("b b".to_owned()));
        assert_eq!(keys.text().as_str(), "a2V5 Y2VydA==\n2 b b");
        let mut read = OwnKeys::parse(&keys.text()).unwrap_or_default();
        assert_eq!((read.get(1), read.get(2), read.get(3)), (Some("a2V5 Y2VydA=="), Some("b b"), None));
        assert_eq!(read.keep(&[2]), [1]);
        assert_eq!(read.text().as_str(), "2 b b");
        assert!(OwnKeys::parse("").is_some_and(|none| none.get(1).is_none()));
        for odd in ["x", "a b\nc d", "1 a b\nc d", "2 a b\n2 c d", "x a b", "-1 a b"] {
            assert!(OwnKeys::parse(odd).is_none(), "{odd}");
        }
    }
}
