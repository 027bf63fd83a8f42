//! Tokens people make for their own programs: for tools that are open to them, few, for a while, and gone everywhere
//! when they are revoked.

use std::sync::Arc;
use std::time::Duration;

use doorward_engine::gate::check::Credential;
use doorward_engine::manage::personal_tokens::{create, list, revoke};
use doorward_model::app::{Access, App};
use doorward_model::id::AppId;
use doorward_model::limits::{PERSONAL_TOKEN_SECONDS, PERSONAL_TOKENS};
use doorward_model::name::TokenName;
use doorward_model::people::{Group, User};
use doorward_model::secret::PlainToken;

use crate::fixture::{Ground, Node, wait_for};
use crate::people::{everyone, only};

const DAGSTER: &str = "dagster.example.com";

/// The token, or the sentence why there is none.
async fn make(
    node: &Node,
    (user, groups): (&User, &[Group]),
    (name, apps, seconds): (&str, &[&AppId], i64),
) -> Result<PlainToken, String> {
    let name = TokenName::parse(name).expect("a name");
    let apps = apps.iter().map(|id| (*id).clone()).collect();
    let made = create(&node.door, &node.ctx(), (user, groups, None), (name, apps, seconds)).await;
    made.expect("a database").map_err(|refused| refused.to_string())
}

async fn passes(node: &Node, at: &str, token: &PlainToken) -> bool {
    node.check(at, Credential::Service(token.hash())).await.passes()
}

async fn a_token_that_would_open_too_much_or_nothing_is_not_made(ground: Ground) {
    let (a, b) = (ground.node().await, ground.deaf_node().await);
    let realm = a.realm("main").await;
    let (alice, group) = (a.user(&realm, "alice").await, a.group(&realm, "engineers").await);
    let open = a.app(&realm, DAGSTER, everyone()).await;
    let inner = a.app(&realm, "inner.example.com", only(&group)).await;
    let closed = a.app(&realm, "closed.example.com", Access::default()).await;
    let other_realm = a.realm("other").await;
    let elsewhere = a.app(&other_realm, "elsewhere.example.com", everyone()).await;
    b.follow().await;
    let gone = AppId::draw(&*a.door.dice);
    let nobody = |apps: &[&App]| apps.iter().map(|app| app.id.clone()).collect::<Vec<_>>();
    for (apps, seconds, why) in [
        (vec![], 3600, "at least one tool"),
        (nobody(&[&open]), 0, "may live 1 to 366 days"),
        (nobody(&[&open]), -1, "may live"),
        (nobody(&[&open]), PERSONAL_TOKEN_SECONDS + 1, "may live"),
        (nobody(&[&inner]), 3600, "open to you"),
        (nobody(&[&open, &inner]), 3600, "open to you"),
        (nobody(&[&closed]), 3600, "open to you"),
        (nobody(&[&elsewhere]), 3600, "open to you"),
        (vec![gone], 3600, "open to you"),
    ] {
        let apps: Vec<&AppId> = apps.iter().collect();
        let told = make(&a, (&alice, &[]), ("laptop", &apps, seconds)).await.err().unwrap_or_default();
        assert!(told.contains(why), "{why}: {told}");
    }
    assert_eq!(ground.number("SELECT COUNT(*) FROM personal_tokens").await, 0);
    let groups = [group];
    let both = make(&a, (&alice, &groups), ("laptop", &[&open.id, &inner.id], PERSONAL_TOKEN_SECONDS)).await;
    let both = both.unwrap_or_else(|told| panic!("{told}"));
    // What was true when it was made does not count: she is in no group.
    assert!(passes(&b, DAGSTER, &both).await && !passes(&b, "inner.example.com", &both).await);
    assert!(!passes(&b, "closed.example.com", &both).await, "nor anywhere it was not made for");
}

async fn a_person_has_so_many_tokens_each_under_its_own_name(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let (alice, bob) = (node.user(&realm, "alice").await, node.user(&realm, "bob").await);
    let app = node.app(&realm, DAGSTER, everyone()).await;
    for number in 0..PERSONAL_TOKENS {
        let made = make(&node, (&alice, &[]), (&format!("t{number}"), &[&app.id], 3600)).await;
        assert!(made.is_ok(), "{number}: {made:?}", made = made.err());
        if number == 0 {
            let again = make(&node, (&alice, &[]), ("t0", &[&app.id], 3600)).await.err().unwrap_or_default();
            assert!(again.contains("named t0 already"), "{again}");
        }
    }
    let told = make(&node, (&alice, &[]), ("more", &[&app.id], 3600)).await.err().unwrap_or_default();
    assert!(told.contains("revoke one first"), "{told}");
    assert!(make(&node, (&bob, &[]), ("t0", &[&app.id], 3600)).await.is_ok(), "another person's are counted apart");
    let all = list(&node.door, &alice).await.expect("a database");
    assert_eq!(i64::try_from(all.len()).expect("few"), PERSONAL_TOKENS);
    assert_eq!(
        ground.number("SELECT COUNT(*) FROM events WHERE kind = 'personal_token_created'").await,
        PERSONAL_TOKENS + 1
    );
}

async fn a_revoked_token_opens_nothing_on_any_node_and_only_its_owner_revokes_it(ground: Ground) {
    let (a, b): (Arc<Node>, Arc<Node>) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let (alice, bob) = (a.user(&realm, "alice").await, a.user(&realm, "bob").await);
    let app = a.app(&realm, DAGSTER, everyone()).await;
    b.follow().await;
    let token = make(&a, (&alice, &[]), ("laptop", &[&app.id], 3600)).await.unwrap_or_else(|told| panic!("{told}"));
    for node in [&a, &b] {
        assert!(passes(node, DAGSTER, &token).await && passes(node, DAGSTER, &token).await);
    }
    let all = list(&a.door, &alice).await.expect("a database");
    let [kept] = all.as_slice() else { panic!("{} tokens", all.len()) };
    assert!(!revoke(&a.door, &a.ctx(), &bob, &kept.id).await.expect("a database"), "it is not bob's");
    assert!(passes(&a, DAGSTER, &token).await && passes(&b, DAGSTER, &token).await);
    assert!(revoke(&a.door, &a.ctx(), &alice, &kept.id).await.expect("a database"));
    assert!(!passes(&a, DAGSTER, &token).await, "the same node");
    assert!(wait_for(Duration::from_secs(5), async || !passes(&b, DAGSTER, &token).await).await.is_some());
    assert!(!revoke(&a.door, &a.ctx(), &alice, &kept.id).await.expect("a database"), "once");
}

async fn a_token_ends_with_its_time(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.user(&realm, "alice").await;
    let app = node.app(&realm, DAGSTER, everyone()).await;
    let token = make(&node, (&alice, &[]), ("laptop", &[&app.id], 60)).await.unwrap_or_else(|told| panic!("{told}"));
    ground.advance(59).await;
    assert!(passes(&node, DAGSTER, &token).await);
    ground.advance(1).await;
    assert!(!passes(&node, DAGSTER, &token).await, "from memory");
    assert!(!passes(&*ground.node().await, DAGSTER, &token).await, "and for a node that has not seen it before");
}

on_both!(together:
    a_token_that_would_open_too_much_or_nothing_is_not_made,
    a_person_has_so_many_tokens_each_under_its_own_name,
    a_revoked_token_opens_nothing_on_any_node_and_only_its_owner_revokes_it,
    a_token_ends_with_its_time,
);
