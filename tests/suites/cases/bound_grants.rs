//! Devices, passwords and exchanged tokens of clients that hold a key: what they get is bound to it, and a proof is
//! good once here as well.

use doorward_engine::clients::{Client, ClientKind, ClientSettings};
use doorward_engine::sessions;
use doorward_engine::token::check::check;
use doorward_engine::token::device_code::device_code;
use doorward_engine::token::dpop::{Key, key_of};
use doorward_engine::token::exchange::{self, Exchanged, TokenType};
use doorward_engine::token::exchange_code::{self, exchange_code};
use doorward_engine::token::password::{self, No};
use doorward_engine::token::{Refused, Tokens};
use doorward_oauth::error::ErrorCode;
use doorward_oauth::scope::Scopes;
use doorward_tests::proof::Holder;

use crate::devices::of_devices;
use crate::exchanges::{gateway, tool};
use crate::fixture::Ground;
use crate::password_grant::sending;
use crate::people::{PASSWORD, password};
use crate::proofs::key;
use crate::provider::{CALLBACK, Provider, VERIFIER, everyone, refresh_of};

/// The key an access token names.
async fn named(at: &Provider, token: &str) -> Option<String> {
    let good = check(&at.node.door, &at.node.ctx(), &at.realm, token).await.expect("a database").expect("a good token");
    key_of(&good.claims).map(str::to_owned)
}

async fn what_a_device_gets_is_bound_to_its_key_with_its_refresh_tokens(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let provider = Provider::on(&node).await;
    let public = ClientSettings { kind: ClientKind::Public, ..of_devices(everyone()) };
    let client = provider.client("cli", public).await;
    let holder = Holder::default();
    let redeem = async |code: &str, key: &Key| -> Result<Tokens, Refused> {
        let asked = (code, Some(key));
        device_code(&node.door, &node.ctx(), "main", &client, asked).await.expect("a database")
    };
    let (first, second) = (provider.device(&client, "openid").await, provider.device(&client, "openid").await);
    let proof = key(&provider, &client, &holder);
    // A device that has to wait leaves nothing behind: its proof is good later.
    assert!(redeem(&first.device_code, &proof).await.is_err());
    provider.allow(&alice, &first).await;
    provider.allow(&alice, &second).await;
    let tokens = redeem(&first.device_code, &proof).await.unwrap_or_else(|refused| panic!("{refused}"));
    assert_eq!(named(&provider, &tokens.access).await, Some(holder.thumbprint()));
    assert_eq!(tokens.token_type(), "DPoP");
    assert!(provider.refresh(&client, &refresh_of(&tokens)).await.is_err(), "without the key");
    let again = redeem(&second.device_code, &proof).await.err().map(|refused| refused.code());
    assert_eq!(again, Some(ErrorCode::InvalidDpopProof), "a proof is good once");
    assert!(redeem(&second.device_code, &key(&provider, &client, &holder)).await.is_ok(), "and costs no code");
}

async fn what_a_password_gets_is_bound_and_a_used_proof_leaves_no_session(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.user(&realm, "alice").await;
    let provider = Provider::on(&node).await;
    let client = provider.client("floe", sending(everyone())).await;
    let holder = Holder::default();
    let proof = key(&provider, &client, &holder);
    let send = async |key: &Key| {
        let scopes = Scopes::parse("openid").expect("scopes");
        let ask = password::Ask { login: "alice", password: password(PASSWORD), scopes, key: Some(key) };
        password::password(&node.door, &node.ctx(), (&provider.realm, &client), ask).await.expect("a database")
    };
    let Ok(tokens) = send(&proof).await else { panic!("the password is right") };
    assert_eq!(named(&provider, &tokens.access).await, Some(holder.thumbprint()));
    let again = send(&proof).await;
    assert!(matches!(again, Err(No::Refused(refused)) if refused.code() == ErrorCode::InvalidDpopProof));
    let left = sessions::list(&node.door, &node.ctx(), &alice.id).await.expect("a database");
    assert_eq!(left.iter().map(|session| Some(&session.id)).collect::<Vec<_>>(), [tokens.session.as_ref()]);
    assert_eq!(ground.number("SELECT COUNT(*) FROM devices").await, 0);
}

async fn gauntlet_b3_10_a_bound_token_is_exchanged_with_its_key_only(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    let provider = Provider::on(&node).await;
    let web = provider.client("web", tool("gateway")).await;
    let client = provider.client("gateway", gateway(&[], everyone())).await;
    let (holder, thief) = (Holder::default(), Holder::default());
    let code = provider.code(&web, &alice, "").await;
    let proof = key(&provider, &web, &holder);
    let ask = exchange_code::Ask {
        code: &code,
        redirect_uri: Some(CALLBACK),
        verifier: Some(VERIFIER),
        key: Some(&proof),
        details: None,
    };
    let subject = exchange_code(&node.door, &node.ctx(), "main", &web, ask).await.expect("a database");
    let Ok(subject) = subject else { panic!("the code is good") };
    let hand_on = async |key: Option<&Key>, token: &str| -> Result<Exchanged, Refused> {
        let (wanted, targets) = (TokenType::Access, Vec::new());
        let ask = exchange::Ask { subject_token: token, targets, scopes: None, wanted, key };
        exchange::exchange(&node.door, &node.ctx(), (&provider.realm, &client), ask).await.expect("a database")
    };
    let refused = |outcome: Result<Exchanged, Refused>| outcome.err().map(|refused| refused.code());
    let of = |client: &Client, holder: &Holder| key(&provider, client, holder);
    assert_eq!(refused(hand_on(None, &subject.access).await), Some(ErrorCode::InvalidRequest));
    let stolen = of(&client, &thief);
    assert_eq!(refused(hand_on(Some(&stolen), &subject.access).await), Some(ErrorCode::InvalidRequest));
    let proof = of(&client, &holder);
    let made = hand_on(Some(&proof), &subject.access).await.unwrap_or_else(|refused| panic!("{refused}"));
    assert!(made.is_bound);
    assert_eq!(named(&provider, &made.token).await, Some(holder.thumbprint()));
    assert_eq!(refused(hand_on(Some(&proof), &subject.access).await), Some(ErrorCode::InvalidDpopProof));
}

on_both!(together:
    what_a_device_gets_is_bound_to_its_key_with_its_refresh_tokens,
    what_a_password_gets_is_bound_and_a_used_proof_leaves_no_session,
    gauntlet_b3_10_a_bound_token_is_exchanged_with_its_key_only,
);
