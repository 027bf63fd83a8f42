//! What is kept in memory never outlives what it was made from, whatever runs at the same moment.

use std::sync::Arc;

use doorward_engine::manage::{groups, tokens, users};
use doorward_engine::sessions;
use doorward_model::name::TokenName;
use doorward_model::people::Source;
use doorward_model::secret::TokenHash;
use tokio::sync::Barrier;

use crate::fixture::{Ground, Node};
use crate::people::{at_once, everyone, only};

const DAGSTER: &str = "dagster.example.com";
const GRAFANA: &str = "grafana.example.com";

async fn a_pass_loaded_while_its_user_is_disabled_is_never_kept(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let app = node.app(&realm, DAGSTER, everyone()).await;
    let alice = node.user(&realm, "alice").await;
    for round in 0..200 {
        let session = node.session(&alice).await;
        let hash = node.pass(&session.session, &app).await.hash();
        let start = Arc::new(Barrier::new(4));
        let loading: Vec<_> = (0..3)
            .map(|_| {
                let (node, start) = (node.clone(), start.clone());
                tokio::spawn(async move {
                    start.wait().await;
                    node.door.live.load_pass(&node.door.store, &hash).await.expect("an answer");
                })
            })
            .collect();
        start.wait().await;
        assert!(node.change(async |tx| users::disable(tx, &alice).await).await);
        for task in loading {
            task.await.expect("no task panics");
        }
        let answer = node.check(DAGSTER, doorward_engine::gate::check::Credential::Pass(hash)).await;
        assert!(answer.asks_to_sign_in(), "round {round}: {answer:?}");
        assert!(node.change(async |tx| users::enable(tx, &alice).await).await);
    }
}

/// Each way below writes one kind of change only, so that every kind is seen to keep a load from staying.
async fn a_pass_loaded_while_its_right_is_taken_away_is_never_kept(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.user(&realm, "alice").await;
    let (inner, outer) = (node.group(&realm, "engineers").await, node.group(&realm, "staff").await);
    let app = node.app(&realm, DAGSTER, only(&outer)).await;
    node.join(&inner, &alice).await;
    assert_eq!(node.nest(&outer, &inner).await, Ok(true));
    let pass = doorward_engine::gate::check::Credential::Pass;
    for round in 0..240 {
        let session = node.session(&alice).await.session;
        let hash = node.pass(&session, &app).await.hash();
        let start = Arc::new(Barrier::new(4));
        let loading: Vec<_> = (0..3)
            .map(|_| {
                let (node, start) = (node.clone(), start.clone());
                tokio::spawn(async move {
                    start.wait().await;
                    node.door.live.load_pass(&node.door.store, &hash).await.expect("an answer");
                })
            })
            .collect();
        start.wait().await;
        match round % 3 {
            0 => assert!(node.change(async |tx| groups::remove_member(tx, &inner, &alice, &Source::Local).await).await),
            1 => assert!(node.change(async |tx| groups::unnest(tx, &outer, &inner, &Source::Local).await).await),
            _ => assert!(sessions::end(&node.door, &node.ctx(), &session.id, "test").await.expect("an answer")),
        }
        for task in loading {
            task.await.expect("no task panics");
        }
        let answer = node.check(DAGSTER, pass(hash)).await;
        assert!(!answer.passes(), "round {round}: {answer:?}");
        match round % 3 {
            0 => node.join(&inner, &alice).await,
            1 => assert_eq!(node.nest(&outer, &inner).await, Ok(true)),
            _ => {}
        }
    }
}

async fn a_service_token_loaded_while_it_is_revoked_is_never_kept(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let app = node.app(&realm, DAGSTER, everyone()).await;
    let name = TokenName::parse("ci").expect("a name");
    for round in 0..100 {
        let hash = node.service_token(&realm, "ci", &[&app], 600).await.hash();
        let start = Arc::new(Barrier::new(4));
        let loading: Vec<_> = (0..3)
            .map(|_| {
                let (node, start) = (node.clone(), start.clone());
                tokio::spawn(async move {
                    start.wait().await;
                    node.door.live.load_token(&node.door.store, &hash).await.expect("an answer");
                })
            })
            .collect();
        start.wait().await;
        let revoked = node.change(async |tx| tokens::revoke(tx, &realm.id, &name).await).await;
        assert!(revoked, "round {round}");
        for task in loading {
            task.await.expect("no task panics");
        }
        let answer = node.check(DAGSTER, doorward_engine::gate::check::Credential::Service(hash)).await;
        assert!(answer.asks_to_sign_in(), "round {round}: {answer:?}");
    }
}

/// Loads passes at the same moment, so that each load makes its own copy of what they share.
async fn load_at_once(node: &Arc<Node>, hashes: &[TokenHash]) {
    let start = Arc::new(Barrier::new(hashes.len()));
    at_once(&[node], hashes.len(), |node, number| {
        let (hash, start) = (hashes.get(number).copied(), start.clone());
        async move {
            start.wait().await;
            let hash = hash.expect("as many passes as tasks");
            node.door.live.load_pass(&node.door.store, &hash).await.expect("an answer");
        }
    })
    .await;
}

async fn passes_of_one_user_loaded_at_once_all_hear_of_a_change(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let (alice, group) = (node.user(&realm, "alice").await, node.group(&realm, "engineers").await);
    let app = node.app(&realm, DAGSTER, only(&group)).await;
    let mut hashes = Vec::new();
    for _ in 0..6 {
        let session = node.session(&alice).await;
        hashes.push(node.pass(&session.session, &app).await.hash());
    }
    let pass = doorward_engine::gate::check::Credential::Pass;
    for round in 0..60 {
        node.join(&group, &alice).await;
        load_at_once(&node, &hashes).await;
        for hash in &hashes {
            assert!(node.check(DAGSTER, pass(*hash)).await.passes(), "round {round}");
        }
        let left = async |tx: &mut _| groups::remove_member(tx, &group, &alice, &Source::Local).await;
        assert!(node.change(left).await);
        for (number, hash) in hashes.iter().enumerate() {
            let answer = node.check(DAGSTER, pass(*hash)).await;
            assert!(!answer.passes(), "round {round}: pass {number} did not hear that its user left: {answer:?}");
        }
    }
}

async fn passes_of_one_session_loaded_at_once_all_end_with_it(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.user(&realm, "alice").await;
    let (dagster, grafana) = (node.app(&realm, DAGSTER, everyone()).await, node.app(&realm, GRAFANA, everyone()).await);
    let pass = doorward_engine::gate::check::Credential::Pass;
    for round in 0..60 {
        let session = node.session(&alice).await.session;
        let (one, two) = (node.pass(&session, &dagster).await.hash(), node.pass(&session, &grafana).await.hash());
        load_at_once(&node, &[one, two]).await;
        assert!(node.check(DAGSTER, pass(one)).await.passes() && node.check(GRAFANA, pass(two)).await.passes());
        assert!(sessions::end(&node.door, &node.ctx(), &session.id, "test").await.expect("an answer"));
        for (at, hash) in [(DAGSTER, one), (GRAFANA, two)] {
            let answer = node.check(at, pass(hash)).await;
            assert!(answer.asks_to_sign_in(), "round {round}: the pass at {at} outlives its session: {answer:?}");
        }
    }
}

async fn a_new_right_is_seen_at_the_next_check_too(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let (alice, group) = (node.user(&realm, "alice").await, node.group(&realm, "engineers").await);
    let app = node.app(&realm, DAGSTER, only(&group)).await;
    let pass = node.pass(&node.session(&alice).await.session, &app).await;
    assert!(!node.check_pass(DAGSTER, &pass).await.passes());
    node.join(&group, &alice).await;
    assert!(node.check_pass(DAGSTER, &pass).await.passes());
}

async fn sweeping_forgets_what_is_over_and_keeps_the_rest(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let (alice, bob) = (node.user(&realm, "alice").await, node.user(&realm, "bob").await);
    let app = node.app(&realm, DAGSTER, everyone()).await;
    let early = node.pass(&node.session(&alice).await.session, &app).await;
    assert!(node.check_pass(DAGSTER, &early).await.passes());
    ground.advance(20 * 60).await;
    let late = node.pass(&node.session(&bob).await.session, &app).await;
    assert!(node.check_pass(DAGSTER, &late).await.passes());
    ground.advance(11 * 60).await;
    node.door.live.sweep(node.world.now());
    assert!(node.door.live.find_pass(&early.hash()).is_none());
    assert!(node.door.live.find_pass(&late.hash()).is_some());
    assert!(node.change(async |tx| users::disable(tx, &bob).await).await);
    assert!(node.check_pass(DAGSTER, &late).await.asks_to_sign_in(), "swept caches still hear of changes");
}

on_both!(together:
    a_pass_loaded_while_its_user_is_disabled_is_never_kept,
    a_pass_loaded_while_its_right_is_taken_away_is_never_kept,
    a_service_token_loaded_while_it_is_revoked_is_never_kept,
    passes_of_one_user_loaded_at_once_all_hear_of_a_change,
    passes_of_one_session_loaded_at_once_all_end_with_it,
    a_new_right_is_seen_at_the_next_check_too,
    sweeping_forgets_what_is_over_and_keeps_the_rest,
);
