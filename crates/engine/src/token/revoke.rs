//! A client gives tokens back. RFC 7009: a refresh token ends its whole family; an access token ends alone.

use crate::clients::Client;
use crate::door::Door;
use crate::sessions;
use crate::token::{Outcome, check, invalid_grant};
use doorward_model::context::Ctx;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::Fault;
use doorward_model::people::Realm;
use doorward_model::secret::{TokenHash, TokenKind};
use doorward_model::time::Timestamp;
use doorward_store::grants;

/// Revokes a token, if it is this client's. What is not known is not told: the answer is the same.
pub async fn revoke(door: &Door, ctx: &Ctx, realm: &Realm, client: &Client, token: &str) -> Result<(), Fault> {
    door.keys.hear_of(door, ctx, &realm.id, token).await?;
    let mut tx = door.begin().await?;
    let what = if let Some(hash) = TokenHash::of_presented(TokenKind::Refresh, token) {
        let Some(family) = grants::hold_family(&mut tx, &hash, &client.id, ctx.now).await? else { return Ok(()) };
        grants::end_family(&mut tx, &family.id).await?;
        format!("family {} of {}", family.id, family.user_id)
    } else {
        let Some(claims) = check::opened(door, ctx, realm, token, "Bearer") else { return Ok(()) };
        let (Ok(id), Ok(Some(end))) = (claims.jti(), claims.time("exp")) else { return Ok(()) };
        if !claims.text("azp").is_ok_and(|name| name == Some(client.name.as_str())) {
            return Ok(());
        }
        // A little longer than its life, because clocks differ.
        let until = Timestamp::from_millis(end.saturating_mul(1000)).plus_seconds(AFTER_END_SECONDS);
        grants::revoke_token(&mut tx, &realm.id, id, until).await?;
        format!("access token {id}")
    };
    let detail = format!("client {}: {what}", client.name);
    tx.record(Event::new(EventKind::TokenRevoked, Some(&realm.id), client.id.to_string(), detail));
    door.commit(ctx, tx).await
}

/// Ends the session a refresh token came from, as older Keycloak adapters sign people out; an offline
/// token's family ends alone.
pub async fn end_session(door: &Door, ctx: &Ctx, client: &Client, token: &str) -> Outcome<()> {
    let unknown = || invalid_grant("the refresh token is unknown, over, revoked, or another client's");
    let Some(hash) = TokenHash::of_presented(TokenKind::Refresh, token) else { return Ok(Err(unknown())) };
    let mut tx = door.begin().await?;
    let Some(family) = grants::hold_family(&mut tx, &hash, &client.id, ctx.now).await? else {
        return Ok(Err(unknown()));
    };
    let Some(session) = &family.session_id else {
        grants::end_family(&mut tx, &family.id).await?;
        return door.commit(ctx, tx).await.map(Ok);
    };
    // Not in this transaction: a session's end takes its locks from the session downwards.
    drop(tx);
    let why = format!("client {} signed out with a refresh token", client.name);
    sessions::end_own(door, ctx, (&family.user_id, session), &why).await?;
    Ok(Ok(()))
}

const AFTER_END_SECONDS: i64 = 120;
