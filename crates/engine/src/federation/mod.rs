//! Connectors: people come in with what an outside identity provider proved. The provider is asked elsewhere; what it
//! proved arrives as an [`ExternalIdentity`], and the rules here say which user that is and in which groups.

pub mod attempt;
pub mod directory;
mod former;
pub mod groups;
pub mod kept;
pub mod linking;
pub mod logout;
pub mod naming;
pub mod new_password;
pub mod own_keys;
pub mod parting;
pub mod pending;
pub mod presets;
pub mod preview;
pub mod refresh;
pub mod settings;
pub mod sign_in;
pub mod sync;
pub mod tickets;

use crate::door::Door;
use crate::manage::connectors::PURPOSE;
use doorward_model::context::Ctx;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::{Fault, FaultKind};
use doorward_model::id::{ConnectorId, RealmId};
use doorward_model::name::{ConnectorName, DisplayText, EmailAddress, RealmName};
use doorward_model::time::Timestamp;
use doorward_store::connectors::{self, ConnectorRow, Outsider};
use doorward_store::tx::Tx;
use kept::Kept;
use serde::{Deserialize, Serialize};
use settings::ConnectorSettings;
use zeroize::Zeroizing;

/// An outside identity provider of one realm.
#[derive(Debug, Clone)]
pub struct Connector {
    /// Its id.
    pub id: ConnectorId,
    /// Its realm.
    pub realm_id: RealmId,
    /// Its name in URLs.
    pub name: ConnectorName,
    /// What it is and what its word counts for.
    pub settings: ConnectorSettings,
    /// Its client secret, sealed, when it is kept here.
    pub sealed: Option<Vec<u8>>,
    /// Nobody comes in through a disabled one.
    pub is_active: bool,
    /// How often it was changed: whoever is on the way through it then begins again.
    pub revision: i64,
}

impl Connector {
    /// From the store.
    pub fn read(row: ConnectorRow) -> Result<Self, Fault> {
        let read = serde_json::from_str(&row.settings);
        let settings = read.or_else(|error| match former::spelled_anew(&row.settings) {
            Some(anew) => serde_json::from_value(anew).map_err(|_| error),
            None => Err(error),
        });
        let settings = settings.map_err(|error| Fault::corrupt("connectors", row.id.as_str(), error))?;
        let ConnectorRow { id, realm_id, name, sealed, is_active, revision, .. } = row;
        Ok(Self { id, realm_id, name, settings, sealed, is_active, revision })
    }

    /// To the store.
    pub fn row(&self) -> Result<ConnectorRow, Fault> {
        let settings = serde_json::to_string(&self.settings)
            .map_err(|error| Fault::new(FaultKind::Internal, "writing a connector's settings", error))?;
        Ok(ConnectorRow {
            id: self.id.clone(),
            realm_id: self.realm_id.clone(),
            name: self.name.clone(),
            settings,
            sealed: self.sealed.clone(),
            is_active: self.is_active,
            revision: self.revision,
        })
    }

    /// Somebody of that subject there.
    pub fn outsider<'a>(&'a self, subject: &'a str) -> Outsider<'a> {
        Outsider { connector: &self.id, issuer: self.settings.kind.issuer(), subject }
    }

    /// Where browsers come back to from it, on Doorward's own host.
    pub fn callback_path(&self, realm: &RealmName) -> String {
        self.settings.callback_path(realm, &self.name)
    }

    /// Its name for people.
    pub fn title(&self) -> &str {
        self.settings.title.as_ref().map_or(self.name.as_str(), DisplayText::as_str)
    }
}

/// What an outside identity provider proved of somebody. Issuer and subject alone tell people apart; everything else is
/// what the provider says of them now.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ExternalIdentity {
    /// Who vouches for them.
    pub issuer: String,
    /// What the issuer calls them, for ever.
    pub subject: String,
    /// What they would be called here.
    pub name: Option<String>,
    /// Their name for people.
    pub display: Option<DisplayText>,
    /// Their e-mail address.
    pub email: Option<EmailAddress>,
    /// Whether the provider says that it proved the address to be theirs.
    pub email_verified: bool,
    /// The groups they are in; `None` when the provider says nothing of groups, which is not the same as none.
    pub groups: Option<Vec<String>>,
    /// What the provider calls the session there.
    pub session: Option<String>,
    /// When it vouched for them.
    pub vouched_at: Option<Timestamp>,
    /// What it gave beside, for later.
    pub kept: Kept,
    /// When the session there is over: the one here is not longer.
    pub session_until: Option<Timestamp>,
    /// What of the provider's answer counts once.
    pub once: Vec<Once>,
    /// The connector that proved it, where another one says who it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<Through>,
    /// What was missing or left out when it was read, each in one sentence for administrators. For the log.
    #[serde(skip)]
    pub notes: Vec<String>,
}

/// A connector that proved somebody of whom another one says who it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Through {
    /// The connector.
    pub connector: ConnectorId,
    /// Its revision then.
    pub revision: i64,
}

/// A part of a provider's answer that counts once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Once {
    /// What it is.
    pub kind: String,
    /// Which one.
    pub id: String,
    /// Until when it would count.
    pub until: Timestamp,
    /// The connector where that is noted, when it is not the one that proved it alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<ConnectorId>,
}

impl ExternalIdentity {
    /// Where parts of it are noted as shown: at the connector that proved it.
    fn proved_at<'a>(&'a self, connector: &'a ConnectorId) -> &'a ConnectorId {
        self.through.as_ref().map_or(connector, |through| &through.connector)
    }

    /// Holds the connector that proved it, if that is another one; `false` when it was changed or disabled meanwhile.
    async fn hold_proof(&self, tx: &mut Tx) -> Result<bool, Fault> {
        match &self.through {
            Some(through) => connectors::hold_active(tx, &through.connector, through.revision).await,
            None => Ok(true),
        }
    }

    /// Whom it is about.
    pub fn outsider<'a>(&'a self, connector: &'a ConnectorId) -> Outsider<'a> {
        Outsider { connector, issuer: &self.issuer, subject: &self.subject }
    }
}

/// The connector of that name, active or not.
pub async fn find(door: &Door, realm: &RealmId, name: &ConnectorName) -> Result<Option<Connector>, Fault> {
    connectors::find(&mut &door.store, realm, name).await?.map(Connector::read).transpose()
}

/// The active connectors of a realm, by name.
pub async fn active(door: &Door, realm: &RealmId) -> Result<Vec<Connector>, Fault> {
    let all = connectors::of_realm(&mut &door.store, realm).await?;
    all.into_iter().filter(|row| row.is_active).map(Connector::read).collect()
}

/// Records what has happened to what a provider publishes.
pub async fn note_news(door: &Door, ctx: &Ctx, connector: &Connector, news: &str) -> Result<(), Fault> {
    let mut tx = door.begin().await?;
    let detail = format!("connector {}: {news}", connector.name);
    tx.record(Event::new(EventKind::ProviderChanged, Some(&connector.realm_id), connector.id.to_string(), detail));
    door.commit(ctx, tx).await
}

/// A connector's client secret, when it is kept here.
pub fn open_secret(door: &Door, connector: &Connector) -> Result<Option<Zeroizing<String>>, Fault> {
    let corrupt = |why: &str| Fault::corrupt("connectors", connector.id.as_str(), why);
    let Some(sealed) = &connector.sealed else { return Ok(None) };
    let clear = door.keys.open(PURPOSE, sealed).ok_or_else(|| corrupt("it was sealed with another master key"))?;
    let text = std::str::from_utf8(&clear).map_err(|_| corrupt("the secret is no text"))?;
    Ok(Some(Zeroizing::new(text.to_owned())))
}
