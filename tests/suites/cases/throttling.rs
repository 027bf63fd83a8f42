//! How many wrong passwords are tried, whatever the number of nodes, names and spellings.

use std::collections::BTreeMap;

use doorward_engine::limits;
use doorward_engine::sign_in::throttle::{Account, Place, reserve};
use doorward_engine::upkeep;
use doorward_model::id::{RealmId, UserId};

use crate::fixture::{Ground, Node};
use crate::people::{Form, PASSWORD, WRONG, at_once, word};
use doorward_model::people::Realm;

const ATTACKER: &str = "203.0.113.7";

async fn use_up_the_limit(node: &Node, realm: &Realm, login: &str) {
    for _ in 0..limits::FAILURES_PER_PAIR {
        assert_eq!(node.try_from(ATTACKER, realm, &Form::new(login, WRONG)).await, "wrong");
    }
    assert_eq!(node.try_from(ATTACKER, realm, &Form::new(login, WRONG)).await, "throttled");
}

async fn gauntlet_b11_01_two_hundred_guesses_at_once_over_two_nodes_try_at_most_five(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    a.user(&realm, "alice").await;
    let outcomes = at_once(&[&a, &b], 200, |node, _| {
        let realm = realm.clone();
        async move {
            let outcome = node.send(&node.ctx_from(ATTACKER), &realm, &Form::new("alice", WRONG)).await;
            outcome.map_or_else(|fault| format!("fault: {fault}"), |outcome| word(&outcome).to_owned())
        }
    })
    .await;
    let mut counts: BTreeMap<String, i64> = BTreeMap::new();
    for outcome in outcomes {
        *counts.entry(outcome).or_default() += 1;
    }
    println!("{:?}: {counts:?}", ground.kind);
    let count = |word: &str| counts.get(word).copied().unwrap_or_default();
    assert_eq!(count("wrong"), limits::FAILURES_PER_PAIR, "{counts:?}");
    assert_eq!(count("throttled"), 200 - limits::FAILURES_PER_PAIR, "{counts:?}");
}

async fn gauntlet_b11_02_a_known_browser_signs_in_while_strangers_are_held_off_for_a_while(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    node.user(&realm, "alice").await;
    let device = node.sign_in(&realm, &Form::new("alice", PASSWORD)).await.device.hash();
    use_up_the_limit(&node, &realm, "alice").await;
    let known = Form { device: Some(device), ..Form::new("alice", PASSWORD) };
    assert_eq!(node.try_from(ATTACKER, &realm, &known).await, "opened");
    let stranger = Form::new("alice", PASSWORD);
    assert_eq!(node.try_from(ATTACKER, &realm, &stranger).await, "throttled");
    // Success on the known browser gave the strangers nothing back.
    assert_eq!(node.try_from(ATTACKER, &realm, &Form::new("alice", WRONG)).await, "throttled");
    // Somewhere else in the world the account is open.
    assert_eq!(node.try_from("203.0.113.8", &realm, &stranger).await, "opened");
    ground.advance(limits::PAIR_SECONDS + 1).await;
    assert_eq!(node.try_from(ATTACKER, &realm, &stranger).await, "opened");
}

async fn gauntlet_b11_02_a_known_browser_has_a_limit_too_and_one_account_only(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    for name in ["alice", "bob"] {
        node.user(&realm, name).await;
    }
    let device = Some(node.sign_in(&realm, &Form::new("alice", PASSWORD)).await.device.hash());
    for _ in 0..limits::FAILURES_PER_DEVICE {
        let form = Form { device, ..Form::new("alice", WRONG) };
        assert_eq!(node.try_from(ATTACKER, &realm, &form).await, "wrong");
    }
    let form = Form { device, ..Form::new("alice", PASSWORD) };
    assert_eq!(node.try_from(ATTACKER, &realm, &form).await, "throttled");
    // For another account the browser is a stranger.
    for _ in 0..limits::FAILURES_PER_PAIR {
        let form = Form { device, ..Form::new("bob", WRONG) };
        assert_eq!(node.try_from(ATTACKER, &realm, &form).await, "wrong");
    }
    let form = Form { device, ..Form::new("bob", WRONG) };
    assert_eq!(node.try_from(ATTACKER, &realm, &form).await, "throttled");
}

async fn gauntlet_b11_03_name_e_mail_and_spelling_share_one_counter(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    node.user_with_email(&realm, "alice", Some("alice@example.com")).await;
    for login in ["alice", "alice@example.com", "ALICE", "Alice@Example.com", "\u{ff41}lice"] {
        assert_eq!(node.try_from(ATTACKER, &realm, &Form::new(login, WRONG)).await, "wrong", "{login}");
    }
    // Under no name is the right password even looked at, and no answer tells that the names belong together.
    for login in ["alice", "alice@example.com", "aLiCe", " alice ", "ALICE@EXAMPLE.COM"] {
        assert_eq!(node.try_from(ATTACKER, &realm, &Form::new(login, PASSWORD)).await, "wrong", "{login}");
    }
    // A name nobody has is counted the same way.
    for login in ["nobody", "NOBODY", "Nobody", " nobody", "nobody "] {
        assert_eq!(node.try_from(ATTACKER, &realm, &Form::new(login, WRONG)).await, "wrong", "{login}");
    }
    assert_eq!(node.try_from(ATTACKER, &realm, &Form::new("nobody", WRONG)).await, "throttled");
}

async fn the_right_password_gives_the_reserved_places_back(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    node.user(&realm, "alice").await;
    for _ in 0..3 {
        for _ in 1..limits::FAILURES_PER_PAIR {
            assert_eq!(node.try_from(ATTACKER, &realm, &Form::new("alice", WRONG)).await, "wrong");
        }
        assert_eq!(node.try_from(ATTACKER, &realm, &Form::new("alice", PASSWORD)).await, "opened");
    }
}

async fn gauntlet_b11_06_the_limit_tells_nobody_which_names_belong_together(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    node.user_with_email(&realm, "bob", Some("bob@example.com")).await;
    let mut told = Vec::new();
    for (name, email) in [("bob", "bob@example.com"), ("zed", "zed@example.com")] {
        use_up_the_limit(&node, &realm, name).await;
        told.push(node.try_from(ATTACKER, &realm, &Form::new(email, WRONG)).await);
    }
    assert_eq!(told[0], told[1], "a known and an unknown account answer alike");
}

/// Asks for a place for a name and a user nobody else uses.
async fn place_for(node: &Node, address: &str, typed: &str) -> Place {
    let dice = &*node.door.dice;
    let (realm, user) = (RealmId::draw(dice), UserId::draw(dice));
    let account = Account { realm: &realm, typed, user: &user, is_known: false, device: None };
    reserve(&node.door, &node.ctx_from(address), &account).await.expect("an answer")
}

async fn one_network_guessing_at_many_accounts_is_held_off(ground: Ground) {
    let node = ground.node().await;
    for number in 0..limits::FAILURES_PER_NETWORK {
        let place = place_for(&node, ATTACKER, &format!("account {number}")).await;
        assert!(matches!(place, Place::Free(_)), "{number}");
    }
    let ctx = node.ctx_from(ATTACKER);
    let place = place_for(&node, ATTACKER, "one more").await;
    let Place::Taken { until } = place else { panic!("the network is not held off") };
    assert_eq!(until, ctx.now.plus_seconds(limits::NETWORK_SECONDS));
    assert!(matches!(place_for(&node, "203.0.113.8", "one more").await, Place::Free(_)));
}

async fn gauntlet_b11_01_one_account_guessed_at_from_everywhere_is_held_off(ground: Ground) {
    let node = ground.node().await;
    let dice = &*node.door.dice;
    let (realm, user, nobody) = (RealmId::draw(dice), UserId::draw(dice), UserId::draw(dice));
    let ask = async |address: &str, typed: &str, user: &UserId| {
        let account = Account { realm: &realm, typed, user, is_known: true, device: None };
        reserve(&node.door, &node.ctx_from(address), &account).await.expect("an answer")
    };
    for number in 0..limits::FAILURES_PER_ACCOUNT {
        let place = ask(&format!("10.0.{number}.1"), "alice", &user).await;
        assert!(matches!(place, Place::Free(_)), "{number}");
    }
    let Place::Taken { until } = ask("10.1.0.1", "alice", &nobody).await else { panic!("the name is not held off") };
    assert_eq!(until, node.ctx().now.plus_seconds(limits::ACCOUNT_SECONDS));
    let place = ask("10.1.0.1", "alice@example.com", &user).await;
    assert!(matches!(place, Place::SilentlyTaken), "the user is not held off under another name");
    assert!(matches!(ask("10.1.0.1", "bob", &nobody).await, Place::Free(_)));
}

async fn gauntlet_b11_04_a_flood_of_names_neither_frees_the_victim_nor_stays_stored(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    node.user(&realm, "alice").await;
    use_up_the_limit(&node, &realm, "alice").await;
    let flooded = at_once(&[&node], 20, |node, task| async move {
        for number in 0..100 {
            let address = format!("10.{task}.{number}.1");
            let name = format!("random {task} {number}");
            assert!(matches!(place_for(&node, &address, &name).await, Place::Free(_)), "{name}");
        }
    })
    .await;
    assert_eq!(flooded.len(), 20);
    let again = node.try_from(ATTACKER, &realm, &Form::new("alice", PASSWORD)).await;
    assert_eq!(again, "throttled", "the flood freed the victim's counter");
    let stored = ground.number("SELECT COUNT(*) FROM throttles").await;
    assert!((2000..=10_100).contains(&stored), "{stored} counters are stored");
    ground.advance(limits::ACCOUNT_SECONDS + 1).await;
    upkeep::prune(&node.door, &node.ctx()).await.expect("pruned");
    assert_eq!(ground.number("SELECT COUNT(*) FROM throttles").await, 0);
}

on_both!(together:
    gauntlet_b11_01_two_hundred_guesses_at_once_over_two_nodes_try_at_most_five,
    gauntlet_b11_02_a_known_browser_signs_in_while_strangers_are_held_off_for_a_while,
    gauntlet_b11_02_a_known_browser_has_a_limit_too_and_one_account_only,
    gauntlet_b11_03_name_e_mail_and_spelling_share_one_counter,
    the_right_password_gives_the_reserved_places_back,
    gauntlet_b11_06_the_limit_tells_nobody_which_names_belong_together,
    one_network_guessing_at_many_accounts_is_held_off,
    gauntlet_b11_01_one_account_guessed_at_from_everywhere_is_held_off,
    gauntlet_b11_04_a_flood_of_names_neither_frees_the_victim_nor_stays_stored,
);
