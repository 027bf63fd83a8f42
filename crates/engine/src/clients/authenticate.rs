//! A client proves who it is, in the one way that is declared for it. Whoever has not proved anything learns
//! nothing: an unknown client and a wrong proof get the same answer. What is wrong with an assertion is told
//! when its signature is the client's own.

use crate::clients::assertion::{self, Bad, Expected, Single};
use crate::clients::guesses::{self, Counter};
use crate::clients::{Authentication, Client, ClientKind, Paths, find_live, refusals, secrets};
use crate::door::Door;
use crate::live::clients::LiveClient;
use crate::token::mint;
use doorward_jose::bad::BadToken;
use doorward_jose::certificate::Certificate;
use doorward_jose::claims::Claims;
use doorward_jose::hmac::HmacKey;
use doorward_jose::jws::Presented;
use doorward_model::context::Ctx;
use doorward_model::event::EventKind;
use doorward_model::fault::Fault;
use doorward_model::name::ClientName;
use doorward_model::people::Realm;
use doorward_model::time::Timestamp;
use doorward_oauth::discovery::{Endpoint, Layout};
use doorward_oauth::error::{ErrorCode, OAuthError};
use doorward_store::assertions;
use std::sync::Arc;

/// How a client presents itself.
pub struct Shown<'a> {
    /// Who it says it is; an assertion may say it alone.
    pub client_id: Option<&'a str>,
    /// Its proof.
    pub proof: Proof<'a>,
    /// The certificate its connection was made with.
    pub certificate: Option<&'a Certificate>,
    /// The path it called, below the configured public address.
    pub path: &'a str,
}

/// What a client sends to prove who it is.
pub enum Proof<'a> {
    /// Its secret.
    Secret(&'a str),
    /// A signed assertion (RFC 7523 §2.2).
    Assertion(&'a str),
    /// Nothing: a public client, or one whose certificate is the proof.
    None,
}

/// Why a client is not let in.
#[derive(Debug)]
pub enum Unproved {
    /// In the protocol's words.
    Refused(OAuthError),
    /// Too many wrong secrets came from its network: try again then.
    Throttled {
        /// When the window ends.
        until: Timestamp,
    },
}

/// What whoever is not proved is told, whatever the reason; the record has the reason.
const UNPROVED: &str = "the client is unknown, disabled, or did not prove who it is: check the client id, the way it \
                        is declared to authenticate, and its secret, key or certificate";

/// Why a proof is none.
enum Why {
    /// For the record alone.
    Hidden(String),
    /// Also for the client, which is itself: only its assertion is not good.
    Told(String),
}

impl From<BadToken> for Why {
    fn from(bad: BadToken) -> Self {
        Self::Hidden(format!("its assertion: {bad}"))
    }
}

impl From<Bad> for Why {
    fn from(bad: Bad) -> Self {
        Self::Told(bad.to_string())
    }
}

/// The client, if it is what it says.
pub async fn authenticate(
    door: &Door,
    ctx: &Ctx,
    realm: &Realm,
    shown: &Shown<'_>,
) -> Result<Result<Arc<Client>, Unproved>, Fault> {
    let (name, token) = match read(shown) {
        Ok(read) => read,
        Err(sentence) => return Ok(Err(refused(sentence))),
    };
    // Only what a person may have chosen can be guessed.
    let by_secret = match &token {
        Some(token) => token.header().algorithm_name() == HmacKey::ALGORITHM,
        None => matches!(shown.proof, Proof::Secret(_)),
    };
    let counter = by_secret.then(|| Counter::of(ctx, &realm.id, &name));
    let full = || counter.as_ref().and_then(|counter| door.live.guesses.full_until(counter, ctx.now));
    if let Some(until) = full() {
        return Ok(Err(Unproved::Throttled { until }));
    }
    let known = match ClientName::parse(&name) {
        Ok(name) => find_live(door, &realm.id, &name).await?,
        Err(_) => None,
    };
    if let Some(live) = known.as_ref().filter(|_| counter.is_some()) {
        live.secrets(door).await?;
    }
    // Again, because others may have failed meanwhile; from here to the count nothing is waited for.
    if let Some(until) = full() {
        return Ok(Err(Unproved::Throttled { until }));
    }
    let why = match &known {
        Some(live) if live.is_active => match prove(door, ctx, realm, live, (shown, token.as_ref())).await? {
            Ok(()) => {
                // Here, because no transaction is open: making a key is one of its own.
                mint::prepare(door, ctx, live.client()).await?;
                return Ok(Ok(live.client().clone()));
            }
            Err(Why::Hidden(why)) => why,
            Err(Why::Told(why)) => {
                Box::pin(note(door, ctx, realm, (known.as_deref(), &why, None))).await?;
                return Ok(Err(refused(why)));
            }
        },
        Some(_) => "it is disabled".to_owned(),
        None => String::new(),
    };
    if let Some(counter) = &counter {
        door.live.guesses.count(counter, ctx.now);
    }
    Box::pin(note(door, ctx, realm, (known.as_deref(), &why, counter.as_ref()))).await?;
    Ok(Err(refused(UNPROVED)))
}

fn refused(sentence: impl Into<std::borrow::Cow<'static, str>>) -> Unproved {
    Unproved::Refused(OAuthError::new(ErrorCode::InvalidClient, sentence))
}

/// Who a client says it is, and its assertion if it sent one. What is told here is known to whoever sent it.
fn read<'a>(shown: &Shown<'a>) -> Result<(String, Option<Presented<'a>>), String> {
    let nameless = || "the client does not say who it is: send client_id".to_owned();
    let Proof::Assertion(text) = shown.proof else {
        return Ok((shown.client_id.ok_or_else(nameless)?.to_owned(), None));
    };
    let token = Presented::read(text).map_err(|bad| format!("the client assertion cannot be used: {bad}"))?;
    let issuer = token.unproved_issuer().map_err(|bad| format!("the client assertion cannot be used: {bad}"))?;
    if shown.client_id.is_some_and(|named| named != issuer) {
        return Err("client_id differs from the `iss` of the client assertion: send one of them".to_owned());
    }
    Ok((issuer, Some(token)))
}

/// Whether a client is proved in the way declared for it.
async fn prove(
    door: &Door,
    ctx: &Ctx,
    realm: &Realm,
    live: &LiveClient,
    (shown, token): (&Shown<'_>, Option<&Presented<'_>>),
) -> Result<Result<(), Why>, Fault> {
    let hidden = |why: &str| Ok(Err(Why::Hidden(why.to_owned())));
    let declared = (live.settings.kind, live.settings.authentication);
    let claims = match (declared, &shown.proof, token) {
        ((ClientKind::Public, _), Proof::None, None) => return Ok(Ok(())),
        ((ClientKind::Confidential, Authentication::Secret), Proof::Secret(presented), None) => {
            let known = live.secrets(door).await?;
            return match secrets::any_is(&known, presented, ctx.now) {
                true => Ok(Ok(())),
                false => hidden("wrong secret"),
            };
        }
        ((ClientKind::Confidential, Authentication::TlsSubject | Authentication::TlsSelfSigned), Proof::None, None) => {
            return Ok(by_certificate(door, ctx, live, shown.certificate)?.map_err(|why| Why::Hidden(why.to_owned())));
        }
        ((ClientKind::Confidential, Authentication::SecretJwt), _, Some(token)) => {
            match secrets::verify(&live.secrets(door).await?, token, ctx.now) {
                Some(claims) => claims,
                None => return hidden("its assertion is not signed with its secret by HS256"),
            }
        }
        ((ClientKind::Confidential, Authentication::PrivateKeyJwt), _, Some(token)) => {
            let keys = live.keys()?;
            match keys.set().find_for(token.header()).and_then(|key| token.verify(key)) {
                Ok(claims) => claims,
                Err(bad) => return Ok(Err(bad.into())),
            }
        }
        // A public client has no secret: whoever shows one has taken it for another.
        _ => return hidden("it came with another proof than the declared one"),
    };
    let Some(token) = token else { return hidden("no assertion") };
    match judge(door, ctx, realm, (live, shown.path), (token, &claims)) {
        Ok(single) => Box::pin(use_up(door, ctx, live, single)).await,
        Err(bad) => Ok(Err(bad.into())),
    }
}

fn judge(
    door: &Door,
    ctx: &Ctx,
    realm: &Realm,
    (live, path): (&LiveClient, &str),
    (token, claims): (&Presented<'_>, &Claims),
) -> Result<Single, Bad> {
    let issuer = mint::issuer(door, realm.name.as_str());
    let own_issuer = mint::issuer_for(door, realm.name.as_str(), live.client());
    let token_endpoint = match live.settings.paths {
        Paths::Keycloak => Layout::Keycloak.address(&issuer, Endpoint::Token),
        Paths::Authentik => {
            let layout = Layout::Authentik { slug: live.name.as_str() };
            layout.address(&door.settings.public.url("/"), Endpoint::Token)
        }
    };
    let token_endpoint = token_endpoint.unwrap_or_default();
    let endpoint = door.settings.public.url(path);
    let audiences = [issuer.as_str(), own_issuer.as_str(), token_endpoint.as_str(), endpoint.as_str()];
    let expected = Expected { client: live.name.as_str(), audiences: &audiences, now: ctx.now };
    assertion::decide(token.header(), claims, &expected)
}

/// An assertion is good once, on whatever node it is shown.
async fn use_up(door: &Door, ctx: &Ctx, live: &LiveClient, single: Single) -> Result<Result<(), Why>, Fault> {
    let mut tx = door.begin().await?;
    let used = (assertion::KIND, single.hash.as_slice());
    if !assertions::use_once(&mut tx, &live.id, used, single.until).await? {
        let sentence = "the assertion was used before: make one with a fresh `jti` for every request";
        return Ok(Err(Why::Told(sentence.to_owned())));
    }
    door.commit(ctx, tx).await?;
    Ok(Ok(()))
}

fn by_certificate(
    door: &Door,
    ctx: &Ctx,
    live: &LiveClient,
    certificate: Option<&Certificate>,
) -> Result<Result<(), &'static str>, Fault> {
    let Some(certificate) = certificate else { return Ok(Err("it came without a certificate")) };
    let now = ctx.now.seconds();
    if !certificate.is_in_time(now) {
        return Ok(Err("its certificate is over or not good yet"));
    }
    if live.settings.authentication == Authentication::TlsSelfSigned {
        return Ok(if live.keys()?.has(certificate) { Ok(()) } else { Err("its certificate is none of its keys") });
    }
    let Some(authorities) = &door.settings.client_authorities else {
        return Ok(Err("no authorities are set that vouch for certificates: see client_certificate_authorities"));
    };
    if !authorities.vouch_for(certificate, now) {
        return Ok(Err("no authority vouches for its certificate"));
    }
    let declared = live.keys()?;
    match declared.subject().is_some() && declared.subject() == certificate.subject() {
        true => Ok(Ok(())),
        false => Ok(Err("its certificate has another subject than the declared one")),
    }
}

/// Writes a refusal down, of a client there is; a wrong secret also counts.
async fn note(
    door: &Door,
    ctx: &Ctx,
    realm: &Realm,
    (known, why, counter): (Option<&LiveClient>, &str, Option<&Counter>),
) -> Result<(), Fault> {
    const KIND: EventKind = EventKind::ClientRefused;
    match known {
        Some(live) => tracing::info!(request = %ctx.request, "refused: client {}: {why}", live.name),
        // Its name is a stranger's word, and could be a secret in the wrong place.
        None => tracing::info!(request = %ctx.request, "refused: no client has that client_id"),
    }
    let recorded = known.filter(|live| door.live.refusals.may_record(live, KIND, ctx.now));
    if counter.is_none() && recorded.is_none() {
        return Ok(());
    }
    let mut tx = door.begin().await?;
    if let Some(counter) = counter {
        guesses::note(door, ctx, &mut tx, (&realm.id, counter)).await?;
    }
    if let Some(live) = recorded {
        tx.record(refusals::event(live, KIND, why));
    }
    door.commit(ctx, tx).await
}
