//! Signing in with user name or e-mail address and password. Every refusal before the password is
//! known to be right looks and costs the same.

use crate::door::Door;
use crate::federation::Connector;
use crate::federation::pending::Pending;
use crate::limits;
use crate::live::realms::sign_in_rules;
use crate::passwords::HashError;
use crate::sign_in::directory::{Asking, Directories};
use crate::sign_in::throttle::{self, Account, Asked, Place, Reserved};
use crate::token::Profile;
use aws_lc_rs::digest::{SHA256, digest};
use doorward_model::context::Ctx;
use doorward_model::event::{Actor, Event, EventKind};
use doorward_model::fault::Fault;
use doorward_model::id::{ConnectorId, RealmId, SessionId, UserId};
use doorward_model::name::{EmailAddress, UserName, is_unprintable};
use doorward_model::people::User;
use doorward_model::secret::{Password, PlainToken, TokenHash, TokenKind};
use doorward_model::session::Session;
use doorward_model::time::Timestamp;
use doorward_store::tx::Tx;
use doorward_store::users::Candidate;
use doorward_store::{sessions, users};

/// One attempt as it came from the form.
pub struct Attempt<'a> {
    /// The realm.
    pub realm_id: &'a RealmId,
    /// User name or e-mail address, as typed.
    pub login: &'a str,
    /// The password, as typed.
    pub password: Password,
    /// "Keep me signed in".
    pub remember: bool,
    /// The browser's device cookie, if it has one.
    pub device: Option<TokenHash>,
    /// The browser's description of itself.
    pub user_agent: &'a str,
    /// The session the browser had before; it ends.
    pub former: Option<SessionId>,
    /// Somebody an identity provider vouches for, who is linked if this is the user in their way.
    pub pending: Option<Pending>,
    /// The realm's connectors: a directory among them may know who it is.
    pub connectors: &'a [Connector],
    /// Whether passwords kept here count where this leads.
    pub takes_accounts: bool,
}

/// A fresh session and the credentials for the browser.
pub struct Opened {
    /// For the session cookie.
    pub session: PlainToken,
    /// For the device cookie.
    pub device: PlainToken,
    /// The session.
    pub kept: Session,
    /// Who signed in.
    pub user: User,
}

/// Who showed the right password, which is temporary.
pub struct Proved {
    /// The user.
    pub(super) user: User,
    /// What is stored of the password.
    pub(super) hash: String,
}

/// How an attempt ended.
pub enum Outcome {
    /// Signed in.
    Opened(Box<Opened>),
    /// Unknown user or wrong password: which one is not told.
    Wrong,
    /// The password is right and the user is disabled.
    Disabled,
    /// The password is right and temporary: another one has to be chosen first. No session began.
    MustChange(Box<Proved>),
    /// Too many failures before.
    Throttled {
        /// When to try again.
        until: Timestamp,
    },
    /// Too many people are signing in at this moment.
    Busy,
    /// No password kept here is right: a directory is to be asked.
    Elsewhere(Box<Asking>),
}

/// Tries to sign in.
pub async fn sign_in(door: &Door, ctx: &Ctx, attempt: Attempt<'_>) -> Result<Outcome, Fault> {
    let (user, stored, profile) = match find_candidate(door, attempt.realm_id, attempt.login).await? {
        Some(Candidate { user, password, profile }) => (Some(user), password, profile),
        None => (None, None, String::new()),
    };
    // Somebody unknown costs what somebody known does.
    let id = user.as_ref().map_or_else(|| UserId::draw(&*door.dice), |user| user.id.clone());
    let typed = canonical(attempt.login);
    let profile = Profile::read(&id, &profile)?;
    let (rule, _) = sign_in_rules(door, ctx.now, &mut &door.store, attempt.realm_id).await?;
    // Whose password does not count has none, in every way that can be seen.
    let stored = stored.filter(|_| attempt.takes_accounts && rule.takes(profile.break_glass));
    let directories = Directories::of(door, user.as_ref().map(|user| &user.id), attempt.connectors).await?;
    let device = known_device(door, &id, attempt.device).await?;
    let (realm, is_known) = (attempt.realm_id, user.is_some());
    let account = Account { realm, typed: &typed, user: &id, is_known, device: device.as_ref() };
    let asked = Asked::of(ctx, &account);
    let Attempt { realm_id, password, remember, user_agent, former, pending, .. } = attempt;
    let elsewhere = |directories, password, (reserved, was_compared): (Option<Reserved>, bool)| {
        Outcome::Elsewhere(Box::new(Asking {
            realm_id: realm_id.clone(),
            directories,
            user: user.as_ref().map(|user| user.id.clone()),
            logins: logins(attempt.login.trim(), user.as_ref()),
            password,
            was_compared,
            reserved: reserved.into_iter().collect(),
            remember,
            device: attempt.device,
            user_agent: user_agent.to_owned(),
            former: former.clone(),
        }))
    };
    let goes_elsewhere = stored.is_none() && !directories.theirs.is_empty();
    let hash = stored.as_ref().map(|stored| stored.hash.as_str());
    let (reserved, verified) = match checked(door, ctx, asked, (password, hash, goes_elsewhere)).await? {
        Tried::Here(reserved, verified) => (reserved, verified),
        Tried::Elsewhere(reserved, password) => {
            return Ok(elsewhere(directories, Some(password), (Some(reserved), false)));
        }
        Tried::Throttled { until } => return Ok(Outcome::Throttled { until }),
    };
    let right = match verified {
        Ok(right) => right && reserved.is_some(),
        Err(error) => {
            if let Some(reserved) = &reserved {
                throttle::give_back(door, ctx, reserved).await?;
            }
            return match error {
                HashError::Busy => Ok(Outcome::Busy),
                HashError::Fault(fault) => Err(fault),
            };
        }
    };
    // The password kept here is another one; the one at the directory may be right. Nobody's is, where no place was left,
    // and nobody can tell, for directories are asked about everybody who is refused.
    if !right && !directories.is_none() {
        let directories = if reserved.is_some() { directories } else { directories.of_nobody() };
        let was_compared = stored.is_some() && reserved.is_some();
        return Ok(elsewhere(directories, None, (reserved, was_compared)));
    }
    let (had_place, known) = (reserved.is_some(), user.as_ref().map(|user| user.id.clone()));
    let proved = user.filter(|_| right).zip(stored).zip(reserved);
    let Some(((user, stored), reserved)) = proved else {
        let why = match (&known, had_place) {
            (None, _) => "nobody has the name or address that was typed",
            (Some(_), true) => "wrong password",
            (Some(_), false) => "too many attempts before",
        };
        refused(door, ctx, realm_id, known.as_ref(), why).await?;
        return Ok(Outcome::Wrong);
    };
    if !user.is_active {
        refused(door, ctx, realm_id, Some(&user.id), "is disabled; the password was right").await?;
        return Ok(Outcome::Disabled);
    }
    if stored.is_temporary {
        // It was no guess, so it does not count as one.
        let mut tx = door.begin().await?;
        throttle::succeeded(&mut tx, &reserved).await?;
        door.commit(ctx, tx).await?;
        return Ok(Outcome::MustChange(Box::new(Proved { user, hash: stored.hash })));
    }
    let pending = pending.filter(|pending| pending.is_about(&user));
    let closing = Closing { former, reserved, hash: stored.hash, pending, is_break_glass: profile.break_glass };
    open_session(door, ctx, user, (remember, user_agent), closing).await
}

/// What came of trying a password.
enum Tried {
    /// It was compared, or the same work was done for nothing; what came of it counts only with a place.
    Here(Option<Reserved>, Result<bool, HashError>),
    /// There is a place for it, and no password is kept here to compare it with.
    Elsewhere(Reserved, Password),
    /// Too many were tried before.
    Throttled { until: Timestamp },
}

/// Compares a password with the one that is kept, if there is a place for that.
async fn checked(
    door: &Door,
    ctx: &Ctx,
    asked: Asked<'_>,
    (password, hash, goes_elsewhere): (Password, Option<&str>, bool),
) -> Result<Tried, Fault> {
    let realm = asked.realm();
    let verify = |password, hash| door.hasher.verify(realm, password, hash);
    let full = asked.full(door, ctx).await?;
    // The work begins first, and the place is written down while it is done. Not when many come at once: then those for whom
    // there is no place must not cost the others theirs at the work.
    if full.is_none() && !goes_elsewhere && door.hasher.is_free() {
        let (verified, place) = tokio::join!(verify(password, hash), asked.take(door, ctx));
        return Ok(match place? {
            Place::Free(reserved) => Tried::Here(Some(reserved), verified),
            Place::SilentlyTaken => Tried::Here(None, verified),
            Place::Taken { until } => Tried::Throttled { until },
        });
    }
    let place = match full {
        Some(full) => full,
        None => asked.take(door, ctx).await?,
    };
    Ok(match place {
        Place::Free(reserved) if goes_elsewhere => Tried::Elsewhere(reserved, password),
        Place::Free(reserved) => Tried::Here(Some(reserved), verify(password, hash).await),
        // No real password is compared; the same work is done, so that nobody can tell.
        Place::SilentlyTaken => Tried::Here(None, verify(password, None).await),
        Place::Taken { until } => Tried::Throttled { until },
    })
}

/// What ends or is given back when a session opens, and the password it rests on.
struct Closing {
    former: Option<SessionId>,
    reserved: Reserved,
    hash: String,
    pending: Option<Pending>,
    is_break_glass: bool,
}

async fn open_session(
    door: &Door,
    ctx: &Ctx,
    user: User,
    (remember, user_agent): (bool, &str),
    closing: Closing,
) -> Result<Outcome, Fault> {
    let mut tx = door.begin().await?;
    let connector = match &closing.pending {
        Some(pending) => pending.hold(ctx, &mut tx).await?,
        None => None,
    };
    // Checking takes its time: a password that was replaced meanwhile, or a user disabled, opens nothing.
    if !users::hold_password(&mut tx, &user.id, &closing.hash).await? {
        drop(tx);
        refused(door, ctx, &user.realm_id, Some(&user.id), "the password was replaced meanwhile").await?;
        return Ok(Outcome::Wrong);
    }
    throttle::succeeded(&mut tx, &closing.reserved).await?;
    if let Some(former) = &closing.former {
        crate::sessions::end_in(&mut tx, former, "signed in again").await?;
    }
    let ctx = &Ctx { actor: Actor::User(user.id.clone()), ..ctx.clone() };
    let mut linked = None;
    if let (Some(pending), Some(connector)) = (&closing.pending, &connector)
        && pending.link(door, ctx, &mut tx, (connector, &user)).await?
    {
        linked = Some((pending, connector));
    }
    let begin = Begin {
        remember,
        user_agent,
        connector: linked.map(|(_, connector)| connector.id.clone()),
        through: linked.and_then(|(pending, _)| pending.through()),
        until: linked.and_then(|(pending, _)| pending.until()),
    };
    if closing.is_break_glass {
        broke_glass(ctx, &mut tx, &user);
    }
    let opened = begin_session(door, ctx, &mut tx, user, begin).await?;
    if let Some((pending, connector)) = linked {
        pending.begun(door, ctx, &mut tx, (connector, &opened.kept.id)).await?;
    }
    door.commit(ctx, tx).await?;
    Ok(Outcome::Opened(Box::new(opened)))
}

/// Says aloud that a password kept for emergencies was used.
pub(super) fn broke_glass(ctx: &Ctx, tx: &mut Tx, user: &User) {
    tracing::warn!(request = %ctx.request, user = %user.name, "a password kept for emergencies was used to sign in");
    let detail = format!("user {}", user.name);
    tx.record(Event::new(EventKind::BreakGlassUsed, Some(&user.realm_id), user.id.to_string(), detail));
}

/// How a session begins.
#[derive(Default)]
pub(crate) struct Begin<'a> {
    /// "Keep me signed in".
    pub(crate) remember: bool,
    /// The browser's description of itself.
    pub(crate) user_agent: &'a str,
    /// The connector the person came through.
    pub(crate) connector: Option<ConnectorId>,
    /// The connector that proved who they are, where that is another one.
    pub(crate) through: Option<ConnectorId>,
    /// When it is over at the latest, if somebody else says so.
    pub(crate) until: Option<Timestamp>,
}

/// Opens a session for a user who has proved who they are: the only place sessions come from.
pub(crate) async fn begin_session(
    door: &Door,
    ctx: &Ctx,
    tx: &mut Tx,
    user: User,
    Begin { remember, user_agent, connector, through, until }: Begin<'_>,
) -> Result<Opened, Fault> {
    let (_, lives) = sign_in_rules(door, ctx.now, tx, &user.realm_id).await?;
    let lifetimes = lives.or(door.settings.sessions);
    let (idle_seconds, lifetime_seconds) = if remember {
        (lifetimes.remembered_idle_seconds, lifetimes.remembered_lifetime_seconds)
    } else {
        (lifetimes.idle_seconds, lifetimes.lifetime_seconds)
    };
    let longest = ctx.now.plus_seconds(lifetime_seconds);
    let kept = Session {
        id: SessionId::draw(&*door.dice),
        realm_id: user.realm_id.clone(),
        user_id: user.id.clone(),
        created_at: ctx.now,
        last_seen_at: ctx.now,
        expires_at: until.map_or(longest, |until| until.min(longest)),
        idle_seconds,
        client_address: ctx.client_address(),
        user_agent: user_agent.chars().filter(|c| !is_unprintable(*c)).take(limits::USER_AGENT_CHARACTERS).collect(),
        connector,
        through,
    };
    let session = PlainToken::draw(TokenKind::Session, &*door.dice);
    let device = PlainToken::draw(TokenKind::Device, &*door.dice);
    sessions::create(tx, &session.hash(), &kept).await?;
    users::remember_device(tx, &device.hash(), &user.id, ctx.now).await?;
    let detail = format!("user {}, session {}", user.name, kept.id);
    tx.record(Event::new(EventKind::SignedIn, Some(&user.realm_id), user.id.to_string(), detail));
    Ok(Opened { session, device, kept, user })
}

/// Finds by user name, else by e-mail address.
async fn find_candidate(door: &Door, realm: &RealmId, login: &str) -> Result<Option<Candidate>, Fault> {
    let login = login.trim();
    if let Ok(name) = UserName::parse(login)
        && let Some(named) = users::candidate_by_name(&mut &door.store, realm, &name).await?
    {
        return Ok(Some(named));
    }
    match EmailAddress::parse(login) {
        Ok(email) => users::candidate_by_email(&mut &door.store, realm, &email).await,
        Err(_) => Ok(None),
    }
}

/// The name typed, in the form failures are counted under; a name with its domain before it, as people of Active Directory
/// type them, is one of its own. What can be no name here may be one at a directory: it counts in one of many places that
/// say little of it, because people type passwords into the name field.
fn canonical(login: &str) -> String {
    let read = |text: &str| UserName::parse(text).map(|name| name.as_str().chars().take(64).collect::<String>()).ok();
    let login = login.trim();
    let in_domain = || {
        let (domain, name) = login.split_once('\\')?;
        Some(format!("{}\\{}", read(domain)?, read(name)?))
    };
    let place = || match digest(&SHA256, login.to_lowercase().as_bytes()).as_ref() {
        [first, second, ..] => format!("?{first:02x}{second:02x}"),
        _ => "?".to_owned(),
    };
    read(login).or_else(in_domain).unwrap_or_else(place)
}

/// The names directories are asked for, one after the other. Who signs in with the address they have here may be known there
/// by their name alone; an address nobody has is asked for twice, so that both take as long.
fn logins(typed: &str, user: Option<&User>) -> Vec<String> {
    let mut all = vec![typed.to_owned()];
    if EmailAddress::parse(typed).is_ok() {
        all.push(user.map_or_else(|| typed.to_owned(), |user| user.name.to_string()));
    }
    all
}

async fn known_device(door: &Door, user: &UserId, device: Option<TokenHash>) -> Result<Option<TokenHash>, Fault> {
    match device {
        Some(device) => Ok(users::knows_device(&mut &door.store, &device, user).await?.then_some(device)),
        None => Ok(None),
    }
}

/// Records that nobody came in, about whose account, and why.
pub(super) async fn refused(
    door: &Door,
    ctx: &Ctx,
    realm: &RealmId,
    user: Option<&UserId>,
    why: &str,
) -> Result<(), Fault> {
    // What was typed is not recorded: people type passwords into the name field.
    let mut tx = door.begin().await?;
    let subject = user.map(UserId::to_string).unwrap_or_default();
    tx.record(Event::new(EventKind::SignInRefused, Some(realm), subject, why));
    door.commit(ctx, tx).await
}
