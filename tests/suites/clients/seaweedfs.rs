//! An object store that gives credentials for tokens, by MinIO's and AWS's call: what a person may do there is said by
//! the claim `policy`, made from groups.

use doorward_testkit::door::Door;
use doorward_testkit::peers::{SeaweedFs, SeaweedOptions};
use doorward_tests::clients::{Program, door, issuer, issuer_of, join, jwks, text};
use serde_json::{Value, json};

const POLICY: &str = "mappers:\n  - {claim: {path: policy, from: {groups: minio-}}}";

fn store(door: &Door) -> SeaweedFs {
    let (issuer, jwks) = (issuer(door), jwks(door, "main"));
    SeaweedFs::start(&SeaweedOptions { issuer: &issuer, jwks: &jwks, client_id: "minio", claim: "policy" })
}

#[test]
fn an_object_store_gives_people_what_their_groups_allow() {
    let door = door();
    join(&door, "alice", &["minio-writers"]);
    join(&door, "bob", &["minio-readers"]);
    let minio = Program::declare(&door, "minio", POLICY);
    let store = store(&door);
    let alice = store.use_token("writers", &minio.id_token("alice"));
    let expected = json!({"role": "taken", "bucket": true, "put": true, "get": "1,40\n", "list": ["orders.csv"]});
    assert_eq!(alice, expected, "{}", store.process.tail());
    let bob = store.use_token("readers", &minio.id_token("bob"));
    let expected = json!({"role": "taken", "bucket": "AccessDenied", "put": "AccessDenied", "get": "1,40\n", "list": ["orders.csv"]});
    assert_eq!(bob, expected, "{}", store.process.tail());
    // A role that the claim does not name is not given.
    let more = store.use_token("writers", &minio.id_token("bob"));
    assert_ne!(more.get("role"), Some(&json!("taken")), "{more:#}");
}

#[test]
fn an_object_store_takes_no_other_token() {
    let door = door();
    door.cli_text(&["realm", "create", "lab"]);
    door.cli_text(&["--realm", "lab", "user", "create", "alice", "--password-env", "DOORWARD_TEST_PASSWORD"]);
    join(&door, "alice", &["minio-writers"]);
    let minio = Program::declare(&door, "minio", POLICY);
    let store = store(&door);
    let good = minio.id_token("alice");
    assert_eq!(text(&store.use_token("writers", &good), "/role"), "taken");
    let other = Program::declare(&door, "other", POLICY);
    let of_lab = Program::declare_in(&door, "lab", "minio", POLICY);
    assert!(of_lab.id_token("alice").len() > 100, "{}", issuer_of(&door, "lab"));
    for token in [other.id_token("alice"), of_lab.id_token("alice"), doorward_tests::clients::tampered(&good)] {
        let told = store.use_token("writers", &token);
        assert!(told.get("role").and_then(Value::as_str).is_some_and(|word| word != "taken"), "{told:#}");
        assert_eq!(told.get("put"), None);
    }
}
