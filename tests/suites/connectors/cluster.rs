//! Secrets of the Kubernetes cluster Doorward runs in.

use crate::ground::Ground;
use doorward_testkit::peers::{Authority, Kubernetes, UPSTREAM_CLIENT};
use serde_json::{Value, json};

const REFERENCE: &str = "oidc.secret_from=k8s:ops/company#client_secret";

fn state() -> Value {
    json!({"token": "of-the-pod", "secrets": {
        "ops/company": {"client_secret": UPSTREAM_CLIENT.1, "empty": "", "large": "x".repeat(20_000)},
    }})
}

#[test]
fn a_secret_of_the_cluster_is_read_by_the_pods_account_at_every_use() {
    let kubernetes = Kubernetes::start(&state());
    kubernetes.account("token", "of-the-pod\n");
    let ground = Ground::around((&Value::Null, kubernetes.environment()), &[]);
    ground.door.cli_text(&["connector", "update", "company", "--set", REFERENCE]);
    assert_eq!(ground.come("ada").1.answer.status, 200);
    let shown = ground.door.cli_text(&["connector", "show", "company", "--output", "json"]);
    assert!(shown.contains("k8s:ops/company#client_secret") && !shown.contains(UPSTREAM_CLIENT.1), "{shown}");
    let refused = |what: &str, words: &str| {
        let before = ground.company.asked("token");
        assert_eq!(ground.come("bob").1.answer.status, 502, "{what}");
        assert_eq!(ground.company.asked("token"), before, "{what}");
        let ran = ground.door.cli(&["connector", "test", "company"]);
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(said.contains(words) && said.contains("secret company of namespace ops"), "{what}: {said}");
        assert!(!said.contains("of-the-pod") && !said.contains(UPSTREAM_CLIENT.1), "{said}");
    };
    kubernetes.account("token", "of-another");
    refused("a token the cluster does not take", "does not take the token of this pod's account");
    kubernetes.account("token", "of-the-pod");
    for (change, words) in [
        (json!({"forbidden": ["ops/company"]}), "let a Role allow `get` for this secret"),
        (json!({"secrets": {}}), "there is none"),
        (json!({"secrets": {"ops/company": {"other": "x"}}}), "it has no key client_secret"),
        (json!({"secrets": {"ops/company": {"client_secret": ""}}}), "is empty"),
        (json!({"secrets": {"ops/company": {"client_secret": "x".repeat(20_000)}}}), "has more than 16384 bytes"),
        (json!({"odd": "<html>"}), "is no JSON"),
        (json!({"odd": "{\"data\":{\"client_secret\":\"***\"}}"}), "is no base64"),
    ] {
        let mut other = state();
        other.as_object_mut().expect("an object").extend(change.as_object().expect("an object").clone());
        kubernetes.say(&other);
        refused(words, words);
    }
    kubernetes.say(&state());
    // Whoever is vouched for by another authority is not the cluster: the token is not shown there.
    let real = std::fs::read_to_string(kubernetes.folder().join("ca.crt")).expect("a certificate");
    let other = std::fs::read_to_string(Authority::new().certificate()).expect("a certificate");
    kubernetes.account("ca.crt", &other);
    refused("another authority", "the cluster cannot be asked");
    kubernetes.account("ca.crt", &real);
    assert_eq!(ground.come("ada").1.answer.status, 200);
}

#[test]
fn outside_of_a_cluster_such_a_reference_is_refused_in_words() {
    let ground = Ground::new(&[]);
    ground.door.cli_text(&["connector", "update", "company", "--set", REFERENCE]);
    assert_eq!(ground.come("ada").1.answer.status, 502);
    let ran = ground.door.cli(&["connector", "test", "company"]);
    assert!(String::from_utf8_lossy(&ran.stderr).contains("KUBERNETES_SERVICE_HOST is not set"), "{ran:?}");
    let odd = ground.door.cli(&["connector", "update", "company", "--set", "oidc.secret_from=k8s:ops/../x#y"]);
    assert!(String::from_utf8_lossy(&odd.stderr).contains("k8s:NAMESPACE/NAME#KEY"), "{odd:?}");
}
