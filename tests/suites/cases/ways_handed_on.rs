//! Which ways in count where somebody's right is handed on: with a code, to a device, and to the next service.

use doorward_engine::clients::{Client, ClientSettings};
use doorward_engine::device::{Answer, Answered, Typed};
use doorward_engine::federation::Connector;
use doorward_engine::gate::decide::{Refusal, Verdict};
use doorward_model::app::Access;
use doorward_model::people::Realm;
use doorward_model::ways::{WayIn, Ways};
use doorward_oauth::error::ErrorCode;
use doorward_store::sessions::SignedIn;

use crate::devices::of_devices;
use crate::exchanges::{gateway, tool};
use crate::fixture::{Ground, Node};
use crate::provider::{Provider, everyone, is_invalid_grant, refresh_of, settings};
use crate::ways_in::{by, connector, put_client};

on_both! { together:
    a_code_becomes_tokens_for_whoever_came_by_a_way_that_counts,
    a_device_is_let_in_by_whoever_came_by_a_way_that_counts,
    a_device_hears_no_when_the_way_counts_no_more,
    what_a_device_got_rests_on_the_way_of_whoever_let_it_in,
    a_token_is_handed_on_for_whoever_came_by_a_way_that_counts,
    a_token_that_was_handed_on_ends_with_the_way_at_every_client_it_rests_on,
}

/// One person who came in at home, at the company and at a partner, and what counts who came so.
struct Ways3 {
    company: Connector,
    sessions: [SignedIn; 3],
    ways: [Ways; 3],
}

async fn three_ways(node: &Node, realm: &Realm) -> Ways3 {
    let (company, partner) = (connector(node, realm, "company").await, connector(node, realm, "partner").await);
    let alice = node.user(realm, "alice").await;
    let sessions = [
        node.session_by(&alice, (None, None)).await,
        node.session_by(&alice, (Some(&company.id), None)).await,
        node.session_by(&alice, (Some(&partner.id), None)).await,
    ];
    let ways = [Ways::only([WayIn::Account]), by(&[&company]), by(&[&partner])];
    Ways3 { company, sessions, ways }
}

fn asks_for_another_way(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Refused(Refusal::OtherWay(_)))
}

fn through(ways: &Ways, settings: ClientSettings) -> ClientSettings {
    ClientSettings { access: Access { ways: ways.clone(), ..everyone() }, ..settings }
}

async fn a_code_becomes_tokens_for_whoever_came_by_a_way_that_counts(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let at = Provider::on(&node).await;
    let three = three_ways(&node, &realm).await;
    for (place, ways) in three.ways.iter().enumerate() {
        for (came, session) in three.sessions.iter().enumerate() {
            // A code that was given before there was a rule.
            let client = at.client(&format!("web-{place}-{came}"), settings(everyone())).await;
            let code = at.code(&client, session, "").await;
            let client = put_client(&node, &client, ways.clone()).await;
            let tokens = at.exchange(&client, &code).await;
            if came == place {
                let tokens = tokens.unwrap_or_else(|error| panic!("{place}: {error}"));
                assert!(at.is_good(&tokens.access).await, "{place}");
            } else {
                assert!(is_invalid_grant(tokens), "{place} by {came}");
            }
        }
    }
}

async fn a_device_is_let_in_by_whoever_came_by_a_way_that_counts(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let at = Provider::on(&node).await;
    let three = three_ways(&node, &realm).await;
    for (place, ways) in three.ways.iter().enumerate() {
        let client = at.client(&format!("cli-{place}"), through(ways, of_devices(everyone()))).await;
        let device = at.device(&client, "openid").await;
        for (other, session) in three.sessions.iter().enumerate().filter(|(other, _)| *other != place) {
            match at.type_code(session, &device.user_code).await {
                Typed::Refused { verdict, .. } => assert!(asks_for_another_way(&verdict), "{place} by {other}"),
                _ => panic!("{place} by {other} is not refused"),
            }
        }
        // Whoever may come back by another way has not said no.
        assert_eq!(at.told(&client, &device).await, Some(ErrorCode::AuthorizationPending), "{place}");
        at.allow(&three.sessions[place], &device).await;
        let tokens = at.poll(&client, &device).await.unwrap_or_else(|code| panic!("{place}: {code}"));
        assert!(at.is_good(&tokens.access).await, "{place}");
        let again = at.refresh(&client, &refresh_of(&tokens)).await.unwrap_or_else(|error| panic!("{place}: {error}"));
        assert!(at.is_good(&again.access).await, "{place}");
    }
}

async fn a_device_hears_no_when_the_way_counts_no_more(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let at = Provider::on(&node).await;
    let three = three_ways(&node, &realm).await;
    for (place, session) in three.sessions.iter().enumerate() {
        let others = &three.ways[(place + 1) % 3];
        // Between the question and the answer.
        let client = at.client(&format!("asked-{place}"), of_devices(everyone())).await;
        let device = at.device(&client, "openid").await;
        let sealed = at.question(session, &device).await;
        put_client(&node, &client, others.clone()).await;
        match at.answer(session, &sealed, Answer::Allow).await {
            Answered::Refused(_, verdict) => assert!(asks_for_another_way(&verdict), "{place}"),
            _ => panic!("{place} may answer"),
        }
        assert_eq!(at.told(&client, &device).await, Some(ErrorCode::AccessDenied), "{place}");
        // Between the answer and the tokens.
        let client = at.client(&format!("answered-{place}"), of_devices(everyone())).await;
        let device = at.device(&client, "openid").await;
        at.allow(session, &device).await;
        let client = put_client(&node, &client, others.clone()).await;
        assert_eq!(at.told(&client, &device).await, Some(ErrorCode::AccessDenied), "{place}");
    }
    assert_eq!(ground.number("SELECT COUNT(*) FROM families").await, 0);
}

async fn what_a_device_got_rests_on_the_way_of_whoever_let_it_in(ground: Ground) {
    let (node, other) = (ground.node().await, ground.node().await);
    let realm = node.realm("main").await;
    let (at, elsewhere) = (Provider::on(&node).await, Provider::on(&other).await);
    let three = three_ways(&node, &realm).await;
    for scopes in ["openid", "openid offline_access"] {
        for (place, session) in three.sessions.iter().enumerate() {
            let name = format!("cli-{place}-{}", scopes.len());
            let client = at.client(&name, of_devices(everyone())).await;
            let device = at.device(&client, scopes).await;
            at.allow(session, &device).await;
            let tokens = at.poll(&client, &device).await.unwrap_or_else(|code| panic!("{name}: {code}"));
            let client = put_client(&node, &client, three.ways[place].clone()).await;
            other.follow().await;
            assert!(at.is_good(&tokens.access).await && elsewhere.is_good(&tokens.access).await, "{name}");
            let client = put_client(&node, &client, three.ways[(place + 1) % 3].clone()).await;
            other.follow().await;
            assert!(!at.is_good(&tokens.access).await && !elsewhere.is_good(&tokens.access).await, "{name}");
            assert!(is_invalid_grant(elsewhere.refresh(&client, &refresh_of(&tokens)).await), "{name}");
        }
    }
}

async fn a_token_is_handed_on_for_whoever_came_by_a_way_that_counts(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let at = Provider::on(&node).await;
    let three = three_ways(&node, &realm).await;
    for (place, ways) in three.ways.iter().enumerate() {
        let [picky, open] = ["picky", "open"].map(|kind| format!("{kind}-hub-{place}"));
        let end = at.client(&format!("end-{place}"), through(ways, settings(everyone()))).await;
        let to_end = at.client(&open, gateway(&[&end.name.to_string()], everyone())).await;
        let itself = at.client(&picky, through(ways, gateway(&[], everyone()))).await;
        let to_web = at.client(&format!("web-a-{place}"), tool(&open)).await;
        let own_web = at.client(&format!("web-b-{place}"), tool(&picky)).await;
        for (came, session) in three.sessions.iter().enumerate() {
            let expected = (came != place).then_some(ErrorCode::AccessDenied);
            let token = at.tokens(&to_web, session).await.access;
            let made = at.hand_on(&to_end, &token, &[end.name.as_str()]).await;
            assert_eq!(made.as_ref().err().copied(), expected, "to {place} by {came}");
            if let Ok(made) = made {
                assert!(at.is_good(&made.token).await, "to {place} by {came}");
                // The way goes along with what is handed on again.
                assert!(at.hand_on(&to_end, &made.token, &[end.name.as_str()]).await.is_ok(), "again by {came}");
            }
            let token = at.tokens(&own_web, session).await.access;
            let made = at.hand_on(&itself, &token, &[]).await;
            assert_eq!(made.as_ref().err().copied(), expected, "at {place} by {came}");
        }
    }
}

async fn a_token_that_was_handed_on_ends_with_the_way_at_every_client_it_rests_on(ground: Ground) {
    let (node, other) = (ground.node().await, ground.node().await);
    let realm = node.realm("main").await;
    let (at, elsewhere) = (Provider::on(&node).await, Provider::on(&other).await);
    let three = three_ways(&node, &realm).await;
    let session = node.session_by(&three.sessions[0].user, (Some(&three.company.id), None)).await;
    let [_, company, partner] = &three.ways;
    for shut in ["origin", "actor", "target"] {
        let names = ["web", "hub", "end"].map(|kind| format!("{kind}-{shut}"));
        let web = at.client(&names[0], tool(&names[1])).await;
        let hub = at.client(&names[1], gateway(&[&names[2]], everyone())).await;
        let end = at.client(&names[2], settings(everyone())).await;
        let token = at.tokens(&web, &session).await.access;
        let made = at.hand_on(&hub, &token, &[&names[2]]).await.unwrap_or_else(|code| panic!("{shut}: {code}"));
        let client: &Client = match shut {
            "origin" => &web,
            "actor" => &hub,
            _ => &end,
        };
        for (ways, is_good) in [(company, true), (partner, false)] {
            put_client(&node, client, ways.clone()).await;
            other.follow().await;
            assert_eq!(at.is_good(&made.token).await, is_good, "{shut}");
            assert_eq!(elsewhere.is_good(&made.token).await, is_good, "{shut}, on the other node");
        }
    }
}
