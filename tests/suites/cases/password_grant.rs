//! A client that sends a person's password: the same counters, the same rule and the same end as at the page.

use doorward_engine::clients::{Client, ClientSettings, ConsentMode, GrantType};
use doorward_engine::manage::users;
use doorward_engine::sessions;
use doorward_engine::token::Tokens;
use doorward_engine::token::password::{Ask, No, password};
use doorward_model::app::Access;
use doorward_oauth::error::ErrorCode;
use doorward_oauth::scope::Scopes;

use crate::fixture::Ground;
use crate::people::{PASSWORD, WRONG, only};
use crate::provider::{Provider, everyone, refresh_of};

pub fn sending(access: Access) -> ClientSettings {
    ClientSettings { grants: vec![GrantType::Password, GrantType::RefreshToken], access, ..ClientSettings::default() }
}

impl Provider {
    async fn send_password(&self, client: &Client, login: &str, text: &str, scopes: &str) -> Result<Tokens, String> {
        let scopes = Scopes::parse(scopes).expect("scopes");
        let ask = Ask { login, password: crate::people::password(text), scopes, key: None };
        let outcome = password(&self.node.door, &self.node.ctx(), (&self.realm, client), ask).await;
        outcome.expect("a database").map_err(|no| match no {
            No::Wrong => "wrong".to_owned(),
            No::Busy => "busy".to_owned(),
            No::Refused(error) => error.code().to_string(),
        })
    }
}

async fn gauntlet_b3_14_a_password_sent_by_a_client_is_counted_as_one_typed(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    node.user(&realm, "alice").await;
    let provider = Provider::on(&node).await;
    let client = provider.client("floe", sending(everyone())).await;
    for number in 0..5 {
        let outcome = provider.send_password(&client, "alice", WRONG, "openid").await;
        assert_eq!(outcome.err().as_deref(), Some("wrong"), "{number}");
    }
    let outcome = provider.send_password(&client, "alice", PASSWORD, "openid").await;
    assert_eq!(outcome.err().as_deref(), Some("invalid_grant"), "locked, though the password is right");
    assert_eq!(provider.send_password(&client, "nobody", WRONG, "").await.err().as_deref(), Some("wrong"));
    ground.advance(301).await;
    assert!(provider.send_password(&client, "alice", PASSWORD, "openid").await.is_ok());
}

async fn gauntlet_b3_14_a_password_opens_a_session_that_can_be_seen_and_ended(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.user(&realm, "alice").await;
    let provider = Provider::on(&node).await;
    let client = provider.client("floe", sending(everyone())).await;
    let tokens = provider.send_password(&client, "alice", PASSWORD, "openid").await;
    let tokens = tokens.unwrap_or_else(|error| panic!("{error}"));
    assert!(tokens.id.is_some() && provider.is_good(&tokens.access).await);
    let listed = sessions::list(&node.door, &node.ctx(), &alice.id).await.expect("a database");
    let [session] = listed.as_slice() else { panic!("{} sessions", listed.len()) };
    assert_eq!((session.user_agent.as_str(), Some(&session.id)), ("password grant of floe", tokens.session.as_ref()));
    assert_eq!(ground.number("SELECT COUNT(*) FROM devices").await, 0, "no browser is known by it");
    let Ok(next) = provider.refresh(&client, &refresh_of(&tokens)).await else { panic!("it is good") };
    assert!(
        sessions::end_own(&node.door, &node.ctx(), (&alice.id, &session.id), "signed out").await.expect("a database")
    );
    assert!(!provider.is_good(&tokens.access).await && !provider.is_good(&next.access).await);
    assert!(provider.refresh(&client, &refresh_of(&next)).await.is_err());
}

async fn gauntlet_b3_14_and_b3_12_who_may_not_enter_gets_nothing_and_leaves_nothing(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let provider = Provider::on(&node).await;
    let group = node.group(&realm, "floe-users").await;
    let alice = node.user(&realm, "alice").await;
    node.user(&realm, "bob").await;
    node.join(&group, &alice).await;
    let client = provider.client("floe", sending(only(&group))).await;
    let explicit = ClientSettings { consent: ConsentMode::Explicit, ..sending(everyone()) };
    let asking = provider.client("notes", explicit).await;
    let code = ErrorCode::InvalidGrant.as_str();
    let refused = async |client: &Client, name: &str, scopes: &str| {
        provider.send_password(client, name, PASSWORD, scopes).await.err()
    };
    assert_eq!(refused(&client, "bob", "openid").await.as_deref(), Some(code), "not in the group");
    assert_eq!(refused(&asking, "bob", "openid").await.as_deref(), Some(code), "nobody has agreed");
    for wide in ["catalog:read", "openid admin"] {
        assert_eq!(refused(&client, "alice", wide).await.as_deref(), Some("invalid_scope"), "{wide}");
    }
    assert!(node.change(async |tx| users::disable(tx, &alice).await).await);
    assert_eq!(refused(&client, "alice", "openid").await.as_deref(), Some(code), "disabled");
    assert_eq!(ground.number("SELECT COUNT(*) FROM sessions").await, 0);
    assert_eq!(ground.number("SELECT COUNT(*) FROM families").await, 0);
    assert_eq!(ground.number("SELECT COUNT(*) FROM devices").await, 0);
}

async fn a_temporary_password_gets_no_token_and_leaves_nothing(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.user(&realm, "alice").await;
    let provider = Provider::on(&node).await;
    let client = provider.client("floe", sending(everyone())).await;
    assert!(node.change(async |tx| users::require_new_password(tx, &alice, true).await).await);
    assert_eq!(provider.send_password(&client, "alice", WRONG, "openid").await.err().as_deref(), Some("wrong"));
    let refused = provider.send_password(&client, "alice", PASSWORD, "openid").await.err();
    assert_eq!(refused.as_deref(), Some("invalid_grant"));
    for table in ["sessions", "families", "devices"] {
        assert_eq!(ground.number(&format!("SELECT COUNT(*) FROM {table}")).await, 0, "{table}");
    }
    assert!(node.change(async |tx| users::require_new_password(tx, &alice, false).await).await);
    assert!(provider.send_password(&client, "alice", PASSWORD, "openid").await.is_ok());
}

on_both!(together:
    a_temporary_password_gets_no_token_and_leaves_nothing,
    gauntlet_b3_14_a_password_sent_by_a_client_is_counted_as_one_typed,
    gauntlet_b3_14_a_password_opens_a_session_that_can_be_seen_and_ended,
    gauntlet_b3_14_and_b3_12_who_may_not_enter_gets_nothing_and_leaves_nothing,
);
