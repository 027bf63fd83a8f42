//! Plans connectors.

use super::{Plan, Planner};
use crate::declared::connector::DeclaredConnector;
use crate::declared::diff;
use crate::declared::step::Step;
use doorward_engine::federation::Connector;
use doorward_engine::federation::settings::ConnectorSettings;
use doorward_engine::manage::connectors::Ends;
use doorward_model::name::RealmName;

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
            let ends = Ends::default();
            self.connector_steps.push(Step::UpdateConnector { realm, connector, is_active, settings, changes, ends });
        }
    }
}

impl Plan {
    /// To give one connector these settings, and to do `more` that is none of them.
    pub fn of_settings(realm: &RealmName, now: &Connector, settings: &ConnectorSettings, more: Option<String>) -> Self {
        let changes = diff::settings(&now.settings, settings).into_iter().chain(more).collect();
        let (realm, connector, ends) = (realm.clone(), now.name.clone(), Ends::default());
        let (is_active, settings) = (now.is_active, Box::new(settings.clone()));
        let step = Step::UpdateConnector { realm, connector, is_active, settings, changes, ends };
        Self { steps: vec![step], warnings: Vec::new() }
    }

    /// To remove one connector.
    pub fn of_removal(realm: &RealmName, now: &Connector) -> Self {
        let (realm, connector, ends) = (realm.clone(), now.name.clone(), Ends::default());
        Self { steps: vec![Step::RemoveConnector { realm, connector, ends }], warnings: Vec::new() }
    }

    /// Tells beside steps, by their places, what went when they were made.
    #[must_use]
    pub fn and_ends(mut self, found: &[(usize, Ends)]) -> Self {
        for (place, found) in found {
            if let Some(Step::UpdateConnector { ends, .. } | Step::RemoveConnector { ends, .. }) =
                self.steps.get_mut(*place)
            {
                *ends = *found;
            }
        }
        self
    }
}
