//! The change feed: no follower skips an entry, and one that has fallen too far behind starts anew.

use std::time::Duration;

use doorward_engine::gate::check::Credential;
use doorward_engine::manage::users;
use doorward_engine::upkeep;
use doorward_model::limits;
use doorward_model::people::User;
use doorward_store::sql::POSTGRES_FEED_LOCK;
use doorward_store::store::Database;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::fixture::{Ground, Node};
use crate::people::{at_once, everyone};

const DAGSTER: &str = "dagster.example.com";

/// A user with a pass that both nodes keep in memory.
async fn known_to_both(a: &Node, b: &Node, user: &User, app: &doorward_model::app::App) -> Credential {
    let pass = Credential::Pass(a.pass(&a.session(user).await.session, app).await.hash());
    b.follow().await;
    for node in [a, b] {
        assert!(node.check(DAGSTER, pass).await.passes());
    }
    pass
}

async fn transactions_that_end_in_another_order_than_they_began_are_all_seen(ground: Ground) {
    let (a, b) = (ground.node().await, ground.deaf_node().await);
    let realm = a.realm("main").await;
    let app = a.app(&realm, DAGSTER, everyone()).await;
    for round in 0..5 {
        let slow = a.user(&realm, &format!("slow{round}")).await;
        let quick = a.user(&realm, &format!("quick{round}")).await;
        let slow_pass = known_to_both(&a, &b, &slow, &app).await;
        let quick_pass = known_to_both(&a, &b, &quick, &app).await;
        // The first transaction has written and noted its change, and stays open.
        let mut held = a.door.begin().await.expect("a transaction begins");
        assert!(users::disable(&mut held, &slow).await.expect("written"));
        let second = {
            let (node, quick) = (a.clone(), quick.clone());
            tokio::spawn(async move { node.change(async |tx| users::disable(tx, &quick).await).await })
        };
        if a.door.store.is_shared() {
            // Nothing keeps the second from overtaking; on SQLite it waits for the writer.
            assert!(second.await.expect("no task panics"));
            b.follow().await;
            assert!(!b.check(DAGSTER, quick_pass).await.passes());
            assert!(b.check(DAGSTER, slow_pass).await.passes(), "what is not committed is not so");
            a.door.commit(&a.ctx(), held).await.expect("committed");
        } else {
            a.door.commit(&a.ctx(), held).await.expect("committed");
            assert!(second.await.expect("no task panics"));
        }
        b.follow().await;
        assert!(!b.check(DAGSTER, slow_pass).await.passes(), "round {round}");
        assert!(!b.check(DAGSTER, quick_pass).await.passes(), "round {round}");
    }
}

/// Places are drawn under a lock that is kept until the commit is visible, so that a place once passed
/// can never be filled later.
async fn a_writer_of_the_feed_waits_for_the_one_before(ground: Ground) {
    let (a, b) = (ground.node().await, ground.deaf_node().await);
    let realm = a.realm("main").await;
    let app = a.app(&realm, DAGSTER, everyone()).await;
    let (slow, quick) = (a.user(&realm, "slow").await, a.user(&realm, "quick").await);
    let slow_pass = known_to_both(&a, &b, &slow, &app).await;
    let quick_pass = known_to_both(&a, &b, &quick, &app).await;
    let Database::Postgres(url) = &ground.database else { panic!("only PostgreSQL has several writers") };
    let mut raw = PgConnection::connect(url).await.expect("PostgreSQL answers");
    let mut held = raw.begin().await.expect("a transaction begins");
    sqlx::raw_sql(POSTGRES_FEED_LOCK).execute(&mut *held).await.expect("the lock is free");
    let write = format!(
        "UPDATE users SET is_active = 0 WHERE id = '{0}'; INSERT INTO changes (at_ms, what) VALUES (0, 'user {0}')",
        slow.id
    );
    sqlx::raw_sql(AssertSqlSafe(write)).execute(&mut *held).await.expect("written");
    let mut second = {
        let (node, quick) = (a.clone(), quick.clone());
        tokio::spawn(async move { node.change(async |tx| users::disable(tx, &quick).await).await })
    };
    let early = tokio::time::timeout(Duration::from_millis(500), &mut second).await;
    assert!(early.is_err(), "the second writer did not wait");
    b.follow().await;
    assert!(b.check(DAGSTER, quick_pass).await.passes() && b.check(DAGSTER, slow_pass).await.passes());
    held.commit().await.expect("committed");
    assert!(second.await.expect("no task panics"));
    b.follow().await;
    assert!(!b.check(DAGSTER, slow_pass).await.passes());
    assert!(!b.check(DAGSTER, quick_pass).await.passes());
}

async fn followers_among_many_writers_miss_nothing(ground: Ground) {
    let (a, b, c) = (ground.node().await, ground.node().await, ground.deaf_node().await);
    let realm = a.realm("main").await;
    let app = a.app(&realm, DAGSTER, everyone()).await;
    let mut people = Vec::new();
    for number in 0..40 {
        let user = a.user(&realm, &format!("person{number}")).await;
        let pass = known_to_both(&a, &c, &user, &app).await;
        people.push((user, pass));
    }
    let following = {
        let node = c.clone();
        tokio::spawn(async move {
            loop {
                node.follow().await;
                tokio::task::yield_now().await;
            }
        })
    };
    at_once(&[&a, &b], people.len(), |node, number| {
        let user = people.get(number).map(|(user, _)| user.clone()).expect("a person");
        async move {
            let mut tx = node.door.begin().await.expect("a transaction begins");
            assert!(users::disable(&mut tx, &user).await.expect("written"));
            node.door.commit(&node.ctx(), tx).await.expect("committed");
        }
    })
    .await;
    following.abort();
    let _ = following.await;
    c.follow().await;
    for (user, pass) in &people {
        assert!(!c.check(DAGSTER, *pass).await.passes(), "{} was skipped", user.name);
    }
}

async fn a_follower_behind_the_pruned_feed_forgets_everything(ground: Ground) {
    let (a, b) = (ground.node().await, ground.deaf_node().await);
    let realm = a.realm("main").await;
    let app = a.app(&realm, DAGSTER, everyone()).await;
    let (alice, bob) = (a.user(&realm, "alice").await, a.user(&realm, "bob").await);
    let remembered = async |user: &User| {
        let mut session = a.session(user).await.session;
        session.id = doorward_model::id::SessionId::draw(&*a.door.dice);
        session.idle_seconds = 7 * 24 * 3600;
        session.expires_at = session.created_at.plus_seconds(30 * 24 * 3600);
        let hash = doorward_model::secret::PlainToken::draw(doorward_model::secret::TokenKind::Session, &*a.door.dice);
        a.change(async |tx| doorward_store::sessions::create(tx, &hash.hash(), &session).await).await;
        Credential::Pass(a.pass(&session, &app).await.hash())
    };
    let (alices, bobs) = (remembered(&alice).await, remembered(&bob).await);
    b.follow().await;
    assert!(b.check(DAGSTER, alices).await.passes() && b.check(DAGSTER, bobs).await.passes());
    assert!(a.change(async |tx| users::disable(tx, &alice).await).await);
    ground.advance(limits::CHANGE_SECONDS + 60).await;
    // Something newer, so that the entry about alice is not the newest, which is always kept.
    a.app(&realm, "grafana.example.com", everyone()).await;
    upkeep::prune(&a.door, &a.ctx()).await.expect("pruned");
    let about = format!("SELECT COUNT(*) FROM changes WHERE what = 'user {}'", alice.id);
    assert_eq!(ground.number(&about).await, 0, "the entry is pruned");
    // So far behind that nothing in memory is trusted.
    assert!(b.try_check(DAGSTER, alices).await.is_err());
    b.follow().await;
    assert!(b.door.live.find_pass(&bobs_hash(bobs)).is_none(), "everything is forgotten");
    assert!(b.check(DAGSTER, alices).await.asks_to_sign_in());
    assert!(b.check(DAGSTER, bobs).await.passes());
    assert!(b.check("grafana.example.com", bobs).await != crate::people::Answer::NoApp, "apps are loaded anew");
}

fn bobs_hash(credential: Credential) -> doorward_model::secret::TokenHash {
    match credential {
        Credential::Pass(hash) => hash,
        _ => panic!("a pass"),
    }
}

async fn an_entry_of_a_kind_unknown_to_this_version_drops_every_cache(ground: Ground) {
    let (a, b) = (ground.node().await, ground.deaf_node().await);
    let realm = a.realm("main").await;
    let app = a.app(&realm, DAGSTER, everyone()).await;
    let alice = a.user(&realm, "alice").await;
    let pass = known_to_both(&a, &b, &alice, &app).await;
    ground.raw("UPDATE users SET is_active = 0").await;
    b.follow().await;
    assert!(b.check(DAGSTER, pass).await.passes(), "nothing was said in the feed");
    ground.raw("INSERT INTO changes (at_ms, what) VALUES (0, 'of-tomorrow xyz')").await;
    b.follow().await;
    assert!(b.check(DAGSTER, pass).await.asks_to_sign_in());
}

async fn gauntlet_b18_04_a_feed_that_lost_what_was_read_of_it_drops_every_cache(ground: Ground) {
    let (a, b) = (ground.node().await, ground.deaf_node().await);
    let realm = a.realm("main").await;
    let app = a.app(&realm, DAGSTER, everyone()).await;
    let (alice, bob) = (a.user(&realm, "alice").await, a.user(&realm, "bob").await);
    let pass = known_to_both(&a, &b, &alice, &app).await;
    // A standby took over without the last entries, and others stand in their places: what they said was never read.
    let newest = ground.number("SELECT MAX(sequence) FROM changes").await;
    for (number, act) in [
        format!("UPDATE changes SET at_ms = at_ms + 1 WHERE sequence = {newest}"),
        format!(
            "DELETE FROM changes WHERE sequence = (SELECT MAX(sequence) FROM changes WHERE what = 'user {}')",
            bob.id
        ),
    ]
    .into_iter()
    .enumerate()
    {
        assert!(b.check(DAGSTER, pass).await.passes());
        ground.raw("UPDATE users SET is_active = 0").await;
        ground.raw(&act).await;
        ground.raw(&format!("INSERT INTO changes (at_ms, what) VALUES ({number}, 'user {}')", bob.id)).await;
        b.follow().await;
        assert!(b.check(DAGSTER, pass).await.asks_to_sign_in(), "{act}");
        ground.raw("UPDATE users SET is_active = 1").await;
        ground.raw(&format!("INSERT INTO changes (at_ms, what) VALUES (7, 'user {}')", alice.id)).await;
        ground.raw(&format!("INSERT INTO changes (at_ms, what) VALUES (8, 'user {}')", bob.id)).await;
        b.follow().await;
    }
}

on_both!(together:
    gauntlet_b18_04_a_feed_that_lost_what_was_read_of_it_drops_every_cache,
    transactions_that_end_in_another_order_than_they_began_are_all_seen,
    followers_among_many_writers_miss_nothing,
    a_follower_behind_the_pruned_feed_forgets_everything,
    an_entry_of_a_kind_unknown_to_this_version_drops_every_cache,
);
on_postgres!(together: a_writer_of_the_feed_waits_for_the_one_before);
