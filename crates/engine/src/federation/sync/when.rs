//! When directories are read.

use crate::door::Door;
use crate::federation::{self, Connector};
use crate::limits;
use doorward_model::context::Ctx;
use doorward_model::fault::Fault;
use doorward_model::people::Realm;
use doorward_store::{jobs, realms};

/// The connectors whose directories are to be read now; whoever is told reads them, and no other node does until the next
/// time has come.
pub async fn due(door: &Door, ctx: &Ctx) -> Result<Vec<(Realm, Connector)>, Fault> {
    let mut due = Vec::new();
    for realm in realms::list(&mut &door.store, limits::REALMS_READ).await? {
        for connector in federation::active(door, &realm.id).await? {
            let minutes = connector.settings.kind.ldap().map_or(0, |ldap| ldap.read_minutes);
            if minutes == 0 {
                continue;
            }
            let name = format!("read {}", connector.id);
            if jobs::next(&mut &door.store, &name).await?.is_some_and(|next| next > ctx.now) {
                continue;
            }
            let mut tx = door.begin().await?;
            jobs::plan(&mut tx, &name, ctx.now).await?;
            let next = ctx.now.plus_seconds(i64::from(minutes) * 60);
            let is_ours = jobs::claim(&mut tx, &name, (ctx.now, next)).await?;
            door.commit(ctx, tx).await?;
            if is_ours {
                due.push((realm.clone(), connector));
            }
        }
    }
    Ok(due)
}
