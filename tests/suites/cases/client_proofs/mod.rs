//! How clients prove who they are: secrets, assertions and certificates, on two nodes of one database. Each
//! is taken in the one way that is declared, once where it is good once, and until it is changed.

mod assertions;
mod certificates;
mod refusals;
mod secrets;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_engine::clients::authenticate::{Proof, Shown, Unproved, authenticate};
use doorward_engine::clients::{Client, ClientSettings, GrantType};
use doorward_engine::manage;
use doorward_jose::algorithm::Algorithm;
use doorward_jose::key::SigningKey;
use doorward_model::id::KeyId;
use doorward_model::name::ClientName;
use doorward_model::people::Realm;
use doorward_oauth::error::ErrorCode;
use serde_json::{Value, json};

use crate::fixture::Node;

const ISSUER: &str = "https://door.example.com/realms/main";
const TOKEN: &str = "https://door.example.com/realms/main/protocol/openid-connect/token";
/// The path of an address of the door.
fn path_of(url: &str) -> &str {
    url.strip_prefix("https://door.example.com").expect("an address of the door")
}
const INTROSPECT: &str = "https://door.example.com/realms/main/protocol/openid-connect/token/introspect";

/// A key pair that signs anything under any header.
struct Pen {
    pair: EcdsaKeyPair,
    jwk: Value,
}

impl Pen {
    fn new(node: &Node, kid: &str) -> Pen {
        let pkcs8 = SigningKey::generate(Algorithm::Es256).expect("a key");
        let key = SigningKey::parse(KeyId::draw(&*node.door.dice), Algorithm::Es256, &pkcs8).expect("its own key");
        let mut jwk = key.public_jwk();
        jwk["kid"] = json!(kid);
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8).expect("a key pair");
        Pen { pair, jwk }
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        signed(header, claims, |text| {
            self.pair.sign(&SystemRandom::new(), text).expect("a signature").as_ref().to_vec()
        })
    }

    fn jwks(&self) -> Option<Value> {
        Some(json!({"keys": [self.jwk]}))
    }
}

fn signed(header: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(text.as_bytes()));
    format!("{text}.{signature}")
}

fn by_secret(secret: &[u8], claims: &Value) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    signed(&json!({"alg": "HS256"}), claims, |text| hmac::sign(&key, text).as_ref().to_vec())
}

fn claims(node: &Node, client: &str, id: &str) -> Value {
    let now = node.ctx().now.seconds();
    json!({"iss": client, "sub": client, "aud": TOKEN, "iat": now, "exp": now + 60, "jti": id})
}

fn es256(kid: &str) -> Value {
    json!({"alg": "ES256", "kid": kid})
}

fn machine() -> ClientSettings {
    ClientSettings { grants: vec![GrantType::ClientCredentials], ..ClientSettings::default() }
}

async fn made(node: &Node, realm: &Realm, name: &str, settings: ClientSettings) -> (Client, String) {
    let name = ClientName::parse(name).expect("a client id");
    let given = (name, None, settings);
    let made =
        node.change(async |tx| manage::clients::create(&node.door, &node.ctx(), tx, &realm.id, given).await).await;
    let (client, secret) = made.unwrap_or_else(|refused| panic!("{refused}"));
    (client, secret.map(|secret| secret.reveal().to_owned()).unwrap_or_default())
}

/// What comes of a try: `good`, `unproved`, `throttled`, or what is told about an assertion.
async fn shown(node: &Node, realm: &Realm, from: &str, shown: Shown<'_>) -> String {
    let ctx = node.ctx_from(from);
    match authenticate(&node.door, &ctx, realm, &shown).await.expect("a database") {
        Ok(_) => "good".to_owned(),
        Err(Unproved::Throttled { .. }) => "throttled".to_owned(),
        Err(Unproved::Refused(error)) => {
            assert_eq!(error.code(), ErrorCode::InvalidClient);
            match error.sentence() {
                told if told.starts_with("the client is unknown, disabled, or did not prove") => "unproved".to_owned(),
                told => told.to_owned(),
            }
        }
    }
}

async fn proves(node: &Node, realm: &Realm, client_id: Option<&str>, proof: Proof<'_>) -> String {
    shown(node, realm, "192.0.2.1", Shown { client_id, proof, certificate: None, path: path_of(INTROSPECT) }).await
}

async fn secret(node: &Node, realm: &Realm, name: &str, text: &str) -> String {
    proves(node, realm, Some(name), Proof::Secret(text)).await
}

async fn assertion(node: &Node, realm: &Realm, text: &str) -> String {
    proves(node, realm, None, Proof::Assertion(text)).await
}
