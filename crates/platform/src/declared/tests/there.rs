//! What is there, for tests of plans: built up by name, and changed by a plan's steps as the store would be.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::parse;
use crate::declared::{Current, Plan, Step, plan};
use doorward_engine::clients::{Client, ClientSettings};
use doorward_model::app::{Access, App};
use doorward_model::dice::Counting;
use doorward_model::id::{AppId, ClientId, GroupId, RealmId, UserId};
use doorward_model::name::{AppSlug, ConnectorName, DisplayText, GroupName, RealmName, UserName};
use doorward_model::people::{Group, Realm, Source, User};
use doorward_model::time::Timestamp;
use doorward_model::ways::{WayIn, WayName, Ways};

/// What is there, built up by name, and able to take a plan's steps.
pub(super) struct There {
    pub(super) dice: Counting,
    pub(super) current: Current,
}

impl There {
    pub(super) fn empty() -> Self {
        Self { dice: Counting::new(1), current: Current::default() }
    }

    pub(super) fn main() -> Self {
        Self::empty().realm("main")
    }

    pub(super) fn realm(mut self, name: &str) -> Self {
        let id = RealmId::draw(&self.dice);
        let (name, title) = (RealmName::parse(name).unwrap(), DisplayText::parse(name).unwrap());
        self.current.realms.push(Realm { id, name, title });
        self
    }

    pub(super) fn group(mut self, name: &str) -> Self {
        self.add_group("main", name);
        self
    }

    pub(super) fn user(mut self, name: &str) -> Self {
        self.add_user("main", name, None);
        self
    }

    pub(super) fn member(mut self, user: &str, group: &str, source: Source) -> Self {
        let row = (self.group_id("main", group), self.user_id("main", user), source);
        self.current.members.push(row);
        self
    }

    pub(super) fn nesting(mut self, child: &str, parent: &str, source: Source) -> Self {
        let row = (self.group_id("main", parent), self.group_id("main", child), source);
        self.current.nesting.push(row);
        self
    }

    pub(super) fn with(mut self, change: impl FnOnce(&mut Current)) -> Self {
        change(&mut self.current);
        self
    }

    /// Applies a set of files first.
    pub(super) fn having(mut self, text: &str) -> Self {
        let plan = self.plan(text).unwrap();
        self.apply(&plan);
        self
    }

    pub(super) fn realm_id(&self, name: &str) -> RealmId {
        self.current.realms.iter().find(|realm| realm.name.as_str() == name).unwrap().id.clone()
    }

    pub(super) fn group_id(&self, realm: &str, name: &str) -> GroupId {
        let realm = self.realm_id(realm);
        let found = self.current.groups.iter().find(|g| (g.realm_id == realm) && (g.name.as_str() == name));
        found.unwrap().id.clone()
    }

    pub(super) fn user_id(&self, realm: &str, name: &str) -> UserId {
        let realm = self.realm_id(realm);
        let found = self.current.users.iter().find(|u| (u.realm_id == realm) && (u.name.as_str() == name));
        found.unwrap().id.clone()
    }

    pub(super) fn add_group(&mut self, realm: &str, name: &str) {
        let (id, realm_id) = (GroupId::draw(&self.dice), self.realm_id(realm));
        self.current.groups.push(Group { id, realm_id, name: GroupName::parse(name).unwrap() });
    }

    pub(super) fn add_user(&mut self, realm: &str, name: &str, display: Option<DisplayText>) -> &mut User {
        let display = display.unwrap_or_else(|| DisplayText::parse(name).unwrap());
        self.current.users.push(User {
            id: UserId::draw(&self.dice),
            realm_id: self.realm_id(realm),
            name: UserName::parse(name).unwrap(),
            email: None,
            display,
            is_active: true,
            created_at: Timestamp::from_millis(0),
        });
        self.current.users.last_mut().unwrap()
    }

    pub(super) fn plan(&self, text: &str) -> Result<Plan, Vec<String>> {
        let declared = parse("d.yaml", text).map_err(|complaints| shown(&complaints))?;
        plan(&declared, &self.current).map_err(|complaints| shown(&complaints))
    }

    pub(super) fn apply(&mut self, plan: &Plan) {
        for step in &plan.steps {
            self.take(step);
        }
    }

    pub(super) fn take(&mut self, step: &Step) {
        match step {
            Step::CreateRealm { realm, title } => {
                let id = RealmId::draw(&self.dice);
                self.current.realms.push(Realm { id, name: realm.clone(), title: title.clone() });
            }
            Step::UpdateRealm { realm, title, .. } => {
                let id = self.realm_id(realm.as_str());
                self.current.realms.iter_mut().find(|known| known.id == id).unwrap().title = title.clone();
            }
            Step::CreateGroup { realm, group } => self.add_group(realm.as_str(), group.as_str()),
            Step::CreateUser { realm, user, display, email, is_active, password } => {
                let created = self.add_user(realm.as_str(), user.as_str(), display.clone());
                created.email = email.clone();
                created.is_active = *is_active;
                let id = created.id.clone();
                if password.is_none() {
                    self.current.without_password.push(id);
                }
            }
            Step::UpdateUser { realm, user, display, email, is_active, .. } => {
                let id = self.user_id(realm.as_str(), user.as_str());
                let known = self.current.users.iter_mut().find(|known| known.id == id).unwrap();
                known.display = display.clone().unwrap_or(known.display.clone());
                known.email = email.clone().or(known.email.clone());
                known.is_active = is_active.unwrap_or(known.is_active);
                if *is_active == Some(false) {
                    self.current.shut.retain(|known| *known != id);
                }
            }
            Step::SetPassword { realm, user, .. } => {
                let id = self.user_id(realm.as_str(), user.as_str());
                self.current.without_password.retain(|known| *known != id);
            }
            Step::AddMember { realm, group, user } => {
                let (group, user) =
                    (self.group_id(realm.as_str(), group.as_str()), self.user_id(realm.as_str(), user.as_str()));
                self.current.members.push((group, user, Source::Declared));
            }
            Step::RemoveMember { realm, group, user } => {
                let row = (
                    self.group_id(realm.as_str(), group.as_str()),
                    self.user_id(realm.as_str(), user.as_str()),
                    Source::Declared,
                );
                self.current.members.retain(|known| *known != row);
            }
            Step::Nest { realm, parent, child } => {
                let (parent, child) =
                    (self.group_id(realm.as_str(), parent.as_str()), self.group_id(realm.as_str(), child.as_str()));
                self.current.nesting.push((parent, child, Source::Declared));
            }
            Step::Unnest { realm, parent, child } => {
                let row = (
                    self.group_id(realm.as_str(), parent.as_str()),
                    self.group_id(realm.as_str(), child.as_str()),
                    Source::Declared,
                );
                self.current.nesting.retain(|known| *known != row);
            }
            Step::CreateApp { realm, app, everyone, allowed_groups, connectors, settings } => {
                let (id, realm_id) = (AppId::draw(&self.dice), self.realm_id(realm.as_str()));
                let access = self.access(realm.as_str(), (*everyone, allowed_groups), connectors);
                self.current.apps.push(App { id, realm_id, slug: app.clone(), access, settings: (**settings).clone() });
            }
            Step::UpdateApp { realm, app, everyone, allowed_groups, connectors, settings, .. } => {
                let access = self.access(realm.as_str(), (*everyone, allowed_groups), connectors);
                let known = self.app(app);
                known.access = access;
                known.settings = (**settings).clone();
            }
            Step::CreateClient {
                realm,
                client,
                app,
                everyone,
                allowed_groups,
                connectors,
                is_active,
                settings,
                ..
            } => {
                let access = self.access(realm.as_str(), (*everyone, allowed_groups), connectors);
                let app_id = app.as_ref().map(|app| self.app(app).id.clone());
                self.current.clients.push(Client {
                    id: ClientId::draw(&self.dice),
                    realm_id: self.realm_id(realm.as_str()),
                    name: client.clone(),
                    app_id,
                    is_active: *is_active,
                    settings: ClientSettings { access, ..(**settings).clone() },
                });
            }
            Step::UpdateClient {
                realm,
                client,
                app,
                everyone,
                allowed_groups,
                connectors,
                is_active,
                settings,
                ..
            } => {
                let access = self.access(realm.as_str(), (*everyone, allowed_groups), connectors);
                let app_id = app.as_ref().map(|app| self.app(app).id.clone());
                let known = self.current.clients.iter_mut().find(|known| known.name == *client).unwrap();
                known.app_id = app_id;
                known.is_active = *is_active;
                known.settings = ClientSettings { access, ..(**settings).clone() };
            }
            others => self.take_besides(others),
        }
    }

    pub(super) fn app(&mut self, slug: &AppSlug) -> &mut App {
        self.current.apps.iter_mut().find(|known| known.slug == *slug).unwrap()
    }

    pub(super) fn access(
        &self,
        realm: &str,
        (everyone, groups): (bool, &[GroupName]),
        connectors: &[WayName],
    ) -> Access {
        let groups = groups.iter().map(|group| self.group_id(realm, group.as_str())).collect();
        let known = |name: &ConnectorName| self.current.connectors.iter().find(|known| known.name == *name).unwrap();
        let way = |name: &WayName| match name {
            WayName::Accounts => WayIn::Account,
            WayName::Connector(name) => WayIn::Connector(known(name).id.clone()),
        };
        Access { everyone, groups, ways: Ways::only(connectors.iter().map(way)) }
    }
}

pub(super) fn shown(complaints: &[impl ToString]) -> Vec<String> {
    complaints.iter().map(ToString::to_string).collect()
}

/// Given, declared, expected lines; and that applying them leaves nothing to do.
#[track_caller]
pub(super) fn check(mut there: There, text: &str, expected: &[&str]) {
    let plan = there.plan(text).unwrap();
    let lines: Vec<String> = plan.steps.iter().map(ToString::to_string).collect();
    assert_eq!(lines, expected, "{text}");
    there.apply(&plan);
    let again = there.plan(text).unwrap();
    assert!(again.is_empty(), "not at rest after {lines:?}: {}", again.render());
}

#[track_caller]
pub(super) fn refused(there: There, text: &str, expected: &[&str]) {
    assert_eq!(there.plan(text).unwrap_err(), expected, "{text}");
}
