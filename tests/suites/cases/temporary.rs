//! Temporary passwords: nothing is opened before another one is chosen, in the browser that showed it, once.

use std::sync::Arc;

use doorward_engine::manage::users;
use doorward_engine::sessions;
use doorward_engine::sign_in::password::Outcome;
use doorward_engine::sign_in::renewal::{self, Outcome as Chosen, Wanted};
use doorward_model::people::{Realm, User};
use doorward_model::secret::{PlainToken, TokenHash};
use doorward_store::events;
use doorward_store::users::{hold_password, password as stored};

use crate::fixture::{Ground, Node};
use crate::people::{Form, PASSWORD, WRONG, at_once, password};

const OWN: &str = "a phrase of my own choosing";

/// Gives the user's password, as it is, for once.
async fn make_temporary(node: &Node, user: &User) {
    let hash = stored(&mut &node.door.store, &user.id).await.expect("a database").expect("a password").hash;
    node.change(async |tx| users::set_temporary_password(tx, user, &hash).await).await;
}

/// Signs in with the temporary password; the text that stands in the page then.
async fn ask(node: &Node, realm: &Realm, browser: &TokenHash) -> String {
    match node.send(&node.ctx(), realm, &Form::new("alice", PASSWORD)).await.expect("an outcome") {
        Outcome::MustChange(proved) => {
            renewal::begin(&node.door, &node.ctx(), &proved, (browser, false)).expect("a page")
        }
        other => panic!("not asked for another password: {}", crate::people::word(&other)),
    }
}

/// Sends the page's form; the outcome in one word.
async fn choose(node: &Node, realm: &Realm, browser: &TokenHash, page: &str, wanted: &str) -> &'static str {
    let found = renewal::find(&node.door, &node.ctx(), (&realm.id, browser), page).await.expect("a database");
    let Some(waiting) = found else { return "over" };
    let wanted = Wanted { compared: password(wanted), kept: password(wanted) };
    match renewal::choose(&node.door, &node.ctx(), waiting, wanted, ("suite", None)).await.expect("an outcome") {
        Chosen::Opened(_) => "opened",
        Chosen::Same => "same",
        Chosen::Over => "over",
        Chosen::Busy => "busy",
    }
}

struct Scene {
    node: Arc<Node>,
    realm: Realm,
    alice: User,
    browser: PlainToken,
}

impl Scene {
    async fn on(ground: &Ground) -> Scene {
        let node = ground.node().await;
        let realm = node.realm("main").await;
        let alice = node.user(&realm, "alice").await;
        make_temporary(&node, &alice).await;
        let browser = node.binding();
        Scene { node, realm, alice, browser }
    }

    async fn choose(&self, page: &str, wanted: &str) -> &'static str {
        choose(&self.node, &self.realm, &self.browser.hash(), page, wanted).await
    }

    async fn signs_in(&self, with: &str) -> &'static str {
        self.node.try_from("192.0.2.9", &self.realm, &Form::new("alice", with)).await
    }
}

async fn nothing_is_opened_before_another_password_is_chosen(ground: Ground) {
    let scene = Scene::on(&ground).await;
    assert_eq!(scene.signs_in(WRONG).await, "wrong");
    let page = ask(&scene.node, &scene.realm, &scene.browser.hash()).await;
    for table in ["sessions", "devices", "passes", "families"] {
        assert_eq!(ground.number(&format!("SELECT COUNT(*) FROM {table}")).await, 0, "{table}");
    }
    assert_eq!(scene.choose(&page, PASSWORD).await, "same");
    assert_eq!(ground.number("SELECT COUNT(*) FROM sessions").await, 0);
    assert_eq!(scene.choose(&page, OWN).await, "opened");
    assert_eq!(ground.number("SELECT COUNT(*) FROM sessions").await, 1);
    assert_eq!((scene.signs_in(PASSWORD).await, scene.signs_in(OWN).await), ("wrong", "opened"));
    let all = events::newest(&mut &scene.node.door.store, 100).await.expect("events");
    let own = |event: &&events::Recorded| event.actor == scene.alice.id.as_str();
    let kinds: Vec<&str> = all.iter().filter(own).map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["signed_in", "signed_in", "password_changed"], "{all:?}");
}

async fn showing_it_often_is_no_guessing_and_wrong_ones_still_are(ground: Ground) {
    let scene = Scene::on(&ground).await;
    for _ in 0..12 {
        assert_eq!(scene.signs_in(PASSWORD).await, "must change");
    }
    for _ in 0..5 {
        assert_eq!(scene.signs_in(WRONG).await, "wrong");
    }
    assert_eq!(scene.signs_in(PASSWORD).await, "throttled");
}

async fn the_page_is_good_in_one_browser_of_one_realm_for_a_while_and_once(ground: Ground) {
    let scene = Scene::on(&ground).await;
    let other = scene.node.realm("other").await;
    let browser = scene.browser.hash();
    let page = ask(&scene.node, &scene.realm, &browser).await;
    let stranger = scene.node.binding();
    assert_eq!(choose(&scene.node, &scene.realm, &stranger.hash(), &page, OWN).await, "over");
    assert_eq!(choose(&scene.node, &other, &browser, &page, OWN).await, "over");
    for bad in ["", "dwn_", "dwn_AAAA", page.trim_start_matches("dwn_"), &page[..page.len() - 2]] {
        assert_eq!(scene.choose(bad, OWN).await, "over", "{bad}");
    }
    ground.advance(15 * 60).await;
    assert_eq!(scene.choose(&page, OWN).await, "over");
    let page = ask(&scene.node, &scene.realm, &browser).await;
    assert_eq!(scene.choose(&page, OWN).await, "opened");
    assert_eq!(scene.choose(&page, "yet another phrase of mine").await, "over");
}

async fn of_many_forms_sent_at_once_on_two_nodes_one_is_taken(ground: Ground) {
    let scene = Scene::on(&ground).await;
    let other = ground.node().await;
    let page = Arc::new(ask(&scene.node, &scene.realm, &scene.browser.hash()).await);
    let (realm, browser) = (scene.realm.clone(), scene.browser.hash());
    let outcomes = at_once(&[&scene.node, &other], 6, |node, number| {
        let (page, realm) = (page.clone(), realm.clone());
        async move { choose(&node, &realm, &browser, &page, &format!("{OWN} {number}")).await }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|word| **word == "opened").count(), 1, "{outcomes:?}");
    assert_eq!(ground.number("SELECT COUNT(*) FROM sessions").await, 1);
}

async fn what_changes_meanwhile_ends_the_page(ground: Ground) {
    let scene = Scene::on(&ground).await;
    let (node, alice) = (&scene.node, &scene.alice);
    let page = ask(node, &scene.realm, &scene.browser.hash()).await;
    node.change(async |tx| users::disable(tx, alice).await).await;
    assert_eq!(scene.choose(&page, OWN).await, "over");
    node.change(async |tx| users::enable(tx, alice).await).await;
    // Another temporary password: the page belonged to the one before.
    let hash = node.door.hasher.hash(password("a temporary phrase"), &*node.door.dice).await.expect("a hash");
    node.change(async |tx| users::set_temporary_password(tx, alice, &hash).await).await;
    assert_eq!(scene.choose(&page, OWN).await, "over");
    // One for good.
    node.change(async |tx| users::set_password(tx, alice, &hash, None).await).await;
    assert_eq!(scene.choose(&page, OWN).await, "over");
    assert_eq!(scene.signs_in("a temporary phrase").await, "opened");
}

async fn a_temporary_password_ends_what_was_open_and_a_mark_alone_does_not(ground: Ground) {
    let scene = Scene::on(&ground).await;
    let (node, alice) = (&scene.node, &scene.alice);
    let changed =
        async |is_required| node.change(async |tx| users::require_new_password(tx, alice, is_required).await).await;
    assert!(changed(false).await && !changed(false).await);
    let opened = node.sign_in(&scene.realm, &Form::new("alice", PASSWORD)).await;
    let is_open =
        async || sessions::find(&node.door, &node.ctx(), &opened.session.hash()).await.expect("an answer").is_some();
    assert!(changed(true).await && is_open().await);
    assert_eq!(scene.signs_in(PASSWORD).await, "must change");
    make_temporary(node, alice).await;
    assert!(!is_open().await);
}

async fn a_password_that_was_replaced_while_it_was_checked_opens_nothing(ground: Ground) {
    let scene = Scene::on(&ground).await;
    let (node, alice) = (&scene.node, &scene.alice);
    let hash = stored(&mut &node.door.store, &alice.id).await.expect("a database").expect("a password").hash;
    let holds = async |hash: &str| node.change(async |tx| hold_password(tx, &alice.id, hash).await).await;
    assert!(!holds(&hash).await, "it is temporary");
    node.change(async |tx| users::set_password(tx, alice, &hash, None).await).await;
    assert!(holds(&hash).await && !holds("$argon2id$another").await);
    node.change(async |tx| users::disable(tx, alice).await).await;
    assert!(!holds(&hash).await, "the user is disabled");
    node.change(async |tx| users::enable(tx, alice).await).await;

    // While attempts are under way the password is replaced: none of their sessions is left.
    let (realm, new) = (scene.realm.clone(), node.door.hasher.hash(password(OWN), &*node.door.dice).await);
    let new = new.expect("a hash");
    let outcomes = at_once(&[node], 9, |node, number| {
        let (realm, alice, new) = (realm.clone(), alice.clone(), new.clone());
        async move {
            if number == 4 {
                node.change(async |tx| users::set_password(tx, &alice, &new, None).await).await;
                return "changed";
            }
            let address = format!("192.0.2.{number}");
            node.try_from(&address, &realm, &Form::new("alice", PASSWORD)).await
        }
    })
    .await;
    assert!(outcomes.contains(&"changed"), "{outcomes:?}");
    assert_eq!(ground.number("SELECT COUNT(*) FROM sessions").await, 0);
}

on_both!(together:
    nothing_is_opened_before_another_password_is_chosen,
    showing_it_often_is_no_guessing_and_wrong_ones_still_are,
    the_page_is_good_in_one_browser_of_one_realm_for_a_while_and_once,
    of_many_forms_sent_at_once_on_two_nodes_one_is_taken,
    what_changes_meanwhile_ends_the_page,
    a_temporary_password_ends_what_was_open_and_a_mark_alone_does_not,
    a_password_that_was_replaced_while_it_was_checked_opens_nothing,
);
