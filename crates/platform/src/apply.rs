//! Carries out a plan: loads what is there, and makes all of a plan's changes in one transaction through
//! the use cases of `engine`. Everything happens or nothing does. Secrets are read and hashed before
//! the transaction begins; they are never in the plan.

mod besides_steps;
mod connector_steps;
mod role_steps;

use crate::declared::{Current, Plan, SecretReference, Step};
use crate::limits;
use doorward_engine::clients::{Client, ClientScope, ClientSettings, RealmSettings};
use doorward_engine::door::Door;
use doorward_engine::federation::Connector;
use doorward_engine::manage::{self, Refused, connectors::Ends, users::NewUser};
use doorward_engine::passwords::HashError;
use doorward_engine::token::Profile;
use doorward_model::app::{Access, App};
use doorward_model::context::Ctx;
use doorward_model::fault::Fault;
use doorward_model::id::{AppId, GroupId, RealmId};
use doorward_model::limits::PAGE_ROWS;
use doorward_model::name::{AppSlug, ClientName, GroupName, RealmName, UserName};
use doorward_model::people::{Group, Realm, Source, User};
use doorward_model::secret::{BadPassword, ClientSecretText, Password, PlainToken};
use doorward_model::ways::WayName;
use doorward_store::store::Query;
use doorward_store::tx::Tx;
use doorward_store::{apps, client_scopes, clients, connectors, groups, realms, roles, sync, users};
use std::collections::HashMap;
use std::io::Read as _;

/// What is there now, in the form plans are made from.
///
/// # Errors
/// When the database cannot be read.
pub async fn current(door: &Door) -> Result<Current, Fault> {
    let mut query = &door.store;
    let mut current = Current { realms: realms::list(&mut query, i64::MAX).await?, ..Current::default() };
    let ids: Vec<_> = current.realms.iter().map(|realm| realm.id.clone()).collect();
    for realm in &ids {
        current.users.extend(all_users(&mut query, realm).await?);
        current.without_password.extend(users::without_password(&mut query, realm).await?);
        current.shut.extend(sync::shut_of_realm(&mut query, realm).await?);
        current.groups.extend(groups::list(&mut query, realm, "", i64::MAX).await?);
        current.members.extend(groups::memberships_of_realm(&mut query, realm).await?);
        current.nesting.extend(groups::nestings_of_realm(&mut query, realm).await?);
        current.clients.extend(all_clients(&mut query, realm).await?);
        current.realm_settings.insert(realm.clone(), RealmSettings::load(&mut query, realm).await?);
        for (user, text) in users::profiles_of_realm(&mut query, realm).await? {
            let profile = Profile::read(&user, &text)?;
            current.profiles.insert(user, (profile, None));
        }
        for (user, subject) in users::subjects_of_realm(&mut query, realm).await? {
            current.profiles.entry(user).or_default().1 = Some(subject);
        }
        for row in client_scopes::of_realm(&mut query, realm).await? {
            current.scopes.push(ClientScope::read(row)?);
        }
        for row in connectors::of_realm(&mut query, realm).await? {
            current.connectors.push(Connector::read(row)?);
        }
        current.roles.extend(roles::all_of_realm(&mut query, realm).await?);
        current.role_holders.extend(roles::holders_of_realm(&mut query, realm).await?);
    }
    current.apps = apps::all(&mut query).await?.0;
    Ok(current)
}

async fn all_users(query: &mut impl Query, realm: &RealmId) -> Result<Vec<User>, Fault> {
    let mut all: Vec<User> = Vec::new();
    loop {
        let after = all.last().map_or(String::new(), |user| user.name.to_string());
        let page = users::list(query, realm, &after, PAGE_ROWS).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

async fn all_clients(query: &mut impl Query, realm: &RealmId) -> Result<Vec<Client>, Fault> {
    let mut all: Vec<Client> = Vec::new();
    loop {
        let after = all.last().map_or(String::new(), |client| client.name.to_string());
        let page = clients::page(query, realm, &after, PAGE_ROWS).await?;
        if page.is_empty() {
            return Ok(all);
        }
        for row in page {
            all.push(Client::read(row)?);
        }
    }
}

/// A secret that a client got while a plan was carried out. It is nowhere else in clear.
pub struct NewSecret {
    /// The client's realm.
    pub realm: RealmName,
    /// Its `client_id`.
    pub client: ClientName,
    /// The secret.
    pub secret: PlainToken,
}

/// What came of a plan.
#[derive(Default)]
pub struct Made {
    /// Secrets that clients got.
    pub secrets: Vec<NewSecret>,
    /// What went with changed and removed connectors, by the places of their steps.
    pub ends: Vec<(usize, Ends)>,
}

/// Makes all changes of a plan in one transaction. Refused, nothing has changed. `keep` is shown the new secrets of
/// clients, if there are any, before the transaction is committed: what it refuses does not happen either.
///
/// # Errors
/// When something broke; nothing has changed then either.
pub async fn apply(
    door: &Door,
    ctx: &Ctx,
    plan: &Plan,
    keep: impl FnOnce(&[NewSecret]) -> Result<(), Refused>,
) -> Result<Result<Made, Refused>, Fault> {
    if plan.is_empty() {
        return Ok(Ok(Made::default()));
    }
    let hashes = match hash_passwords(door, plan).await? {
        Ok(hashes) => hashes,
        Err(refused) => return Ok(Err(refused)),
    };
    let brought = match brought_secrets(plan) {
        Ok(brought) => brought,
        Err(refused) => return Ok(Err(refused)),
    };
    let (tx, made) = (door.begin().await?, Made::default());
    let mut work = Work { door, ctx, tx, hashes, brought, made, is_rehearsal: false };
    match work.all(&plan.steps).await {
        Ok(()) => {}
        Err(Stop::Refused(refused)) => return Ok(Err(refused)),
        Err(Stop::Fault(fault)) => return Err(fault),
    }
    let Work { tx, made, .. } = work;
    if !made.secrets.is_empty()
        && let Err(refused) = keep(&made.secrets)
    {
        return Ok(Err(refused));
    }
    door.commit(ctx, tx).await?;
    Ok(Ok(made))
}

/// Makes all changes of a plan and takes them back, without reading a secret: what [`apply`] would refuse is refused here
/// already, and what would go with connectors is told beside their steps.
///
/// # Errors
/// When something broke.
pub async fn rehearse(door: &Door, ctx: &Ctx, plan: Plan) -> Result<Result<Plan, Refused>, Fault> {
    if plan.is_empty() {
        return Ok(Ok(plan));
    }
    let (tx, made) = (door.begin().await?, Made::default());
    let (hashes, brought) = (Hashes::new(), Brought::new());
    let mut work = Work { door, ctx, tx, hashes, brought, made, is_rehearsal: true };
    match work.all(&plan.steps).await {
        Ok(()) => Ok(Ok(plan.and_ends(&work.made.ends))),
        Err(Stop::Refused(refused)) => Ok(Err(refused)),
        Err(Stop::Fault(fault)) => Err(fault),
    }
}

type Hashes = HashMap<(RealmName, UserName), String>;

/// Hashes of the passwords a plan sets, by realm and user.
async fn hash_passwords(door: &Door, plan: &Plan) -> Result<Result<Hashes, Refused>, Fault> {
    let mut hashes = Hashes::new();
    for step in &plan.steps {
        let (realm, user, reference) = match step {
            Step::CreateUser { realm, user, password: Some(reference), .. }
            | Step::SetPassword { realm, user, password: reference } => (realm, user, reference),
            _ => continue,
        };
        let refused = |why: String| Refused::because(format!("password of user {realm}/{user}: {why}"));
        let text = match read_secret(reference) {
            Ok(text) => text,
            Err(why) => return Ok(Err(refused(why))),
        };
        let password = match Password::chosen(&text, user.as_str()) {
            Ok(password) => password,
            Err(BadPassword::Empty) => {
                return Ok(Err(refused(format!("{reference} is empty: put the password there"))));
            }
            Err(error) => return Ok(Err(refused(format!("{reference}: {error}")))),
        };
        match door.hasher.hash(password, &*door.dice).await {
            Ok(hash) => drop(hashes.insert((realm.clone(), user.clone()), hash)),
            Err(HashError::Busy) => return Ok(Err(refused("too many passwords are being checked: try again".into()))),
            Err(HashError::Fault(fault)) => return Err(fault),
        }
    }
    Ok(Ok(hashes))
}

type Brought = HashMap<(RealmName, ClientName), ClientSecretText>;

/// Secrets of new clients that their tools have already, by realm and client.
fn brought_secrets(plan: &Plan) -> Result<Brought, Refused> {
    let mut brought = Brought::new();
    for step in &plan.steps {
        let Step::CreateClient { realm, client, secret: Some(reference), .. } = step else { continue };
        let refused = |why: String| Refused::because(format!("secret of client {realm}/{client}: {why}"));
        let text = read_secret(reference).map_err(refused)?;
        let secret = ClientSecretText::parse(&text).map_err(|bad| refused(format!("{reference}: {bad}")))?;
        brought.insert((realm.clone(), client.clone()), secret);
    }
    Ok(brought)
}

/// A secret, without the line end files close with.
fn read_secret(reference: &SecretReference) -> Result<String, String> {
    let text = match reference {
        SecretReference::Environment(name) => {
            std::env::var(name).map_err(|_| format!("{reference} is not set or not text: set it and apply again"))?
        }
        SecretReference::File(path) => {
            let broken = |error: std::io::Error| format!("{reference} cannot be read, {error}: correct the path");
            let file = std::fs::File::open(path).map_err(broken)?;
            let mut text = String::new();
            file.take(limits::SECRET_BYTES).read_to_string(&mut text).map_err(broken)?;
            text
        }
    };
    Ok(text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line)).to_owned())
}

enum Stop {
    Refused(Refused),
    Fault(Fault),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Refused> for Stop {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

fn gone(kind: &str, name: &str, realm: &RealmName) -> Stop {
    Stop::Refused(Refused::because(format!("{kind} {realm}/{name} went away in the meantime: plan again")))
}

/// A plan being carried out.
struct Work<'a> {
    door: &'a Door,
    ctx: &'a Ctx,
    tx: Tx,
    hashes: Hashes,
    brought: Brought,
    made: Made,
    /// Nothing of it stays, and nothing was read for it.
    is_rehearsal: bool,
}

impl Work<'_> {
    async fn all(&mut self, steps: &[Step]) -> Result<(), Stop> {
        self.release_addresses(steps).await?;
        for (place, step) in steps.iter().enumerate() {
            match step {
                Step::CreateRealm { .. } | Step::UpdateRealm { .. } => self.realm_step(step).await?,
                Step::CreateUser { .. } | Step::UpdateUser { .. } | Step::SetPassword { .. } => {
                    self.user_step(step).await?;
                }
                Step::CreateApp { .. } | Step::UpdateApp { .. } => self.app_step(step).await?,
                Step::CreateClient { .. } | Step::UpdateClient { .. } => self.client_step(step).await?,
                Step::SetProfile { .. }
                | Step::SetRealm { .. }
                | Step::CreateScope { .. }
                | Step::UpdateScope { .. } => self.besides_step(step).await?,
                Step::CreateConnector { .. } | Step::UpdateConnector { .. } | Step::RemoveConnector { .. } => {
                    let ends = self.connector_step(step).await?;
                    self.made.ends.push((place, ends));
                }
                Step::CreateRole { .. } | Step::UpdateRole { .. } | Step::GiveRole { .. } | Step::TakeRole { .. } => {
                    self.role_step(step).await?;
                }
                _ => self.group_step(step).await?,
            }
        }
        Ok(())
    }

    /// Lets apps that are changed together swap their addresses.
    async fn release_addresses(&mut self, steps: &[Step]) -> Result<(), Stop> {
        for step in steps {
            if let Step::UpdateApp { realm, app, .. } = step {
                let id = self.app(realm, app).await?.id;
                apps::release_addresses(&mut self.tx, &id).await?;
            }
        }
        Ok(())
    }

    async fn realm_step(&mut self, step: &Step) -> Result<(), Stop> {
        match step {
            Step::CreateRealm { realm, title } => {
                let (name, title) = (realm.clone(), title.clone());
                manage::realms::create(self.door, self.ctx, &mut self.tx, name, title).await??;
            }
            Step::UpdateRealm { realm, title, .. } => {
                let realm = self.realm(realm).await?;
                manage::realms::retitle(&mut self.tx, &realm, title).await?;
            }
            _ => {}
        }
        Ok(())
    }

    async fn user_step(&mut self, step: &Step) -> Result<(), Stop> {
        match step {
            Step::CreateUser { realm, user, display, email, is_active, .. } => {
                let id = self.realm(realm).await?.id;
                let password = self.hashes.remove(&(realm.clone(), user.clone()));
                let (name, display, email) = (user.clone(), display.clone(), email.clone());
                let new = NewUser { name, display, email, password, is_active: *is_active };
                manage::users::create(self.door, self.ctx, &mut self.tx, &id, new).await??;
            }
            Step::UpdateUser { realm, user, display, email, is_active, .. } => {
                let mut user = self.user(realm, user).await?;
                if display.is_some() || email.is_some() {
                    user.display = display.clone().unwrap_or(user.display);
                    user.email = email.clone().or(user.email);
                    manage::users::update(&mut self.tx, &user).await?;
                }
                match is_active {
                    Some(true) => drop(manage::users::enable(&mut self.tx, &user).await?),
                    Some(false) => drop(manage::users::disable(&mut self.tx, &user).await?),
                    None => {}
                }
            }
            Step::SetPassword { .. } if self.is_rehearsal => {}
            Step::SetPassword { realm, user, .. } => {
                let hash = self.hashes.remove(&(realm.clone(), user.clone()));
                let hash = hash.ok_or_else(|| Fault::internal(format!("password of {realm}/{user} was not hashed")))?;
                let user = self.user(realm, user).await?;
                manage::users::set_password(&mut self.tx, &user, &hash, None).await?;
            }
            _ => {}
        }
        Ok(())
    }

    async fn group_step(&mut self, step: &Step) -> Result<(), Stop> {
        match step {
            Step::CreateGroup { realm, group } => {
                let id = self.realm(realm).await?.id;
                manage::groups::create(self.door, &mut self.tx, &id, group.clone()).await??;
            }
            Step::Nest { realm, parent, child } => {
                let (parent, child) = (self.group(realm, parent).await?, self.group(realm, child).await?);
                manage::groups::nest(&mut self.tx, &parent, &child, &Source::Declared).await??;
            }
            Step::Unnest { realm, parent, child } => {
                let (parent, child) = (self.group(realm, parent).await?, self.group(realm, child).await?);
                manage::groups::unnest(&mut self.tx, &parent, &child, &Source::Declared).await?;
            }
            Step::AddMember { realm, group, user } => {
                let (group, user) = (self.group(realm, group).await?, self.user(realm, user).await?);
                manage::groups::add_member(&mut self.tx, &group, &user, &Source::Declared).await?;
            }
            Step::RemoveMember { realm, group, user } => {
                let (group, user) = (self.group(realm, group).await?, self.user(realm, user).await?);
                manage::groups::remove_member(&mut self.tx, &group, &user, &Source::Declared).await?;
            }
            _ => {}
        }
        Ok(())
    }

    async fn app_step(&mut self, step: &Step) -> Result<(), Stop> {
        match step {
            Step::CreateApp { realm, app, everyone, allowed_groups, connectors, settings } => {
                let access = self.access(realm, *everyone, allowed_groups, connectors).await?;
                let id = self.realm(realm).await?.id;
                let given = (access, (**settings).clone());
                manage::apps::create(self.door, &mut self.tx, &id, app.clone(), given).await??;
            }
            Step::UpdateApp { realm, app, everyone, allowed_groups, connectors, settings, .. } => {
                let mut app = self.app(realm, app).await?;
                app.access = self.access(realm, *everyone, allowed_groups, connectors).await?;
                app.settings = (**settings).clone();
                manage::apps::update(self.door, &mut self.tx, &app).await??;
            }
            _ => {}
        }
        Ok(())
    }

    async fn client_step(&mut self, step: &Step) -> Result<(), Stop> {
        match step {
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
                let (app_id, settings) =
                    self.client_rule(realm, app.as_ref(), (*everyone, allowed_groups, connectors), settings).await?;
                let id = self.realm(realm).await?.id;
                let given = (&id, (client.clone(), app_id, settings));
                let brought = self.brought.get(&(realm.clone(), client.clone()));
                let made = manage::clients::create_with(self.door, self.ctx, &mut self.tx, given, brought).await??;
                let (made, secret) = made;
                if !is_active {
                    let off = Client { is_active: false, ..made };
                    manage::clients::update(&mut self.tx, &off).await??;
                }
                self.note_secret(realm, client, secret);
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
                let before = self.client(realm, client).await?;
                let had_secret = before.settings.has_secret();
                let (app_id, settings) =
                    self.client_rule(realm, app.as_ref(), (*everyone, allowed_groups, connectors), settings).await?;
                let after = Client { app_id, settings, is_active: *is_active, ..before };
                manage::clients::update(&mut self.tx, &after).await??;
                if !had_secret && after.settings.has_secret() {
                    // Secrets of a former life do not come back.
                    let made = manage::clients::rotate_secret(self.door, self.ctx, &mut self.tx, &after, 0).await??;
                    self.note_secret(realm, client, Some(made));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn note_secret(&mut self, realm: &RealmName, client: &ClientName, secret: Option<PlainToken>) {
        let (realm, client) = (realm.clone(), client.clone());
        self.made.secrets.extend(secret.map(|secret| NewSecret { realm, client, secret }));
    }

    /// A client's app and its settings, with ids for names.
    async fn client_rule(
        &mut self,
        realm: &RealmName,
        app: Option<&AppSlug>,
        (everyone, groups, connectors): (bool, &[GroupName], &[WayName]),
        settings: &ClientSettings,
    ) -> Result<(Option<AppId>, ClientSettings), Stop> {
        let app_id = match app {
            Some(app) => Some(self.app(realm, app).await?.id),
            None => None,
        };
        let access = self.access(realm, everyone, groups, connectors).await?;
        Ok((app_id, ClientSettings { access, ..settings.clone() }))
    }

    async fn realm(&mut self, name: &RealmName) -> Result<Realm, Stop> {
        let found = realms::find(&mut self.tx, name).await?;
        found.ok_or_else(|| {
            Stop::Refused(Refused::because(format!("realm {name} went away in the meantime: plan again")))
        })
    }

    async fn user(&mut self, realm: &RealmName, name: &UserName) -> Result<User, Stop> {
        let id = self.realm(realm).await?.id;
        let found = users::find_by_name(&mut self.tx, &id, name).await?;
        found.ok_or_else(|| gone("user", name.as_str(), realm))
    }

    async fn group(&mut self, realm: &RealmName, name: &GroupName) -> Result<Group, Stop> {
        let id = self.realm(realm).await?.id;
        let found = groups::find(&mut self.tx, &id, name).await?;
        found.ok_or_else(|| gone("group", name.as_str(), realm))
    }

    async fn app(&mut self, realm: &RealmName, slug: &AppSlug) -> Result<App, Stop> {
        let id = self.realm(realm).await?.id;
        let found = apps::find(&mut self.tx, &id, slug).await?;
        found.ok_or_else(|| gone("app", slug.as_str(), realm))
    }

    async fn client(&mut self, realm: &RealmName, name: &ClientName) -> Result<Client, Stop> {
        let id = self.realm(realm).await?.id;
        match clients::find(&mut self.tx, &id, name).await? {
            Some(row) => Ok(Client::read(row)?),
            None => Err(gone("client", name.as_str(), realm)),
        }
    }

    async fn access(
        &mut self,
        realm: &RealmName,
        everyone: bool,
        names: &[GroupName],
        connectors: &[WayName],
    ) -> Result<Access, Stop> {
        let mut groups: Vec<GroupId> = Vec::with_capacity(names.len());
        for name in names {
            groups.push(self.group(realm, name).await?.id);
        }
        let id = self.realm(realm).await?.id;
        let ways = manage::ways::find(&mut self.tx, &id, connectors).await??;
        Ok(Access { everyone, groups, ways })
    }
}
