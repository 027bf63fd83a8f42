//! Somebody is known and may not enter: every such case stands in the log with the number of its request, which is on the
//! page too, and the record has a sample.

use crate::door::Door;
use doorward_model::context::Ctx;
use doorward_model::event::Event;
use doorward_model::fault::Fault;

/// Says it in the log, and records it unless that was done a moment ago for the same session or token at the same app or
/// client.
pub(crate) async fn note(door: &Door, ctx: &Ctx, key: (&str, &str), event: Event) -> Result<(), Fault> {
    tracing::info!(request = %ctx.request, "refused: {}", event.detail);
    if !door.live.may_record_denial(key, ctx.now) {
        return Ok(());
    }
    let mut tx = door.begin().await?;
    tx.record(event);
    door.commit(ctx, tx).await
}
