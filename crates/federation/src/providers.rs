//! What providers publish, kept for a while. Each connector has a place of its own, so that one that hangs keeps nobody
//! else waiting, and many people who come at once ask once.

use crate::limits;
use crate::metadata::Metadata;
use crate::trouble::Trouble;
use doorward_engine::federation::Connector;
use doorward_engine::federation::settings::OidcSettings;
use doorward_jose::json;
use doorward_jose::key_set::KeySet;
use doorward_model::id::ConnectorId;
use doorward_model::time::Timestamp;
use doorward_model::told::told;
use doorward_outbound::Outbound;
use parking_lot::Mutex;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// Everything that asks providers.
pub struct Providers {
    pub(crate) outbound: Arc<Outbound>,
    places: Mutex<HashMap<ConnectorId, Arc<Place>>>,
}

#[derive(Default)]
struct Place {
    known: tokio::sync::Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    known: Option<Known>,
    /// The last failure: while it is fresh nobody waits for the next one.
    failed: Option<Failed>,
}

struct Failed {
    of: Asked,
    at: Timestamp,
    trouble: Trouble,
}

/// What was asked for. An answer says nothing of anything else: whoever corrects an address is not told of the old one.
#[derive(Clone, PartialEq, Eq)]
struct Asked {
    issuer: String,
    /// Where the document was said to be.
    discovery: Option<String>,
}

impl Asked {
    fn of(settings: &OidcSettings) -> Self {
        Self { issuer: settings.issuer.clone(), discovery: settings.discovery.clone() }
    }
}

#[derive(Clone)]
struct Known {
    of: Asked,
    metadata: Arc<Metadata>,
    keys: Arc<KeySet>,
    /// When the document was read, and when the keys were.
    read_at: Timestamp,
    keys_at: Timestamp,
}

/// What a provider has published.
pub struct Published {
    /// Its document.
    pub metadata: Arc<Metadata>,
    /// Its keys.
    pub keys: Arc<KeySet>,
}

impl Providers {
    /// Asks through this client.
    pub fn new(outbound: Arc<Outbound>) -> Self {
        Self { outbound, places: Mutex::default() }
    }

    /// What a provider has published; asked for again when it is old.
    ///
    /// # Errors
    /// [`Trouble`]: it cannot be asked, or says something else than it should.
    pub async fn published(&self, connector: &Connector, now: Timestamp) -> Result<Published, Trouble> {
        let place = self.place(&connector.id);
        let mut memory = place.known.lock().await;
        let fresh = self.remembered(connector, now, &mut memory).await?;
        Ok(Published { metadata: fresh.metadata.clone(), keys: fresh.keys.clone() })
    }

    /// The keys, asked for again because a token named one that is not among them; at most once a minute.
    ///
    /// # Errors
    /// As [`Providers::published`].
    pub async fn newer_keys(&self, connector: &Connector, now: Timestamp) -> Result<Arc<KeySet>, Trouble> {
        let place = self.place(&connector.id);
        let mut memory = place.known.lock().await;
        let fresh = self.remembered(connector, now, &mut memory).await?;
        if now.millis_since(fresh.keys_at) >= limits::UNKNOWN_KEY_SECONDS * 1000 {
            // Counted from here, whatever comes of it.
            fresh.keys_at = now;
            fresh.keys = Arc::new(self.keys(&fresh.metadata.clone()).await?);
        }
        Ok(fresh.keys.clone())
    }

    fn place(&self, id: &ConnectorId) -> Arc<Place> {
        self.places.lock().entry(id.clone()).or_default().clone()
    }

    async fn remembered<'m>(
        &self,
        connector: &Connector,
        now: Timestamp,
        memory: &'m mut Memory,
    ) -> Result<&'m mut Known, Trouble> {
        let asked = Asked::of(spoken(connector)?);
        if let Some(failed) = &memory.failed
            && failed.of == asked
            && now.millis_since(failed.at) < limits::FAILURE_SECONDS * 1000
        {
            return Err(failed.trouble.clone());
        }
        memory.failed = None;
        match self.fresh(&asked, now, memory.known.as_ref()).await {
            Ok(fresh) => Ok(memory.known.insert(fresh)),
            Err(trouble) => {
                // By the clock of whoever asked first, and a little in the future for those who waited behind it.
                let at = now.plus_seconds(limits::WAITED_SECONDS);
                memory.failed = Some(Failed { of: asked, at, trouble: trouble.clone() });
                Err(trouble)
            }
        }
    }

    async fn fresh(&self, asked: &Asked, now: Timestamp, known: Option<&Known>) -> Result<Known, Trouble> {
        let is_fresh =
            |known: &&Known| known.of == *asked && now.millis_since(known.read_at) < limits::PUBLISHED_SECONDS * 1000;
        if let Some(known) = known.filter(is_fresh) {
            return Ok(known.clone());
        }
        let usual = || Metadata::address(&asked.issuer);
        let text = self.document("the discovery document", &asked.discovery.clone().unwrap_or_else(usual)).await?;
        let metadata = Metadata::read(&asked.issuer, &text)?;
        let keys = Arc::new(self.keys(&metadata).await?);
        Ok(Known { of: asked.clone(), metadata: Arc::new(metadata), keys, read_at: now, keys_at: now })
    }

    async fn keys(&self, metadata: &Metadata) -> Result<KeySet, Trouble> {
        const WHAT: &str = "the key set";
        let text = self.document(WHAT, &metadata.keys).await?;
        let set = json::object(&text).map_err(|why| Trouble::malformed(WHAT, why))?;
        KeySet::parse(&Value::Object(set)).map_err(|why| Trouble::malformed(WHAT, why))
    }

    async fn document(&self, what: &'static str, url: &str) -> Result<Vec<u8>, Trouble> {
        let answer = self.outbound.get(url).await?;
        if answer.status != http::StatusCode::OK {
            let said = String::from_utf8_lossy(&answer.body);
            // A page for people says nothing here.
            let words = if said.trim_start().starts_with('<') { String::new() } else { told(said.trim()) };
            let words = if words.is_empty() { format!(" at {url}") } else { format!(" at {url}: {words}") };
            return Err(Trouble::Status { what, status: answer.status.as_u16(), words });
        }
        Ok(answer.body.to_vec())
    }
}

/// The settings of a connector that speaks OpenID Connect.
pub(crate) fn spoken(connector: &Connector) -> Result<&OidcSettings, Trouble> {
    connector.settings.kind.oidc().ok_or(Trouble::OtherKind)
}
