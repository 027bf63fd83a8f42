//! Clients are told that a session ended, whichever way it did, once for each, also when nodes die over it.

use std::collections::BTreeSet;
use std::sync::Arc;

use doorward_engine::clients::{Client, ClientSettings};
use doorward_engine::limits::{DELIVERY_ATTEMPTS, DELIVERY_LEASE_SECONDS};
use doorward_engine::logout::{self, Due, HEADER_TYPE};
use doorward_engine::manage::{clients, users};
use doorward_engine::sessions;
use doorward_engine::upkeep;
use doorward_jose::claims::Skew;
use doorward_jose::jws::Presented;
use doorward_model::people::{Realm, User};
use doorward_store::deliveries::{self, Party};
use doorward_store::sessions::SignedIn;
use serde_json::json;

use crate::fixture::{Ground, Node};
use crate::people::at_once;
use doorward_engine::clients::GrantType;
use doorward_model::name::ClientName;

const HEARS: &str = "https://tool.example.com/backchannel";

async fn client(node: &Node, realm: &Realm, name: &str, hears: bool) -> Client {
    let settings = ClientSettings {
        grants: vec![GrantType::ClientCredentials],
        backchannel_logout_uri: hears.then(|| format!("{HEARS}/{name}")),
        frontchannel_logout_uri: hears.then(|| format!("https://{name}.example.com/out")),
        ..ClientSettings::default()
    };
    let name = ClientName::parse(name).expect("a client id");
    let (door, ctx) = (&node.door, node.ctx());
    let make = async |tx: &mut _| clients::create(door, &ctx, tx, &realm.id, (name, None, settings)).await;
    node.change(make).await.unwrap_or_else(|refused| panic!("{refused}")).0
}

/// A session in which clients got tokens.
async fn session(node: &Node, user: &User, clients: &[&Client]) -> SignedIn {
    let signed_in = node.session(user).await;
    for client in clients {
        let (session_id, subject) = (signed_in.session.id.clone(), user.id.to_string());
        let party = Party { session_id, client_id: client.id.clone(), subject };
        // Twice: a second authorization is no second telling.
        for _ in 0..2 {
            node.change(async |tx| deliveries::note(tx, &party).await).await;
        }
    }
    signed_in
}

async fn claim(node: &Node) -> Option<Due> {
    logout::claim(&node.door, &node.ctx()).await.expect("a database")
}

async fn claim_all(node: &Node) -> Vec<Due> {
    let mut all = Vec::new();
    while let Some(due) = claim(node).await {
        all.push(due);
    }
    all
}

async fn gauntlet_b10_every_end_of_a_session_tells_each_client_once(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let (one, two) = (client(&a, &realm, "one", true).await, client(&a, &realm, "two", true).await);
    let silent = client(&a, &realm, "silent", false).await;
    let uninvolved = client(&a, &realm, "uninvolved", true).await;
    for ending in ["signed-out", "ended-by-admin", "disabled", "deleted", "password", "idle", "cascade"] {
        let user = a.user(&realm, ending).await;
        let over = session(&a, &user, &[&one, &two, &silent]).await;
        let ctx = a.ctx();
        match ending {
            "signed-out" => assert!(
                sessions::end_own(&a.door, &ctx, (&user.id, &over.session.id), "signed out").await.expect("done")
            ),
            "ended-by-admin" => assert!(sessions::end(&a.door, &ctx, &over.session.id, "why").await.expect("done")),
            "disabled" => assert!(a.change(async |tx| users::disable(tx, &user).await).await),
            "deleted" => a.change(async |tx| users::delete(tx, &user).await).await,
            "password" => a.change(async |tx| users::set_password(tx, &user, "hash", None).await).await,
            "idle" => ground.advance(2 * 60 * 60).await,
            _ => ground.raw(&format!("DELETE FROM sessions WHERE id = '{}'", over.session.id)).await,
        }
        upkeep::prune(&b.door, &b.ctx()).await.expect("a database");
        if ending == "cascade" {
            ground.advance(6 * 60).await;
            upkeep::prune(&b.door, &b.ctx()).await.expect("a database");
        }
        let due = claim_all(&b).await;
        let urls: BTreeSet<&str> = due.iter().map(|due| due.url.as_str()).collect();
        let expected = [format!("{HEARS}/one"), format!("{HEARS}/two")];
        assert_eq!((urls, due.len()), (expected.iter().map(String::as_str).collect(), 2), "{ending}");
        for due in &due {
            check_token(&b, &realm, due, &user, &over);
            logout::delivered(&b.door, &b.ctx(), due).await.expect("a database");
        }
        assert_eq!(ground.number("SELECT COUNT(*) FROM deliveries").await, 0, "{ending}");
        assert_eq!(ground.number("SELECT COUNT(*) FROM session_clients").await, 0, "{ending}");
    }
    assert_eq!(ground.number("SELECT COUNT(*) FROM events WHERE kind = 'logout_delivered'").await, 14);
    drop(uninvolved);
}

fn check_token(node: &Node, realm: &Realm, due: &Due, user: &User, over: &SignedIn) {
    let presented = Presented::read(&due.token).expect("a token");
    assert_eq!(presented.header().typ(), Some(HEADER_TYPE));
    let key = node.door.keys.find(&realm.id, presented.header().kid().expect("a kid")).expect("a published key");
    let claims = presented.verify(key.public()).expect("our signature");
    claims.check_times(node.world.now().seconds(), Skew::NONE).expect("in its time");
    assert_eq!(claims.issuer().expect("iss"), "https://door.example.com/realms/main");
    assert_eq!(claims.subject().expect("sub"), user.id.as_str());
    assert_eq!(claims.text("sid").expect("sid"), Some(over.session.id.as_str()));
    assert!(!claims.jti().expect("jti").is_empty() && claims.get("nonce").is_none());
    assert_eq!(claims.get("events"), Some(&json!({"http://schemas.openid.net/event/backchannel-logout": {}})));
    let name = due.url.rsplit('/').next().expect("a name");
    assert_eq!(claims.audiences().expect("aud"), [name]);
    let times = claims.times().expect("times");
    assert!(times.exp.expect("exp") - times.iat.expect("iat") <= 120);
}

async fn gauntlet_b18_01_fifty_claims_on_two_nodes_take_each_delivery_once(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let tool = client(&a, &realm, "tool", true).await;
    let user = a.user(&realm, "alice").await;
    claim(&a).await;
    for _ in 0..20 {
        let over = session(&a, &user, &[&tool]).await;
        sessions::end(&a.door, &a.ctx(), &over.session.id, "why").await.expect("a database");
    }
    let nodes = [&a, &b];
    let claimed = at_once(&nodes, 50, |node, _| async move {
        claim_all(&node).await.into_iter().map(|due| due.token).collect::<Vec<_>>()
    });
    let claimed: Vec<String> = claimed.await.into_iter().flatten().collect();
    assert_eq!(claimed.len(), 20);
    assert_eq!(ground.number("SELECT COUNT(*) FROM deliveries WHERE attempts = 1").await, 20);
}

async fn gauntlet_b18_10_a_claim_nobody_came_back_from_is_taken_up_again_and_the_late_one_changes_nothing(
    ground: Ground,
) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let tool = client(&a, &realm, "tool", true).await;
    let over = session(&a, &a.user(&realm, "alice").await, &[&tool]).await;
    sessions::end(&a.door, &a.ctx(), &over.session.id, "why").await.expect("a database");
    let lost = claim(&a).await.expect("a delivery");
    assert!(claim(&b).await.is_none(), "two nodes are at it");
    ground.advance(DELIVERY_LEASE_SECONDS).await;
    let again = claim(&b).await.expect("the same delivery");
    // The first one was only slow: what it says does not count any more.
    logout::not_delivered(&a.door, &a.ctx(), &lost, "slow").await.expect("a database");
    logout::delivered(&a.door, &a.ctx(), &lost).await.expect("a database");
    assert_eq!(ground.number("SELECT COUNT(*) FROM deliveries").await, 1);
    logout::delivered(&b.door, &b.ctx(), &again).await.expect("a database");
    assert_eq!(ground.number("SELECT COUNT(*) FROM deliveries").await, 0);
    assert_eq!(ground.number("SELECT COUNT(*) FROM events WHERE kind = 'logout_delivered'").await, 1);
}

async fn a_client_that_is_away_is_told_later_and_given_up_in_the_end(ground: Ground) {
    let node: Arc<Node> = ground.node().await;
    let realm = node.realm("main").await;
    let tool = client(&node, &realm, "tool", true).await;
    let over = session(&node, &node.user(&realm, "alice").await, &[&tool]).await;
    sessions::end(&node.door, &node.ctx(), &over.session.id, "why").await.expect("a database");
    let mut tries = 0;
    let mut last = node.world.now();
    let mut pauses = Vec::new();
    while ground.number("SELECT COUNT(*) FROM deliveries WHERE state = 'waiting'").await == 1 {
        if let Some(due) = claim(&node).await {
            logout::not_delivered(&node.door, &node.ctx(), &due, "it answered 503").await.expect("a database");
            pauses.push(node.world.now().millis_since(last) / 1000);
            last = node.world.now();
            tries += 1;
        }
        // Until then nothing is claimed.
        let due = ground.number("SELECT due_ms FROM deliveries").await;
        let wait = (due - node.world.now().millis()) / 1000;
        ground.world.advance_seconds(wait - 1);
        assert!(claim(&node).await.is_none(), "claimed too early");
        ground.world.advance_seconds(1);
        assert!(tries < 100);
    }
    assert_eq!(tries, DELIVERY_ATTEMPTS);
    assert!(pauses.windows(2).all(|pair| pair[0] <= pair[1]), "{pauses:?}");
    let listed = deliveries::list(&mut &node.door.store, 10).await.expect("a database");
    assert!(listed[0].is_failed && listed[0].problem == "it answered 503", "{listed:?}");
    assert_eq!(ground.number("SELECT COUNT(*) FROM events WHERE kind = 'logout_undelivered'").await, 1);
    assert!(claim(&node).await.is_none());
    let number = listed[0].number;
    assert_eq!(node.change(async |tx| logout::retry(tx, number).await).await, Ok(()));
    assert!(node.change(async |tx| logout::retry(tx, number + 1).await).await.is_err());
    let due = claim(&node).await.expect("it is tried again");
    // A client that no longer wants to know is not told.
    logout::not_delivered(&node.door, &node.ctx(), &due, "again").await.expect("a database");
    let settings = ClientSettings { backchannel_logout_uri: None, ..tool.settings.clone() };
    let changed = Client { settings, ..tool };
    assert_eq!(node.change(async |tx| clients::update(tx, &changed).await).await, Ok(()));
    ground.advance(60).await;
    assert!(claim(&node).await.is_none());
    assert_eq!(ground.number("SELECT COUNT(*) FROM deliveries").await, 0);
}

async fn frames_name_the_issuer_and_the_session(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let (tool, silent) = (client(&node, &realm, "tool", true).await, client(&node, &realm, "silent", false).await);
    let signed_in = session(&node, &node.user(&realm, "alice").await, &[&tool, &silent]).await;
    let frames = logout::frames(&node.door, &realm.id, &signed_in.session.id).await.expect("a database");
    let sid = &signed_in.session.id;
    let issuer = "https%3A%2F%2Fdoor.example.com%2Frealms%2Fmain";
    assert_eq!(frames, [format!("https://tool.example.com/out?iss={issuer}&sid={sid}")]);
}

on_both!(together:
    gauntlet_b10_every_end_of_a_session_tells_each_client_once,
    gauntlet_b18_01_fifty_claims_on_two_nodes_take_each_delivery_once,
    gauntlet_b18_10_a_claim_nobody_came_back_from_is_taken_up_again_and_the_late_one_changes_nothing,
    a_client_that_is_away_is_told_later_and_given_up_in_the_end,
    frames_name_the_issuer_and_the_session,
);
