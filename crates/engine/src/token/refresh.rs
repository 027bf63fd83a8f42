//! A refresh token becomes new tokens and is replaced. Shown again within a few seconds it answers with
//! the same successor, because two tabs may refresh at once; later, somebody has a copy, and the whole
//! family ends. RFC 6749 §6, RFC 9700 §4.14.2.

use crate::clients::{Client, ClientKind, refusals};
use crate::door::Door;
use crate::token::claims::{Common, granted_to};
use crate::token::dpop::{self, Bound, Key};
use crate::token::{Authorized, Outcome, Refused, Tokens, facts_text, invalid_grant, mint, read_facts, subject};
use doorward_model::context::Ctx;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::Fault;
use doorward_model::limits;
use doorward_model::secret::{PlainToken, TokenHash, TokenKind};
use doorward_oauth::authorize::{Detail, narrowed};
use doorward_oauth::error::{ErrorCode, OAuthError};
use doorward_oauth::scope::Scopes;
use doorward_store::grants::{self, FamilyRow, RefreshRow};
use doorward_store::sessions;
use doorward_store::tx::Tx;

const PURPOSE: &str = "refresh token's successor";

/// What the client shows.
pub struct Ask<'a> {
    /// The refresh token.
    pub token: &'a str,
    /// Fewer scopes than were granted, for this answer only.
    pub narrower: Option<&'a Scopes>,
    /// The key it holds.
    pub key: Option<&'a Key>,
    /// Fewer details than were granted, for this answer only (RFC 9396 §6).
    pub details: Option<Vec<Detail>>,
}

/// Refreshes.
pub async fn refresh(door: &Door, ctx: &Ctx, realm: &str, client: &Client, ask: Ask<'_>) -> Outcome<Tokens> {
    let outcome = renew(door, ctx, realm, client, ask).await?;
    refusals::noted(door, ctx, client, ("refresh_token", outcome)).await
}

async fn renew(door: &Door, ctx: &Ctx, realm: &str, client: &Client, ask: Ask<'_>) -> Outcome<Tokens> {
    let Some(hash) = TokenHash::of_presented(TokenKind::Refresh, ask.token) else { return Ok(Err(unknown())) };
    let mut tx = door.begin().await?;
    let bound = match dpop::use_up(&mut tx, client, ask.key).await? {
        Ok(bound) => bound,
        Err(refused) => return Ok(Err(refused)),
    };
    let Some(family) = grants::hold_family(&mut tx, &hash, &client.id, ctx.now).await? else {
        return Ok(Err(unknown()));
    };
    let mut authorized = read_facts("families", family.id.as_str(), &family.facts)?;
    if let Err(refused) = keep_key(&mut tx, client, &family, (&mut authorized, bound.as_ref())).await? {
        return Ok(Err(refused));
    }
    if let Some(narrower) = ask.narrower {
        if !narrower.subset_of(&granted_to(client, &authorized.scopes)) {
            let sentence = "scope asks for more than was granted";
            return Ok(Err(OAuthError::new(ErrorCode::InvalidScope, sentence)));
        }
        authorized.scopes = narrower.clone();
    }
    if let Some(asked) = ask.details {
        authorized.details = match narrowed(&authorized.details, asked) {
            Ok(details) => details,
            Err(error) => return Ok(Err(error)),
        };
    }
    let session_over = match &family.session_id {
        Some(id) => !sessions::find_by_id(&mut tx, id).await?.is_some_and(|session| session.is_live(ctx.now)),
        None => false,
    };
    if session_over || family.expires_at <= ctx.now {
        return Ok(Err(invalid_grant("the session is over: sign in again")));
    }
    let Ok(person) = subject(door, &mut tx, client, (&family.user_id, family.came_by.as_ref())).await? else {
        let why = (EventKind::TokenRevoked, "the person may not enter any more");
        return end(door, ctx, tx, client, &family, why).await;
    };
    let offline = family.session_id.is_none();
    let seconds = client.refresh_seconds(offline);
    let fresh = mint::refresh(door);
    let sealed = door.keys.seal(PURPOSE, fresh.reveal().as_bytes(), &*door.dice)?;
    let next = if grants::use_refresh(&mut tx, &hash, &sealed, ctx.now).await? {
        grants::create_refresh(&mut tx, &fresh.hash(), &family.id, ctx.now.plus_seconds(seconds)).await?;
        fresh
    } else {
        match again(door, ctx, grants::find_refresh(&mut tx, &hash).await?)? {
            Again::Same(successor) => successor,
            Again::Over => return Ok(Err(unknown())),
            Again::Replay => {
                let why = (EventKind::RefreshReplayed, "a used refresh token was shown again");
                return end(door, ctx, tx, client, &family, why).await;
            }
        }
    };
    tell(door, ctx, tx, (realm, client), (&family, &authorized, &person), (next, seconds, bound)).await
}

/// Holds a public client to the key its refresh tokens are bound to, and binds them to the first one it shows
/// (RFC 9449 §5). A wrong key ends nothing: whoever took a bound token cannot even take it away.
async fn keep_key(
    tx: &mut Tx,
    client: &Client,
    family: &FamilyRow,
    (authorized, bound): (&mut Authorized, Option<&Bound>),
) -> Outcome<()> {
    if !dpop::fits(authorized.refresh_key.as_deref(), bound) {
        tracing::info!("refused: client {}, family {}: not the key it is bound to", client.name, family.id);
        return Ok(Err(invalid_grant("the refresh token is bound to a key: show a DPoP proof of that key")));
    }
    if let (ClientKind::Public, Some(bound), None) = (client.settings.kind, bound, &authorized.refresh_key) {
        authorized.refresh_key = Some(bound.thumbprint().to_owned());
        grants::set_facts(tx, &family.id, &facts_text(authorized)?).await?;
    }
    Ok(Ok(()))
}

async fn tell(
    door: &Door,
    ctx: &Ctx,
    mut tx: Tx,
    (realm, client): (&str, &Client),
    (family, authorized, person): (&FamilyRow, &Authorized, &crate::token::Subject),
    (refresh, refresh_seconds, bound): (PlainToken, i64, Option<Bound>),
) -> Outcome<Tokens> {
    let scopes = granted_to(client, &authorized.scopes);
    let issuer = mint::issuer_for(door, realm, client);
    let session = family.session_id.as_ref();
    let common = Common {
        issuer: &issuer,
        client,
        now: ctx.now,
        scopes: &scopes,
        session,
        bound: bound.as_ref(),
        certificate: ctx.certificate.as_deref(),
    };
    let (access, id) = mint::for_person(door, &common, person, authorized, &family.id)?;
    let detail = format!("client {}, family {}", client.name, family.id);
    tx.record(Event::new(EventKind::TokenRefreshed, Some(&client.realm_id), family.user_id.to_string(), detail));
    door.commit(ctx, tx).await?;
    if let Some(session) = session {
        // Whoever works in a tool is not idle.
        door.live.saw_by_token(session, ctx.now);
    }
    Ok(Ok(Tokens {
        access,
        access_seconds: client.access_seconds(),
        refresh: Some((refresh, refresh_seconds)),
        id,
        scopes: scopes.into(),
        session: family.session_id.clone(),
        bound,
        details: authorized.details.clone(),
    }))
}

/// What showing a token that was not fresh means.
enum Again {
    /// A second tab: it gets what the first one got.
    Same(PlainToken),
    /// Its life is over.
    Over,
    /// Somebody has a copy.
    Replay,
}

fn again(door: &Door, ctx: &Ctx, row: Option<RefreshRow>) -> Result<Again, Fault> {
    let Some(RefreshRow { used_at: Some(used_at), successor: Some(successor), .. }) = row else {
        return Ok(Again::Over);
    };
    if ctx.now.millis_since(used_at) > limits::REFRESH_GRACE_SECONDS * 1000 {
        return Ok(Again::Replay);
    }
    let open = door.keys.open(PURPOSE, &successor);
    let text = open.as_deref().and_then(|bytes| std::str::from_utf8(bytes).ok());
    let token = text.and_then(|text| PlainToken::of_stored(TokenKind::Refresh, text));
    token.map(Again::Same).ok_or_else(|| Fault::corrupt("refresh_tokens", "(sealed successor)", "it does not open"))
}

async fn end(
    door: &Door,
    ctx: &Ctx,
    mut tx: Tx,
    client: &Client,
    family: &FamilyRow,
    (kind, why): (EventKind, &'static str),
) -> Outcome<Tokens> {
    grants::end_family(&mut tx, &family.id).await?;
    let detail = format!("client {}, family {}: {why}; its tokens are revoked", client.name, family.id);
    let user = family.user_id.to_string();
    tx.record(Event::new(kind, Some(&client.realm_id), user, detail));
    door.commit(ctx, tx).await?;
    Ok(Err(invalid_grant(why)))
}

fn unknown() -> Refused {
    invalid_grant("the refresh token is unknown, over, revoked, or another client's")
}
