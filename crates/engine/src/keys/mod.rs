//! Signing keys of realms: loaded into a snapshot, made when a realm has none, replaced in time.

pub mod rotate;
pub mod schedule;

use crate::door::Door;
use arc_swap::ArcSwap;
use doorward_jose::algorithm::Algorithm;
use doorward_jose::jws::Presented;
use doorward_jose::key::SigningKey;
use doorward_jose::mac::MARK_BYTES;
use doorward_jose::seal::MasterKey;
use doorward_model::change::Change;
use doorward_model::context::Ctx;
use doorward_model::dice::Dice;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::{Fault, FaultKind};
use doorward_model::id::{KeyId, RealmId};
use doorward_model::signing::KeyState;
use doorward_model::time::Timestamp;
use doorward_store::keys::SealedKey;
use doorward_store::tx::Tx;
use doorward_store::{keys, realms};
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use zeroize::Zeroizing;

const PURPOSE: &str = "signing key";

/// A signing key and where it stands in its life.
#[derive(Clone)]
pub struct Known {
    /// What it is there for now.
    pub state: KeyState,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it came into its state.
    pub since: Timestamp,
    /// When it is to leave its state, where that is fixed.
    pub until: Option<Timestamp>,
    /// The key, open.
    pub key: Arc<SigningKey>,
}

/// The keys of all realms, as of one look at the store.
type Snapshot = HashMap<RealmId, Vec<Known>>;

/// Open signing keys by realm, newest first.
pub struct Keys {
    master: MasterKey,
    open: ArcSwap<Snapshot>,
    /// The public keys of each realm, written out as one document.
    sets: ArcSwap<HashMap<RealmId, Arc<str>>>,
    making: tokio::sync::Mutex<()>,
    reading: tokio::sync::Mutex<()>,
    hearing: tokio::sync::Mutex<()>,
    /// Whether a key that signed has been withdrawn and answers with tokens of it may still be kept ready.
    withdrawn: AtomicBool,
}

impl Keys {
    pub(crate) fn new(master: MasterKey) -> Self {
        Self {
            master,
            open: ArcSwap::default(),
            sets: ArcSwap::default(),
            making: tokio::sync::Mutex::default(),
            reading: tokio::sync::Mutex::default(),
            hearing: tokio::sync::Mutex::default(),
            withdrawn: AtomicBool::new(false),
        }
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

    /// The key a realm signs with by an algorithm.
    pub fn signing(&self, realm: &RealmId, algorithm: Algorithm) -> Option<Arc<SigningKey>> {
        let signs = |known: &&Known| known.state == KeyState::Active && known.key.algorithm() == algorithm;
        self.open.load().get(realm)?.iter().find(signs).map(|known| known.key.clone())
    }

    /// Makes sure that a realm has a key for an algorithm. Making an RSA key takes a part of a second, so
    /// it is made when a realm is first asked for one, not when a process starts.
    pub async fn ensure(&self, door: &Door, ctx: &Ctx, realm: &RealmId, algorithm: Algorithm) -> Result<(), Fault> {
        match self.signing(realm, algorithm) {
            Some(_) => Ok(()),
            None => Box::pin(self.first(door, ctx, realm, algorithm)).await,
        }
    }

    async fn first(&self, door: &Door, ctx: &Ctx, realm: &RealmId, algorithm: Algorithm) -> Result<(), Fault> {
        // One at a time: many first requests at once make one key, not many.
        let _alone = self.making.lock().await;
        if self.signing(realm, algorithm).is_some() {
            return Ok(());
        }
        let pkcs8 = generate(algorithm).await?;
        let mut tx = door.begin().await?;
        let first = self.draft(door, ctx, realm, (algorithm, &pkcs8))?;
        // When another node was faster, its key is the one.
        if self.keep(&mut tx, &first, "the first for its algorithm").await? {
            door.commit(ctx, tx).await?;
        } else {
            drop(tx);
        }
        self.read(door).await.map(drop)
    }

    /// All keys of a realm that tokens may be checked with: those that sign first, for readers that take the
    /// first one, then those to come, then those that have been.
    pub fn published(&self, realm: &RealmId) -> Vec<Arc<SigningKey>> {
        self.open.load().get(realm).map(|known| in_order(known)).unwrap_or_default()
    }

    /// The same as a key set (RFC 7517 §5), written out once for all who ask.
    pub fn key_set(&self, realm: &RealmId) -> Arc<str> {
        self.sets.load().get(realm).cloned().unwrap_or_else(|| EMPTY_SET.into())
    }

    /// The key of that id, if tokens may be checked with it.
    pub fn find(&self, realm: &RealmId, id: &str) -> Option<Arc<SigningKey>> {
        let open = self.open.load();
        open.get(realm)?.iter().find(|known| known.key.id().as_str() == id).map(|known| known.key.clone())
    }

    /// Every realm's keys, newest first.
    pub fn all(&self) -> Arc<HashMap<RealmId, Vec<Known>>> {
        self.open.load_full()
    }

    /// Looks at the change feed when a token names a key this node does not know: another node may have made
    /// it a moment ago. What is wrong with the token, whoever checks it will find.
    pub async fn hear_of(&self, door: &Door, ctx: &Ctx, realm: &RealmId, token: &str) -> Result<(), Fault> {
        let id = Presented::read(token).ok().and_then(|presented| KeyId::parse(presented.header().kid()?).ok());
        match id {
            Some(id) if self.find(realm, id.as_str()).is_none() => crate::upkeep::follow(door, ctx).await,
            Some(_) | None => Ok(()),
        }
    }

    /// Loads the keys if the feed said that they changed. Whoever comes while they are being loaded waits until
    /// they are: after this, no key that was there before is unknown.
    pub(crate) async fn hear(&self, door: &Door, ctx: &Ctx) -> Result<(), Fault> {
        let _alone = self.hearing.lock().await;
        if !door.live.take_keys_changed() {
            return Ok(());
        }
        let loaded = self.load(door, ctx).await;
        if loaded.is_err() {
            door.live.note_keys_changed();
        }
        loaded
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
    pub(crate) async fn make(&self, tx: &mut Tx, ctx: &Ctx, door: &Door, realm: &RealmId) -> Result<(), Fault> {
        let pkcs8 = SigningKey::generate(Algorithm::Es256)?;
        let first = self.draft(door, ctx, realm, (Algorithm::Es256, &pkcs8))?;
        self.keep(tx, &first, "the first for its algorithm").await.map(drop)
    }

    /// A key as it is stored, active for a start.
    fn draft(
        &self,
        door: &Door,
        ctx: &Ctx,
        realm: &RealmId,
        (algorithm, pkcs8): (Algorithm, &[u8]),
    ) -> Result<SealedKey, Fault> {
        Ok(SealedKey {
            id: KeyId::draw(&*door.dice),
            realm_id: realm.clone(),
            sealed: self.master.seal(PURPOSE, pkcs8, &*door.dice)?,
            algorithm: algorithm.as_str().to_owned(),
            state: KeyState::Active,
            created_at: ctx.now,
            since: ctx.now,
            until: None,
        })
    }

    /// Keeps a new key; `false` when the realm has one in its place already.
    async fn keep(&self, tx: &mut Tx, new: &SealedKey, why: &str) -> Result<bool, Fault> {
        let is_kept = keys::create(tx, new).await?;
        if is_kept {
            let kind = if new.state == KeyState::Active { EventKind::KeyActivated } else { EventKind::KeyAnnounced };
            note(tx, kind, &new.realm_id, &new.id, format!("{}: {why}", new.algorithm));
        }
        Ok(is_kept)
    }

    /// Takes all keys from the store into memory; tells which realms have none to sign with.
    async fn read(&self, door: &Door) -> Result<Vec<RealmId>, Fault> {
        // One at a time: of two reads the later one is kept.
        let _alone = self.reading.lock().await;
        let before = self.open.load_full();
        let mut open = Snapshot::new();
        for stored in keys::all(&mut &door.store).await? {
            let realm = stored.realm_id.clone();
            let known = self.known(stored, before.get(&realm))?;
            open.entry(realm).or_default().push(known);
        }
        let realms = realms::list(&mut &door.store, i64::MAX).await?;
        let missing = without_active(&open, realms.into_iter().map(|realm| realm.id));
        if has_withdrawn(&before, &open) {
            self.withdrawn.store(true, Ordering::Release);
        }
        let sets = open.iter().map(|(realm, known)| (realm.clone(), key_set(known))).collect();
        // First: no token is signed by a key that is not published.
        self.sets.store(Arc::new(sets));
        self.open.store(Arc::new(open));
        if self.withdrawn.load(Ordering::Acquire) {
            // Answers kept ready hold tokens it signed. They belong to one snapshot of the apps and end with it.
            door.live.reload_apps(&door.store).await?;
            self.withdrawn.store(false, Ordering::Release);
        }
        Ok(missing)
    }

    /// A stored key, open. Parsing costs, so one that is open already is taken.
    fn known(&self, stored: SealedKey, open: Option<&Vec<Known>>) -> Result<Known, Fault> {
        let SealedKey { id, sealed, algorithm, state, created_at, since, until, .. } = stored;
        let parsed = open.and_then(|open| open.iter().find(|known| *known.key.id() == id));
        let key = match parsed {
            Some(known) => known.key.clone(),
            None => {
                let pkcs8 = self.master.open(PURPOSE, &sealed).ok_or_else(|| {
                    Fault::corrupt("signing_keys", id.as_str(), "it was sealed with another master key")
                })?;
                let algorithm = Algorithm::parse(&algorithm)
                    .ok_or_else(|| Fault::corrupt("signing_keys", id.as_str(), "its algorithm is not known"))?;
                Arc::new(SigningKey::parse(id, algorithm, &pkcs8)?)
            }
        };
        Ok(Known { state, created_at, since, until, key })
    }
}

fn in_order(known: &[Known]) -> Vec<Arc<SigningKey>> {
    let mut known: Vec<&Known> = known.iter().collect();
    known.sort_by_key(|known| match known.state {
        KeyState::Active => 0,
        KeyState::Announced => 1,
        KeyState::Retiring => 2,
    });
    known.into_iter().map(|known| known.key.clone()).collect()
}

const EMPTY_SET: &str = r#"{"keys":[]}"#;

fn key_set(known: &[Known]) -> Arc<str> {
    let keys: Vec<_> = in_order(known).iter().map(|key| key.public_jwk()).collect();
    json!({ "keys": keys }).to_string().into()
}

fn is_active(known: &Known) -> bool {
    known.state == KeyState::Active
}

/// The realms that have no key to sign with.
fn without_active(open: &Snapshot, realms: impl Iterator<Item = RealmId>) -> Vec<RealmId> {
    realms.filter(|id| !open.get(id).is_some_and(|all| all.iter().any(is_active))).collect()
}

/// Whether a key that signed is not there any more, not even as a retiring one.
fn has_withdrawn(before: &Snapshot, now: &Snapshot) -> bool {
    before.iter().any(|(realm, all)| {
        let is_there = |id: &KeyId| now.get(realm).is_some_and(|all| all.iter().any(|known| known.key.id() == id));
        all.iter().any(|known| is_active(known) && !is_there(known.key.id()))
    })
}

/// Makes a key pair beside the threads that answer.
async fn generate(algorithm: Algorithm) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let making = tokio::task::spawn_blocking(move || SigningKey::generate(algorithm));
    making.await.map_err(|error| Fault::new(FaultKind::Internal, "making a signing key", error))?
}

fn note(tx: &mut Tx, kind: EventKind, realm: &RealmId, id: &KeyId, detail: String) {
    tx.changed(Change::Keys);
    tx.record(Event::new(kind, Some(realm), id.to_string(), detail));
}
