//! Requests that came in two ways at once, or from a client that is not to be served.

use std::sync::Arc;

use doorward_engine::authorize::{Return, acceptable, address};
use doorward_engine::clients::{Client, ClientKind, ClientSettings, GrantType};
use doorward_engine::manage::clients;
use doorward_oauth::authorize::{AuthorizeRequest, Entry};
use doorward_oauth::error::ErrorCode;
use doorward_oauth::parameters::Parameters;

use crate::fixture::Ground;
use crate::provider::{CALLBACK, Provider, everyone, settings};
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

async fn acceptance(at: &Provider, raw: &str, bend: impl FnOnce(&mut ClientSettings)) -> Option<ErrorCode> {
    let parameters = Parameters::parse_query(raw).expect("parameters");
    let entry = Entry::parse(&parameters).expect("an entry");
    let back = address(&at.node.door, &at.realm, &entry).await.expect("a database").expect("an address");
    let mut client = (*back.client).clone();
    bend(&mut client.settings);
    let request = AuthorizeRequest::parse(&parameters).expect("a request");
    acceptable(&Return { client: Arc::new(client), ..back }, &request).err().map(|error| error.code())
}

/// No client can be declared so; should one be so all the same, its kind decides.
async fn a_public_client_never_does_without_pkce_and_one_without_a_grant_sends_nobody(ground: Ground) {
    let node = ground.node().await;
    node.realm("main").await;
    let at = Provider::on(&node).await;
    let client = at.client("old", ClientSettings { pkce_optional: true, ..settings(everyone()) }).await;
    let bare = format!("client_id={}&redirect_uri={CALLBACK}&scope=openid&response_type=", client.name);
    let (code, none) = (format!("{bare}code"), format!("{bare}none"));
    assert_eq!(acceptance(&at, &code, |_| {}).await, None);
    let public = |settings: &mut ClientSettings| settings.kind = ClientKind::Public;
    assert_eq!(acceptance(&at, &code, public).await, Some(ErrorCode::InvalidRequest));
    assert_eq!(acceptance(&at, &none, |_| {}).await, None);
    let machine = |settings: &mut ClientSettings| settings.grants = vec![GrantType::ClientCredentials];
    for raw in [&none, &code] {
        assert_eq!(acceptance(&at, raw, machine).await, Some(ErrorCode::UnauthorizedClient), "{raw}");
    }
}

on_both!(together:
    a_public_client_never_does_without_pkce_and_one_without_a_grant_sends_nobody,
    what_stands_twice_in_a_request_is_not_chosen_from,
    a_request_comes_in_one_way,
    what_a_disabled_client_signed_or_pushed_is_not_even_read,
);
