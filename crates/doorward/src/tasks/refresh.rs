//! Asks providers again for people who came through them. Each connector is worked off by itself, some people at once, so
//! that a provider that hangs delays its own people alone.

use crate::limits;
use doorward_engine::federation::open_secret;
use doorward_engine::federation::refresh::{self, Answer, Due};
use doorward_federation::trouble::Trouble;
use doorward_model::event::Actor;
use doorward_model::id::ConnectorId;
use doorward_web::web::Web;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// How often it is looked whether somebody is to be asked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const WORKER: Actor = Actor::Worker("refresh");

/// Looks for connectors with people to ask for, and sets somebody to work at each.
pub async fn refresh(web: Arc<Web>) {
    let mut at_work = HashSet::new();
    let mut workers = JoinSet::new();
    loop {
        while let Some(done) = workers.try_join_next() {
            match done {
                Ok(connector) => drop(at_work.remove(&connector)),
                // Whose it was is not known: all are looked at anew.
                Err(_) => at_work.clear(),
            }
        }
        match refresh::waiting(web.door(), &web.begin_as(WORKER, None)).await {
            Ok(waiting) => {
                for connector in waiting {
                    if at_work.insert(connector.clone()) {
                        workers.spawn(work_off(web.clone(), connector));
                    }
                }
            }
            Err(fault) => tracing::warn!("looking for people to ask for again: {fault}"),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Asks for everybody of a connector who is due.
async fn work_off(web: Arc<Web>, connector: ConnectorId) -> ConnectorId {
    let free = Arc::new(Semaphore::new(limits::REFRESHES));
    let mut asking = JoinSet::new();
    while let Ok(place) = free.clone().acquire_owned().await {
        while asking.try_join_next().is_some() {}
        match refresh::claim(web.door(), &web.begin_as(WORKER, None), &connector).await {
            Ok(Some(due)) => {
                let web = web.clone();
                asking.spawn(async move {
                    ask(&web, &due).await;
                    drop(place);
                });
            }
            Ok(None) => break,
            Err(fault) => {
                tracing::warn!("claiming somebody to ask for again: {fault}");
                break;
            }
        }
    }
    while asking.join_next().await.is_some() {}
    connector
}

async fn ask(web: &Web, due: &Due) {
    let asked = tokio::time::timeout(limits::REFRESH_TIME, answer(web, due)).await;
    let answer = asked.unwrap_or_else(|_| {
        tracing::warn!(connector = %due.connector.name, session = %due.session(), "not asked again: it takes too long");
        Answer::Unanswered
    });
    if let Err(fault) = refresh::answered(web.door(), &web.begin_as(WORKER, None), due, answer).await {
        tracing::warn!("noting what a provider says of somebody now: {fault}");
    }
}

async fn answer(web: &Web, due: &Due) -> Answer {
    let (name, session) = (&due.connector.name, due.session());
    let secret = match open_secret(web.door(), &due.connector) {
        Ok(secret) => secret,
        Err(fault) => {
            tracing::warn!("{fault}");
            return Answer::Unanswered;
        }
    };
    let now = web.begin_as(WORKER, None).now;
    match web.providers.renewed(&due.connector, now, (&due.kept, &due.subject), secret).await {
        Ok(identity) => Answer::Vouched(Box::new(identity)),
        Err(Trouble::NotVouched(why)) => {
            tracing::info!(connector = %name, %session, "its session ends: {why}");
            Answer::Refused
        }
        Err(trouble) => {
            tracing::warn!(connector = %name, %session, "not asked again: {trouble}");
            Answer::Unanswered
        }
    }
}
