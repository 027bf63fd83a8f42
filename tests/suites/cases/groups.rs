//! Groups inside groups, and who says that somebody is in one.

use doorward_engine::manage::groups;
use doorward_model::people::{Group, Source, User};
use doorward_store::groups as stored;

use crate::fixture::{Ground, Node};
use crate::people::{at_once, only};

const DAGSTER: &str = "dagster.example.com";

async fn names(node: &Node, user: &User) -> Vec<String> {
    let groups = stored::of_user(&mut &node.door.store, &user.id).await.expect("groups");
    groups.into_iter().map(|group| group.name.to_string()).collect()
}

async fn membership_counts_through_three_levels(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.user(&realm, "alice").await;
    let mut levels: Vec<Group> = Vec::new();
    for name in ["inner", "middle", "outer", "outermost"] {
        levels.push(node.group(&realm, name).await);
    }
    let [inner, middle, outer, outermost] = levels.as_slice() else { panic!("four groups") };
    node.join(inner, &alice).await;
    for (parent, child) in [(middle, inner), (outer, middle), (outermost, outer)] {
        assert_eq!(node.nest(parent, child).await, Ok(true));
        assert_eq!(node.nest(parent, child).await, Ok(false), "said twice");
    }
    assert_eq!(names(&node, &alice).await, ["inner", "middle", "outer", "outermost"]);
    let app = node.app(&realm, DAGSTER, only(outermost)).await;
    let pass = node.enter(&node.session(&alice).await, &app).await;
    assert!(node.check_pass(DAGSTER, &pass).await.passes());
    assert!(node.change(async |tx| groups::unnest(tx, outer, middle, &Source::Local).await).await);
    assert!(!node.check_pass(DAGSTER, &pass).await.passes());
    assert_eq!(names(&node, &alice).await, ["inner", "middle"]);
}

async fn a_group_never_gets_inside_itself(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let mut chain: Vec<Group> = Vec::new();
    for number in 0..12 {
        chain.push(node.group(&realm, &format!("level{number}")).await);
    }
    for pair in chain.windows(2) {
        let [outer, inner] = pair else { panic!("a pair") };
        assert_eq!(node.nest(outer, inner).await, Ok(true));
    }
    let (Some(top), Some(second), Some(bottom)) = (chain.first(), chain.get(1), chain.last()) else {
        panic!("a chain")
    };
    for (parent, child) in [(top, top), (second, top), (bottom, top), (bottom, second)] {
        let sentence = node.nest(parent, child).await.expect_err("a cycle");
        assert!(sentence.contains(child.name.as_str()) && sentence.contains("contain itself"), "{sentence}");
    }
    assert_eq!(ground.number("SELECT COUNT(*) FROM nestings").await, 11);
    // A second way to the same group is no cycle.
    assert_eq!(node.nest(top, bottom).await, Ok(true));
}

async fn groups_of_two_realms_are_never_nested(ground: Ground) {
    let node = ground.node().await;
    let (main, other) = (node.realm("main").await, node.realm("other").await);
    let (ours, theirs) = (node.group(&main, "engineers").await, node.group(&other, "engineers").await);
    assert!(node.nest(&ours, &theirs).await.is_err_and(|sentence| sentence.contains("realms")));
    assert!(node.nest(&theirs, &ours).await.is_err());
    assert_eq!(ground.number("SELECT COUNT(*) FROM nestings").await, 0);
}

async fn nestings_made_at_once_never_close_a_cycle_together(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    for round in 0..15 {
        let mut ring: Vec<Group> = Vec::new();
        for number in 0..3 {
            ring.push(a.group(&realm, &format!("round{round} group{number}")).await);
        }
        // Each fits alone; all three together are a ring.
        let outcomes = at_once(&[&a, &b], 3, |node, number| {
            let parent = ring.get(number).cloned().expect("a group");
            let child = ring.get((number + 1) % 3).cloned().expect("a group");
            async move {
                let mut tx = node.door.begin().await.expect("a transaction begins");
                let outcome = groups::nest(&mut tx, &parent, &child, &Source::Local).await.expect("an outcome");
                node.door.commit(&node.ctx(), tx).await.expect("committed");
                outcome.is_ok()
            }
        })
        .await;
        assert_eq!(outcomes.iter().filter(|done| **done).count(), 2, "round {round}: {outcomes:?}");
    }
}

async fn what_two_sources_say_is_kept_apart(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.user(&realm, "alice").await;
    let (group, outer) = (node.group(&realm, "engineers").await, node.group(&realm, "staff").await);
    for source in [Source::Local, Source::Declared] {
        assert!(node.change(async |tx| groups::add_member(tx, &group, &alice, &source).await).await);
        assert!(!node.change(async |tx| groups::add_member(tx, &group, &alice, &source).await).await);
        let nested = node.change(async |tx| groups::nest(tx, &outer, &group, &source).await).await;
        assert_eq!(nested.map_err(|refused| refused.to_string()), Ok(true));
    }
    assert_eq!(ground.number("SELECT COUNT(*) FROM memberships").await, 2);
    assert!(node.change(async |tx| groups::remove_member(tx, &group, &alice, &Source::Declared).await).await);
    assert!(node.change(async |tx| groups::unnest(tx, &outer, &group, &Source::Local).await).await);
    assert_eq!(names(&node, &alice).await, ["engineers", "staff"]);
    assert!(!node.change(async |tx| groups::remove_member(tx, &group, &alice, &Source::Declared).await).await);
    assert!(node.change(async |tx| groups::remove_member(tx, &group, &alice, &Source::Local).await).await);
    assert!(names(&node, &alice).await.is_empty());
}

on_both!(together:
    membership_counts_through_three_levels,
    a_group_never_gets_inside_itself,
    groups_of_two_realms_are_never_nested,
    nestings_made_at_once_never_close_a_cycle_together,
    what_two_sources_say_is_kept_apart,
);
