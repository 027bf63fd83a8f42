//! The database goes away and comes back. What is in memory passes for a bounded time and no longer.

use std::time::{Duration, Instant};

use doorward_engine::gate::check::Credential;
use doorward_engine::upkeep;
use doorward_model::fault::FaultKind;
use doorward_testkit::peers::Postgres;

use crate::fixture::{Ground, Node, wait_for};
use crate::people::{Form, PASSWORD, everyone};

const DAGSTER: &str = "dagster.example.com";

async fn unavailable(node: &Node, credential: Credential) -> bool {
    match node.try_check(DAGSTER, credential).await {
        Err(fault) => {
            assert_eq!(fault.kind(), FaultKind::Unavailable, "{fault}");
            true
        }
        Ok(_) => false,
    }
}

async fn what_is_known_passes_for_the_grace_period_and_all_is_well_afterwards(_: Ground) {
    let mut server = tokio::task::block_in_place(Postgres::start);
    let ground = Ground::on_own_server(&server);
    let lenient = ground.node_with(|settings| settings.database_grace_seconds = 60).await;
    let strict = ground.node_with(|settings| settings.database_grace_seconds = 0).await;
    let realm = lenient.realm("main").await;
    let alice = lenient.user(&realm, "alice").await;
    let app = lenient.app(&realm, DAGSTER, everyone()).await;
    strict.follow().await;
    let session = lenient.session(&alice).await.session;
    let known = Credential::Pass(lenient.pass(&session, &app).await.hash());
    let unknown = Credential::Pass(lenient.pass(&session, &app).await.hash());
    let machine = Credential::Service(lenient.service_token(&realm, "ci", &[&app], 3600).await.hash());
    for node in [&lenient, &strict] {
        // First what the feed still has to tell, then what must stay in memory.
        node.follow().await;
        assert!(node.check(DAGSTER, known).await.passes() && node.check(DAGSTER, machine).await.passes());
    }

    tokio::task::block_in_place(|| server.stop());
    let began = Instant::now();
    assert!(unavailable(&lenient, unknown).await);
    println!("a credential not in memory is told that the database is gone after {:.1?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(6));
    assert!(lenient.check(DAGSTER, known).await.passes() && strict.check(DAGSTER, known).await.passes());

    ground.world.advance_seconds(4);
    assert!(strict.check(DAGSTER, known).await.passes(), "a look at the feed may be some seconds old");
    ground.world.advance_seconds(2);
    assert!(unavailable(&strict, known).await && unavailable(&strict, machine).await);
    ground.world.advance_seconds(54);
    assert!(lenient.check(DAGSTER, known).await.passes() && lenient.check(DAGSTER, machine).await.passes());
    assert!(lenient.check(DAGSTER, Credential::None).await.asks_to_sign_in());
    ground.world.advance_seconds(1);
    assert!(unavailable(&lenient, known).await && unavailable(&lenient, machine).await);
    assert!(lenient.check(DAGSTER, Credential::None).await.asks_to_sign_in());
    let signing = lenient.send(&lenient.ctx(), &realm, &Form::new("alice", PASSWORD)).await;
    assert!(signing.is_err_and(|fault| fault.kind() == FaultKind::Unavailable));
    let following = upkeep::follow(&lenient.door, &lenient.ctx()).await;
    assert!(following.is_err_and(|fault| fault.kind() == FaultKind::Unavailable));

    tokio::task::block_in_place(|| server.start_again());
    let began = Instant::now();
    for node in [&lenient, &strict] {
        for credential in [known, unknown, machine] {
            let limit = Duration::from_secs(20);
            let back = wait_for(limit, async || node.try_check(DAGSTER, credential).await.is_ok_and(|a| a.passes()));
            assert!(back.await.is_some(), "the node does not come back");
        }
    }
    println!("both nodes work again {:.1?} after the database", began.elapsed());
    lenient.sign_in(&realm, &Form::new("alice", PASSWORD)).await;
    // Wake-ups work again too: what one node does, the other hears of.
    let disabled = lenient.change(async |tx| doorward_engine::manage::users::disable(tx, &alice).await).await;
    assert!(disabled && !lenient.check(DAGSTER, known).await.passes());
    let heard = wait_for(Duration::from_secs(5), async || !strict.check(DAGSTER, known).await.passes()).await;
    assert!(heard.is_some(), "the other node does not hear of it");
}

async fn a_database_that_hangs_is_unavailable_and_does_not_hold_known_visitors(_: Ground) {
    let mut server = tokio::task::block_in_place(Postgres::start);
    let ground = Ground::on_own_server(&server);
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.user(&realm, "alice").await;
    let app = node.app(&realm, DAGSTER, everyone()).await;
    let session = node.session(&alice).await.session;
    let known = Credential::Pass(node.pass(&session, &app).await.hash());
    let unknown = Credential::Pass(node.pass(&session, &app).await.hash());
    assert!(node.check(DAGSTER, known).await.passes());
    server.pause();
    let began = Instant::now();
    assert!(node.check(DAGSTER, known).await.passes());
    assert!(began.elapsed() < Duration::from_millis(100), "{:?}", began.elapsed());
    let limit = Duration::from_secs(25);
    let answer = tokio::time::timeout(limit, node.try_check(DAGSTER, unknown)).await;
    println!("a hanging database is noticed after {:.1?}", began.elapsed());
    server.resume();
    let answer = answer.unwrap_or_else(|_| panic!("a visitor waits longer than {limit:?}"));
    assert!(answer.is_err_and(|fault| fault.kind() == FaultKind::Unavailable));
    let back = wait_for(Duration::from_secs(20), async || {
        node.try_check(DAGSTER, unknown).await.is_ok_and(|answer| answer.passes())
    });
    assert!(back.await.is_some(), "the node does not come back");
}

on_postgres!(together:
    what_is_known_passes_for_the_grace_period_and_all_is_well_afterwards,
    a_database_that_hangs_is_unavailable_and_does_not_hold_known_visitors,
);
