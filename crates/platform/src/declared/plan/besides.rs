//! Plans what is declared besides the objects' own rows: profiles of users, lives of realms, scopes.

use super::Planner;
use crate::declared::complaint::Complaint;
use crate::declared::diff;
use crate::declared::object::{DeclaredRealm, DeclaredUser};
use crate::declared::scope::DeclaredScope;
use crate::declared::step::Step;
use doorward_engine::clients::RealmSettings;
use doorward_engine::manage::wrong::{self, Wrong};
use doorward_model::name::RealmName;

impl<'a> Planner<'a> {
    /// What is known of a user besides names. The user itself is planned already.
    pub(super) fn profile(&mut self, declared: &'a DeclaredUser) {
        let (realm, user) = (&declared.realm.value, &declared.name.value);
        let there = self.users.get(&(realm, user));
        let known = there.and_then(|user| self.current.profiles.get(&user.id));
        let (mut now, brought) = known.cloned().unwrap_or_default();
        if there.is_some_and(|there| declared.email.as_ref().is_some_and(|email| Some(email) != there.email.as_ref())) {
            // Another address is not known to be the user's: that goes with the step before this one.
            now.email_verified = false;
        }
        let profile = declared.profile.on(&now);
        let subject = declared.profile.subject.clone().or_else(|| brought.clone());
        let mut changes = diff::settings(&now, &profile);
        if subject != brought {
            let shown = |subject: Option<&str>| subject.unwrap_or("none").to_owned();
            changes.push(format!("subject: {} → {}", shown(brought.as_deref()), shown(subject.as_deref())));
        }
        if !changes.is_empty() {
            let (realm, user) = (realm.clone(), user.clone());
            self.people.push(Step::SetProfile { realm, user, profile, subject, changes });
        }
    }

    /// Lives of a realm's tokens and sessions. The realm itself is planned already.
    pub(super) fn lives(&mut self, declared: &'a DeclaredRealm) {
        let realm = &declared.name.value;
        let known = self.realms.get(realm).and_then(|realm| self.current.realm_settings.get(&realm.id));
        let now = known.cloned().unwrap_or_default();
        let settings: RealmSettings = declared.lives.on(&now);
        let changes = diff::settings(&now, &settings);
        // What is written here may not go with what was there.
        for Wrong { what, how, .. } in wrong::realm(&settings) {
            self.complaints.push(Complaint::new(&declared.name.at, format!("realm {realm}: {what}"), how));
        }
        if !changes.is_empty() {
            let settings = Box::new(settings);
            self.new_realms.push(Step::SetRealm { realm: realm.clone(), settings, changes });
        }
    }

    pub(super) fn scope(&mut self, declared: &'a DeclaredScope) {
        if !self.knows_realm(&declared.realm) {
            return;
        }
        let (realm, scope) = (declared.realm.value.clone(), declared.name.value.clone());
        let settings = Box::new(declared.settings.clone());
        let there = self.realms.get(&realm).and_then(|realm| {
            self.current.scopes.iter().find(|known| known.realm_id == realm.id && known.name == scope)
        });
        let Some(now) = there else {
            if let Some(Wrong { what, how, .. }) = wrong::one_more_scope(self.scopes_of(&realm)) {
                self.complaints.push(Complaint::new(&declared.name.at, what, how));
            }
            self.new_groups.push(Step::CreateScope { realm, scope, settings });
            return;
        };
        let changes = diff::settings(&now.settings, &declared.settings);
        if !changes.is_empty() {
            self.new_groups.push(Step::UpdateScope { realm, scope, settings, changes });
        }
    }

    /// How many scopes of its own a realm has, with those that are planned.
    fn scopes_of(&self, name: &RealmName) -> usize {
        let id = self.realms.get(name).map(|realm| &realm.id);
        let there = self.current.scopes.iter().filter(|scope| Some(&scope.realm_id) == id).count();
        let new = |step: &&Step| matches!(step, Step::CreateScope { realm, .. } if realm == name);
        there + self.new_groups.iter().filter(new).count()
    }
}
