//! Whatever takes a right away holds at the very next check on the same node, and on every other node
//! within a bound that is measured here.

use std::time::Duration;

use doorward_engine::gate::check::Credential;
use doorward_engine::manage::{apps, groups, tokens, users};
use doorward_engine::sessions;
use doorward_model::app::{Access, App};
use doorward_model::name::TokenName;
use doorward_model::people::{Group, Realm, Source, User};
use doorward_store::sessions::SignedIn;

use crate::fixture::{Ground, Kind, Node, wait_for};

/// The bound for a second node on PostgreSQL, where commits wake the others.
const BOUND: Duration = Duration::from_millis(250);
/// For a second process on one SQLite file, which looks ten times a second.
const BOUND_POLLED: Duration = Duration::from_millis(1000);

/// Everything that can be taken away.
const ACTS: &[Act] = &[
    Act::DisableUser,
    Act::DeleteUser,
    Act::EndSession,
    Act::EndOwnSession,
    Act::EndAllOthers,
    Act::ChangePassword,
    Act::LeaveGroup,
    Act::Unnest,
    Act::DeleteGroup,
    Act::ChangeRule,
    Act::DeleteApp,
    Act::RevokeToken,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    DisableUser,
    DeleteUser,
    EndSession,
    EndOwnSession,
    EndAllOthers,
    ChangePassword,
    LeaveGroup,
    Unnest,
    DeleteGroup,
    ChangeRule,
    DeleteApp,
    RevokeToken,
}

/// Someone of one name with everything of their own, let in through a group inside a group.
struct Scene {
    user: User,
    inner: Group,
    outer: Group,
    app: App,
    at: String,
    session: SignedIn,
    other_session: SignedIn,
    token_name: TokenName,
    credential: Credential,
}

async fn scene(node: &Node, realm: &Realm, name: &str, act: Act) -> Scene {
    let user = node.user(realm, name).await;
    let (inner, outer) = (node.group(realm, &format!("{name} inner")).await, node.group(realm, name).await);
    node.join(&inner, &user).await;
    assert_eq!(node.nest(&outer, &inner).await, Ok(true));
    let at = format!("{name}.example.com");
    let app = node.app(realm, &at, crate::people::only(&outer)).await;
    let (session, other_session) = (node.session(&user).await, node.session(&user).await);
    let token = node.service_token(realm, name, &[&app], 3600).await;
    let credential = match act {
        Act::RevokeToken => Credential::Service(token.hash()),
        _ => Credential::Pass(node.enter(&session, &app).await.hash()),
    };
    let token_name = TokenName::parse(name).expect("a token name");
    Scene { user, inner, outer, app, at, session, other_session, token_name, credential }
}

async fn perform(node: &Node, realm: &Realm, scene: &Scene, act: Act) {
    let (user, session) = (&scene.user, &scene.session.session);
    match act {
        Act::DisableUser => assert!(node.change(async |tx| users::disable(tx, user).await).await),
        Act::DeleteUser => node.change(async |tx| users::delete(tx, user).await).await,
        Act::EndSession => {
            let ended = sessions::end(&node.door, &node.ctx(), &session.id, "an administrator said so").await;
            assert!(ended.expect("an answer"));
        }
        Act::EndOwnSession => {
            let ended = sessions::end_own(&node.door, &node.ctx(), (&user.id, &session.id), "signed out").await;
            assert!(ended.expect("an answer"));
        }
        Act::EndAllOthers => {
            let current = Some(&scene.other_session.session.id);
            let ended = sessions::end_others(&node.door, &node.ctx(), &user.id, current).await;
            assert_eq!(ended.expect("an answer"), 1);
        }
        Act::ChangePassword => node.change(async |tx| users::set_password(tx, user, "-", None).await).await,
        Act::LeaveGroup => {
            let left = async |tx: &mut _| groups::remove_member(tx, &scene.inner, user, &Source::Local).await;
            assert!(node.change(left).await);
        }
        Act::Unnest => {
            let apart = async |tx: &mut _| groups::unnest(tx, &scene.outer, &scene.inner, &Source::Local).await;
            assert!(node.change(apart).await);
        }
        Act::DeleteGroup => node.change(async |tx| groups::delete(tx, &scene.outer).await).await,
        Act::ChangeRule => {
            let app = App { access: Access::default(), ..scene.app.clone() };
            let outcome = node.change(async |tx| apps::update(&node.door, tx, &app).await).await;
            assert_eq!(outcome, Ok(()));
        }
        Act::DeleteApp => node.change(async |tx| apps::delete(tx, &scene.app).await).await,
        Act::RevokeToken => {
            assert!(node.change(async |tx| tokens::revoke(tx, &realm.id, &scene.token_name).await).await);
        }
    }
}

async fn gauntlet_b10_01_b1_18_what_is_taken_away_is_gone_at_the_next_check_and_soon_everywhere(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let bound = if ground.kind == Kind::Postgres { BOUND } else { BOUND_POLLED };
    let mut slowest = (Duration::ZERO, None);
    let mut all = Vec::new();
    for (number, act) in (0..ACTS.len() * 3).zip(ACTS.iter().copied().cycle()) {
        let scene = scene(&a, &realm, &format!("person{number}"), act).await;
        let (at, credential) = (scene.at.as_str(), scene.credential);
        b.follow().await;
        for node in [&a, &b] {
            assert!(node.check(at, credential).await.passes(), "{act:?}");
            // Once loaded, now from memory.
            assert!(node.check(at, credential).await.passes(), "{act:?}");
        }
        let kept = a.pass(&scene.other_session.session, &scene.app).await;
        if act == Act::EndAllOthers {
            assert!(b.check_pass(at, &kept).await.passes(), "{act:?}");
        }
        perform(&a, &realm, &scene, act).await;
        let answer = a.check(at, credential).await;
        assert!(!answer.passes(), "{act:?}: the same node says {answer:?}");
        let delay = wait_for(bound, async || !b.check(at, credential).await.passes()).await;
        let delay = delay.unwrap_or_else(|| panic!("{act:?}: the other node still lets in after {bound:?}"));
        all.push(delay);
        slowest = slowest.max((delay, Some(number)));
        if act == Act::EndAllOthers {
            assert!(a.check_pass(at, &kept).await.passes() && b.check_pass(at, &kept).await.passes());
        }
    }
    let act = slowest.1.and_then(|number| ACTS.get(number % ACTS.len()));
    let median = crate::fixture::median(all);
    println!(
        "{:?}: revocation on the other node: median {median:.1?}, at most {:.1?} ({act:?})",
        ground.kind, slowest.0
    );
}

async fn enabling_a_user_again_does_not_bring_sessions_back(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let scene = scene(&node, &realm, "alice", Act::DisableUser).await;
    assert!(node.check(&scene.at, scene.credential).await.passes());
    perform(&node, &realm, &scene, Act::DisableUser).await;
    assert!(node.change(async |tx| users::enable(tx, &scene.user).await).await);
    assert!(node.check(&scene.at, scene.credential).await.asks_to_sign_in());
    assert_eq!(ground.number("SELECT COUNT(*) FROM passes").await, 0);
}

async fn a_recycled_name_gets_nothing_of_its_former_holder(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let scene = scene(&node, &realm, "alice", Act::DeleteUser).await;
    perform(&node, &realm, &scene, Act::DeleteUser).await;
    let second = node.user(&realm, "alice").await;
    assert_ne!(second.id, scene.user.id);
    let pass = node.pass(&node.session(&second).await.session, &scene.app).await;
    assert!(!node.check_pass(&scene.at, &pass).await.passes());
    // The same for a group whose name comes again.
    node.join(&scene.inner, &second).await;
    assert!(node.check_pass(&scene.at, &pass).await.passes());
    perform(&node, &realm, &scene, Act::DeleteGroup).await;
    let again = node.group(&realm, "alice").await;
    assert_eq!(node.nest(&again, &scene.inner).await, Ok(true));
    assert!(!node.check_pass(&scene.at, &pass).await.passes());
}

async fn nobody_ends_somebody_elses_session(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let scene = scene(&node, &realm, "alice", Act::EndOwnSession).await;
    let mallory = node.user(&realm, "mallory").await;
    let id = &scene.session.session.id;
    assert!(!sessions::end_own(&node.door, &node.ctx(), (&mallory.id, id), "signed out").await.expect("an answer"));
    assert!(node.check(&scene.at, scene.credential).await.passes());
    assert_eq!(ground.number("SELECT COUNT(*) FROM events WHERE kind = 'session_ended'").await, 0);
}

on_both!(alone:
    gauntlet_b10_01_b1_18_what_is_taken_away_is_gone_at_the_next_check_and_soon_everywhere,
);
on_both!(together:
    enabling_a_user_again_does_not_bring_sessions_back,
    a_recycled_name_gets_nothing_of_its_former_holder,
    nobody_ends_somebody_elses_session,
);
