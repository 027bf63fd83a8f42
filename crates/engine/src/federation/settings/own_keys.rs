//! Which keys of its own a connector has: one that signs, and for a while those beside it that the provider is still told
//! or may still encrypt for.

use super::SamlSettings;
use crate::limits;
use std::collections::BTreeSet;

/// A step of putting a new key in the place of the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyStep {
    /// A new key is published beside the one that signs.
    Begin,
    /// The new one signs, and the former still opens what was encrypted for it.
    Switch,
    /// The former is forgotten.
    Retire,
}

impl SamlSettings {
    /// The numbers of all own keys, the one that signs first.
    pub fn own_keys(&self) -> Vec<u32> {
        std::iter::once(self.own_key).chain(self.other_own_keys.iter().copied()).collect()
    }

    /// The settings after a step.
    ///
    /// # Errors
    /// One sentence, when another step is to be taken.
    pub fn after(&self, step: KeyStep) -> Result<Self, String> {
        let newest = self.own_keys().into_iter().max().unwrap_or(self.own_key);
        let (own_key, other_own_keys) = match (step, newest == self.own_key, self.other_own_keys.is_empty()) {
            (KeyStep::Begin, _, true) => (self.own_key, vec![newest.saturating_add(1)]),
            (KeyStep::Begin, false, _) => {
                return Err(format!("key {newest} is published already: say --switch when the provider has it"));
            }
            (KeyStep::Begin | KeyStep::Switch, true, false) => {
                return Err(format!("key {newest} signs already: say --retire to forget the one before"));
            }
            (KeyStep::Switch | KeyStep::Retire, _, true) => {
                return Err(format!("key {newest} is the only one: say rotate-key alone to make another"));
            }
            (KeyStep::Switch, false, _) => {
                let others = self.own_keys().into_iter().filter(|number| *number != newest).collect();
                (newest, others)
            }
            (KeyStep::Retire, false, _) => {
                return Err(format!("key {newest} does not sign yet: say --switch first"));
            }
            (KeyStep::Retire, true, false) => (self.own_key, Vec::new()),
        };
        Ok(Self { own_key, other_own_keys, ..self.clone() })
    }

    pub(super) fn check_own_keys(&self) -> Result<(), String> {
        let all = self.own_keys();
        let apart: BTreeSet<u32> = all.iter().copied().collect();
        if apart.len() != all.len() || apart.contains(&0) {
            return Err("own keys have numbers from 1 on, each another one".to_owned());
        }
        match all.len() <= limits::SAML_OWN_KEYS {
            true => Ok(()),
            false => Err(format!("a connector has at most {} keys of its own", limits::SAML_OWN_KEYS)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(own_key: u32, other_own_keys: &[u32]) -> SamlSettings {
        let text = r#"{"entity_id": "https://idp.example.com", "metadata_url": "https://idp.example.com/metadata"}"#;
        let read: SamlSettings = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}"));
        SamlSettings { own_key, other_own_keys: other_own_keys.to_vec(), ..read }
    }

    #[test]
    fn one_key_follows_another_in_three_steps_and_no_other_order() {
        let said = |from: &SamlSettings, step| from.after(step).map(|next| (next.own_key, next.other_own_keys));
        let (one, announced, switched) = (with(1, &[]), with(1, &[2]), with(2, &[1]));
        assert_eq!(said(&one, KeyStep::Begin), Ok((1, vec![2])));
        assert_eq!(said(&announced, KeyStep::Switch), Ok((2, vec![1])));
        assert_eq!(said(&switched, KeyStep::Retire), Ok((2, vec![])));
        assert_eq!(said(&with(2, &[]), KeyStep::Begin), Ok((2, vec![3])));
        for (from, step, word) in [
            (&one, KeyStep::Switch, "the only one"),
            (&one, KeyStep::Retire, "the only one"),
            (&announced, KeyStep::Begin, "--switch"),
            (&announced, KeyStep::Retire, "--switch first"),
            (&switched, KeyStep::Begin, "--retire"),
            (&switched, KeyStep::Switch, "--retire"),
        ] {
            assert!(said(from, step).is_err_and(|why| why.contains(word)), "{step:?}");
        }
    }

    #[test]
    fn which_keys_there_are_is_no_part_of_what_the_word_is_worth() {
        assert_eq!(with(7, &[6]).essence(), with(1, &[]).essence());
        assert_eq!(with(1, &[]).check(), Ok(()));
        assert_eq!(with(3, &[1, 2]).check(), Ok(()));
        for odd in [with(1, &[1]), with(0, &[]), with(1, &[0]), with(1, &[2, 2]), with(1, &[2, 3, 4])] {
            assert!(odd.check().is_err(), "{:?}", odd.own_keys());
        }
        let text = serde_json::to_string(&with(1, &[])).unwrap_or_default();
        assert!(!text.contains("own_key"), "{text}");
    }
}
