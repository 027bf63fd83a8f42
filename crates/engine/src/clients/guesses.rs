//! How many wrong secrets are taken for one client from one network. The count is the database's, so that it
//! holds for all nodes together; each node remembers what it knows of it, so that a right secret costs no
//! read. Names are counted whether a client has them or not, and in a bounded number of places: the count
//! tells nobody which clients there are, and fills no table. Strangers elsewhere lock nobody out.

use crate::door::Door;
use crate::limits;
use crate::live::shards::Shards;
use crate::sign_in::throttle::Network;
use aws_lc_rs::digest::{SHA256, digest};
use doorward_model::context::Ctx;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::Fault;
use doorward_model::id::RealmId;
use doorward_model::time::Timestamp;
use doorward_store::throttles;
use doorward_store::tx::Tx;

/// What this node knows of the counters: failures, and when their window ends.
pub(crate) struct Guesses(Shards<Counter, (i64, Timestamp)>);

impl Guesses {
    pub(crate) fn new() -> Self {
        Self(Shards::new(limits::GUESSES_CACHED))
    }

    /// When the window of a counter ends that is full.
    pub(crate) fn full_until(&self, counter: &Counter, now: Timestamp) -> Option<Timestamp> {
        self.0.look(counter, |(failures, until)| {
            (*failures >= limits::FAILURES_PER_CLIENT && *until > now).then_some(*until)
        })
    }

    /// Counts a failure before anything is waited for, so that guesses sent at once count as well.
    pub(crate) fn count(&self, counter: &Counter, now: Timestamp) {
        let fresh = (1, now.plus_seconds(limits::CLIENT_FAILURE_SECONDS));
        self.0.put_or_change(counter.clone(), fresh, |known| {
            *known = if known.1 > now { (known.0.saturating_add(1), known.1) } else { fresh };
        });
    }

    /// Takes over what the database counts: it knows of other nodes' failures too.
    fn learn(&self, counter: &Counter, failures: i64, until: Timestamp) {
        self.0.put_or_change(counter.clone(), (failures, until), |known| {
            known.0 = known.0.max(failures);
        });
    }

    pub(crate) fn sweep(&self, now: Timestamp) {
        self.0.retain(|_, (_, until)| *until > now);
    }
}

/// One counter.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Counter {
    network: Network,
    realm: RealmId,
    place: u8,
}

impl Counter {
    /// The counter of a client's name and a network. Names share a few places, so that made-up ones fill
    /// nothing; they share them within one network only.
    pub(crate) fn of(ctx: &Ctx, realm: &RealmId, name: &str) -> Self {
        let hash = digest(&SHA256, name.as_bytes());
        let place = hash.as_ref().first().copied().unwrap_or_default();
        Self { network: Network::of(ctx), realm: realm.clone(), place }
    }

    /// What it is called in the database.
    fn name(&self) -> String {
        format!("client {} {} {:02x}", self.network, self.realm, self.place)
    }
}

/// Notes a wrong secret in the database, for the other nodes.
pub(crate) async fn note(
    door: &Door,
    ctx: &Ctx,
    tx: &mut Tx,
    (realm, counter): (&RealmId, &Counter),
) -> Result<(), Fault> {
    let (name, limit) = (counter.name(), limits::FAILURES_PER_CLIENT);
    let window_ends = ctx.now.plus_seconds(limits::CLIENT_FAILURE_SECONDS);
    match throttles::reserve(tx, &name, limit, (ctx.now, window_ends)).await? {
        Some(count) => {
            door.live.guesses.learn(counter, count, window_ends);
            if count == limit {
                let detail = format!("no more secrets are tried from this network until {}", window_ends.rfc3339());
                tx.record(Event::new(EventKind::ClientThrottled, Some(realm), String::new(), detail));
            }
        }
        None => {
            let until = throttles::full_until(tx, &name, limit, ctx.now).await?;
            door.live.guesses.learn(counter, limit, until.unwrap_or(window_ends));
        }
    }
    Ok(())
}
