//! Signing in with a password: who gets a session, what is told, what is written down.

use std::time::Instant;

use doorward_engine::manage::users;
use doorward_engine::sessions;
use doorward_model::secret::{TokenHash, TokenKind};
use doorward_store::events;

use crate::fixture::{Ground, median};
use crate::people::{Form, PASSWORD, WRONG};

async fn the_right_password_opens_a_session_by_name_or_e_mail_in_any_spelling(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.user_with_email(&realm, "alice", Some("alice@example.com")).await;
    for login in ["alice", "ALICE", " alice ", "\u{ff41}lice", "alice@example.com", "Alice@Example.COM"] {
        let opened = node.sign_in(&realm, &Form::new(login, PASSWORD)).await;
        assert_eq!(opened.user.id, alice.id, "{login}");
        let hash = TokenHash::of_presented(TokenKind::Session, opened.session.reveal()).expect("a session credential");
        let found = sessions::find(&node.door, &node.ctx(), &hash).await.expect("an answer").expect("the session");
        assert_eq!((found.session.id, found.user.id), (opened.kept.id, alice.id.clone()), "{login}");
    }
}

async fn an_e_mail_address_shared_by_two_users_signs_in_nobody(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    for name in ["anna", "bert"] {
        node.user_with_email(&realm, name, Some("team@example.com")).await;
    }
    assert_eq!(node.try_from("192.0.2.9", &realm, &Form::new("team@example.com", PASSWORD)).await, "wrong");
    assert_eq!(node.try_from("192.0.2.9", &realm, &Form::new("bert", PASSWORD)).await, "opened");
}

async fn a_user_of_another_realm_signs_in_nowhere_else(ground: Ground) {
    let node = ground.node().await;
    let (main, other) = (node.realm("main").await, node.realm("other").await);
    node.user_with_email(&main, "alice", Some("alice@example.com")).await;
    for login in ["alice", "alice@example.com"] {
        assert_eq!(node.try_from("192.0.2.9", &other, &Form::new(login, PASSWORD)).await, "wrong", "{login}");
    }
}

async fn a_disabled_user_is_told_so_only_after_the_right_password(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.user(&realm, "alice").await;
    assert!(node.change(async |tx| users::disable(tx, &alice).await).await);
    assert_eq!(node.try_from("192.0.2.9", &realm, &Form::new("alice", WRONG)).await, "wrong");
    assert_eq!(node.try_from("192.0.2.9", &realm, &Form::new("alice", PASSWORD)).await, "disabled");
    assert_eq!(ground.number("SELECT COUNT(*) FROM sessions").await, 0);
    assert!(node.change(async |tx| users::enable(tx, &alice).await).await);
    assert_eq!(node.try_from("192.0.2.9", &realm, &Form::new("alice", PASSWORD)).await, "opened");
}

async fn a_user_without_a_password_cannot_sign_in(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    node.user(&realm, "alice").await;
    ground.raw("UPDATE users SET password = NULL").await;
    for tried in [PASSWORD, WRONG, "x"] {
        assert_eq!(node.try_from("192.0.2.9", &realm, &Form::new("alice", tried)).await, "wrong");
    }
}

async fn gauntlet_b10_04_each_sign_in_has_a_new_session_and_ends_the_browsers_former_one(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.user(&realm, "alice").await;
    node.user(&realm, "bob").await;
    let elsewhere = node.sign_in(&realm, &Form::new("alice", PASSWORD)).await;
    let first = node.sign_in(&realm, &Form::new("alice", PASSWORD)).await;
    let again = Form { former: Some(first.kept.id.clone()), ..Form::new("alice", PASSWORD) };
    let second = node.sign_in(&realm, &again).await;
    assert_ne!(first.kept.id, second.kept.id);
    assert_ne!(first.session.reveal(), second.session.reveal());
    assert!(sessions::find(&node.door, &node.ctx(), &first.session.hash()).await.expect("an answer").is_none());
    // The same browser, now as somebody else.
    let switched = Form { former: Some(second.kept.id.clone()), ..Form::new("bob", PASSWORD) };
    let third = node.sign_in(&realm, &switched).await;
    assert_ne!(second.kept.id, third.kept.id);
    assert!(sessions::find(&node.door, &node.ctx(), &second.session.hash()).await.expect("an answer").is_none());
    // A wrong password ends nothing.
    let failed = Form { former: Some(third.kept.id.clone()), ..Form::new("bob", WRONG) };
    assert_eq!(node.try_from("192.0.2.9", &realm, &failed).await, "wrong");
    assert!(sessions::find(&node.door, &node.ctx(), &third.session.hash()).await.expect("an answer").is_some());
    // Other browsers of the first user are none of this one's business.
    let left = sessions::list(&node.door, &node.ctx(), &alice.id).await.expect("a list");
    assert_eq!(left.into_iter().map(|session| session.id).collect::<Vec<_>>(), [elsewhere.kept.id]);
}

async fn a_new_password_makes_known_browsers_strangers_and_ends_other_sessions(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.user(&realm, "alice").await;
    let opened = node.sign_in(&realm, &Form::new("alice", PASSWORD)).await;
    let knows =
        async || doorward_store::users::knows_device(&mut &node.door.store, &opened.device.hash(), &alice.id).await;
    assert!(knows().await.expect("an answer"));
    let hash = ground.texts("SELECT password FROM users").await.pop().expect("a stored password");
    node.change(async |tx| users::set_password(tx, &alice, &hash, None).await).await;
    assert!(!knows().await.expect("an answer"), "the browser is known still");
    assert!(sessions::find(&node.door, &node.ctx(), &opened.session.hash()).await.expect("an answer").is_none());
}

async fn what_happens_is_recorded_without_what_was_typed(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.user(&realm, "alice").await;
    node.sign_in(&realm, &Form::new("alice", PASSWORD)).await;
    let typed_into_the_wrong_field = "my-Secret-Hunter2";
    for _ in 0..6 {
        node.try_from("192.0.2.9", &realm, &Form::new(typed_into_the_wrong_field, WRONG)).await;
        node.try_from("192.0.2.10", &realm, &Form::new("alice", WRONG)).await;
    }
    let all = events::newest(&mut &node.door.store, 500).await.expect("events");
    let of = |kind: &str| all.iter().filter(|event| event.kind == kind).collect::<Vec<_>>();
    let opened = of("signed_in");
    assert_eq!(opened.len(), 1);
    assert!(opened.iter().all(|event| event.subject == alice.id.as_str() && event.actor == alice.id.as_str()));
    assert!(opened.iter().all(|event| event.client_address == "192.0.2.1" && event.request.starts_with("req_")));
    let refused = of("sign_in_refused");
    let about_alice = refused.iter().filter(|event| event.subject == alice.id.as_str());
    let why: Vec<&str> = about_alice.map(|event| event.detail.as_str()).collect();
    assert_eq!(why, vec!["wrong password"; 5], "whose account it was, and why");
    let about_nobody = refused.iter().filter(|event| event.subject.is_empty());
    let why: Vec<&str> = about_nobody.map(|event| event.detail.as_str()).collect();
    assert_eq!(why, vec!["nobody has the name or address that was typed"; 5]);
    let throttled = of("sign_in_throttled");
    assert_eq!(throttled.len(), 2);
    assert_eq!(throttled.iter().filter(|event| event.subject == alice.id.as_str()).count(), 1);
    let text = format!("{all:?}").to_lowercase();
    for secret in [PASSWORD, WRONG, typed_into_the_wrong_field, "argon2"] {
        assert!(!text.contains(&secret.to_lowercase()), "the record holds {secret}");
    }
}

async fn gauntlet_b11_06_an_unknown_user_and_a_wrong_password_are_alike_in_outcome_and_time(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    node.user(&realm, "alice").await;
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for number in 0..44 {
        // From many networks, so that no limit is met.
        let address = format!("198.51.100.{number}");
        let mut pair = [("alice", &mut known), ("nobody", &mut unknown)];
        // In turn, because the first from a network makes its counter and the second finds it.
        if number % 2 == 1 {
            pair.reverse();
        }
        for (login, times) in pair {
            let form = Form::new(login, WRONG);
            let began = Instant::now();
            let outcome = node.try_from(&address, &realm, &form).await;
            // The first few warm up caches and memory.
            if number >= 4 {
                times.push(began.elapsed());
            }
            assert_eq!(outcome, "wrong", "{login}");
        }
    }
    let (known, unknown) = (median(known), median(unknown));
    println!("{:?}: wrong password {known:.1?}, unknown user {unknown:.1?}", ground.kind);
    let ratio = known.as_secs_f64() / unknown.as_secs_f64();
    assert!((0.85..=1.15).contains(&ratio), "wrong password {known:?}, unknown user {unknown:?}");
}

on_both!(together:
    the_right_password_opens_a_session_by_name_or_e_mail_in_any_spelling,
    an_e_mail_address_shared_by_two_users_signs_in_nobody,
    a_user_of_another_realm_signs_in_nowhere_else,
    a_disabled_user_is_told_so_only_after_the_right_password,
    a_user_without_a_password_cannot_sign_in,
    gauntlet_b10_04_each_sign_in_has_a_new_session_and_ends_the_browsers_former_one,
    a_new_password_makes_known_browsers_strangers_and_ends_other_sessions,
    what_happens_is_recorded_without_what_was_typed,
);
on_both!(alone:
    gauntlet_b11_06_an_unknown_user_and_a_wrong_password_are_alike_in_outcome_and_time,
);
