//! Clients: the tools that send people here to sign in, and the programs that ask for tokens of their
//! own. What is declared about one, how it is found, and which rule lets people through to it.

mod assertion;
pub mod authenticate;
pub(crate) mod guesses;
pub mod keys;
pub mod mapper;
pub mod realm_rules;
pub(crate) mod refusals;
pub(crate) mod secrets;
pub mod settings;
pub mod template;

use crate::door::Door;
use crate::gate::decide::{self, Refusal, Verdict, may_enter};
use crate::live::clients::LiveClient;
use crate::live::feed::Touched;
pub use doorward_jose::certificate::{Authorities, Certificate};
use doorward_model::fault::{Fault, FaultKind};
use doorward_model::id::{AppId, ClientId, RealmId};
use doorward_model::name::{ClientName, DisplayText};
use doorward_model::people::{Group, User};
use doorward_model::ways::{CameBy, Ways};
use doorward_oauth::scope::Scopes;
use doorward_store::clients::{self, ClientRow};
pub use realm_rules::{Assigned, ClientScope, PasswordSignIn, RealmRules, RealmSettings, ScopeSettings, SessionLives};
pub use settings::{
    Authentication, ClientKind, ClientSettings, ConsentMode, GrantType, Lifetimes, Paths, SubjectKind, Workload,
};
use std::sync::Arc;

/// A relying party of the OpenID Provider.
#[derive(Debug, Clone, PartialEq)]
pub struct Client {
    /// Its id: what tokens and agreements are tied to.
    pub id: ClientId,
    /// Its realm.
    pub realm_id: RealmId,
    /// Its `client_id`.
    pub name: ClientName,
    /// The app it belongs to; then the app's rule decides who may enter.
    pub app_id: Option<AppId>,
    /// A disabled client can do nothing at all.
    pub is_active: bool,
    /// What was declared about it.
    pub settings: ClientSettings,
}

/// Life of access and ID tokens, in seconds, where nothing else is said.
pub const ACCESS_SECONDS: i64 = 5 * 60;
/// Life of a refresh token, in seconds, where nothing else is said.
pub const REFRESH_SECONDS: i64 = 30 * 60;
/// Life of an offline token, in seconds, where nothing else is said.
pub const OFFLINE_SECONDS: i64 = 30 * 24 * 60 * 60;

impl Client {
    /// From the store.
    pub fn read(row: ClientRow) -> Result<Self, Fault> {
        let settings =
            serde_json::from_str(&row.settings).map_err(|error| Fault::corrupt("clients", row.id.as_str(), error))?;
        let ClientRow { id, realm_id, name, app_id, is_active, .. } = row;
        Ok(Self { id, realm_id, name, app_id, is_active, settings })
    }

    /// To the store.
    pub fn row(&self) -> Result<ClientRow, Fault> {
        let settings = serde_json::to_string(&self.settings)
            .map_err(|error| Fault::new(FaultKind::Internal, "writing a client's settings", error))?;
        Ok(ClientRow {
            id: self.id.clone(),
            realm_id: self.realm_id.clone(),
            name: self.name.clone(),
            app_id: self.app_id.clone(),
            settings,
            is_active: self.is_active,
        })
    }

    /// Its name for people.
    pub fn title(&self) -> &str {
        self.settings.title.as_ref().map_or(self.name.as_str(), DisplayText::as_str)
    }

    /// Whether it may come by tokens in this way.
    pub fn may(&self, grant: GrantType) -> bool {
        self.is_active && self.settings.grants.contains(&grant)
    }

    /// Scopes of the realm's own that are among these, or that every client has.
    pub fn own_scopes<'a, 'b>(&'a self, scopes: &'b Scopes) -> impl Iterator<Item = &'a ClientScope> + use<'a, 'b> {
        let has = |scope: &&ClientScope| scope.settings.assigned == Assigned::Default || scopes.contains(&scope.name);
        self.settings.realm.scopes.iter().filter(has)
    }

    /// Whether paths of groups have to be known for what its tokens say.
    pub fn wants_paths(&self) -> bool {
        let of_scopes = self.settings.realm.scopes.iter().flat_map(|scope| &scope.settings.mappers);
        self.settings.mappers.iter().chain(of_scopes).any(mapper::Mapper::wants_paths)
    }

    /// Life of its access tokens, in seconds.
    pub fn access_seconds(&self) -> i64 {
        let realm = self.settings.realm.lifetimes.access_seconds;
        self.settings.lifetimes.access_seconds.or(realm).unwrap_or(ACCESS_SECONDS)
    }

    /// Life of its refresh tokens, in seconds.
    pub fn refresh_seconds(&self, offline: bool) -> i64 {
        let (own, realm) = (&self.settings.lifetimes, &self.settings.realm.lifetimes);
        if offline {
            own.offline_seconds.or(realm.offline_seconds).unwrap_or(OFFLINE_SECONDS)
        } else {
            own.refresh_seconds.or(realm.refresh_seconds).unwrap_or(REFRESH_SECONDS)
        }
    }
}

/// The client of that `client_id`, active or not, with what its realm says for all clients.
pub async fn find(door: &Door, realm: &RealmId, name: &ClientName) -> Result<Option<Arc<Client>>, Fault> {
    Ok(find_live(door, realm, name).await?.map(|live| live.client().clone()))
}

/// The client of that `client_id` with what proves it.
pub(crate) async fn find_live(
    door: &Door,
    realm: &RealmId,
    name: &ClientName,
) -> Result<Option<Arc<LiveClient>>, Fault> {
    let key = (realm.clone(), name.clone());
    match door.live.clients.find(&key) {
        Some(known) => Ok(Some(known)),
        None => Box::pin(load(door, key)).await,
    }
}

async fn load(door: &Door, key: (RealmId, ClientName)) -> Result<Option<Arc<LiveClient>>, Fault> {
    let mark = door.live.mark();
    let Some(row) = clients::find(&mut &door.store, &key.0, &key.1).await? else { return Ok(None) };
    let mut client = Client::read(row)?;
    client.settings.realm = RealmRules::load(&mut &door.store, &key.0).await?;
    let live = Arc::new(LiveClient::new(Arc::new(client)));
    door.live.keep(mark, &Touched::Client(&live), || drop(door.live.clients.put(key, live.clone())));
    Ok(Some(live))
}

/// The rule of a client: its app's if it has one, else its own; the ways in it names itself count beside its app's. Asked
/// wherever a person and a client meet.
pub fn admits(door: &Door, client: &Client, who: (&User, &[Group]), came: CameBy<'_>) -> Verdict {
    let own = &client.settings.access;
    let Some(app_id) = &client.app_id else { return may_enter((&client.realm_id, own), who, came) };
    let apps = door.live.apps();
    let Some(app) = apps.find(app_id) else { return Verdict::Refused(Refusal::NoRule) };
    match may_enter((&app.realm_id, &app.access), who, came) {
        Verdict::Pass(_) | Verdict::Refused(Refusal::MissingGroups(_)) if !own.ways.admit(came) => {
            Verdict::Refused(Refusal::OtherWay(own.ways.clone()))
        }
        verdict => verdict,
    }
}

/// The same for whoever came in by a way that counts there.
pub fn admits_by_any_way(door: &Door, client: &Client, who: (&User, &[Group])) -> Verdict {
    let own = &client.settings.access;
    let Some(app_id) = &client.app_id else { return decide::admits((&client.realm_id, own), who) };
    match door.live.apps().find(app_id) {
        Some(app) => decide::admits((&app.realm_id, &app.access), who),
        None => Verdict::Refused(Refusal::NoRule),
    }
}

/// The ways in that count for a client: one that all of these admit.
pub fn ways(door: &Door, client: &Client) -> Vec<Ways> {
    let apps = door.live.apps();
    let of_app = client.app_id.as_ref().and_then(|id| apps.find(id)).map(|app| app.access.ways.clone());
    of_app.into_iter().chain([client.settings.access.ways.clone()]).filter(|ways| !ways.is_any()).collect()
}
