//! Asking a provider again for people who came in through it: whoever it does not vouch for any longer is out within
//! the connector's interval, and what it says of groups now counts from then on. Dials nobody: a task of the binary
//! asks, and says here what came of it.

use crate::door::Door;
use crate::federation::groups::map;
use crate::federation::kept::Kept;
use crate::federation::settings::Refresh;
use crate::federation::sign_in::put_groups;
use crate::federation::{Connector, ExternalIdentity, logout};
use crate::limits;
use doorward_model::context::Ctx;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::Fault;
use doorward_model::id::{ConnectorId, SessionId};
use doorward_model::time::Timestamp;
use doorward_store::connectors;
use doorward_store::origins::{self, Claimed, Keeping};
use doorward_store::{realms, users};

/// A session whose provider is to be asked again.
pub struct Due {
    /// The provider.
    pub connector: Connector,
    /// What it gave last time.
    pub kept: Kept,
    /// What it calls the person.
    pub subject: String,
    rhythm: Refresh,
    claimed: Claimed,
}

impl Due {
    /// The session.
    pub fn session(&self) -> &SessionId {
        &self.claimed.session
    }

    /// Until when the session may go on without an answer.
    fn deadline(&self) -> Timestamp {
        let seconds = i64::from(self.rhythm.every_seconds) + i64::from(self.rhythm.continue_seconds);
        self.claimed.vouched_at.plus_seconds(seconds)
    }
}

/// What a provider answered.
pub enum Answer {
    /// It vouches for this person, and says this of them now.
    Vouched(Box<ExternalIdentity>),
    /// It does not vouch for them any longer.
    Refused,
    /// It could not be asked, or what it said proves nothing.
    Unanswered,
}

/// Connectors at which somebody is to be asked for. Each is worked off by itself, so that one that hangs delays no other.
pub async fn waiting(door: &Door, ctx: &Ctx) -> Result<Vec<ConnectorId>, Fault> {
    origins::due(&mut &door.store, ctx.now).await
}

/// Claims the next session of a connector that is due; `None` when there is none.
pub async fn claim(door: &Door, ctx: &Ctx, connector: &ConnectorId) -> Result<Option<Due>, Fault> {
    let mut tx = door.begin().await?;
    let lease = ctx.now.plus_seconds(limits::REFRESH_LEASE_SECONDS);
    let Some(claimed) = origins::claim(&mut tx, connector, (ctx.now, lease)).await? else { return Ok(None) };
    let row = connectors::find_by_id(&mut tx, connector).await?;
    let connector = row.map(Connector::read).transpose()?;
    let rhythm = connector.as_ref().and_then(|connector| connector.settings.kind.refresh());
    let (Some(connector), Some(rhythm)) = (connector, rhythm) else {
        // It asks no more.
        origins::stop(&mut tx, &claimed.session, lease).await?;
        door.commit(ctx, tx).await?;
        return Ok(None);
    };
    door.commit(ctx, tx).await?;
    let kept = Kept::open(door, &claimed.session, claimed.sealed.as_deref());
    Ok(Some(Due { connector, kept, subject: claimed.subject.clone(), rhythm, claimed }))
}

/// Makes true what follows from a provider's answer.
pub async fn answered(door: &Door, ctx: &Ctx, due: &Due, answer: Answer) -> Result<(), Fault> {
    match answer {
        Answer::Vouched(identity) => vouched(door, ctx, due, &identity).await,
        Answer::Refused => end(door, ctx, due, "its provider vouches for the person no longer").await,
        Answer::Unanswered => unanswered(door, ctx, due).await,
    }
}

async fn vouched(door: &Door, ctx: &Ctx, due: &Due, identity: &ExternalIdentity) -> Result<(), Fault> {
    if identity.subject != due.subject {
        return end(door, ctx, due, "its provider vouches for somebody else").await;
    }
    let mut tx = door.begin().await?;
    connectors::hold(&mut tx, &due.connector.id).await?;
    // As it is now: what changed it in earnest, or disabled it, has ended the session.
    let connector = connectors::find_by_id(&mut tx, &due.connector.id).await?.map(Connector::read).transpose()?;
    let Some(connector) = connector.filter(|connector| connector.is_active) else { return Ok(()) };
    let Some(user) = connectors::linked(&mut tx, connector.outsider(&due.subject)).await? else { return Ok(()) };
    users::hold(&mut tx, &user).await?;
    let realm = realms::find_by_id(&mut tx, &connector.realm_id).await?;
    let (Some(user), Some(realm)) = (users::find(&mut tx, &user).await?, realm) else { return Ok(()) };
    match identity.groups.as_deref().map(|said| map(&connector.settings.groups, said)) {
        Some(Ok(mapped)) => put_groups(door, &mut tx, (&realm, &connector), &user, &mapped).await?,
        Some(Err(_)) => {
            drop(tx);
            return end(door, ctx, due, "its provider says more groups than anybody can be in").await;
        }
        None => {}
    }
    let sealed = identity.kept.closed(door, due.session())?;
    let refresh_at = Some(ctx.now.plus_seconds(i64::from(due.rhythm.every_seconds)));
    let keeping = Keeping { sealed: sealed.as_deref(), refresh_at, vouched_at: ctx.now };
    // Ended or asked for by another node meanwhile: then theirs is the last word, and nothing of this happened.
    if origins::keep(&mut tx, due.session(), keeping, due.claimed.lease).await? {
        door.commit(ctx, tx).await?;
    }
    Ok(())
}

async fn unanswered(door: &Door, ctx: &Ctx, due: &Due) -> Result<(), Fault> {
    let deadline = due.deadline();
    if ctx.now >= deadline {
        return end(door, ctx, due, "its provider could not be asked for too long").await;
    }
    let pause = i64::from(due.rhythm.every_seconds).min(limits::REFRESH_PAUSE_SECONDS);
    let mut tx = door.begin().await?;
    if !origins::put_off(&mut tx, due.session(), ctx.now.plus_seconds(pause).min(deadline), due.claimed.lease).await? {
        return Ok(());
    }
    // Once for each outage; its end is seen in what follows.
    if due.claimed.failures == 0 {
        let detail =
            format!("connector {}: it cannot be asked; until {} at most", due.connector.name, deadline.rfc3339());
        let (kind, realm) = (EventKind::SessionContinued, Some(&due.connector.realm_id));
        tx.record(Event::new(kind, realm, due.session().to_string(), detail));
    }
    door.commit(ctx, tx).await
}

async fn end(door: &Door, ctx: &Ctx, due: &Due, why: &str) -> Result<(), Fault> {
    let mut tx = door.begin().await?;
    // What another node has found out meanwhile counts more.
    if origins::is_claimed(&mut tx, due.session(), due.claimed.lease).await? {
        logout::end(&mut tx, due.session(), why).await?;
        door.commit(ctx, tx).await?;
    }
    Ok(())
}
