//! Assertions: signed by the client alone, for us, for a short time, once.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_engine::clients::authenticate::Proof;
use doorward_engine::clients::{Authentication, Client, ClientSettings, GrantType, Workload};
use doorward_engine::token::{dpop, workload};
use doorward_engine::{manage, upkeep};
use doorward_jose::algorithm::Algorithm;
use doorward_jose::key::SigningKey;
use doorward_model::id::KeyId;
use doorward_oauth::scope::Scopes;
use doorward_tests::proof::Holder;
use serde_json::{Value, json};

use super::{INTROSPECT, ISSUER, Pen, TOKEN, assertion, by_secret, claims, es256, machine, made, proves, signed};
use crate::fixture::{Ground, Node};
use crate::people::at_once;
use crate::provider::Provider;

async fn gauntlet_b3_17_an_assertion_is_the_clients_own_or_proves_nothing(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let (own, other) = (Pen::new(&node, "one"), Pen::new(&node, "two"));
    let by_key =
        |pen: &Pen| ClientSettings { authentication: Authentication::PrivateKeyJwt, jwks: pen.jwks(), ..machine() };
    let (_, none) = made(&node, &realm, "loader", by_key(&own)).await;
    assert_eq!(none, "", "a client with a key of its own gets no secret");
    made(&node, &realm, "other", by_key(&other)).await;
    let says = |id: &str| claims(&node, "loader", id);
    assert_eq!(assertion(&node, &realm, &own.sign(&es256("one"), &says("a"))).await, "good");
    assert_eq!(assertion(&node, &realm, &own.sign(&json!({"alg": "ES256"}), &says("b"))).await, "good");

    let public = own.jwk.to_string();
    let point = [own.jwk["x"].as_str(), own.jwk["y"].as_str()].map(|text| text.unwrap_or_default().to_owned());
    let coordinates: Vec<u8> =
        point.iter().flat_map(|text| URL_SAFE_NO_PAD.decode(text).expect("a coordinate")).collect();
    let unsigned = |header: Value| signed(&header, &says("c"), |_| vec![0; 64]);
    let good = own.sign(&es256("one"), &says("d"));
    let (head, rest) = good.split_once('.').expect("three parts");
    let swapped = URL_SAFE_NO_PAD.encode(json!({"alg": "HS256", "kid": "one"}).to_string());
    assert!(!head.is_empty());
    for (what, text) in [
        ("another key", other.sign(&es256("one"), &says("e"))),
        ("another client's kid", other.sign(&es256("two"), &says("f"))),
        ("an unknown kid", own.sign(&es256("three"), &says("g"))),
        ("the public key as a secret", by_secret(public.as_bytes(), &says("h"))),
        ("its coordinates as a secret", by_secret(&coordinates, &says("i"))),
        ("another algorithm's name", format!("{swapped}.{rest}")),
        ("RS256 with its key", own.sign(&json!({"alg": "RS256", "kid": "one"}), &says("j"))),
        ("no signature worth the name", unsigned(es256("one"))),
        ("its own key for another", own.sign(&es256("one"), &claims(&node, "other", "k"))),
        ("an unknown client", own.sign(&es256("one"), &claims(&node, "nobody", "l"))),
    ] {
        assert_eq!(assertion(&node, &realm, &text).await, "unproved", "{what}");
    }
    for header in [json!({"alg": "none"}), json!({"alg": "NONE"}), json!({"alg": "nOnE", "kid": "one"})] {
        let told = assertion(&node, &realm, &unsigned(header)).await;
        assert!(told.contains("is not signed"), "{told}");
    }
    for (member, value) in [("jwk", other.jwk.clone()), ("jku", json!("https://x.example")), ("x5c", json!(["x"]))] {
        let mut header = es256("one");
        header[member] = value;
        let told = assertion(&node, &realm, &other.sign(&header, &says("m"))).await;
        assert!(told.contains(member), "{told}");
    }
    // The name beside the assertion must be the assertion's.
    let text = own.sign(&es256("one"), &says("n"));
    let told = proves(&node, &realm, Some("other"), Proof::Assertion(&text)).await;
    assert!(told.contains("client_id differs"), "{told}");
    assert_eq!(proves(&node, &realm, Some("loader"), Proof::Assertion(&text)).await, "good");
}

async fn gauntlet_b3_17_an_assertion_is_for_us_and_short_lived(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let pen = Pen::new(&node, "one");
    let settings = ClientSettings { authentication: Authentication::PrivateKeyJwt, jwks: pen.jwks(), ..machine() };
    made(&node, &realm, "loader", settings).await;
    let now = node.ctx().now.seconds();
    for (number, (name, value, wanted)) in [
        ("aud", json!(ISSUER), "good"),
        ("aud", json!([TOKEN]), "good"),
        ("aud", json!(INTROSPECT), "good"),
        ("exp", json!(now + 330), "good"),
        ("aud", json!("https://door.example.com/realms/other"), "`aud`"),
        ("aud", json!([TOKEN, "https://evil.example"]), "`aud`"),
        ("aud", json!([]), "`aud`"),
        ("aud", Value::Null, "`aud`"),
        ("exp", json!(now + 331), "`exp`"),
        ("exp", json!(now - 30), "expired"),
        ("exp", Value::Null, "`exp`"),
        ("nbf", json!(now + 60), "`nbf`"),
        ("iat", json!(now + 60), "`iat`"),
        ("sub", json!("other"), "`sub`"),
        ("jti", json!(""), "`jti`"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut said = claims(&node, "loader", &number.to_string());
        said[name] = value.clone();
        let told = assertion(&node, &realm, &pen.sign(&es256("one"), &said)).await;
        assert!(told.contains(wanted), "{name} {value}: {told}");
    }
    let mut nameless = claims(&node, "loader", "x");
    nameless.as_object_mut().expect("claims").remove("jti");
    let told = assertion(&node, &realm, &pen.sign(&es256("one"), &nameless)).await;
    assert!(told.contains("jti"), "{told}");
}

async fn gauntlet_b3_17_fifty_showings_of_one_assertion_on_two_nodes_prove_once(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    let pen = Arc::new(Pen::new(&a, "one"));
    for name in ["loader", "other"] {
        let settings = ClientSettings { authentication: Authentication::PrivateKeyJwt, jwks: pen.jwks(), ..machine() };
        made(&a, &realm, name, settings).await;
    }
    b.follow().await;
    for round in 0..5 {
        let text = pen.sign(&es256("one"), &claims(&a, "loader", &format!("round {round}")));
        let nodes = [&a, &b];
        let outcomes = at_once(&nodes, 50, |node, _| {
            let (text, realm) = (text.clone(), realm.clone());
            async move { assertion(&node, &realm, &text).await }
        });
        let outcomes = outcomes.await;
        let good = outcomes.iter().filter(|outcome| *outcome == "good").count();
        let used = outcomes.iter().filter(|outcome| outcome.contains("used before")).count();
        assert_eq!((good, used), (1, 49), "round {round}: {outcomes:?}");
    }
    // The same id of another client, even by the same key, is another assertion.
    let others = pen.sign(&es256("one"), &claims(&a, "other", "round 0"));
    assert_eq!(assertion(&b, &realm, &others).await, "good");
    let late = pen.sign(&es256("one"), &claims(&a, "loader", "round 0"));
    assert!(assertion(&b, &realm, &late).await.contains("used before"));
    assert_eq!(ground.number("SELECT COUNT(*) FROM assertions").await, 6);
    // As long as an assertion could be taken it is remembered, and then no longer.
    ground.advance(60 + 30).await;
    upkeep::prune(&a.door, &a.ctx()).await.expect("a database");
    assert_eq!(ground.number("SELECT COUNT(*) FROM assertions").await, 6);
    ground.advance(6 * 60).await;
    upkeep::prune(&a.door, &a.ctx()).await.expect("a database");
    assert_eq!(ground.number("SELECT COUNT(*) FROM assertions").await, 0);
}

async fn an_assertion_is_signed_with_any_secret_that_is_good_now(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let settings = ClientSettings { authentication: Authentication::SecretJwt, ..machine() };
    let (client, first) = made(&node, &realm, "loader", settings).await;
    let says = |id: &str| claims(&node, "loader", id);
    assert_eq!(assertion(&node, &realm, &by_secret(first.as_bytes(), &says("a"))).await, "good");
    assert_eq!(assertion(&node, &realm, &by_secret(b"0123456789abcdef0123456789abcdef", &says("b"))).await, "unproved");
    let change = async |tx: &mut _| manage::clients::rotate_secret(&node.door, &node.ctx(), tx, &client, 60).await;
    let second = node.change(change).await.unwrap_or_else(|refused| panic!("{refused}"));
    for (number, text) in [first.as_str(), second.reveal()].into_iter().enumerate() {
        let told = assertion(&node, &realm, &by_secret(text.as_bytes(), &says(&format!("c{number}")))).await;
        assert_eq!(told, "good", "{number}");
    }
    ground.advance(61).await;
    let later = |id: &str| claims(&node, "loader", id);
    assert_eq!(assertion(&node, &realm, &by_secret(first.as_bytes(), &later("d"))).await, "unproved");
    assert_eq!(assertion(&node, &realm, &by_secret(second.reveal().as_bytes(), &later("e"))).await, "good");
}

/// What is good once is remembered by its kind and by whose it is: an id of one kind neither uses up nor revives the
/// same id of another.
async fn gauntlet_b3_06_one_id_is_good_once_in_each_kind_and_for_each_owner(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let realm = a.realm("main").await;
    for node in [&a, &b] {
        // What a workload gets is signed by the realm's key.
        Provider::on(node).await;
    }
    let (pen, holder) = (Pen::new(&a, "one"), Holder::default());
    let platform = SigningKey::generate(Algorithm::Es256).expect("a key");
    let platform = SigningKey::parse(KeyId::draw(&*a.door.dice), Algorithm::Es256, &platform).expect("a key");
    let trusted = Workload {
        issuer: "https://ci.example.com".to_owned(),
        audience: ISSUER.to_owned(),
        jwks: json!({"keys": [platform.public_jwk()]}),
        subjects: vec!["job".to_owned()],
        reusable: false,
    };
    let settings = || ClientSettings {
        authentication: Authentication::PrivateKeyJwt,
        jwks: pen.jwks(),
        grants: vec![GrantType::ClientCredentials, GrantType::JwtBearer],
        workloads: vec![trusted.clone()],
        ..machine()
    };
    let (loader, _) = made(&a, &realm, "loader", settings()).await;
    let (other, _) = made(&a, &realm, "other", settings()).await;
    b.follow().await;
    let now = a.ctx().now.seconds();
    let proof = async |node: &Node, client: &Client, holder: &Holder, id: &str| {
        let proof = holder.proof("POST", TOKEN, now, &[("jti", id)]);
        let shown = dpop::Shown { proof: &proof, method: "POST", url: TOKEN };
        let Ok(key) = dpop::of_client(&node.door, &node.ctx(), client, Some(&shown)) else { panic!("a good proof") };
        let used = dpop::use_up_alone(&node.door, &node.ctx(), client, key.as_ref()).await;
        used.expect("a database").is_ok()
    };
    let workload = async |node: &Node, client: &Client, id: &str| {
        let claims = json!({"iss": "https://ci.example.com", "sub": "job", "aud": ISSUER, "iat": now, "exp": now + 60, "jti": id});
        let text = platform.sign("JWT", &claims).expect("a signature");
        let asked = (text.as_str(), Scopes::default(), None);
        workload::workload(&node.door, &node.ctx(), (&realm, &client.clone().into()), asked)
            .await
            .expect("a database")
            .is_ok()
    };
    let says = async |node: &Node, name: &str, id: &str| {
        assertion(node, &realm, &pen.sign(&es256("one"), &claims(node, name, id))).await == "good"
    };
    // Each kind first in its turn, on one node; then all of them again, on the other.
    for (first, id) in ["assertion", "proof", "workload"].iter().zip(["one", "two", "three"]) {
        let show = async |node: &Node, kind: &str| match kind {
            "assertion" => says(node, "loader", id).await,
            "proof" => proof(node, &loader, &holder, id).await,
            _ => workload(node, &loader, id).await,
        };
        let rest: Vec<&str> = ["assertion", "proof", "workload"].into_iter().filter(|kind| kind != first).collect();
        for kind in [*first].iter().chain(&rest) {
            assert!(show(&a, kind).await, "{kind} {id} after {first}");
        }
        for kind in ["assertion", "proof", "workload"] {
            assert!(!show(&b, kind).await && !show(&a, kind).await, "{kind} {id} again");
        }
        // Of another owner it is another one.
        assert!(says(&b, "other", id).await && !says(&b, "other", id).await, "another client's assertion");
        assert!(proof(&b, &other, &Holder::default(), id).await, "another key's proof");
    }
}

on_both!(together:
    gauntlet_b3_06_one_id_is_good_once_in_each_kind_and_for_each_owner,
    gauntlet_b3_17_an_assertion_is_the_clients_own_or_proves_nothing,
    gauntlet_b3_17_an_assertion_is_for_us_and_short_lived,
    gauntlet_b3_17_fifty_showings_of_one_assertion_on_two_nodes_prove_once,
    an_assertion_is_signed_with_any_secret_that_is_good_now,
);
