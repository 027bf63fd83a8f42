//! Nodes whose clocks are a minute apart: what was used up, ended or is over stays so on all of them, whoever cleans up
//! behind, and nothing lives longer than its life and the difference.

use std::sync::Arc;

use doorward_engine::clients::{ClientSettings, GrantType, Workload};
use doorward_engine::gate::check::Credential;
use doorward_engine::sessions;
use doorward_engine::token::workload::workload;
use doorward_engine::upkeep;
use doorward_jose::algorithm::Algorithm;
use doorward_jose::key::SigningKey;
use doorward_model::id::KeyId;
use doorward_oauth::scope::Scopes;
use doorward_tests::proof::Holder;
use serde_json::json;

use crate::fixture::{Ground, Node};
use crate::people::{Form, PASSWORD, everyone, signed_in};
use crate::proofs::key;
use crate::provider::{Provider, is_invalid_grant, refresh_of, settings};

const DAGSTER: &str = "dagster.example.com";
const APART: i64 = 60;

/// One node that is right, one ahead and one behind.
async fn three(ground: &Ground) -> [Arc<Node>; 3] {
    [ground.node().await, ground.node_ahead(APART).await, ground.node_ahead(-APART).await]
}

async fn tidy(nodes: &[Arc<Node>]) {
    for node in nodes {
        upkeep::note_seen(&node.door, &node.ctx()).await.expect("written");
        upkeep::prune(&node.door, &node.ctx()).await.expect("pruned");
    }
}

async fn gauntlet_b18_05_sessions_hold_and_end_on_nodes_whose_clocks_are_a_minute_apart(ground: Ground) {
    let nodes = three(&ground).await;
    let realm = nodes[0].realm("main").await;
    let app = nodes[0].app(&realm, DAGSTER, everyone()).await;
    for (number, from) in nodes.iter().enumerate() {
        let name = format!("user{number}");
        from.user(&realm, &name).await;
        ground.advance(0).await;
        let opened = from.sign_in(&realm, &Form::new(&name, PASSWORD)).await;
        let pass = Credential::Pass(from.enter(&signed_in(&opened), &app).await.hash());
        tidy(&nodes).await;
        for node in &nodes {
            assert!(node.check(DAGSTER, pass).await.passes(), "begun by clock {number}");
        }
        // Seen by one, it is not idle for the others.
        for _ in 0..3 {
            ground.advance(20 * 60).await;
            assert!(nodes[number].check(DAGSTER, pass).await.passes());
            tidy(&nodes).await;
        }
        for node in &nodes {
            assert!(node.check(DAGSTER, pass).await.passes(), "idle for nobody");
        }
        // Ended by one, whatever time it was there, it is over for all.
        let ended = sessions::end(&from.door, &from.ctx(), &opened.kept.id, "why").await.expect("a database");
        assert!(ended);
        ground.advance(0).await;
        for node in &nodes {
            assert!(!node.check(DAGSTER, pass).await.passes());
        }
    }
    // Nobody idles longer than the life and the difference.
    let opened = nodes[1].sign_in(&realm, &Form::new("user0", PASSWORD)).await;
    let pass = Credential::Pass(nodes[1].enter(&signed_in(&opened), &app).await.hash());
    ground.advance(30 * 60 + 2 * APART).await;
    for node in &nodes {
        assert!(!node.check(DAGSTER, pass).await.passes());
    }
}

async fn gauntlet_b18_05_what_was_used_up_stays_so_on_a_node_whose_clock_is_behind(ground: Ground) {
    let nodes = three(&ground).await;
    let [even, ahead, behind] = &nodes;
    let realm = even.realm("main").await;
    ground.advance(0).await;
    let (at_even, at_behind) = (Provider::on(even).await, Provider::on(behind).await);
    let alice = even.session(&even.user(&realm, "alice").await).await;
    let client = at_even.client("grafana", settings(everyone())).await;
    let platform = SigningKey::parse(
        KeyId::draw(&*even.door.dice),
        Algorithm::Es256,
        &SigningKey::generate(Algorithm::Es256).expect("a key"),
    )
    .expect("a key");
    let trusted = Workload {
        issuer: "https://ci.example.com".to_owned(),
        audience: "https://door.example.com/realms/main".to_owned(),
        jwks: json!({"keys": [platform.public_jwk()]}),
        subjects: vec!["job".to_owned()],
        reusable: false,
    };
    let machine =
        ClientSettings { grants: vec![GrantType::JwtBearer], workloads: vec![trusted], ..ClientSettings::default() };
    let machine = at_even.client("ci", machine).await;
    ground.advance(0).await;
    // It is still good for the clock that is behind when the one ahead has long forgotten it.
    let now = even.world.now().seconds();
    let shown = platform.sign(
        "JWT",
        &json!({"iss": "https://ci.example.com", "sub": "job", "jti": "one",
        "aud": "https://door.example.com/realms/main", "iat": now, "nbf": now - 120, "exp": now + 20}),
    );
    let shown = shown.expect("a signature");
    let works = async |at: &Provider| {
        let asked = (shown.as_str(), Scopes::default(), None);
        workload(&at.node.door, &at.node.ctx(), (&at.realm, &machine.clone().into()), asked)
            .await
            .expect("a database")
            .is_ok()
    };
    assert!(works(&at_even).await);
    let holder = Holder::default();
    let proof = key(&at_even, &client, &holder);
    let spend = async |at: &Provider| {
        let mut tx = at.node.door.begin().await.expect("a transaction");
        let used = doorward_engine::token::dpop::use_up(&mut tx, &client, Some(&proof)).await.expect("a database");
        at.node.door.commit(&at.node.ctx(), tx).await.expect("a commit");
        used.is_ok()
    };
    assert!(spend(&at_even).await);
    let code = at_even.code(&client, &alice, "").await;
    let Ok(tokens) = at_even.exchange(&client, &code).await else { panic!("the code is good") };
    for _ in 0..4 {
        ground.advance(20).await;
        // Its turn comes every five minutes by its own clock; here it takes every turn.
        ground.raw("UPDATE jobs SET run_at_ms = 0").await;
        upkeep::prune(&ahead.door, &ahead.ctx()).await.expect("pruned");
        assert!(!works(&at_behind).await, "a workload's token");
        assert!(!spend(&at_behind).await, "a proof");
    }
    assert!(is_invalid_grant(at_behind.exchange(&client, &code).await), "a code");
    // Its second showing has ended what the first one gave, everywhere.
    for at in [&at_even, &at_behind] {
        assert!(!at.is_good(&tokens.access).await);
        assert!(is_invalid_grant(at.refresh(&client, &refresh_of(&tokens)).await));
    }
}

on_both!(together:
    gauntlet_b18_05_sessions_hold_and_end_on_nodes_whose_clocks_are_a_minute_apart,
    gauntlet_b18_05_what_was_used_up_stays_so_on_a_node_whose_clock_is_behind,
);
