//! Realms in memory, each with what it says for all of its clients: every request to a provider asks for one.

use crate::clients::{PasswordSignIn, RealmRules, RealmSettings, SessionLives};
use crate::door::Door;
use crate::federation::{self, Connector};
use crate::gate::check::refuse_when_out_of_step;
use crate::live::feed::Touched;
use doorward_model::fault::Fault;
use doorward_model::id::RealmId;
use doorward_model::name::RealmName;
use doorward_model::people::Realm;
use doorward_model::time::Timestamp;
use doorward_store::realms;
use doorward_store::store::Query;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

/// A realm as it stands in memory.
pub struct LiveRealm {
    realm: Realm,
    /// What its clients have from it.
    pub rules: Arc<RealmRules>,
    /// Its active connectors, by name: the sign-in page shows them, also while the database is away.
    pub connectors: Vec<Connector>,
    metadata: OnceLock<Box<str>>,
}

impl LiveRealm {
    /// Its provider's metadata, written out at first use: it rests on nothing that changes but the realm.
    pub fn metadata(&self, write: impl FnOnce(&RealmRules) -> String) -> &str {
        self.metadata.get_or_init(|| write(&self.rules).into())
    }
}

impl Deref for LiveRealm {
    type Target = Realm;

    fn deref(&self) -> &Realm {
        &self.realm
    }
}

/// The realm of that name. From memory while this node is in step with the database: what follows may rest on
/// memory alone, so this is where a node that was cut off for too long refuses.
pub async fn find(door: &Door, now: Timestamp, name: &RealmName) -> Result<Option<Arc<LiveRealm>>, Fault> {
    refuse_when_out_of_step(door, now)?;
    match door.live.realms.find(name) {
        Some(known) => Ok(Some(known)),
        // On the heap: a future is moved about at the size of its largest branch.
        None => Box::pin(load(door, name)).await,
    }
}

async fn load(door: &Door, name: &RealmName) -> Result<Option<Arc<LiveRealm>>, Fault> {
    let mark = door.live.mark();
    let Some(realm) = realms::find(&mut &door.store, name).await? else { return Ok(None) };
    let rules = RealmRules::load(&mut &door.store, &realm.id).await?;
    let connectors = federation::active(door, &realm.id).await?;
    let live = Arc::new(LiveRealm { realm, rules, connectors, metadata: OnceLock::new() });
    door.live.keep(mark, &Touched::Realm(&live.id), || drop(door.live.realms.put(name.clone(), live.clone())));
    Ok(Some(live))
}

/// What a realm says about signing in: whom a password kept here lets in, and how long sessions live. From memory where it
/// is there and exact, else from the database.
pub(crate) async fn sign_in_rules(
    door: &Door,
    now: Timestamp,
    query: &mut impl Query,
    id: &RealmId,
) -> Result<(PasswordSignIn, SessionLives), Fault> {
    let in_memory = || {
        let live = door.live.realms.find(&door.live.apps_now().realm(id)?.name)?;
        (live.id == *id && refuse_when_out_of_step(door, now).is_ok()).then_some(live)
    };
    if let Some(live) = in_memory() {
        return Ok((live.rules.password_sign_in, live.rules.sessions));
    }
    let RealmSettings { password_sign_in, sessions, .. } = RealmSettings::load(query, id).await?;
    Ok((password_sign_in, sessions))
}
