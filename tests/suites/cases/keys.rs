//! Signing keys on two nodes of one database: they follow one another without anybody noticing, and one that may be
//! in wrong hands is gone everywhere at once.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use doorward_engine::clients::{Client, ClientSettings, GrantType, Lifetimes};
use doorward_engine::keys::Known;
use doorward_engine::limits::KEY_WORK_SECONDS;
use doorward_engine::manage::clients;
use doorward_engine::settings::KeyTimes;
use doorward_engine::token::check::check;
use doorward_engine::token::client_credentials::client_credentials;
use doorward_engine::token::mint::prepare;
use doorward_engine::upkeep;
use doorward_jose::algorithm::Algorithm;
use doorward_jose::jws::Presented;
use doorward_jose::key_set::KeySet;
use doorward_model::id::KeyId;
use doorward_model::name::ClientName;
use doorward_model::people::Realm;
use doorward_model::signing::KeyState;
use doorward_model::time::Timestamp;
use doorward_oauth::scope::Scopes;
use doorward_store::jobs;
use serde_json::json;

use crate::fixture::{Ground, Node, median, wait_for};
use crate::people::at_once;

const DAY: i64 = 24 * 60 * 60;
const HOUR: i64 = 60 * 60;
const TIMES: KeyTimes = KeyTimes { rotate_seconds: 3 * DAY, announce_seconds: HOUR };

/// A node on which a program gets tokens for itself.
#[derive(Clone)]
pub struct Issuer {
    node: Arc<Node>,
    realm: Realm,
    client: Arc<Client>,
}

impl Issuer {
    /// A program of that name, whose tokens are signed by an algorithm and live for a day.
    pub async fn new(node: &Arc<Node>, realm: &Realm, algorithm: Algorithm) -> Issuer {
        let settings = ClientSettings {
            grants: vec![GrantType::ClientCredentials],
            algorithm: algorithm.as_str().to_owned(),
            lifetimes: Lifetimes { access_seconds: Some(DAY), ..Lifetimes::default() },
            ..ClientSettings::default()
        };
        let name = ClientName::parse(&format!("program-{}", algorithm.as_str())).expect("a client id");
        let (door, ctx) = (&node.door, node.ctx());
        let make = async |tx: &mut _| clients::create(door, &ctx, tx, &realm.id, (name, None, settings)).await;
        let (client, _) = node.change(make).await.unwrap_or_else(|refused| panic!("{refused}"));
        let issuer = Issuer { node: node.clone(), realm: realm.clone(), client: client.into() };
        issuer.prepare().await;
        issuer
    }

    async fn prepare(&self) {
        prepare(&self.node.door, &self.node.ctx(), &self.client).await.expect("a key");
    }

    pub fn at(&self, node: &Arc<Node>) -> Issuer {
        Issuer { node: node.clone(), ..self.clone() }
    }

    pub async fn token(&self) -> String {
        let (door, ctx) = (&self.node.door, self.node.ctx());
        let tokens = client_credentials(door, &ctx, self.realm.name.as_str(), &self.client, (Scopes::default(), None));
        tokens.await.expect("a key").unwrap_or_else(|refused| panic!("{refused}")).access
    }

    pub async fn is_good(&self, token: &str) -> bool {
        check(&self.node.door, &self.node.ctx(), &self.realm, token).await.expect("a database").is_some()
    }
}

pub fn kid(token: &str) -> String {
    let presented = Presented::read(token).expect("a token");
    presented.header().kid().expect("a key's name").to_owned()
}

pub fn known(node: &Node, realm: &Realm) -> Vec<Known> {
    node.door.keys.all().get(&realm.id).cloned().unwrap_or_default()
}

pub fn published(node: &Node, realm: &Realm) -> Vec<KeyId> {
    node.door.keys.published(&realm.id).iter().map(|key| key.id().clone()).collect()
}

/// A tool that checks tokens with a copy of the key set, which it fetches when the copy is this old, from one
/// node and the other in turn, and at no other time.
struct Tool {
    nodes: [Arc<Node>; 2],
    realm: Realm,
    keeps_seconds: i64,
    copy: Option<(Timestamp, KeySet)>,
    fetched: usize,
}

impl Tool {
    fn new(nodes: [&Arc<Node>; 2], realm: &Realm, keeps_seconds: i64) -> Tool {
        Tool { nodes: nodes.map(Arc::clone), realm: realm.clone(), keeps_seconds, copy: None, fetched: 0 }
    }

    fn takes(&mut self, token: &str) -> bool {
        let now = self.nodes[0].world.now();
        let old = self.copy.as_ref().is_none_or(|(at, _)| now.millis_since(*at) >= self.keeps_seconds * 1000);
        if old {
            let node = &self.nodes[self.fetched % 2];
            let keys: Vec<_> = node.door.keys.published(&self.realm.id).iter().map(|key| key.public_jwk()).collect();
            self.copy = Some((now, KeySet::parse(&json!({ "keys": keys })).expect("a key set")));
            self.fetched += 1;
        }
        let Some((_, set)) = &self.copy else { return false };
        let presented = Presented::read(token).expect("a token");
        set.find_for(presented.header()).and_then(|key| presented.verify(key)).is_ok()
    }
}

/// Lets both nodes do at the same moment what is due. Afterwards both have looked at the feed, as they do many times a
/// second: the clock of these cases jumps by hours, and no node is an hour behind.
async fn work(nodes: [&Arc<Node>; 2]) {
    let done = at_once(&nodes, 2, |node, _| async move { upkeep::keys(&node.door, &node.ctx()).await });
    for outcome in done.await {
        outcome.expect("a database");
    }
    for node in nodes {
        node.follow().await;
    }
}

async fn gauntlet_b18_06_keys_follow_one_another_under_load_and_no_token_is_ever_refused(ground: Ground) {
    let (a, b) = (ground.node_with(|s| s.keys = TIMES).await, ground.node_with(|s| s.keys = TIMES).await);
    let realm = a.realm("main").await;
    let issuers = [Issuer::new(&a, &realm, Algorithm::Rs256).await, Issuer::new(&a, &realm, Algorithm::Es256).await];
    b.follow().await;
    let (over, failures, signed) =
        (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())), AtomicUsize::new(0));
    let signed = Arc::new(signed);
    let mut load = Vec::new();
    for (number, issuer) in issuers.iter().flat_map(|issuer| [(0, issuer.at(&a)), (1, issuer.at(&b))]) {
        let (over, failures, signed) = (over.clone(), failures.clone(), signed.clone());
        let other = issuer.at(if number == 0 { &b } else { &a });
        // One keeps its copy for nearly as long as a key is announced before it signs.
        let mut tools = [60, 55 * 60].map(|seconds| Tool::new([&a, &b], &realm, seconds));
        load.push(tokio::spawn(async move {
            while !over.load(Ordering::Relaxed) {
                let (at, token) = (issuer.node.world.now(), issuer.token().await);
                let is_good = other.is_good(&token).await;
                let is_taken = tools.iter_mut().all(|tool| tool.takes(&token));
                let took = issuer.node.world.now().millis_since(at) / 1000;
                if !(is_good && is_taken) {
                    let what = format!("{}: good {is_good}, taken {is_taken}, {took} seconds later", kid(&token));
                    failures.lock().unwrap_or_else(PoisonError::into_inner).push(what);
                }
                signed.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }));
    }
    let mut kept: Vec<(Timestamp, String)> = Vec::new();
    let mut tools = [60, 55 * 60].map(|seconds| Tool::new([&a, &b], &realm, seconds));
    let mut steps = 0;
    // Two turns of keys, and the end of what the second ones signed. Tokens are kept to their end and shown again
    // at every step.
    while ground.number("SELECT COUNT(*) FROM events WHERE kind = 'key_gone'").await < 4 {
        let is_close = known(&a, &realm).iter().any(|known| known.state == KeyState::Announced);
        ground.advance(if is_close { 300 } else { 3600 }).await;
        work([&a, &b]).await;
        let now = ground.world.now();
        kept.retain(|(end, _)| *end > now);
        for issuer in &issuers {
            if steps % 5 == 0 {
                for node in [&a, &b] {
                    kept.push((now.plus_seconds(DAY), issuer.at(node).token().await));
                }
            }
        }
        for (_, token) in &kept {
            assert!(tools.iter_mut().all(|tool| tool.takes(token)), "step {steps}: a copy lacks {}", kid(token));
        }
        if let Some((_, token)) = kept.first() {
            assert!(issuers[0].is_good(token).await && issuers[0].at(&b).is_good(token).await, "step {steps}");
        }
        steps += 1;
        assert!(steps < 400, "keys do not follow one another");
    }
    over.store(true, Ordering::Relaxed);
    for task in load {
        task.await.expect("no task panics");
    }
    let failures = failures.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert_eq!(failures, [""; 0], "of {}", signed.load(Ordering::Relaxed));
    assert!(signed.load(Ordering::Relaxed) > 100);
    // Each step was taken once, though both nodes were at it.
    let count = async |kind: &str| ground.number(&format!("SELECT COUNT(*) FROM events WHERE kind = '{kind}'")).await;
    assert_eq!(count("key_announced").await, 4);
    assert_eq!((count("key_activated").await, count("key_retired").await), (6, 4));
    assert_eq!(known(&a, &realm).len(), 2);
}

async fn gauntlet_b18_06_a_key_in_wrong_hands_is_gone_everywhere_within_a_quarter_of_a_second(ground: Ground) {
    let (a, b, command) = (ground.node().await, ground.node().await, ground.deaf_node().await);
    let realm = a.realm("main").await;
    let at_a = Issuer::new(&a, &realm, Algorithm::Rs256).await;
    let other = Issuer::new(&a, &realm, Algorithm::EdDsa).await;
    b.follow().await;
    let at_b = at_a.at(&b);
    let mut times = Vec::new();
    for round in 0..5 {
        let (token, spared) = (at_a.token().await, other.token().await);
        assert!(at_a.is_good(&token).await && at_b.is_good(&token).await, "round {round}");
        let only = Some(Algorithm::Rs256);
        let made = command.door.keys.replace_now(&command.door, &command.ctx(), &realm.id, only).await;
        let fresh = made.expect("a database").expect("keys");
        let gone = wait_for(Duration::from_secs(2), async || {
            !at_a.is_good(&token).await
                && !at_b.is_good(&token).await
                && [&a, &b].iter().all(|node| published(node, &realm).iter().all(|id| id.as_str() != kid(&token)))
        });
        times.push(gone.await.expect("the key goes"));
        assert!(other.is_good(&spared).await, "another algorithm's key stays");
        // Work goes on with the new key on both.
        let next = at_b.token().await;
        assert_eq!(fresh.iter().map(KeyId::as_str).collect::<Vec<_>>(), [kid(&next)]);
        assert!(at_a.is_good(&next).await && at_b.is_good(&next).await, "round {round}");
    }
    assert_eq!(ground.number("SELECT COUNT(*) FROM events WHERE kind = 'key_gone'").await, 5);
    assert!(median(times.clone()) < Duration::from_millis(250), "{times:?}");
}

async fn a_token_of_a_key_made_a_moment_ago_is_good_at_a_node_that_has_not_looked_since(ground: Ground) {
    let (a, b) = (ground.deaf_node().await, ground.deaf_node().await);
    let realm = a.realm("main").await;
    b.follow().await;
    let at_a = Issuer::new(&a, &realm, Algorithm::EdDsa).await;
    assert!(at_a.at(&b).is_good(&at_a.token().await).await);
}

async fn every_state_outlives_a_restart_and_a_node_that_dies_over_the_work_leaves_it_to_the_next(ground: Ground) {
    let node = ground.node_with(|s| s.keys = TIMES).await;
    let realm = node.realm("main").await;
    let first = Issuer::new(&node, &realm, Algorithm::Rs256).await;
    let token = first.token().await;
    let states = |node: &Node| {
        let rs256 = known(node, &realm).into_iter().filter(|known| known.key.algorithm() == Algorithm::Rs256);
        rs256.map(|known| known.state).collect::<Vec<_>>()
    };
    use KeyState::{Active, Announced, Retiring};
    let mut seen = vec![states(&node)];
    for seconds in [3 * DAY - HOUR, HOUR, DAY + HOUR] {
        ground.advance(seconds).await;
        // This node claims the work and is killed.
        let (now, until) = (node.world.now(), node.world.now().plus_seconds(KEY_WORK_SECONDS));
        assert!(
            node.change(async |tx| {
                jobs::plan(tx, "keys", now).await?;
                jobs::claim(tx, "keys", (now, until)).await
            })
            .await
        );
        let fresh = ground.node_with(|s| s.keys = TIMES).await;
        upkeep::keys(&fresh.door, &fresh.ctx()).await.expect("a database");
        assert_eq!(states(&fresh), seen.last().cloned().unwrap_or_default(), "another node has the work");
        ground.advance(KEY_WORK_SECONDS).await;
        upkeep::keys(&fresh.door, &fresh.ctx()).await.expect("a database");
        let restarted = ground.node_with(|s| s.keys = TIMES).await;
        assert_eq!(states(&restarted), states(&fresh));
        let (before, after) = (first.at(&fresh).token().await, first.at(&restarted).token().await);
        assert_eq!(kid(&before), kid(&after), "both sign with one key");
        assert!(first.at(&restarted).is_good(&before).await && first.at(&fresh).is_good(&after).await);
        seen.push(states(&fresh));
    }
    let expected: [&[KeyState]; 4] = [&[Active], &[Announced, Active], &[Active, Retiring], &[Active]];
    assert_eq!(seen, expected);
    assert!(!first.is_good(&token).await, "it is over by its own time too");
    // A clock that is put back starts nothing anew.
    ground.world.advance_seconds(-2 * DAY);
    upkeep::keys(&node.door, &node.ctx()).await.expect("a database");
    node.follow().await;
    assert_eq!(states(&node), [Active]);
}

async fn a_key_is_announced_once_and_only_one_that_does_not_sign_can_be_withdrawn(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let other_realm = a.realm("sales").await;
    let issuer = Issuer::new(&a, &realm, Algorithm::Rs256).await;
    b.follow().await;
    let nodes = [&a, &b];
    let rotated = at_once(&nodes, 10, |node, _| {
        let realm = realm.id.clone();
        async move { node.door.keys.announce_next(&node.door, &node.ctx(), &realm, None).await.expect("a database") }
    });
    let made: Vec<KeyId> = rotated.await.into_iter().flat_map(|made| made.expect("keys")).collect();
    assert_eq!(made.len(), 2, "one for each algorithm");
    a.follow().await;
    let withdraw = async |realm: &Realm, id: &KeyId| {
        let outcome = a.door.keys.withdraw(&a.door, &a.ctx(), &realm.id, id).await.expect("a database");
        outcome.map_err(|refused| refused.to_string())
    };
    let token = issuer.token().await;
    let signs = KeyId::parse(&kid(&token)).expect("a key");
    assert!(!made.contains(&signs), "an announced key signs");
    assert!(withdraw(&realm, &signs).await.is_err_and(|why| why.contains("doorward key rotate --now")));
    for id in &made {
        assert!(withdraw(&other_realm, id).await.is_err_and(|why| why.contains("no key")));
        assert!(published(&a, &realm).contains(id));
        assert_eq!(withdraw(&realm, id).await, Ok(()));
        assert!(!published(&a, &realm).contains(id));
    }
    assert!(issuer.is_good(&token).await);
    let none = a.door.keys.announce_next(&a.door, &a.ctx(), &realm.id, Some(Algorithm::Ps256)).await;
    assert!(none.expect("a database").is_err());
}

async fn fifty_first_askers_on_two_nodes_make_one_key(ground: Ground) {
    let (a, b) = (ground.deaf_node().await, ground.deaf_node().await);
    let realm = a.realm("main").await;
    b.follow().await;
    let first = Issuer::new(&a, &realm, Algorithm::Es256).await;
    let eddsa = Client {
        settings: ClientSettings { algorithm: "EdDSA".to_owned(), ..first.client.settings.clone() },
        ..(*first.client).clone()
    };
    let issuer = Issuer { client: eddsa.into(), ..first };
    let nodes = [&a, &b];
    let tokens = at_once(&nodes, 50, |node, _| {
        let issuer = issuer.at(&node);
        async move {
            issuer.prepare().await;
            issuer.token().await
        }
    });
    let mut kids: Vec<String> = tokens.await.iter().map(|token| kid(token)).collect();
    kids.dedup();
    assert_eq!(kids.len(), 1, "{kids:?}");
}

on_both!(together:
    gauntlet_b18_06_keys_follow_one_another_under_load_and_no_token_is_ever_refused,
    a_token_of_a_key_made_a_moment_ago_is_good_at_a_node_that_has_not_looked_since,
    every_state_outlives_a_restart_and_a_node_that_dies_over_the_work_leaves_it_to_the_next,
    a_key_is_announced_once_and_only_one_that_does_not_sign_can_be_withdrawn,
    fifty_first_askers_on_two_nodes_make_one_key,
);

on_both!(alone:
    gauntlet_b18_06_a_key_in_wrong_hands_is_gone_everywhere_within_a_quarter_of_a_second,
);
