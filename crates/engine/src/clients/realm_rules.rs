//! What a realm says for all of its clients: scopes of its own, and lives of tokens and sessions where a client
//! says nothing.

use super::mapper::Mapper;
use super::settings::Lifetimes;
use crate::settings::SessionLimits;
use doorward_model::fault::{Fault, FaultKind};
use doorward_model::id::{ClientScopeId, RealmId};
use doorward_store::client_scopes::{self, ClientScopeRow};
use doorward_store::realms;
use doorward_store::store::Query;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::Arc;

/// Which clients have a scope of the realm's own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assigned {
    /// Every client, asked for or not.
    Default,
    /// Every client that asks for it.
    #[default]
    Optional,
    /// Clients whose own `scopes` name it, when they ask for it.
    Named,
}

/// What was declared about a scope; stored as one document.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScopeSettings {
    /// What it tells, for people who are asked.
    pub description: String,
    /// Which clients have it.
    pub assigned: Assigned,
    /// What tokens with it say besides.
    pub mappers: Vec<Mapper>,
}

/// A scope of a realm's own.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientScope {
    /// Its id.
    pub id: ClientScopeId,
    /// Its realm.
    pub realm_id: RealmId,
    /// Its name, as clients ask for it.
    pub name: String,
    /// What was declared about it.
    pub settings: ScopeSettings,
}

impl ClientScope {
    /// From the store.
    pub fn read(row: ClientScopeRow) -> Result<Self, Fault> {
        let ClientScopeRow { id, realm_id, name, settings } = row;
        let settings =
            serde_json::from_str(&settings).map_err(|error| Fault::corrupt("client_scopes", id.as_str(), error))?;
        Ok(Self { id, realm_id, name, settings })
    }

    /// To the store.
    pub fn row(&self) -> Result<ClientScopeRow, Fault> {
        Ok(ClientScopeRow {
            id: self.id.clone(),
            realm_id: self.realm_id.clone(),
            name: self.name.clone(),
            settings: text(&self.settings)?,
        })
    }
}

/// Lives of sessions, in seconds; `None` for the process's own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionLives {
    /// Ends when unseen for this long.
    pub idle_seconds: Option<i64>,
    /// Ends after this long in any case.
    pub lifetime_seconds: Option<i64>,
    /// Idle limit with "keep me signed in".
    pub remembered_idle_seconds: Option<i64>,
    /// Lifetime with "keep me signed in".
    pub remembered_lifetime_seconds: Option<i64>,
}

impl SessionLives {
    /// With the process's own where nothing is said.
    pub fn or(self, own: SessionLimits) -> SessionLimits {
        SessionLimits {
            idle_seconds: self.idle_seconds.unwrap_or(own.idle_seconds),
            lifetime_seconds: self.lifetime_seconds.unwrap_or(own.lifetime_seconds),
            remembered_idle_seconds: self.remembered_idle_seconds.unwrap_or(own.remembered_idle_seconds),
            remembered_lifetime_seconds: self.remembered_lifetime_seconds.unwrap_or(own.remembered_lifetime_seconds),
        }
    }
}

/// Whom a password kept here lets in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PasswordSignIn {
    /// Everybody who has one.
    #[default]
    Everyone,
    /// Only those who are kept for emergencies; everybody else comes through a connector.
    BreakGlass,
}

impl PasswordSignIn {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Everyone, Self::BreakGlass];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Everyone => "everyone",
            Self::BreakGlass => "break-glass",
        }
    }

    /// Reads what [`PasswordSignIn::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.as_str() == text)
    }

    /// Whether somebody's password counts, who is kept for emergencies or not.
    pub fn takes(self, is_break_glass: bool) -> bool {
        self == Self::Everyone || is_break_glass
    }
}

/// What was declared about a realm; stored as one document. Keys of other parts are kept as they are.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RealmSettings {
    /// Lives of tokens, for clients that say nothing.
    pub lifetimes: Lifetimes,
    /// Lives of sessions.
    pub sessions: SessionLives,
    /// Whom a password kept here lets in.
    pub password_sign_in: PasswordSignIn,
    /// Whatever else stands there.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl RealmSettings {
    /// Those of a realm.
    pub async fn load(query: &mut impl Query, realm: &RealmId) -> Result<Self, Fault> {
        let stored = realms::settings(query, realm).await?.unwrap_or_default();
        serde_json::from_str(if stored.is_empty() { "{}" } else { &stored })
            .map_err(|error| Fault::corrupt("realms", realm.as_str(), error))
    }

    /// As stored.
    pub fn to_text(&self) -> Result<String, Fault> {
        text(self)
    }
}

fn text(settings: &impl Serialize) -> Result<String, Fault> {
    serde_json::to_string(settings).map_err(|error| Fault::new(FaultKind::Internal, "writing settings", error))
}

/// What clients of a realm have from it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RealmRules {
    /// Lives of tokens.
    pub lifetimes: Lifetimes,
    /// Lives of sessions.
    pub sessions: SessionLives,
    /// Whom a password kept here lets in.
    pub password_sign_in: PasswordSignIn,
    /// The realm's own scopes.
    pub scopes: Vec<ClientScope>,
}

impl RealmRules {
    /// Those of a realm, as of now.
    pub async fn load(query: &mut impl Query, realm: &RealmId) -> Result<Arc<Self>, Fault> {
        let RealmSettings { lifetimes, sessions, password_sign_in, .. } = RealmSettings::load(query, realm).await?;
        let rows = client_scopes::of_realm(query, realm).await?;
        let scopes = rows.into_iter().map(ClientScope::read).collect::<Result<_, _>>()?;
        Ok(Arc::new(Self { lifetimes, sessions, password_sign_in, scopes }))
    }
}
