//! People, sessions, passes and machine tokens in memory, loaded on first sight.

use crate::limits;
use crate::live::Live;
use crate::live::feed::Touched;
use arc_swap::{ArcSwap, ArcSwapOption};
use doorward_model::app::App;
use doorward_model::fault::Fault;
use doorward_model::people::{Group, User};
use doorward_model::secret::TokenHash;
use doorward_model::session::{Pass, ServiceToken, Session};
use doorward_model::time::Timestamp;
use doorward_store::sessions::SignedIn;
use doorward_store::store::Store;
use doorward_store::{groups, service_tokens, sessions};
use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

/// A user with all groups, as of one moment.
pub struct LivePerson {
    /// The user.
    pub user: User,
    /// Every group the user is in, directly or through nesting, by name.
    pub groups: Vec<Group>,
    /// What an edge made of this person for some apps.
    prepared: ArcSwap<Vec<Arc<Prepared>>>,
    pub(crate) is_stale: AtomicBool,
}

/// A session with its person.
pub struct LiveSession {
    /// The session as loaded; its `last_seen_at` moves in [`LiveSession::last_seen`].
    pub session: Session,
    /// Whose it is.
    pub person: Arc<LivePerson>,
    last_seen_ms: AtomicI64,
    pub(crate) is_ended: AtomicBool,
}

/// What an edge made of a person, or of a pass, for an app; kept with them so that all end together.
pub struct Prepared {
    /// The app of the snapshot it was made from: another snapshot has other ones.
    pub app: Arc<App>,
    /// Which of the edge's dialects it is for.
    pub dialect: u8,
    /// Good until then.
    pub until: Timestamp,
    /// The edge's own value.
    pub value: Box<dyn Any + Send + Sync>,
}

impl Prepared {
    /// Whether it was made for this app, in this snapshot, and this dialect.
    pub fn is_for(&self, app: &Arc<App>, dialect: u8) -> bool {
        self.dialect == dialect && Arc::ptr_eq(&self.app, app)
    }
}

impl LivePerson {
    /// What was made for an app, if it still holds. Several sessions of a person share it.
    pub fn prepared(&self, app: &Arc<App>, dialect: u8, now: Timestamp) -> Option<Arc<Prepared>> {
        let kept = self.prepared.load();
        kept.iter().find(|prepared| prepared.is_for(app, dialect) && now < prepared.until).cloned()
    }

    /// Keeps what was made for an app.
    pub fn keep_prepared(&self, prepared: Prepared) {
        let prepared = Arc::new(prepared);
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

/// A pass with its session.
pub struct LivePass {
    /// The pass.
    pub pass: Pass,
    hash: TokenHash,
    /// Its session.
    pub session: Arc<LiveSession>,
    /// What an edge made of it last, when that holds something of the session's own.
    pub prepared: ArcSwapOption<Prepared>,
}

/// A service token.
pub struct LiveToken {
    /// The token.
    pub token: ServiceToken,
    pub(crate) is_revoked: AtomicBool,
}

impl LiveSession {
    /// When it was last seen by this node.
    pub fn last_seen(&self) -> Timestamp {
        Timestamp::from_millis(self.last_seen_ms.load(Ordering::Relaxed))
    }

    /// Whether it still stands, as far as this node knows.
    pub fn is_live(&self, now: Timestamp) -> bool {
        let mut session_end = self.last_seen().plus_seconds(self.session.idle_seconds);
        if self.session.expires_at < session_end {
            session_end = self.session.expires_at;
        }
        now < session_end && self.person.user.is_active
    }

    fn is_current(&self) -> bool {
        !self.is_ended.load(Ordering::Acquire) && !self.person.is_stale.load(Ordering::Acquire)
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
    pub fn is_current(&self) -> bool {
        self.session.is_current()
    }
}

impl Live {
    /// A pass already in memory, if it is still true.
    pub fn find_pass(&self, hash: &TokenHash) -> Option<Arc<LivePass>> {
        self.passes.find(hash).filter(|pass| pass.is_current())
    }

    /// Loads a pass from the store.
    pub async fn load_pass(&self, store: &Store, hash: &TokenHash) -> Result<Option<Arc<LivePass>>, Fault> {
        let mark = self.mark();
        let Some((pass, signed_in)) = sessions::find_pass(&mut &*store, hash).await? else {
            self.passes.remove(hash);
            return Ok(None);
        };
        let session = self.session_of(store, signed_in).await?;
        let live = Arc::new(LivePass { pass, hash: *hash, session, prepared: ArcSwapOption::empty() });
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
        for left in self.sessions.put(session.session.id.clone(), session.clone()) {
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
        Ok(Arc::new(LivePerson { user, groups, prepared: ArcSwap::default(), is_stale: AtomicBool::new(false) }))
    }

    async fn session_of(&self, store: &Store, signed_in: SignedIn) -> Result<Arc<LiveSession>, Fault> {
        let known = self.sessions.find(&signed_in.session.id).filter(|session| session.is_current());
        if let Some(session) = known {
            // Another node may have seen it later than this one.
            session.last_seen_ms.fetch_max(signed_in.session.last_seen_at.millis(), Ordering::Relaxed);
            return Ok(session);
        }
        let person = self.person(store, signed_in.user).await?;
        let last_seen_ms = AtomicI64::new(signed_in.session.last_seen_at.millis());
        Ok(Arc::new(LiveSession { session: signed_in.session, person, last_seen_ms, is_ended: AtomicBool::new(false) }))
    }

    /// Notes that a session was seen, at most once a minute; written later, in bulk.
    pub fn saw(&self, session: &LiveSession, now: Timestamp) {
        if now.millis_since(session.last_seen()) >= limits::SEEN_EVERY_SECONDS * 1000 {
            session.last_seen_ms.fetch_max(now.millis(), Ordering::Relaxed);
            self.seen.lock().insert(session.session.id.clone(), now);
        }
    }

    /// A service token already in memory, if it is still true.
    pub fn find_token(&self, hash: &TokenHash) -> Option<Arc<LiveToken>> {
        self.tokens.find(hash).filter(|token| !token.is_revoked.load(Ordering::Acquire))
    }

    /// Loads a service token from the store.
    pub async fn load_token(&self, store: &Store, hash: &TokenHash) -> Result<Option<Arc<LiveToken>>, Fault> {
        let mark = self.mark();
        let Some(token) = service_tokens::find(&mut &*store, hash).await? else {
            self.tokens.remove(hash);
            return Ok(None);
        };
        let live = Arc::new(LiveToken { token, is_revoked: AtomicBool::new(false) });
        self.keep(mark, &Touched::Token(&live.token), || drop(self.tokens.put(*hash, live.clone())));
        Ok(Some(live))
    }
}
