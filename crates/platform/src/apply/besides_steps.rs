//! The steps about profiles, lives and scopes.

use super::{Stop, Work, gone};
use crate::declared::Step;
use doorward_engine::clients::ClientScope;
use doorward_engine::manage;
use doorward_store::client_scopes;

impl Work<'_> {
    pub(super) async fn besides_step(&mut self, step: &Step) -> Result<(), Stop> {
        match step {
            Step::SetProfile { realm, user, profile, subject, .. } => {
                let user = self.user(realm, user).await?;
                manage::profiles::write(&mut self.tx, &user, profile).await??;
                manage::profiles::set_subject(&mut self.tx, &user, subject.as_deref()).await??;
            }
            Step::SetRealm { realm, settings, .. } => {
                let realm = self.realm(realm).await?;
                manage::realms::set_settings(&mut self.tx, &realm, settings).await??;
            }
            Step::CreateScope { realm, scope, settings } => {
                let id = self.realm(realm).await?.id;
                let given = (scope.clone(), (**settings).clone());
                manage::client_scopes::create(self.door, &mut self.tx, &id, given).await??;
            }
            Step::UpdateScope { realm, scope, settings, .. } => {
                let id = self.realm(realm).await?.id;
                let row = client_scopes::find(&mut self.tx, &id, scope).await?;
                let known = ClientScope::read(row.ok_or_else(|| gone("scope", scope, realm))?)?;
                let then = ClientScope { settings: (**settings).clone(), ..known };
                manage::client_scopes::update(&mut self.tx, &then).await??;
            }
            _ => {}
        }
        Ok(())
    }
}
