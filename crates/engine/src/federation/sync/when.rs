//! When directories are read.

use super::Run;
use crate::door::Door;
use crate::federation::{self, Connector};
use crate::limits;
use doorward_model::context::Ctx;
use doorward_model::fault::Fault;
use doorward_model::people::Realm;
use doorward_store::{jobs, realms};

/// The connectors whose directories are to be read now, and who is; whoever is told reads them, and no other node does until
/// the next time has come.
pub async fn due(door: &Door, ctx: &Ctx) -> Result<Vec<(Realm, Connector, Run)>, Fault> {
    let mut due = Vec::new();
    for realm in realms::list(&mut &door.store, limits::REALMS_READ).await? {
        for connector in federation::active(door, &realm.id).await? {
            let Some(ldap) = connector.settings.kind.ldap() else { continue };
            let (whole, changes) = (ldap.read_minutes, ldap.changes_minutes);
            let whole_at = format!("read {}", connector.id);
            let is_whole = is_due(door, ctx, (&whole_at, whole)).await?;
            // Asked in any case: whoever reads everybody reads what changed.
            let is_due = is_due(door, ctx, (&format!("read changes {}", connector.id), changes)).await?;
            match (is_whole, is_due) {
                (true, _) => due.push((realm.clone(), connector, Run::Whole)),
                (false, true) => due.push((realm.clone(), connector, Run::Changes)),
                (false, false) => {}
            }
        }
    }
    Ok(due)
}

/// Whether something is to be done that is done every so many minutes; `true` is told to one node alone.
async fn is_due(door: &Door, ctx: &Ctx, (name, minutes): (&str, u32)) -> Result<bool, Fault> {
    if minutes == 0 || jobs::next(&mut &door.store, name).await?.is_some_and(|next| next > ctx.now) {
        return Ok(false);
    }
    let mut tx = door.begin().await?;
    jobs::plan(&mut tx, name, ctx.now).await?;
    let next = ctx.now.plus_seconds(i64::from(minutes) * 60);
    let is_ours = jobs::claim(&mut tx, name, (ctx.now, next)).await?;
    door.commit(ctx, tx).await?;
    Ok(is_ours)
}
