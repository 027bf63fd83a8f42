//! Keys of a connector's own, on both databases: they stand beside the settings that name them, whoever changes both.

use std::sync::Arc;

use doorward_engine::federation::own_keys::OwnKeys;
use doorward_engine::federation::settings::{ConnectorSettings, KeyStep, Kind};
use doorward_engine::federation::{Connector, find, open_secret};
use doorward_engine::manage::connectors;
use doorward_model::name::{ConnectorName, DisplayText};
use doorward_model::people::Realm;
use doorward_model::time::Timestamp;

use crate::fixture::{Ground, Node};
use crate::people::at_once;

on_both! { together:
    a_key_of_our_own_follows_another_and_no_sign_in_begins_again,
    whoever_changes_a_connector_at_the_same_time_leaves_the_keys_its_settings_name,
}

fn name() -> ConnectorName {
    ConnectorName::parse("company").expect("a name")
}

async fn company(node: &Node, realm: &Realm) -> Connector {
    let certificate = doorward_jose::self_signed::make("company", Timestamp::from_millis(1_900_000_000_000));
    let certificate = certificate.unwrap_or_else(|_| panic!("no key"));
    let (_, certificate) = certificate.split_once(' ').expect("two parts");
    let place = serde_json::json!({"binding": "redirect", "url": "https://company.example/sso"});
    let text = serde_json::json!({"saml": {
        "entity_id": "https://company.example",
        "provider": {"sign_on": [place], "certificates": [certificate]},
    }});
    let settings: ConnectorSettings = serde_json::from_value(text).expect("settings");
    let ctx = node.ctx();
    let made =
        node.change(async |tx| connectors::create(&node.door, &ctx, tx, (&realm.id, name()), settings, None).await);
    made.await.expect("the connector is new")
}

async fn now(node: &Node, realm: &Realm) -> (Connector, OwnKeys) {
    let found = find(&node.door, &realm.id, &name()).await.expect("an answer").expect("a connector");
    let kept = open_secret(&node.door, &found).expect("it opens").expect("it has keys");
    (found, OwnKeys::parse(&kept).expect("keys"))
}

fn after(connector: &Connector, step: KeyStep) -> ConnectorSettings {
    let saml = connector.settings.kind.saml().expect("it speaks SAML").after(step).expect("the step is due");
    ConnectorSettings { kind: Kind::Saml(saml), ..connector.settings.clone() }
}

async fn change(node: &Node, connector: &Connector, settings: ConnectorSettings) -> usize {
    let ctx = node.ctx();
    let place = (&*node.door, &ctx);
    let outcome = node.change(async |tx| connectors::update(place, tx, connector, settings).await);
    outcome.await.expect("it is taken").sessions
}

async fn a_key_of_our_own_follows_another_and_no_sign_in_begins_again(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let made = company(&node, &realm).await;
    let (begun, keys) = now(&node, &realm).await;
    let first = keys.get(1).expect("the first").to_owned();
    for (step, one, two) in
        [(KeyStep::Begin, true, true), (KeyStep::Switch, true, true), (KeyStep::Retire, false, true)]
    {
        let (before, _) = now(&node, &realm).await;
        assert_eq!(change(&node, &before, after(&before, step)).await, 0);
        let (there, keys) = now(&node, &realm).await;
        assert_eq!((keys.get(1).is_some(), keys.get(2).is_some()), (one, two), "{step:?}");
        assert!(keys.get(1).is_none_or(|key| key == first));
        // What a sign-in on the way is held to.
        assert_eq!((there.revision, there.is_active), (begun.revision, true), "{step:?}");
    }
    assert_eq!(made.id, begun.id);
    let told = ground.texts("SELECT detail FROM events WHERE kind = 'connector_key_changed' ORDER BY detail").await;
    let said = ["key 1 was forgotten", "key 2 signs from now on", "key 2 was made"];
    assert_eq!(told, said.map(|what| format!("connector company {what}")));
    let any = ground.texts("SELECT detail FROM events").await.join(" ");
    assert!(!any.contains(&first), "a key in the record");
}

async fn whoever_changes_a_connector_at_the_same_time_leaves_the_keys_its_settings_name(ground: Ground) {
    let (node, other) = (ground.node().await, ground.node().await);
    let realm = node.realm("main").await;
    let made = company(&node, &realm).await;
    // Whoever had not heard of the next key makes no other one of its number: the provider may know it by now.
    change(&node, &made, after(&made, KeyStep::Begin)).await;
    let (_, before) = now(&node, &realm).await;
    change(&other, &made, after(&made, KeyStep::Begin)).await;
    let (_, keys) = now(&node, &realm).await;
    assert!(before.get(2).is_some() && keys.get(2) == before.get(2));
    // All from the same beginning, one after the other in whatever order.
    let settings = Arc::new((made, realm.clone()));
    at_once(&[&node, &other], 6, |node, number| {
        let settings = settings.clone();
        async move {
            let begin = after(&settings.0, KeyStep::Begin);
            let wanted = match number % 3 {
                0 => begin,
                1 => ConnectorSettings { title: None, ..settings.0.settings.clone() },
                _ => ConnectorSettings { title: DisplayText::parse("Other").ok(), ..begin },
            };
            change(&node, &settings.0, wanted).await
        }
    })
    .await;
    let (there, keys) = now(&node, &realm).await;
    let named = there.settings.kind.saml().expect("it speaks SAML").own_keys();
    assert!(named.iter().all(|number| keys.get(*number).is_some()), "{named:?}");
}
