//! Groups as a directory says them, put in place of what it said before.

use super::{Here, Reading};
use crate::administration::{self, Rights};
use crate::door::Door;
use crate::limits;
use crate::manage;
use doorward_model::change::Change;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::Fault;
use doorward_model::id::{GroupId, UserId};
use doorward_model::people::Holder;
use doorward_store::tx::Tx;
use doorward_store::{groups, roles, sync};
use std::collections::{BTreeSet, HashMap};

/// A user and the groups the directory says.
pub(super) struct Wanted {
    pub(super) user: UserId,
    /// Nothing is known of them yet.
    pub(super) is_new: bool,
    pub(super) groups: BTreeSet<GroupId>,
}

impl Reading<'_> {
    /// The groups somebody would be in, made when missing; without those that administer, unless a rule names them.
    pub(super) async fn ids(&mut self, door: &Door, tx: &mut Tx, one: &Here<'_>) -> Result<BTreeSet<GroupId>, Fault> {
        let mut ids = BTreeSet::new();
        for name in &one.groups {
            if !self.groups.contains_key(name) {
                let group = match groups::find(tx, &self.realm.id, name).await? {
                    Some(group) => group,
                    None => match manage::groups::create(door, tx, &self.realm.id, name.clone()).await? {
                        Ok(group) => group,
                        Err(_) => continue,
                    },
                };
                self.groups.insert(name.clone(), group.id);
            }
            let Some(id) = self.groups.get(name).cloned() else { continue };
            if one.named.contains(name) || !self.administers(door, tx, &id).await? {
                ids.insert(id);
            }
        }
        Ok(ids)
    }

    /// Whether a group administers, as of this page: reading may take hours, and meanwhile somebody may give it a role.
    async fn administers(&mut self, door: &Door, tx: &mut Tx, group: &GroupId) -> Result<bool, Fault> {
        if self.bearing.is_none() {
            // Most groups have no role at all: one question for all of them.
            let bearing = roles::bearing(tx, &self.realm.id).await?;
            self.bearing = Some(bearing.into_iter().map(|id| (id, None)).collect());
        }
        let known = self.bearing.as_ref().and_then(|bearing| bearing.get(group));
        match known {
            None => return Ok(false),
            Some(Some(administers)) => return Ok(*administers),
            Some(None) => {}
        }
        let mut administers = false;
        for id in groups::all_above(tx, group).await? {
            let asked = (Rights::default(), self.realm);
            administers |= administration::outranks(door, tx, asked, &Holder::Group(id)).await?.is_err();
        }
        if let Some(bearing) = &mut self.bearing {
            bearing.insert(group.clone(), Some(administers));
        }
        Ok(administers)
    }

    /// Puts what the directory says now in place of what it said before.
    pub(super) async fn put_groups(&mut self, tx: &mut Tx, wanted: &[Wanted]) -> Result<(), Fault> {
        let known: Vec<&str> = wanted.iter().filter(|one| !one.is_new).map(|one| one.user.as_str()).collect();
        let mut said: HashMap<String, BTreeSet<String>> = HashMap::new();
        for (user, group) in sync::said(tx, &self.source, &known).await? {
            said.entry(user).or_default().insert(group);
        }
        let (mut first, mut added) = (Vec::new(), Vec::new());
        let mut changed = Vec::new();
        for one in wanted {
            if one.is_new {
                first.extend(one.groups.iter().map(|group| (group, &one.user)));
                continue;
            }
            let before = said.remove(one.user.as_str()).unwrap_or_default();
            let count = added.len();
            let new = one.groups.iter().filter(|group| !before.contains(group.as_str()));
            added.extend(new.map(|group| (group, &one.user)));
            let is_gone = |group: &&String| !one.groups.iter().any(|now| now.as_str() == group.as_str());
            let gone: Vec<&String> = before.iter().filter(is_gone).collect();
            for group in &gone {
                let id = GroupId::parse(group).map_err(|error| Fault::corrupt("memberships", group, error))?;
                groups::remove_member(tx, &id, &one.user, &self.source).await?;
            }
            if added.len() > count || !gone.is_empty() {
                changed.push(&one.user);
            }
        }
        sync::add_members(tx, &self.source, (&first, true)).await?;
        sync::add_members(tx, &self.source, (&added, false)).await?;
        for user in &changed {
            let detail = format!("{}: groups as the directory has them", self.told());
            tx.record(Event::new(EventKind::UserChanged, Some(&self.realm.id), user.to_string(), detail));
        }
        self.report.regrouped += changed.len();
        if changed.len() > limits::CHANGES_AT_ONCE {
            tx.changed(Change::Groups(self.realm.id.clone()));
        } else {
            changed.into_iter().for_each(|user| tx.changed(Change::User(user.clone())));
        }
        Ok(())
    }
}
