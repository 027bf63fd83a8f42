//! The steps about connectors.

use super::{Stop, Work, gone};
use crate::declared::Step;
use doorward_engine::federation::Connector;
use doorward_engine::manage;
use doorward_engine::manage::connectors::Ends;
use doorward_model::name::{ConnectorName, RealmName};
use doorward_store::connectors;

impl Work<'_> {
    /// What ended with it.
    pub(super) async fn connector_step(&mut self, step: &Step) -> Result<Ends, Stop> {
        let mut ends = Ends::default();
        match step {
            Step::CreateConnector { realm, connector, is_active, settings } => {
                let id = self.realm(realm).await?.id;
                let (place, settings) = ((&id, connector.clone()), (**settings).clone());
                let made =
                    manage::connectors::create(self.door, self.ctx, &mut self.tx, place, settings, None).await??;
                if !is_active {
                    manage::connectors::set_active(&mut self.tx, &made, false).await?;
                }
            }
            Step::UpdateConnector { realm, connector, is_active, settings, .. } => {
                let known = self.connector(realm, connector).await?;
                if known.settings != **settings {
                    let (place, settings) = ((self.door, self.ctx), (**settings).clone());
                    ends = manage::connectors::update(place, &mut self.tx, &known, settings).await??;
                }
                if known.is_active != *is_active {
                    ends.sessions += manage::connectors::set_active(&mut self.tx, &known, *is_active).await?;
                }
            }
            Step::RemoveConnector { realm, connector, .. } => {
                let known = self.connector(realm, connector).await?;
                ends = manage::connectors::delete(&mut self.tx, &known).await?;
            }
            _ => {}
        }
        Ok(ends)
    }

    async fn connector(&mut self, realm: &RealmName, name: &ConnectorName) -> Result<Connector, Stop> {
        let id = self.realm(realm).await?.id;
        let row = connectors::find(&mut self.tx, &id, name).await?;
        Ok(Connector::read(row.ok_or_else(|| gone("connector", name.as_str(), realm))?)?)
    }
}
