//! Passwords that count only for those who are kept for emergencies, and the record of their use.

use std::sync::Arc;

use doorward_engine::clients::{ClientSettings, GrantType, PasswordSignIn, RealmSettings};
use doorward_engine::manage::{profiles, realms, users};
use doorward_engine::token::Profile;
use doorward_engine::token::password::{Ask, No, password};
use doorward_model::people::{Realm, User};
use doorward_oauth::scope::Scopes;

use crate::fixture::{Ground, Node};
use crate::people::{Form, PASSWORD, WRONG};
use crate::provider::{Provider, everyone};

struct Scene {
    node: Arc<Node>,
    realm: Realm,
    alice: User,
    ops: User,
}

impl Scene {
    /// With `ops` kept for emergencies.
    async fn on(ground: &Ground) -> Scene {
        let node = ground.node().await;
        let realm = node.realm("main").await;
        let (alice, ops) = (node.user(&realm, "alice").await, node.user(&realm, "ops").await);
        let scene = Scene { node, realm, alice, ops };
        scene.keep(&scene.ops, true).await;
        scene
    }

    async fn keep(&self, user: &User, break_glass: bool) {
        let profile = Profile { break_glass, ..Profile::default() };
        let written = self.node.change(async |tx| profiles::write(tx, user, &profile).await).await;
        written.unwrap_or_else(|refused| panic!("{refused}"));
    }

    async fn rule(&self, password_sign_in: PasswordSignIn) {
        let settings = RealmSettings { password_sign_in, ..RealmSettings::default() };
        let set = self.node.change(async |tx| realms::set_settings(tx, &self.realm, &settings).await).await;
        set.unwrap_or_else(|refused| panic!("{refused}"));
    }

    async fn try_as(&self, name: &str, password: &str) -> &'static str {
        self.node.try_from("192.0.2.9", &self.realm, &Form::new(name, password)).await
    }
}

async fn uses(ground: &Ground) -> i64 {
    ground.number("SELECT COUNT(*) FROM events WHERE kind = 'break_glass_used'").await
}

async fn where_passwords_are_for_emergencies_everybody_elses_are_as_wrong_ones(ground: Ground) {
    let scene = Scene::on(&ground).await;
    assert_eq!(scene.try_as("alice", PASSWORD).await, "opened");
    scene.rule(PasswordSignIn::BreakGlass).await;
    for (name, password, outcome) in
        [("alice", PASSWORD, "wrong"), ("alice", WRONG, "wrong"), ("ops", WRONG, "wrong"), ("ops", PASSWORD, "opened")]
    {
        assert_eq!(scene.try_as(name, password).await, outcome, "{name}");
    }
    // Not even a disabled account is told apart.
    assert!(scene.node.change(async |tx| users::disable(tx, &scene.alice).await).await);
    assert_eq!(scene.try_as("alice", PASSWORD).await, "wrong");
    assert!(scene.node.change(async |tx| users::enable(tx, &scene.alice).await).await);
    scene.keep(&scene.alice, true).await;
    assert_eq!(scene.try_as("alice", PASSWORD).await, "opened");
    scene.rule(PasswordSignIn::Everyone).await;
    scene.keep(&scene.alice, false).await;
    assert_eq!(scene.try_as("alice", PASSWORD).await, "opened");
}

async fn every_use_of_a_password_kept_for_emergencies_is_recorded(ground: Ground) {
    let scene = Scene::on(&ground).await;
    assert_eq!(scene.try_as("alice", PASSWORD).await, "opened");
    assert_eq!(scene.try_as("ops", WRONG).await, "wrong");
    assert_eq!(uses(&ground).await, 0);
    assert_eq!(scene.try_as("ops", PASSWORD).await, "opened");
    assert_eq!(uses(&ground).await, 1);
    scene.rule(PasswordSignIn::BreakGlass).await;
    assert_eq!(scene.try_as("ops", PASSWORD).await, "opened");
    assert_eq!(uses(&ground).await, 2);
}

async fn a_client_that_sends_passwords_is_under_the_same_rule(ground: Ground) {
    let scene = Scene::on(&ground).await;
    let provider = Provider::on(&scene.node).await;
    let sending = ClientSettings { grants: vec![GrantType::Password], access: everyone(), ..ClientSettings::default() };
    let client = provider.client("floe", sending).await;
    scene.rule(PasswordSignIn::BreakGlass).await;
    for (login, is_in) in [("alice", false), ("ops", true)] {
        let ask = Ask { login, password: crate::people::password(PASSWORD), scopes: Scopes::default(), key: None };
        let (door, ctx) = (&scene.node.door, scene.node.ctx());
        let outcome = password(door, &ctx, (&scene.realm, &client), ask).await.expect("a database");
        match outcome {
            Ok(_) => assert!(is_in, "{login}"),
            Err(No::Wrong) => assert!(!is_in, "{login}"),
            Err(_) => panic!("{login}: refused in other words"),
        }
    }
    assert_eq!(uses(&ground).await, 1);
}

on_both!(together:
    where_passwords_are_for_emergencies_everybody_elses_are_as_wrong_ones,
    every_use_of_a_password_kept_for_emergencies_is_recorded,
    a_client_that_sends_passwords_is_under_the_same_rule,
);
