//! Requests that came in two ways at once, or from a client that is not to be served.

use doorward_engine::clients::{Client, ClientSettings};
use doorward_engine::manage::clients;

use crate::fixture::Ground;
use crate::provider::{Provider, everyone, settings};
use crate::requests::{arrive, claims, pen, push_at};

async fn a_request_comes_in_one_way(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let at = Provider::on(&node).await;
    let pen = pen(&node);
    let client = at.client("grafana", ClientSettings { jwks: Some(pen.jwks.clone()), ..settings(everyone()) }).await;
    let signed = pen.sign(&claims(&node, "grafana"));
    let name = push_at(&at, &client, &Provider::query(&client, "")).await.expect("a request");
    let both = format!("client_id=grafana&request_uri={name}&request={signed}");
    let told = arrive(&at, &both, Some(&alice)).await.words();
    assert!(told.contains("only one may be sent"), "{told}");
    // Neither was used up by that.
    let pushed = format!("client_id=grafana&request_uri={name}");
    assert_eq!(arrive(&at, &pushed, Some(&alice)).await.words(), "answer");
    assert_eq!(arrive(&at, &format!("client_id=grafana&request={signed}"), Some(&alice)).await.words(), "answer");
}

async fn what_a_disabled_client_signed_or_pushed_is_not_even_read(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let at = Provider::on(&node).await;
    let pen = pen(&node);
    let client = at.client("grafana", ClientSettings { jwks: Some(pen.jwks.clone()), ..settings(everyone()) }).await;
    let name = push_at(&at, &client, &Provider::query(&client, "")).await.expect("a request");
    let disabled = Client { is_active: false, ..client };
    assert!(node.change(async |tx| clients::update(tx, &disabled).await).await.is_ok());
    // What is wrong with an object is told to nobody then: it is not looked at.
    let unread = format!("client_id=grafana&request={}", pen.sign(&claims(&node, "superset")));
    for raw in [format!("client_id=grafana&request_uri={name}"), unread] {
        let told = arrive(&at, &raw, Some(&alice)).await.words();
        assert_eq!(told, "No active client of that client_id is registered in this realm.", "{raw}");
    }
}

/// Who sends something twice may have had one of them put there by somebody else: nothing of it is sent anywhere.
async fn what_stands_twice_in_a_request_is_not_chosen_from(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let at = Provider::on(&node).await;
    let client = at.client("grafana", settings(everyone())).await;
    for twice in ["nonce=other", "scope=openid", "code_challenge_method=S256", "unknown=1&unknown=2"] {
        let told = arrive(&at, &Provider::query(&client, &format!("&{twice}")), Some(&alice)).await.words();
        assert!(told.starts_with("The request cannot be read: "), "{twice}: {told}");
    }
    assert_eq!(arrive(&at, &Provider::query(&client, "&unknown=1"), Some(&alice)).await.words(), "answer");
}

on_both!(together:
    what_stands_twice_in_a_request_is_not_chosen_from,
    a_request_comes_in_one_way,
    what_a_disabled_client_signed_or_pushed_is_not_even_read,
);
