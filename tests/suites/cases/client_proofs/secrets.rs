//! Secrets in memory, and how many wrong ones are taken.

use doorward_engine::clients::authenticate::{Proof, Shown};
use doorward_engine::clients::{Authentication, Client, ClientSettings};
use doorward_engine::{limits, manage};

use super::{Pen, TOKEN, assertion, claims, es256, machine, made, secret, shown};
use crate::fixture::{Ground, Node};
use crate::people::at_once;

async fn a_secret_in_memory_ends_with_its_change_and_its_time_on_every_node(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let (client, first) = made(&a, &realm, "loader", machine()).await;
    // Also where it was made: the feed tells of it once more, and what is loaded before that does not stay.
    for node in [&a, &b] {
        node.follow().await;
    }
    assert_eq!((secret(&a, &realm, "loader", &first).await, secret(&b, &realm, "loader", &first).await), both("good"));
    // What is in memory needs no database: this is behind the back of both nodes.
    ground.raw("UPDATE client_secrets SET expires_ms = 1").await;
    assert_eq!((secret(&a, &realm, "loader", &first).await, secret(&b, &realm, "loader", &first).await), both("good"));
    let rotate = async |seconds| {
        let change = async |tx: &mut _| manage::clients::rotate_secret(&a.door, &a.ctx(), tx, &client, seconds).await;
        a.change(change).await.unwrap_or_else(|refused| panic!("{refused}")).reveal().to_owned()
    };
    let second = rotate(0).await;
    assert_eq!(secret(&a, &realm, "loader", &first).await, "unproved", "at once where it was changed");
    b.follow().await;
    assert_eq!(secret(&b, &realm, "loader", &first).await, "unproved");
    assert_eq!(
        (secret(&a, &realm, "loader", &second).await, secret(&b, &realm, "loader", &second).await),
        both("good")
    );
    let third = rotate(60).await;
    b.follow().await;
    for text in [&second, &third] {
        assert_eq!((secret(&a, &realm, "loader", text).await, secret(&b, &realm, "loader", text).await), both("good"));
    }
    // Nothing changes any more; the time alone ends it.
    ground.advance(61).await;
    assert_eq!(
        (secret(&a, &realm, "loader", &second).await, secret(&b, &realm, "loader", &second).await),
        both("unproved")
    );
    assert_eq!((secret(&a, &realm, "loader", &third).await, secret(&b, &realm, "loader", &third).await), both("good"));
    // A client that proves itself otherwise has no secret left, also not afterwards.
    let pen = Pen::new(&a, "one");
    let by_key = ClientSettings { authentication: Authentication::PrivateKeyJwt, jwks: pen.jwks(), ..machine() };
    for settings in [by_key, machine()] {
        let changed = Client { settings, ..client.clone() };
        a.change(async |tx| manage::clients::update(tx, &changed).await).await.unwrap_or_else(|bad| panic!("{bad}"));
        b.follow().await;
        let outcomes = (secret(&a, &realm, "loader", &third).await, secret(&b, &realm, "loader", &third).await);
        assert_eq!(outcomes, both("unproved"));
    }
}

fn both(word: &str) -> (String, String) {
    (word.to_owned(), word.to_owned())
}

async fn wrong_secrets_are_counted_for_a_network_and_lock_nobody_else_out(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let (_, right) = made(&a, &realm, "loader", machine()).await;
    b.follow().await;
    let from = async |node: &Node, address: &str, name: &str, text: &str| {
        let told = Shown { client_id: Some(name), proof: Proof::Secret(text), certificate: None, endpoint: TOKEN };
        shown(node, &realm, address, told).await
    };
    let attacker = "203.0.113.7";
    // Names that nobody has are counted alike, so that the count tells nothing.
    for name in ["loader", "nobody"] {
        for number in 0..limits::FAILURES_PER_CLIENT {
            assert_eq!(from(&a, attacker, name, "wrong").await, "unproved", "{name} {number}");
        }
        assert_eq!(from(&a, attacker, name, "wrong").await, "throttled", "{name}");
        // The other node learns it at the first failure there, and asks the database for nothing else.
        assert_eq!(from(&b, attacker, name, "wrong").await, "unproved", "{name}");
        assert_eq!(from(&b, attacker, name, "wrong").await, "throttled", "{name}");
    }
    assert_eq!(from(&a, attacker, "loader", &right).await, "throttled");
    for node in [&a, &b] {
        assert_eq!(from(node, "203.0.113.8", "loader", &right).await, "good", "from elsewhere");
    }
    assert_eq!(ground.number("SELECT COUNT(*) FROM events WHERE kind = 'client_throttled'").await, 2);
    ground.advance(limits::CLIENT_FAILURE_SECONDS + 1).await;
    assert_eq!(from(&a, attacker, "loader", &right).await, "good");
    assert_eq!(from(&b, attacker, "loader", "wrong").await, "unproved", "a new window");
    assert_eq!(from(&b, attacker, "loader", &right).await, "good");
    // Assertions by a key cannot be guessed and are not counted.
    let pen = Pen::new(&a, "one");
    for number in 0..=limits::FAILURES_PER_CLIENT {
        let text = pen.sign(&es256("one"), &claims(&a, "loader", &number.to_string()));
        assert_eq!(assertion(&a, &realm, &text).await, "unproved");
    }
    assert_eq!(secret(&a, &realm, "loader", &right).await, "good");
}

async fn gauntlet_b11_01_guesses_sent_at_once_do_not_run_past_the_limit(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    made(&node, &realm, "loader", machine()).await;
    assert_eq!(secret(&node, &realm, "loader", "wrong").await, "unproved");
    let nodes = [&node];
    let outcomes = at_once(&nodes, 200, |node, _| {
        let realm = realm.clone();
        async move { secret(&node, &realm, "loader", "wrong").await }
    });
    let tried = outcomes.await.iter().filter(|outcome| *outcome == "unproved").count();
    // One more for each of the four threads may be compared before another one's failure is counted.
    let most = usize::try_from(limits::FAILURES_PER_CLIENT).expect("a small number") + 4;
    assert!(tried < most, "{tried} were tried");
}

on_both!(together:
    a_secret_in_memory_ends_with_its_change_and_its_time_on_every_node,
    wrong_secrets_are_counted_for_a_network_and_lock_nobody_else_out,
    gauntlet_b11_01_guesses_sent_at_once_do_not_run_past_the_limit,
);
