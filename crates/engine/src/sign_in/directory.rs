//! Signing in with a name and a password that a directory knows. The form is the ordinary one and so are the limits; here
//! it is said which directories are asked and what follows from their answers. Asking is done elsewhere, between these
//! calls and outside of every transaction.

use crate::door::Door;
use crate::federation::sign_in::{self, Browser, Outcome};
use crate::federation::{Connector, ExternalIdentity};
use crate::passwords::HashError;
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
    pub(super) connectors: Vec<Connector>,
    /// Whom the typed name belongs to here, if to anybody.
    pub(super) user: Option<UserId>,
    pub(super) login: String,
    /// The password, unless it was checked against one kept here already: a refusal takes the same time either way.
    pub(super) password: Option<Password>,
    pub(super) reserved: Vec<Reserved>,
    pub(super) remember: bool,
    pub(super) device: Option<TokenHash>,
    pub(super) user_agent: String,
    pub(super) former: Option<SessionId>,
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

/// The directories to ask about somebody: all of them when nobody here has the name, else those the user comes from. A user
/// nobody vouches for is never looked for elsewhere, so that the same name there does not lead into the account.
pub(super) async fn whom_to_ask(
    door: &Door,
    user: Option<&UserId>,
    all: &[Connector],
) -> Result<Vec<Connector>, Fault> {
    let directories: Vec<Connector> =
        all.iter().filter(|connector| connector.settings.kind.ldap().is_some()).cloned().collect();
    let Some(user) = user.filter(|_| !directories.is_empty()) else { return Ok(directories) };
    let links = connectors::links(&mut &door.store, user).await?;
    let is_theirs = |connector: &Connector| links.iter().any(|link| link.connector == connector.id);
    Ok(directories.into_iter().filter(is_theirs).collect())
}

impl Asking {
    /// The directories, in the order they are asked.
    pub fn connectors(&self) -> Vec<Connector> {
        self.connectors.clone()
    }

    /// The name to look for.
    pub fn login(&self) -> &str {
        &self.login
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
    pub async fn wrong(self, door: &Door, ctx: &Ctx, why: Option<(&Connector, String)>) -> Result<(), Fault> {
        if let Some(password) = self.password {
            match door.hasher.verify(password, None).await {
                Ok(_) | Err(HashError::Busy) => {}
                Err(HashError::Fault(fault)) => return Err(fault),
            }
        }
        refused(door, ctx, &self.realm_id, why).await
    }

    /// Nobody could be asked: the attempt was none, unless a password kept here was compared already. Then it was a guess
    /// like any other, or guessing at that one would be free while the directory is away.
    pub async fn unanswered(self, door: &Door, ctx: &Ctx, connector: &Connector) -> Result<(), Fault> {
        if self.password.is_some() {
            for reserved in &self.reserved {
                throttle::give_back(door, ctx, reserved).await?;
            }
        }
        let realm = &self.realm_id;
        // Anybody can come while a directory is away, and each entry is a durable write. The log has every one.
        if !door.live.refusals.may_record_other(ctx.now) {
            return Ok(());
        }
        refused(door, ctx, realm, Some((connector, "the directory does not answer".to_owned()))).await
    }

    /// The password is right, and the directory does not let them in.
    pub async fn barred(self, door: &Door, ctx: &Ctx, (connector, why): (&Connector, String)) -> Result<(), Fault> {
        self.was_no_guess(door, ctx).await?;
        refused(door, ctx, &self.realm_id, Some((connector, why))).await
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

async fn refused(door: &Door, ctx: &Ctx, realm: &RealmId, why: Option<(&Connector, String)>) -> Result<(), Fault> {
    // Neither what was typed nor what the directory wrote stands in the record.
    let detail = why.map(|(connector, why)| format!("connector {}: {why}", connector.name)).unwrap_or_default();
    let mut tx = door.begin().await?;
    tx.record(Event::new(EventKind::SignInRefused, Some(realm), String::new(), detail));
    door.commit(ctx, tx).await
}
