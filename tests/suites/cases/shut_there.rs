//! What ends with a directory's word, and when: whom it shuts out at once, however many are read, and what of somebody rests
//! on it alone.

use doorward_engine::clients::ClientSettings;
use doorward_engine::federation::sync::{Reading, Run, Standing};
use doorward_store::origins::{self, Keeping};
use doorward_store::{connectors, sessions};

use crate::fixture::Ground;
use crate::provider::{Provider, everyone, is_invalid_grant, refresh_of, settings};
use crate::taking_over::{crew, ground_of, is_active, page, person, read, read_changes, remember};

on_both! { together:
    everybody_who_is_read_after_all_is_told_as_that_and_who_is_shut_there_is_out_at_once,
    what_rests_on_the_directory_ends_with_it_and_what_does_not_goes_on,
}

async fn everybody_who_is_read_after_all_is_told_as_that_and_who_is_shut_there_is_out_at_once(ground: Ground) {
    let (node, realm, connector) = ground_of(&ground, &[]).await;
    let place = (&realm, &connector);
    read(&node, place, &crew(&["alice", "bob", "carol"]), None).await;
    remember(&node, place, Some(100)).await;
    ground.advance(60).await;
    let states = [("alice", Standing::Out), ("bob", Standing::Free)];
    let all = page(states.map(|(name, standing)| (person(name), standing)).into());
    for (brake, removed, held_back, has_carol) in [(Some(0), 1, 1, true), (None, 1, 0, false)] {
        let mut reading = Reading::begin(&node.door, &node.ctx(), place).await.expect("it begins");
        assert!(reading.since(&node.door, ("dc1", Some(200))).await.expect("an answer").is_some());
        reading.of_everybody();
        reading.page(&node.door, &node.ctx(), &all).await.expect("it is taken over");
        let report = reading.finish(&node.door, &node.ctx(), brake).await.expect("it ends");
        // Whom the directory itself has shut out no brake holds back; whom it does not name any more, it does.
        assert_eq!((report.run, report.removed, report.held_back), (Run::Whole, removed, held_back), "{report:?}");
        assert!(report.whole_because.is_some_and(|why| why.contains("more are concerned")), "{report:?}");
        assert!(!is_active(&node, &realm, "alice").await && is_active(&node, &realm, "bob").await);
        assert_eq!(is_active(&node, &realm, "carol").await, has_carol);
        ground.advance(60).await;
    }
}

async fn what_rests_on_the_directory_ends_with_it_and_what_does_not_goes_on(ground: Ground) {
    let (node, realm, connector) = ground_of(&ground, &[]).await;
    let (place, at) = ((&realm, &connector), Provider::on(&node).await);
    let offline = ClientSettings { scopes: vec!["offline_access".to_owned()], ..settings(everyone()) };
    let client = at.client("offline", offline).await;
    let query = Provider::query(&client, "").replace("openid+profile", "openid+offline_access");
    read(&node, place, &crew(&["carol", "dora"]), None).await;
    remember(&node, place, Some(100)).await;
    for name in ["shut", "gone"] {
        // With a password here, so the account stays.
        let user = node.user(&realm, name).await;
        let theirs = person(name);
        let linked = async |tx: &mut _| {
            connectors::link(tx, theirs.outsider(&connector.id), &user.id, node.ctx().now).await.map(Ok::<_, ()>)
        };
        node.change(linked).await.expect("linked");
        let vouched = Keeping { sealed: None, refresh_at: None, vouched_at: node.ctx().now };
        let (there, here) = (node.session_by(&user, (Some(&connector.id), None)).await, node.session(&user).await);
        let begun = async |tx: &mut _| {
            origins::begun(tx, &there.session.id, (theirs.outsider(&connector.id), None), vouched).await
        };
        node.change(begun).await;
        let mut tokens = Vec::new();
        for session in [&there, &here] {
            tokens.push(at.exchange(&client, &at.code_of(&query, session).await).await.expect("tokens"));
        }
        ground.advance(60).await;
        let removed = match name {
            "shut" => read_changes(&node, place, &page(vec![(theirs.clone(), Standing::Out)]), 200).await.removed,
            _ => read(&node, place, &crew(&["carol", "dora"]), None).await.removed,
        };
        assert_eq!(removed, 1, "{name}");
        assert!(is_active(&node, &realm, name).await, "{name}");
        for ((session, tokens), goes_on) in [&there, &here].into_iter().zip(&tokens).zip([false, true]) {
            let found = sessions::find_by_id(&mut &node.door.store, &session.session.id).await.expect("an answer");
            assert_eq!(found.is_some_and(|session| session.is_live(node.ctx().now)), goes_on, "{name}");
            let refreshed = at.refresh(&client, &refresh_of(tokens)).await;
            assert_eq!(refreshed.is_ok(), goes_on, "{name}");
            assert!(goes_on || is_invalid_grant(refreshed), "{name}");
        }
    }
}
