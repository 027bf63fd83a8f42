//! Refreshing meets what ends it, on two nodes at the same moment: whichever comes first, nothing is left that lives.

use std::sync::Arc;

use doorward_engine::clients::Client;
use doorward_engine::manage::users;
use doorward_engine::sessions;
use doorward_engine::token::Tokens;
use doorward_engine::token::revoke::revoke;
use doorward_store::sessions::SignedIn;

use crate::fixture::{Ground, Node};
use crate::people::at_once;
use crate::provider::{Provider, everyone, is_invalid_grant, refresh_of, settings};

/// What ends a line of refresh tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The client gives the token back.
    Revoke,
    /// The session ends.
    Session,
    /// The person is shut out.
    Disable,
}

async fn perform(at: &Provider, client: &Client, (session, token): (&SignedIn, &str), end: End) {
    let (door, ctx) = (&at.node.door, at.node.ctx());
    match end {
        End::Revoke => revoke(door, &ctx, &at.realm, client, token).await.expect("a database"),
        End::Session => {
            let ended = sessions::end(door, &ctx, &session.session.id, "a test said so").await;
            assert!(ended.expect("a database"));
        }
        End::Disable => assert!(at.node.change(async |tx| users::disable(tx, &session.user).await).await),
    }
}

async fn gauntlet_b3_04_when_refreshing_meets_an_end_nothing_is_left(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let (at_a, at_b) = (Provider::on(&a).await, Provider::on(&b).await);
    let client = at_a.client("grafana", settings(everyone())).await;
    b.follow().await;
    let mut refreshed = 0;
    for (round, end) in (0..18).zip([End::Revoke, End::Session, End::Disable].into_iter().cycle()) {
        let user = a.user(&realm, &format!("person{round}")).await;
        let session = a.session(&user).await;
        let code = at_a.code(&client, &session, "").await;
        let first = at_a.exchange(&client, &code).await.unwrap_or_else(|refused| panic!("{refused}"));
        let token = refresh_of(&first);
        let nodes: [&Arc<Node>; 2] = [&a, &b];
        let won = at_once(&nodes, 12, |_, number| {
            let at = if number % 2 == 0 { at_a.clone() } else { at_b.clone() };
            let (client, session, token) = (client.clone(), session.clone(), token.clone());
            async move {
                // Not always the same one first.
                if (number + round) % 12 == 11 {
                    perform(&at, &client, (&session, &token), end).await;
                    return None;
                }
                at.refresh(&client, &token).await.ok()
            }
        });
        let won: Vec<Tokens> = won.await.into_iter().flatten().collect();
        refreshed += won.len();
        // The nodes have heard by now, as they have within moments.
        for node in nodes {
            node.follow().await;
        }
        for tokens in won.iter().chain([&first]) {
            for at in [&at_a, &at_b] {
                assert!(!at.is_good(&tokens.access).await, "round {round}, {end:?}: an access token lives");
                let next = at.refresh(&client, &refresh_of(tokens)).await;
                assert!(is_invalid_grant(next), "round {round}, {end:?}: a refresh token lives");
            }
        }
    }
    println!("{refreshed} refreshes were in time");
    assert!(refreshed > 0, "they never met");
    assert_eq!(ground.number("SELECT COUNT(*) FROM refresh_tokens WHERE used_ms IS NULL").await, 0);
}

/// What is shown again after the restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Again {
    Refresh,
    Code,
}

async fn gauntlet_b3_04_a_used_token_stays_used_when_all_nodes_are_restarted(ground: Ground) {
    let node = ground.deaf_node().await;
    let realm = node.realm("main").await;
    let session = node.session(&node.user(&realm, "alice").await).await;
    let at = Provider::on(&node).await;
    let client = at.client("grafana", settings(everyone())).await;
    // A line for each: what one showing ends, the other one could not end any more.
    let mut lines = Vec::new();
    for again in [Again::Refresh, Again::Code] {
        let code = at.code(&client, &session, "").await;
        let first = at.exchange(&client, &code).await.unwrap_or_else(|refused| panic!("{refused}"));
        let second = at.refresh(&client, &refresh_of(&first)).await.unwrap_or_else(|refused| panic!("{refused}"));
        lines.push((again, code, first, second));
    }
    drop((node, at));
    ground.advance(6).await;
    let (a, b) = (ground.node().await, ground.node().await);
    let (at_a, at_b) = (Provider::of(&a, "main").await, Provider::of(&b, "main").await);
    for (again, code, first, second) in lines {
        assert!(at_b.is_good(&second.access).await, "{again:?}");
        let shown = match again {
            Again::Refresh => at_a.refresh(&client, &refresh_of(&first)).await,
            Again::Code => at_a.exchange(&client, &code).await,
        };
        assert!(is_invalid_grant(shown), "{again:?} is taken twice");
        for at in [&at_a, &at_b] {
            assert!(is_invalid_grant(at.refresh(&client, &refresh_of(&second)).await), "{again:?}: the line has ended");
            assert!(!at.is_good(&second.access).await, "{again:?}");
        }
        assert!(is_invalid_grant(at_b.refresh(&client, &refresh_of(&first)).await), "{again:?}");
        assert!(is_invalid_grant(at_b.exchange(&client, &code).await), "{again:?}");
    }
}

on_both!(together:
    gauntlet_b3_04_when_refreshing_meets_an_end_nothing_is_left,
    gauntlet_b3_04_a_used_token_stays_used_when_all_nodes_are_restarted,
);
