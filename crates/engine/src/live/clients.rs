//! Clients in memory, each with what proves it: its secrets, opened and hashed, and its public keys, parsed.
//! Both are filled in at first use and go with the client's entry, which every change of the client removes.

use crate::clients::keys::ClientKeys;
use crate::clients::secrets::ClientSecret;
use crate::clients::{Client, secrets};
use crate::door::Door;
use doorward_model::fault::Fault;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

/// A client as it stands in memory.
pub struct LiveClient {
    client: Arc<Client>,
    secrets: OnceLock<Arc<[ClientSecret]>>,
    keys: OnceLock<Arc<ClientKeys>>,
}

impl LiveClient {
    /// One whose proofs are not loaded yet.
    pub(crate) fn new(client: Arc<Client>) -> Self {
        Self { client, secrets: OnceLock::new(), keys: OnceLock::new() }
    }

    /// The client.
    pub(crate) fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// Its secrets, those included whose time is over. They are read after the client was, so whatever changes
    /// them afterwards removes this entry too: what is filled in here is never older than the entry.
    pub(crate) async fn secrets(&self, door: &Door) -> Result<Arc<[ClientSecret]>, Fault> {
        if let Some(known) = self.secrets.get() {
            return Ok(known.clone());
        }
        let loaded = Box::pin(secrets::load(door, &self.client.id)).await?;
        Ok(self.secrets.get_or_init(|| loaded).clone())
    }

    /// Its public keys.
    pub(crate) fn keys(&self) -> Result<Arc<ClientKeys>, Fault> {
        if let Some(known) = self.keys.get() {
            return Ok(known.clone());
        }
        let parsed = ClientKeys::of(&self.client)?;
        Ok(self.keys.get_or_init(|| Arc::new(parsed)).clone())
    }
}

impl Deref for LiveClient {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}
