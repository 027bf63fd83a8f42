//! What is kept in memory so that a gate check costs no database read, and how it is kept exact. Every
//! entry can be marked as no longer true; a change is acted on before its commit is answered on this
//! node, and as soon as the feed shows it on every other. Something loaded while it changed is used
//! once and not kept.

pub mod apps;
pub mod clients;
pub mod feed;
pub mod people;
pub mod realms;
pub mod shards;

use crate::clients::guesses::Guesses;
use crate::clients::refusals::Refusals;
use crate::limits;
use crate::token::roles::LiveRoles;
use apps::Apps;
use arc_swap::ArcSwap;
use clients::LiveClient;
use doorward_model::id::{ClientId, RealmId, SessionId, UserId};
use doorward_model::name::{ClientName, RealmName};
use doorward_model::secret::TokenHash;
use doorward_model::time::Timestamp;
use feed::Recent;
use parking_lot::Mutex;
use people::{LivePass, LivePerson, LiveSession, LiveToken};
use realms::LiveRealm;
use shards::{Scatter, Shards};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64};

/// The caches of one process.
pub struct Live {
    pub(crate) apps: ArcSwap<Apps>,
    pub(crate) reloading: tokio::sync::Mutex<()>,
    pub(crate) passes: Shards<TokenHash, Arc<LivePass>, Scatter>,
    pub(crate) sessions: Shards<SessionId, Arc<LiveSession>>,
    pub(crate) people: Shards<UserId, Arc<LivePerson>>,
    pub(crate) tokens: Shards<TokenHash, Arc<LiveToken>, Scatter>,
    pub(crate) clients: Shards<(RealmId, ClientName), Arc<LiveClient>>,
    pub(crate) realms: Shards<RealmName, Arc<LiveRealm>>,
    pub(crate) roles: Shards<ClientId, Arc<LiveRoles>>,
    pub(crate) guesses: Guesses,
    pub(crate) recent: Mutex<Recent>,
    pub(crate) seen: Mutex<HashMap<SessionId, Timestamp>>,
    pub(crate) denials: Mutex<HashMap<String, Timestamp>>,
    pub(crate) refusals: Refusals,
    /// The last look at the feed that came to its end, by number.
    pub(crate) following: tokio::sync::Mutex<u64>,
    pub(crate) looks_begun: AtomicU64,
    pub(crate) place: AtomicI64,
    /// When the entry at that place was written.
    pub(crate) place_ms: AtomicI64,
    pub(crate) synced_ms: AtomicI64,
    pub(crate) keys_changed: AtomicBool,
    pub(crate) out_of_reach: AtomicBool,
}

impl Default for Live {
    fn default() -> Self {
        Self::new()
    }
}

impl Live {
    /// Empty caches.
    pub fn new() -> Self {
        Self {
            apps: ArcSwap::default(),
            reloading: tokio::sync::Mutex::new(()),
            passes: Shards::new(limits::PASSES_CACHED),
            sessions: Shards::new(limits::SESSIONS_CACHED),
            people: Shards::new(limits::SESSIONS_CACHED),
            tokens: Shards::new(limits::TOKENS_CACHED),
            clients: Shards::new(limits::CLIENTS_CACHED),
            realms: Shards::new(limits::REALMS_CACHED),
            roles: Shards::new(limits::CLIENTS_CACHED),
            guesses: Guesses::new(),
            recent: Mutex::new(Recent::new()),
            seen: Mutex::new(HashMap::new()),
            denials: Mutex::new(HashMap::new()),
            refusals: Refusals::default(),
            following: tokio::sync::Mutex::new(0),
            looks_begun: AtomicU64::new(0),
            place: AtomicI64::new(0),
            place_ms: AtomicI64::new(i64::MIN),
            synced_ms: AtomicI64::new(i64::MIN),
            keys_changed: AtomicBool::new(false),
            out_of_reach: AtomicBool::new(false),
        }
    }

    /// Whether the last look at the change feed failed.
    pub fn is_out_of_reach(&self) -> bool {
        self.out_of_reach.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Whether a denial should be recorded now, of a session or a token at an app or a client: a dashboard retries every
    /// second, the record needs one a minute.
    pub fn may_record_denial(&self, (who, place): (&str, &str), now: Timestamp) -> bool {
        let mut denials = self.denials.lock();
        let key = format!("{who} {place}");
        let due = denials.get(&key).is_none_or(|last| now.millis_since(*last) >= limits::DENIALS_EVERY_SECONDS * 1000);
        if due {
            denials.insert(key, now);
        }
        due
    }

    /// The present snapshot of apps.
    pub fn apps(&self) -> Arc<Apps> {
        self.apps.load_full()
    }

    /// The present snapshot of apps, borrowed for the length of one check.
    pub fn apps_now(&self) -> arc_swap::Guard<Arc<Apps>> {
        self.apps.load()
    }
}
