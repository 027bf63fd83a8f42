//! Secrets in memory, and how many wrong ones are taken.

use super::path_of;
use doorward_engine::clients::authenticate::{Proof, Shown};
use doorward_engine::clients::{Authentication, Client, ClientKind, ClientSettings, GrantType};
use doorward_engine::{limits, manage};
use doorward_model::secret::{PlainToken, TokenKind};

use super::{Pen, TOKEN, assertion, by_secret, claims, es256, machine, made, proves, secret, shown};
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
    // One more secret gives a lease to none that is over.
    let fourth = rotate(3600).await;
    b.follow().await;
    assert_eq!(secret(&a, &realm, "loader", &second).await, "unproved");
    for text in [&third, &fourth] {
        assert_eq!((secret(&a, &realm, "loader", text).await, secret(&b, &realm, "loader", text).await), both("good"));
    }
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
        let told = Shown { client_id: Some(name), proof: Proof::Secret(text), certificate: None, path: path_of(TOKEN) };
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

async fn guesses_by_assertions_are_counted_like_guesses_of_secrets(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let by_hmac = ClientSettings { authentication: Authentication::SecretJwt, ..machine() };
    let (_, right) = made(&node, &realm, "loader", by_hmac).await;
    let signed = |secret: &[u8], id: &str| by_secret(secret, &claims(&node, "loader", id));
    for number in 0..limits::FAILURES_PER_CLIENT {
        let guess = signed(&[7; 32], &number.to_string());
        assert_eq!(assertion(&node, &realm, &guess).await, "unproved", "{number}");
    }
    assert_eq!(assertion(&node, &realm, &signed(&[7; 32], "more")).await, "throttled");
    assert_eq!(assertion(&node, &realm, &signed(right.as_bytes(), "right")).await, "throttled");
    ground.advance(limits::CLIENT_FAILURE_SECONDS + 1).await;
    assert_eq!(assertion(&node, &realm, &signed(right.as_bytes(), "later")).await, "good");
}

async fn a_disabled_client_proves_nothing_however_it_does(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let pen = Pen::new(&node, "one");
    let public = ClientSettings { kind: ClientKind::Public, grants: vec![GrantType::DeviceCode], ..machine() };
    let (by_shown, clear) = made(&node, &realm, "shown", machine()).await;
    let by_hmac = ClientSettings { authentication: Authentication::SecretJwt, ..machine() };
    let (by_hmac, signing) = made(&node, &realm, "hmac", by_hmac).await;
    let by_key = ClientSettings { authentication: Authentication::PrivateKeyJwt, jwks: pen.jwks(), ..machine() };
    let (by_key, _) = made(&node, &realm, "key", by_key).await;
    let (public, _) = made(&node, &realm, "public", public).await;
    for (is_active, wanted) in [(true, "good"), (false, "unproved"), (true, "good")] {
        for client in [&by_shown, &by_hmac, &by_key, &public] {
            let changed = Client { is_active, ..client.clone() };
            let written = node.change(async |tx| manage::clients::update(tx, &changed).await).await;
            written.unwrap_or_else(|refused| panic!("{refused}"));
            let id = PlainToken::draw(TokenKind::Session, &*node.door.dice).reveal().to_owned();
            let name = client.name.as_str();
            let told = match name {
                "shown" => secret(&node, &realm, name, &clear).await,
                "hmac" => assertion(&node, &realm, &by_secret(signing.as_bytes(), &claims(&node, name, &id))).await,
                "key" => assertion(&node, &realm, &pen.sign(&es256("one"), &claims(&node, name, &id))).await,
                _ => proves(&node, &realm, Some(name), Proof::None).await,
            };
            assert_eq!(told, wanted, "{name}");
        }
    }
}

async fn a_client_has_five_secrets_at_most_and_none_it_does_not_need(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let (client, first) = made(&node, &realm, "loader", machine()).await;
    let rotate = async |client: &Client, seconds| {
        let change =
            async |tx: &mut _| manage::clients::rotate_secret(&node.door, &node.ctx(), tx, client, seconds).await;
        node.change(change).await.map(|secret| secret.reveal().to_owned()).map_err(|refused| refused.to_string())
    };
    for _ in 1..doorward_model::limits::CLIENT_SECRETS {
        rotate(&client, 3600).await.unwrap_or_else(|refused| panic!("{refused}"));
    }
    let refused = rotate(&client, 3600).await.err().unwrap_or_default();
    assert!(refused.contains("secrets that still work"), "{refused}");
    assert_eq!(secret(&node, &realm, "loader", &first).await, "good");
    let only = rotate(&client, 0).await.unwrap_or_else(|refused| panic!("{refused}"));
    assert_eq!(secret(&node, &realm, "loader", &first).await, "unproved");
    assert_eq!(secret(&node, &realm, "loader", &only).await, "good");
    let pen = Pen::new(&node, "one");
    let public = ClientSettings { kind: ClientKind::Public, grants: vec![GrantType::DeviceCode], ..machine() };
    let by_key = ClientSettings { authentication: Authentication::PrivateKeyJwt, jwks: pen.jwks(), ..machine() };
    for (name, settings) in [("public", public), ("key", by_key)] {
        let (client, _) = made(&node, &realm, name, settings).await;
        let refused = rotate(&client, 0).await.err().unwrap_or_default();
        assert!(refused.contains("it has no secret"), "{name}: {refused}");
    }
    assert_eq!(ground.number("SELECT COUNT(DISTINCT client_id) FROM client_secrets").await, 1);
}

on_both!(together:
    guesses_by_assertions_are_counted_like_guesses_of_secrets,
    a_disabled_client_proves_nothing_however_it_does,
    a_client_has_five_secrets_at_most_and_none_it_does_not_need,
    a_secret_in_memory_ends_with_its_change_and_its_time_on_every_node,
    wrong_secrets_are_counted_for_a_network_and_lock_nobody_else_out,
    gauntlet_b11_01_guesses_sent_at_once_do_not_run_past_the_limit,
);
