//! Limits of sessions are kept by the server: a cookie kept longer opens nothing.

use doorward_engine::gate::check::Credential;
use doorward_engine::sessions;
use doorward_engine::upkeep;

use crate::fixture::Ground;
use crate::people::{Form, PASSWORD, at_once, everyone, signed_in};

const DAGSTER: &str = "dagster.example.com";
const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

async fn gauntlet_b10_10_an_unseen_session_ends_and_its_cookies_open_nothing_when_replayed(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    a.user(&realm, "alice").await;
    let app = a.app(&realm, DAGSTER, everyone()).await;
    b.follow().await;
    let opened = a.sign_in(&realm, &Form::new("alice", PASSWORD)).await;
    let pass = a.enter(&signed_in(&opened), &app).await;
    let found = async || sessions::find(&a.door, &a.ctx(), &opened.session.hash()).await.expect("an answer").is_some();
    ground.advance(30 * MINUTE - 1).await;
    assert!(found().await);
    // Not looked at through the gate: that would count as seen.
    ground.advance(2).await;
    for node in [&a, &b] {
        assert!(node.check_pass(DAGSTER, &pass).await.asks_to_sign_in());
    }
    assert!(!found().await);
    // Showing it again and again does not bring it back.
    ground.advance(4 * MINUTE).await;
    assert!(a.check_pass(DAGSTER, &pass).await.asks_to_sign_in());
    upkeep::note_seen(&a.door, &a.ctx()).await.expect("written");
    upkeep::prune(&a.door, &a.ctx()).await.expect("pruned");
    assert_eq!(ground.number("SELECT COUNT(*) FROM sessions").await, 0);
    assert_eq!(ground.number("SELECT COUNT(*) FROM passes").await, 0);
    assert!(a.check_pass(DAGSTER, &pass).await.asks_to_sign_in());
}

async fn gauntlet_b10_10_a_session_in_use_ends_at_its_absolute_limit(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    node.user(&realm, "alice").await;
    let app = node.app(&realm, DAGSTER, everyone()).await;
    let opened = node.sign_in(&realm, &Form::new("alice", PASSWORD)).await;
    let pass = node.enter(&signed_in(&opened), &app).await;
    for minutes in (20..600).step_by(20) {
        ground.advance(20 * MINUTE).await;
        assert!(node.check_pass(DAGSTER, &pass).await.passes(), "after {minutes} minutes");
        upkeep::note_seen(&node.door, &node.ctx()).await.expect("written");
    }
    ground.advance(20 * MINUTE - 1).await;
    assert!(node.check_pass(DAGSTER, &pass).await.passes());
    ground.advance(1).await;
    assert!(node.check_pass(DAGSTER, &pass).await.asks_to_sign_in());
    assert!(sessions::find(&node.door, &node.ctx(), &opened.session.hash()).await.expect("an answer").is_none());
}

async fn a_remembered_session_lives_longer_and_ends_too(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    node.user(&realm, "alice").await;
    let app = node.app(&realm, DAGSTER, everyone()).await;
    let form = Form { remember: true, ..Form::new("alice", PASSWORD) };
    let (used, unused) = (node.sign_in(&realm, &form).await, node.sign_in(&realm, &form).await);
    let (pass, forgotten) = (node.enter(&signed_in(&used), &app).await, node.enter(&signed_in(&unused), &app).await);
    for day in (6..30).step_by(6) {
        ground.advance(6 * DAY).await;
        assert!(node.check_pass(DAGSTER, &pass).await.passes(), "day {day}");
        if day > 6 {
            assert!(node.check_pass(DAGSTER, &forgotten).await.asks_to_sign_in(), "unseen for {day} days");
        }
    }
    ground.advance(6 * DAY).await;
    assert!(node.check_pass(DAGSTER, &pass).await.asks_to_sign_in(), "thirty days are over");
}

async fn a_session_seen_on_one_node_stays_alive_on_the_other(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let alice = a.user(&realm, "alice").await;
    let app = a.app(&realm, DAGSTER, everyone()).await;
    b.follow().await;
    let (noted, unnoted) = (a.session(&alice).await.session, a.session(&alice).await.session);
    let (noted, unnoted) = (a.pass(&noted, &app).await, a.pass(&unnoted, &app).await);
    for pass in [&noted, &unnoted] {
        assert!(a.check_pass(DAGSTER, pass).await.passes() && b.check_pass(DAGSTER, pass).await.passes());
    }
    ground.advance(20 * MINUTE).await;
    assert!(a.check_pass(DAGSTER, &noted).await.passes());
    upkeep::note_seen(&a.door, &a.ctx()).await.expect("written");
    assert!(a.check_pass(DAGSTER, &unnoted).await.passes());
    ground.advance(20 * MINUTE).await;
    assert!(b.check_pass(DAGSTER, &noted).await.passes(), "seen on the other node 20 minutes ago");
    assert!(b.check_pass(DAGSTER, &unnoted).await.asks_to_sign_in(), "not yet told: the control");
    upkeep::note_seen(&a.door, &a.ctx()).await.expect("written");
    assert!(b.check_pass(DAGSTER, &unnoted).await.passes(), "told late, and alive again");
}

/// Behind a load balancer every node sees every session; what they write crosses.
async fn nodes_that_saw_the_same_sessions_note_them_at_the_same_time(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let alice = a.user(&realm, "alice").await;
    let app = a.app(&realm, DAGSTER, everyone()).await;
    b.follow().await;
    let mut passes = Vec::new();
    for _ in 0..100 {
        let session = a.session(&alice).await.session;
        passes.push(Credential::Pass(a.pass(&session, &app).await.hash()));
    }
    for round in 0..8 {
        ground.advance(2 * MINUTE).await;
        for pass in &passes {
            assert!(a.check(DAGSTER, *pass).await.passes() && b.check(DAGSTER, *pass).await.passes());
        }
        let outcomes = at_once(&[&a, &b], 2, |node, number| async move {
            // Not the very same moment, so that the second has something newer to write.
            let mut ctx = node.ctx();
            ctx.now = ctx.now.plus_seconds(i64::try_from(number).unwrap_or(0));
            upkeep::note_seen(&node.door, &ctx).await
        })
        .await;
        for outcome in outcomes {
            assert!(outcome.is_ok(), "round {round}: {:?}", outcome.map_err(|fault| fault.to_string()));
        }
    }
}

async fn sessions_written_down_late_never_move_back(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.user(&realm, "alice").await;
    let session = node.session(&alice).await.session;
    let later = session.created_at.plus_seconds(600);
    for at in [later, later.plus_seconds(-300)] {
        node.change(async |tx| doorward_store::sessions::seen(tx, &session.id, at).await).await;
    }
    assert_eq!(ground.number("SELECT last_seen_ms FROM sessions").await, later.millis());
}

on_both!(together:
    gauntlet_b10_10_an_unseen_session_ends_and_its_cookies_open_nothing_when_replayed,
    gauntlet_b10_10_a_session_in_use_ends_at_its_absolute_limit,
    a_remembered_session_lives_longer_and_ends_too,
    a_session_seen_on_one_node_stays_alive_on_the_other,
    nodes_that_saw_the_same_sessions_note_them_at_the_same_time,
    sessions_written_down_late_never_move_back,
);
