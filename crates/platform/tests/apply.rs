//! Given declared files and a database: what is there afterwards, and that a second plan finds nothing.
#![expect(clippy::unwrap_used, reason = "tests")]

use doorward_engine::door::Door;
use doorward_engine::gate::explain;
use doorward_engine::manage;
use doorward_engine::settings::{SessionLimits, Settings};
use doorward_jose::seal::MasterKey;
use doorward_model::address::Address;
use doorward_model::context::{Ctx, RequestTag};
use doorward_model::event::Actor;
use doorward_model::name::{AppSlug, GroupName, RealmName, UserName};
use doorward_model::path::RequestPath;
use doorward_model::people::Source;
use doorward_model::secret::Password;
use doorward_model::time::Timestamp;
use doorward_platform::apply::{apply, current};
use doorward_platform::declared::{Plan, Reading, parse, plan};
use doorward_store::migrate::migrate;
use doorward_store::store::{Database, Store};
use doorward_store::{groups, realms, users};
use doorward_world::World;
use std::path::PathBuf;

const FIRST: &str = "
kind: Realm
name: main
title: Data platform
---
kind: Group
name: data
groups: [analysts]
---
kind: Group
name: analysts
members: [bob]
---
kind: Group
name: ops
---
kind: User
name: alice
display: Alice A.
email: alice@example.com
password: file:@DIR@/alice
groups: [ops]
---
kind: User
name: bob
---
kind: App
name: dagster
title: Dagster
addresses: [https://dagster.example.com]
upstream: http://127.0.0.1:3000
allowed_groups: [data]
public_paths: [/health]
---
kind: App
name: grafana
addresses: [https://grafana.example.com]
headers: [webauth]
allowed_groups: [ops]
";

const SECOND: &str = "
kind: Group
name: data
groups: []
---
kind: Group
name: analysts
members: [alice]
---
kind: User
name: alice
email: alice@example.org
active: false
---
kind: App
name: dagster
title: Pipelines
addresses: [https://grafana.example.com]
allowed_groups: [data, analysts]
---
kind: App
name: grafana
addresses: [https://dagster.example.com]
everyone: true
";

/// A door on a database of its own, which goes away with it.
struct Given {
    door: Door,
    ctx: Ctx,
    directory: PathBuf,
}

impl Given {
    async fn fresh(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("doorward-apply-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(&directory).unwrap();
        let store = Store::open(&Database::Sqlite(directory.join("doorward.db"))).await.unwrap();
        migrate(&store).await.unwrap();
        let world = World::frozen(Timestamp::from_millis(1_900_000_000_000), 7);
        let settings = Settings {
            public: Address::parse("https://door.example.com").unwrap(),
            realm: RealmName::parse("main").unwrap(),
            sessions: SessionLimits::default(),
            database_grace_seconds: 300,
            shared_domain: None,
        };
        let door = Door::new(store, settings, MasterKey::from_bytes(&[3; 32]).unwrap(), world.dice().clone());
        let ctx = Ctx { now: world.now(), actor: Actor::Declaration, request: RequestTag::new(1, 1), client: None };
        door.warm(&ctx).await.unwrap();
        std::fs::write(directory.join("alice"), "correct horse battery\n").unwrap();
        Self { door, ctx, directory }
    }

    async fn plan(&self, text: &str) -> Plan {
        let text = text.replace("@DIR@", &self.directory.display().to_string());
        let realm = self.door.settings.realm.clone();
        let reading = Reading { realm, is_only_realm: false, upstream: |_| Ok(()) };
        plan(&parse("d.yaml", &text, &reading).unwrap(), &current(&self.door).await.unwrap()).unwrap()
    }

    async fn apply(&self, text: &str) -> Result<(), String> {
        let plan = self.plan(text).await;
        apply(&self.door, &self.ctx, &plan).await.unwrap().map_err(|refused| refused.to_string())
    }

    async fn explain(&self, user: &str, app: &str) -> String {
        let realm = RealmName::parse("main").unwrap();
        let (user, app) = (UserName::parse(user).unwrap(), AppSlug::parse(app).unwrap());
        let path = RequestPath::parse("/").unwrap();
        let explained = explain::explain(&self.door, &self.ctx, (&realm, &user, &app), (&path, "GET")).await;
        explained.unwrap().unwrap().verdict.to_owned()
    }

    async fn user_id(&self, name: &str) -> (doorward_model::people::Realm, doorward_model::people::User) {
        let realm = realms::find(&mut &self.door.store, &self.door.settings.realm).await.unwrap().unwrap();
        let name = UserName::parse(name).unwrap();
        let user = users::find_by_name(&mut &self.door.store, &realm.id, &name).await.unwrap().unwrap();
        (realm, user)
    }
}

impl Drop for Given {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_applied_file_holds_and_a_second_plan_is_empty() {
    let given = Given::fresh("whole").await;
    given.apply(FIRST).await.unwrap();
    let again = given.plan(FIRST).await;
    assert!(again.is_empty(), "{}", again.render());
    assert_eq!(given.explain("bob", "dagster").await, "pass");
    assert_eq!(given.explain("alice", "dagster").await, "refuse");
    assert_eq!(given.explain("alice", "grafana").await, "pass");
    let (realm, alice) = given.user_id("alice").await;
    assert_eq!(realm.title.as_str(), "Data platform");
    let hash = users::password(&mut &given.door.store, &alice.id).await.unwrap();
    let typed = Password::presented("correct horse battery").unwrap();
    assert!(given.door.hasher.verify(typed, hash.as_deref()).await.unwrap());

    given.apply(SECOND).await.unwrap();
    let again = given.plan(SECOND).await;
    assert!(again.is_empty(), "{}", again.render());
    // Apps swapped addresses, the nesting is gone, and alice was disabled.
    assert_eq!(given.explain("bob", "dagster").await, "refuse");
    assert_eq!(given.explain("bob", "grafana").await, "pass");
    let (_, alice) = given.user_id("alice").await;
    assert!(!alice.is_active);
    assert_eq!(alice.email.unwrap().as_str(), "alice@example.org");
    assert_eq!(alice.display.as_str(), "Alice A.");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_set_by_hand_stays() {
    let given = Given::fresh("hand").await;
    given.apply(FIRST).await.unwrap();
    let (realm, alice) = given.user_id("alice").await;
    let name = GroupName::parse("analysts").unwrap();
    let analysts = groups::find(&mut &given.door.store, &realm.id, &name).await.unwrap().unwrap();
    let mut tx = given.door.begin().await.unwrap();
    assert!(manage::groups::add_member(&mut tx, &analysts, &alice, &Source::Local).await.unwrap());
    given.door.commit(&given.ctx, tx).await.unwrap();
    assert!(given.plan(FIRST).await.is_empty());
    given.apply(FIRST).await.unwrap();
    assert_eq!(given.explain("alice", "dagster").await, "pass");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_or_nothing() {
    let given = Given::fresh("nothing").await;
    // The last step is refused: the app stands at Doorward's own host.
    let text = format!("{FIRST}---\nkind: App\nname: own\naddresses: [https://door.example.com]\neveryone: true\n");
    assert_eq!(
        given.apply(&text).await.unwrap_err(),
        "app own: address https://door.example.com is Doorward's own host door.example.com: choose another"
    );
    let there = current(&given.door).await.unwrap();
    assert!(there.realms.is_empty() && there.users.is_empty() && there.apps.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_or_weak_secret_is_refused_before_anything_changes() {
    let given = Given::fresh("secret").await;
    let text = "kind: Realm\nname: main\n---\nkind: User\nname: eve\npassword: env:DOORWARD_TEST_NOT_SET\n";
    assert_eq!(
        given.apply(text).await.unwrap_err(),
        "password of user main/eve: env:DOORWARD_TEST_NOT_SET is not set or not text: set it and apply again"
    );
    std::fs::write(given.directory.join("alice"), "\n").unwrap();
    let refused = given.apply(FIRST).await.unwrap_err();
    assert!(refused.ends_with("alice is empty: put the password there"), "{refused}");
    std::fs::write(given.directory.join("alice"), "short\n").unwrap();
    let refused = given.apply(FIRST).await.unwrap_err();
    assert!(refused.ends_with("alice: a password needs at least 10 characters"), "{refused}");
    assert!(current(&given.door).await.unwrap().realms.is_empty());
}
