//! What a provider proved, shown on two nodes of one database: once, by the browser and at the connector it was begun for,
//! in its time, and not after its word that the person is out.

use std::sync::Arc;

use doorward_engine::federation::attempt;
use doorward_engine::federation::logout::{Heard, Word, heard};
use doorward_engine::federation::sign_in::{Browser, Outcome, Refusal, sign_in};
use doorward_engine::federation::{Connector, ExternalIdentity, Once, parting};
use doorward_engine::manage::connectors;
use doorward_engine::upkeep;
use doorward_model::people::Realm;
use doorward_model::secret::TokenHash;

use crate::fixture::{Ground, Node};
use crate::people::at_once;
use crate::ways_in::connector;

on_both! { together:
    gauntlet_b6_14_of_many_showings_on_two_nodes_one_opens_a_session,
    gauntlet_b6_14_what_was_shown_is_known_for_as_long_as_it_would_count,
    gauntlet_b6_16_when_coming_meets_the_word_that_somebody_is_out_nobody_is_left_in,
    gauntlet_b18_05_a_word_heard_stays_heard_on_a_node_whose_clock_is_behind,
    gauntlet_b6_15_what_was_begun_is_found_by_its_browser_at_its_connector_in_its_time,
    nobody_comes_in_through_a_connector_that_was_changed_or_disabled_on_their_way,
    what_comes_after_signing_out_there_is_found_at_its_connector_in_its_time,
}

/// How long what is shown here would count, in seconds.
const GOOD_SECONDS: i64 = 900;

/// Somebody the company proved, by parts that count once.
fn proved(node: &Node, company: &Connector, subject: &str, once: &[(&str, &str)]) -> ExternalIdentity {
    let until = node.world.now().plus_seconds(GOOD_SECONDS);
    let part = |(kind, id): &(&str, &str)| Once { kind: (*kind).to_owned(), id: (*id).to_owned(), until, at: None };
    ExternalIdentity {
        issuer: company.settings.kind.issuer().to_owned(),
        subject: subject.to_owned(),
        name: Some(subject.to_owned()),
        session: Some(format!("session-of-{subject}")),
        vouched_at: Some(node.world.now()),
        once: once.iter().map(part).collect(),
        ..ExternalIdentity::default()
    }
}

async fn show(node: &Node, (realm, company): (&Realm, &Connector), identity: &ExternalIdentity) -> Outcome {
    let hash: TokenHash = node.binding().hash();
    let browser = Browser { hash: &hash, user_agent: "suite", former: None, remember: false, reserved: Vec::new() };
    sign_in(&node.door, &node.ctx(), (realm, company), identity, browser).await.expect("a database")
}

fn is_in(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Opened(_) => true,
        Outcome::Refused(Refusal::ShownBefore | Refusal::SignedOutThere) => false,
        Outcome::Refused(other) => panic!("{other}"),
        Outcome::Prove(_) => panic!("nobody is in the way"),
    }
}

async fn gauntlet_b6_14_of_many_showings_on_two_nodes_one_opens_a_session(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let (company, other) = (connector(&a, &realm, "company").await, connector(&a, &realm, "other").await);
    b.follow().await;
    let nodes: [&Arc<Node>; 2] = [&a, &b];
    for round in 0..4 {
        let (ada, id) = (format!("ada{round}"), format!("_{round}"));
        let all = at_once(&nodes, 12, |node, number| {
            let (realm, company, ada, id) = (realm.clone(), company.clone(), ada.clone(), id.clone());
            async move {
                // The same assertion for several requests, and several assertions for the same request.
                let own = format!("{id}-{number}");
                let parts = match number < 6 {
                    true => [("saml assertion", id.as_str()), ("saml request", own.as_str())],
                    false => [("saml assertion", own.as_str()), ("saml request", id.as_str())],
                };
                let identity = proved(&node, &company, &ada, &parts);
                (number < 6, is_in(&show(&node, (&realm, &company), &identity).await))
            }
        });
        let all = all.await;
        for half in [true, false] {
            let count = all.iter().filter(|(kind, is_in)| *kind == half && *is_in).count();
            assert_eq!(count, 1, "round {round}, {half}");
        }
        // Another provider's of the same name, and another kind of part, are others.
        let elsewhere = proved(&b, &other, &format!("bob{round}"), &[("saml assertion", &id)]);
        assert!(is_in(&show(&b, (&realm, &other), &elsewhere).await));
        assert!(!is_in(&show(&a, (&realm, &other), &elsewhere).await));
        assert!(is_in(&show(&b, (&realm, &company), &proved(&b, &company, &ada, &[("id token", &id)])).await));
    }
}

async fn gauntlet_b6_14_what_was_shown_is_known_for_as_long_as_it_would_count(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let company = connector(&a, &realm, "company").await;
    b.follow().await;
    let identity = proved(&a, &company, "ada", &[("saml assertion", "_1")]);
    assert!(is_in(&show(&a, (&realm, &company), &identity).await));
    let forget = async || {
        // Whoever's turn it is; here it is theirs every time.
        upkeep::prune(&a.door, &a.ctx()).await.expect("a database");
        ground.raw("UPDATE jobs SET run_at_ms = 0").await;
        upkeep::prune(&a.door, &a.ctx()).await.expect("a database");
    };
    for seconds in [1, GOOD_SECONDS / 2, GOOD_SECONDS / 2 - 2] {
        ground.advance(seconds).await;
        forget().await;
        assert!(!is_in(&show(&b, (&realm, &company), &identity).await), "after {seconds} s more");
    }
    assert_eq!(ground.number("SELECT COUNT(*) FROM shown").await, 1);
    // And no longer than some time after: the store does not grow for ever.
    ground.advance(24 * 60 * 60).await;
    forget().await;
    assert_eq!(ground.number("SELECT COUNT(*) FROM shown").await, 0);
}

async fn gauntlet_b6_16_when_coming_meets_the_word_that_somebody_is_out_nobody_is_left_in(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let company = connector(&a, &realm, "company").await;
    b.follow().await;
    let nodes: [&Arc<Node>; 2] = [&a, &b];
    let (mut came, mut kept_out) = (0, 0);
    for round in 0..16 {
        let ada = format!("ada{round}");
        let all = at_once(&nodes, 8, |node, number| {
            let (realm, company, ada) = (realm.clone(), company.clone(), ada.clone());
            async move {
                // Of one session or of the person, and not always the same one first.
                if (number + round) % 8 == 4 {
                    let session = (round % 2 == 0).then(|| format!("session-of-{ada}"));
                    let now = node.world.now();
                    let word = Word {
                        subject: Some(ada),
                        session,
                        token_id: format!("word {round}"),
                        told_at: now,
                        until: now.plus_seconds(60),
                    };
                    let told = heard(&node.door, &node.ctx(), &company, &word).await.expect("a database");
                    assert!(matches!(told, Heard::Ended(_)), "{told:?}");
                    return None;
                }
                let id = format!("{round}-{number}");
                let identity = proved(&node, &company, &ada, &[("saml assertion", &id)]);
                Some(is_in(&show(&node, (&realm, &company), &identity).await))
            }
        });
        for outcome in all.await.into_iter().flatten() {
            *(if outcome { &mut came } else { &mut kept_out }) += 1;
        }
        let left = "SELECT COUNT(*) FROM sessions s JOIN users u ON u.id = s.user_id WHERE u.name = ";
        assert_eq!(ground.number(&format!("{left}'{ada}'")).await, 0, "round {round}: somebody is left in");
    }
    println!("{came} came before the word, {kept_out} after it");
    assert!(came > 0 && kept_out > 0, "they never met: {came}, {kept_out}");
}

async fn gauntlet_b18_05_a_word_heard_stays_heard_on_a_node_whose_clock_is_behind(ground: Ground) {
    let (even, ahead, behind) = (ground.node().await, ground.node_ahead(60).await, ground.node_ahead(-60).await);
    let realm = even.realm("main").await;
    let company = connector(&even, &realm, "company").await;
    ground.advance(0).await;
    let now = even.world.now();
    let word = Word {
        subject: Some("ada".to_owned()),
        session: None,
        token_id: "once".to_owned(),
        told_at: now,
        until: now.plus_seconds(GOOD_SECONDS),
    };
    let hear = async |node: &Node| heard(&node.door, &node.ctx(), &company, &word).await.expect("a database");
    assert!(matches!(hear(&even).await, Heard::Ended(_)));
    upkeep::prune(&ahead.door, &ahead.ctx()).await.expect("pruned");
    // It is over where the clock is ahead, and would be taken where it is behind.
    ground.advance(GOOD_SECONDS - 30).await;
    ground.raw("UPDATE jobs SET run_at_ms = 0").await;
    upkeep::prune(&ahead.door, &ahead.ctx()).await.expect("pruned");
    assert!(ahead.world.now() > word.until && behind.world.now() < word.until);
    assert_eq!(hear(&behind).await, Heard::Before);
}

async fn gauntlet_b6_15_what_was_begun_is_found_by_its_browser_at_its_connector_in_its_time(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let (company, other) = (connector(&a, &realm, "company").await, connector(&a, &realm, "other").await);
    b.follow().await;
    let (mine, theirs) = (a.binding().hash(), a.binding().hash());
    let begin = || attempt::begin(&a.door, &a.ctx(), &company, ("a flow", &mine, None)).expect("a seal").1;
    let found = |at: &Connector, text: &str, browser: &TokenHash| {
        let [on_a, on_b] = [&a, &b].map(|node| attempt::find(&node.door, &node.ctx(), at, (text, browser)).is_some());
        assert_eq!(on_a, on_b, "both nodes say the same");
        on_a
    };
    let text = begin();
    assert!(found(&company, &text, &mine));
    assert!(!found(&company, &text, &theirs), "another browser");
    assert!(!found(&other, &text, &mine), "another connector");
    let (head, tail) = text.split_at(text.len() / 2);
    let letter = if tail.starts_with('A') { "B" } else { "A" };
    assert!(!found(&company, &format!("{head}{letter}{}", &tail[1..]), &mine), "changed");
    assert!(!found(&company, "", &mine) && !found(&company, head, &mine));
    // In its time, and while the connector is what it was.
    ground.advance(doorward_engine::limits::PROVIDER_SECONDS - 1).await;
    assert!(found(&company, &text, &mine));
    ground.advance(1).await;
    assert!(!found(&company, &text, &mine), "over");
    let text = begin();
    let (ctx, settings) = (a.ctx(), company.settings.clone());
    let place = (&*a.door, &ctx);
    a.change(async |tx| connectors::update(place, tx, &company, settings).await).await.expect("it is taken");
    let now = doorward_engine::federation::find(&a.door, &realm.id, &company.name).await.expect("an answer");
    assert!(!found(&now.expect("a connector"), &text, &mine), "changed meanwhile");
}

async fn nobody_comes_in_through_a_connector_that_was_changed_or_disabled_on_their_way(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let company = connector(&a, &realm, "company").await;
    b.follow().await;
    let now = async || {
        let found = doorward_engine::federation::find(&b.door, &realm.id, &company.name).await;
        found.expect("an answer").expect("a connector")
    };
    let comes = async |through: &Connector, id: &str| {
        let identity = proved(&b, through, "ada", &[("saml assertion", id)]);
        match show(&b, (&realm, through), &identity).await {
            Outcome::Opened(_) => true,
            Outcome::Refused(Refusal::ConnectorDisabled) => false,
            _ => panic!("neither in nor refused for the connector"),
        }
    };
    assert!(comes(&company, "_1").await);
    let (ctx, settings) = (a.ctx(), company.settings.clone());
    let place = (&*a.door, &ctx);
    a.change(async |tx| connectors::update(place, tx, &company, settings).await).await.expect("it is taken");
    assert!(!comes(&company, "_2").await, "judged by what was so before");
    let changed = now().await;
    // What was refused for that is not used up.
    assert!(comes(&changed, "_2").await);
    a.change(async |tx| connectors::set_active(tx, &changed, false).await).await;
    assert!(!comes(&changed, "_3").await);
    let disabled = Connector { is_active: true, ..now().await };
    assert!(!comes(&disabled, "_3").await, "whoever read it a moment before");
}

async fn what_comes_after_signing_out_there_is_found_at_its_connector_in_its_time(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let (company, other) = (connector(&a, &realm, "company").await, connector(&a, &realm, "other").await);
    let next = "https://door.example.com/after";
    let (text, state) = parting::begin(&a.door, &a.ctx(), &company, next).expect("a seal").expect("it fits");
    let found = |at: &Connector, text: &str| {
        let found = parting::find(&b.door, &b.ctx(), at, text);
        found.map(|parting| (parting.next.clone(), parting.state.clone()))
    };
    let all = Some((next.to_owned(), state));
    assert_eq!(found(&company, &text), all);
    assert_eq!(found(&other, &text), None);
    assert_eq!(found(&company, &text[1..]), None);
    // A way in is no way out, though both are sealed here.
    let (_, way) = attempt::begin(&a.door, &a.ctx(), &company, ("a flow", &a.binding().hash(), None)).expect("a seal");
    assert_eq!(found(&company, way.strip_prefix("dwy_").expect("its prefix")), None);
    ground.advance(doorward_engine::limits::PROVIDER_SECONDS - 1).await;
    assert_eq!(found(&company, &text), all);
    ground.advance(1).await;
    assert_eq!(found(&company, &text), None);
    let long = format!("https://door.example.com/{}", "x".repeat(doorward_engine::limits::PARTING_BYTES));
    assert!(parting::begin(&a.door, &a.ctx(), &company, &long).expect("a seal").is_none(), "longer than a cookie");
}
