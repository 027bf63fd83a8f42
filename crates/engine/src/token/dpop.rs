//! Tokens bound to a key: a token is worth something only to whoever can sign with the key it names. A proof is read
//! first, judging nothing but itself; it is used up in the transaction of what it is used for, so that exactly one
//! showing of it gets something. RFC 9449.

use crate::clients::{Client, ClientKind};
use crate::door::Door;
use crate::limits::{NONCE_BYTES, NONCE_SECONDS};
use crate::token::check::Good;
use crate::token::{Outcome, Refused};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_jose::bad::BadToken;
use doorward_jose::claims::Claims;
use doorward_jose::jws::Presented;
use doorward_model::context::Ctx;
use doorward_model::id::RealmId;
use doorward_model::time::Timestamp;
use doorward_oauth::dpop::{self, Asked, Stated, invalid};
use doorward_oauth::error::{ErrorCode, OAuthError};
use doorward_oauth::limits::PROOF_SECONDS;
use doorward_store::proofs;
use doorward_store::tx::Tx;

const PURPOSE: &str = "dpop nonce";

/// A proof as it came, and the request it came with.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    /// The proof.
    pub proof: &'a str,
    /// The request's method.
    pub method: &'a str,
    /// Where it was sent, below the configured public address.
    pub url: &'a str,
}

/// A key that a caller holds now. Its proof is not used up yet, so nothing may be given for it.
#[derive(Debug)]
pub struct Key {
    thumbprint: String,
    /// What is remembered of the proof.
    hash: Vec<u8>,
    /// Until when.
    until: Timestamp,
}

/// A key whose proof was used up: tokens may be bound to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound(String);

impl Bound {
    /// The key's thumbprint: `jkt` (RFC 9449 §6.1).
    pub fn thumbprint(&self) -> &str {
        &self.0
    }
}

/// Reads what a client showed to get tokens; nothing, when it shows nothing and need not.
pub fn of_client(door: &Door, ctx: &Ctx, client: &Client, shown: Option<&Shown<'_>>) -> Result<Option<Key>, Refused> {
    match shown {
        Some(shown) => prove(door, ctx, client, shown, None).map(Some),
        None if client.settings.dpop_bound => {
            Err(invalid("this client's tokens are bound to a key: send a DPoP proof"))
        }
        None => Ok(None),
    }
}

/// Judges a proof by itself: form, signature, times, the request it names, the nonce.
fn prove(
    door: &Door,
    ctx: &Ctx,
    client: &Client,
    shown: &Shown<'_>,
    access_token: Option<&str>,
) -> Result<Key, Refused> {
    let (presented, key) = Presented::read_with_key(shown.proof).map_err(bad)?;
    if !presented.header().is(dpop::TYPE) {
        return Err(invalid("the proof's typ must be dpop+jwt"));
    }
    let claims = presented.verify(&key).map_err(bad)?;
    let stated = stated(&claims).map_err(bad)?;
    let now = ctx.now.seconds();
    dpop::check(&stated, &Asked { method: shown.method, url: shown.url, access_token, now })?;
    check_nonce(door, ctx, client, claims.text("nonce").map_err(bad)?)?;
    let thumbprint = key.thumbprint();
    // The thumbprint has one length, so the two parts cannot be cut differently.
    let hash = digest(&SHA256, format!("{thumbprint}{}", stated.id).as_bytes()).as_ref().to_vec();
    // A second more, because times are cut to seconds.
    let until = Timestamp::from_millis(stated.made_at.saturating_mul(1000)).plus_seconds(PROOF_SECONDS + 1);
    Ok(Key { thumbprint, hash, until })
}

fn stated(claims: &Claims) -> Result<Stated<'_>, BadToken> {
    let text = |name| claims.text(name)?.ok_or(BadToken::NoClaim(name));
    Ok(Stated {
        id: claims.jti()?,
        method: text("htm")?,
        url: text("htu")?,
        made_at: claims.time("iat")?.ok_or(BadToken::NoClaim("iat"))?,
        access_token_hash: claims.text("ath")?,
    })
}

fn bad(why: BadToken) -> Refused {
    invalid(format!("the DPoP proof is not taken: {why}"))
}

/// Whether a client's proofs need our nonce: a public client's key lies in a browser or on somebody's machine, where
/// whoever gets in for a moment could make proofs for later (RFC 9449 §11.2). A server's key lies with the server.
pub fn needs_nonce(client: &Client) -> bool {
    client.settings.kind == ClientKind::Public
}

/// The nonce to be put into proofs now: the same on all nodes, and nobody remembers it.
pub fn nonce(door: &Door, ctx: &Ctx, realm: &RealmId) -> String {
    nonce_of(door, realm, step(ctx))
}

fn step(ctx: &Ctx) -> i64 {
    ctx.now.seconds().div_euclid(NONCE_SECONDS)
}

fn nonce_of(door: &Door, realm: &RealmId, step: i64) -> String {
    let mark = door.keys.mark(PURPOSE, format!("{realm} {step}").as_bytes());
    URL_SAFE_NO_PAD.encode(mark.get(..NONCE_BYTES).unwrap_or(&mark))
}

/// A nonce is good in its step and the next one. One step ahead is taken too: the node that gave it may have a clock
/// that goes before ours.
fn check_nonce(door: &Door, ctx: &Ctx, client: &Client, shown: Option<&str>) -> Result<(), Refused> {
    let is_good = |shown: &str| {
        (step(ctx) - 1..=step(ctx) + 1).any(|step| {
            verify_slices_are_equal(nonce_of(door, &client.realm_id, step).as_bytes(), shown.as_bytes()).is_ok()
        })
    };
    let ask = |sentence| Err(OAuthError::new(ErrorCode::UseDpopNonce, sentence));
    match shown {
        Some(shown) if is_good(shown) => Ok(()),
        Some(_) => ask("the proof's nonce is over: use the one in DPoP-Nonce"),
        None if needs_nonce(client) => ask("the proof lacks our nonce: use the one in DPoP-Nonce"),
        None => Ok(()),
    }
}

/// Uses a client's proof up in the transaction of what it is used for, before anything else in it.
pub async fn use_up(tx: &mut Tx, client: &Client, key: Option<&Key>) -> Outcome<Option<Bound>> {
    let Some(key) = key else { return Ok(Ok(None)) };
    if proofs::use_up(tx, &client.realm_id, &key.hash, key.until).await? {
        return Ok(Ok(Some(Bound(key.thumbprint.clone()))));
    }
    tracing::info!("refused: client {} showed a DPoP proof that was used before", client.name);
    Ok(Err(invalid("the proof was used before: make one for each request, with a jti of its own")))
}

/// Uses a client's proof up where nothing else is written.
pub async fn use_up_alone(door: &Door, ctx: &Ctx, client: &Client, key: Option<&Key>) -> Outcome<Option<Bound>> {
    let spend = async || {
        let mut tx = door.begin().await?;
        let used = use_up(&mut tx, client, key).await?;
        if used.is_ok() {
            door.commit(ctx, tx).await?;
        }
        Ok(used)
    };
    match key {
        Some(_) => Box::pin(spend()).await,
        None => Ok(Ok(None)),
    }
}

/// Whether what was issued for a key is shown together with it. What is bound to no key goes with any, or with none.
pub(crate) fn fits(wanted: Option<&str>, bound: Option<&Bound>) -> bool {
    wanted.is_none_or(|wanted| bound.is_some_and(|bound| bound.thumbprint() == wanted))
}

/// How an access token is shown (RFC 9449 §7.1, RFC 6750 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// By whoever holds it.
    Bearer,
    /// With a proof of its key.
    Dpop,
}

/// The key an access token is bound to.
pub fn key_of(claims: &Claims) -> Option<&str> {
    claims.get("cnf")?.get("jkt")?.as_str()
}

/// Whether a good access token may be used by whoever shows it: a bound one with a proof of its key, another one
/// without (RFC 9449 §7).
pub async fn admit(
    door: &Door,
    ctx: &Ctx,
    good: &Good,
    (token, scheme): (&str, Scheme),
    shown: Option<&Shown<'_>>,
) -> Outcome<()> {
    let refuse = |sentence| Ok(Err(OAuthError::new(ErrorCode::InvalidToken, sentence)));
    let wanted = match (key_of(&good.claims), scheme) {
        (None, Scheme::Bearer) => return Ok(Ok(())),
        (None, Scheme::Dpop) => return refuse("the token is bound to no key: show it as Bearer"),
        (Some(_), Scheme::Bearer) => return refuse("the token is bound to a key: show it as DPoP with a proof"),
        (Some(wanted), Scheme::Dpop) => wanted,
    };
    let Some(shown) = shown else { return Ok(Err(invalid("the DPoP proof is missing"))) };
    let key = match prove(door, ctx, &good.client, shown, Some(token)) {
        Ok(key) => key,
        Err(refused) => return Ok(Err(refused)),
    };
    if key.thumbprint != wanted {
        return refuse("the proof is not of the key the token is bound to");
    }
    Ok(use_up_alone(door, ctx, &good.client, Some(&key)).await?.map(drop))
}
