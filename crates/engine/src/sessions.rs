//! Sessions of browsers: finding the one behind a cookie, listing, ending. Ending is one function
//! whatever the reason, effective at the gate on the next check.

use crate::door::Door;
use crate::logout;
use doorward_model::change::Change;
use doorward_model::context::Ctx;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::Fault;
use doorward_model::id::{SessionId, UserId};
use doorward_model::limits;
use doorward_model::secret::TokenHash;
use doorward_model::session::Session;
use doorward_model::time::Timestamp;
use doorward_store::sessions;
pub use doorward_store::sessions::SignedIn;
use doorward_store::tx::Tx;

/// The live session behind a cookie, with an active user.
pub async fn find(door: &Door, ctx: &Ctx, hash: &TokenHash) -> Result<Option<SignedIn>, Fault> {
    let found = sessions::find(&mut &door.store, hash).await?;
    Ok(found.filter(|found| found.session.is_live(ctx.now) && found.user.is_active))
}

/// A user's live sessions, last seen first.
pub async fn list(door: &Door, ctx: &Ctx, user: &UserId) -> Result<Vec<Session>, Fault> {
    let mut all = sessions::of_user(&mut &door.store, user, limits::SESSIONS_LISTED).await?;
    all.retain(|session| session.is_live(ctx.now));
    Ok(all)
}

/// Notes that Doorward's own pages saw a session, at most once a minute.
pub async fn saw(door: &Door, ctx: &Ctx, session: &Session) -> Result<(), Fault> {
    if ctx.now.millis_since(session.last_seen_at) < crate::limits::SEEN_EVERY_SECONDS * 1000 {
        return Ok(());
    }
    let mut tx = door.begin().await?;
    sessions::seen(&mut tx, &session.id, ctx.now).await?;
    door.commit(ctx, tx).await
}

/// Ends one session if it belongs to that user; the reason is for the record.
pub async fn end_own(door: &Door, ctx: &Ctx, (user, id): (&UserId, &SessionId), why: &str) -> Result<bool, Fault> {
    let mut tx = door.begin().await?;
    let Some(owner) = end_in(&mut tx, id, why).await? else { return Ok(false) };
    if owner != *user {
        // Dropped without commit: nothing happened.
        return Ok(false);
    }
    door.commit(ctx, tx).await?;
    Ok(true)
}

/// Ends one session, whosever it is.
pub async fn end(door: &Door, ctx: &Ctx, id: &SessionId, why: &str) -> Result<bool, Fault> {
    let mut tx = door.begin().await?;
    let ended = end_in(&mut tx, id, why).await?.is_some();
    door.commit(ctx, tx).await?;
    Ok(ended)
}

/// Ends all sessions of a user except one; tells how many.
pub async fn end_others(door: &Door, ctx: &Ctx, user: &UserId, current: Option<&SessionId>) -> Result<usize, Fault> {
    let mut tx = door.begin().await?;
    let count = end_all_in(&mut tx, user, current, "ended by its user").await?;
    door.commit(ctx, tx).await?;
    Ok(count)
}

pub(crate) async fn end_in(tx: &mut Tx, id: &SessionId, why: &str) -> Result<Option<UserId>, Fault> {
    let owner = sessions::end(tx, id).await?;
    if let Some(owner) = &owner {
        logout::tell(tx, id).await?;
        note_end(tx, id, owner, why);
    }
    Ok(owner)
}

pub(crate) async fn end_all_in(
    tx: &mut Tx,
    user: &UserId,
    except: Option<&SessionId>,
    why: &str,
) -> Result<usize, Fault> {
    let ended = sessions::end_of_user(tx, user, except).await?;
    for id in &ended {
        logout::tell(tx, id).await?;
        note_end(tx, id, user, why);
    }
    Ok(ended.len())
}

/// Forgets sessions that were over by their own limits at `before`.
pub(crate) async fn forget_over(tx: &mut Tx, before: Timestamp) -> Result<(), Fault> {
    for session in sessions::prune(tx, before).await? {
        tx.changed(Change::Session(session));
    }
    logout::tell_over(tx).await
}

fn note_end(tx: &mut Tx, id: &SessionId, owner: &UserId, why: &str) {
    tx.changed(Change::Session(id.clone()));
    tx.record(Event::new(EventKind::SessionEnded, None, id.to_string(), format!("of {owner}: {why}")));
}
