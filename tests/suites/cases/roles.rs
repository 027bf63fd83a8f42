//! Roles: who has which, by user, group, nesting and other roles, and what tokens say of it.

use doorward_engine::clients::{Client, ClientSettings, GrantType};
use doorward_engine::manage;
use doorward_engine::manage::roles::{NewRole, create, delete, give, take};
use doorward_engine::token::check::{check, signed};
use doorward_engine::token::client_credentials::client_credentials;
use doorward_model::name::RoleName;
use doorward_model::people::{Holder, Realm, Role, Source};
use doorward_oauth::scope::Scopes;
use serde_json::{Map, Value, json};
use std::sync::Arc;

use crate::fixture::{Ground, Node};
use crate::people::at_once;
use crate::provider::{Provider, everyone, refresh_of, settings};

impl Node {
    pub async fn role(&self, realm: &Realm, client: Option<&Client>, name: &str) -> Role {
        let name = RoleName::parse(name).expect("a role name");
        let new = NewRole { client: client.map(|client| client.id.clone()), name, description: String::new() };
        let made = self.change(async |tx| create(&self.door, tx, &realm.id, new).await).await;
        made.unwrap_or_else(|refused| panic!("{refused}"))
    }

    pub async fn give(&self, role: &Role, holder: Holder) -> Result<bool, String> {
        let given = self.change(async |tx| give(tx, role, &holder, &Source::Local).await).await;
        given.map_err(|refused| refused.to_string())
    }

    pub async fn take(&self, role: &Role, holder: Holder) -> bool {
        self.change(async |tx| take(tx, role, &holder, &Source::Local).await).await
    }
}

/// What a token claims about roles: the realm's, and the clients'.
async fn told(provider: &Provider, access: &str) -> (Value, Value) {
    let node = &provider.node;
    let good = check(&node.door, &node.ctx(), &provider.realm, access).await.expect("a database");
    let claims = good.expect("a good token").claims.into_map();
    let of = |name: &str| claims.get(name).cloned().unwrap_or(Value::Null);
    (of("realm_access"), of("resource_access"))
}

async fn roles_come_by_user_group_nesting_and_other_roles_and_go_at_once_on_every_node(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let alice = a.user(&realm, "alice").await;
    let session = a.session(&alice).await;
    let (inner, outer) = (a.group(&realm, "analysts").await, a.group(&realm, "data").await);
    a.join(&inner, &alice).await;
    assert_eq!(a.nest(&outer, &inner).await, Ok(true));
    let (at_a, at_b) = (Provider::on(&a).await, Provider::on(&b).await);
    let grafana = at_a.client("grafana", settings(everyone())).await;
    b.follow().await;
    let viewer = a.role(&realm, None, "viewer").await;
    let admin = a.role(&realm, None, "PRINCIPAL_ROLE:ALL").await;
    let editor = a.role(&realm, Some(&grafana), "editor").await;
    let unused = a.role(&realm, Some(&grafana), "viewer").await;
    assert_eq!(a.give(&viewer, Holder::User(alice.id.clone())).await, Ok(true));
    assert_eq!(a.give(&viewer, Holder::User(alice.id.clone())).await, Ok(false), "said twice");
    assert_eq!(a.give(&admin, Holder::Group(outer.id.clone())).await, Ok(true));
    assert_eq!(a.give(&editor, Holder::Role(admin.id.clone())).await, Ok(true));
    let code = at_a.code(&grafana, &session, "").await;
    let first = at_a.exchange(&grafana, &code).await.unwrap_or_else(|error| panic!("{error}"));
    let all = json!({"roles": ["PRINCIPAL_ROLE:ALL", "viewer"]});
    assert_eq!(told(&at_b, &first.access).await, (all, json!({"grafana": {"roles": ["editor"]}})));
    // Neither the ID token nor anything told elsewhere has them.
    let id = first.id.as_deref().expect("an ID token");
    let id: Map<String, Value> = signed(&a.door, &realm, id, "ID").expect("our token").into_map();
    assert!(id.contains_key("preferred_username"), "{id:?}");
    assert!(!id.contains_key("realm_access") && !id.contains_key("resource_access"), "{id:?}");
    assert!(a.take(&viewer, Holder::User(alice.id.clone())).await);
    assert!(!a.take(&viewer, Holder::User(alice.id.clone())).await);
    let second = at_b.refresh(&grafana, &refresh_of(&first)).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(told(&at_a, &second.access).await.0, json!({"roles": ["PRINCIPAL_ROLE:ALL"]}));
    assert!(a.take(&admin, Holder::Group(outer.id.clone())).await);
    let third = at_b.refresh(&grafana, &refresh_of(&second)).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(told(&at_b, &third.access).await, (Value::Null, Value::Null));
    assert_eq!(a.give(&unused, Holder::User(alice.id.clone())).await, Ok(true));
    a.change(async |tx| delete(tx, &unused).await).await;
    let fourth = at_b.refresh(&grafana, &refresh_of(&third)).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(told(&at_b, &fourth.access).await, (Value::Null, Value::Null));
}

async fn a_client_that_speaks_for_itself_tells_its_own_roles(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let provider = Provider::on(&node).await;
    let service = ClientSettings { grants: vec![GrantType::ClientCredentials], ..ClientSettings::default() };
    let (robot, polaris) = (provider.client("robot", service.clone()).await, provider.client("polaris", service).await);
    let (whole, part) =
        (node.role(&realm, None, "catalog-admin").await, node.role(&realm, Some(&polaris), "write").await);
    assert_eq!(node.give(&part, Holder::Role(whole.id.clone())).await, Ok(true));
    assert_eq!(node.give(&whole, Holder::Client(robot.id.clone())).await, Ok(true));
    let mut tokens = Vec::new();
    for client in [&robot, &polaris] {
        let given =
            client_credentials(&node.door, &node.ctx(), "main", &client.clone().into(), (Scopes::default(), None))
                .await;
        tokens.push(given.expect("a database").unwrap_or_else(|error| panic!("{error}")).access);
    }
    let [of_robot, of_polaris] = tokens.as_slice() else { panic!("two tokens") };
    let expected = (json!({"roles": ["catalog-admin"]}), json!({"polaris": {"roles": ["write"]}}));
    assert_eq!(told(&provider, of_robot).await, expected);
    assert_eq!(told(&provider, of_polaris).await, (Value::Null, Value::Null));
}

async fn a_client_tells_the_roles_it_has_now_however_it_came_by_them_and_lost_them(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let (at_a, at_b) = (Provider::on(&a).await, Provider::on(&b).await);
    let service = ClientSettings { grants: vec![GrantType::ClientCredentials], ..ClientSettings::default() };
    let (robot, polaris) = (at_a.client("robot", service.clone()).await, at_a.client("polaris", service).await);
    // The same one in memory, for which what its tokens say is worked out once.
    let robot = Arc::new(robot);
    let write = a.role(&realm, Some(&polaris), "write").await;
    let (whole, other) = (a.role(&realm, None, "catalog-admin").await, a.role(&realm, None, "auditor").await);
    let robot_itself = || Holder::Client(robot.id.clone());
    // On the node of the change at once; on the other one as soon as it has heard.
    let told_now = async || {
        b.follow().await;
        let mut answers = Vec::new();
        for provider in [&at_a, &at_b] {
            let node = &provider.node;
            let given = client_credentials(&node.door, &node.ctx(), "main", &robot, (Scopes::default(), None)).await;
            answers.push(told(provider, &given.expect("a database").expect("a token").access).await);
        }
        let second = answers.pop().expect("two answers");
        assert_eq!(answers.pop(), Some(second.clone()), "both nodes say the same");
        second
    };
    let realms_own = |names: &[&str]| json!({ "roles": names });
    let of_polaris = json!({"polaris": {"roles": ["write"]}});
    assert_eq!(told_now().await, (Value::Null, Value::Null));
    assert_eq!(a.give(&whole, robot_itself()).await, Ok(true));
    assert_eq!(a.give(&other, robot_itself()).await, Ok(true));
    assert_eq!(told_now().await, (realms_own(&["auditor", "catalog-admin"]), Value::Null));
    assert_eq!(a.give(&write, Holder::Role(whole.id.clone())).await, Ok(true));
    assert_eq!(told_now().await, (realms_own(&["auditor", "catalog-admin"]), of_polaris.clone()));
    assert!(a.take(&write, Holder::Role(whole.id.clone())).await);
    assert_eq!(told_now().await, (realms_own(&["auditor", "catalog-admin"]), Value::Null));
    a.change(async |tx| delete(tx, &other).await).await;
    assert_eq!(told_now().await, (realms_own(&["catalog-admin"]), Value::Null));
    assert!(a.take(&whole, robot_itself()).await);
    assert_eq!(told_now().await, (Value::Null, Value::Null));
    assert_eq!(a.give(&write, robot_itself()).await, Ok(true));
    assert_eq!(told_now().await, (Value::Null, of_polaris));
    // A client takes its roles with it.
    a.change(async |tx| manage::clients::delete(tx, &polaris).await).await;
    assert_eq!(told_now().await, (Value::Null, Value::Null));
}

async fn a_role_never_gets_inside_itself(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let mut chain = Vec::new();
    for number in 0..6 {
        chain.push(a.role(&realm, None, &format!("level{number}")).await);
    }
    for pair in chain.windows(2) {
        let [whole, part] = pair else { panic!("a pair") };
        assert_eq!(a.give(part, Holder::Role(whole.id.clone())).await, Ok(true));
    }
    let (Some(top), Some(bottom)) = (chain.first(), chain.last()) else { panic!("a chain") };
    for (part, whole) in [(top, top), (top, bottom)] {
        let sentence = a.give(part, Holder::Role(whole.id.clone())).await.expect_err("a circle");
        assert!(sentence.contains("contain itself"), "{sentence}");
    }
    for round in 0..10 {
        let mut ring = Vec::new();
        for number in 0..3 {
            ring.push(a.role(&realm, None, &format!("round{round} role{number}")).await);
        }
        // Each fits alone; all three together are a ring.
        let outcomes = at_once(&[&a, &b], 3, |node, number| {
            let part = ring.get(number).cloned().expect("a role");
            let whole = ring.get((number + 1) % 3).cloned().expect("a role");
            async move { node.give(&part, Holder::Role(whole.id)).await.is_ok() }
        })
        .await;
        assert_eq!(outcomes.iter().filter(|done| **done).count(), 2, "round {round}: {outcomes:?}");
    }
}

async fn realms_and_sources_keep_their_roles_apart(ground: Ground) {
    let node = ground.node().await;
    let (main, other) = (node.realm("main").await, node.realm("other").await);
    let (ours, theirs) = (node.user(&main, "alice").await, node.user(&other, "alice").await);
    let (group, foreign) = (node.role(&main, None, "viewer").await, node.role(&other, None, "viewer").await);
    let wrong = [Holder::User(theirs.id.clone()), Holder::Role(foreign.id.clone())];
    for holder in wrong {
        let sentence = node.give(&group, holder).await.expect_err("another realm's");
        assert!(sentence.contains("another realm"), "{sentence}");
    }
    let alice = Holder::User(ours.id.clone());
    for source in [Source::Local, Source::Declared] {
        let given = node.change(async |tx| give(tx, &group, &alice, &source).await).await;
        assert_eq!(given.map_err(|refused| refused.to_string()), Ok(true));
    }
    assert!(node.take(&group, alice.clone()).await);
    assert_eq!(ground.texts("SELECT source FROM role_users").await, ["declared"]);
    assert!(!node.take(&group, alice).await, "a source takes back its own word only");
    // One name, three roles: the realm's, and one of each client that has it.
    let provider = Provider::on(&node).await;
    let (one, two) =
        (provider.client("one", settings(everyone())).await, provider.client("two", settings(everyone())).await);
    node.role(&main, Some(&one), "viewer").await;
    node.role(&main, Some(&two), "viewer").await;
    let name = RoleName::parse("viewer").expect("a role name");
    for client in [None, Some(one.id)] {
        let new = NewRole { client, name: name.clone(), description: String::new() };
        let refused = node.change(async |tx| create(&node.door, tx, &main.id, new).await).await;
        assert!(refused.is_err_and(|refused| refused.to_string().contains("already a role named viewer")));
    }
}

on_both!(together:
    roles_come_by_user_group_nesting_and_other_roles_and_go_at_once_on_every_node,
    a_client_that_speaks_for_itself_tells_its_own_roles,
    a_client_tells_the_roles_it_has_now_however_it_came_by_them_and_lost_them,
    a_role_never_gets_inside_itself,
    realms_and_sources_keep_their_roles_apart,
);
