//! A device's code becomes tokens, once, when somebody has said yes. Until then the device is told to wait, and
//! to wait longer when it asks too often. RFC 8628 §3.4, §3.5.

use crate::clients::Client;
use crate::device::read_wanted;
use crate::door::Door;
use crate::token::begin::{Beginning, begin};
use crate::token::dpop::{self, Key};
use crate::token::{Authorized, Outcome, Refused, Tokens, invalid_grant, subject};
use doorward_model::context::Ctx;
use doorward_model::event::EventKind;
use doorward_model::limits;
use doorward_model::secret::{TokenHash, TokenKind};
use doorward_oauth::error::{ErrorCode, OAuthError};
use doorward_store::device_codes::{self, State, UsedDeviceCode};
use doorward_store::sessions;

/// Gives a device what somebody allowed, or tells how far that has come.
pub async fn device_code(
    door: &Door,
    ctx: &Ctx,
    realm: &str,
    client: &Client,
    (presented, key): (&str, Option<&Key>),
) -> Outcome<Tokens> {
    let Some(hash) = TokenHash::of_presented(TokenKind::DeviceCode, presented) else { return Ok(Err(unknown())) };
    let found = device_codes::find(&mut &door.store, &hash).await?;
    let Some(row) = found.filter(|row| row.client_id == client.id) else { return Ok(Err(unknown())) };
    match row.state {
        State::Used => Ok(Err(unknown())),
        State::Denied => Ok(Err(denied("the person said no, or may not enter"))),
        State::Waiting | State::Allowed if row.expires_at <= ctx.now => {
            Ok(Err(OAuthError::new(ErrorCode::ExpiredToken, "the code is over: start again")))
        }
        State::Waiting => wait(door, ctx, &hash).await,
        State::Allowed => redeem(door, ctx, realm, client, (&hash, key)).await,
    }
}

async fn wait(door: &Door, ctx: &Ctx, hash: &TokenHash) -> Outcome<Tokens> {
    let mut tx = door.begin().await?;
    let (code, sentence) = if device_codes::ask(&mut tx, hash, limits::DEVICE_SLACK_MILLIS, ctx.now).await? {
        (ErrorCode::AuthorizationPending, "nobody has answered yet")
    } else {
        let longer = (limits::DEVICE_INTERVAL_SECONDS, limits::DEVICE_INTERVAL_SECONDS_MAX);
        device_codes::slow_down(&mut tx, hash, longer).await?;
        (ErrorCode::SlowDown, "wait five seconds longer between two asks")
    };
    door.commit(ctx, tx).await?;
    Ok(Err(OAuthError::new(code, sentence)))
}

async fn redeem(
    door: &Door,
    ctx: &Ctx,
    realm: &str,
    client: &Client,
    (hash, key): (&TokenHash, Option<&Key>),
) -> Outcome<Tokens> {
    let mut tx = door.begin().await?;
    let bound = match dpop::use_up(&mut tx, client, key).await? {
        Ok(bound) => bound,
        Err(refused) => return Ok(Err(refused)),
    };
    let Some(used) = device_codes::use_code(&mut tx, hash, &client.id, ctx.now).await? else {
        let row = device_codes::find(&mut tx, hash).await?;
        // Allowed and without a session: whoever allowed it is signed out since.
        let is_orphaned = row.is_some_and(|row| row.state == State::Allowed && row.session_id.is_none());
        return Ok(Err(if is_orphaned { denied("the session that allowed it is over") } else { unknown() }));
    };
    // From here on the code is spent, whatever else is wrong.
    let UsedDeviceCode { session_id, family_id, facts } = used;
    let session = sessions::find_by_id(&mut tx, &session_id).await?;
    let Some(session) = session.filter(|session| session.is_live(ctx.now)) else {
        door.commit(ctx, tx).await?;
        return Ok(Err(denied("the session that allowed it is over")));
    };
    let Ok(subject) = subject(door, &mut tx, client, (&session.user_id, session.came_by())).await? else {
        door.commit(ctx, tx).await?;
        return Ok(Err(denied("this person may not enter any more")));
    };
    let wanted = read_wanted(&facts)?;
    let authorized = Authorized::new(wanted.scopes, wanted.resources, &session);
    let beginning = Beginning { realm, client, session: &session, subject: &subject, authorized, details: None, bound };
    let tokens = begin(door, ctx, &mut tx, (family_id, EventKind::DeviceToToken), beginning).await?;
    door.commit(ctx, tx).await?;
    Ok(Ok(tokens))
}

fn denied(sentence: &'static str) -> Refused {
    OAuthError::new(ErrorCode::AccessDenied, sentence)
}

fn unknown() -> Refused {
    invalid_grant("the device code is unknown, used, or another client's")
}
