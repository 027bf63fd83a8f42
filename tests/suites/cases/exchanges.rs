//! Tokens exchanged for narrower ones: for whom, how far, how long, and that they end with what they came from.

use doorward_engine::clients::mapper::Mapper;
use doorward_engine::clients::{Client, ClientSettings, GrantType};
use doorward_engine::manage::{clients, groups, users};
use doorward_engine::token::check::{check, signed};
use doorward_engine::token::client_credentials::client_credentials;
use doorward_engine::token::exchange::{Ask, Exchanged, TokenType, exchange};
use doorward_engine::token::exchange_code;
use doorward_engine::token::revoke::revoke;
use doorward_engine::token::{Tokens, mint};
use doorward_model::app::Access;
use doorward_model::context::Ctx;
use doorward_model::people::Source;
use doorward_oauth::error::ErrorCode;
use doorward_oauth::scope::Scopes;
use doorward_store::sessions::SignedIn;
use serde_json::{Value, json};
use std::sync::Arc;

use crate::fixture::Ground;
use crate::people::only;
use crate::provider::{CALLBACK, Provider, VERIFIER, everyone, refresh_of, settings};

const API: &str = "https://api.example.com/v1";

/// A client that exchanges tokens for these.
pub fn gateway(targets: &[&str], access: Access) -> ClientSettings {
    let exchange_for = targets.iter().map(ToString::to_string).collect();
    ClientSettings { grants: vec![GrantType::TokenExchange], exchange_for, access, ..ClientSettings::default() }
}

/// A tool whose tokens a gateway may be shown.
pub fn tool(audience: &str) -> ClientSettings {
    ClientSettings {
        mappers: vec![Mapper::Audience(audience.to_owned())],
        scopes: vec!["catalog:read".to_owned()],
        ..settings(everyone())
    }
}

impl Provider {
    pub async fn hand_on(&self, client: &Client, token: &str, targets: &[&str]) -> Result<Exchanged, ErrorCode> {
        self.hand_on_as(client, token, (targets, None, TokenType::Access)).await
    }

    async fn hand_on_as(
        &self,
        client: &Client,
        token: &str,
        (targets, scopes, wanted): (&[&str], Option<&str>, TokenType),
    ) -> Result<Exchanged, ErrorCode> {
        let scopes = scopes.map(|scopes| Scopes::parse(scopes).expect("scopes"));
        let targets = targets.iter().map(ToString::to_string).collect();
        let ask = Ask { subject_token: token, targets, scopes, wanted, key: None };
        let outcome = exchange(&self.node.door, &self.node.ctx(), (&self.realm, client), ask).await;
        outcome.expect("a database").map_err(|error| error.code())
    }

    pub async fn tokens(&self, client: &Client, by: &SignedIn) -> Tokens {
        let code = self.code(client, by, "").await;
        self.exchange(client, &code).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// The claims of a token that is good.
    async fn claims(&self, token: &str) -> Value {
        let good = check(&self.node.door, &self.node.ctx(), &self.realm, token).await.expect("a database");
        Value::Object(good.expect("a good token").claims.into_map())
    }
}

async fn gauntlet_b3_10_an_exchanged_token_is_narrower_not_longer_and_says_who_acts(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let provider = Provider::on(&node).await;
    let web = provider.client("web", tool("gateway")).await;
    let client = provider.client("gateway", gateway(&["catalog", API], everyone())).await;
    let catalog = provider.client("catalog", gateway(&["store"], everyone())).await;
    provider.client("store", settings(everyone())).await;
    let subject = provider.tokens(&web, &alice).await;
    ground.advance(100).await;
    let made = provider.hand_on(&client, &subject.access, &["catalog", API]).await.expect("it may");
    let (before, after) = (provider.claims(&subject.access).await, provider.claims(&made.token).await);
    assert_eq!(after["aud"], json!(["catalog", API]));
    assert_eq!((&after["azp"], &after["sub"]), (&json!("gateway"), &before["sub"]));
    assert_eq!(after["act"], json!({"sub": client.id.as_str(), "client_id": "gateway"}));
    assert_eq!((&after["exp"], made.seconds), (&before["exp"], 200), "no longer than the first one");
    assert_eq!((&after["scope"], &after["sid"]), (&before["scope"], &before["sid"]));
    assert_ne!(after["jti"], before["jti"]);

    // Handed on again: both names stand, the newest outside.
    let next = provider.hand_on(&catalog, &made.token, &["store"]).await.expect("it may");
    let twice = provider.claims(&next.token).await;
    let inner = json!({"sub": client.id.as_str(), "client_id": "gateway"});
    assert_eq!(twice["act"], json!({"sub": catalog.id.as_str(), "client_id": "catalog", "act": inner}));
    assert_eq!((&twice["aud"], &twice["exp"]), (&json!("store"), &before["exp"]));

    // Fewer scopes, and no others.
    let few = (&["catalog"][..], Some("openid email"), TokenType::Access);
    let few = provider.hand_on_as(&client, &subject.access, few).await.expect("it may");
    let told = provider.claims(&few.token).await;
    assert_eq!((&told["scope"], &told["name"]), (&json!("openid email"), &Value::Null));
    let good = check(&node.door, &node.ctx(), &provider.realm, &few.token).await.expect("a database").expect("good");
    assert!(good.person.is_some_and(|(_, authorized)| authorized.scopes.to_string() == "openid email"));
    for wide in ["openid offline_access", "catalog:read", "admin"] {
        let wide = (&["catalog"][..], Some(wide), TokenType::Access);
        assert_eq!(provider.hand_on_as(&client, &subject.access, wide).await.err(), Some(ErrorCode::InvalidScope));
    }
    let wide = (&[][..], Some("openid email"), TokenType::Access);
    let own = provider.hand_on_as(&client, &few.token, wide).await;
    assert_eq!(own.map(|made| made.scopes.to_string()).ok().as_deref(), Some("openid email"), "for itself");
    let regrown = (&[][..], Some("openid profile"), TokenType::Access);
    let regrown = provider.hand_on_as(&client, &few.token, regrown).await;
    assert_eq!(regrown.err(), Some(ErrorCode::InvalidScope), "what was given up does not come back");

    // An ID token, for one audience, with the same end.
    let id = (&["catalog"][..], None, TokenType::Id);
    let id = provider.hand_on_as(&client, &subject.access, id).await.expect("it may");
    let claims = signed(&node.door, &provider.realm, &id.token, "ID").expect("an ID token").into_map();
    assert_eq!((claims.get("aud"), claims.get("exp")), (Some(&json!("catalog")), before.get("exp")));
    assert!(claims.contains_key("act") && !claims.contains_key("nonce"));
    assert!(!provider.is_good(&id.token).await, "no access token");
    assert_eq!(ground.number("SELECT COUNT(*) FROM families").await, 1);
}

async fn gauntlet_b3_10_what_may_not_be_exchanged_is_not(ground: Ground) {
    let node = ground.node().await;
    let (realm, sales) = (node.realm("main").await, node.realm("sales").await);
    let provider = Provider::on(&node).await;
    let group = node.group(&realm, "catalog-users").await;
    let web = provider.client("web", tool("gateway")).await;
    let client = provider.client("gateway", gateway(&["catalog", "ledger", API], everyone())).await;
    let stranger = provider.client("stranger", gateway(&["catalog"], everyone())).await;
    provider.client("catalog", settings(only(&group))).await;
    let ledger = provider.client("ledger", settings(everyone())).await;
    let (alice, bob) = (node.user(&realm, "alice").await, node.user(&realm, "bob").await);
    node.join(&group, &alice).await;
    let (by_alice, by_bob) = (node.session(&alice).await, node.session(&bob).await);
    let subject = provider.tokens(&web, &by_alice).await;
    let of_bob = provider.tokens(&web, &by_bob).await;
    let invalid = Some(ErrorCode::InvalidRequest);

    assert!(provider.hand_on(&client, &subject.access, &["catalog"]).await.is_ok());
    let refused = async |token: &str| provider.hand_on(&client, token, &["catalog"]).await.err();
    // Foreign audience: it is neither for this client nor from it.
    assert_eq!(provider.hand_on(&stranger, &subject.access, &["catalog"]).await.err(), invalid);
    // Somebody who may not enter the client it would be for.
    assert_eq!(refused(&of_bob.access).await, Some(ErrorCode::AccessDenied));
    // Targets nobody declared; one bad one spoils the others.
    for targets in [&["store"][..], &["catalog", "store"], &["https://api.example.com/"], &["web"]] {
        let outcome = provider.hand_on(&client, &subject.access, targets).await;
        assert_eq!(outcome.err(), Some(ErrorCode::InvalidTarget), "{targets:?}");
    }
    let disabled = Client { is_active: false, ..ledger };
    node.change(async |tx| clients::update(tx, &disabled).await).await.unwrap_or_else(|refused| panic!("{refused}"));
    let outcome = provider.hand_on(&client, &subject.access, &["ledger"]).await;
    assert_eq!(outcome.err(), Some(ErrorCode::InvalidTarget), "a disabled client");
    // Not an access token of this realm.
    let elsewhere = Provider { node: node.clone(), realm: sales };
    elsewhere
        .node
        .door
        .keys
        .ensure(&node.door, &node.ctx(), &elsewhere.realm.id, mint::DEFAULT_ALGORITHM)
        .await
        .expect("a key");
    let service = ClientSettings { grants: vec![GrantType::ClientCredentials], ..ClientSettings::default() };
    let foreign = elsewhere.client("gateway", service.clone()).await;
    let token = client_credentials(&node.door, &node.ctx(), "sales", &foreign.into(), (Scopes::default(), None))
        .await
        .expect("a key");
    assert_eq!(refused(&token.unwrap_or_else(|error| panic!("{error}")).access).await, invalid);
    let own = client_credentials(&node.door, &node.ctx(), "main", &Arc::new(client.clone()), (Scopes::default(), None))
        .await
        .expect("a key");
    assert_eq!(refused(&own.unwrap_or_else(|error| panic!("{error}")).access).await, invalid, "a client's own");
    let id = subject.id.clone().expect("an ID token");
    let refresh = refresh_of(&subject);
    for token in [id.as_str(), &refresh, "", "x.y.z", &subject.access[1..]] {
        assert_eq!(refused(token).await, invalid, "{token}");
    }
    // Revoked, expired.
    let once = provider.tokens(&web, &by_alice).await;
    revoke(&node.door, &node.ctx(), &provider.realm, &web, &once.access).await.expect("a database");
    assert_eq!(refused(&once.access).await, invalid, "revoked");
    ground.advance(300).await;
    assert_eq!(refused(&subject.access).await, invalid, "expired");
}

async fn gauntlet_b3_10_an_exchanged_token_ends_with_all_it_rests_on(ground: Ground) {
    let (node, other) = (ground.node().await, ground.node().await);
    let realm = node.realm("main").await;
    let (provider, elsewhere) = (Provider::on(&node).await, Provider::on(&other).await);
    let gate = node.group(&realm, "gate").await;
    for ending in ["nothing", "family", "user", "session", "group of the target", "target", "actor", "origin"] {
        let name = ending.replace(' ', "-");
        let (web, hub, end) = (format!("web-{name}"), format!("hub-{name}"), format!("end-{name}"));
        let web = provider.client(&web, tool(&hub)).await;
        let hub = provider.client(&hub, gateway(&[&end], everyone())).await;
        let end = provider.client(&end, settings(only(&gate))).await;
        let user = node.user(&realm, &name).await;
        node.join(&gate, &user).await;
        let session = node.session(&user).await;
        let subject = provider.tokens(&web, &session).await;
        let made = provider.hand_on(&hub, &subject.access, &[end.name.as_str()]).await.expect("it may");
        assert!(provider.is_good(&made.token).await, "{ending}");
        let disable = async |client: &Client| {
            let disabled = Client { is_active: false, ..client.clone() };
            let outcome = node.change(async |tx| clients::update(tx, &disabled).await).await;
            outcome.unwrap_or_else(|refused| panic!("{refused}"));
        };
        match ending {
            "nothing" => {}
            "family" => {
                let token = refresh_of(&subject);
                revoke(&node.door, &node.ctx(), &provider.realm, &web, &token).await.expect("a database");
            }
            "user" => assert!(node.change(async |tx| users::disable(tx, &user).await).await),
            "session" => {
                let id = &session.session.id;
                let ended = doorward_engine::sessions::end(&node.door, &node.ctx(), id, "a test said so").await;
                assert!(ended.expect("a database"));
            }
            "group of the target" => {
                let left = async |tx: &mut _| groups::remove_member(tx, &gate, &user, &Source::Local).await;
                assert!(node.change(left).await);
            }
            "target" => disable(&end).await,
            "actor" => disable(&hub).await,
            _ => disable(&web).await,
        }
        other.follow().await;
        let lives = ending == "nothing";
        assert_eq!(provider.is_good(&made.token).await, lives, "{ending}");
        assert_eq!(elsewhere.is_good(&made.token).await, lives, "{ending}, on the other node");
        assert_eq!(provider.hand_on(&hub, &made.token, &[end.name.as_str()]).await.is_ok(), lives, "{ending}");
    }
}

async fn a_token_is_handed_on_eight_times_and_no_more(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let provider = Provider::on(&node).await;
    let web = provider.client("web", tool("gateway")).await;
    let client = provider.client("gateway", gateway(&[], everyone())).await;
    let mut token = provider.tokens(&web, &alice).await.access;
    for number in 1..=8 {
        let made = provider.hand_on(&client, &token, &[]).await;
        token = made.unwrap_or_else(|code| panic!("{number}: {code}")).token;
    }
    assert_eq!(provider.hand_on(&client, &token, &[]).await.err(), Some(ErrorCode::InvalidRequest));
}

async fn what_is_bound_to_a_certificate_is_not_handed_on(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let at = Provider::on(&node).await;
    let dagster = at.client("dagster", tool("gateway")).await;
    let gateway = at.client("gateway", gateway(&[], everyone())).await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    for (certificate, is_good) in [(None, true), (Some("a certificate's hash".into()), false)] {
        let code = at.code(&dagster, &alice, "").await;
        let ask = exchange_code::Ask {
            code: &code,
            redirect_uri: Some(CALLBACK),
            verifier: Some(VERIFIER),
            key: None,
            details: None,
        };
        let ctx = Ctx { certificate, ..node.ctx() };
        let tokens = exchange_code::exchange_code(&node.door, &ctx, "main", &dagster, ask).await.expect("a database");
        let tokens = tokens.unwrap_or_else(|refused| panic!("{refused}"));
        let told = at.hand_on(&gateway, &tokens.access, &[]).await.err();
        assert_eq!(told, (!is_good).then_some(ErrorCode::InvalidRequest));
    }
}

async fn nobody_is_identified_to_a_client_without_openid(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let at = Provider::on(&node).await;
    let dagster = at.client("dagster", tool("gateway")).await;
    let gateway = at.client("gateway", gateway(&[], everyone())).await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    for (scopes, is_good) in [("openid+profile", true), ("profile", false)] {
        let query = Provider::query(&dagster, "").replace("openid+profile", scopes);
        let code = at.code_of(&query, &alice).await;
        let tokens = at.exchange(&dagster, &code).await.unwrap_or_else(|refused| panic!("{refused}"));
        let told = at.hand_on_as(&gateway, &tokens.access, (&[], None, TokenType::Id)).await.err();
        assert_eq!(told, (!is_good).then_some(ErrorCode::InvalidRequest), "{scopes}");
        assert!(at.hand_on(&gateway, &tokens.access, &[]).await.is_ok());
    }
}

on_both!(together:
    what_is_bound_to_a_certificate_is_not_handed_on,
    nobody_is_identified_to_a_client_without_openid,
    gauntlet_b3_10_an_exchanged_token_is_narrower_not_longer_and_says_who_acts,
    gauntlet_b3_10_what_may_not_be_exchanged_is_not,
    gauntlet_b3_10_an_exchanged_token_ends_with_all_it_rests_on,
    a_token_is_handed_on_eight_times_and_no_more,
);
