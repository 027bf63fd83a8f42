//! Refusals of clients in the record. Anybody can cause them, and each is a durable write, so only some of each client
//! are written down one by one; the rest are counted, and one entry says how many there were. A name that no client
//! has is a stranger's word and never written.

use crate::clients::Client;
use crate::door::Door;
use crate::limits::{REFUSAL_SECONDS, REFUSALS_RECORDED_EACH_SECOND, REFUSALS_RECORDED_OF_CLIENT};
use crate::token::{Outcome, Tokens};
use doorward_model::context::Ctx;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::Fault;
use doorward_model::id::{ClientId, RealmId};
use doorward_model::name::ClientName;
use doorward_model::time::Timestamp;
use parking_lot::Mutex;
use std::collections::HashMap;

type Kind = (ClientId, EventKind);

/// What this node has refused lately, of each client and kind.
#[derive(Default)]
pub(crate) struct Refusals(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    windows: HashMap<Kind, Window>,
    /// What windows that are over have left out.
    due: HashMap<Kind, LeftOut>,
    /// A second, and how many were written down in it.
    second: (i64, u32),
}

struct Window {
    began: Timestamp,
    recorded: u32,
    left_out: LeftOut,
}

/// Refusals that are not written down one by one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct LeftOut {
    realm: RealmId,
    client: ClientName,
    count: u64,
    since: Timestamp,
}

impl Refusals {
    /// Counts a refusal; whether it is to be written down itself.
    pub(crate) fn may_record(&self, client: &Client, kind: EventKind, now: Timestamp) -> bool {
        let kept = &mut *self.0.lock();
        let key = (client.id.clone(), kind);
        kept.close(&key, now);
        let has_room = kept.has_room(now);
        let fresh = || {
            let left_out =
                LeftOut { realm: client.realm_id.clone(), client: client.name.clone(), count: 0, since: now };
            Window { began: now, recorded: 0, left_out }
        };
        let window = kept.windows.entry(key).or_insert_with(fresh);
        if has_room && window.recorded < REFUSALS_RECORDED_OF_CLIENT {
            window.recorded += 1;
            kept.second.1 += 1;
            return true;
        }
        if window.left_out.count == 0 {
            window.left_out.since = now;
        }
        window.left_out.count = window.left_out.count.saturating_add(1);
        false
    }

    /// Counts a refusal that is no client's; whether it is to be written down.
    pub(crate) fn may_record_other(&self, now: Timestamp) -> bool {
        let kept = &mut *self.0.lock();
        let has_room = kept.has_room(now);
        kept.second.1 += u32::from(has_room);
        has_room
    }

    /// What is to be told now, and forgets it.
    fn take_due(&self, now: Timestamp) -> Vec<(Kind, LeftOut)> {
        let mut kept = self.0.lock();
        let over: Vec<Kind> =
            kept.windows.iter().filter(|(_, window)| window.is_over(now)).map(|(key, _)| key.clone()).collect();
        for key in over {
            kept.close(&key, now);
        }
        let mut due: Vec<_> = kept.due.drain().collect();
        due.sort_by_key(|(_, left_out)| left_out.since);
        due
    }

    /// What could not be told waits for the next time.
    fn put_back(&self, untold: Vec<(Kind, LeftOut)>) {
        let mut kept = self.0.lock();
        for (key, left_out) in untold {
            kept.owe(key, left_out);
        }
    }
}

impl Kept {
    /// Ends a window whose time is over.
    fn close(&mut self, key: &Kind, now: Timestamp) {
        if self.windows.get(key).is_some_and(|window| window.is_over(now))
            && let Some(window) = self.windows.remove(key)
            && window.left_out.count > 0
        {
            self.owe(key.clone(), window.left_out);
        }
    }

    fn owe(&mut self, key: Kind, left_out: LeftOut) {
        let count = left_out.count;
        let owed = self.due.entry(key).or_insert(LeftOut { count: 0, ..left_out.clone() });
        owed.count = owed.count.saturating_add(count);
        owed.since = owed.since.min(left_out.since);
    }

    fn has_room(&mut self, now: Timestamp) -> bool {
        if self.second.0 != now.seconds() {
            self.second = (now.seconds(), 0);
        }
        self.second.1 < REFUSALS_RECORDED_EACH_SECOND
    }
}

impl Window {
    fn is_over(&self, now: Timestamp) -> bool {
        now.millis_since(self.began) >= REFUSAL_SECONDS * 1000
    }
}

/// The entry of one refusal.
pub(crate) fn event(client: &Client, kind: EventKind, why: &str) -> Event {
    let detail = format!("client {}: {why}", client.name);
    Event::new(kind, Some(&client.realm_id), client.id.to_string(), detail)
}

/// Writes a refusal down, if it is one of those that are.
pub(crate) async fn record(door: &Door, ctx: &Ctx, client: &Client, kind: EventKind, why: &str) -> Result<(), Fault> {
    if !door.live.refusals.may_record(client, kind, ctx.now) {
        return Ok(());
    }
    let mut tx = door.begin().await?;
    tx.record(event(client, kind, why));
    door.commit(ctx, tx).await
}

/// What came of a grant, a refusal written down.
pub(crate) async fn noted(
    door: &Door,
    ctx: &Ctx,
    client: &Client,
    (grant, outcome): (&str, Result<Tokens, crate::token::Refused>),
) -> Outcome<Tokens> {
    if let Err(refused) = &outcome {
        Box::pin(record(door, ctx, client, EventKind::TokenRefused, &format!("{grant}: {refused}"))).await?;
    }
    Ok(outcome)
}

/// Writes down how many refusals were not, where their time is over.
pub(crate) async fn tell(door: &Door, ctx: &Ctx) -> Result<(), Fault> {
    let due = door.live.refusals.take_due(ctx.now);
    if due.is_empty() {
        return Ok(());
    }
    let told = tell_these(door, ctx, &due).await;
    if told.is_err() {
        door.live.refusals.put_back(due);
    }
    told
}

async fn tell_these(door: &Door, ctx: &Ctx, due: &[(Kind, LeftOut)]) -> Result<(), Fault> {
    let mut tx = door.begin().await?;
    for ((id, kind), LeftOut { realm, client, count, since }) in due {
        let detail = format!("client {client}: {count} more since {}, not listed one by one", since.rfc3339());
        tx.record(Event::new(*kind, Some(realm), id.to_string(), detail));
    }
    door.commit(ctx, tx).await
}
