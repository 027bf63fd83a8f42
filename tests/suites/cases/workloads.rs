//! Workloads that show tokens of their own platforms: whose are taken, for which client, how often.

use doorward_engine::clients::{Client, ClientSettings, GrantType, Workload};
use doorward_engine::token::workload::{client_of, workload};
use doorward_engine::token::{Refused, Tokens};
use doorward_jose::algorithm::Algorithm;
use doorward_jose::key::SigningKey;
use doorward_model::id::KeyId;
use doorward_oauth::error::ErrorCode;
use doorward_oauth::scope::Scopes;
use serde_json::{Value, json};

use crate::fixture::Ground;
use crate::people::at_once;
use crate::provider::Provider;

const CLUSTER: &str = "https://kubernetes.default.svc.cluster.local";
const ACTIONS: &str = "https://token.actions.githubusercontent.com";
const DOOR: &str = "https://door.example.com/realms/main";

/// A platform that signs tokens.
struct Platform {
    key: SigningKey,
}

impl Platform {
    fn new(algorithm: Algorithm, dice: &dyn doorward_model::dice::Dice) -> Platform {
        let pkcs8 = SigningKey::generate(algorithm).expect("a key");
        Platform { key: SigningKey::parse(KeyId::draw(dice), algorithm, &pkcs8).expect("a key") }
    }

    fn jwks(&self) -> Value {
        json!({"keys": [self.key.public_jwk()]})
    }

    fn sign(&self, claims: &Value) -> String {
        self.key.sign("JWT", claims).expect("a signature")
    }
}

fn trusting(workloads: Vec<Workload>) -> ClientSettings {
    ClientSettings {
        grants: vec![GrantType::JwtBearer],
        scopes: vec!["catalog:read".to_owned()],
        workloads,
        ..ClientSettings::default()
    }
}

fn of_cluster(platform: &Platform, reusable: bool) -> Workload {
    Workload {
        issuer: CLUSTER.to_owned(),
        audience: DOOR.to_owned(),
        jwks: platform.jwks(),
        subjects: vec!["system:serviceaccount:etl:runner".to_owned()],
        reusable,
    }
}

/// What a projected service-account token holds.
fn pod(now: i64, jti: &str) -> Value {
    json!({
        "aud": [DOOR], "exp": now + 3607, "iat": now, "iss": CLUSTER, "jti": jti, "nbf": now,
        "kubernetes.io": {
            "namespace": "etl", "node": {"name": "worker-1", "uid": "5d2f5a5e-0b1c-4f5e-9a53-3a2d5a6f1c11"},
            "pod": {"name": "runner-6d4b", "uid": "0a1b"}, "serviceaccount": {"name": "runner", "uid": "9f8e"},
            "warnafter": now + 3000,
        },
        "sub": "system:serviceaccount:etl:runner",
    })
}

/// What a workflow's token holds.
fn workflow(now: i64, jti: &str) -> Value {
    json!({
        "jti": jti, "sub": "repo:acme/lakehouse:ref:refs/heads/main", "aud": DOOR, "ref": "refs/heads/main",
        "sha": "9f2c0e1", "repository": "acme/lakehouse", "repository_owner": "acme", "run_id": "417",
        "actor": "octo", "workflow": "deploy", "event_name": "push", "ref_type": "branch",
        "job_workflow_ref": "acme/lakehouse/.github/workflows/deploy.yml@refs/heads/main",
        "iss": ACTIONS, "nbf": now - 600, "exp": now + 300, "iat": now,
    })
}

impl Provider {
    async fn workload(&self, client: &Client, assertion: &str, scopes: &str) -> Result<Tokens, Refused> {
        let asked = (assertion, Scopes::parse(scopes).expect("scopes"), None);
        workload(&self.node.door, &self.node.ctx(), (&self.realm, &client.clone().into()), asked)
            .await
            .expect("a database")
    }

    async fn refused(&self, client: &Client, assertion: &str) -> Option<ErrorCode> {
        self.workload(client, assertion, "").await.err().map(|error| error.code())
    }

    fn seconds(&self) -> i64 {
        self.node.world.now().seconds()
    }
}

async fn workloads_of_a_cluster_and_of_a_ci_service_speak_as_their_client(ground: Ground) {
    let node = ground.node().await;
    node.realm("main").await;
    let provider = Provider::on(&node).await;
    let cluster = Platform::new(Algorithm::Rs256, &*node.door.dice);
    let actions = Platform::new(Algorithm::Rs256, &*node.door.dice);
    let deploys = Workload {
        issuer: ACTIONS.to_owned(),
        audience: DOOR.to_owned(),
        jwks: actions.jwks(),
        subjects: vec!["repo:acme/lakehouse:*".to_owned()],
        reusable: false,
    };
    let client = provider.client("etl", trusting(vec![of_cluster(&cluster, true), deploys])).await;
    let known = client_of(&node.door, &node.ctx(), &provider.realm, "etl").await.expect("a database");
    assert!(known.is_ok_and(|known| known.id == client.id));
    let now = provider.seconds();
    for assertion in [cluster.sign(&pod(now, "a")), actions.sign(&workflow(now, "b"))] {
        let tokens = provider.workload(&client, &assertion, "catalog:read").await.unwrap_or_else(|e| panic!("{e}"));
        assert!(provider.is_good(&tokens.access).await);
        assert!(tokens.refresh.is_none() && tokens.id.is_none());
        assert!(tokens.scopes.contains("catalog:read"));
    }
    let wide = provider.workload(&client, &cluster.sign(&pod(now, "c")), "catalog:write").await;
    assert_eq!(wide.err().map(|error| error.code()), Some(ErrorCode::InvalidScope), "gauntlet b3_12");
    let kinds = ground.texts("SELECT detail FROM events WHERE kind = 'client_signed_in' ORDER BY detail").await;
    assert_eq!(kinds.len(), 2, "{kinds:?}");
    assert!(kinds.iter().any(|text| text.contains("system:serviceaccount:etl:runner")), "{kinds:?}");
    for name in ["nobody", "", "\u{e9}"] {
        let unknown = client_of(&node.door, &node.ctx(), &provider.realm, name).await.expect("a database");
        assert_eq!(unknown.err().map(|error| error.code()), Some(ErrorCode::InvalidClient), "{name}");
    }
}

async fn nothing_else_speaks_as_a_client_than_what_it_trusts(ground: Ground) {
    let node = ground.node().await;
    node.realm("main").await;
    let provider = Provider::on(&node).await;
    let cluster = Platform::new(Algorithm::Es256, &*node.door.dice);
    let stranger = Platform::new(Algorithm::Es256, &*node.door.dice);
    let client = provider.client("etl", trusting(vec![of_cluster(&cluster, false)])).await;
    let now = provider.seconds();
    let with = |name: &str, value: Value| {
        let mut claims = pod(now, name);
        claims[name] = value;
        claims
    };
    let without = |name: &str| {
        let mut claims = pod(now, name);
        claims.as_object_mut().expect("an object").remove(name);
        claims
    };
    let bad = [
        with("iss", json!(format!("{CLUSTER}/"))),
        with("iss", json!(ACTIONS)),
        without("iss"),
        with("aud", json!(["https://door.example.com/realms/sales"])),
        with("aud", json!(format!("{DOOR}/"))),
        without("aud"),
        with("sub", json!("system:serviceaccount:etl:runner2")),
        with("sub", json!("system:serviceaccount:other:runner")),
        without("sub"),
        with("exp", json!(now - 31)),
        with("exp", json!(now + 86_401)),
        with("exp", json!("never")),
        without("exp"),
        with("nbf", json!(now + 31)),
        with("jti", json!(7)),
    ];
    for claims in &bad {
        let refused = provider.refused(&client, &cluster.sign(claims)).await;
        assert_eq!(refused, Some(ErrorCode::InvalidGrant), "{claims}");
    }
    let good = cluster.sign(&pod(now, "good"));
    let (head, rest) = good.split_once('.').expect("three parts");
    let (claims, signature) = rest.split_once('.').expect("three parts");
    // Base64url of {"alg":"none"} and of {"alg":"HS256","typ":"JWT"}.
    let (none, hmac) = ("eyJhbGciOiJub25lIn0", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9");
    let forged = [
        stranger.sign(&pod(now, "x")),
        format!("{none}.{claims}."),
        format!("{none}.{claims}.{signature}"),
        format!("{hmac}.{claims}.{signature}"),
        format!("{head}.{claims}.{}", "A".repeat(signature.len())),
        String::new(),
        "not.a.token".to_owned(),
    ];
    for assertion in &forged {
        assert_eq!(provider.refused(&client, assertion).await, Some(ErrorCode::InvalidGrant), "{assertion}");
    }
    // Nothing of all that was used up.
    assert!(provider.workload(&client, &good, "").await.is_ok());
    let other = provider.client("other", trusting(vec![of_cluster(&stranger, false)])).await;
    let fresh = cluster.sign(&pod(now, "fresh"));
    assert_eq!(provider.refused(&other, &fresh).await, Some(ErrorCode::InvalidGrant), "another client's platform");
}

async fn one_assertion_is_good_once_on_all_nodes_unless_its_platform_says_otherwise(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    a.realm("main").await;
    let (at_a, at_b) = (Provider::on(&a).await, Provider::on(&b).await);
    let cluster = Platform::new(Algorithm::EdDsa, &*a.door.dice);
    let client = at_a.client("etl", trusting(vec![of_cluster(&cluster, false)])).await;
    let patient = at_a.client("patient", trusting(vec![of_cluster(&cluster, true)])).await;
    b.follow().await;
    let assertion = cluster.sign(&pod(at_a.seconds(), "once"));
    let nodes = [&a, &b];
    let outcomes = at_once(&nodes, 50, |_, number| {
        let at = if number % 2 == 0 { at_a.clone() } else { at_b.clone() };
        let (client, assertion) = (client.clone(), assertion.clone());
        async move { at.workload(&client, &assertion, "").await.is_ok() }
    });
    assert_eq!(outcomes.await.into_iter().filter(|was_taken| *was_taken).count(), 1);
    // A scope that is refused uses nothing up.
    let second = cluster.sign(&pod(at_a.seconds(), "second"));
    assert!(at_a.workload(&client, &second, "admin").await.is_err());
    assert!(at_a.workload(&client, &second, "").await.is_ok());
    for _ in 0..3 {
        assert!(at_b.workload(&patient, &assertion, "").await.is_ok());
    }
    let mut nameless = pod(at_a.seconds(), "");
    nameless.as_object_mut().expect("an object").remove("jti");
    let nameless = cluster.sign(&nameless);
    assert!(at_a.workload(&client, &nameless, "").await.is_ok() && at_b.workload(&client, &nameless, "").await.is_ok());
}

on_both!(together:
    workloads_of_a_cluster_and_of_a_ci_service_speak_as_their_client,
    nothing_else_speaks_as_a_client_than_what_it_trusts,
    one_assertion_is_good_once_on_all_nodes_unless_its_platform_says_otherwise,
);
