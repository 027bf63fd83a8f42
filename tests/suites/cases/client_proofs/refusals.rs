//! Refusals of clients in the record: those of clients there are, some one by one, the rest by their number.

use super::path_of;
use doorward_engine::clients::authenticate::{Proof, Shown};
use doorward_engine::{limits, upkeep};

use super::{TOKEN, machine, made, secret, shown};
use crate::fixture::Ground;
use crate::provider::{Provider, everyone, is_invalid_grant, settings};

const ENTRIES: &str = "SELECT detail FROM events WHERE kind = 'client_refused' ORDER BY sequence";

async fn refusals_of_a_client_are_on_record_up_to_a_limit_and_the_rest_by_number(ground: Ground) {
    let (node, limit) = (ground.node().await, limits::REFUSALS_RECORDED_OF_CLIENT);
    let realm = node.realm("main").await;
    let (client, right) = made(&node, &realm, "loader", machine()).await;
    let wrong = async |number: u32| {
        // From many networks, each of which is below its own limit.
        let address = format!("203.0.113.{number}");
        let told =
            Shown { client_id: Some("loader"), proof: Proof::Secret("wrong"), certificate: None, path: path_of(TOKEN) };
        assert_eq!(shown(&node, &realm, &address, told).await, "unproved");
    };
    let begun = node.ctx().now;
    for number in 0..limit + 7 {
        wrong(number).await;
        if number % limits::REFUSALS_RECORDED_EACH_SECOND == 4 {
            ground.advance(1).await;
        }
    }
    let each = "client loader: wrong secret".to_owned();
    assert_eq!(ground.texts(ENTRIES).await, vec![each.clone(); limit as usize]);
    upkeep::note_refusals(&node.door, &node.ctx()).await.expect("a database");
    assert_eq!(ground.texts(ENTRIES).await.len(), limit as usize, "the minute is not over");
    ground.advance(limits::REFUSAL_SECONDS).await;
    // The next one of the client, before anybody told of those left out, loses none of them.
    wrong(99).await;
    for _ in 0..2 {
        upkeep::note_refusals(&node.door, &node.ctx()).await.expect("a database");
    }
    let rest = ground.texts(ENTRIES).await.split_off(limit as usize);
    let since = begun.plus_seconds(i64::from(limit / limits::REFUSALS_RECORDED_EACH_SECOND)).rfc3339();
    assert_eq!(rest, [each, format!("client loader: 7 more since {since}, not listed one by one")]);
    let about = format!("SELECT COUNT(*) FROM events WHERE kind = 'client_refused' AND subject = '{}'", client.id);
    assert_eq!(ground.number(&about).await, i64::from(limit) + 2);
    assert_eq!(secret(&node, &realm, "loader", &right).await, "good");
}

async fn refusals_of_many_clients_at_once_are_few_writes(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    for number in 0..20 {
        let name = format!("loader-{number}");
        made(&node, &realm, &name, machine()).await;
        assert_eq!(secret(&node, &realm, &name, "wrong").await, "unproved");
    }
    assert_eq!(ground.texts(ENTRIES).await.len(), limits::REFUSALS_RECORDED_EACH_SECOND as usize);
    ground.advance(limits::REFUSAL_SECONDS).await;
    upkeep::note_refusals(&node.door, &node.ctx()).await.expect("a database");
    let told = ground.texts(ENTRIES).await;
    assert_eq!(told.len(), 20, "one for each: {told:#?}");
    assert_eq!(told.iter().filter(|detail| detail.contains(": 1 more since ")).count(), 15, "{told:#?}");
}

async fn a_client_id_that_nobody_has_leaves_no_entry(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    for text in ["wrong", "dwc_looks_like_a_secret"] {
        assert_eq!(secret(&node, &realm, text, text).await, "unproved");
    }
    assert_eq!(ground.texts(ENTRIES).await, Vec::<String>::new());
}

async fn refused_codes_and_refresh_tokens_are_on_record(ground: Ground) {
    let node = ground.node().await;
    node.realm("main").await;
    let at = Provider::on(&node).await;
    let client = at.client("notes", settings(everyone())).await;
    assert!(is_invalid_grant(at.exchange(&client, "made up").await));
    assert!(is_invalid_grant(at.refresh(&client, "made up").await));
    let told = ground.texts("SELECT subject || ' ' || detail FROM events WHERE kind = 'token_refused'").await;
    let (id, what) = (&client.id, "is unknown, ");
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(told[0].starts_with(&format!("{id} client notes: authorization_code: invalid_grant: the code {what}")));
    assert!(told[1].starts_with(&format!("{id} client notes: refresh_token: invalid_grant: the refresh token {what}")));
    assert!(told.iter().all(|entry| !entry.contains("made up")), "{told:#?}");
}

on_both!(together:
    refusals_of_a_client_are_on_record_up_to_a_limit_and_the_rest_by_number,
    refusals_of_many_clients_at_once_are_few_writes,
    a_client_id_that_nobody_has_leaves_no_entry,
    refused_codes_and_refresh_tokens_are_on_record,
);
