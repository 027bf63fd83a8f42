//! Which ways in count where: at the gate, at authorization, for codes, refresh tokens and the tokens people make, on two
//! nodes of one database.

use std::sync::Arc;

use doorward_engine::authorize::consent::Agreed;
use doorward_engine::authorize::{Fresh, Next};
use doorward_engine::clients::{Client, ClientSettings, GrantType};
use doorward_engine::federation::Connector;
use doorward_engine::federation::settings::ConnectorSettings;
use doorward_engine::gate::check::Credential;
use doorward_engine::gate::decide::{Refusal, Verdict};
use doorward_engine::gate::explain;
use doorward_engine::manage::{apps, clients, connectors, personal_tokens, ways};
use doorward_engine::sign_in::enter::Entry;
use doorward_engine::token::password::{Ask, No, password};
use doorward_model::app::{Access, App};
use doorward_model::name::{ConnectorName, TokenName};
use doorward_model::path::RequestPath;
use doorward_model::people::Realm;
use doorward_model::ways::{WayIn, WayName, Ways};
use doorward_oauth::error::ErrorCode;
use doorward_oauth::scope::Scopes;

use crate::fixture::{Ground, Node};
use crate::people::{Answer, PASSWORD, everyone, only};
use crate::provider::{Provider, is_invalid_grant, refresh_of, settings};

const DAGSTER: &str = "dagster.example.com";

on_both! { together:
    only_who_came_by_a_named_way_passes_and_a_change_of_the_rule_is_heard_everywhere,
    a_removed_connector_lets_nobody_in_and_its_name_brings_nothing_back,
    who_was_proved_at_another_connector_came_by_that_one,
    clients_get_codes_and_tokens_for_who_came_by_their_ways_alone,
    tokens_end_with_the_way_they_rest_on,
    passwords_sent_by_clients_come_by_accounts,
    programs_come_as_their_people_had_come,
    explaining_says_which_ways_count,
}

pub async fn connector(node: &Node, realm: &Realm, name: &str) -> Connector {
    let text = format!(r#"{{"oidc": {{"issuer": "https://{name}.example.com", "client_id": "doorward"}}}}"#);
    let settings: ConnectorSettings = serde_json::from_str(&text).expect("settings");
    let (name, ctx) = (ConnectorName::parse(name).expect("a name"), node.ctx());
    let made =
        node.change(async |tx| connectors::create(&node.door, &ctx, tx, (&realm.id, name), settings, None).await);
    made.await.unwrap_or_else(|refused| panic!("{refused}"))
}

pub fn by(connectors: &[&Connector]) -> Ways {
    Ways::only(connectors.iter().map(|connector| WayIn::Connector(connector.id.clone())))
}

async fn put(node: &Node, app: &App, access: Access) -> App {
    let app = App { access, ..app.clone() };
    node.change(async |tx| apps::update(&node.door, tx, &app).await).await.expect("the app may be so");
    app
}

pub async fn put_client(node: &Node, client: &Client, ways: Ways) -> Client {
    let access = Access { ways, ..client.settings.access.clone() };
    let settings = ClientSettings { access, ..client.settings.clone() };
    let client = Client { settings, ..client.clone() };
    node.change(async |tx| clients::update(tx, &client).await).await.expect("the client may be so");
    client
}

fn wants_another_way(answer: &Answer) -> bool {
    matches!(answer, Answer::Said(Verdict::Refused(Refusal::OtherWay(_))))
}

async fn only_who_came_by_a_named_way_passes_and_a_change_of_the_rule_is_heard_everywhere(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let (company, partner) = (connector(&a, &realm, "company").await, connector(&a, &realm, "partner").await);
    let dagster = a.app(&realm, DAGSTER, everyone()).await;
    b.follow().await;
    let alice = a.user(&realm, "alice").await;
    let mut passes = Vec::new();
    for way in [None, Some(&company.id), Some(&partner.id)] {
        let session = a.session_by(&alice, (way, None)).await;
        passes.push((a.pass(&session.session, &dagster).await, session));
    }
    for node in [&a, &b] {
        for (pass, _) in &passes {
            assert!(node.check_pass(DAGSTER, pass).await.passes(), "every way counts where none is named");
        }
    }
    let [(account, by_account), (at_company, by_company), (at_partner, by_partner)] = passes.as_slice() else {
        panic!()
    };
    let dagster = put(&a, &dagster, Access { ways: by(&[&company]), ..everyone() }).await;
    b.follow().await;
    for node in [&a, &b] {
        assert!(node.check_pass(DAGSTER, at_company).await.passes());
        for other in [account, at_partner] {
            assert!(wants_another_way(&node.check_pass(DAGSTER, other).await));
        }
    }
    // Who has no right whatever the way learns that at the end only: another way may bring it.
    assert!(matches!(b.ticket(by_partner, &dagster, &b.binding()).await, Entry::OtherWay));
    assert!(matches!(b.ticket(by_company, &dagster, &b.binding()).await, Entry::Ticket(_)));
    put(&a, &dagster, Access { ways: Ways::only([WayIn::Account]), ..everyone() }).await;
    b.follow().await;
    for node in [&a, &b] {
        assert!(node.check_pass(DAGSTER, account).await.passes());
        assert!(wants_another_way(&node.check_pass(DAGSTER, at_company).await));
    }
    assert!(matches!(b.ticket(by_account, &dagster, &b.binding()).await, Entry::Ticket(_)));
}

async fn a_removed_connector_lets_nobody_in_and_its_name_brings_nothing_back(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let company = connector(&a, &realm, "company").await;
    let dagster = a.app(&realm, DAGSTER, Access { ways: by(&[&company]), ..everyone() }).await;
    let notes = Provider::on(&a).await.client("notes", settings(everyone())).await;
    put_client(&a, &notes, Ways::only([WayIn::Connector(company.id.clone()), WayIn::Account])).await;
    let named = a.change(async |tx| ways::named_by(tx, &company).await).await;
    let named: Vec<_> = named.iter().map(|named| (named.what.as_str(), named.is_only_way)).collect();
    assert_eq!(named, [("app dagster", true), ("client notes", false)]);
    a.change(async |tx| connectors::delete(tx, &company).await).await;
    assert_eq!(ways::names(&mut &a.door.store, &dagster.access.ways).await.expect("names"), [ways::REMOVED]);
    let again = connector(&a, &realm, "company").await;
    b.follow().await;
    let alice = a.user(&realm, "alice").await;
    for way in [None, Some(&again.id)] {
        let session = a.session_by(&alice, (way, None)).await;
        let pass = a.pass(&session.session, &dagster).await;
        for node in [&a, &b] {
            assert!(wants_another_way(&node.check_pass(DAGSTER, &pass).await));
        }
    }
    // The word for accounts cannot become a connector's name.
    let text = r#"{"oidc": {"issuer": "https://x.example.com", "client_id": "doorward"}}"#;
    let settings: ConnectorSettings = serde_json::from_str(text).expect("settings");
    let (place, ctx) = ((&realm.id, ConnectorName::parse("accounts").expect("a name")), a.ctx());
    let made = a.change(async |tx| connectors::create(&a.door, &ctx, tx, place, settings, None).await).await;
    assert!(made.is_err_and(|refused| refused.to_string().contains("stands for accounts kept here")));
}

async fn who_was_proved_at_another_connector_came_by_that_one(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let (people, domain) = (connector(&node, &realm, "people").await, connector(&node, &realm, "domain").await);
    let dagster = node.app(&realm, DAGSTER, Access { ways: by(&[&domain]), ..everyone() }).await;
    let alice = node.user(&realm, "alice").await;
    let typed = node.session_by(&alice, (Some(&people.id), None)).await;
    let shown = node.session_by(&alice, (Some(&people.id), Some(&domain.id))).await;
    let (typed, shown) = (node.pass(&typed.session, &dagster).await, node.pass(&shown.session, &dagster).await);
    assert!(node.check_pass(DAGSTER, &shown).await.passes());
    assert!(wants_another_way(&node.check_pass(DAGSTER, &typed).await));
    put(&node, &dagster, Access { ways: by(&[&people]), ..everyone() }).await;
    assert!(node.check_pass(DAGSTER, &typed).await.passes());
    assert!(wants_another_way(&node.check_pass(DAGSTER, &shown).await));
    // What a connector proved ends with it, whoever says who it is.
    let ended = node.change(async |tx| connectors::set_active(tx, &domain, false).await).await;
    assert_eq!(ended, 1);
    assert!(node.check_pass(DAGSTER, &shown).await.asks_to_sign_in());
    assert!(node.check_pass(DAGSTER, &typed).await.passes());
}

async fn clients_get_codes_and_tokens_for_who_came_by_their_ways_alone(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let (at_a, at_b) = (Provider::on(&a).await, Provider::on(&b).await);
    let (company, partner) = (connector(&a, &realm, "company").await, connector(&a, &realm, "partner").await);
    let alice = a.user(&realm, "alice").await;
    let (right, wrong) =
        (a.session_by(&alice, (Some(&company.id), None)).await, a.session_by(&alice, (Some(&partner.id), None)).await);
    let client = at_a.client("notes", settings(Access { ways: by(&[&company]), ..everyone() })).await;
    b.follow().await;
    for at in [&at_a, &at_b] {
        let ask = async |by, more: &str, fresh| {
            at.ask(&Provider::query(&client, more), Some(by), (fresh, Agreed::NotAsked)).await
        };
        assert!(matches!(ask(&right, "", Fresh::No).await, Next::Answer(_)));
        assert!(matches!(ask(&wrong, "", Fresh::No).await, Next::SignIn));
        // Not even whoever has just signed in.
        assert!(matches!(ask(&wrong, "", Fresh::Yes).await, Next::SignIn));
        let Next::Error(error) = ask(&wrong, "&prompt=none", Fresh::No).await else { panic!("no error") };
        assert_eq!(error.code(), ErrorCode::LoginRequired);
    }
    // A code that was given before the rule was.
    let open = at_a.client("open", settings(everyone())).await;
    let code = at_a.code(&open, &wrong, "").await;
    let open = put_client(&a, &open, by(&[&company])).await;
    assert!(is_invalid_grant(at_a.exchange(&open, &code).await));
    // A client of an app keeps to both.
    let dagster = a.app(&realm, DAGSTER, Access { ways: by(&[&company, &partner]), ..everyone() }).await;
    let of_app = Client { app_id: Some(dagster.id.clone()), ..at_a.client("of-app", settings(everyone())).await };
    let of_app = put_client(&a, &of_app, by(&[&partner])).await;
    b.follow().await;
    let ask = async |by| at_b.ask(&Provider::query(&of_app, ""), Some(by), (Fresh::No, Agreed::NotAsked)).await;
    assert!(matches!(ask(&wrong).await, Next::Answer(_)));
    assert!(matches!(ask(&right).await, Next::SignIn), "the client's own ways count too");
    put(&a, &dagster, Access { ways: by(&[&company]), ..everyone() }).await;
    b.follow().await;
    for session in [&right, &wrong] {
        assert!(matches!(ask(session).await, Next::SignIn), "no way that both admit");
    }
}

async fn tokens_end_with_the_way_they_rest_on(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let (at_a, at_b) = (Provider::on(&a).await, Provider::on(&b).await);
    let (people, domain) = (connector(&a, &realm, "people").await, connector(&a, &realm, "domain").await);
    let alice = a.user(&realm, "alice").await;
    let session = a.session_by(&alice, (Some(&people.id), Some(&domain.id))).await;
    let offline = ClientSettings { scopes: vec!["offline_access".to_owned()], ..settings(everyone()) };
    let mut all = Vec::new();
    for (name, scope) in [("plain", "openid"), ("offline", "openid+offline_access")] {
        let client = at_a.client(name, offline.clone()).await;
        let query = Provider::query(&client, "").replace("scope=openid+profile", &format!("scope={scope}"));
        let tokens = at_a.exchange(&client, &at_a.code_of(&query, &session).await).await.expect("tokens");
        assert!(at_a.is_good(&tokens.access).await);
        let client = put_client(&a, &client, by(&[&domain])).await;
        let refreshed = at_a.refresh(&client, &refresh_of(&tokens)).await;
        let refreshed = refreshed.unwrap_or_else(|error| panic!("{name} came rightly: {error}"));
        assert!(at_a.is_good(&refreshed.access).await);
        let client = put_client(&a, &client, by(&[&people])).await;
        all.push((client, refreshed));
    }
    b.follow().await;
    for (client, tokens) in &all {
        for at in [&at_a, &at_b] {
            assert!(!at.is_good(&tokens.access).await, "{}", client.name);
        }
        assert!(is_invalid_grant(at_b.refresh(client, &refresh_of(tokens)).await), "{}", client.name);
    }
    // What is shut at the connector that proved somebody outlives nothing.
    let client = at_a.client("late", offline).await;
    let query = Provider::query(&client, "").replace("openid+profile", "openid+offline_access");
    let tokens = at_a.exchange(&client, &at_a.code_of(&query, &session).await).await.expect("tokens");
    a.change(async |tx| connectors::set_active(tx, &domain, false).await).await;
    b.follow().await;
    assert!(is_invalid_grant(at_b.refresh(&client, &refresh_of(&tokens)).await));
}

async fn passwords_sent_by_clients_come_by_accounts(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let at = Provider::on(&node).await;
    let company = connector(&node, &realm, "company").await;
    node.user(&realm, "alice").await;
    let sending = ClientSettings { grants: vec![GrantType::Password], access: everyone(), ..ClientSettings::default() };
    let client = at.client("floe", sending).await;
    let send = async |client: &Client, text: &str| {
        let scopes = Scopes::parse("openid").expect("scopes");
        let ask = Ask { login: "alice", password: crate::people::password(text), scopes, key: None };
        match password(&node.door, &node.ctx(), (&at.realm, client), ask).await.expect("a database") {
            Ok(_) => "tokens".to_owned(),
            Err(No::Wrong) => "wrong".to_owned(),
            Err(No::Busy) => "busy".to_owned(),
            Err(No::Refused(error)) => error.code().to_string(),
        }
    };
    assert_eq!(send(&client, PASSWORD).await, "tokens");
    let shut = put_client(&node, &client, by(&[&company])).await;
    // Right and wrong ones alike, and neither is counted.
    for _ in 0..10 {
        assert_eq!(send(&shut, PASSWORD).await, "unauthorized_client");
        assert_eq!(send(&shut, "wrong").await, "unauthorized_client");
    }
    let open = put_client(&node, &client, Ways::only([WayIn::Account])).await;
    assert_eq!(send(&open, PASSWORD).await, "tokens");
}

async fn programs_come_as_their_people_had_come(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let company = connector(&a, &realm, "company").await;
    let dagster = a.app(&realm, DAGSTER, everyone()).await;
    let alice = a.user(&realm, "alice").await;
    let make = async |name: &str, came| {
        let rest = (TokenName::parse(name).expect("a name"), vec![dagster.id.clone()], 3600);
        personal_tokens::create(&a.door, &a.ctx(), (&alice, &[], came), rest).await.expect("a database")
    };
    let at_home = make("home", None).await.unwrap_or_else(|refused| panic!("{refused}"));
    let at_company = make("company", Some(&company.id)).await.unwrap_or_else(|refused| panic!("{refused}"));
    let machine = a.service_token(&realm, "ci", &[&dagster], 3600).await;
    put(&a, &dagster, Access { ways: by(&[&company]), ..everyone() }).await;
    b.follow().await;
    for node in [&a, &b] {
        let answer = async |token: &doorward_model::secret::PlainToken| {
            node.check(DAGSTER, Credential::Service(token.hash())).await
        };
        assert!(answer(&at_company).await.passes());
        assert!(wants_another_way(&answer(&at_home).await));
        assert!(answer(&machine).await.passes(), "a machine comes by none");
    }
    assert!(make("more", None).await.is_err_and(|refused| refused.to_string().contains("open to you")));
    assert!(make("more", Some(&company.id)).await.is_ok());
}

async fn explaining_says_which_ways_count(ground: Ground) {
    let node: Arc<Node> = ground.node().await;
    let realm = node.realm("main").await;
    let company = connector(&node, &realm, "company").await;
    connector(&node, &realm, "partner").await;
    let group = node.group(&realm, "engineers").await;
    let dagster = node.app(&realm, DAGSTER, Access { ways: by(&[&company]), ..only(&group) }).await;
    let alice = node.user(&realm, "alice").await;
    node.join(&group, &alice).await;
    node.user(&realm, "bob").await;
    let client = Provider::on(&node).await.client("notes", settings(everyone())).await;
    put_client(&node, &client, Ways::only([WayIn::Account, WayIn::Connector(company.id.clone())])).await;
    let path = RequestPath::parse("/").expect("a path");
    let told = async |user: &str, by: Option<&str>| {
        let by = by.map(|by| WayName::parse(by).expect("a way"));
        let user = doorward_model::name::UserName::parse(user).expect("a name");
        let asked = (&realm.name, &user, &dagster.slug);
        let told = explain::explain(&node.door, &node.ctx(), asked, (&path, "GET"), by.as_ref()).await;
        told.expect("a database").map(|told| (told.verdict, told.reason, told.connectors))
    };
    let company_alone = vec!["company".to_owned()];
    let by_group = "member of engineers, which may enter";
    let expected = ("pass", format!("{by_group}, of those who come in by company"), company_alone.clone());
    assert_eq!(told("alice", None).await, Ok(expected));
    assert_eq!(told("alice", Some("company")).await, Ok(("pass", by_group.to_owned(), company_alone.clone())));
    for by in ["accounts", "partner"] {
        let reason = format!("coming in by {by} does not count here, and what counts is company");
        assert_eq!(told("alice", Some(by)).await, Ok(("refuse", reason, company_alone.clone())));
    }
    let missing = "in none of the groups that may enter: engineers".to_owned();
    assert_eq!(told("bob", None).await, Ok(("refuse", missing.clone(), company_alone.clone())));
    assert_eq!(told("bob", Some("company")).await, Ok(("refuse", missing, company_alone)));
    assert!(
        told("alice", Some("nobody")).await.is_err_and(|refused| refused.to_string().contains("no connector named"))
    );
    let of_client = async |by: &str| {
        let by = WayName::parse(by).expect("a way");
        let asked = (&realm.name, &alice.name, &client.name);
        let told = explain::explain_client(&node.door, asked, Some(&by)).await.expect("a database");
        told.map(|told| (told.verdict, told.connectors)).unwrap_or_else(|refused| panic!("{refused}"))
    };
    let both = vec!["accounts".to_owned(), "company".to_owned()];
    assert_eq!(of_client("company").await, ("pass", both.clone()));
    assert_eq!(of_client("accounts").await, ("pass", both.clone()));
    assert_eq!(of_client("partner").await, ("refuse", both));
}
