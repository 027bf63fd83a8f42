//! Signing out together with a provider: what it says of people who signed out there (Back-Channel Logout 1.0 §2.7),
//! and what it takes to tell it that somebody signs out here (RP-Initiated Logout 1.0).

use crate::door::Door;
use crate::federation::Connector;
use crate::federation::kept::Kept;
use crate::sessions;
use aws_lc_rs::digest::{SHA256, digest};
use doorward_model::context::Ctx;
use doorward_model::fault::Fault;
use doorward_model::id::SessionId;
use doorward_model::session::Session;
use doorward_model::time::Timestamp;
use doorward_store::connectors::{self, Outsider};
use doorward_store::grants;
use doorward_store::origins::{self, LogoutToken};
use doorward_store::tx::Tx;

/// A provider's proved word that somebody signed out there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// What the provider calls them.
    pub subject: Option<String>,
    /// What it calls the session that ended; all of theirs when absent.
    pub session: Option<String>,
    /// What tells this word from any other.
    pub token_id: String,
    /// When it was given.
    pub told_at: Timestamp,
    /// Until when it could be shown again.
    pub until: Timestamp,
}

/// What came of such a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// So many sessions ended; none is as good as some (§2.8): they were over already.
    Ended(usize),
    /// It was heard before.
    Before,
}

/// Ends what rests on somebody's being signed in at a provider. In one transaction with the note that the word was
/// heard: it is heard once, and never half.
pub async fn heard(door: &Door, ctx: &Ctx, connector: &Connector, word: &Word) -> Result<Heard, Fault> {
    let mut tx = door.begin().await?;
    // Whoever is signing in holds this row: they are seen here, or see the word.
    connectors::hold(&mut tx, &connector.id).await?;
    let hash = digest(&SHA256, word.token_id.as_bytes());
    let token = LogoutToken {
        hash: hash.as_ref(),
        subject: word.subject.as_deref(),
        sid: word.session.as_deref(),
        told_at: word.told_at,
        // Longer than anybody may be on the way in with what the provider said before.
        until: word.until.max(ctx.now.plus_seconds(crate::limits::PROVIDER_SECONDS)),
    };
    if !origins::hear(&mut tx, &connector.id, &token).await? {
        return Ok(Heard::Before);
    }
    let subject = word.subject.as_deref();
    let begun = match (&word.session, subject) {
        (Some(sid), _) => origins::of_sid(&mut tx, &connector.id, sid, subject).await?,
        (None, Some(subject)) => connectors::begun_by(&mut tx, connector.outsider(subject)).await?,
        (None, None) => Vec::new(),
    };
    for session in &begun {
        end(&mut tx, session, "signed out at its provider").await?;
    }
    if let (None, Some(subject)) = (&word.session, subject) {
        end_offline(&mut tx, connector.outsider(subject)).await?;
    }
    door.commit(ctx, tx).await?;
    Ok(Heard::Ended(begun.len()))
}

/// Ends a session that rests on a provider's word, and the offline tokens that came from it.
pub(crate) async fn end(tx: &mut Tx, session: &SessionId, why: &str) -> Result<(), Fault> {
    sessions::end_in(tx, session, why).await?;
    grants::end_offline_begun_in(tx, session).await.map(drop)
}

/// Offline tokens of sessions that are over rest on the same word.
async fn end_offline(tx: &mut Tx, who: Outsider<'_>) -> Result<(), Fault> {
    let Some(user) = connectors::linked(tx, who).await? else { return Ok(()) };
    grants::end_offline_begun_at(tx, &user, who.connector).await.map(drop)
}

/// What it takes to sign somebody out at the provider their session began at.
pub struct Leaving {
    /// The provider.
    pub connector: Connector,
    /// What it gave when they came.
    pub kept: Kept,
}

/// Whether somebody who signs out here is to be taken to their provider too. Asked before the session ends: afterwards
/// nobody knows.
pub async fn leaving(door: &Door, session: &Session) -> Result<Option<Leaving>, Fault> {
    let Some(id) = &session.connector else { return Ok(None) };
    let Some(row) = connectors::find_by_id(&mut &door.store, id).await? else { return Ok(None) };
    let connector = Connector::read(row)?;
    if !connector.is_active || !connector.settings.kind.signs_out() {
        return Ok(None);
    }
    let sealed = origins::kept(&mut &door.store, &session.id).await?;
    Ok(Some(Leaving { connector, kept: Kept::open(door, &session.id, sealed.as_deref()) }))
}
