//! People, sessions, passes and machine tokens in memory, loaded on first sight.

use crate::limits;
use crate::live::Live;
use crate::live::feed::Touched;
use arc_swap::ArcSwap;
use doorward_model::app::App;
use doorward_model::fault::Fault;
use doorward_model::id::{AppId, ConnectorId, SessionId};
use doorward_model::people::{Group, User};
use doorward_model::secret::TokenHash;
use doorward_model::session::ServiceToken;
use doorward_model::time::Timestamp;
use doorward_model::ways::CameBy;
use doorward_store::sessions::SignedIn;
use doorward_store::store::Store;
use doorward_store::{groups, personal_tokens, service_tokens, sessions, users};
use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

/// A user with all groups, as of one moment. What every request reads stands first and together.
#[repr(C)]
pub struct LivePerson {
    pub(crate) is_stale: AtomicBool,
    is_active: bool,
    /// What an edge made of this person for some apps.
    prepared: ArcSwap<Vec<Prepared>>,
    /// The user.
    pub user: User,
    /// Every group the user is in, directly or through nesting, by name.
    pub groups: Vec<Group>,
}

/// A session with its person: of the stored one what is needed between sign-in and sign-out. What every
/// request reads stands first and together.
#[repr(C)]
pub struct LiveSession {
    pub(crate) is_ended: AtomicBool,
    last_seen_ms: AtomicI64,
    /// The end of its life whatever happens.
    pub expires_at: Timestamp,
    /// Ends earlier when unseen for this many seconds.
    pub idle_seconds: i64,
    /// Whose it is.
    pub person: Arc<LivePerson>,
    /// The session.
    pub id: SessionId,
    /// By which way its person came in, if not with an account kept here.
    came_by: Option<Box<ConnectorId>>,
}

/// What an edge made of a person, or of a pass, for an app; kept with them so that all end together. It
/// lies inside what it is kept with: every pointer followed to somebody's own memory is a wait.
#[derive(Clone)]
pub struct Prepared {
    /// The app of the snapshot it was made from: another snapshot has other ones.
    pub app: Arc<App>,
    /// What is this person's own, in the edge's spelling.
    pub own: Arc<[u8]>,
    /// What the edge's answers to everybody have in common.
    pub shape: Arc<dyn Any + Send + Sync>,
    /// Good until then.
    pub until: Timestamp,
    /// Which of the edge's dialects it is for.
    pub dialect: u8,
}

impl Prepared {
    /// Whether it was made for this app, in this snapshot, and this dialect.
    pub fn is_for(&self, app: &Arc<App>, dialect: u8) -> bool {
        self.dialect == dialect && Arc::ptr_eq(&self.app, app)
    }
}

impl LivePerson {
    /// What was made for an app, if it still holds. Several sessions of a person share it.
    pub fn prepared(&self, app: &Arc<App>, dialect: u8, now: Timestamp) -> Option<Prepared> {
        let kept = self.prepared.load();
        kept.iter().find(|prepared| prepared.is_for(app, dialect) && now < prepared.until).cloned()
    }

    /// Keeps what was made for an app.
    pub fn keep_prepared(&self, prepared: &Prepared) {
        self.prepared.rcu(|kept| {
            let mut next: Vec<_> = kept
                .iter()
                .filter(|other| !other.is_for(&prepared.app, prepared.dialect))
                .rev()
                .take(PREPARED_KEPT - 1)
                .cloned()
                .collect();
            next.reverse();
            next.push(prepared.clone());
            next
        });
    }
}

/// Answers kept ready for one person: the apps somebody has open at once.
const PREPARED_KEPT: usize = 12;

/// A pass with its session. Never changed, only replaced. What leads to other memory stands first, the
/// person beside the session, so that the processor fetches all of it at once and not one after the other.
#[derive(Clone)]
#[repr(C)]
pub struct LivePass {
    /// Its session.
    pub session: Arc<LiveSession>,
    /// The session's person.
    person: Arc<LivePerson>,
    /// What an edge told last for it.
    pub prepared: Option<Prepared>,
    /// The host it was issued for, shared with the snapshot of apps where it can be.
    pub host: Arc<str>,
    /// The app it opens; `None` for a pass shared by a parent domain.
    pub app_id: Option<AppId>,
    hash: TokenHash,
}

/// A program's token.
pub struct LiveToken {
    /// The token.
    pub token: ServiceToken,
    /// The person it stands for, with all groups, as of the moment it was loaded.
    pub owner: Option<(User, Vec<Group>)>,
    pub(crate) is_revoked: AtomicBool,
}

impl LiveSession {
    /// By which way its person came in.
    pub fn came_by(&self) -> CameBy<'_> {
        self.came_by.as_deref()
    }

    /// When it was last seen by this node.
    pub fn last_seen(&self) -> Timestamp {
        Timestamp::from_millis(self.last_seen_ms.load(Ordering::Relaxed))
    }

    /// Whether it still stands, as far as this node knows.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.is_live_for(&self.person, now)
    }

    #[inline]
    fn is_live_for(&self, person: &LivePerson, now: Timestamp) -> bool {
        now < self.expires_at && now < self.last_seen().plus_seconds(self.idle_seconds) && person.is_active
    }

    fn is_current(&self) -> bool {
        self.is_current_for(&self.person)
    }

    #[inline]
    fn is_current_for(&self, person: &LivePerson) -> bool {
        !self.is_ended.load(Ordering::Acquire) && !person.is_stale.load(Ordering::Acquire)
    }
}

impl LiveToken {
    /// Whether it was not revoked and is not over.
    pub fn is_current(&self, now: Timestamp) -> bool {
        !self.is_revoked.load(Ordering::Acquire) && now < self.token.expires_at
    }
}

impl LivePass {
    /// Whether nothing it rests on has changed since it was loaded.
    #[inline]
    pub fn is_current(&self) -> bool {
        self.session.is_current_for(&self.person)
    }

    /// Whether its session still stands, as far as this node knows.
    #[inline]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.session.is_live_for(&self.person, now)
    }
}

impl Live {
    /// A pass already in memory, if it is still true.
    pub fn find_pass(&self, hash: &TokenHash) -> Option<Arc<LivePass>> {
        self.passes.find(hash).filter(|pass| pass.is_current())
    }

    /// Asks a short question about a pass in memory, if it is still true: the fastest way to an answer.
    #[inline]
    pub fn look_at_pass<T>(&self, hash: &TokenHash, question: impl FnOnce(&Arc<LivePass>) -> Option<T>) -> Option<T> {
        self.passes.look(hash, |pass| if pass.is_current() { question(pass) } else { None })
    }

    /// Keeps with a pass what an edge told for it, unless the pass is no longer the one in memory.
    pub fn keep_told(&self, pass: &Arc<LivePass>, prepared: Prepared) {
        self.passes.change(&pass.hash, |kept| {
            if Arc::ptr_eq(kept, pass) {
                *kept = Arc::new(LivePass { prepared: Some(prepared), ..LivePass::clone(pass) });
            }
        });
    }

    /// Loads a pass from the store.
    pub async fn load_pass(&self, store: &Store, hash: &TokenHash) -> Result<Option<Arc<LivePass>>, Fault> {
        let mark = self.mark();
        let Some((pass, signed_in)) = sessions::find_pass(&mut &*store, hash).await? else {
            self.passes.remove(hash);
            return Ok(None);
        };
        let session = self.session_of(store, signed_in).await?;
        let host = self.apps().host_text(&pass.host);
        let person = session.person.clone();
        let live = Arc::new(LivePass { hash: *hash, app_id: pass.app_id, host, session, person, prepared: None });
        let touched = Touched::Session(&live.session);
        self.keep(mark, &touched, || {
            self.put_session(&live.session);
            self.passes.put(*hash, live.clone());
        });
        Ok(Some(live))
    }

    /// Changes reach only what is in the maps. Whatever leaves them for this session, such as a copy made
    /// by a load at the same moment, is marked as no longer true, so that passes resting on it load anew.
    fn put_session(&self, session: &Arc<LiveSession>) {
        for left in self.people.put(session.person.user.id.clone(), session.person.clone()) {
            if !Arc::ptr_eq(&left, &session.person) {
                left.is_stale.store(true, Ordering::Release);
            }
        }
        for left in self.sessions.put(session.id.clone(), session.clone()) {
            if !Arc::ptr_eq(&left, session) {
                left.is_ended.store(true, Ordering::Release);
            }
        }
    }

    /// A pass as it is now, when something it rested on has changed; `None` when it is no more.
    pub async fn reload(&self, store: &Store, pass: &LivePass) -> Result<Option<Arc<LivePass>>, Fault> {
        self.load_pass(store, &pass.hash).await
    }

    /// A user's groups and the user, from memory or the store.
    pub async fn person(&self, store: &Store, user: User) -> Result<Arc<LivePerson>, Fault> {
        if let Some(person) = self.people.find(&user.id).filter(|p| !p.is_stale.load(Ordering::Acquire)) {
            return Ok(person);
        }
        let groups = groups::of_user(&mut &*store, &user.id).await?;
        let (is_stale, prepared) = (AtomicBool::new(false), ArcSwap::default());
        Ok(Arc::new(LivePerson { is_stale, is_active: user.is_active, prepared, user, groups }))
    }

    async fn session_of(&self, store: &Store, signed_in: SignedIn) -> Result<Arc<LiveSession>, Fault> {
        let known = self.sessions.find(&signed_in.session.id).filter(|session| session.is_current());
        if let Some(session) = known {
            // Another node may have seen it later than this one.
            session.last_seen_ms.fetch_max(signed_in.session.last_seen_at.millis(), Ordering::Relaxed);
            return Ok(session);
        }
        let person = self.person(store, signed_in.user).await?;
        let session = signed_in.session;
        let came_by = session.came_by().cloned().map(Box::new);
        Ok(Arc::new(LiveSession {
            is_ended: AtomicBool::new(false),
            last_seen_ms: AtomicI64::new(session.last_seen_at.millis()),
            expires_at: session.expires_at,
            idle_seconds: session.idle_seconds,
            person,
            id: session.id,
            came_by,
        }))
    }

    /// Notes that a session was seen, at most once a minute; written later, in bulk.
    #[inline]
    pub fn saw(&self, session: &LiveSession, now: Timestamp) {
        if now.millis_since(session.last_seen()) >= limits::SEEN_EVERY_SECONDS * 1000 {
            session.last_seen_ms.fetch_max(now.millis(), Ordering::Relaxed);
            self.seen.lock().insert(session.id.clone(), now);
        }
    }

    /// Notes that a session was seen through a tool that refreshed its tokens; written later, in bulk.
    pub fn saw_by_token(&self, session: &SessionId, now: Timestamp) {
        if let Some(live) = self.sessions.find(session) {
            live.last_seen_ms.fetch_max(now.millis(), Ordering::Relaxed);
        }
        self.seen.lock().insert(session.clone(), now);
    }

    /// A service token already in memory, if it is still true.
    pub fn find_token(&self, hash: &TokenHash) -> Option<Arc<LiveToken>> {
        self.tokens.find(hash).filter(|token| !token.is_revoked.load(Ordering::Acquire))
    }

    /// Loads a program's token from the store.
    pub async fn load_token(&self, store: &Store, hash: &TokenHash) -> Result<Option<Arc<LiveToken>>, Fault> {
        let mark = self.mark();
        let mut found = service_tokens::find(&mut &*store, hash).await?;
        if found.is_none() {
            found = personal_tokens::find(&mut &*store, hash).await?;
        }
        let Some(token) = found else {
            self.tokens.remove(hash);
            return Ok(None);
        };
        let owner = match &token.owner {
            None => None,
            Some(id) => {
                let Some(user) = users::find(&mut &*store, id).await? else { return Ok(None) };
                let groups = groups::of_user(&mut &*store, id).await?;
                Some((user, groups))
            }
        };
        let live = Arc::new(LiveToken { token, owner, is_revoked: AtomicBool::new(false) });
        self.keep(mark, &Touched::Token(&live.token), || drop(self.tokens.put(*hash, live.clone())));
        Ok(Some(live))
    }
}
