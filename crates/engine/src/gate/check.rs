//! A gate check: who holds this credential, and may they enter? No write, and no read when the
//! credential is known; when the database is gone, known credentials pass for a bounded time.

use crate::denials;
use crate::door::Door;
use crate::gate::decide::{Refusal, Verdict, Visitor, decide};
use crate::live::apps::Place;
use crate::live::people::{LivePass, LiveToken};
use doorward_model::address::HostName;
use doorward_model::context::Ctx;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::{Fault, FaultKind};
use doorward_model::path::RequestPath;
use doorward_model::secret::TokenHash;
use doorward_model::time::Timestamp;
use std::sync::Arc;

/// What the visitor showed. Only shapes are checked so far.
#[derive(Clone, Copy)]
pub enum Credential {
    /// Nothing, or nothing of ours.
    None,
    /// A pass cookie of this host.
    Pass(TokenHash),
    /// A pass cookie of the parent domain.
    SharedPass(TokenHash),
    /// A service token in a bearer header.
    Service(TokenHash),
    /// A bearer header that claims to be ours and is not well formed.
    Malformed,
}

/// The credential's holder.
pub enum Holder {
    /// Nobody.
    Nobody,
    /// A person with a live pass.
    Person(Arc<LivePass>),
    /// A program: a machine of its own, or one that stands for a person.
    Machine(Arc<LiveToken>),
}

/// A verdict with what it was made of.
pub struct Checked {
    /// The answer.
    pub verdict: Verdict,
    /// Who it is about.
    pub holder: Holder,
}

/// Checks at a place. The fast half needs no database; it answers `None` when the credential is not in
/// memory.
pub fn check_known(
    door: &Door,
    now: Timestamp,
    place: &Place,
    path: &RequestPath,
    credential: Credential,
) -> Result<Option<Checked>, Fault> {
    let holder = match credential {
        Credential::None | Credential::Malformed => Holder::Nobody,
        Credential::Pass(hash) | Credential::SharedPass(hash) => match door.live.find_pass(&hash) {
            Some(pass) if pass.session.is_live(now) => Holder::Person(pass),
            // Over by this node's own reckoning: another node may have seen it later.
            Some(_) | None => return Ok(None),
        },
        Credential::Service(hash) => match door.live.find_token(&hash) {
            Some(token) => Holder::Machine(token),
            None => return Ok(None),
        },
    };
    if !matches!(holder, Holder::Nobody) {
        refuse_when_out_of_step(door, now)?;
    }
    Ok(Some(judge(door, now, place, path, credential, holder)))
}

/// Checks at a place, asking the database when the credential is not in memory.
pub async fn check(
    door: &Door,
    now: Timestamp,
    place: &Place,
    path: &RequestPath,
    credential: Credential,
) -> Result<Checked, Fault> {
    if let Some(checked) = check_known(door, now, place, path, credential)? {
        return Ok(checked);
    }
    let holder = match credential {
        Credential::None | Credential::Malformed => Holder::Nobody,
        Credential::Pass(hash) | Credential::SharedPass(hash) => match door.live.load_pass(&door.store, &hash).await? {
            Some(pass) if pass.session.is_live(now) => Holder::Person(pass),
            Some(_) | None => Holder::Nobody,
        },
        Credential::Service(hash) => match door.live.load_token(&door.store, &hash).await? {
            Some(token) => Holder::Machine(token),
            None => Holder::Nobody,
        },
    };
    Ok(judge(door, now, place, path, credential, holder))
}

/// Whether nothing a holder rests on has changed since it was judged.
pub fn is_current(holder: &Holder, now: Timestamp) -> bool {
    match holder {
        Holder::Nobody => true,
        Holder::Person(pass) => pass.is_current() && pass.session.is_live(now),
        Holder::Machine(token) => token.is_current(now),
    }
}

/// Judges a holder anew, by what is true now.
pub async fn again(
    door: &Door,
    now: Timestamp,
    place: &Place,
    path: &RequestPath,
    holder: Holder,
) -> Result<Checked, Fault> {
    refuse_when_out_of_step(door, now)?;
    let fresh = match &holder {
        Holder::Nobody => Holder::Nobody,
        Holder::Person(pass) => match door.live.reload(&door.store, pass).await? {
            Some(pass) if pass.session.is_live(now) => Holder::Person(pass),
            Some(_) | None => Holder::Nobody,
        },
        Holder::Machine(token) if token.is_current(now) => holder,
        Holder::Machine(_) => Holder::Nobody,
    };
    let verdict = decide(now, &place.app, Some(path), visitor(&fresh));
    Ok(Checked { verdict, holder: fresh })
}

fn visitor(holder: &Holder) -> Option<Visitor<'_>> {
    match holder {
        Holder::Nobody => None,
        Holder::Person(pass) => {
            let person = &pass.session.person;
            Some(Visitor::Person { user: &person.user, groups: &person.groups, came: pass.session.came_by() })
        }
        Holder::Machine(live) => Some(match &live.owner {
            Some((user, groups)) => Visitor::Program { token: &live.token, user, groups },
            None => Visitor::Machine(&live.token),
        }),
    }
}

fn judge(
    door: &Door,
    now: Timestamp,
    place: &Place,
    path: &RequestPath,
    credential: Credential,
    holder: Holder,
) -> Checked {
    let holder = match holder {
        Holder::Person(pass) if !fits(door, &pass, place, credential) => Holder::Nobody,
        // Told apart from nobody, whoever is known elsewhere would be named to the app at its public paths.
        known if !is_of_realm(&known, place) => Holder::Nobody,
        other => other,
    };
    if let Holder::Person(pass) = &holder {
        door.live.saw(&pass.session, now);
    }
    let verdict = decide(now, &place.app, Some(path), visitor(&holder));
    // A machine whose token is over is nobody: it gets 401, not a page about groups.
    let holder = if verdict == Verdict::Refused(Refusal::TokenExpired) { Holder::Nobody } else { holder };
    Checked { verdict, holder }
}

/// Whether a holder is of the place's realm: what another realm gave is nothing here, as if it were made up.
fn is_of_realm(holder: &Holder, place: &Place) -> bool {
    let realm = match holder {
        Holder::Nobody => return true,
        Holder::Person(pass) => &pass.session.person.user.realm_id,
        Holder::Machine(live) => &live.token.realm_id,
    };
    *realm == place.app.realm_id
}

/// Whether a pass was issued for this place: a pass stolen from one app opens no other.
pub fn fits(door: &Door, pass: &LivePass, place: &Place, credential: Credential) -> bool {
    match (credential, &pass.app_id) {
        (Credential::Pass(_), Some(app)) => *app == place.app.id && *pass.host == *place.address.host().as_str(),
        (Credential::SharedPass(_), None) => door
            .settings
            .shared_domain
            .as_ref()
            .is_some_and(|domain| *pass.host == *domain.as_str() && place.address.host().is_within(domain)),
        _ => false,
    }
}

/// When the feed could not be read for longer than the grace period, what is in memory may be revoked.
pub fn refuse_when_out_of_step(door: &Door, now: Timestamp) -> Result<(), Fault> {
    let behind = now.millis_since(door.live.synced_at());
    // Polls are far apart compared with a millisecond: a node in step is up to some seconds old.
    let allowed = door.settings.database_grace_seconds.saturating_mul(1000).max(OUT_OF_STEP_MILLISECONDS);
    if behind <= allowed {
        return Ok(());
    }
    let doing = format!("the change feed was last read {behind} ms ago, longer than the grace period");
    Err(Fault::new(FaultKind::Unavailable, "checking at the gate", doing))
}

/// How old the last look at the feed may be while the database answers, in milliseconds.
const OUT_OF_STEP_MILLISECONDS: i64 = 5000;

/// Says in the log that someone was refused, and records it: sampled, because a dashboard retries every second.
pub async fn record_denial(
    door: &Door,
    ctx: &Ctx,
    place: &Place,
    host: &HostName,
    checked: &Checked,
) -> Result<(), Fault> {
    let (key, name, subject) = match &checked.holder {
        Holder::Nobody => return Ok(()),
        Holder::Person(pass) => {
            let user = &pass.session.person.user;
            (pass.session.id.to_string(), format!("user {}", user.name), user.id.to_string())
        }
        Holder::Machine(live) => {
            let subject =
                live.owner.as_ref().map_or_else(|| live.token.id.to_string(), |(user, _)| user.id.to_string());
            (live.token.id.to_string(), format!("token {}", live.token.name), subject)
        }
    };
    let apps = door.live.apps();
    let verdict = checked.verdict.words(|id| apps.group_name(id).map(ToString::to_string));
    let detail = format!("{name} at app {} ({host}) {verdict}", place.app.slug);
    let event = Event::new(EventKind::GateDenied, Some(&place.app.realm_id), subject, detail);
    denials::note(door, ctx, (&key, place.app.id.as_str()), event).await
}
