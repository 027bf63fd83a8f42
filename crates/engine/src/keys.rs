//! Signing keys of realms: loaded into a snapshot, made when a realm has none.

use crate::door::Door;
use arc_swap::ArcSwap;
use doorward_jose::algorithm::Algorithm;
use doorward_jose::key::SigningKey;
use doorward_jose::mac::MARK_BYTES;
use doorward_jose::seal::MasterKey;
use doorward_model::change::Change;
use doorward_model::context::Ctx;
use doorward_model::dice::Dice;
use doorward_model::fault::{Fault, FaultKind};
use doorward_model::id::{KeyId, RealmId};
use doorward_store::keys::SealedKey;
use doorward_store::{keys, realms};
use std::collections::HashMap;
use std::sync::Arc;
use zeroize::Zeroizing;

const PURPOSE: &str = "signing key";

/// Open signing keys by realm, newest first.
pub struct Keys {
    master: MasterKey,
    open: ArcSwap<HashMap<RealmId, Vec<Arc<SigningKey>>>>,
    making: tokio::sync::Mutex<()>,
}

impl Keys {
    pub(crate) fn new(master: MasterKey) -> Self {
        Self { master, open: ArcSwap::default(), making: tokio::sync::Mutex::new(()) }
    }

    /// Seals something for a purpose under the master key.
    pub fn seal(&self, purpose: &str, bytes: &[u8], dice: &dyn Dice) -> Result<Vec<u8>, Fault> {
        self.master.seal(purpose, bytes, dice)
    }

    /// Opens what was sealed for the same purpose.
    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        self.master.open(purpose, sealed)
    }

    /// A mark on a message that nobody without the master key can make, for one purpose.
    pub fn mark(&self, purpose: &str, message: &[u8]) -> [u8; MARK_BYTES] {
        self.master.mark(purpose, message)
    }

    /// The key a realm signs with by an algorithm: the newest.
    pub fn signing(&self, realm: &RealmId, algorithm: Algorithm) -> Option<Arc<SigningKey>> {
        self.open.load().get(realm)?.iter().find(|key| key.algorithm() == algorithm).cloned()
    }

    /// Makes sure that a realm has a key for an algorithm. Making an RSA key takes a part of a second, so
    /// it is made when a realm is first asked for one, not when a process starts.
    pub async fn ensure(&self, door: &Door, ctx: &Ctx, realm: &RealmId, algorithm: Algorithm) -> Result<(), Fault> {
        if self.signing(realm, algorithm).is_some() {
            return Ok(());
        }
        // One at a time: many first requests at once make one key, not many.
        let _alone = self.making.lock().await;
        if self.signing(realm, algorithm).is_some() {
            return Ok(());
        }
        let making = tokio::task::spawn_blocking(move || SigningKey::generate(algorithm));
        let pkcs8 = making.await.map_err(|error| Fault::new(FaultKind::Internal, "making a signing key", error))??;
        let mut tx = door.begin().await?;
        self.keep(&mut tx, ctx, door, (realm, algorithm, &pkcs8)).await?;
        door.commit(ctx, tx).await?;
        self.read(door).await.map(drop)
    }

    /// All keys of a realm that tokens may still be checked with.
    pub fn published(&self, realm: &RealmId) -> Vec<Arc<SigningKey>> {
        self.open.load().get(realm).cloned().unwrap_or_default()
    }

    /// Opens all stored keys and makes one for every realm without.
    pub async fn load(&self, door: &Door, ctx: &Ctx) -> Result<(), Fault> {
        let missing = self.read(door).await?;
        if missing.is_empty() {
            return Ok(());
        }
        let mut tx = door.begin().await?;
        for realm in missing {
            self.make(&mut tx, ctx, door, &realm).await?;
        }
        door.commit(ctx, tx).await?;
        self.read(door).await.map(drop)
    }

    /// Makes the key the gate signs with for a realm, inside the transaction that creates the realm.
    pub(crate) async fn make(
        &self,
        tx: &mut doorward_store::tx::Tx,
        ctx: &Ctx,
        door: &Door,
        realm: &RealmId,
    ) -> Result<(), Fault> {
        let pkcs8 = SigningKey::generate(Algorithm::Es256)?;
        self.keep(tx, ctx, door, (realm, Algorithm::Es256, &pkcs8)).await
    }

    async fn keep(
        &self,
        tx: &mut doorward_store::tx::Tx,
        ctx: &Ctx,
        door: &Door,
        (realm, algorithm, pkcs8): (&RealmId, Algorithm, &[u8]),
    ) -> Result<(), Fault> {
        let id = KeyId::draw(&*door.dice);
        let sealed = self.master.seal(PURPOSE, pkcs8, &*door.dice)?;
        let algorithm = algorithm.as_str().to_owned();
        keys::create(tx, &SealedKey { id, realm_id: realm.clone(), sealed, algorithm }, ctx.now).await?;
        tx.changed(Change::Keys);
        Ok(())
    }

    async fn read(&self, door: &Door) -> Result<Vec<RealmId>, Fault> {
        let mut open: HashMap<RealmId, Vec<Arc<SigningKey>>> = HashMap::new();
        for key in keys::all(&mut &door.store).await? {
            let pkcs8 = self.master.open(PURPOSE, &key.sealed).ok_or_else(|| {
                Fault::corrupt("signing_keys", key.id.as_str(), "it was sealed with another master key")
            })?;
            let algorithm = Algorithm::parse(&key.algorithm)
                .ok_or_else(|| Fault::corrupt("signing_keys", key.id.as_str(), "its algorithm is not known"))?;
            let parsed = SigningKey::parse(key.id, algorithm, &pkcs8)?;
            open.entry(key.realm_id).or_default().push(Arc::new(parsed));
        }
        let realms = realms::list(&mut &door.store, i64::MAX).await?;
        let missing = realms.into_iter().map(|realm| realm.id).filter(|id| !open.contains_key(id)).collect();
        self.open.store(Arc::new(open));
        Ok(missing)
    }
}
