//! Reads directories, whole or for what changed, when their time has come. Each is read by itself, so that one that hangs delays no other.

use crate::sync::{self, Wanted};
use doorward_engine::federation;
use doorward_engine::federation::Connector;
use doorward_engine::federation::sync::Run;
use doorward_model::event::Actor;
use doorward_model::id::ConnectorId;
use doorward_model::people::Realm;
use doorward_web::web::Web;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// How often it is looked whether a directory is to be read.
const LOOK_EVERY: Duration = Duration::from_secs(10);
const WORKER: Actor = Actor::Worker("read");

/// Reads every directory whose time has come. One that is being read when the process ends is read again at its next time.
pub async fn read(web: Arc<Web>) {
    let mut at_work: HashSet<ConnectorId> = HashSet::new();
    let mut readers = JoinSet::new();
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        while let Some(done) = readers.try_join_next() {
            match done {
                Ok(connector) => drop(at_work.remove(&connector)),
                // Whose it was is not known: all are looked at anew.
                Err(_) => at_work.clear(),
            }
        }
        match federation::sync::due(web.door(), &web.begin_as(WORKER, None)).await {
            Ok(due) => {
                for (realm, connector, run) in due {
                    // One that takes longer than the time between two is not read twice at once.
                    if at_work.insert(connector.id.clone()) {
                        readers.spawn(one(web.clone(), (realm, connector), run));
                    }
                }
            }
            Err(fault) => tracing::warn!("looking for directories to be read: {fault}"),
        }
    }
}

async fn one(web: Arc<Web>, (realm, connector): (Realm, Connector), run: Run) -> ConnectorId {
    let ctx = web.begin_as(WORKER, None);
    let name = &connector.name;
    let place = (&realm, &connector);
    let wanted = Wanted { run, brake: Some(sync::BRAKE), progress: &|_, _| () };
    let done = sync::run(web.door(), &ctx, place, &web.directories, wanted).await;
    if let Ok(Some(why)) = done.as_ref().map(|report| report.whole_because) {
        tracing::info!(connector = %name, "everybody is read, and not only who changed: {why}");
    }
    match done {
        Ok(report) if report.held_back > 0 => {
            let (count, nameless) = (report.held_back, report.nameless);
            tracing::warn!(
                connector = %name,
                "read: {report}; {count} people are not there any more, {nameless} entries cannot be told apart: nobody was \
                 shut out; if that is right, run `doorward connector sync {name} --confirm-removals`"
            );
        }
        Ok(report) => tracing::info!(connector = %name, "read: {report}"),
        Err(why) => tracing::warn!(connector = %name, "not read to its end: {why}"),
    }
    connector.id
}
