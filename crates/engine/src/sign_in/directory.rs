//! Signing in with a name and a password that a directory knows. The form is the ordinary one and so are the limits; here
//! it is said which directories are asked and what follows from their answers. Asking is done elsewhere, between these
//! calls and outside of every transaction.

use crate::door::Door;
use crate::federation::sign_in::{self, Browser, Outcome};
use crate::federation::{Connector, ExternalIdentity};
use crate::passwords::HashError;
use crate::sign_in::password;
use crate::sign_in::throttle::{self, Place, Reserved};
use doorward_model::context::Ctx;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::Fault;
use doorward_model::id::{RealmId, SessionId, UserId};
use doorward_model::people::Realm;
use doorward_model::secret::{Password, TokenHash};
use doorward_store::{connectors, users};

/// An attempt that directories are asked about. Its places are reserved: it has to be ended by one of the calls below.
pub struct Asking {
    pub(super) realm_id: RealmId,
    pub(super) directories: Directories,
    /// Whom the typed name belongs to here, if to anybody.
    pub(super) user: Option<UserId>,
    /// The names to look for.
    pub(super) logins: Vec<String>,
    /// The password, unless it was checked against one kept here already: a refusal takes the same time either way.
    pub(super) password: Option<Password>,
    /// Whether a password was compared, here or by a directory: then the attempt was a guess.
    pub(super) was_compared: bool,
    pub(super) reserved: Vec<Reserved>,
    pub(super) remember: bool,
    pub(super) device: Option<TokenHash>,
    pub(super) user_agent: String,
    pub(super) former: Option<SessionId>,
}

/// How somebody is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It was done.
    Told,
    /// Too many people are signing in at this moment.
    Busy,
}

/// Whether a password may be tried for somebody a directory has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    Free,
    /// Too many wrong ones were tried for them under other names: the answer is that of a wrong one.
    SilentlyTaken,
    /// The name belongs to one user here, and what the directory found to another.
    SomebodyElse,
}

/// The directories of a realm, for one attempt.
pub(super) struct Directories {
    /// Those that may know who it is.
    pub(super) theirs: Vec<Connector>,
    /// The others: they are asked too before somebody is refused, and what they find is nobody.
    others: Vec<Connector>,
}

impl Directories {
    /// All of them may know who it is when nobody here has the name, else those the user comes from. A user nobody vouches
    /// for has none, so that the same name there does not lead into the account.
    pub(super) async fn of(door: &Door, user: Option<&UserId>, all: &[Connector]) -> Result<Self, Fault> {
        let all: Vec<Connector> = all.iter().filter(|one| one.settings.kind.ldap().is_some()).cloned().collect();
        let Some(user) = user.filter(|_| !all.is_empty()) else { return Ok(Self { theirs: all, others: Vec::new() }) };
        let links = connectors::links(&mut &door.store, user).await?;
        let is_theirs = |connector: &Connector| links.iter().any(|link| link.connector == connector.id);
        let (theirs, others) = all.into_iter().partition(is_theirs);
        Ok(Self { theirs, others })
    }

    /// Whether the realm has none.
    pub(super) fn is_none(&self) -> bool {
        self.theirs.is_empty() && self.others.is_empty()
    }

    /// The same ones, none of which may say who it is.
    pub(super) fn of_nobody(mut self) -> Self {
        self.others.append(&mut self.theirs);
        self.others.sort_by(|one, other| one.name.cmp(&other.name));
        self
    }
}

impl Asking {
    /// The directories that may know who it is, in the order they are asked.
    pub fn connectors(&self) -> Vec<Connector> {
        self.directories.theirs.clone()
    }

    /// All others, which are asked besides before somebody is refused: while one is away the answer is the same for every
    /// name, and where none is, it takes as long.
    pub fn others(&self) -> Vec<Connector> {
        self.directories.others.clone()
    }

    /// A directory has compared the password with somebody's.
    pub fn was_tried(&mut self) {
        self.was_compared = true;
    }

    /// The names to look for: the next one where a directory has nobody of the one before.
    pub fn logins(&self) -> &[String] {
        &self.logins
    }

    /// A directory has found somebody. Failures count under whoever that is too: other spellings of a name gain nothing.
    pub async fn found(
        &mut self,
        door: &Door,
        ctx: &Ctx,
        (connector, subject): (&Connector, &str),
    ) -> Result<Standing, Fault> {
        let linked = connectors::linked(&mut &door.store, connector.outsider(subject)).await?;
        let (key, device) = match (&self.user, linked) {
            (Some(user), Some(linked)) if *user == linked => return Ok(Standing::Free),
            (Some(_), _) => return Ok(Standing::SomebodyElse),
            (None, Some(linked)) => {
                let known = match &self.device {
                    Some(device) => users::knows_device(&mut &door.store, device, &linked).await?,
                    None => false,
                };
                (linked.to_string(), self.device.as_ref().filter(|_| known))
            }
            (None, None) => (format!("{} {subject}", connector.id), None),
        };
        match throttle::reserve_found(door, ctx, (&self.realm_id, &key), device).await? {
            Place::Free(reserved) => {
                // In the order the places are taken in: the person's own come first.
                self.reserved.insert(0, reserved);
                Ok(Standing::Free)
            }
            Place::Taken { .. } | Place::SilentlyTaken => Ok(Standing::SilentlyTaken),
        }
    }

    /// Nothing proves that the password is right. `why` is for the record.
    pub async fn wrong(self, door: &Door, ctx: &Ctx, why: Option<(&Connector, String)>) -> Result<Refused, Fault> {
        let Some(asking) = self.after_comparing(door, ctx).await? else { return Ok(Refused::Busy) };
        let place = (&asking.realm_id, asking.user.as_ref());
        match (why, &asking.user) {
            (Some(why), _) => refused(door, ctx, place, why).await?,
            (None, user) => {
                let why = match user {
                    None => "no account kept here, and no directory, takes it",
                    Some(_) if asking.reserved.is_empty() => "too many attempts before",
                    Some(_) if asking.was_compared => "wrong password",
                    Some(_) => {
                        "no password was compared: none is kept here, and no directory of theirs found them by what was typed"
                    }
                };
                password::refused(door, ctx, place.0, place.1, why).await?;
            }
        }
        Ok(Refused::Told)
    }

    /// A directory that may know who it is could not be asked, whatever others said. The answer is the same for every name
    /// and password, and a password that was compared was a guess like any other.
    pub async fn unanswered(self, door: &Door, ctx: &Ctx, connector: &Connector) -> Result<Refused, Fault> {
        let Some(asking) = self.after_comparing(door, ctx).await? else { return Ok(Refused::Busy) };
        let mut tx = door.begin().await?;
        throttle::unanswered(&mut tx, &asking.reserved, asking.was_compared).await?;
        // Anybody can come while a directory is away, and the record is kept for good. The log has every one.
        if door.live.refusals.may_record_other(ctx.now) {
            let why = format!("connector {}: the directory cannot be asked", connector.name);
            tx.record(Event::new(EventKind::SignInRefused, Some(&asking.realm_id), String::new(), why));
        }
        door.commit(ctx, tx).await?;
        Ok(Refused::Told)
    }

    /// Does the work of comparing a password, unless it was done; `None` when too many do, and then the attempt was none.
    async fn after_comparing(mut self, door: &Door, ctx: &Ctx) -> Result<Option<Self>, Fault> {
        let Some(password) = self.password.take() else { return Ok(Some(self)) };
        match door.hasher.verify(&self.realm_id, password, None).await {
            Ok(_) => return Ok(Some(self)),
            Err(HashError::Busy) => {}
            Err(HashError::Fault(fault)) => return Err(fault),
        }
        if !self.was_compared {
            for reserved in &self.reserved {
                throttle::give_back(door, ctx, reserved).await?;
            }
        }
        Ok(None)
    }

    /// The password is right, and the directory does not let them in.
    pub async fn barred(self, door: &Door, ctx: &Ctx, (connector, why): (&Connector, String)) -> Result<(), Fault> {
        self.was_no_guess(door, ctx).await?;
        refused(door, ctx, (&self.realm_id, self.user.as_ref()), (connector, why)).await
    }

    /// The directory has proved who it is: what every other provider's word leads to follows.
    pub async fn proved(
        mut self,
        door: &Door,
        ctx: &Ctx,
        (realm, connector): (&Realm, &Connector),
        (identity, browser): (&ExternalIdentity, &TokenHash),
    ) -> Result<Outcome, Fault> {
        let reserved = self.reserved.clone();
        let former = self.former.take();
        let (user_agent, remember) = (self.user_agent.as_str(), self.remember);
        let browser = Browser { hash: browser, user_agent, former, remember, reserved };
        let outcome = sign_in::sign_in(door, ctx, (realm, connector), identity, browser).await?;
        if !matches!(outcome, Outcome::Opened(_)) {
            self.was_no_guess(door, ctx).await?;
        }
        Ok(outcome)
    }

    async fn was_no_guess(&self, door: &Door, ctx: &Ctx) -> Result<(), Fault> {
        let mut tx = door.begin().await?;
        for reserved in &self.reserved {
            throttle::succeeded(&mut tx, reserved).await?;
        }
        door.commit(ctx, tx).await
    }
}

async fn refused(
    door: &Door,
    ctx: &Ctx,
    (realm, user): (&RealmId, Option<&UserId>),
    (connector, why): (&Connector, String),
) -> Result<(), Fault> {
    // Neither what was typed nor what the directory wrote stands in the record.
    let subject = user.map(UserId::to_string).unwrap_or_default();
    let mut tx = door.begin().await?;
    tx.record(Event::new(
        EventKind::SignInRefused,
        Some(realm),
        subject,
        format!("connector {}: {why}", connector.name),
    ));
    door.commit(ctx, tx).await
}
