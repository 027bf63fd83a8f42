//! What is deleted leaves nothing to whatever is made later under its name: neither in the database nor in the
//! memory of any node.

use doorward_engine::authorize::consent::Agreed;
use doorward_engine::authorize::{Fresh, Next};
use doorward_engine::clients::authenticate::{Proof, Shown, authenticate};
use doorward_engine::clients::{Client, ClientSettings, ConsentMode, GrantType};
use doorward_engine::gate::check::Credential;
use doorward_engine::manage::{apps, clients, groups, personal_tokens, roles, users};
use doorward_model::app::App;
use doorward_model::name::{ClientName, RoleName, TokenName};
use doorward_model::people::{Group, Holder, Source, User};
use doorward_store::sessions::SignedIn;

use crate::fixture::{Ground, Node};
use crate::people::{Form, everyone, only};
use crate::provider::{Provider, is_invalid_grant, refresh_of, settings};

const DAGSTER: &str = "dagster.example.com";
const GRAFANA: &str = "grafana.example.com";

/// Tables that hang on users, groups, apps, clients or sessions, and how.
const HANGING: &[(&str, &str, &str)] = &[
    ("memberships", "user_id", "users"),
    ("memberships", "group_id", "user_groups"),
    ("nestings", "parent_id", "user_groups"),
    ("nestings", "child_id", "user_groups"),
    ("app_hosts", "app_id", "apps"),
    ("app_groups", "app_id", "apps"),
    ("app_groups", "group_id", "user_groups"),
    ("sessions", "user_id", "users"),
    ("passes", "session_id", "sessions"),
    ("passes", "app_id", "apps"),
    ("tickets", "session_id", "sessions"),
    ("devices", "user_id", "users"),
    ("service_token_apps", "app_id", "apps"),
    ("personal_tokens", "user_id", "users"),
    ("personal_token_apps", "app_id", "apps"),
    ("client_secrets", "client_id", "clients"),
    ("codes", "client_id", "clients"),
    ("codes", "session_id", "sessions"),
    ("families", "client_id", "clients"),
    ("families", "user_id", "users"),
    ("refresh_tokens", "family_id", "families"),
    ("consents", "user_id", "users"),
    ("consents", "client_id", "clients"),
    ("role_users", "user_id", "users"),
    ("role_groups", "group_id", "user_groups"),
    ("role_clients", "client_id", "clients"),
    ("session_clients", "client_id", "clients"),
];

async fn nothing_hangs_in_the_air(ground: &Ground) {
    for (table, column, parent) in HANGING {
        let sql = format!(
            "SELECT COUNT(*) FROM {table} WHERE {column} IS NOT NULL AND {column} NOT IN (SELECT id FROM {parent})"
        );
        assert_eq!(ground.number(&sql).await, 0, "{table}.{column}");
    }
}

/// Whether a client shows its secret in vain.
pub async fn is_unproved(at: &Provider, name: &str, secret: &str) -> bool {
    let shown = Shown {
        client_id: Some(name),
        proof: Proof::Secret(secret),
        certificate: None,
        path: "/realms/main/protocol/openid-connect/token",
    };
    authenticate(&at.node.door, &at.node.ctx(), &at.realm, &shown).await.expect("a database").is_err()
}

async fn made(at: &Provider, name: &str, settings: ClientSettings) -> (Client, String) {
    let (door, ctx) = (&at.node.door, at.node.ctx());
    let given = (ClientName::parse(name).expect("a client id"), None, settings);
    let made = at.node.change(async |tx| clients::create(door, &ctx, tx, &at.realm.id, given).await).await;
    let (client, secret) = made.unwrap_or_else(|refused| panic!("{refused}"));
    (client, secret.map(|secret| secret.reveal().to_owned()).unwrap_or_default())
}

/// A program's token of a person's own.
async fn own_token(node: &Node, (user, groups): (&User, &[Group]), app: &App) -> Credential {
    let rest = (TokenName::parse("laptop").expect("a name"), vec![app.id.clone()], 3600);
    let made = personal_tokens::create(&node.door, &node.ctx(), (user, groups, None), rest).await.expect("a database");
    Credential::Service(made.unwrap_or_else(|refused| panic!("{refused}")).hash())
}

async fn gauntlet_b13_05_a_user_made_again_has_nothing_of_the_one_before(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let (at_a, at_b) = (Provider::on(&a).await, Provider::on(&b).await);
    let group = a.group(&realm, "engineers").await;
    let dagster = a.app(&realm, DAGSTER, only(&group)).await;
    let grafana = a.app(&realm, GRAFANA, everyone()).await;
    let asking = ClientSettings { consent: ConsentMode::Explicit, ..settings(everyone()) };
    let client = at_a.client("notes", asking).await;
    let first = a.user_with_email(&realm, "alice", Some("alice@example.com")).await;
    a.join(&group, &first).await;
    let name = RoleName::parse("editor").expect("a role name");
    let new = roles::NewRole { client: None, name, description: String::new() };
    let role = a.change(async |tx| roles::create(&a.door, tx, &realm.id, new).await).await.expect("the role is new");
    let holder = Holder::User(first.id.clone());
    let given = a.change(async |tx| roles::give(tx, &role, &holder, &Source::Local).await).await;
    assert_eq!(given, Ok(true));
    b.follow().await;
    let opened = a.sign_in(&realm, &Form::new("alice", crate::people::PASSWORD)).await;
    let session = SignedIn { session: opened.kept.clone(), user: first.clone() };
    let passes = [
        (DAGSTER, Credential::Pass(a.pass(&session.session, &dagster).await.hash())),
        (GRAFANA, Credential::Pass(a.pass(&session.session, &grafana).await.hash())),
        (GRAFANA, own_token(&a, (&first, &[]), &grafana).await),
    ];
    let query = Provider::query(&client, "");
    let agreed = at_a.ask(&query, Some(&session), (Fresh::No, Agreed::Now)).await;
    let Next::Answer(answer) = agreed else { panic!("no code") };
    let code = answer.code.expect("a code");
    let Ok(tokens) = at_a.exchange(&client, code.reveal()).await else { panic!("the code is good") };
    let unused = at_a.code(&client, &session, "").await;
    for node in [&a, &b] {
        node.follow().await;
        for (at, pass) in &passes {
            assert!(node.check(at, *pass).await.passes(), "{at}");
        }
    }

    a.change(async |tx| users::delete(tx, &first).await).await;
    nothing_hangs_in_the_air(&ground).await;
    let second = a.user_with_email(&realm, "alice", Some("alice@example.com")).await;
    assert_ne!(first.id, second.id);
    for (node, at) in [(&a, &at_a), (&b, &at_b)] {
        node.follow().await;
        for (place, pass) in &passes {
            assert!(!node.check(place, *pass).await.passes(), "{place}");
        }
        assert!(!at.is_good(&tokens.access).await);
        assert!(is_invalid_grant(at.refresh(&client, &refresh_of(&tokens)).await));
        assert!(is_invalid_grant(at.exchange(&client, &unused).await));
    }
    // The new person begins with nothing: no group, no role, no consent.
    let session = a.session(&second).await;
    let pass = a.pass(&session.session, &dagster).await;
    assert!(!b.check_pass(DAGSTER, &pass).await.passes());
    assert!(matches!(at_b.ask(&query, Some(&session), (Fresh::No, Agreed::NotAsked)).await, Next::Consent));
    assert_eq!(ground.number("SELECT COUNT(*) FROM role_users").await, 0);
    assert_eq!(ground.number(&format!("SELECT COUNT(*) FROM devices WHERE user_id = '{}'", second.id)).await, 0);
}

async fn gauntlet_b13_05_a_client_made_again_has_nothing_of_the_one_before(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let (at_a, at_b) = (Provider::on(&a).await, Provider::on(&b).await);
    let alice = a.session(&a.user(&realm, "alice").await).await;
    let rule = || ClientSettings {
        grants: vec![GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::ClientCredentials],
        consent: ConsentMode::Explicit,
        ..settings(everyone())
    };
    let (first, secret) = made(&at_a, "grafana", rule()).await;
    b.follow().await;
    let agreed = at_a.ask(&Provider::query(&first, ""), Some(&alice), (Fresh::No, Agreed::Now)).await;
    let Next::Answer(answer) = agreed else { panic!("no code") };
    let Ok(tokens) = at_a.exchange(&first, answer.code.expect("a code").reveal()).await else { panic!("a good code") };
    let unused = at_a.code(&first, &alice, "").await;
    for at in [&at_a, &at_b] {
        assert!(!is_unproved(at, "grafana", &secret).await && at.is_good(&tokens.access).await);
    }

    a.change(async |tx| clients::delete(tx, &first).await).await;
    nothing_hangs_in_the_air(&ground).await;
    let (second, fresh) = made(&at_a, "grafana", rule()).await;
    for (node, at) in [(&a, &at_a), (&b, &at_b)] {
        node.follow().await;
        assert!(is_unproved(at, "grafana", &secret).await && !is_unproved(at, "grafana", &fresh).await);
        assert!(!at.is_good(&tokens.access).await, "a token of the former client is nobody's");
        assert!(is_invalid_grant(at.refresh(&second, &refresh_of(&tokens)).await));
        assert!(is_invalid_grant(at.exchange(&second, &unused).await));
        let asked = at.ask(&Provider::query(&second, ""), Some(&alice), (Fresh::No, Agreed::NotAsked)).await;
        assert!(matches!(asked, Next::Consent), "what was agreed to was another client's");
    }
}

async fn gauntlet_b13_05_a_group_and_an_app_made_again_have_nothing_of_those_before(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let alice = a.user(&realm, "alice").await;
    let session = a.session(&alice).await.session;
    let (inner, outer) = (a.group(&realm, "engineers").await, a.group(&realm, "users").await);
    a.nest(&outer, &inner).await.expect("nested");
    a.join(&inner, &alice).await;
    let dagster = a.app(&realm, DAGSTER, only(&outer)).await;
    let pass = Credential::Pass(a.pass(&session, &dagster).await.hash());
    let machine = Credential::Service(a.service_token(&realm, "ci", &[&dagster], 3600).await.hash());
    let own = own_token(&a, (&alice, &[inner.clone(), outer.clone()]), &dagster).await;
    for node in [&a, &b] {
        node.follow().await;
        for credential in [pass, machine, own] {
            assert!(node.check(DAGSTER, credential).await.passes());
        }
    }
    let refused_on_both = async |credentials: &[Credential], why: &str| {
        for node in [&a, &b] {
            node.follow().await;
            for credential in credentials {
                assert!(!node.check(DAGSTER, *credential).await.passes(), "{why}");
            }
        }
    };
    // The group the rule names: another of its name, with the same member in it, is not meant.
    a.change(async |tx| groups::delete(tx, &outer).await).await;
    let again = a.group(&realm, "users").await;
    let joined = async |tx: &mut _| groups::add_member(tx, &again, &alice, &Source::Local).await;
    assert!(a.change(joined).await);
    refused_on_both(&[pass, own], "a rule names a group and not its name").await;
    // The app: what opened the former opens nothing at the same address.
    a.change(async |tx| apps::delete(tx, &dagster).await).await;
    nothing_hangs_in_the_air(&ground).await;
    let second = a.app(&realm, DAGSTER, everyone()).await;
    refused_on_both(&[pass, machine, own], "what was given for the former app").await;
    let fresh = Credential::Pass(a.pass(&session, &second).await.hash());
    for node in [&a, &b] {
        node.follow().await;
        assert!(node.check(DAGSTER, fresh).await.passes());
    }
}

on_both!(together:
    gauntlet_b13_05_a_user_made_again_has_nothing_of_the_one_before,
    gauntlet_b13_05_a_client_made_again_has_nothing_of_the_one_before,
    gauntlet_b13_05_a_group_and_an_app_made_again_have_nothing_of_those_before,
);
