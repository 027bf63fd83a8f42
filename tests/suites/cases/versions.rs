//! Two versions of Doorward and one database: what one has kept and handed out is good at the other, and a node goes on
//! beside a schema that is newer than it, as during every rolling upgrade.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use doorward_engine::clients::{Client, ClientSettings, GrantType};
use doorward_engine::gate::check::Credential;
use doorward_engine::manage::{clients, personal_tokens};
use doorward_engine::registration::{Policy, create_token, register};
use doorward_engine::sessions;
use doorward_engine::sign_in::flow::{self, Aim};
use doorward_engine::token::revoke::revoke;
use doorward_jose::jws::Presented;
use doorward_model::app::App;
use doorward_model::id::UserId;
use doorward_model::name::{ClientName, TokenName};
use doorward_model::people::{Realm, User};
use doorward_model::secret::{PlainToken, TokenHash, TokenKind};
use doorward_oauth::registration::Metadata;
use doorward_store::events;
use doorward_store::migrate::{MigrationError, migrate, migrate_up_to, newest_known};
use serde_json::{Value, json};

use crate::fixture::{Ground, Kind, Node, together, wait_for};
use crate::people::{Form, PASSWORD, everyone, signed_in};
use crate::provider::{Provider, refresh_of, settings};
use crate::requests::{arrive, push_at};
use crate::residue::is_unproved;

const DAGSTER: &str = "dagster.example.com";

/// What was kept by a version with this schema, and what it had handed out. Whoever appends a migration leaves these
/// as they are; one more comes from where `a_house_that_is_written_down_can_be_entered` leaves it.
const HOUSES: &[(i64, &str)] = &[(19, include_str!("houses/schema_19.json"))];

/// Tables with rows in a house, in an order in which they can be filled. Numbered rows (events, changes) are left out.
const TABLES: [&str; 20] = [
    "realms",
    "users",
    "apps",
    "app_hosts",
    "signing_keys",
    "sessions",
    "passes",
    "tickets",
    "devices",
    "throttles",
    "service_tokens",
    "service_token_apps",
    "personal_tokens",
    "personal_token_apps",
    "clients",
    "client_secrets",
    "families",
    "codes",
    "refresh_tokens",
    "registration_tokens",
];
/// The same, for what belongs to clients and comes last.
const MORE: [&str; 3] = ["session_clients", "pushed_requests", "jobs"];

fn name(text: &str) -> TokenName {
    TokenName::parse(text).expect("a name")
}

/// A client with its secret.
async fn client(at: &Provider, id: &str) -> (Client, String) {
    let (door, ctx) = (&at.node.door, at.node.ctx());
    let given = (ClientName::parse(id).expect("a client id"), None, settings(crate::provider::everyone()));
    let made = at.node.change(async |tx| clients::create(door, &ctx, tx, &at.realm.id, given).await).await;
    let (client, secret) = made.unwrap_or_else(|refused| panic!("{refused}"));
    (client, secret.expect("a secret").reveal().to_owned())
}

async fn own_token(node: &Node, user: &User, app: &App, called: &str) -> PlainToken {
    let rest = (name(called), vec![app.id.clone()], 3600);
    let made = personal_tokens::create(&node.door, &node.ctx(), (user, &[], None), rest).await.expect("a database");
    made.unwrap_or_else(|refused| panic!("{refused}"))
}

fn metadata() -> Metadata {
    Metadata::parse(r#"{"redirect_uris":["https://app.example.com/cb"]}"#).expect("metadata")
}

/// Makes one of everything that outlives a restart, and hands it out.
async fn furnish(node: &Arc<Node>) -> BTreeMap<&'static str, String> {
    let realm = node.realm("main").await;
    let alice = node.user(&realm, "alice").await;
    let app = node.app(&realm, DAGSTER, everyone()).await;
    let opened = node.sign_in(&realm, &Form::new("alice", PASSWORD)).await;
    let session = signed_in(&opened);
    let at = Provider::on(node).await;
    let (grafana, secret) = client(&at, "grafana").await;
    let code = at.code(&grafana, &session, "").await;
    let tokens = at.exchange(&grafana, &code).await.unwrap_or_else(|refused| panic!("{refused}"));
    let policy = Policy {
        redirect_hosts: vec!["app.example.com".to_owned()],
        grants: vec![GrantType::AuthorizationCode],
        ..Policy::default()
    };
    let ctx = node.ctx();
    let given = (name("ci"), &policy, 3, 3600);
    let made = node.change(async |tx| create_token(&node.door, &ctx, tx, &realm.id, given).await).await;
    let (registration, _) = made.unwrap_or_else(|refused| panic!("{refused}"));
    let browser = node.binding();
    let page = flow::begin(&node.door, &ctx, &realm.id, &browser.hash(), Aim::Home).expect("a page");
    BTreeMap::from([
        ("session", opened.session.reveal().to_owned()),
        ("pass", node.enter(&session, &app).await.reveal().to_owned()),
        ("service", node.service_token(&realm, "machine", &[&app], 3600).await.reveal().to_owned()),
        ("own", own_token(node, &alice, &app, "laptop").await.reveal().to_owned()),
        ("secret", secret),
        ("access", tokens.access.clone()),
        ("refresh", refresh_of(&tokens)),
        ("code", at.code(&grafana, &session, "").await),
        ("pushed", push_at(&at, &grafana, &Provider::query(&grafana, "")).await.expect("a request")),
        ("registration", registration.reveal().to_owned()),
        ("browser", browser.reveal().to_owned()),
        ("page", page),
    ])
}

/// Asks for everything that was handed out.
async fn is_as_it_was(node: &Arc<Node>, given: &Value) {
    let word = |name: &str| given[name].as_str().unwrap_or_else(|| panic!("no {name}")).to_owned();
    let hash = |kind, name: &str| TokenHash::of_presented(kind, &word(name)).unwrap_or_else(|| panic!("no {name}"));
    let at = Provider::of(node, "main").await;
    let (door, ctx, realm) = (&node.door, node.ctx(), &at.realm);
    let key = Presented::read(&word("access")).expect("a token").header().kid().expect("a key").to_owned();
    let published = door.keys.published(&realm.id);
    assert!(published.iter().any(|known| known.id().as_str() == key), "the key stays");
    assert!(at.is_good(&word("access")).await, "an access token");
    let session = sessions::find(door, &ctx, &hash(TokenKind::Session, "session")).await.expect("a database");
    let session = session.expect("the session goes on");
    assert_eq!(session.user.name.as_str(), "alice");
    for credential in [
        Credential::Pass(hash(TokenKind::Pass, "pass")),
        Credential::Service(hash(TokenKind::Service, "service")),
        Credential::Service(hash(TokenKind::Service, "own")),
    ] {
        assert!(node.check(DAGSTER, credential).await.passes());
    }
    assert!(!is_unproved(&at, "grafana", &word("secret")).await, "the client's secret");
    assert!(is_unproved(&at, "grafana", &word("registration")).await);
    let grafana = crate::requests::at_client(&at, "grafana").await;
    assert!(at.refresh(&grafana, &word("refresh")).await.is_ok(), "a refresh token");
    assert!(at.exchange(&grafana, &word("code")).await.is_ok(), "a code");
    let raw = format!("client_id=grafana&request_uri={}", word("pushed"));
    assert_eq!(arrive(&at, &raw, Some(&session)).await.words(), "answer", "a pushed request");
    let browser = hash(TokenKind::Binding, "browser");
    assert!(flow::find(door, &ctx, &word("page"), &browser).is_some(), "a sign-in page");
    let made = register(door, &ctx, &realm.id, (&word("registration"), &metadata())).await.expect("a database");
    assert!(made.is_ok(), "a registration token");
    assert_eq!(node.try_from("192.0.2.9", realm, &Form::new("alice", PASSWORD)).await, "opened");
    assert_eq!(node.try_from("192.0.2.9", realm, &Form::new("alice", crate::people::WRONG)).await, "wrong");
}

/// One row as a statement.
fn insert(kind: Kind, table: &str, row: &Value) -> String {
    let columns = row.as_object().expect("a row");
    let values: Vec<String> = columns
        .values()
        .map(|value| match (value, value.get("hex").and_then(Value::as_str)) {
            (_, Some(hex)) if kind == Kind::Postgres => format!("'\\x{hex}'"),
            (_, Some(hex)) => format!("X'{hex}'"),
            (Value::String(text), None) => format!("'{}'", text.replace('\'', "''")),
            (other, None) => other.to_string(),
        })
        .collect();
    let names: Vec<&str> = columns.keys().map(String::as_str).collect();
    format!("INSERT INTO {table} ({}) VALUES ({});\n", names.join(", "), values.join(", "))
}

/// Puts the rows of a house into an empty database of its schema, and asks for everything that was handed out there.
async fn enter(ground: &Ground, (schema, house): (i64, &Value)) {
    let ground = ground.another();
    migrate_up_to(&ground.store().await, schema).await.expect("the schema of then");
    assert_eq!(ground.number("SELECT COUNT(*) FROM schema_versions").await, schema);
    let mut rows = 0;
    for table in TABLES.into_iter().chain(MORE) {
        for row in house["rows"][table].as_array().into_iter().flatten() {
            ground.raw(&insert(ground.kind, table, row)).await;
            rows += 1;
        }
    }
    assert!(rows > 20, "schema {schema}: {rows} rows");
    // Another random sequence than the one everything in the house was drawn from.
    let node = ground.node_ahead(0).await;
    is_as_it_was(&node, &house["given"]).await;
}

async fn gauntlet_b18_07_what_another_version_kept_and_handed_out_is_good(ground: Ground) {
    for (schema, text) in HOUSES {
        enter(&ground, (*schema, &serde_json::from_str(text).expect("JSON"))).await;
    }
}

/// Everything a node on SQLite has kept, and what it handed out.
async fn written_down(ground: &Ground) -> Value {
    let node = ground.deaf_node().await;
    let given = furnish(&node).await;
    let mut rows = BTreeMap::new();
    for table in ground.texts("SELECT name FROM sqlite_schema WHERE type = 'table'").await {
        let columns = ground.texts(&format!("SELECT name FROM pragma_table_info('{table}')")).await;
        let value = |name: &String| {
            format!("CASE typeof({name}) WHEN 'blob' THEN json_object('hex', hex({name})) ELSE {name} END")
        };
        let members: Vec<String> = columns.iter().map(|name| format!("'{name}', {}", value(name))).collect();
        let all = ground.texts(&format!("SELECT json_object({}) FROM {table}", members.join(", "))).await;
        if all.is_empty() || ["schema_versions", "events", "changes", "sqlite_sequence"].contains(&table.as_str()) {
            continue;
        }
        assert!(TABLES.iter().chain(&MORE).any(|name| *name == table), "{table} has rows: list it");
        let all: Vec<Value> = all.iter().map(|row| serde_json::from_str(row).expect("JSON")).collect();
        rows.insert(table, all);
    }
    json!({"given": given, "rows": rows})
}

/// A house of this very version can be written down and entered again, on either database. The file is left where it
/// can be kept from.
#[test]
fn a_house_that_is_written_down_can_be_entered() {
    let house = Arc::new(Mutex::new(Value::Null));
    let kept = house.clone();
    together(Kind::Sqlite, async move |ground| {
        let house = written_down(&ground).await;
        enter(&ground, (newest_known(), &house)).await;
        let text = serde_json::to_string_pretty(&house).expect("JSON");
        let place = format!("{}/schema_{}.json", env!("CARGO_TARGET_TMPDIR"), newest_known());
        std::fs::write(&place, text + "\n").expect("written");
        println!("a house of this version is at {place}");
        *kept.lock().expect("a house") = house;
    });
    together(Kind::Postgres, async move |ground| {
        let house = house.lock().expect("a house").clone();
        enter(&ground, (newest_known(), &house)).await;
    });
}

/// What goes on at two nodes while the schema changes under them.
struct Load {
    nodes: [Provider; 2],
    realm: Realm,
    alice: User,
    app: App,
    client: Client,
    over: AtomicBool,
    rounds: AtomicUsize,
}

impl Load {
    /// One way from a session to its end, over both nodes. Whatever fails panics.
    async fn round(&self, turn: usize) {
        let (here, there) = (&self.nodes[turn % 2], &self.nodes[(turn + 1) % 2]);
        let session = here.node.session(&self.alice).await;
        let pass = here.node.enter(&session, &self.app).await;
        assert!(there.node.check_pass(DAGSTER, &pass).await.passes(), "a pass");
        let code = here.code(&self.client, &session, "").await;
        let tokens = there.exchange(&self.client, &code).await.unwrap_or_else(|refused| panic!("{refused}"));
        assert!(here.is_good(&tokens.access).await, "an access token");
        let next = here.refresh(&self.client, &refresh_of(&tokens)).await.unwrap_or_else(|refused| panic!("{refused}"));
        let (door, ctx) = (&there.node.door, there.node.ctx());
        revoke(door, &ctx, &there.realm, &self.client, &next.access).await.expect("a database");
        assert!(!here.is_good(&next.access).await, "revoked");
        let token = own_token(&here.node, &self.alice, &self.app, &format!("t{turn}")).await;
        assert!(there.node.check(DAGSTER, Credential::Service(token.hash())).await.passes(), "a token of her own");
        let own = personal_tokens::list(&here.node.door, &self.alice).await.expect("a database");
        let own = own.iter().find(|own| own.name.as_str() == format!("t{turn}")).expect("the token");
        let revoked = personal_tokens::revoke(door, &ctx, &self.alice, &own.id).await.expect("a database");
        assert!(revoked, "a token of her own is revoked");
        assert!(sessions::end(door, &ctx, &session.session.id, "a test said so").await.expect("a database"));
        assert!(!there.node.check_pass(DAGSTER, &pass).await.passes(), "the session has ended");
        let pushed = push_at(here, &self.client, &Provider::query(&self.client, "")).await;
        assert!(pushed.is_ok(), "a pushed request");
        self.rounds.fetch_add(1, Ordering::SeqCst);
    }

    /// Waits until so many rounds have begun and ended from here on.
    async fn goes_on(&self, rounds: usize) {
        let until = self.rounds.load(Ordering::SeqCst) + rounds;
        let went_on = wait_for(Duration::from_secs(120), async || self.rounds.load(Ordering::SeqCst) >= until).await;
        assert!(went_on.is_some(), "nothing goes on any more");
    }
}

/// The next version has migrated while nodes of this one still serve: more columns, more tables, and words in the feed
/// and the record that nobody here knows.
async fn gauntlet_b18_07_nodes_go_on_beside_a_newer_schema_and_do_what_they_cannot_read(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let (alice, bob) = (a.user(&realm, "alice").await, a.user(&realm, "bob").await);
    let app = a.app(&realm, DAGSTER, everyone()).await;
    let at_a = Provider::on(&a).await;
    let client = at_a.client("grafana", ClientSettings { ..settings(crate::provider::everyone()) }).await;
    b.follow().await;
    let nodes = [at_a, Provider::on(&b).await];
    let (over, rounds) = (AtomicBool::new(false), AtomicUsize::new(0));
    let load = Arc::new(Load { nodes, realm, alice, app, client, over, rounds });
    let working = {
        let load = load.clone();
        tokio::spawn(async move {
            let mut turn = 0;
            while !load.over.load(Ordering::SeqCst) {
                load.round(turn).await;
                turn += 1;
            }
            turn
        })
    };
    load.goes_on(2).await;
    let tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1";
    let tables = ground.texts(tables).await;
    assert!(tables.len() > 40, "{tables:?}");
    for table in &tables {
        ground.raw(&format!("ALTER TABLE {table} ADD COLUMN of_tomorrow TEXT NOT NULL DEFAULT 'x'")).await;
        ground.raw(&format!("CREATE INDEX tomorrow_{table} ON {table} (of_tomorrow)")).await;
        assert!(!working.is_finished(), "{table}");
    }
    let users = "REFERENCES users (id) ON DELETE CASCADE";
    ground.raw(&format!("CREATE TABLE of_tomorrow (id BIGINT PRIMARY KEY, user_id TEXT {users})")).await;
    ground.raw(&format!("INSERT INTO schema_versions (version) VALUES ({})", newest_known() + 1)).await;
    load.goes_on(6).await;
    // Whoever starts now, of this version, is told and changes nothing.
    let Err(MigrationError::Newer { found, known }) = migrate(&ground.store().await).await else { panic!("it starts") };
    assert_eq!((found, known), (newest_known() + 1, newest_known()));

    // A node of tomorrow takes something away and says so in words of tomorrow.
    let pass = a.pass(&a.session(&bob).await.session, &load.app).await;
    for node in [&a, &b] {
        assert!(node.check_pass(DAGSTER, &pass).await.passes() && node.check_pass(DAGSTER, &pass).await.passes());
    }
    let end = |user: &UserId| format!("UPDATE users SET is_active = 0 WHERE id = '{user}'");
    let said = "INSERT INTO changes (at_ms, what) VALUES (0, 'badge bdg_00000000000000000000000000')";
    ground.raw(&format!("{}; {said}", end(&bob.id))).await;
    ground
        .raw(
            "INSERT INTO events (at_ms, kind, actor, subject, detail, request_id, client_address) \
             VALUES (9223372036854775000, 'badge_taken', 'worker', 'bdg_0', 'of tomorrow', 'r', '')",
        )
        .await;
    for node in [&a, &b] {
        let is_out = async || !node.check_pass(DAGSTER, &pass).await.passes();
        assert!(wait_for(Duration::from_secs(5), is_out).await.is_some(), "a node goes on with what it remembers");
    }
    // Others write all the while.
    let newest = events::newest(&mut &a.door.store, 5000).await.expect("the record can be read");
    assert!(newest.iter().any(|event| event.kind == "badge_taken"), "{} events", newest.len());
    load.goes_on(3).await;
    load.over.store(true, Ordering::SeqCst);
    println!("{} rounds", working.await.expect("no request failed"));
    assert!(load.nodes.iter().all(|at| at.realm.id == load.realm.id));
}

on_postgres!(together: gauntlet_b18_07_nodes_go_on_beside_a_newer_schema_and_do_what_they_cannot_read);
on_both!(together: gauntlet_b18_07_what_another_version_kept_and_handed_out_is_good);
