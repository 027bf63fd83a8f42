//! The steps about connectors.

use super::{Stop, Work, gone};
use crate::declared::Step;
use doorward_engine::federation::Connector;
use doorward_engine::manage;
use doorward_store::connectors;

impl Work<'_> {
    pub(super) async fn connector_step(&mut self, step: &Step) -> Result<(), Stop> {
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
                let id = self.realm(realm).await?.id;
                let row = connectors::find(&mut self.tx, &id, connector).await?;
                let known = Connector::read(row.ok_or_else(|| gone("connector", connector.as_str(), realm))?)?;
                if known.settings != **settings {
                    let (place, settings) = ((self.door, self.ctx), (**settings).clone());
                    manage::connectors::update(place, &mut self.tx, &known, settings).await??;
                }
                if known.is_active != *is_active {
                    manage::connectors::set_active(&mut self.tx, &known, *is_active).await?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}
