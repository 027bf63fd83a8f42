//! Given declared files and a database: what is there afterwards, and that a second plan finds nothing.
#![expect(clippy::unwrap_used, reason = "tests")]

use doorward_engine::clients::Client;
use doorward_engine::clients::authenticate::{Proof, Shown, authenticate};
use doorward_engine::door::Door;
use doorward_engine::gate::explain;
use doorward_engine::manage::{self, Refused};
use doorward_engine::settings::{KeyTimes, SessionLimits, Settings};
use doorward_jose::seal::MasterKey;
use doorward_model::address::Address;
use doorward_model::context::{Ctx, RequestTag};
use doorward_model::event::Actor;
use doorward_model::name::{AppSlug, ClientName, GroupName, RealmName, UserName};
use doorward_model::path::RequestPath;
use doorward_model::people::Source;
use doorward_model::secret::Password;
use doorward_model::time::Timestamp;
use doorward_platform::apply::{NewSecret, apply, current};
use doorward_platform::declared::{Plan, Reading, Step, parse, plan};
use doorward_store::migrate::migrate;
use doorward_store::store::{Database, Store};
use doorward_store::{clients, groups, realms, users};
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
            client_authorities: None,
            keys: KeyTimes::default(),
        };
        let door = Door::new(store, settings, MasterKey::from_bytes(&[3; 32]).unwrap(), world.dice().clone());
        let ctx = Ctx {
            now: world.now(),
            actor: Actor::Declaration,
            request: RequestTag::new(1, 1),
            client: None,
            certificate: None,
        };
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
        let applied = apply(&self.door, &self.ctx, &plan, |_| Ok(())).await.unwrap();
        applied.map(drop).map_err(|refused| refused.to_string())
    }

    /// Applies a set of files; the names and secrets of clients that got one.
    async fn apply_for_secrets(&self, text: &str) -> Vec<(String, String)> {
        let plan = self.plan(text).await;
        let mut shown = Vec::new();
        let keep = |secrets: &[NewSecret]| {
            shown = secrets.iter().map(|new| new.secret.reveal().to_owned()).collect();
            Ok(())
        };
        let made = apply(&self.door, &self.ctx, &plan, keep).await.unwrap().map_err(|no| no.to_string()).unwrap();
        let secrets: Vec<_> = made
            .secrets
            .iter()
            .map(|new| (format!("{}/{}", new.realm, new.client), new.secret.reveal().to_owned()))
            .collect();
        assert_eq!(shown, secrets.iter().map(|(_, secret)| secret.clone()).collect::<Vec<_>>());
        secrets
    }

    async fn client(&self, name: &str) -> Option<Client> {
        let realm = realms::find(&mut &self.door.store, &self.door.settings.realm).await.unwrap().unwrap();
        let name = ClientName::parse(name).unwrap();
        let row = clients::find(&mut &self.door.store, &realm.id, &name).await.unwrap();
        row.map(|row| Client::read(row).unwrap())
    }

    async fn proves_itself(&self, name: &str, secret: &str) -> bool {
        let realm = realms::find(&mut &self.door.store, &self.door.settings.realm).await.unwrap().unwrap();
        let shown = Shown { client_id: Some(name), proof: Proof::Secret(secret), certificate: None, path: "" };
        authenticate(&self.door, &self.ctx, &realm, &shown).await.unwrap().is_ok()
    }

    async fn explain(&self, user: &str, app: &str) -> String {
        let realm = RealmName::parse("main").unwrap();
        let (user, app) = (UserName::parse(user).unwrap(), AppSlug::parse(app).unwrap());
        let path = RequestPath::parse("/").unwrap();
        let explained = explain::explain(&self.door, &self.ctx, (&realm, &user, &app), (&path, "GET"), None).await;
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
    let stored = users::password(&mut &given.door.store, &alice.id).await.unwrap().unwrap();
    let typed = Password::presented("correct horse battery").unwrap();
    assert!(given.door.hasher.verify(&realm.id, typed, Some(&stored.hash)).await.unwrap());

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

const CLIENTS: &str = "
kind: Client
name: dagster
redirect_uris: [https://dagster.example.com/cb]
app: dagster
---
kind: Client
name: web
redirect_uris: [https://web.example.com/cb]
allowed_groups: [ops]
public: true
---
kind: Client
name: ci
grants: [client_credentials]
active: false
---
kind: App
name: dagster
addresses: [https://dagster.example.com]
everyone: true
---
kind: Group
name: ops
---
kind: Realm
name: main
";

#[tokio::test(flavor = "multi_thread")]
async fn clients_are_made_with_secrets_and_a_second_plan_is_empty() {
    let given = Given::fresh("clients").await;
    let secrets = given.apply_for_secrets(CLIENTS).await;
    let [(dagster, secret), (ci, of_ci)] = secrets.as_slice() else { panic!("{}", secrets.len()) };
    assert_eq!((dagster.as_str(), ci.as_str()), ("main/dagster", "main/ci"));
    assert!(given.proves_itself("dagster", secret).await && !given.proves_itself("dagster", of_ci).await);
    assert!(!given.client("ci").await.unwrap().is_active);
    let again = given.plan(CLIENTS).await;
    assert!(again.is_empty(), "{}", again.render());
    let (client, web) = (given.client("dagster").await.unwrap(), given.client("web").await.unwrap());
    assert!(client.app_id.is_some() && web.app_id.is_none());
    assert_eq!((web.settings.access.everyone, web.settings.access.groups.len()), (false, 1));

    // Public no longer: a secret. Public from now on: the former secret opens nothing.
    let turned = CLIENTS
        .replace("public: true\n", "")
        .replace("app: dagster\n", "everyone: true\npublic: true\n")
        .replace("active: false", "active: true");
    let secrets = given.apply_for_secrets(&turned).await;
    let [(web, of_web)] = secrets.as_slice() else { panic!("{}", secrets.len()) };
    assert!(web == "main/web" && given.proves_itself("web", of_web).await);
    assert!(!given.proves_itself("dagster", secret).await);
    assert!(given.proves_itself("ci", of_ci).await);
    assert!(given.plan(&turned).await.is_empty());
    // And back: a new secret, while the one of its former life stays ended.
    let secrets = given.apply_for_secrets(&turned.replace("everyone: true\npublic: true\n", "everyone: true\n")).await;
    let [(dagster, new)] = secrets.as_slice() else { panic!("{}", secrets.len()) };
    assert!(dagster == "main/dagster" && given.proves_itself("dagster", new).await);
    assert!(!given.proves_itself("dagster", secret).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_happens_when_a_secret_cannot_be_kept() {
    let given = Given::fresh("kept").await;
    let plan = given.plan(CLIENTS).await;
    let refuse = |_: &[NewSecret]| Err(Refused::because("there is no room"));
    let refused = apply(&given.door, &given.ctx, &plan, refuse).await.unwrap().err().unwrap();
    assert_eq!(refused.to_string(), "there is no room");
    assert!(current(&given.door).await.unwrap().realms.is_empty());
    // Without new secrets nobody is asked.
    let plan = given.plan("kind: Realm\nname: main\n").await;
    apply(&given.door, &given.ctx, &plan, refuse).await.unwrap().map_err(|no| no.to_string()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_client_may_be_is_refused_by_the_engine() {
    let given = Given::fresh("refused").await;
    let text = format!(
        "{CLIENTS}---\nkind: Client\nname: long\nredirect_uris: [https://a.x/]\neveryone: true\nlifetimes: {{access_seconds: 86400}}\n"
    );
    // No file says so any more: the plan is changed by hand.
    let mut plan = given.plan(&text).await;
    for step in &mut plan.steps {
        if let Step::CreateClient { settings, .. } = step {
            settings.lifetimes.access_seconds = settings.lifetimes.access_seconds.map(|seconds| seconds + 1);
        }
    }
    let refused = apply(&given.door, &given.ctx, &plan, |_| Ok(())).await.unwrap().err().unwrap();
    let expected = "client long: access_seconds must be 1 to 86400, and is 86401: correct the number";
    assert_eq!(refused.to_string(), expected);
    assert!(current(&given.door).await.unwrap().realms.is_empty());
}
