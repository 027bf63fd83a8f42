//! Compares what is declared with what is there and says what to change, in an order that works.
//! Pure: the same input gives the same plan, and the plan of an applied plan is empty.

mod besides;
mod connectors;
mod edges;
mod render;
mod roles;
mod ways;

use super::check;
use super::client::DeclaredClient;
use super::complaint::Complaint;
use super::diff::{self, ClientFacts};
use super::object::{Declared, DeclaredApp, DeclaredGroup, DeclaredRealm, DeclaredUser, Located};
use super::step::Step;
use doorward_engine::clients::{Client, ClientScope, RealmSettings};
use doorward_engine::federation::Connector;
use doorward_engine::token::Profile;
use doorward_model::app::App;
use doorward_model::id::{AppId, GroupId, RealmId, RoleId, UserId};
use doorward_model::name::{AppSlug, ClientName, ConnectorName, DisplayText, GroupName, RealmName, UserName};
use doorward_model::people::{Group, Holder, Realm, Role, Source, User};
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use ways::texts;

/// What is there now.
#[derive(Debug, Clone, Default)]
pub struct Current {
    /// All realms.
    pub realms: Vec<Realm>,
    /// All users.
    pub users: Vec<User>,
    /// Users that have no password; only they get a declared one.
    pub without_password: Vec<UserId>,
    /// Users who are disabled only because a directory has them no more.
    pub shut: Vec<UserId>,
    /// All groups.
    pub groups: Vec<Group>,
    /// Who is in which group, and who says so.
    pub members: Vec<(GroupId, UserId, Source)>,
    /// Which group (second) lies inside which (first), and who says so.
    pub nesting: Vec<(GroupId, GroupId, Source)>,
    /// All apps.
    pub apps: Vec<App>,
    /// All clients.
    pub clients: Vec<Client>,
    /// All connectors.
    pub connectors: Vec<Connector>,
    /// All roles.
    pub roles: Vec<Role>,
    /// What is known of users besides names, and the subjects they brought along; none for who is not there.
    pub profiles: HashMap<UserId, (Profile, Option<String>)>,
    /// What is declared of realms; none for who is not there.
    pub realm_settings: HashMap<RealmId, RealmSettings>,
    /// All scopes of realms' own.
    pub scopes: Vec<ClientScope>,
    /// Who has which role, and who says so.
    pub role_holders: Vec<(RoleId, Holder, Source)>,
}

/// What to change, and what looks like a mistake without being one for certain.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Plan {
    /// Changes in the order to make them.
    pub steps: Vec<Step>,
    /// Things to look at.
    pub warnings: Vec<Complaint>,
}

impl Plan {
    /// Whether everything is as declared.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}

/// Plans how to make what is declared so. Only what source `declared` set is ever taken back, and
/// nothing is deleted because no file names it.
pub fn plan(declared: &[Declared], current: &Current) -> Result<Plan, Vec<Complaint>> {
    let complaints = check::all(declared);
    if !complaints.is_empty() {
        return Err(complaints);
    }
    let mut planner = Planner::new(declared, current);
    for object in declared {
        match object {
            Declared::Realm(realm) => {
                planner.realm(realm);
                planner.lives(realm);
            }
            Declared::Scope(scope) => planner.scope(scope),
            Declared::Group(group) => planner.group(group),
            Declared::User(user) => {
                planner.user(user);
                planner.profile(user);
            }
            Declared::App(app) => planner.app(app),
            Declared::Client(client) => planner.client(client),
            Declared::Connector(connector) => planner.connector(connector),
            // After everything that can have one.
            Declared::Role(_) => {}
        }
    }
    planner.nestings(declared);
    planner.memberships(declared);
    planner.roles(declared);
    planner.finish()
}

type GroupKey<'a> = (&'a RealmName, &'a GroupName);
type UserKey<'a> = (&'a RealmName, &'a UserName);

/// Steps by the order they are made in, and what is known by name.
struct Planner<'a> {
    current: &'a Current,
    realms: HashMap<&'a RealmName, &'a Realm>,
    groups: HashMap<GroupKey<'a>, &'a Group>,
    users: HashMap<UserKey<'a>, &'a User>,
    apps: HashMap<(&'a RealmName, &'a AppSlug), &'a App>,
    clients: HashMap<(&'a RealmName, &'a ClientName), &'a Client>,
    app_names: HashMap<&'a AppId, &'a AppSlug>,
    group_keys: HashMap<&'a GroupId, GroupKey<'a>>,
    user_keys: HashMap<&'a UserId, UserKey<'a>>,
    without_password: HashSet<&'a UserId>,
    shut: HashSet<&'a UserId>,
    declared_realms: HashSet<&'a RealmName>,
    declared_groups: HashSet<GroupKey<'a>>,
    declared_users: HashSet<UserKey<'a>>,
    declared_apps: HashSet<(&'a RealmName, &'a AppSlug)>,
    declared_connectors: HashSet<(&'a RealmName, &'a ConnectorName)>,
    new_realms: Vec<Step>,
    new_groups: Vec<Step>,
    people: Vec<Step>,
    edges: Vec<Step>,
    changed_apps: Vec<Step>,
    new_apps: Vec<Step>,
    client_steps: Vec<Step>,
    connector_steps: Vec<Step>,
    role_steps: Vec<Step>,
    warnings: Vec<Complaint>,
    complaints: Vec<Complaint>,
}

impl<'a> Planner<'a> {
    fn new(declared: &'a [Declared], current: &'a Current) -> Self {
        let realm_names: HashMap<_, _> = current.realms.iter().map(|realm| (&realm.id, &realm.name)).collect();
        let named = |id: &RealmId| realm_names.get(id).copied();
        let mut planner = Self {
            current,
            realms: current.realms.iter().map(|realm| (&realm.name, realm)).collect(),
            groups: current.groups.iter().filter_map(|g| Some(((named(&g.realm_id)?, &g.name), g))).collect(),
            users: current.users.iter().filter_map(|u| Some(((named(&u.realm_id)?, &u.name), u))).collect(),
            apps: current.apps.iter().filter_map(|a| Some(((named(&a.realm_id)?, &a.slug), a))).collect(),
            clients: current.clients.iter().filter_map(|c| Some(((named(&c.realm_id)?, &c.name), c))).collect(),
            app_names: current.apps.iter().map(|app| (&app.id, &app.slug)).collect(),
            group_keys: current.groups.iter().filter_map(|g| Some((&g.id, (named(&g.realm_id)?, &g.name)))).collect(),
            user_keys: current.users.iter().filter_map(|u| Some((&u.id, (named(&u.realm_id)?, &u.name)))).collect(),
            without_password: current.without_password.iter().collect(),
            shut: current.shut.iter().collect(),
            declared_realms: HashSet::new(),
            declared_groups: HashSet::new(),
            declared_users: HashSet::new(),
            declared_apps: HashSet::new(),
            declared_connectors: HashSet::new(),
            new_realms: Vec::new(),
            new_groups: Vec::new(),
            people: Vec::new(),
            edges: Vec::new(),
            changed_apps: Vec::new(),
            new_apps: Vec::new(),
            client_steps: Vec::new(),
            connector_steps: Vec::new(),
            role_steps: Vec::new(),
            warnings: Vec::new(),
            complaints: Vec::new(),
        };
        for object in declared {
            match object {
                Declared::Realm(realm) => drop(planner.declared_realms.insert(&realm.name.value)),
                Declared::Group(group) => drop(planner.declared_groups.insert((&group.realm.value, &group.name.value))),
                Declared::User(user) => drop(planner.declared_users.insert((&user.realm.value, &user.name.value))),
                Declared::App(app) => drop(planner.declared_apps.insert((&app.realm.value, &app.name.value))),
                Declared::Connector(one) => {
                    let key = (&one.realm.value, &one.name.value);
                    planner.declared_connectors.insert(key);
                }
                // Only roles refer to these, and they look for themselves.
                Declared::Client(_) | Declared::Role(_) | Declared::Scope(_) => {}
            }
        }
        planner
    }

    fn realm(&mut self, declared: &'a DeclaredRealm) {
        let realm = &declared.name.value;
        let Some(now) = self.realms.get(realm) else {
            let title = declared.title.clone().or_else(|| DisplayText::parse(realm.as_str()).ok());
            self.new_realms.extend(title.map(|title| Step::CreateRealm { realm: realm.clone(), title }));
            return;
        };
        if let Some(title) = declared.title.as_ref().filter(|title| **title != now.title) {
            let changes = vec![format!("title: \"{}\" → \"{title}\"", now.title)];
            self.new_realms.push(Step::UpdateRealm { realm: realm.clone(), title: title.clone(), changes });
        }
    }

    fn group(&mut self, declared: &'a DeclaredGroup) {
        let key = (&declared.realm.value, &declared.name.value);
        if self.knows_realm(&declared.realm) && !self.groups.contains_key(&key) {
            self.new_groups.push(Step::CreateGroup { realm: key.0.clone(), group: key.1.clone() });
        }
    }

    fn user(&mut self, declared: &'a DeclaredUser) {
        if !self.knows_realm(&declared.realm) {
            return;
        }
        let (realm, user) = (declared.realm.value.clone(), declared.name.value.clone());
        let Some(now) = self.users.get(&(&declared.realm.value, &declared.name.value)) else {
            self.people.push(Step::CreateUser {
                realm,
                user,
                display: declared.display.clone(),
                email: declared.email.clone(),
                is_active: declared.active.unwrap_or(true),
                password: declared.password.clone(),
            });
            return;
        };
        if let Some(password) = declared.password.as_ref().filter(|_| self.without_password.contains(&now.id)) {
            let (realm, user) = (realm.clone(), user.clone());
            self.people.push(Step::SetPassword { realm, user, password: password.clone() });
        }
        let mut changes = diff::user(now, declared);
        // Out already, but until a directory has them again: that is not what is declared.
        let stays_out = declared.active == Some(false) && !now.is_active && self.shut.contains(&now.id);
        if stays_out {
            changes.push("active: false until a directory has them again → false".to_owned());
        }
        if !changes.is_empty() {
            let display = declared.display.clone().filter(|display| *display != now.display);
            let email = declared.email.clone().filter(|email| Some(email) != now.email.as_ref());
            let is_active = declared.active.filter(|active| *active != now.is_active || stays_out);
            self.people.push(Step::UpdateUser { realm, user, display, email, is_active, changes });
        }
    }

    fn app(&mut self, declared: &'a DeclaredApp) {
        let key = (&declared.realm.value, &declared.name.value);
        if !self.knows_realm(&declared.realm) {
            return;
        }
        for group in &declared.allowed_groups {
            self.knows_group(&declared.realm.value, group);
        }
        self.check_addresses(declared);
        if declared.allowed_groups.is_empty() && !declared.everyone {
            let what = format!("nobody may enter app {}/{}", key.0, key.1);
            let how = "add allowed_groups: […] or everyone: true";
            self.warnings.push(Complaint::new(&declared.name.at, what, how));
        }
        let wanted: Vec<&GroupName> = declared.allowed_groups.iter().map(|group| &group.value).collect();
        let allowed_groups: Vec<GroupName> = wanted.iter().map(|group| (*group).clone()).collect();
        let (realm, app) = (key.0.clone(), key.1.clone());
        let (everyone, settings) = (declared.everyone, Box::new(declared.settings.clone()));
        let connectors = self.ways(&declared.realm.value, &declared.connectors);
        let Some(now) = self.apps.get(&key) else {
            self.new_apps.push(Step::CreateApp { realm, app, everyone, allowed_groups, connectors, settings });
            return;
        };
        if let Some(lost) = now.settings.upstream.as_ref().filter(|_| declared.settings.upstream.is_none()) {
            let app = format!("app {}/{}", key.0, key.1);
            let what = format!("{app} loses its upstream {lost}, so the built-in proxy stops serving it");
            let how = "write the upstream here to keep it, or put a proxy of your own in front";
            self.warnings.push(Complaint::new(&declared.name.at, what, how));
        }
        let named = now.access.groups.iter().filter_map(|id| self.group_keys.get(id).map(|key| key.1));
        let named: Vec<&GroupName> = named.collect();
        let mut changes = diff::access((now.access.everyone, &named), (everyone, &wanted));
        changes.extend(diff::ways(&self.way_names(&now.access.ways), &texts(&connectors)));
        changes.extend(diff::settings(&now.settings, &declared.settings));
        if !changes.is_empty() {
            let step = Step::UpdateApp { realm, app, everyone, allowed_groups, connectors, settings, changes };
            self.changed_apps.push(step);
        }
    }

    fn client(&mut self, declared: &'a DeclaredClient) {
        let key = (&declared.realm.value, &declared.name.value);
        if !self.knows_realm(&declared.realm) {
            return;
        }
        for group in &declared.allowed_groups {
            self.knows_group(&declared.realm.value, group);
        }
        if let Some(app) = &declared.app {
            self.knows_app(&declared.realm.value, app);
        }
        self.warnings.extend(declared.risks.iter().cloned());
        let wanted: Vec<&GroupName> = declared.allowed_groups.iter().map(|group| &group.value).collect();
        let app = declared.app.as_ref().map(|app| &app.value);
        let now = self.clients.get(&key).copied();
        let is_active = declared.active.unwrap_or_else(|| now.is_none_or(|now| now.is_active));
        let then =
            ClientFacts { app, everyone: declared.everyone, groups: &wanted, is_active, settings: &declared.settings };
        let (realm, client) = (key.0.clone(), key.1.clone());
        let (app, everyone, settings) = (app.cloned(), declared.everyone, Box::new(declared.settings.clone()));
        let allowed_groups = wanted.iter().map(|group| (*group).clone()).collect();
        let connectors = self.ways(&declared.realm.value, &declared.connectors);
        let Some(now) = now else {
            self.client_steps.push(Step::CreateClient {
                realm,
                client,
                app,
                everyone,
                allowed_groups,
                connectors,
                is_active,
                secret: declared.secret.clone(),
                settings,
            });
            return;
        };
        let rule = &now.settings.access;
        let groups: Vec<_> = rule.groups.iter().filter_map(|id| Some(self.group_keys.get(id)?.1)).collect();
        let before = ClientFacts {
            app: now.app_id.as_ref().and_then(|id| self.app_names.get(id).copied()),
            everyone: rule.everyone,
            groups: &groups,
            is_active: now.is_active,
            settings: &now.settings,
        };
        let mut changes = diff::client(&before, &then);
        changes.extend(diff::ways(&self.way_names(&rule.ways), &texts(&connectors)));
        if !changes.is_empty() {
            let step = Step::UpdateClient {
                realm,
                client,
                app,
                everyone,
                allowed_groups,
                connectors,
                is_active,
                settings,
                changes,
            };
            self.client_steps.push(step);
        }
    }

    /// Complains about addresses of apps that are there and not declared; `check` sees the declared ones.
    fn check_addresses(&mut self, declared: &DeclaredApp) {
        for (address, at) in declared.settings.addresses.iter().zip(&declared.addresses_at) {
            let taken = self.apps.iter().find(|(key, app)| {
                !self.declared_apps.contains(*key)
                    && app
                        .settings
                        .addresses
                        .iter()
                        .any(|other| (other.host() == address.host()) && (other.prefix() == address.prefix()))
            });
            if let Some(((realm, slug), _)) = taken {
                let what = format!("{address} is an address of app {realm}/{slug} already");
                self.complaints.push(Complaint::new(at, what, "choose another, or declare that app too"));
            }
        }
    }

    fn knows_realm(&mut self, realm: &Located<RealmName>) -> bool {
        let known = self.realms.contains_key(&realm.value) || self.declared_realms.contains(&realm.value);
        if !known {
            let what = format!("realm {} is neither declared nor there", realm.value);
            self.complaints.push(Complaint::new(&realm.at, what, "declare it with kind: Realm, or correct the name"));
        }
        known
    }

    fn knows_group(&mut self, realm: &RealmName, group: &Located<GroupName>) -> bool {
        let key = (realm, &group.value);
        let known = self.groups.contains_key(&key) || self.declared_groups.contains(&key);
        if !known {
            let what = format!("group {realm}/{} is neither declared nor there", group.value);
            self.complaints.push(Complaint::new(&group.at, what, "declare it with kind: Group, or correct the name"));
        }
        known
    }

    fn knows_app(&mut self, realm: &RealmName, app: &Located<AppSlug>) -> bool {
        let key = (realm, &app.value);
        let known = self.apps.contains_key(&key) || self.declared_apps.contains(&key);
        if !known {
            let what = format!("app {realm}/{} is neither declared nor there", app.value);
            self.complaints.push(Complaint::new(&app.at, what, "declare it with kind: App, or correct the name"));
        }
        known
    }

    fn knows_user(&mut self, realm: &RealmName, user: &Located<UserName>) -> bool {
        let key = (realm, &user.value);
        let known = self.users.contains_key(&key) || self.declared_users.contains(&key);
        if !known {
            let what = format!("user {realm}/{} is neither declared nor there", user.value);
            self.complaints.push(Complaint::new(&user.at, what, "declare it with kind: User, or correct the name"));
        }
        known
    }

    fn finish(mut self) -> Result<Plan, Vec<Complaint>> {
        self.complaints.sort_by(|a, b| a.at.cmp(&b.at));
        if !self.complaints.is_empty() {
            return Err(self.complaints);
        }
        // Connectors of Kerberos name directories, the others nothing.
        self.connector_steps.sort_by_key(|step| {
            let (Step::CreateConnector { settings, .. } | Step::UpdateConnector { settings, .. }) = step else {
                return false;
            };
            settings.kind.kerberos().is_some()
        });
        // Apps and clients name connectors; an app that gives up an address goes before the one that takes it; clients name
        // apps; roles name all of them.
        let parts = [
            self.new_realms,
            self.new_groups,
            self.people,
            self.edges,
            self.connector_steps,
            self.changed_apps,
            self.new_apps,
            self.client_steps,
            self.role_steps,
        ];
        Ok(Plan { steps: parts.into_iter().flatten().collect(), warnings: self.warnings })
    }
}

/// By their lines, so that the order in which the store lists rows makes no difference.
fn sort(steps: &mut [Step]) {
    steps.sort_by_cached_key(ToString::to_string);
}
