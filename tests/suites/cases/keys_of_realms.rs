//! A realm's keys sign for that realm and are asked for its tokens alone, whatever a token says of itself.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_jose::algorithm::Algorithm;
use doorward_jose::jws::Presented;
use doorward_model::people::Realm;
use serde_json::Value;

use crate::fixture::{Ground, Node};
use crate::keys::{Issuer, kid, published};

on_both! { together:
    gauntlet_b5_16_what_a_realms_key_signs_in_anothers_name_is_nobodys,
}

const ALGORITHMS: [Algorithm; 2] = [Algorithm::Rs256, Algorithm::Es256];

/// What a token says, without a look at who signed it.
fn said(token: &str) -> Value {
    let middle = token.split('.').nth(1).expect("three parts");
    let bytes = URL_SAFE_NO_PAD.decode(middle).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}

/// The same claims, signed by the key with which a realm signs.
fn signed_by(node: &Node, realm: &Realm, algorithm: Algorithm, claims: &Value) -> String {
    let key = node.door.keys.signing(&realm.id, algorithm).expect("a key");
    key.sign("JWT", claims).expect("a signature")
}

async fn gauntlet_b5_16_what_a_realms_key_signs_in_anothers_name_is_nobodys(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let mut realms = Vec::new();
    // Several, so that whichever key is found first is another one's for most of them.
    for name in ["main", "first", "second", "third"] {
        realms.push(a.realm(name).await);
    }
    for algorithm in ALGORITHMS {
        let mut issuers = Vec::new();
        for realm in &realms {
            issuers.push(Issuer::new(&a, realm, algorithm).await);
        }
        b.follow().await;
        for (own, issuer) in realms.iter().zip(&issuers) {
            let token = issuer.token().await;
            let set: Value = serde_json::from_str(&a.door.keys.key_set(&own.id)).expect("JSON");
            let named = |set: &Value, id: &str| {
                set["keys"].as_array().is_some_and(|all| all.iter().any(|key| key["kid"] == id))
            };
            assert!(named(&set, &kid(&token)), "{}: its key is in its set", own.name);
            let claims = said(&token);
            for node in [&a, &b] {
                let at = issuer.at(node);
                assert!(at.is_good(&token).await && at.is_good(&signed_by(node, own, algorithm, &claims)).await);
                for other in realms.iter().filter(|other| other.id != own.id) {
                    let forged = signed_by(node, other, algorithm, &claims);
                    assert_ne!(kid(&forged), kid(&token), "{} and {} have one key", own.name, other.name);
                    assert!(!at.is_good(&forged).await, "{} speaks for {}", other.name, own.name);
                    // Nor under the name of a key of the realm itself.
                    let parts: Vec<&str> = forged.split('.').collect();
                    let head = token.split('.').next().expect("a head");
                    assert!(!at.is_good(&format!("{head}.{}.{}", parts[1], parts[2])).await);
                    // And no key of its is told by another one.
                    let key = node.door.keys.find(&other.id, &kid(&token));
                    assert!(key.is_none(), "{} finds a key of {}", other.name, own.name);
                    let set: Value = serde_json::from_str(&node.door.keys.key_set(&other.id)).expect("JSON");
                    assert!(!named(&set, &kid(&token)), "{} publishes a key of {}", other.name, own.name);
                    assert!(!published(node, other).iter().any(|id| id.as_str() == kid(&token)));
                }
            }
        }
    }
    // The control of the control: what is forged is a token in every other respect.
    let claims = serde_json::json!({"iss": "x"});
    let made = signed_by(&a, &realms[0], Algorithm::Es256, &claims);
    let key = a.door.keys.signing(&realms[0].id, Algorithm::Es256).expect("a key");
    assert!(Presented::read(&made).expect("a token").verify(key.public()).is_ok());
}
