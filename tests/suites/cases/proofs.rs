//! Proofs of possession and what is bound to a key, on two nodes of one database: each proof is good once, and what is
//! bound is worth nothing to whoever lacks the key. RFC 9449.

use std::sync::Arc;

use doorward_engine::clients::{Client, ClientKind, ClientSettings, GrantType};
use doorward_engine::token::check::{Good, check, signed};
use doorward_engine::token::client_credentials::client_credentials;
use doorward_engine::token::dpop::{Key, Scheme, Shown, admit, nonce, of_client};
use doorward_engine::token::exchange_code::{Ask, exchange_code};
use doorward_engine::token::refresh::{self, refresh};
use doorward_engine::token::{Refused, Tokens};
use doorward_engine::upkeep;
use doorward_oauth::error::ErrorCode;
use doorward_oauth::limits::PROOF_SECONDS;
use doorward_oauth::scope::Scopes;
use doorward_store::sessions::SignedIn;
use doorward_tests::proof::{Holder, ath};
use serde_json::{Value, json};

use crate::fixture::{Ground, Node};
use crate::people::at_once;
use crate::provider::{CALLBACK, Provider, VERIFIER, everyone, refresh_of, settings};

const TOKEN: &str = "https://door.example.com/realms/main/protocol/openid-connect/token";
const USERINFO: &str = "https://door.example.com/realms/main/protocol/openid-connect/userinfo";

fn machine() -> ClientSettings {
    ClientSettings { grants: vec![GrantType::ClientCredentials], ..ClientSettings::default() }
}

fn public() -> ClientSettings {
    ClientSettings { kind: ClientKind::Public, ..settings(everyone()) }
}

fn code_of(refused: &Refused) -> ErrorCode {
    refused.code()
}

/// The key of a proof that was sent to the token endpoint of a node.
fn read(at: &Provider, client: &Client, proof: &str) -> Result<Key, Refused> {
    let shown = Shown { proof, method: "POST", url: TOKEN };
    let key = of_client(&at.node.door, &at.node.ctx(), client, Some(&shown))?;
    Ok(key.expect("a proof that is taken gives a key"))
}

fn nonce_at(at: &Provider, client: &Client) -> String {
    nonce(&at.node.door, &at.node.ctx(), &client.realm_id)
}

/// A proof as a client makes it that does everything right.
fn good_proof(at: &Provider, client: &Client, holder: &Holder) -> String {
    holder.proof("POST", TOKEN, at.node.ctx().now.seconds(), &[("nonce", &nonce_at(at, client))])
}

pub fn key(at: &Provider, client: &Client, holder: &Holder) -> Key {
    read(at, client, &good_proof(at, client, holder)).unwrap_or_else(|refused| panic!("{refused}"))
}

async fn own(at: &Provider, client: &Client, proof: &str) -> Result<Tokens, Refused> {
    let key = read(at, client, proof)?;
    let (door, ctx) = (&at.node.door, at.node.ctx());
    client_credentials(door, &ctx, "main", &client.clone().into(), (Scopes::default(), Some(&key)))
        .await
        .expect("a database")
}

async fn exchange(at: &Provider, client: &Client, code: &str, key: Option<&Key>) -> Result<Tokens, Refused> {
    let ask = Ask { code, redirect_uri: Some(CALLBACK), verifier: Some(VERIFIER), key, details: None };
    exchange_code(&at.node.door, &at.node.ctx(), "main", client, ask).await.expect("a database")
}

async fn renew(at: &Provider, client: &Client, token: &str, key: Option<&Key>) -> Result<Tokens, Refused> {
    let ask = refresh::Ask { token, narrower: None, key, details: None };
    refresh(&at.node.door, &at.node.ctx(), "main", client, ask).await.expect("a database")
}

/// The tokens of alice at a client, bound to a key if there is one.
async fn sign_in(at: &Provider, client: &Client, alice: &SignedIn, holder: Option<&Holder>) -> Tokens {
    let code = at.code(client, alice, "").await;
    let key = holder.map(|holder| key(at, client, holder));
    exchange(at, client, &code, key.as_ref()).await.unwrap_or_else(|refused| panic!("{refused}"))
}

fn claims_of(at: &Provider, token: &str, kind: &str) -> Value {
    let claims = signed(&at.node.door, &at.realm, token, kind).expect("a token of ours");
    Value::Object(claims.into_map())
}

async fn alice_at(node: &Arc<Node>) -> (Provider, SignedIn) {
    let realm = node.realm("main").await;
    let alice = node.session(&node.user(&realm, "alice").await).await;
    (Provider::on(node).await, alice)
}

async fn gauntlet_b18_01_fifty_showings_of_one_proof_on_two_nodes_give_one_token(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    a.realm("main").await;
    let (at_a, at_b) = (Provider::on(&a).await, Provider::on(&b).await);
    let client = at_a.client("ci", machine()).await;
    b.follow().await;
    let (holder, nodes) = (Holder::default(), [&a, &b]);
    for round in 0..10 {
        let proof = good_proof(&at_a, &client, &holder);
        let outcomes = at_once(&nodes, 50, |_, number| {
            let at = if number % 2 == 0 { at_a.clone() } else { at_b.clone() };
            let (proof, client) = (proof.clone(), client.clone());
            async move { own(&at, &client, &proof).await }
        });
        let (won, lost): (Vec<_>, Vec<_>) = outcomes.await.into_iter().partition(Result::is_ok);
        assert_eq!((won.len(), lost.len()), (1, 49), "round {round}");
        assert!(lost.iter().all(|one| one.as_ref().is_err_and(|no| code_of(no) == ErrorCode::InvalidDpopProof)));
    }
    assert_eq!(ground.number("SELECT COUNT(*) FROM proofs").await, 10);
}

async fn gauntlet_b18_01_fifty_codes_at_once_with_one_proof_give_tokens_once(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let (at_a, alice) = alice_at(&a).await;
    let at_b = Provider::on(&b).await;
    let client = at_a.client("grafana", settings(everyone())).await;
    b.follow().await;
    let proof = good_proof(&at_a, &client, &Holder::default());
    let (nodes, mut codes) = ([&a, &b], Vec::new());
    for _ in 0..50 {
        codes.push(at_a.code(&client, &alice, "").await);
    }
    let outcomes = at_once(&nodes, 50, |_, number| {
        let at = if number % 2 == 0 { at_a.clone() } else { at_b.clone() };
        let (proof, client, code) = (proof.clone(), client.clone(), codes[number].clone());
        async move {
            let key = read(&at, &client, &proof)?;
            exchange(&at, &client, &code, Some(&key)).await
        }
    });
    assert_eq!(outcomes.await.iter().filter(|outcome| outcome.is_ok()).count(), 1);
}

async fn a_proof_stays_used_after_a_restart_and_is_forgotten_when_it_is_too_old(ground: Ground) {
    let holder = Holder::default();
    let (client, proof) = {
        let node = ground.node().await;
        node.realm("main").await;
        let at = Provider::on(&node).await;
        let client = at.client("ci", machine()).await;
        let proof = good_proof(&at, &client, &holder);
        assert!(own(&at, &client, &proof).await.is_ok());
        (client, proof)
    };
    let at = Provider::on(&ground.node().await).await;
    let again = async || own(&at, &client, &proof).await.err().map(|refused| refused.sentence().to_owned());
    assert!(again().await.is_some_and(|why| why.contains("used before")));
    let prune = async || upkeep::prune(&at.node.door, &at.node.ctx()).await.expect("a database");
    ground.advance(PROOF_SECONDS - 10).await;
    prune().await;
    assert!(again().await.is_some_and(|why| why.contains("used before") || why.contains("nonce")));
    ground.advance(20).await;
    assert!(again().await.is_some_and(|why| why.contains("too old")));
    assert_eq!(ground.number("SELECT COUNT(*) FROM proofs").await, 1);
    ground.advance(600).await;
    prune().await;
    assert_eq!(ground.number("SELECT COUNT(*) FROM proofs").await, 0);
}

async fn a_proof_is_one_of_its_key_and_its_realm(ground: Ground) {
    let node = ground.node().await;
    node.realm("main").await;
    node.realm("sales").await;
    let at = Provider::on(&node).await;
    let elsewhere = Provider::of(&node, "sales").await;
    let (client, other) = (at.client("ci", machine()).await, elsewhere.client("ci", machine()).await);
    let (one, two) = (Holder::default(), Holder::default());
    let claims = one.claims("POST", TOKEN, node.ctx().now.seconds());
    let (of_one, of_two) = (one.sign(&one.header(), &claims), two.sign(&two.header(), &claims));
    assert!(own(&at, &client, &of_one).await.is_ok());
    // The same name by another key, or in another realm, is another proof.
    assert!(own(&at, &client, &of_two).await.is_ok());
    assert!(own(&elsewhere, &other, &of_one).await.is_ok());
    for proof in [&of_one, &of_two] {
        assert!(own(&at, &client, proof).await.is_err());
    }
}

async fn gauntlet_b3_a_proof_that_is_wrong_anywhere_opens_nothing(ground: Ground) {
    let node = ground.node().await;
    node.realm("main").await;
    let at = Provider::on(&node).await;
    let client = at.client("ci", machine()).await;
    let (holder, other) = (Holder::default(), Holder::default());
    let now = node.ctx().now.seconds();
    let claims = || holder.claims("POST", TOKEN, now);
    let with_header = |name: &str, value: Value| {
        let mut header = holder.header();
        header[name] = value;
        holder.sign(&header, &claims())
    };
    let without_header = |name: &str| {
        let mut header = holder.header();
        header.as_object_mut().expect("an object").remove(name);
        holder.sign(&header, &claims())
    };
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        holder.sign(&holder.header(), &claims)
    };
    let without = |name: &str| {
        let mut claims = claims();
        claims.as_object_mut().expect("an object").remove(name);
        holder.sign(&holder.header(), &claims)
    };
    let private = {
        let mut jwk = holder.jwk();
        jwk["d"] = json!("AAAA");
        jwk
    };
    let good = holder.sign(&holder.header(), &claims());
    let unsigned = format!("{}.", &good[..good.rfind('.').expect("a dot")]);
    let wrong = [
        ("nothing", String::new()),
        ("no JWT", "a.b.c".to_owned()),
        ("another key's signature", other.sign(&holder.header(), &claims())),
        ("no signature", unsigned),
        ("typ JWT", with_header("typ", json!("JWT"))),
        ("typ at+jwt", with_header("typ", json!("at+jwt"))),
        ("no typ", without_header("typ")),
        ("alg none", with_header("alg", json!("none"))),
        ("alg HS256", with_header("alg", json!("HS256"))),
        ("alg of another key", with_header("alg", json!("RS256"))),
        ("no alg", without_header("alg")),
        ("no jwk", without_header("jwk")),
        ("a private jwk", with_header("jwk", private)),
        ("a shared jwk", with_header("jwk", json!({"kty": "oct", "k": "c2VjcmV0"}))),
        ("htm PUT", with("htm", json!("PUT"))),
        ("htm post", with("htm", json!("post"))),
        ("no htm", without("htm")),
        ("htu elsewhere", with("htu", json!("https://evil.example.com/realms/main/protocol/openid-connect/token"))),
        ("htu of userinfo", with("htu", json!(USERINFO))),
        ("no htu", without("htu")),
        ("iat an hour ago", with("iat", json!(now - 3600))),
        ("iat in an hour", with("iat", json!(now + 3600))),
        ("iat as text", with("iat", json!(now.to_string()))),
        ("no iat", without("iat")),
        ("an empty jti", with("jti", json!(""))),
        ("a long jti", with("jti", json!("x".repeat(257)))),
        ("jti a number", with("jti", json!(7))),
        ("no jti", without("jti")),
    ];
    for (what, proof) in &wrong {
        let refused = read(&at, &client, proof).err().unwrap_or_else(|| panic!("{what} was taken"));
        assert_eq!(code_of(&refused), ErrorCode::InvalidDpopProof, "{what}: {refused}");
    }
    let right = [
        with("iat", json!(now - 10)),
        with("iat", json!(now + 10)),
        with("htu", json!("HTTPS://Door.Example.com:443/realms/main/protocol/openid-connect/token?x#y")),
        with_header("typ", json!("application/dpop+jwt")),
        good,
    ];
    for proof in &right {
        assert!(own(&at, &client, proof).await.is_ok());
    }
}

async fn a_nonce_is_the_same_on_all_nodes_and_good_for_two_steps(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    a.realm("main").await;
    a.realm("sales").await;
    let (at_a, at_b) = (Provider::on(&a).await, Provider::on(&b).await);
    let (spa, server) = (at_a.client("spa", public()).await, at_a.client("ci", machine()).await);
    let elsewhere = Provider::of(&a, "sales").await.client("spa", public()).await;
    b.follow().await;
    let holder = Holder::default();
    let first = nonce_at(&at_a, &spa);
    assert_eq!(first, nonce_at(&at_b, &spa));
    assert_ne!(first, nonce_at(&at_a, &elsewhere));
    let shown = |at: &Provider, client: &Client, nonce: Option<&str>| {
        let more: Vec<_> = nonce.map(|nonce| ("nonce", nonce)).into_iter().collect();
        let proof = holder.proof("POST", TOKEN, at.node.ctx().now.seconds(), &more);
        read(at, client, &proof).map(drop).map_err(|refused| code_of(&refused))
    };
    let asked = Err(ErrorCode::UseDpopNonce);
    assert_eq!(shown(&at_b, &spa, Some(&first)), Ok(()));
    assert_eq!(shown(&at_a, &spa, None), asked);
    // A server's key lies with the server: without a nonce is fine, with a wrong one is not.
    assert_eq!(shown(&at_a, &server, None), Ok(()));
    let cut = &first[1..];
    for wrong in ["", "x", cut, &nonce_at(&at_a, &elsewhere), &format!("{first}=")] {
        assert_eq!(shown(&at_a, &spa, Some(wrong)), asked, "{wrong}");
        assert_eq!(shown(&at_a, &server, Some(wrong)), asked, "{wrong}");
    }
    ground.advance(150).await;
    assert_ne!(nonce_at(&at_a, &spa), first);
    assert_eq!(shown(&at_b, &spa, Some(&first)), Ok(()), "one step later");
    ground.advance(150).await;
    assert_eq!(shown(&at_b, &spa, Some(&first)), asked, "two steps later");
}

async fn a_public_clients_refresh_tokens_belong_to_its_key_and_another_key_ends_nothing(ground: Ground) {
    let node = ground.node().await;
    let (at, alice) = alice_at(&node).await;
    let client = at.client("spa", public()).await;
    let (mine, thief) = (Holder::default(), Holder::default());
    let tokens = sign_in(&at, &client, &alice, Some(&mine)).await;
    assert_eq!(tokens.token_type(), "DPoP");
    let claims = claims_of(&at, &tokens.access, "Bearer");
    assert_eq!(claims.pointer("/cnf/jkt"), Some(&json!(mine.thumbprint())));
    assert_eq!(claims_of(&at, tokens.id.as_deref().unwrap_or_default(), "ID").get("cnf"), None);
    let token = refresh_of(&tokens);
    let stolen = renew(&at, &client, &token, Some(&key(&at, &client, &thief))).await;
    assert_eq!(stolen.err().map(|no| code_of(&no)), Some(ErrorCode::InvalidGrant));
    let bare = renew(&at, &client, &token, None).await;
    assert_eq!(bare.err().map(|no| code_of(&no)), Some(ErrorCode::InvalidGrant));
    assert_eq!(ground.number("SELECT COUNT(*) FROM families").await, 1, "the family stays");
    let renewed = renew(&at, &client, &token, Some(&key(&at, &client, &mine))).await;
    let renewed = renewed.unwrap_or_else(|refused| panic!("{refused}"));
    assert_eq!(claims_of(&at, &renewed.access, "Bearer").pointer("/cnf/jkt"), Some(&json!(mine.thumbprint())));
    // Its successor is bound too; a spent one in a thief's hands ends nothing.
    ground.advance(6).await;
    for token in [&refresh_of(&renewed), &token] {
        let stolen = renew(&at, &client, token, Some(&key(&at, &client, &thief))).await;
        assert_eq!(stolen.err().map(|no| code_of(&no)), Some(ErrorCode::InvalidGrant));
    }
    assert!(renew(&at, &client, &refresh_of(&renewed), Some(&key(&at, &client, &mine))).await.is_ok());
}

async fn refresh_tokens_are_bound_by_the_first_proof_and_a_confidential_clients_never(ground: Ground) {
    let node = ground.node().await;
    let (at, alice) = alice_at(&node).await;
    let (spa, server) = (at.client("spa", public()).await, at.client("grafana", settings(everyone())).await);
    let (one, two) = (Holder::default(), Holder::default());
    let renewed = async |client: &Client, tokens: &Tokens, holder: Option<&Holder>| {
        let key = holder.map(|holder| key(&at, client, holder));
        renew(&at, client, &refresh_of(tokens), key.as_ref()).await
    };
    let unbound = sign_in(&at, &spa, &alice, None).await;
    assert_eq!(unbound.token_type(), "Bearer");
    let Ok(bound) = renewed(&spa, &unbound, Some(&one)).await else { panic!("the first proof binds") };
    assert_eq!(bound.token_type(), "DPoP");
    assert!(renewed(&spa, &bound, None).await.is_err() && renewed(&spa, &bound, Some(&two)).await.is_err());
    assert!(renewed(&spa, &bound, Some(&one)).await.is_ok());

    let first = sign_in(&at, &server, &alice, Some(&one)).await;
    let Ok(second) = renewed(&server, &first, Some(&two)).await else { panic!("any key of the client's") };
    assert_eq!(claims_of(&at, &second.access, "Bearer").pointer("/cnf/jkt"), Some(&json!(two.thumbprint())));
    let Ok(third) = renewed(&server, &second, None).await else { panic!("or none") };
    assert_eq!((third.token_type(), claims_of(&at, &third.access, "Bearer").get("cnf")), ("Bearer", None));
}

async fn a_client_that_must_be_bound_gets_nothing_without_a_proof(ground: Ground) {
    let node = ground.node().await;
    node.realm("main").await;
    let at = Provider::on(&node).await;
    let client = at.client("ci", ClientSettings { dpop_bound: true, ..machine() }).await;
    let bare = of_client(&node.door, &node.ctx(), &client, None);
    assert_eq!(bare.err().map(|no| code_of(&no)), Some(ErrorCode::InvalidDpopProof));
    let Ok(tokens) = own(&at, &client, &good_proof(&at, &client, &Holder::default())).await else { panic!("a proof") };
    assert_eq!(tokens.token_type(), "DPoP");
}

async fn a_code_bound_to_a_key_is_worth_nothing_without_it(ground: Ground) {
    let node = ground.node().await;
    let (at, alice) = alice_at(&node).await;
    let client = at.client("grafana", settings(everyone())).await;
    let (mine, thief) = (Holder::default(), Holder::default());
    let more = format!("&dpop_jkt={}", mine.thumbprint());
    for holder in [Some(&thief), None] {
        let code = at.code(&client, &alice, &more).await;
        let key = holder.map(|holder| key(&at, &client, holder));
        let stolen = exchange(&at, &client, &code, key.as_ref()).await;
        assert_eq!(stolen.err().map(|no| code_of(&no)), Some(ErrorCode::InvalidGrant));
        let late = exchange(&at, &client, &code, Some(&self::key(&at, &client, &mine))).await;
        assert!(late.is_err(), "a code shown wrongly is spent");
    }
    let code = at.code(&client, &alice, &more).await;
    assert!(exchange(&at, &client, &code, Some(&key(&at, &client, &mine))).await.is_ok());
}

async fn a_stranger_fills_no_table_with_proofs(ground: Ground) {
    let node = ground.node().await;
    let (at, _) = alice_at(&node).await;
    let client = at.client("spa", public()).await;
    let holder = Holder::default();
    for _ in 0..5 {
        assert!(exchange(&at, &client, "dwo_nothing", Some(&key(&at, &client, &holder))).await.is_err());
        let unknown = format!("dwo_{}", "x".repeat(43));
        assert!(exchange(&at, &client, &unknown, Some(&key(&at, &client, &holder))).await.is_err());
    }
    assert_eq!(ground.number("SELECT COUNT(*) FROM proofs").await, 0);
}

async fn at_a_resource_a_bound_token_needs_a_proof_of_its_key_over_itself(ground: Ground) {
    let (a, b) = (ground.node().await, ground.node().await);
    let (at, alice) = alice_at(&a).await;
    let client = at.client("spa", public()).await;
    let (mine, thief) = (Holder::default(), Holder::default());
    let bound = sign_in(&at, &client, &alice, Some(&mine)).await.access;
    let another = sign_in(&at, &client, &alice, Some(&mine)).await.access;
    let unbound = sign_in(&at, &client, &alice, None).await.access;
    // The realm's key for clients was made after the other node had looked.
    b.follow().await;
    let fresh = nonce_at(&at, &client);
    let now = a.ctx().now.seconds();
    let proof =
        |holder: &Holder, token: &str| holder.proof("GET", USERINFO, now, &[("ath", &ath(token)), ("nonce", &fresh)]);
    let admitted = async |node: &Arc<Node>, token: &str, scheme, proof: Option<&str>| {
        let (door, ctx) = (&node.door, node.ctx());
        let good: Good = check(door, &ctx, &at.realm, token).await.expect("a database").expect("a good token");
        let shown = proof.map(|proof| Shown { proof, method: "GET", url: USERINFO });
        let outcome = admit(door, &ctx, &good, (token, scheme), shown.as_ref()).await.expect("a database");
        outcome.map_err(|refused| code_of(&refused))
    };
    let (token, proof_) = (Err(ErrorCode::InvalidToken), Err(ErrorCode::InvalidDpopProof));
    assert_eq!(admitted(&a, &unbound, Scheme::Bearer, None).await, Ok(()));
    assert_eq!(admitted(&a, &bound, Scheme::Bearer, None).await, token, "a downgrade");
    assert_eq!(admitted(&a, &bound, Scheme::Bearer, Some(&proof(&mine, &bound))).await, token, "with a proof");
    assert_eq!(admitted(&a, &unbound, Scheme::Dpop, Some(&proof(&mine, &unbound))).await, token, "bound to nothing");
    assert_eq!(admitted(&a, &bound, Scheme::Dpop, None).await, proof_, "no proof");
    assert_eq!(admitted(&a, &bound, Scheme::Dpop, Some(&proof(&thief, &bound))).await, token, "another key");
    assert_eq!(admitted(&a, &bound, Scheme::Dpop, Some(&proof(&mine, &another))).await, proof_, "another token's ath");
    let bare = mine.proof("GET", USERINFO, now, &[("nonce", &fresh)]);
    assert_eq!(admitted(&a, &bound, Scheme::Dpop, Some(&bare)).await, proof_, "no ath");
    let old = mine.proof("GET", USERINFO, now, &[("ath", &ath(&bound))]);
    assert_eq!(admitted(&a, &bound, Scheme::Dpop, Some(&old)).await, Err(ErrorCode::UseDpopNonce));
    let right = proof(&mine, &bound);
    assert_eq!(admitted(&a, &bound, Scheme::Dpop, Some(&right)).await, Ok(()));
    for node in [&a, &b] {
        assert_eq!(admitted(node, &bound, Scheme::Dpop, Some(&right)).await, proof_, "a second time");
    }
}

on_both!(together:
    gauntlet_b18_01_fifty_showings_of_one_proof_on_two_nodes_give_one_token,
    gauntlet_b18_01_fifty_codes_at_once_with_one_proof_give_tokens_once,
    a_proof_stays_used_after_a_restart_and_is_forgotten_when_it_is_too_old,
    a_proof_is_one_of_its_key_and_its_realm,
    gauntlet_b3_a_proof_that_is_wrong_anywhere_opens_nothing,
    a_nonce_is_the_same_on_all_nodes_and_good_for_two_steps,
    a_public_clients_refresh_tokens_belong_to_its_key_and_another_key_ends_nothing,
    refresh_tokens_are_bound_by_the_first_proof_and_a_confidential_clients_never,
    a_client_that_must_be_bound_gets_nothing_without_a_proof,
    a_code_bound_to_a_key_is_worth_nothing_without_it,
    a_stranger_fills_no_table_with_proofs,
    at_a_resource_a_bound_token_needs_a_proof_of_its_key_over_itself,
);
