//! Clients that register themselves, without HTTP: what the tokens for it are worth, and what a change may change.

use std::sync::Arc;

use doorward_engine::clients::{Client, ClientSettings, GrantType};
use doorward_engine::manage::clients;
use doorward_engine::registration::{Policy, Registered, create_token, of_token, register, replace};
use doorward_model::limits::{REGISTRATIONS, SERVICE_TOKEN_SECONDS};
use doorward_model::name::TokenName;
use doorward_model::people::Realm;
use doorward_oauth::error::{ErrorCode, OAuthError};
use doorward_oauth::registration::Metadata;

use crate::fixture::{Ground, Node};
use crate::people::{at_once, everyone, only};

fn policy() -> Policy {
    Policy {
        access: everyone(),
        redirect_hosts: vec!["app.example.com".to_owned()],
        grants: vec![GrantType::AuthorizationCode],
        ..Policy::default()
    }
}

fn metadata(more: &str) -> Metadata {
    let text = format!(r#"{{"redirect_uris":["https://app.example.com/cb"]{more}}}"#);
    Metadata::parse(&text).unwrap_or_else(|error| panic!("{error}"))
}

/// The token, or the sentence why there is none.
async fn token(
    node: &Node,
    realm: &Realm,
    (name, policy, uses, seconds): (&str, &Policy, i64, i64),
) -> Result<String, String> {
    let (door, ctx) = (&node.door, node.ctx());
    let given = (TokenName::parse(name).expect("a name"), policy, uses, seconds);
    let made = node.change(async |tx| create_token(door, &ctx, tx, &realm.id, given).await).await;
    made.map(|(plain, _)| plain.reveal().to_owned()).map_err(|refused| refused.to_string())
}

async fn try_it(node: &Node, realm: &Realm, token: &str) -> Result<Registered, OAuthError> {
    register(&node.door, &node.ctx(), &realm.id, (token, &metadata(""))).await.expect("a database")
}

fn is_unknown(outcome: Result<Registered, OAuthError>) -> bool {
    outcome.err().is_some_and(|error| error.code() == ErrorCode::InvalidToken)
}

async fn a_token_that_is_good_for_nothing_or_for_ever_is_not_made(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let no_grants = Policy { grants: vec![], ..policy() };
    let no_hosts = Policy { redirect_hosts: vec![], ..policy() };
    for (policy, uses, seconds, why) in [
        (policy(), 0, 60, "--uses"),
        (policy(), REGISTRATIONS + 1, 60, "--uses"),
        (policy(), 1, 0, "--expires-in"),
        (policy(), 1, SERVICE_TOKEN_SECONDS + 1, "--expires-in"),
        (no_grants, 1, 60, "--grant"),
        (no_hosts, 1, 60, "--redirect-host"),
    ] {
        let told = token(&node, &realm, ("ci", &policy, uses, seconds)).await.err().unwrap_or_default();
        assert!(told.contains(why), "{why}: {told}");
    }
    assert_eq!(ground.number("SELECT COUNT(*) FROM registration_tokens").await, 0);
    assert!(token(&node, &realm, ("ci", &policy(), REGISTRATIONS, SERVICE_TOKEN_SECONDS)).await.is_ok());
    let told = token(&node, &realm, ("ci", &policy(), 1, 60)).await.err().unwrap_or_default();
    assert!(told.contains("ci"), "a name is taken once: {told}");
    let machines = Policy { grants: vec![GrantType::ClientCredentials], redirect_hosts: vec![], ..policy() };
    assert!(token(&node, &realm, ("machines", &machines, 1, 60)).await.is_ok(), "no browser is sent anywhere");
}

async fn a_token_ends_with_its_time_its_uses_and_its_realm(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let (realm, other) = (a.realm("main").await, a.realm("other").await);
    b.follow().await;
    let three = token(&a, &realm, ("three", &policy(), 3, 3600)).await.unwrap_or_else(|told| panic!("{told}"));
    assert!(is_unknown(try_it(&a, &other, &three).await), "another realm's");
    let nodes = [&a, &b];
    let outcomes = at_once(&nodes, 20, |node, _| {
        let (realm, three) = (realm.clone(), three.clone());
        async move { try_it(&node, &realm, &three).await }
    });
    let mut made = 0;
    for outcome in outcomes.await {
        match outcome {
            Ok(_) => made += 1,
            refused => assert!(is_unknown(refused)),
        }
    }
    assert_eq!((made, ground.number("SELECT COUNT(*) FROM clients").await), (3, 3));
    let short = token(&a, &realm, ("short", &policy(), 3, 3600)).await.unwrap_or_else(|told| panic!("{told}"));
    ground.advance(3599).await;
    assert!(try_it(&a, &realm, &short).await.is_ok());
    ground.advance(1).await;
    assert!(is_unknown(try_it(&a, &realm, &short).await), "its time is over");
    for (what, bent) in [("cut", &short[..short.len() - 1]), ("another kind", &short.replacen("dw", "dv", 1)), ("", "")]
    {
        assert!(is_unknown(try_it(&a, &realm, bent).await), "{what}");
    }
}

async fn a_clients_token_is_its_own_alone(ground: Ground) {
    let node = ground.node().await;
    let (realm, other_realm) = (node.realm("main").await, node.realm("other").await);
    let (mine, own) = registered(&node, &realm).await;
    let first = token(&node, &realm, ("again", &policy(), 5, 3600)).await.unwrap_or_else(|told| panic!("{told}"));
    let other = try_it(&node, &realm, &first).await.unwrap_or_else(|error| panic!("{error}"));
    let others = other.token.as_ref().expect("a token").reveal().to_owned();
    let opens = async |realm: &Realm, client: &Client, text: &str| {
        of_token(&node.door, &realm.id, (client.name.as_str(), text)).await.expect("a database").is_ok()
    };
    assert!(opens(&realm, &mine, &own).await && opens(&realm, &other.client, &others).await);
    assert!(!opens(&realm, &mine, &others).await && !opens(&realm, &other.client, &own).await, "each its own");
    assert!(!opens(&other_realm, &mine, &own).await, "in its own realm");
    assert!(!opens(&realm, &mine, &first).await, "nor the token it was made by");
    // One that did not register itself changes itself by none.
    let given = (doorward_model::name::ClientName::parse("made").expect("a name"), None, mine.settings.clone());
    let ctx = node.ctx();
    let made = node.change(async |tx| clients::create(&node.door, &ctx, tx, &realm.id, given).await).await;
    let (made, _) = made.unwrap_or_else(|refused| panic!("{refused}"));
    assert!(!opens(&realm, &made, &own).await);
}

/// A client that has registered, and its own token.
async fn registered(node: &Arc<Node>, realm: &Realm) -> (Arc<Client>, String) {
    let first = token(node, realm, ("ci", &policy(), 5, 3600)).await.unwrap_or_else(|told| panic!("{told}"));
    let made = try_it(node, realm, &first).await.unwrap_or_else(|error| panic!("{error}"));
    let own = made.token.as_ref().expect("a token").reveal().to_owned();
    (made.client, own)
}

async fn what_an_operator_has_narrowed_a_client_does_not_widen_again(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let group = node.group(&realm, "engineers").await;
    let (client, own) = registered(&node, &realm).await;
    assert!(client.settings.access.everyone, "as its token said");
    let narrow = ClientSettings { access: only(&group), pkce_optional: true, ..client.settings.clone() };
    let narrowed = Client { settings: narrow, ..(*client).clone() };
    let updated = node.change(async |tx| clients::update(tx, &narrowed).await).await;
    assert!(updated.is_ok());
    let found = of_token(&node.door, &realm.id, (client.name.as_str(), &own)).await.expect("a database");
    let (found, kept) = found.unwrap_or_else(|error| panic!("{error}"));
    let wanted = metadata(r#","client_name":"Reports""#);
    let changed = replace(&node.door, &node.ctx(), (&found, &kept), &wanted).await.expect("a database");
    let changed = changed.unwrap_or_else(|error| panic!("{error}")).client;
    assert_eq!(changed.title(), "Reports");
    assert!(changed.settings.access == only(&group) && changed.settings.pkce_optional, "an operator's word stays");
    // What was read is what an operator has changed meanwhile: its word counts, not what is remembered.
    let again = replace(&node.door, &node.ctx(), (&client, &kept), &wanted).await.expect("a database");
    let again = again.unwrap_or_else(|error| panic!("{error}")).client;
    assert!(again.settings.access == only(&group) && again.settings.pkce_optional);
}

async fn what_no_client_may_be_it_cannot_become_either(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let (client, _) = registered(&node, &realm).await;
    let nothing = ClientSettings { grants: vec![], ..client.settings.clone() };
    let bent = Client { settings: nothing, ..(*client).clone() };
    let refused = node.change(async |tx| clients::update(tx, &bent).await).await;
    assert!(refused.err().is_some_and(|refused| refused.to_string().contains("no grant")));
    assert_eq!(ground.number("SELECT COUNT(*) FROM events WHERE kind = 'client_changed'").await, 0);
    assert_eq!(
        crate::requests::at_client(&crate::provider::Provider::of(&node, "main").await, client.name.as_str())
            .await
            .settings,
        client.settings
    );
}

async fn a_client_that_was_disabled_a_moment_ago_changes_nothing(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let (client, own) = registered(&node, &realm).await;
    let name = client.name.as_str();
    let found = of_token(&node.door, &realm.id, (name, &own)).await.expect("a database");
    let (found, kept) = found.unwrap_or_else(|error| panic!("{error}"));
    assert!(of_token(&node.door, &realm.id, (name, "dwx")).await.expect("a database").is_err());
    let disabled = Client { is_active: false, ..(*client).clone() };
    assert!(node.change(async |tx| clients::update(tx, &disabled).await).await.is_ok());
    let refused = replace(&node.door, &node.ctx(), (&found, &kept), &metadata(r#","client_name":"Reports""#)).await;
    assert!(is_unknown(refused.expect("a database")), "it was read before");
    assert!(of_token(&node.door, &realm.id, (name, &own)).await.expect("a database").is_err());
    assert_eq!(ground.number("SELECT COUNT(*) FROM clients WHERE settings LIKE '%Reports%'").await, 0);
}

on_both!(together:
    a_clients_token_is_its_own_alone,
    what_no_client_may_be_it_cannot_become_either,
    a_token_that_is_good_for_nothing_or_for_ever_is_not_made,
    a_token_ends_with_its_time_its_uses_and_its_realm,
    what_an_operator_has_narrowed_a_client_does_not_widen_again,
    a_client_that_was_disabled_a_moment_ago_changes_nothing,
);
