//! What tokens say: scopes of a realm's own, mappers, subjects, lives; and to whom introspection answers.

use doorward_engine::clients::mapper::{From, Mapper, Tell};
use doorward_engine::clients::{
    Assigned, Client, ClientScope, ClientSettings, GrantType, Lifetimes, RealmSettings, ScopeSettings, SessionLives,
    SubjectKind,
};
use doorward_engine::manage::{client_scopes, clients as manage_clients, profiles, realms, users};
use doorward_engine::sign_in::enter::is_remembered;
use doorward_engine::token::check::{check, hint, signed};
use doorward_engine::token::client_credentials::client_credentials;
use doorward_engine::token::exchange::{self, TokenType};
use doorward_engine::token::introspect::{introspect, signed as signed_answer, signed_userinfo};
use doorward_engine::token::{Profile, Tokens, profile};
use doorward_jose::jws::Presented;
use doorward_model::name::EmailAddress;
use doorward_model::people::{Holder, User};
use doorward_oauth::scope::Scopes;
use doorward_store::sessions::SignedIn;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::fixture::{Ground, Node};
use crate::people::Form;
use crate::provider::{Provider, everyone, refresh_of, settings};
use doorward_engine::authorize::consent::Agreed;
use doorward_engine::authorize::issue::Answer;
use doorward_engine::authorize::{Fresh, Next};

impl Provider {
    async fn tokens_told(&self, client: &Client, by: &SignedIn) -> Tokens {
        let code = self.code(client, by, "").await;
        self.exchange(client, &code).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Tokens for a scope; the refusal's code when there are none.
    async fn tokens_for(&self, client: &Client, by: &SignedIn, scope: &str) -> Result<Tokens, String> {
        let query = Provider::query(client, "").replace("openid+profile", scope);
        let parameters = doorward_oauth::parameters::Parameters::parse_query(&query).expect("parameters");
        let entry = doorward_oauth::authorize::Entry::parse(&parameters).expect("an entry");
        let back = doorward_engine::authorize::address(&self.node.door, &self.realm, &entry).await;
        let back = back.expect("a database").expect("an address");
        let request = doorward_oauth::authorize::AuthorizeRequest::parse(&parameters).expect("a request");
        if let Err(refused) = doorward_engine::authorize::acceptable(&back, &request) {
            return Err(refused.code().as_str().to_owned());
        }
        let answer = self.ask(&query, Some(by), (Fresh::No, Agreed::NotAsked)).await;
        let Next::Answer(Answer { code: Some(code), .. }) = answer else { panic!("no code for {scope}") };
        let client = self.as_known(client).await;
        Ok(self.exchange(&client, code.reveal()).await.unwrap_or_else(|error| panic!("{error}")))
    }

    /// The client as the token endpoint finds it.
    async fn as_known(&self, client: &Client) -> Arc<Client> {
        let found = doorward_engine::clients::find(&self.node.door, &self.realm.id, &client.name).await;
        found.expect("a database").expect("the client")
    }

    async fn claims_told(&self, access: &str) -> Map<String, Value> {
        let good = check(&self.node.door, &self.node.ctx(), &self.realm, access).await.expect("a database");
        good.expect("a good token").claims.into_map()
    }

    async fn looked_up(&self, caller: &Client, token: &str) -> Map<String, Value> {
        introspect(&self.node.door, &self.node.ctx(), &self.realm, (caller, token)).await.expect("a database")
    }

    async fn machine(&self, client: &Client) -> String {
        let client = &self.as_known(client).await;
        let given =
            client_credentials(&self.node.door, &self.node.ctx(), "main", client, (Scopes::default(), None)).await;
        given.expect("a database").unwrap_or_else(|error| panic!("{error}")).access
    }

    /// The claims of a JWT of this realm, whatever its kind, and the `typ` of its header.
    fn opened(&self, token: &str) -> (String, Map<String, Value>) {
        let presented = Presented::read(token).unwrap_or_else(|bad| panic!("{bad:?}"));
        let header = presented.header();
        let (kid, kind) = (header.kid().expect("a kid").to_owned(), header.typ().unwrap_or_default().to_owned());
        let keys = self.node.door.keys.published(&self.realm.id);
        let key = keys.iter().find(|key| key.id().as_str() == kid).expect("a published key");
        (kind, presented.verify(key.public()).unwrap_or_else(|bad| panic!("{bad:?}")).into_map())
    }
}

impl Node {
    async fn scope(&self, provider: &Provider, name: &str, settings: ScopeSettings) -> ClientScope {
        let (door, realm) = (&self.door, &provider.realm.id);
        let given = (name.to_owned(), settings);
        let made = self.change(async |tx| client_scopes::create(door, tx, realm, given).await).await;
        made.unwrap_or_else(|refused| panic!("{refused}"))
    }

    async fn know(&self, user: &User, attributes: &[(&str, &str)]) {
        let attributes: BTreeMap<_, _> =
            attributes.iter().map(|(name, value)| ((*name).to_owned(), vec![(*value).to_owned()])).collect();
        let known = Profile { attributes, ..Profile::default() };
        let written = self.change(async |tx| profiles::write(tx, user, &known).await).await;
        written.unwrap_or_else(|refused| panic!("{refused}"));
    }
}

fn claim(name: &str, from: From) -> Mapper {
    Mapper::Claim { path: vec![name.to_owned()], from, tell: Tell::default() }
}

fn attribute(name: &str) -> From {
    From::Attribute { name: name.to_owned(), many: false }
}

async fn a_scope_brings_its_claims_to_those_who_may_have_it_on_every_node(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let user = a.user(&realm, "alice").await;
    a.know(&user, &[("region", "eu"), ("team", "data"), ("cost", "42")]).await;
    let alice = a.session(&user).await;
    let (at_a, at_b) = (Provider::on(&a).await, Provider::on(&b).await);
    let named = ClientSettings { scopes: vec!["cost".to_owned()], ..settings(everyone()) };
    let (plain, named) = (at_a.client("plain", settings(everyone())).await, at_a.client("named", named).await);
    a.follow().await;
    b.follow().await;
    // Both nodes have the clients in memory before anything is declared.
    for at in [&at_a, &at_b] {
        assert_eq!(at.tokens_for(&plain, &alice, "openid+team").await.err().as_deref(), Some("invalid_scope"));
        assert!(at.tokens_for(&named, &alice, "openid").await.is_ok());
    }
    let scope = |assigned, from: &str, audience: Option<&str>| {
        let mappers = std::iter::once(claim(from, attribute(from)));
        let mappers = mappers.chain(audience.map(|name| Mapper::Audience(name.to_owned()))).collect();
        ScopeSettings { description: String::new(), assigned, mappers }
    };
    a.scope(&at_a, "where", scope(Assigned::Default, "region", None)).await;
    let team = a.scope(&at_a, "team", scope(Assigned::Optional, "team", Some("catalog"))).await;
    a.scope(&at_a, "cost", scope(Assigned::Named, "cost", None)).await;
    a.follow().await;
    b.follow().await;
    let told = async |at: &Provider, client: &Client, asked: &str| {
        let tokens = at.tokens_for(client, &alice, asked).await.unwrap_or_else(|code| panic!("{asked}: {code}"));
        let claims = at.claims_told(&tokens.access).await;
        let names = ["region", "team", "cost", "aud", "scope"];
        names.map(|name| claims.get(name).cloned().unwrap_or(Value::Null))
    };
    let usual = "openid basic profile email groups roles";
    for at in [&at_a, &at_b] {
        let asked_for_none = told(at, &plain, "openid").await;
        assert_eq!(json!(asked_for_none), json!(["eu", null, null, "plain", format!("{usual} where")]));
        let [region, team, cost, audiences, _] = told(at, &plain, "openid+team").await;
        assert_eq!(json!([region, team, cost, audiences]), json!(["eu", "data", null, ["plain", "catalog"]]));
        assert_eq!(at.tokens_for(&plain, &alice, "openid+cost").await.err().as_deref(), Some("invalid_scope"));
        assert_eq!(told(at, &named, "openid+cost").await[2], json!("42"));
        // Asked for by nobody, it brings nothing even to a client that may.
        assert_eq!(told(at, &named, "openid").await[2], Value::Null);
    }
    a.change(async |tx| client_scopes::delete(tx, &team).await).await;
    a.follow().await;
    b.follow().await;
    for at in [&at_a, &at_b] {
        assert_eq!(at.tokens_for(&plain, &alice, "openid+team").await.err().as_deref(), Some("invalid_scope"));
    }
    let named = async |name: &str| {
        let made = (name.to_owned(), ScopeSettings::default());
        a.change(async |tx| client_scopes::create(&a.door, tx, &realm.id, made).await).await
    };
    // One that Doorward has, and one that somebody declared.
    assert!(named("email").await.is_err_and(|no| no.to_string().contains("a scope email of its own")));
    assert!(named("cost").await.is_err_and(|no| no.to_string().contains("already a scope named cost")));
    let mappers = vec![claim("sub", attribute("team"))];
    let bad = ("other".to_owned(), ScopeSettings { mappers, ..ScopeSettings::default() });
    let refused = a.change(async |tx| client_scopes::create(&a.door, tx, &realm.id, bad).await).await;
    assert!(refused.is_err_and(|refused| refused.to_string().contains("cannot be mapped")));
}

async fn a_client_is_told_paths_roles_profile_and_address_where_it_is_declared(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let user = node.user(&realm, "alice").await;
    let (data, ops, eng) =
        (node.group(&realm, "data").await, node.group(&realm, "ops").await, node.group(&realm, "eng").await);
    for outer in [&data, &ops] {
        assert_eq!(node.nest(outer, &eng).await, Ok(true));
    }
    node.join(&eng, &user).await;
    let known = [("locality", "Berlin"), ("street", "1 Main"), ("phoneNumber", "+49 1"), ("nickname", "ally")];
    node.know(&user, &known).await;
    let provider = Provider::on(&node).await;
    let tell = Tell { access: false, id: false, userinfo: false, introspection: Some(true) };
    let hidden = Mapper::Claim { path: vec!["secret".to_owned()], from: From::Value(json!(1)), tell };
    let everything = vec![
        claim("paths", From::GroupPaths { prefix: String::new() }),
        claim("rights", From::RealmRoles { prefix: String::new(), add: "r:".to_owned() }),
        hidden,
    ];
    let client = provider.client("grafana", ClientSettings { mappers: everything, ..settings(everyone()) }).await;
    let role = node.role(&realm, None, "viewer").await;
    assert_eq!(node.give(&role, Holder::User(user.id.clone())).await, Ok(true));
    let alice = node.session(&user).await;
    let tokens = provider.tokens_for(&client, &alice, "openid+phone+address").await.expect("tokens");
    let claims = provider.claims_told(&tokens.access).await;
    let of = |name: &str| claims.get(name).cloned().unwrap_or(Value::Null);
    assert_eq!(of("paths"), json!(["/data/eng", "/ops/eng"]));
    assert_eq!((of("rights"), of("nickname")), (json!(["r:viewer"]), json!("ally")));
    assert_eq!((of("phone_number"), of("phone_number_verified")), (json!("+49 1"), json!(false)));
    assert_eq!(of("address"), json!({"street_address": "1 Main", "locality": "Berlin"}));
    assert_eq!(of("secret"), Value::Null);
    let id = signed(&node.door, &realm, tokens.id.as_deref().expect("an ID token"), "ID").expect("ours").into_map();
    assert_eq!(id.get("rights"), Some(&json!(["r:viewer"])));
    assert!(!id.contains_key("realm_access"), "{id:?}");
    // What only services that ask are told, and what has changed since.
    let told = provider.looked_up(&client, &tokens.access).await;
    assert_eq!((told.get("secret"), told.get("realm_access")), (Some(&json!(1)), Some(&json!({"roles": ["viewer"]}))));
    assert!(node.take(&role, Holder::User(user.id.clone())).await);
    let told = provider.looked_up(&client, &tokens.access).await;
    assert_eq!((told.get("realm_access"), told.get("rights")), (None, Some(&json!([]))));
    assert_eq!(told.get("username"), Some(&json!("alice")));
}

async fn a_pairwise_subject_is_one_in_its_sector_and_good_everywhere(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let (alice, bob) = (a.user(&realm, "alice").await, a.user(&realm, "bob").await);
    let (by_alice, by_bob) = (a.session(&alice).await, a.session(&bob).await);
    let (at_a, at_b) = (Provider::on(&a).await, Provider::on(&b).await);
    let pairwise =
        |sector: &str| ClientSettings { subject: SubjectKind::Pairwise(sector.to_owned()), ..settings(everyone()) };
    let (one, two) =
        (at_a.client("one", pairwise("one.example")).await, at_a.client("two", pairwise("one.example")).await);
    let other = at_a.client("other", pairwise("other.example")).await;
    a.follow().await;
    b.follow().await;
    let sub = async |at: &Provider, client: &Client, by: &SignedIn| {
        let tokens = at.tokens_told(client, by).await;
        // Every node takes it back.
        assert!(at_b.is_good(&tokens.access).await && at_a.is_good(&tokens.access).await);
        assert!(at_b.refresh(client, &refresh_of(&tokens)).await.is_ok());
        let access = at.claims_told(&tokens.access).await.get("sub").cloned();
        let id = signed(&at.node.door, &realm, tokens.id.as_deref().expect("an ID token"), "ID").expect("ours");
        assert_eq!(access, id.get("sub").cloned());
        access.and_then(|sub| sub.as_str().map(str::to_owned)).expect("a sub")
    };
    let first = sub(&at_a, &one, &by_alice).await;
    assert_eq!(first, sub(&at_b, &two, &by_alice).await, "one sector, any node");
    assert_ne!(first, sub(&at_a, &other, &by_alice).await);
    assert_ne!(first, sub(&at_a, &one, &by_bob).await);
    assert_ne!(first, alice.id.as_str());
    let tokens = at_a.tokens_told(&one, &by_alice).await;
    let id = tokens.id.clone().expect("an ID token");
    let hinted = hint(&b.door, &realm, &id).await.expect("a database").expect("a hint");
    assert_eq!((hinted.user.as_ref(), &hinted.session), (Some(&alice.id), &by_alice.session.id));
    let told = at_b.looked_up(&one, &tokens.access).await;
    assert_eq!(told.get("sub"), Some(&json!(first)));
    // Exchanged, a token speaks of her as the client that asked is told.
    let for_other = ClientSettings { mappers: vec![Mapper::Audience("other".to_owned())], ..pairwise("three.example") };
    let for_other = at_a.client("for-other", for_other).await;
    let shown = at_a.tokens_told(&for_other, &by_alice).await.access;
    let (kind, targets) = (TokenType::Access, Vec::new());
    let ask = exchange::Ask { subject_token: &shown, targets, scopes: None, wanted: kind, key: None };
    let got = exchange::exchange(&a.door, &a.ctx(), (&realm, &other), ask).await.expect("a database");
    let got = got.unwrap_or_else(|error| panic!("{error}")).token;
    let as_other = at_a.claims_told(&at_a.tokens_told(&other, &by_alice).await.access).await.get("sub").cloned();
    assert_eq!(at_a.claims_told(&got).await.get("sub").cloned(), as_other);
    // A client that turns to another sector is told somebody else: the old token is not good for that.
    let turned = Client { settings: pairwise("other.example"), ..one.clone() };
    let written = a.change(async |tx| manage_clients::update(tx, &turned).await).await;
    written.unwrap_or_else(|refused| panic!("{refused}"));
    assert!(!at_a.is_good(&tokens.access).await);
    for bad in ["", "https://one.example", "one.example:443", "One.example", "a b"] {
        let wrong = Client { settings: pairwise(bad), ..one.clone() };
        let refused = a.change(async |tx| manage_clients::update(tx, &wrong).await).await;
        assert!(refused.is_err_and(|refused| refused.to_string().contains("sector")), "{bad}");
    }
}

async fn a_subject_somebody_brought_along_is_told_and_belongs_to_one(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let (alice, bob) = (a.user(&realm, "alice").await, a.user(&realm, "bob").await);
    let by_alice = a.session(&alice).await;
    let (at_a, at_b) = (Provider::on(&a).await, Provider::on(&b).await);
    let client = at_a.client("grafana", settings(everyone())).await;
    a.follow().await;
    b.follow().await;
    let before = at_a.tokens_told(&client, &by_alice).await;
    let subject = "f3b1c9d2-1111-4a1e-9b1a-1d2c3b4a5e6f";
    let set = async |user: &User, subject: Option<&str>| {
        let set = a.change(async |tx| profiles::set_subject(tx, user, subject).await).await;
        set.map_err(|refused| refused.to_string())
    };
    assert_eq!(set(&alice, Some(subject)).await, Ok(()));
    assert!(!at_b.is_good(&before.access).await, "it names her otherwise");
    let tokens = at_b.tokens_told(&client, &by_alice).await;
    assert_eq!(at_a.claims_told(&tokens.access).await.get("sub"), Some(&json!(subject)));
    let id = tokens.id.as_deref().expect("an ID token");
    let hinted = hint(&b.door, &realm, id).await.expect("a database").expect("a hint");
    assert_eq!(hinted.user, Some(alice.id.clone()));
    assert_eq!(set(&alice, Some(subject)).await, Ok(()), "said twice");
    for bad in [subject, alice.id.as_str(), client.id.as_str(), "", "a b"] {
        assert!(set(&bob, Some(bad)).await.is_err(), "{bad}");
    }
    let other = a.realm("other").await;
    let namesake = a.user(&other, "alice").await;
    assert_eq!(set(&namesake, Some(subject)).await, Ok(()), "another realm");
    assert_eq!(set(&alice, None).await, Ok(()));
    assert_eq!(set(&bob, Some(subject)).await, Ok(()), "it is free again");
    assert!(!at_b.is_good(&tokens.access).await, "and hers is nobody's token now");
    // Over sessions nothing is told any more.
    doorward_engine::sessions::end(&a.door, &a.ctx(), &by_alice.session.id, "a test").await.expect("a database");
    let hinted = hint(&b.door, &realm, id).await.expect("a database").expect("still a token of ours");
    assert_eq!(hinted.user, None);
}

async fn of_two_who_bring_one_subject_at_once_one_is_told_that_it_is_taken(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let (alice, bob) = (a.user(&realm, "alice").await, a.user(&realm, "bob").await);
    let subject = "f3b1c9d2-1111-4a1e-9b1a-1d2c3b4a5e6f";
    let mut first = a.door.begin().await.expect("a transaction");
    profiles::set_subject(&mut first, &alice, Some(subject)).await.expect("a database").expect("it is free");
    let second = tokio::spawn(async move {
        let mut tx = b.door.begin().await.expect("a transaction");
        profiles::set_subject(&mut tx, &bob, Some(subject)).await
    });
    // Long enough for the second one to wait for the first.
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    a.door.commit(&a.ctx(), first).await.expect("a commit");
    let refused = second.await.expect("no panic").expect("no fault").expect_err("it is taken");
    assert_eq!(refused.to_string(), "user bob: that subject is another user's: choose another");
}

async fn a_realm_says_how_long_things_live_and_a_client_says_it_louder(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let alice = a.session(&a.user(&realm, "alice").await).await;
    let (at_a, at_b) = (Provider::on(&a).await, Provider::on(&b).await);
    let own = Lifetimes { access_seconds: Some(77), ..Lifetimes::default() };
    let own = ClientSettings { lifetimes: own, ..settings(everyone()) };
    let (usual, own) = (at_a.client("usual", settings(everyone())).await, at_a.client("own", own).await);
    a.follow().await;
    b.follow().await;
    let lives = async |at: &Provider, name: &doorward_model::name::ClientName| {
        let found = doorward_engine::clients::find(&at.node.door, &realm.id, name).await.expect("a database");
        let client = found.expect("the client");
        let tokens = at.tokens_told(&client, &alice).await;
        let claims = at.claims_told(&tokens.access).await;
        let of = |name: &str| claims.get(name).and_then(Value::as_i64).unwrap_or_default();
        (of("exp") - of("iat"), tokens.refresh.map(|(_, seconds)| seconds).unwrap_or_default())
    };
    assert_eq!((lives(&at_b, &usual.name).await, lives(&at_b, &own.name).await), ((300, 1800), (77, 1800)));
    let lifetimes = Lifetimes { access_seconds: Some(120), refresh_seconds: Some(900), offline_seconds: None };
    let sessions = SessionLives { idle_seconds: Some(7200), lifetime_seconds: Some(9000), ..SessionLives::default() };
    let rest = Map::from_iter([("another_part".to_owned(), json!({"kept": true}))]);
    let wanted = RealmSettings { lifetimes, sessions, rest, ..RealmSettings::default() };
    let set = a.change(async |tx| realms::set_settings(tx, &realm, &wanted).await).await;
    set.unwrap_or_else(|refused| panic!("{refused}"));
    a.follow().await;
    b.follow().await;
    for at in [&at_a, &at_b] {
        assert_eq!((lives(at, &usual.name).await, lives(at, &own.name).await), ((120, 900), (77, 900)));
    }
    // Settings of other parts stay as they were.
    let stored = RealmSettings::load(&mut &b.door.store, &realm.id).await.expect("a database");
    assert_eq!(stored, wanted);
    let opened = b.sign_in(&realm, &Form::new("alice", crate::people::PASSWORD)).await;
    let seconds = opened.kept.expires_at.millis_since(opened.kept.created_at) / 1000;
    assert_eq!((opened.kept.idle_seconds, seconds), (7200, 9000));
    assert!(
        !is_remembered(&b.door, b.ctx().now, &realm.id, 7200).await.expect("a database"),
        "long, and not asked for"
    );
    assert!(is_remembered(&b.door, b.ctx().now, &realm.id, 7201).await.expect("a database"));
    let wrong = |sessions| RealmSettings { sessions, ..RealmSettings::default() };
    let same = SessionLives { remembered_idle_seconds: Some(60), idle_seconds: Some(60), ..SessionLives::default() };
    for bad in [wrong(SessionLives { idle_seconds: Some(0), ..SessionLives::default() }), wrong(same)] {
        assert!(a.change(async |tx| realms::set_settings(tx, &realm, &bad).await).await.is_err());
    }
}

async fn a_machines_tokens_say_what_is_so_when_each_is_made(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    a.realm("main").await;
    b.follow().await;
    let (at_a, at_b) = (Provider::on(&a).await, Provider::on(&b).await);
    let machine = |value: u8, seconds| ClientSettings {
        grants: vec![GrantType::ClientCredentials],
        scopes: vec!["one".to_owned(), "two".to_owned()],
        mappers: vec![claim("level", From::Value(json!(value)))],
        lifetimes: Lifetimes { access_seconds: Some(seconds), ..Lifetimes::default() },
        ..ClientSettings::default()
    };
    let client = at_a.client("ci", machine(1, 60)).await;
    let told = async |at: &Provider, scope: &str| {
        let known = at.as_known(&client).await;
        let asked = (Scopes::parse(scope).expect("scopes"), None);
        let given = client_credentials(&at.node.door, &at.node.ctx(), "main", &known, asked).await;
        let tokens = given.expect("a database").unwrap_or_else(|refused| panic!("{refused}"));
        let claims = at.claims_told(&tokens.access).await;
        let number = |name: &str| claims.get(name).and_then(Value::as_i64).unwrap_or_default();
        assert_eq!(claims.get("scope"), Some(&json!(tokens.scopes.to_string())));
        let id = claims.get("jti").and_then(Value::as_str).unwrap_or_default().to_owned();
        assert_eq!(id.len(), 32, "{claims:?}");
        (number("level"), number("exp") - number("iat"), tokens.scopes.contains(scope), number("iat"), id)
    };
    for (value, seconds) in [(1, 60), (2, 90)] {
        let former = [at_a.as_known(&client).await, at_b.as_known(&client).await];
        let changed = Client { settings: machine(value, seconds), ..client.clone() };
        let written = a.change(async |tx| manage_clients::update(tx, &changed).await).await;
        written.unwrap_or_else(|refused| panic!("{refused}"));
        b.follow().await;
        for (at, former) in [&at_a, &at_b].into_iter().zip(former) {
            // A request that found the client before it was changed, and comes to its end only now.
            let (node, asked) = (&at.node, (Scopes::parse("one").expect("scopes"), None));
            let late = client_credentials(&node.door, &node.ctx(), "main", &former, asked).await;
            assert!(late.expect("a database").is_ok());
            let mut ids = Vec::new();
            for scope in ["one", "one", "two", "one"] {
                let (level, life, is_granted, made, id) = told(at, scope).await;
                assert_eq!((level, life, is_granted), (i64::from(value), seconds, true), "{scope}");
                assert_eq!(made, at.node.ctx().now.seconds());
                ids.push(id);
                ground.advance(1).await;
            }
            ids.sort();
            ids.dedup();
            assert_eq!(ids.len(), 4);
        }
    }
    let known = at_a.as_known(&client).await;
    let asked = (Scopes::parse("three").expect("scopes"), None);
    let refused = client_credentials(&a.door, &a.ctx(), "main", &known, asked).await.expect("a database");
    assert!(refused.is_err_and(|refused| refused.sentence().contains("may not ask for scope three")));
}

async fn gauntlet_b3_11_a_service_learns_nothing_of_a_token_that_is_not_for_it(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let provider = Provider::on(&node).await;
    let machine =
        |mappers| ClientSettings { grants: vec![GrantType::ClientCredentials], mappers, ..ClientSettings::default() };
    let a = provider.client("service-a", machine(Vec::new())).await;
    let b = provider.client("service-b", machine(Vec::new())).await;
    let tool = provider.client("tool", settings(everyone())).await;
    let for_b = vec![Mapper::Audience("service-b".to_owned())];
    let to_b = provider.client("tool-of-b", ClientSettings { mappers: for_b, ..settings(everyone()) }).await;
    // Roles at a service are no invitation for it: they say what somebody may do, not whom a token is for.
    let role = node.role(&realm, Some(&b), "editor").await;
    assert_eq!(node.give(&role, Holder::Client(a.id.clone())).await, Ok(true));
    assert_eq!(node.give(&role, Holder::User(alice.user.id.clone())).await, Ok(true));
    let inactive = Map::from_iter([("active".to_owned(), json!(false))]);
    let of_a = provider.machine(&a).await;
    let of_tool = provider.tokens_told(&tool, &alice).await.access;
    for token in [&of_a, &of_tool] {
        assert!(provider.claims_told(token).await.contains_key("resource_access"), "the roles stand in it");
        assert_eq!(provider.looked_up(&b, token).await, inactive);
    }
    assert_eq!(provider.looked_up(&a, &of_a).await.get("active"), Some(&json!(true)));
    let meant = provider.tokens_told(&to_b, &alice).await.access;
    assert_eq!(provider.looked_up(&b, &meant).await.get("active"), Some(&json!(true)));
    assert_eq!(provider.looked_up(&a, &meant).await, inactive);
    for broken in [&meant[..meant.len() - 1], "", "x.y.z"] {
        assert_eq!(provider.looked_up(&b, broken).await, inactive);
    }
}

async fn answers_are_signed_for_those_who_want_it(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let provider = Provider::on(&node).await;
    let es256 = ClientSettings {
        algorithm: "ES256".to_owned(),
        userinfo_algorithm: "PS256".to_owned(),
        ..settings(everyone())
    };
    let client = provider.client("grafana", es256).await;
    node.door
        .keys
        .ensure(&node.door, &node.ctx(), &realm.id, doorward_jose::algorithm::Algorithm::Es256)
        .await
        .expect("a key");
    let tokens = provider.tokens_told(&client, &alice).await;
    let told = provider.looked_up(&client, &tokens.access).await;
    let answer = signed_answer(&node.door, &node.ctx(), "main", (&client, told.clone())).await.expect("signed");
    let (kind, claims) = provider.opened(&answer);
    let issuer = json!("https://door.example.com/realms/main");
    assert_eq!(kind, "token-introspection+jwt");
    assert_eq!((claims.get("iss"), claims.get("aud")), (Some(&issuer), Some(&json!("grafana"))));
    assert_eq!(claims.get("token_introspection"), Some(&Value::Object(told)));
    assert!(!claims.contains_key("sub") && !claims.contains_key("exp"), "no token itself (RFC 9701 §5)");
    // Nobody can show it as a token.
    assert!(!provider.is_good(&answer).await);
    let about = Map::from_iter([("sub".to_owned(), json!("x"))]);
    let userinfo = signed_userinfo(&node.door, &node.ctx(), "main", (&client, &about)).await.expect("signed");
    let userinfo = userinfo.expect("this client asked for it");
    let (_, claims) = provider.opened(&userinfo);
    assert_eq!((claims.get("iss"), claims.get("aud")), (Some(&issuer), Some(&json!("grafana"))));
    assert_eq!(claims.get("sub"), Some(&json!("x")));
    assert!(!provider.is_good(&userinfo).await && signed(&node.door, &realm, &userinfo, "ID").is_none());
    let plain = provider.client("plain", settings(everyone())).await;
    let none = signed_userinfo(&node.door, &node.ctx(), "main", (&plain, &about)).await.expect("an answer");
    assert!(none.is_none());
}

async fn another_address_is_not_known_to_be_theirs(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let user = node.user_with_email(&realm, "alice", Some("a@example.com")).await;
    let proved = Profile { email_verified: true, given_name: "Alice".to_owned(), ..Profile::default() };
    node.change(async |tx| profiles::write(tx, &user, &proved).await).await.unwrap_or_else(|no| panic!("{no}"));
    let known = async || profile(&mut &node.door.store, &user.id).await.expect("a database").0;
    node.change(async |tx| users::update(tx, &user).await).await;
    assert!(known().await.email_verified, "the same address");
    let moved = User { email: EmailAddress::parse("b@example.com").ok(), ..user.clone() };
    node.change(async |tx| users::update(tx, &moved).await).await;
    assert_eq!(known().await, Profile { email_verified: false, ..proved });
}

on_both!(together:
    a_scope_brings_its_claims_to_those_who_may_have_it_on_every_node,
    a_client_is_told_paths_roles_profile_and_address_where_it_is_declared,
    a_pairwise_subject_is_one_in_its_sector_and_good_everywhere,
    a_subject_somebody_brought_along_is_told_and_belongs_to_one,
    of_two_who_bring_one_subject_at_once_one_is_told_that_it_is_taken,
    a_realm_says_how_long_things_live_and_a_client_says_it_louder,
    a_machines_tokens_say_what_is_so_when_each_is_made,
    gauntlet_b3_11_a_service_learns_nothing_of_a_token_that_is_not_for_it,
    answers_are_signed_for_those_who_want_it,
    another_address_is_not_known_to_be_theirs,
);
