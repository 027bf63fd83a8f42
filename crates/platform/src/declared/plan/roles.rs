//! Which roles to make, and who is to have which.

use super::{Planner, sort};
use crate::declared::complaint::{Complaint, Position};
use crate::declared::object::{Declared, Located};
use crate::declared::role::{DeclaredRole, HolderName, RoleKey};
use crate::declared::step::Step;
use doorward_model::name::{ClientName, RealmName};
use doorward_model::people::{Holder, Role, Source};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

type Key<'a> = (&'a RealmName, RoleKey);
type Given<'a> = (&'a RealmName, HolderName, RoleKey);

/// What is known about roles by name.
struct Known<'a> {
    there: HashMap<Key<'a>, &'a Role>,
    declared: HashSet<Key<'a>>,
    declared_clients: HashSet<(&'a RealmName, &'a ClientName)>,
}

impl<'a> Planner<'a> {
    /// Plans roles and who has them. Users, groups and clients are planned already.
    pub(super) fn roles(&mut self, declared: &'a [Declared]) {
        let mut known = Known { there: self.roles_there(), declared: HashSet::new(), declared_clients: HashSet::new() };
        for object in declared {
            match object {
                Declared::Role(role) => drop(known.declared.insert((&role.realm.value, role.key()))),
                Declared::Client(client) => {
                    known.declared_clients.insert((&client.realm.value, &client.name.value));
                }
                _ => {}
            }
        }
        for object in declared {
            if let Declared::Role(role) = object {
                self.role(&known, role);
            }
        }
        self.holders(&known, declared);
    }

    fn roles_there(&self) -> HashMap<Key<'a>, &'a Role> {
        let keys = self.role_keys();
        let named = |role: &'a Role| keys.get(role.id.as_str()).map(|key| (key.clone(), role));
        self.current.roles.iter().filter_map(named).collect()
    }

    /// Names of the roles that are there, by id.
    fn role_keys(&self) -> HashMap<&'a str, Key<'a>> {
        let realms: HashMap<_, _> = self.current.realms.iter().map(|realm| (&realm.id, &realm.name)).collect();
        let clients: HashMap<_, _> = self.current.clients.iter().map(|client| (&client.id, &client.name)).collect();
        let key = |role: &'a Role| {
            let client = match &role.client_id {
                Some(id) => Some((*clients.get(id)?).clone()),
                None => None,
            };
            Some((role.id.as_str(), (*realms.get(&role.realm_id)?, RoleKey { client, role: role.name.clone() })))
        };
        self.current.roles.iter().filter_map(key).collect()
    }

    fn role(&mut self, known: &Known<'a>, declared: &'a DeclaredRole) {
        if !self.knows_realm(&declared.realm) {
            return;
        }
        let (realm, role) = (declared.realm.value.clone(), declared.key());
        if let Some(client) = &declared.client
            && !self.knows_client(known, &declared.realm.value, client)
        {
            return;
        }
        let Some(now) = known.there.get(&(&declared.realm.value, role.clone())) else {
            let description = declared.description.clone().unwrap_or_default();
            self.role_steps.push(Step::CreateRole { realm, role, description });
            return;
        };
        if let Some(description) = declared.description.as_ref().filter(|text| **text != now.description) {
            let changes = vec![format!("description: \"{}\" → \"{description}\"", now.description)];
            self.role_steps.push(Step::UpdateRole { realm, role, description: description.clone(), changes });
        }
    }

    fn knows_client(&mut self, known: &Known<'a>, realm: &'a RealmName, client: &'a Located<ClientName>) -> bool {
        let key = (realm, &client.value);
        let is_known = self.clients.contains_key(&key) || known.declared_clients.contains(&key);
        if !is_known {
            let what = format!("client {realm}/{} is neither declared nor there", client.value);
            self.complaints.push(Complaint::new(&client.at, what, "declare it with kind: Client, or correct the name"));
        }
        is_known
    }

    fn holders(&mut self, known: &Known<'a>, declared: &'a [Declared]) {
        let mut wanted: BTreeMap<Given<'a>, &'a Position> = BTreeMap::new();
        let mut owned: BTreeSet<(&'a RealmName, HolderName)> = BTreeSet::new();
        for object in declared {
            let Some((realm, holder, roles)) = has(object) else { continue };
            owned.insert((realm, holder.clone()));
            for role in roles {
                if self.knows_role(known, realm, role) {
                    wanted.entry((realm, holder.clone(), role.value.clone())).or_insert(&role.at);
                }
            }
        }
        let (removed, mut inside) = self.there_and_wanted(&mut wanted, &owned);
        self.role_steps.extend(removed);
        for ((realm, to, role), at) in wanted {
            if let HolderName::Role(whole) = &to
                && !inside.add(realm, whole, &role)
            {
                let what = format!("role {role} cannot be part of {whole}: it would contain itself");
                self.complaints.push(Complaint::new(at, what, "take one of them out of the other's roles"));
                continue;
            }
            self.role_steps.push(Step::GiveRole { realm: realm.clone(), role, to });
        }
    }

    /// Goes through what is there: what nobody wants any more is to be taken back, what is wanted and there needs
    /// no step, and what stays of roles within roles must not be closed to a circle.
    fn there_and_wanted(
        &self,
        wanted: &mut BTreeMap<Given<'a>, &'a Position>,
        owned: &BTreeSet<(&'a RealmName, HolderName)>,
    ) -> (Vec<Step>, Inside<'a>) {
        let keys = self.role_keys();
        let clients: HashMap<_, _> = self.current.clients.iter().map(|client| (&client.id, &client.name)).collect();
        let mut removed = Vec::new();
        let mut inside = Inside::default();
        for (role, holder, source) in &self.current.role_holders {
            let Some((realm, role)) = keys.get(role.as_str()) else { continue };
            let to = match holder {
                Holder::User(id) => self.user_keys.get(id).map(|key| HolderName::User(key.1.clone())),
                Holder::Group(id) => self.group_keys.get(id).map(|key| HolderName::Group(key.1.clone())),
                Holder::Client(id) => clients.get(id).map(|name| HolderName::Service((*name).clone())),
                Holder::Role(id) => keys.get(id.as_str()).map(|key| HolderName::Role(key.1.clone())),
            };
            let Some(to) = to else { continue };
            let is_wanted = *source == Source::Declared && wanted.remove(&(*realm, to.clone(), role.clone())).is_some();
            if *source == Source::Declared && !is_wanted && owned.contains(&(*realm, to.clone())) {
                removed.push(Step::TakeRole { realm: (*realm).clone(), role: role.clone(), from: to });
            } else if let HolderName::Role(whole) = &to {
                inside.keep(realm, whole, role);
            }
        }
        sort(&mut removed);
        (removed, inside)
    }

    fn knows_role(&mut self, known: &Known<'a>, realm: &'a RealmName, role: &Located<RoleKey>) -> bool {
        let key = (realm, role.value.clone());
        let is_known = known.there.contains_key(&key) || known.declared.contains(&key);
        if !is_known {
            let what = format!("role {realm}/{} is neither declared nor there", role.value);
            self.complaints.push(Complaint::new(&role.at, what, "declare it with kind: Role, or correct the name"));
        }
        is_known
    }
}

/// Who an object is and the roles it says it has.
fn has(object: &Declared) -> Option<(&RealmName, HolderName, &[Located<RoleKey>])> {
    match object {
        Declared::User(user) => {
            Some((&user.realm.value, HolderName::User(user.name.value.clone()), user.roles.as_deref()?))
        }
        Declared::Group(group) => {
            Some((&group.realm.value, HolderName::Group(group.name.value.clone()), group.roles.as_deref()?))
        }
        Declared::Client(client) => Some((
            &client.realm.value,
            HolderName::Service(client.name.value.clone()),
            client.service_roles.as_deref()?,
        )),
        Declared::Role(role) => Some((&role.realm.value, HolderName::Role(role.key()), role.roles.as_deref()?)),
        Declared::Realm(_) | Declared::App(_) | Declared::Scope(_) | Declared::Connector(_) => None,
    }
}

/// Roles inside roles, never in a circle.
#[derive(Default)]
struct Inside<'a>(HashMap<Key<'a>, Vec<RoleKey>>);

impl<'a> Inside<'a> {
    fn keep(&mut self, realm: &'a RealmName, whole: &RoleKey, part: &RoleKey) {
        self.0.entry((realm, whole.clone())).or_default().push(part.clone());
    }

    /// Adds what would not close a circle; `false` for what would.
    fn add(&mut self, realm: &'a RealmName, whole: &RoleKey, part: &RoleKey) -> bool {
        let mut seen: HashSet<RoleKey> = HashSet::new();
        let mut waiting = vec![part.clone()];
        while let Some(role) = waiting.pop() {
            if role == *whole {
                return false;
            }
            if seen.insert(role.clone()) {
                waiting.extend(self.0.get(&(realm, role)).into_iter().flatten().cloned());
            }
        }
        self.keep(realm, whole, part);
        true
    }
}
