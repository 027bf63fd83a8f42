//! Sign-in at another screen: a device asks for a code, a person types it here, sees who asks for what, and
//! answers. What the device gets then is [`crate::token::device_code`]'s business. RFC 8628.

use crate::authorize::{allowed, consent};
use crate::clients::{Client, ConsentMode};
use crate::door::Door;
use crate::gate::decide::{Refusal, Verdict};
use crate::limits as engine_limits;
use crate::sign_in::throttle::Network;
use crate::token::{Outcome, subject};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_model::context::Ctx;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::{Fault, FaultKind};
use doorward_model::id::{FamilyId, RealmId, SessionId};
use doorward_model::limits;
use doorward_model::people::Realm;
use doorward_model::secret::{PlainToken, TokenHash, TokenKind};
use doorward_model::time::Timestamp;
use doorward_model::user_code::UserCode;
use doorward_oauth::error::{ErrorCode, OAuthError};
use doorward_oauth::scope::Scopes;
use doorward_store::device_codes::{self, DeviceCodeRow, NewDeviceCode, State};
use doorward_store::sessions::SignedIn;
use doorward_store::tx::Tx;
use doorward_store::{clients, throttles};
use serde::{Deserialize, Serialize};

/// What a device asks for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Wanted {
    /// The scopes.
    pub scopes: Scopes,
    /// Resources the tokens are for (RFC 8707).
    pub resources: Vec<String>,
}

/// What a device gets when it begins (RFC 8628 §3.2).
pub struct Started {
    /// What it shows at the token endpoint.
    pub device_code: PlainToken,
    /// What it shows to the person.
    pub user_code: UserCode,
}

/// A code that is taken is drawn again so often; with twenty thousand million of them nobody gets there.
const DRAWS: usize = 8;

/// Begins: draws the two codes.
pub async fn start(door: &Door, ctx: &Ctx, realm: &Realm, client: &Client, wanted: &Wanted) -> Outcome<Started> {
    if let Err(refused) = allowed(client, &wanted.scopes, &wanted.resources) {
        return Ok(Err(refused));
    }
    let facts = serde_json::to_string(wanted)
        .map_err(|error| Fault::new(FaultKind::Internal, "writing what a device asks for", error))?;
    let counter = format!("device start {} {}", client.id, Network::of(ctx));
    let most = engine_limits::DEVICES_PER_NETWORK;
    if throttles::full_until(&mut &door.store, &counter, most, ctx.now).await?.is_some() {
        return Ok(Err(too_many()));
    }
    let (device_code, family) = (PlainToken::draw(TokenKind::DeviceCode, &*door.dice), FamilyId::draw(&*door.dice));
    let until = ctx.now.plus_seconds(limits::DEVICE_CODE_SECONDS);
    let mut tx = door.begin().await?;
    if throttles::reserve(&mut tx, &counter, most, (ctx.now, until)).await?.is_none() {
        return Ok(Err(too_many()));
    }
    for _ in 0..DRAWS {
        let user_code = UserCode::draw(&*door.dice);
        let new = NewDeviceCode {
            hash: &device_code.hash(),
            realm: &realm.id,
            client: &client.id,
            user_code: user_code.as_str(),
            family: &family,
            facts: &facts,
            interval_seconds: limits::DEVICE_INTERVAL_SECONDS,
            expires_at: until,
        };
        if device_codes::create(&mut tx, &new).await? {
            note(&mut tx, (EventKind::DeviceStarted, realm), client.id.as_str(), client);
            door.commit(ctx, tx).await?;
            return Ok(Ok(Started { device_code, user_code }));
        }
    }
    Err(Fault::internal("drawing a user code that is not taken"))
}

fn too_many() -> OAuthError {
    OAuthError::new(ErrorCode::SlowDown, "too many codes were asked for from this network: wait some minutes")
}

/// What became of a code somebody typed.
pub enum Typed {
    /// Somebody has to answer for it.
    Question(Box<Question>),
    /// There is no such code, or it is over or answered.
    Unknown,
    /// Too many were wrong before.
    Throttled {
        /// When to try again.
        until: Timestamp,
    },
    /// The client's rule does not admit this person; the device is told so, unless coming in by another way would do.
    Refused {
        /// The client.
        client: Box<Client>,
        /// Why.
        verdict: Verdict,
    },
}

/// What a person is asked.
pub struct Question {
    /// The client the device runs.
    pub client: Client,
    /// What it asks for.
    pub wanted: Wanted,
    /// What stands in the page, sealed: this code, in this session.
    pub sealed: String,
}

/// Finds the code somebody typed. Wrong ones are counted for the session and for the network.
pub async fn type_code(
    door: &Door,
    ctx: &Ctx,
    realm: &Realm,
    (signed_in, typed): (&SignedIn, &str),
) -> Result<Typed, Fault> {
    // Not well-formed: no guess, so it does not count.
    let Ok(code) = UserCode::parse(typed) else { return Ok(Typed::Unknown) };
    let mut tx = door.begin().await?;
    if let Some(until) = reserve_guess(&mut tx, ctx, realm, signed_in).await? {
        return Ok(Typed::Throttled { until });
    }
    let found = device_codes::find_typed(&mut tx, &realm.id, code.as_str()).await?;
    let Some((row, client)) = open(&mut tx, ctx, found).await? else {
        door.commit(ctx, tx).await?;
        return Ok(Typed::Unknown);
    };
    // It was right: dropped without commit, the places are free again.
    drop(tx);
    if let Err(verdict) =
        subject(door, &mut &door.store, &client, (&signed_in.user.id, signed_in.session.came_by())).await?
    {
        // Whoever came in by a way that does not count here may come back by another one.
        if !matches!(verdict, Verdict::Refused(Refusal::OtherWay(_))) {
            deny(door, ctx, realm, (&client, &row.hash), signed_in).await?;
        }
        return Ok(Typed::Refused { client: Box::new(client), verdict });
    }
    let wanted = read_wanted(&row.facts)?;
    let sealed = seal(door, ctx, realm, (&signed_in.session.id, &row.hash))?;
    Ok(Typed::Question(Box::new(Question { client, wanted, sealed })))
}

/// When guessing goes on, if it may not now.
async fn reserve_guess(
    tx: &mut Tx,
    ctx: &Ctx,
    realm: &Realm,
    signed_in: &SignedIn,
) -> Result<Option<Timestamp>, Fault> {
    let until = ctx.now.plus_seconds(engine_limits::USER_CODE_SECONDS);
    let counters = [
        (format!("user code {}", signed_in.session.id), engine_limits::USER_CODES_PER_SESSION),
        (format!("user code {}", Network::of(ctx)), engine_limits::USER_CODES_PER_NETWORK),
    ];
    for (name, most) in counters {
        match throttles::reserve(tx, &name, most, (ctx.now, until)).await? {
            Some(taken) if taken == most => {
                let detail = format!("session {}: the last try for a while", signed_in.session.id);
                let user = signed_in.user.id.to_string();
                tx.record(Event::new(EventKind::DeviceThrottled, Some(&realm.id), user, detail));
            }
            Some(_) => {}
            None => {
                let ends = throttles::full_until(tx, &name, most, ctx.now).await?;
                return Ok(Some(ends.unwrap_or(until)));
            }
        }
    }
    Ok(None)
}

/// A code that may be answered, with its client.
async fn open(tx: &mut Tx, ctx: &Ctx, found: Option<DeviceCodeRow>) -> Result<Option<(DeviceCodeRow, Client)>, Fault> {
    let Some(row) = found.filter(|row| row.state == State::Waiting && ctx.now < row.expires_at) else {
        return Ok(None);
    };
    let client = clients::find_by_id(tx, &row.client_id).await?.map(Client::read).transpose()?;
    let client = client.filter(|client| client.may(crate::clients::GrantType::DeviceCode));
    Ok(client.map(|client| (row, client)))
}

/// What a person answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The device may have what it asked for.
    Allow,
    /// It may not.
    Deny,
}

/// What became of an answer.
pub enum Answered {
    /// The device gets its tokens when it asks next.
    Allowed(Box<Client>),
    /// The device is told no.
    Denied(Box<Client>),
    /// The client's rule does not admit this person any more; the device is told so.
    Refused(Box<Client>, Verdict),
    /// The question was put in another session, is over, or was answered.
    Over,
}

/// Takes an answer to a question, once.
pub async fn answer(
    door: &Door,
    ctx: &Ctx,
    realm: &Realm,
    (signed_in, sealed): (&SignedIn, &str),
    answer: Answer,
) -> Result<Answered, Fault> {
    let session = &signed_in.session.id;
    let Some(hash) = unseal(door, ctx, &realm.id, (session, sealed)) else { return Ok(Answered::Over) };
    let mut tx = door.begin().await?;
    let found = device_codes::find(&mut tx, &hash).await?;
    let Some((row, client)) = open(&mut tx, ctx, found).await? else { return Ok(Answered::Over) };
    let client = Box::new(client);
    let verdict = match answer {
        Answer::Allow => {
            subject(door, &mut tx, &client, (&signed_in.user.id, signed_in.session.came_by())).await?.err()
        }
        Answer::Deny => None,
    };
    let is_allowed = answer == Answer::Allow && verdict.is_none();
    let state = if is_allowed { State::Allowed } else { State::Denied };
    if !device_codes::answer(&mut tx, &hash, (state, session), ctx.now).await? {
        return Ok(Answered::Over);
    }
    if is_allowed && client.settings.consent == ConsentMode::Explicit {
        let wanted = read_wanted(&row.facts)?;
        consent::give(&mut tx, ctx, &signed_in.user, &client, &wanted.scopes).await?;
    }
    let kind = if is_allowed { EventKind::DeviceAllowed } else { EventKind::DeviceDenied };
    note(&mut tx, (kind, realm), signed_in.user.id.as_str(), &client);
    door.commit(ctx, tx).await?;
    Ok(match verdict {
        Some(verdict) => Answered::Refused(client, verdict),
        None if is_allowed => Answered::Allowed(client),
        None => Answered::Denied(client),
    })
}

async fn deny(
    door: &Door,
    ctx: &Ctx,
    realm: &Realm,
    (client, hash): (&Client, &TokenHash),
    signed_in: &SignedIn,
) -> Result<(), Fault> {
    let mut tx = door.begin().await?;
    if device_codes::answer(&mut tx, hash, (State::Denied, &signed_in.session.id), ctx.now).await? {
        note(&mut tx, (EventKind::DeviceDenied, realm), signed_in.user.id.as_str(), client);
        door.commit(ctx, tx).await?;
    }
    Ok(())
}

fn note(tx: &mut Tx, (kind, realm): (EventKind, &Realm), subject: &str, client: &Client) {
    tx.record(Event::new(kind, Some(&realm.id), subject, format!("client {}", client.name)));
}

/// A question, sealed into its page: it stands for one code in one session.
#[derive(Serialize, Deserialize)]
struct Sealed {
    realm_id: RealmId,
    session_id: SessionId,
    code: String,
    expires_at: Timestamp,
}

const PURPOSE: &str = "question about a device";

fn seal(door: &Door, ctx: &Ctx, realm: &Realm, (session, hash): (&SessionId, &TokenHash)) -> Result<String, Fault> {
    let sealed = Sealed {
        realm_id: realm.id.clone(),
        session_id: session.clone(),
        code: URL_SAFE_NO_PAD.encode(hash.as_bytes()),
        expires_at: ctx.now.plus_seconds(limits::DEVICE_CODE_SECONDS),
    };
    let text = serde_json::to_vec(&sealed)
        .map_err(|error| Fault::new(FaultKind::Internal, "writing a question about a device", error))?;
    Ok(URL_SAFE_NO_PAD.encode(door.keys.seal(PURPOSE, &text, &*door.dice)?))
}

fn unseal(door: &Door, ctx: &Ctx, realm: &RealmId, (session, text): (&SessionId, &str)) -> Option<TokenHash> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let sealed: Sealed = serde_json::from_slice(&door.keys.open(PURPOSE, &bytes)?).ok()?;
    let fits = sealed.realm_id == *realm && sealed.session_id == *session && ctx.now < sealed.expires_at;
    TokenHash::from_stored(&URL_SAFE_NO_PAD.decode(sealed.code).ok()?).filter(|_| fits)
}

pub(crate) fn read_wanted(facts: &str) -> Result<Wanted, Fault> {
    serde_json::from_str(facts).map_err(|error| Fault::corrupt("device_codes", "(facts)", error))
}
