//! What works once: tickets to app hosts, set-up links, flows.

use doorward_engine::setup::{self, Founder, Outcome};
use doorward_engine::sign_in::enter::Entry;
use doorward_engine::sign_in::flow;
use doorward_model::app::App;
use doorward_model::limits;
use doorward_model::name::{DisplayText, UserName};
use doorward_model::secret::PlainToken;
use doorward_store::sessions::SignedIn;

use crate::fixture::{Ground, Node};
use crate::people::{PASSWORD, at_once, everyone, only, password};

const DAGSTER: &str = "dagster.example.com";
const GRAFANA: &str = "grafana.example.com";

async fn ticket(node: &Node, signed_in: &SignedIn, app: &App, binding: &PlainToken) -> PlainToken {
    let Entry::Ticket(ticket) = node.ticket(signed_in, app, binding).await else { panic!("no ticket") };
    ticket
}

async fn gauntlet_b18_01_fifty_browsers_racing_with_one_ticket_get_one_pass(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let alice = a.user(&realm, "alice").await;
    let app = a.app(&realm, DAGSTER, everyone()).await;
    b.follow().await;
    let session = a.session(&alice).await;
    for round in 0..10 {
        let binding = a.binding();
        let ticket = ticket(&a, &session, &app, &binding).await;
        let (ticket, binding) = (ticket.hash(), binding.hash());
        let passes = at_once(&[&a, &b], 50, |node, _| async move {
            node.admit(DAGSTER, &ticket, Some(&binding)).await.map(|admitted| admitted.pass)
        })
        .await;
        let passes: Vec<_> = passes.into_iter().flatten().collect();
        assert_eq!(passes.len(), 1, "round {round}");
        for pass in passes {
            assert!(a.check_pass(DAGSTER, &pass).await.passes());
            assert!(b.check_pass(DAGSTER, &pass).await.passes());
        }
    }
    assert_eq!(ground.number("SELECT COUNT(*) FROM passes").await, 10);
}

async fn a_ticket_works_in_its_browser_at_its_host_for_half_a_minute_and_a_failure_uses_it_up(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.user(&realm, "alice").await;
    let app = node.app(&realm, DAGSTER, everyone()).await;
    node.app(&realm, GRAFANA, everyone()).await;
    let session = node.session(&alice).await;
    let (binding, other) = (node.binding().hash(), node.binding().hash());
    let right = node.binding();

    // Each wrong way to show it, and then the right way, which is too late.
    for (at, shown) in
        [(DAGSTER, Some(binding)), (DAGSTER, None), (GRAFANA, Some(right.hash())), (GRAFANA, Some(other))]
    {
        let hash = ticket(&node, &session, &app, &right).await.hash();
        assert!(node.admit(at, &hash, shown.as_ref()).await.is_none(), "{at}");
        assert!(node.admit(DAGSTER, &hash, Some(&right.hash())).await.is_none(), "used up by {at}");
    }

    let hash = ticket(&node, &session, &app, &right).await.hash();
    assert!(node.admit(DAGSTER, &hash, Some(&right.hash())).await.is_some());
    assert!(node.admit(DAGSTER, &hash, Some(&right.hash())).await.is_none(), "used twice");

    let hash = ticket(&node, &session, &app, &right).await.hash();
    ground.advance(limits::TICKET_SECONDS - 1).await;
    assert!(node.admit(DAGSTER, &hash, Some(&right.hash())).await.is_some(), "29 s is in time");
    let hash = ticket(&node, &session, &app, &right).await.hash();
    ground.advance(limits::TICKET_SECONDS + 1).await;
    assert!(node.admit(DAGSTER, &hash, Some(&right.hash())).await.is_none(), "31 s is too late");

    let unknown = PlainToken::draw(doorward_model::secret::TokenKind::Ticket, &*node.door.dice);
    assert!(node.admit(DAGSTER, &unknown.hash(), Some(&right.hash())).await.is_none());
}

async fn a_ticket_ends_with_its_session_and_its_app(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.user(&realm, "alice").await;
    let app = node.app(&realm, DAGSTER, everyone()).await;
    let binding = node.binding();
    let session = node.session(&alice).await;
    let hash = ticket(&node, &session, &app, &binding).await.hash();
    let ended = doorward_engine::sessions::end(&node.door, &node.ctx(), &session.session.id, "test").await;
    assert!(ended.expect("an answer"));
    assert!(node.admit(DAGSTER, &hash, Some(&binding.hash())).await.is_none());

    let session = node.session(&alice).await;
    let hash = ticket(&node, &session, &app, &binding).await.hash();
    node.change(async |tx| doorward_engine::manage::apps::delete(tx, &app).await).await;
    assert!(node.admit(DAGSTER, &hash, Some(&binding.hash())).await.is_none());
}

async fn a_ticket_admits_nobody_whose_session_ran_out_meanwhile(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let app = node.app(&realm, DAGSTER, everyone()).await;
    let signed_in = node.session(&node.user(&realm, "alice").await).await;
    let binding = node.binding();
    ground.advance(signed_in.session.idle_seconds - 10).await;
    let (early, late) =
        (ticket(&node, &signed_in, &app, &binding).await, ticket(&node, &signed_in, &app, &binding).await);
    ground.advance(9).await;
    assert!(node.admit(DAGSTER, &early.hash(), Some(&binding.hash())).await.is_some());
    ground.advance(1).await;
    assert!(node.admit(DAGSTER, &late.hash(), Some(&binding.hash())).await.is_none());
}

async fn no_ticket_is_drawn_for_whom_the_rule_refuses(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.user(&realm, "alice").await;
    let group = node.group(&realm, "engineers").await;
    let app = node.app(&realm, DAGSTER, only(&group)).await;
    let session = node.session(&alice).await;
    assert!(matches!(node.ticket(&session, &app, &node.binding()).await, Entry::Refused(_)));
    assert_eq!(ground.number("SELECT COUNT(*) FROM tickets").await, 0);
    assert_eq!(ground.number("SELECT COUNT(*) FROM events WHERE kind = 'gate_denied'").await, 1);
    node.join(&group, &alice).await;
    assert!(matches!(node.ticket(&session, &app, &node.binding()).await, Entry::Ticket(_)));
}

async fn entering_while_the_app_is_deleted_breaks_neither(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let alice = a.user(&realm, "alice").await;
    let session = a.session(&alice).await;
    for round in 0..30 {
        let app = a.app(&realm, DAGSTER, everyone()).await;
        b.follow().await;
        let binding = a.binding();
        let mut hashes = Vec::new();
        for _ in 0..4 {
            hashes.push(ticket(&a, &session, &app, &binding).await.hash());
        }
        let binding = binding.hash();
        let deleting = {
            let node = a.clone();
            tokio::spawn(async move {
                let mut tx = node.door.begin().await?;
                doorward_engine::manage::apps::delete(&mut tx, &app).await?;
                node.door.commit(&node.ctx(), tx).await
            })
        };
        let entering = at_once(&[&a, &b], hashes.len(), |node, number| {
            let hash = hashes.get(number).copied();
            async move {
                let hash = hash.expect("as many tickets as tasks");
                let at = crate::people::host(DAGSTER);
                let admitted =
                    doorward_engine::sign_in::enter::admit(&node.door, &node.ctx(), &at, &hash, Some(&binding)).await;
                admitted.map(drop).map_err(|fault| fault.to_string())
            }
        })
        .await;
        let deleted = deleting.await.expect("no task panics").map_err(|fault| fault.to_string());
        assert_eq!(deleted, Ok(()), "round {round}");
        for outcome in entering {
            assert_eq!(outcome, Ok(()), "round {round}");
        }
    }
}

/// Entering locks ticket, then session; ending a session locks session, then its tickets. Neither may
/// stop the other: a revocation that fails because somebody was just coming in is no revocation.
async fn entering_while_the_session_ends_breaks_neither(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let alice = a.user(&realm, "alice").await;
    let app = a.app(&realm, DAGSTER, everyone()).await;
    b.follow().await;
    for round in 0..60 {
        let session = a.session(&alice).await;
        let mut hashes = Vec::new();
        let binding = a.binding();
        for _ in 0..4 {
            hashes.push(ticket(&a, &session, &app, &binding).await.hash());
        }
        let (id, binding) = (session.session.id.clone(), binding.hash());
        let ending = {
            let node = a.clone();
            tokio::spawn(async move { doorward_engine::sessions::end(&node.door, &node.ctx(), &id, "test").await })
        };
        let entering = at_once(&[&a, &b], hashes.len(), |node, number| {
            let hash = hashes.get(number).copied();
            async move {
                let hash = hash.expect("as many tickets as tasks");
                let at = crate::people::host(DAGSTER);
                let admitted =
                    doorward_engine::sign_in::enter::admit(&node.door, &node.ctx(), &at, &hash, Some(&binding)).await;
                admitted.map(|admitted| admitted.map(|admitted| admitted.pass))
            }
        })
        .await;
        let ended = ending.await.expect("no task panics");
        assert!(ended.as_ref().is_ok_and(|ended| *ended), "round {round}: {:?}", ended.map_err(|f| f.to_string()));
        for pass in entering {
            match pass {
                Ok(Some(pass)) => assert!(!a.check_pass(DAGSTER, &pass).await.passes(), "round {round}"),
                Ok(None) => {}
                Err(fault) => panic!("round {round}: {fault}"),
            }
        }
    }
}

async fn gauntlet_b18_01_fifty_people_racing_with_one_set_up_link_make_one_administrator(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let link = setup::make_link(&a.door, &a.ctx(), &realm).await.expect("a link").hash();
    let outcomes = at_once(&[&a, &b], 50, |node, number| async move {
        let name = UserName::parse(&format!("founder{number}")).expect("a name");
        let founder = Founder {
            display: DisplayText::parse(name.as_str()).expect("a name"),
            name,
            email: None,
            password: password(PASSWORD),
            user_agent: "suite",
        };
        match setup::found(&node.door, &node.ctx(), &link, founder).await.expect("an outcome") {
            Outcome::Opened(_) => "opened",
            Outcome::LinkGone => "gone",
            Outcome::Refused(_) => "refused",
            Outcome::Busy => "busy",
        }
    })
    .await;
    let count = |word: &str| outcomes.iter().filter(|outcome| **outcome == word).count();
    assert_eq!((count("opened"), count("gone")), (1, 49), "{outcomes:?}");
    assert_eq!(ground.number("SELECT COUNT(*) FROM users").await, 1);
    assert_eq!(ground.number("SELECT COUNT(*) FROM sessions").await, 1);
    assert_eq!(ground.texts("SELECT name FROM user_groups").await, [setup::ADMINISTRATORS]);
    assert!(setup::find_link(&b.door, &b.ctx(), &link).await.expect("an answer").is_none());
    // The administrators' role comes with the group.
    let held = "SELECT r.name || ' to ' || g.name FROM role_groups h JOIN roles r ON r.id = h.role_id \
                JOIN user_groups g ON g.id = h.group_id";
    assert_eq!(ground.texts(held).await, ["doorward-admin to doorward-admins"]);
}

async fn a_group_of_the_administrators_name_that_somebody_made_before_gets_no_role(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let mallory = node.user(&realm, "mallory").await;
    let group = node.group(&realm, setup::ADMINISTRATORS).await;
    node.join(&group, &mallory).await;
    let link = setup::make_link(&node.door, &node.ctx(), &realm).await.expect("a link").hash();
    let founder = Founder {
        name: UserName::parse("founder").expect("a name"),
        display: DisplayText::parse("Founder").expect("a name"),
        email: None,
        password: password(PASSWORD),
        user_agent: "suite",
    };
    let outcome = setup::found(&node.door, &node.ctx(), &link, founder).await.expect("an outcome");
    assert!(matches!(outcome, Outcome::Opened(_)));
    assert_eq!(ground.number("SELECT COUNT(*) FROM role_groups").await, 0);
}

async fn a_newer_set_up_link_ends_older_ones_and_a_day_ends_each(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let older = setup::make_link(&node.door, &node.ctx(), &realm).await.expect("a link").hash();
    let newer = setup::make_link(&node.door, &node.ctx(), &realm).await.expect("a link").hash();
    assert!(setup::find_link(&node.door, &node.ctx(), &older).await.expect("an answer").is_none());
    assert!(setup::find_link(&node.door, &node.ctx(), &newer).await.expect("an answer").is_some());
    ground.advance(limits::SETUP_SECONDS).await;
    assert!(setup::find_link(&node.door, &node.ctx(), &newer).await.expect("an answer").is_none());
}

async fn a_flow_opens_whole_in_its_browser_for_half_an_hour(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let (browser, stranger) = (node.binding().hash(), node.binding().hash());
    let text = flow::begin(&node.door, &node.ctx(), &realm.id, &browser, flow::Aim::Home).expect("a flow");
    let found = |text: &str, by| flow::find(&node.door, &node.ctx(), text, by).is_some();
    assert!(found(&text, &browser));
    assert!(!found(&text, &stranger), "a link alone opens nothing");
    for length in 0..text.len() {
        assert!(!found(&text[..length], &browser));
    }
    assert!(!found(&text.to_uppercase(), &browser));
    ground.advance(limits::FLOW_SECONDS).await;
    assert!(!found(&text, &browser));
}

on_both!(together:
    gauntlet_b18_01_fifty_browsers_racing_with_one_ticket_get_one_pass,
    a_ticket_works_in_its_browser_at_its_host_for_half_a_minute_and_a_failure_uses_it_up,
    a_ticket_ends_with_its_session_and_its_app,
    a_ticket_admits_nobody_whose_session_ran_out_meanwhile,
    no_ticket_is_drawn_for_whom_the_rule_refuses,
    entering_while_the_session_ends_breaks_neither,
    entering_while_the_app_is_deleted_breaks_neither,
    gauntlet_b18_01_fifty_people_racing_with_one_set_up_link_make_one_administrator,
    a_group_of_the_administrators_name_that_somebody_made_before_gets_no_role,
    a_newer_set_up_link_ends_older_ones_and_a_day_ends_each,
    a_flow_opens_whole_in_its_browser_for_half_an_hour,
);
