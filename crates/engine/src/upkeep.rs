//! Work that comes round again: following the feed, writing down who was seen, forgetting what is over.
//! The loops that call these live in the binary.

use crate::clients::refusals;
use crate::door::Door;
use crate::limits as engine_limits;
use doorward_model::context::Ctx;
use doorward_model::fault::Fault;
use doorward_model::id::SessionId;
use doorward_model::limits;
use doorward_model::time::Timestamp;
use doorward_store::{
    assertions, changes, clients, deliveries, device_codes, events, grants, jobs, origins, personal_tokens, proofs,
    pushed, registrations, service_tokens, sessions, shown, throttles, users, workload_tokens,
};

const PRUNE: &str = "prune";
const PRUNE_EVERY_SECONDS: i64 = 5 * 60;
const PRUNE_SLACK_SECONDS: i64 = 3 * 60;

/// Brings this node in step with the database.
pub async fn follow(door: &Door, ctx: &Ctx) -> Result<(), Fault> {
    door.live.catch_up(&door.store, ctx.now).await?;
    door.keys.hear(door, ctx).await
}

/// Lets signing keys follow one another in time.
pub async fn keys(door: &Door, ctx: &Ctx) -> Result<(), Fault> {
    door.keys.run_due(door, ctx).await
}

/// Writes down when sessions were last seen, in one transaction. What cannot be written now is written
/// with the next ones.
pub async fn note_seen(door: &Door, ctx: &Ctx) -> Result<(), Fault> {
    let seen = std::mem::take(&mut *door.live.seen.lock());
    if seen.is_empty() {
        return Ok(());
    }
    let mut seen: Vec<_> = seen.into_iter().collect();
    // In one order on every node: two nodes that saw the same sessions must not wait for each other.
    seen.sort();
    let written = write_seen(door, ctx, &seen).await;
    if written.is_err() {
        let mut waiting = door.live.seen.lock();
        for (session, at) in seen {
            waiting.entry(session).or_insert(at);
        }
    }
    written
}

async fn write_seen(door: &Door, ctx: &Ctx, seen: &[(SessionId, Timestamp)]) -> Result<(), Fault> {
    let mut tx = door.begin().await?;
    for (session, at) in seen {
        sessions::seen(&mut tx, session, *at).await?;
    }
    door.commit(ctx, tx).await
}

/// Writes down how many refusals of clients were not written down one by one.
pub async fn note_refusals(door: &Door, ctx: &Ctx) -> Result<(), Fault> {
    refusals::tell(door, ctx).await
}

/// Forgets what is over, in memory always, in the database when this node's turn has come.
pub async fn prune(door: &Door, ctx: &Ctx) -> Result<(), Fault> {
    door.live.sweep(ctx.now);
    let mut tx = door.begin().await?;
    jobs::plan(&mut tx, PRUNE, ctx.now).await?;
    if jobs::claim(&mut tx, PRUNE, (ctx.now, ctx.now.plus_seconds(PRUNE_EVERY_SECONDS))).await? {
        sessions::prune_tickets(&mut tx, ctx.now).await?;
        // What was seen is written down some seconds later: nobody who is still here may be forgotten.
        crate::sessions::forget_over(&mut tx, ctx.now.plus_seconds(-PRUNE_SLACK_SECONDS)).await?;
        throttles::prune(&mut tx, ctx.now).await?;
        changes::prune(&mut tx, ctx.now.plus_seconds(-limits::CHANGE_SECONDS)).await?;
        events::prune(&mut tx, ctx.now.plus_seconds(-limits::EVENT_SECONDS)).await?;
        users::prune_devices(&mut tx, ctx.now.plus_seconds(-engine_limits::DEVICE_SECONDS)).await?;
        service_tokens::prune(&mut tx, ctx.now.plus_seconds(-limits::EVENT_SECONDS)).await?;
        personal_tokens::prune(&mut tx, ctx.now.plus_seconds(-limits::EVENT_SECONDS)).await?;
        grants::prune(&mut tx, ctx.now, ctx.now.plus_seconds(-limits::CODE_MEMORY_SECONDS)).await?;
        deliveries::prune(&mut tx, ctx.now.plus_seconds(-limits::EVENT_SECONDS)).await?;
        clients::prune_secrets(&mut tx, ctx.now).await?;
        // Another node's clock may be behind: there they would not be too old yet.
        proofs::prune(&mut tx, ctx.now.plus_seconds(-PRUNE_SLACK_SECONDS)).await?;
        assertions::prune(&mut tx, ctx.now).await?;
        shown::prune(&mut tx, ctx.now.plus_seconds(-PRUNE_SLACK_SECONDS)).await?;
        registrations::prune_tokens(&mut tx, ctx.now).await?;
        device_codes::prune(&mut tx, ctx.now.plus_seconds(-limits::CODE_MEMORY_SECONDS)).await?;
        workload_tokens::prune(&mut tx, ctx.now).await?;
        pushed::prune(&mut tx, ctx.now).await?;
        origins::prune(&mut tx, ctx.now.plus_seconds(-PRUNE_SLACK_SECONDS)).await?;
    }
    door.commit(ctx, tx).await
}
