//! Every task that runs beside the listeners, with its name and pace. All end when told to stop.

mod reading;
mod refresh;

use crate::limits;
use crate::log;
use doorward_engine::{logout, upkeep};
use doorward_model::event::Actor;
use doorward_outbound::Outbound;
use doorward_store::changes::Listener;
use doorward_web::listen::Stop;
use doorward_web::web::Web;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// How often the change feed is looked at when nothing wakes us: bounds how late a change is seen when a
/// wake-up is lost.
const FOLLOW_EVERY: Duration = Duration::from_millis(100);
/// How long after a failed look the next one comes.
const FOLLOW_AGAIN: Duration = Duration::from_millis(500);
/// How often it is written down who was seen.
const SEEN_EVERY: Duration = Duration::from_secs(15);
/// How often what is over is forgotten.
const PRUNE_EVERY: Duration = Duration::from_secs(60);
/// How often it is looked whether a signing key's time has come.
const KEYS_EVERY: Duration = Duration::from_secs(5);
/// How often it is looked whether a client is to be told something.
const DELIVER_EVERY: Duration = Duration::from_millis(500);
/// How long memory for password hashing, and connections to directories, are kept after their last use, at most.
const REST_EVERY: Duration = Duration::from_secs(30);

/// Starts all tasks.
pub fn start(web: &Arc<Web>, outbound: Arc<Outbound>, stop: &Stop) -> Vec<JoinHandle<()>> {
    vec![
        tokio::spawn(until(stop.clone(), follow(web.clone()))),
        tokio::spawn(until(stop.clone(), note_seen(web.clone()))),
        tokio::spawn(until(stop.clone(), prune(web.clone()))),
        tokio::spawn(until(stop.clone(), keys(web.clone()))),
        tokio::spawn(until(stop.clone(), deliver(web.clone(), outbound))),
        tokio::spawn(until(stop.clone(), refresh::refresh(web.clone()))),
        tokio::spawn(until(stop.clone(), reading::read(web.clone()))),
        tokio::spawn(until(stop.clone(), rest(web.clone()))),
        tokio::spawn(until(stop.clone(), tell_left_out())),
    ]
}

async fn until(mut stop: Stop, work: impl Future<Output = ()>) {
    tokio::select! {
        () = work => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

/// Follows the change feed: woken by commits of other nodes where the database can, polling always.
async fn follow(web: Arc<Web>) {
    let mut listener = None;
    let mut was_lost = false;
    loop {
        if listener.is_none() {
            listener = Listener::start(&web.door().store).await.ok();
        }
        let ctx = web.begin_as(Actor::Worker("follow"), None);
        match upkeep::follow(web.door(), &ctx).await {
            Ok(()) if was_lost => {
                tracing::info!("the database answers again");
                was_lost = false;
            }
            Ok(()) => {}
            Err(fault) => {
                if !was_lost {
                    tracing::error!("following the change feed: {fault}");
                }
                was_lost = true;
                listener = None;
                tokio::time::sleep(FOLLOW_AGAIN).await;
                continue;
            }
        }
        let woken = match &mut listener {
            Some(listener) => tokio::time::timeout(FOLLOW_EVERY, listener.wait()).await,
            None => tokio::time::timeout(FOLLOW_EVERY, std::future::pending()).await,
        };
        if let Ok(Err(_)) = woken {
            listener = None;
        }
    }
}

async fn note_seen(web: Arc<Web>) {
    loop {
        tokio::time::sleep(SEEN_EVERY).await;
        let ctx = web.begin_as(Actor::Worker("note_seen"), None);
        if let Err(fault) = upkeep::note_seen(web.door(), &ctx).await {
            tracing::warn!("writing down who was seen: {fault}");
        }
        if let Err(fault) = upkeep::note_refusals(web.door(), &ctx).await {
            tracing::warn!("writing down which clients were refused: {fault}");
        }
    }
}

async fn prune(web: Arc<Web>) {
    loop {
        tokio::time::sleep(PRUNE_EVERY).await;
        let ctx = web.begin_as(Actor::Worker("prune"), None);
        if let Err(fault) = upkeep::prune(web.door(), &ctx).await {
            tracing::warn!("forgetting what is over: {fault}");
        }
    }
}

async fn keys(web: Arc<Web>) {
    loop {
        tokio::time::sleep(KEYS_EVERY).await;
        let ctx = web.begin_as(Actor::Worker("keys"), None);
        if let Err(fault) = upkeep::keys(web.door(), &ctx).await {
            tracing::warn!("replacing signing keys: {fault}");
        }
    }
}

/// Takes logout tokens to clients, several at once. Those on their way when the process ends are claimed again by
/// whichever node looks next.
async fn deliver(web: Arc<Web>, outbound: Arc<Outbound>) {
    let free = Arc::new(Semaphore::new(limits::DELIVERIES));
    loop {
        let Ok(place) = free.clone().acquire_owned().await else { return };
        let ctx = web.begin_as(Actor::Worker("deliver"), None);
        match logout::claim(web.door(), &ctx).await {
            Ok(Some(due)) => {
                let (web, outbound) = (web.clone(), outbound.clone());
                tokio::spawn(async move {
                    deliver_one(&web, &outbound, &due).await;
                    drop(place);
                });
                continue;
            }
            Ok(None) => {}
            Err(fault) => tracing::warn!("looking for clients to be told: {fault}"),
        }
        drop(place);
        tokio::time::sleep(DELIVER_EVERY).await;
    }
}

async fn deliver_one(web: &Web, outbound: &Outbound, due: &logout::Due) {
    let answer = outbound.post_form(&due.url, &[("logout_token", &due.token)]).await;
    let ctx = web.begin_as(Actor::Worker("deliver"), None);
    // Back-Channel Logout §2.8: 200, and 204 because some frameworks turn an empty 200 into it.
    let problem = match answer {
        Ok(answer) if matches!(answer.status.as_u16(), 200 | 204) => None,
        Ok(answer) => Some(format!("it answered {}", answer.status.as_u16())),
        Err(failure) => Some(failure.to_string()),
    };
    if let Some(problem) = &problem {
        tracing::warn!("client {} was not told that a session ended: {problem}", due.client());
    }
    let noted = match &problem {
        None => logout::delivered(web.door(), &ctx, due).await,
        Some(problem) => logout::not_delivered(web.door(), &ctx, due, problem).await,
    };
    if let Err(fault) = noted {
        tracing::warn!("noting what came of telling a client: {fault}");
    }
}

async fn rest(web: Arc<Web>) {
    loop {
        tokio::time::sleep(REST_EVERY).await;
        web.door().hasher.rest();
        web.directories.rest();
    }
}

async fn tell_left_out() {
    loop {
        tokio::time::sleep(log::TELL_EVERY).await;
        log::tell_left_out();
    }
}
