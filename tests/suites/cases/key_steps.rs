//! Steps of signing keys that meet: two nodes, or a node and a hand, at the same key. Whatever comes first, one key signs.

use std::collections::BTreeSet;

use doorward_engine::keys::schedule::retiring_seconds;
use doorward_engine::upkeep;
use doorward_jose::algorithm::Algorithm;
use doorward_model::id::KeyId;
use doorward_model::limits::IDENTITY_TOKEN_SECONDS;
use doorward_model::signing::KeyState;

use crate::fixture::{Ground, Node};
use crate::keys::{Issuer, kid, known, published};
use crate::people::at_once;
use doorward_model::people::Realm;

fn states(node: &Node, realm: &Realm, algorithm: Algorithm) -> Vec<KeyState> {
    let known = known(node, realm);
    known.iter().filter(|known| known.key.algorithm() == algorithm).map(|known| known.state).collect()
}

async fn a_key_withdrawn_before_it_takes_over_leaves_the_one_that_signs(ground: Ground) {
    let (a, b) = (ground.deaf_node().await, ground.deaf_node().await);
    let realm = a.realm("main").await;
    b.follow().await;
    let at_a = Issuer::new(&a, &realm, Algorithm::Rs256).await;
    ground.advance(60).await;
    let made = a.door.keys.announce_next(&a.door, &a.ctx(), &realm.id, Some(Algorithm::Rs256)).await;
    let made = made.expect("a database").unwrap_or_else(|refused| panic!("{refused}"));
    let [next] = made.as_slice() else { panic!("{made:?}") };
    b.follow().await;
    let mut both = states(&b, &realm, Algorithm::Rs256);
    both.sort_by_key(|state| *state == KeyState::Active);
    assert_eq!(both, [KeyState::Announced, KeyState::Active]);
    // Readers that take the first key they find take one that signs.
    assert_eq!(published(&b, &realm).last(), Some(next));
    // A hand takes it back; the other node has not heard, and its time has come.
    let withdrawn = a.door.keys.withdraw(&a.door, &a.ctx(), &realm.id, next).await.expect("a database");
    assert!(withdrawn.is_ok());
    ground.advance(b.door.settings.keys.announce_seconds + 1).await;
    upkeep::keys(&b.door, &b.ctx()).await.expect("a database");
    for node in [&a, &b] {
        node.follow().await;
        assert_eq!(states(node, &realm, Algorithm::Rs256), [KeyState::Active]);
    }
    let token = at_a.at(&b).token().await;
    assert!(at_a.is_good(&token).await && kid(&token) != next.as_str());
    assert_eq!(ground.number("SELECT COUNT(*) FROM events WHERE kind = 'key_retired'").await, 0);
}

async fn of_many_hands_that_replace_keys_at_once_those_that_are_told_yes_did(ground: Ground) {
    let (a, b) = (ground.deaf_node().await, ground.deaf_node().await);
    let realm = a.realm("main").await;
    b.follow().await;
    let before = ground.number("SELECT COUNT(*) FROM events WHERE kind = 'key_activated'").await;
    let mut told = BTreeSet::new();
    for _ in 0..4 {
        let nodes = [&a, &b];
        let outcomes = at_once(&nodes, 8, |node, _| {
            let realm = realm.id.clone();
            async move {
                let only = Some(Algorithm::Es256);
                node.door.keys.replace_now(&node.door, &node.ctx(), &realm, only).await.expect("a database")
            }
        });
        for outcome in outcomes.await {
            match outcome {
                Ok(fresh) => told.extend(fresh.iter().map(KeyId::to_string)),
                Err(refused) => assert!(refused.to_string().contains("somebody else"), "{refused}"),
            }
        }
        for node in [&a, &b] {
            node.follow().await;
            assert_eq!(states(node, &realm, Algorithm::Es256), [KeyState::Active]);
        }
    }
    let recorded = ground.texts("SELECT subject FROM events WHERE kind = 'key_activated' ORDER BY sequence").await;
    let recorded: BTreeSet<String> = recorded.into_iter().skip(usize::try_from(before).expect("few")).collect();
    assert_eq!(told, recorded, "whoever was told yes made a key, and nobody else");
}

/// A hand takes back a key at the moment at which it begins to sign: whoever is told that it is gone finds it gone.
async fn a_key_that_was_taken_back_signs_nothing(ground: Ground) {
    let (a, b) = (ground.deaf_node().await, ground.deaf_node().await);
    let realm = a.realm("main").await;
    b.follow().await;
    let mut withdrawn = 0;
    for round in 0..12 {
        let only = Some(Algorithm::Es256);
        let made = a.door.keys.announce_next(&a.door, &a.ctx(), &realm.id, only).await.expect("a database");
        let made = made.unwrap_or_else(|refused| panic!("{refused}"));
        let [next] = made.as_slice() else { panic!("{made:?}") };
        b.follow().await;
        ground.advance(a.door.settings.keys.announce_seconds + 60).await;
        let nodes = [&a, &b];
        let told = at_once(&nodes, 2, |node, number| {
            let (realm, next) = (realm.id.clone(), next.clone());
            async move {
                if number == round % 2 {
                    upkeep::keys(&node.door, &node.ctx()).await.expect("a database");
                    return None;
                }
                Some(node.door.keys.withdraw(&node.door, &node.ctx(), &realm, &next).await.expect("a database").is_ok())
            }
        });
        let is_withdrawn = told.await.into_iter().flatten().any(|yes| yes);
        withdrawn += usize::from(is_withdrawn);
        for node in nodes {
            node.follow().await;
            let signs = node.door.keys.signing(&realm.id, Algorithm::Es256).expect("a key that signs");
            assert_eq!(signs.id() != next, is_withdrawn, "round {round}");
            assert_eq!(!published(node, &realm).contains(next), is_withdrawn, "round {round}");
        }
    }
    println!("withdrawn in time: {withdrawn} of 12");
}

async fn a_change_of_keys_that_could_not_be_read_is_read_the_next_time(ground: Ground) {
    let (a, b) = (ground.deaf_node().await, ground.deaf_node().await);
    let realm = a.realm("main").await;
    b.follow().await;
    let made = a.door.keys.announce_next(&a.door, &a.ctx(), &realm.id, None).await;
    let made = made.expect("a database").unwrap_or_else(|refused| panic!("{refused}"));
    ground.raw("ALTER TABLE signing_keys RENAME TO out_of_reach").await;
    assert!(upkeep::follow(&b.door, &b.ctx()).await.is_err());
    ground.raw("ALTER TABLE out_of_reach RENAME TO signing_keys").await;
    b.follow().await;
    for id in &made {
        assert!(published(&b, &realm).contains(id), "{id} was never heard of again");
    }
}

async fn a_realm_whose_keys_sign_no_more_gets_one_that_does(ground: Ground) {
    let node = ground.deaf_node().await;
    let realm = node.realm("main").await;
    node.follow().await;
    let former = published(&node, &realm);
    assert_eq!(former.len(), 1);
    ground.raw("UPDATE signing_keys SET state = 'retiring'").await;
    let restarted = ground.deaf_node().await;
    let signing = restarted.door.keys.signing(&realm.id, Algorithm::Es256).expect("a key that signs");
    assert!(!former.contains(signing.id()), "the former one signs no more");
    assert!(former.iter().all(|id| published(&restarted, &realm).contains(id)), "what it signed is still good");
    // Told in the order in which readers try them: what signs comes first.
    assert_eq!(published(&restarted, &realm).first(), Some(signing.id()));
}

/// Lives of tokens may have been shortened since they were made, and a node without its database goes on telling who came.
async fn a_key_that_stopped_signing_stays_for_the_longest_that_anything_it_signed_may_live(ground: Ground) {
    const DAY: i64 = 24 * 60 * 60;
    let usual = ground.node_with(|settings| settings.database_grace_seconds = 0).await;
    let patient = ground.node_with(|settings| settings.database_grace_seconds = 7 * DAY).await;
    let stays = |node: &Node| retiring_seconds(&node.door.settings);
    // A client may have given a day to its tokens, and clocks are some seconds apart.
    assert!(stays(&usual) > DAY + 60, "{}", stays(&usual));
    assert!(stays(&patient) > 7 * DAY + IDENTITY_TOKEN_SECONDS + 60, "{}", stays(&patient));
}

on_both!(together:
    a_key_that_was_taken_back_signs_nothing,
    a_key_that_stopped_signing_stays_for_the_longest_that_anything_it_signed_may_live,
    a_key_withdrawn_before_it_takes_over_leaves_the_one_that_signs,
    of_many_hands_that_replace_keys_at_once_those_that_are_told_yes_did,
    a_change_of_keys_that_could_not_be_read_is_read_the_next_time,
    a_realm_whose_keys_sign_no_more_gets_one_that_does,
);
