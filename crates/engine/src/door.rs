//! The door: everything a use case needs, held in one value. Commits go through it, so that this
//! node's caches hear of a change before anybody gets an answer.

use crate::keys::Keys;
use crate::live::Live;
use crate::passwords::Hasher;
use crate::settings::Settings;
use doorward_jose::seal::MasterKey;
use doorward_model::context::Ctx;
use doorward_model::dice::Dice;
use doorward_model::fault::Fault;
use doorward_store::store::Store;
use doorward_store::tx::Tx;
use std::sync::Arc;

/// Store, caches, keys and settings of one running process.
pub struct Door {
    /// The database.
    pub store: Store,
    /// What is kept in memory of it.
    pub live: Live,
    /// Signing keys.
    pub keys: Keys,
    /// Password hashing.
    pub hasher: Hasher,
    /// Random bytes.
    pub dice: Arc<dyn Dice>,
    /// What holds while the process runs.
    pub settings: Settings,
}

impl Door {
    /// Opens the door on a migrated store.
    pub fn new(store: Store, settings: Settings, master: MasterKey, dice: Arc<dyn Dice>) -> Self {
        let keys = Keys::new(master);
        Self { store, live: Live::new(), keys, hasher: Hasher::new(), dice, settings }
    }

    /// Loads what the gate needs before its first check.
    pub async fn warm(&self, ctx: &Ctx) -> Result<(), Fault> {
        self.keys.load(self, ctx).await?;
        self.live.catch_up(&self.store, ctx.now).await
    }

    /// Begins a transaction.
    pub async fn begin(&self) -> Result<Tx, Fault> {
        self.store.begin().await
    }

    /// Commits, and acts on the changes in this process before returning.
    pub async fn commit(&self, ctx: &Ctx, tx: Tx) -> Result<(), Fault> {
        let changes = tx.commit(ctx).await?;
        self.live.apply(&self.store, &changes).await
    }
}
