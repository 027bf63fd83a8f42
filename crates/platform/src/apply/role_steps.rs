//! The steps about roles.

use super::{Stop, Work, gone};
use crate::declared::{HolderName, RoleKey, Step};
use doorward_engine::manage;
use doorward_engine::manage::roles::NewRole;
use doorward_model::name::RealmName;
use doorward_model::people::{Holder, Role, Source};
use doorward_store::roles;

impl Work<'_> {
    pub(super) async fn role_step(&mut self, step: &Step) -> Result<(), Stop> {
        match step {
            Step::CreateRole { realm, role, description } => {
                let id = self.realm(realm).await?.id;
                let client = match &role.client {
                    Some(client) => Some(self.client(realm, client).await?.id),
                    None => None,
                };
                let new = NewRole { client, name: role.role.clone(), description: description.clone() };
                manage::roles::create(self.door, &mut self.tx, &id, new).await??;
            }
            Step::UpdateRole { realm, role, description, .. } => {
                let role = self.role(realm, role).await?;
                manage::roles::describe(&mut self.tx, &role, description).await??;
            }
            Step::GiveRole { realm, role, to } => {
                let (role, holder) = (self.role(realm, role).await?, self.holder(realm, to).await?);
                manage::roles::give(&mut self.tx, &role, &holder, &Source::Declared).await??;
            }
            Step::TakeRole { realm, role, from } => {
                let (role, holder) = (self.role(realm, role).await?, self.holder(realm, from).await?);
                manage::roles::take(&mut self.tx, &role, &holder, &Source::Declared).await?;
            }
            _ => {}
        }
        Ok(())
    }

    async fn role(&mut self, realm: &RealmName, key: &RoleKey) -> Result<Role, Stop> {
        let id = self.realm(realm).await?.id;
        let client = match &key.client {
            Some(client) => Some(self.client(realm, client).await?.id),
            None => None,
        };
        let found = roles::find(&mut self.tx, (&id, client.as_ref()), &key.role).await?;
        found.ok_or_else(|| gone("role", &key.to_string(), realm))
    }

    async fn holder(&mut self, realm: &RealmName, name: &HolderName) -> Result<Holder, Stop> {
        Ok(match name {
            HolderName::User(user) => Holder::User(self.user(realm, user).await?.id),
            HolderName::Group(group) => Holder::Group(self.group(realm, group).await?.id),
            HolderName::Service(client) => Holder::Client(self.client(realm, client).await?.id),
            HolderName::Role(key) => Holder::Role(self.role(realm, key).await?.id),
        })
    }
}
