//! What a provider's groups are here. Pure: names in, names out.

use crate::federation::settings::GroupRules;
use crate::limits;
use doorward_model::name::GroupName;
use std::collections::BTreeMap;

/// What somebody said to be in these groups is a member of here.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Mapped {
    /// The groups, and whether a rule names each: what comes in by its own name alone never administers.
    pub groups: BTreeMap<GroupName, bool>,
    /// What the provider said that is no group here, and why: for whoever tries a connector out.
    pub passed_over: Vec<(String, &'static str)>,
}

/// Maps a provider's groups.
///
/// # Errors
/// How many there may be, when there are more: a part of somebody's groups would be the wrong ones.
pub fn map(rules: &GroupRules, said: &[String]) -> Result<Mapped, usize> {
    // Where rules name the groups that count, there may be more that do not.
    let most = if rules.same_name { limits::EXTERNAL_GROUPS } else { limits::EXTERNAL_GROUPS_SAID };
    if said.len() > most {
        return Err(most);
    }
    let mut mapped = Mapped::default();
    for name in said {
        let (here, is_named) = match rules.map.get(name) {
            Some(here) => (here.as_str(), true),
            None if !rules.same_name => {
                mapped.passed_over.push((name.clone(), "no rule names it"));
                continue;
            }
            None => match rules.prefix.as_deref().map_or(Some(name.as_str()), |prefix| name.strip_prefix(prefix)) {
                Some(rest) => (rest, false),
                None => {
                    mapped.passed_over.push((name.clone(), "it lacks the prefix"));
                    continue;
                }
            },
        };
        match GroupName::parse(here) {
            Ok(here) => *mapped.groups.entry(here).or_default() |= is_named,
            Err(_) => mapped.passed_over.push((name.clone(), "no group can have that name")),
        }
    }
    Ok(mapped)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn rules(same_name: bool, prefix: Option<&str>, map: &[(&str, &str)]) -> GroupRules {
        let map = map.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
        GroupRules { same_name, prefix: prefix.map(str::to_owned), map }
    }

    fn names(mapped: &Mapped) -> Vec<(&str, bool)> {
        mapped.groups.iter().map(|(name, named)| (name.as_str(), *named)).collect()
    }

    #[test]
    fn groups_count_by_their_names_by_a_prefix_or_by_a_rule() -> Result<(), usize> {
        let all = said(&["dagster-users", "0b1c", "corp-airbyte"]);
        let plain = map(&GroupRules::default(), &all)?;
        assert_eq!(names(&plain), [("0b1c", false), ("corp-airbyte", false), ("dagster-users", false)]);
        let stripped = map(&rules(true, Some("corp-"), &[("0b1c", "admins")]), &all)?;
        assert_eq!(names(&stripped), [("admins", true), ("airbyte", false)]);
        assert_eq!(stripped.passed_over, [("dagster-users".to_owned(), "it lacks the prefix")]);
        let listed = map(&rules(false, None, &[("0b1c", "admins")]), &all)?;
        assert_eq!(names(&listed), [("admins", true)]);
        assert_eq!(listed.passed_over.len(), 2);
        // A group that comes both ways is one that a rule names.
        let both = map(&rules(true, None, &[("0b1c", "admins")]), &said(&["admins", "0b1c"]))?;
        assert_eq!(names(&both), [("admins", true)]);
        Ok(())
    }

    #[test]
    fn names_no_group_can_have_are_passed_over_and_too_many_are_refused() -> Result<(), usize> {
        let odd = map(&GroupRules::default(), &said(&["", "a\nb", "fine"]))?;
        assert_eq!(names(&odd), [("fine", false)]);
        assert_eq!(odd.passed_over.len(), 2);
        let many: Vec<String> = (0..=limits::EXTERNAL_GROUPS).map(|number| format!("g{number}")).collect();
        assert_eq!(map(&GroupRules::default(), &many), Err(limits::EXTERNAL_GROUPS));
        let listed = rules(false, None, &[("g7", "admins")]);
        assert_eq!(names(&map(&listed, &many)?), [("admins", true)]);
        let too_many = vec!["g".to_owned(); limits::EXTERNAL_GROUPS_SAID + 1];
        assert_eq!(map(&listed, &too_many), Err(limits::EXTERNAL_GROUPS_SAID));
        Ok(())
    }
}
