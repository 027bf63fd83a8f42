//! The ways in that apps and clients name.

use super::Planner;
use crate::declared::complaint::Complaint;
use crate::declared::object::Located;
use doorward_engine::manage::ways::REMOVED;
use doorward_model::name::RealmName;
use doorward_model::ways::{ACCOUNTS, WayIn, WayName, Ways};

impl Planner<'_> {
    /// The ways that were named; complains about connectors that are neither declared nor there.
    pub(super) fn ways(&mut self, realm: &RealmName, named: &[Located<WayName>]) -> Vec<WayName> {
        for way in named {
            let WayName::Connector(name) = &way.value else { continue };
            let there = self.realms.get(realm).is_some_and(|realm| {
                self.current.connectors.iter().any(|known| known.realm_id == realm.id && known.name == *name)
            });
            if !there && !self.declared_connectors.contains(&(realm, name)) {
                let what = format!("connector {realm}/{name} is neither declared nor there");
                let how = format!(
                    "declare it with kind: Connector, correct the name, or write {ACCOUNTS} for accounts kept here"
                );
                self.complaints.push(Complaint::new(&way.at, what, how));
            }
        }
        named.iter().map(|way| way.value.clone()).collect()
    }

    /// The names of ways that count now.
    pub(super) fn way_names(&self, ways: &Ways) -> Vec<String> {
        let name = |way: &WayIn| match way {
            WayIn::Account => ACCOUNTS.to_owned(),
            WayIn::Connector(id) => {
                let known = self.current.connectors.iter().find(|known| known.id == *id);
                known.map_or_else(|| REMOVED.to_owned(), |known| known.name.to_string())
            }
        };
        ways.named().iter().map(name).collect()
    }
}

/// Names as they are compared.
pub(super) fn texts(ways: &[WayName]) -> Vec<String> {
    ways.iter().map(ToString::to_string).collect()
}
