//! Plans connectors.

use super::Planner;
use crate::declared::connector::DeclaredConnector;
use crate::declared::diff;
use crate::declared::step::Step;

impl<'a> Planner<'a> {
    pub(super) fn connector(&mut self, declared: &'a DeclaredConnector) {
        if !self.knows_realm(&declared.realm) {
            return;
        }
        let (realm, connector) = (declared.realm.value.clone(), declared.name.value.clone());
        let settings = Box::new(declared.settings.clone());
        let there = self.realms.get(&realm).and_then(|realm| {
            self.current.connectors.iter().find(|known| known.realm_id == realm.id && known.name == connector)
        });
        let Some(now) = there else {
            let is_active = declared.active.unwrap_or(true);
            self.connector_steps.push(Step::CreateConnector { realm, connector, is_active, settings });
            return;
        };
        let is_active = declared.active.unwrap_or(now.is_active);
        let mut changes = diff::settings(&now.settings, &settings);
        if is_active != now.is_active {
            changes.push(format!("active: {} → {is_active}", now.is_active));
        }
        if !changes.is_empty() {
            let step = Step::UpdateConnector { realm, connector, is_active, settings, changes };
            self.connector_steps.push(step);
        }
    }
}
