//! Which group lies inside which, and who is in which. Only what source `declared` said is ever taken back.

use super::{GroupKey, Planner, UserKey, sort};
use crate::declared::check::{Edge, Nesting};
use crate::declared::complaint::Position;
use crate::declared::object::{Declared, DeclaredGroup, DeclaredUser};
use crate::declared::step::Step;
use doorward_model::name::{GroupName, UserName};
use doorward_model::people::Source;
use std::collections::{BTreeMap, BTreeSet, HashSet};

impl<'a> Planner<'a> {
    /// Plans which groups lie inside which.
    pub(super) fn nestings(&mut self, declared: &'a [Declared]) {
        let mut wanted: BTreeMap<(GroupKey<'a>, &'a GroupName), &'a Position> = BTreeMap::new();
        let mut owned: HashSet<GroupKey<'a>> = HashSet::new();
        for object in declared {
            let Declared::Group(group) = object else { continue };
            let Some(inner) = &group.groups else { continue };
            let key = (&group.realm.value, &group.name.value);
            owned.insert(key);
            for child in inner.iter().filter(|child| self.knows_group(key.0, child)).collect::<Vec<_>>() {
                wanted.entry((key, &child.value)).or_insert(&child.at);
            }
        }
        let mut nesting = Nesting::default();
        let mut there: HashSet<(GroupKey<'a>, &'a GroupName)> = HashSet::new();
        for (parent, child, source) in &self.current.nesting {
            let (Some(parent), Some(child)) = (self.group_keys.get(parent), self.group_keys.get(child)) else {
                continue;
            };
            let is_declared = *source == Source::Declared;
            if is_declared && owned.contains(parent) && !wanted.contains_key(&(*parent, child.1)) {
                let (realm, parent, child) = (parent.0.clone(), parent.1.clone(), child.1.clone());
                self.edges.push(Step::Unnest { realm, parent, child });
                continue;
            }
            if is_declared {
                there.insert((*parent, child.1));
            }
            nesting.keep(&Edge { realm: parent.0, outer: parent.1, inner: child.1 });
        }
        sort(&mut self.edges);
        for ((parent, child), at) in wanted {
            if there.contains(&(parent, child)) {
                continue;
            }
            if let Err(complaint) = nesting.add(&Edge { realm: parent.0, outer: parent.1, inner: child }, at) {
                self.complaints.push(complaint);
                continue;
            }
            let (realm, parent, child) = (parent.0.clone(), parent.1.clone(), child.clone());
            self.edges.push(Step::Nest { realm, parent, child });
        }
    }

    /// Plans who is in which group.
    pub(super) fn memberships(&mut self, declared: &'a [Declared]) {
        let mut wanted: BTreeSet<(GroupKey<'a>, &'a UserName)> = BTreeSet::new();
        let mut owned_groups: HashSet<GroupKey<'a>> = HashSet::new();
        let mut owned_users: HashSet<UserKey<'a>> = HashSet::new();
        for object in declared {
            match object {
                Declared::Group(DeclaredGroup { realm, name, members: Some(members), .. }) => {
                    owned_groups.insert((&realm.value, &name.value));
                    for user in members {
                        if self.knows_user(&realm.value, user) {
                            wanted.insert(((&realm.value, &name.value), &user.value));
                        }
                    }
                }
                Declared::User(DeclaredUser { realm, name, groups: Some(groups), .. }) => {
                    owned_users.insert((&realm.value, &name.value));
                    for group in groups {
                        if self.knows_group(&realm.value, group) {
                            wanted.insert(((&realm.value, &group.value), &name.value));
                        }
                    }
                }
                _ => (),
            }
        }
        let mut removed = Vec::new();
        for (group, user, source) in &self.current.members {
            let (Some(group), Some(user)) = (self.group_keys.get(group), self.user_keys.get(user)) else { continue };
            if *source != Source::Declared {
                continue;
            }
            let is_wanted = wanted.remove(&(*group, user.1));
            if !is_wanted && (owned_groups.contains(group) || owned_users.contains(user)) {
                let (realm, group, user) = (group.0.clone(), group.1.clone(), user.1.clone());
                removed.push(Step::RemoveMember { realm, group, user });
            }
        }
        sort(&mut removed);
        self.edges.extend(removed);
        self.edges.extend(wanted.into_iter().map(|(group, user)| Step::AddMember {
            realm: group.0.clone(),
            group: group.1.clone(),
            user: user.clone(),
        }));
    }
}
