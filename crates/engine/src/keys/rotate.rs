//! Replacing signing keys: in time by the nodes themselves, early or at once by hand. Every step is guarded
//! by the state it leaves, so that two nodes cannot both take it.

use crate::door::Door;
use crate::keys::schedule::{Step, due, retiring_seconds};
use crate::keys::{Keys, generate, note};
use crate::limits::KEY_WORK_SECONDS;
use crate::manage::Refused;
use doorward_jose::algorithm::Algorithm;
use doorward_model::context::Ctx;
use doorward_model::event::EventKind;
use doorward_model::fault::Fault;
use doorward_model::id::{KeyId, RealmId};
use doorward_model::signing::KeyState;
use doorward_store::{jobs, keys};
use std::collections::BTreeSet;

const JOB: &str = "keys";

impl Keys {
    /// Takes the steps that are due in all realms, if this node is the one whose turn it is. What is due is
    /// known from memory, so that asking often costs nothing.
    pub async fn run_due(&self, door: &Door, ctx: &Ctx) -> Result<(), Fault> {
        let steps = self.steps(door, ctx);
        if steps.is_empty() || !claim(door, ctx).await? {
            return Ok(());
        }
        for (realm, step) in steps {
            self.take(door, ctx, &realm, step).await?;
        }
        self.read(door).await.map(drop)
    }

    /// What is due in all realms.
    fn steps(&self, door: &Door, ctx: &Ctx) -> Vec<(RealmId, Step)> {
        let mut all = Vec::new();
        for (realm, keys) in &*self.all() {
            all.extend(due(keys, ctx.now, door.settings.keys).into_iter().map(|step| (realm.clone(), step)));
        }
        all
    }

    async fn take(&self, door: &Door, ctx: &Ctx, realm: &RealmId, step: Step) -> Result<(), Fault> {
        match step {
            Step::Announce(algorithm) => self.announce(door, ctx, realm, algorithm).await.map(drop),
            Step::Activate { next, last, algorithm } => {
                self.activate(door, ctx, realm, (&next, last.as_ref(), algorithm)).await
            }
            Step::Forget(id, algorithm) => {
                let mut tx = door.begin().await?;
                if keys::forget(&mut tx, &id, KeyState::Retiring).await? {
                    let detail = format!("{algorithm}: all it signed is over");
                    note(&mut tx, EventKind::KeyGone, realm, &id, detail);
                }
                door.commit(ctx, tx).await
            }
        }
    }

    /// Makes and publishes the next key of a realm for an algorithm; `None` when one is announced already.
    async fn announce(
        &self,
        door: &Door,
        ctx: &Ctx,
        realm: &RealmId,
        algorithm: Algorithm,
    ) -> Result<Option<KeyId>, Fault> {
        let pkcs8 = generate(algorithm).await?;
        let until = ctx.now.plus_seconds(door.settings.keys.announce_seconds);
        let mut next = self.draft(door, ctx, realm, (algorithm, &pkcs8))?;
        (next.state, next.until) = (KeyState::Announced, Some(until));
        let mut tx = door.begin().await?;
        if !self.keep(&mut tx, &next, &format!("signs from {}", until.rfc3339())).await? {
            return Ok(None);
        }
        door.commit(ctx, tx).await?;
        Ok(Some(next.id))
    }

    /// Lets an announced key sign in the place of the active one; both in one transaction, so that at every
    /// moment exactly one signs.
    async fn activate(
        &self,
        door: &Door,
        ctx: &Ctx,
        realm: &RealmId,
        (next, last, algorithm): (&KeyId, Option<&KeyId>, Algorithm),
    ) -> Result<(), Fault> {
        let mut tx = door.begin().await?;
        if let Some(last) = last {
            let until = ctx.now.plus_seconds(retiring_seconds(&door.settings));
            let retire = (KeyState::Active, KeyState::Retiring);
            if !keys::pass_on(&mut tx, last, retire, (ctx.now, Some(until))).await? {
                // Somebody else replaced it meanwhile.
                return Ok(());
            }
            let detail = format!("{algorithm}: stays published until {}", until.rfc3339());
            note(&mut tx, EventKind::KeyRetired, realm, last, detail);
        }
        if !keys::pass_on(&mut tx, next, (KeyState::Announced, KeyState::Active), (ctx.now, None)).await? {
            return Ok(());
        }
        note(&mut tx, EventKind::KeyActivated, realm, next, format!("{algorithm}: it was announced before"));
        door.commit(ctx, tx).await
    }

    /// Announces the next key of a realm now for each algorithm it has keys for, or for one; tells which were
    /// announced. Where a key is announced already, nothing happens.
    pub async fn announce_next(
        &self,
        door: &Door,
        ctx: &Ctx,
        realm: &RealmId,
        only: Option<Algorithm>,
    ) -> Result<Result<Vec<KeyId>, Refused>, Fault> {
        self.read(door).await?;
        let algorithms = match self.in_use(realm, only) {
            Ok(algorithms) => algorithms,
            Err(refused) => return Ok(Err(refused)),
        };
        let mut announced = Vec::new();
        for algorithm in algorithms {
            announced.extend(self.announce(door, ctx, realm, algorithm).await?);
        }
        self.read(door).await?;
        Ok(Ok(announced))
    }

    /// Replaces a realm's keys at once, for all algorithms or for one: every key there was, announced ones too,
    /// is gone, and whatever they signed is good no more. For when a key may be in wrong hands.
    pub async fn replace_now(
        &self,
        door: &Door,
        ctx: &Ctx,
        realm: &RealmId,
        only: Option<Algorithm>,
    ) -> Result<Result<Vec<KeyId>, Refused>, Fault> {
        self.read(door).await?;
        let algorithms = match self.in_use(realm, only) {
            Ok(algorithms) => algorithms,
            Err(refused) => return Ok(Err(refused)),
        };
        let mut fresh = Vec::new();
        for algorithm in algorithms {
            let pkcs8 = generate(algorithm).await?;
            fresh.push(self.draft(door, ctx, realm, (algorithm, &pkcs8))?);
        }
        let mut tx = door.begin().await?;
        for new in &fresh {
            for old in keys::forget_all(&mut tx, realm, &new.algorithm).await? {
                let detail = format!("{}: withdrawn at once, nothing it signed is good any more", new.algorithm);
                note(&mut tx, EventKind::KeyGone, realm, &old, detail);
            }
            if !self.keep(&mut tx, new, "in the place of keys withdrawn at once").await? {
                return Ok(Err(Refused::because("the keys are being replaced by somebody else: look again")));
            }
        }
        door.commit(ctx, tx).await?;
        self.read(door).await?;
        Ok(Ok(fresh.into_iter().map(|new| new.id).collect()))
    }

    /// Lets go of an announced or retiring key now.
    pub async fn withdraw(
        &self,
        door: &Door,
        ctx: &Ctx,
        realm: &RealmId,
        id: &KeyId,
    ) -> Result<Result<(), Refused>, Fault> {
        let mut tx = door.begin().await?;
        let stored = keys::all(&mut tx).await?.into_iter().find(|key| key.id == *id && key.realm_id == *realm);
        let Some(stored) = stored else {
            return Ok(Err(Refused::because(format!("there is no key {id} in this realm: see doorward key list"))));
        };
        if stored.state == KeyState::Active {
            let why = format!(
                "key {id} is the one that signs {}: let another follow it by doorward key rotate, or replace it at \
                 once by doorward key rotate --now",
                stored.algorithm
            );
            return Ok(Err(Refused::because(why)));
        }
        if !keys::forget(&mut tx, id, stored.state).await? {
            return Ok(Err(Refused::because(format!("key {id} has changed this very moment: look again"))));
        }
        let detail = format!("{}: withdrawn while {}", stored.algorithm, stored.state.as_str());
        note(&mut tx, EventKind::KeyGone, realm, id, detail);
        door.commit(ctx, tx).await?;
        self.read(door).await?;
        Ok(Ok(()))
    }

    /// The algorithms a realm has keys for.
    fn in_use(&self, realm: &RealmId, only: Option<Algorithm>) -> Result<Vec<Algorithm>, Refused> {
        let open = self.all();
        let known: BTreeSet<&str> =
            open.get(realm).into_iter().flatten().map(|known| known.key.algorithm().as_str()).collect();
        let wanted =
            |algorithm: &Algorithm| known.contains(algorithm.as_str()) && only.is_none_or(|only| only == *algorithm);
        let algorithms: Vec<Algorithm> = Algorithm::ALL.into_iter().filter(wanted).collect();
        match (algorithms.is_empty(), only) {
            (true, Some(algorithm)) => Err(Refused::because(format!(
                "this realm has no key for {algorithm}: one is made when a client first asks for it"
            ))),
            (true, None) => Err(Refused::because("this realm has no keys")),
            (false, _) => Ok(algorithms),
        }
    }
}

/// Whether this node does the work on keys now. A node that dies over it leaves it to the others soon.
async fn claim(door: &Door, ctx: &Ctx) -> Result<bool, Fault> {
    let mut tx = door.begin().await?;
    jobs::plan(&mut tx, JOB, ctx.now).await?;
    let is_mine = jobs::claim(&mut tx, JOB, (ctx.now, ctx.now.plus_seconds(KEY_WORK_SECONDS))).await?;
    door.commit(ctx, tx).await?;
    Ok(is_mine)
}
