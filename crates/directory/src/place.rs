//! Connections to one directory: how many at once, which server, and what is kept for the next sign-in.

use crate::limits;
use crate::protocol::wire::{Bounds, SUCCESS, Wire};
use crate::tls;
use crate::trouble::Trouble;
use doorward_engine::federation::settings::{LdapSettings, Security, Server};
use doorward_world::secrets;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, SemaphorePermit};
use zeroize::Zeroizing;

/// One connector's directory.
pub(crate) struct Place {
    pub(crate) settings: LdapSettings,
    free: Semaphore,
    waiting: AtomicUsize,
    asking: Mutex<Vec<Idle>>,
    proving: Mutex<Vec<Idle>>,
    /// When each server last failed, and how.
    failed: Mutex<Vec<Option<(Instant, Trouble)>>>,
    used: Mutex<Instant>,
}

struct Idle {
    wire: Wire,
    since: Instant,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum For {
    /// Asking, as the bind DN.
    Asking,
    /// Proving passwords: nobody in particular until somebody's is tried.
    Proving,
}

/// A permit to use one connection; the queue's length falls with it.
pub(crate) struct Turn<'a>(#[expect(dead_code, reason = "held, not read")] SemaphorePermit<'a>);

impl Place {
    pub(crate) fn new(settings: LdapSettings) -> Self {
        let servers = settings.servers.len();
        Self {
            settings,
            free: Semaphore::new(limits::CONNECTIONS),
            waiting: AtomicUsize::new(0),
            asking: Mutex::default(),
            proving: Mutex::default(),
            failed: Mutex::new(vec![None; servers]),
            used: Mutex::new(Instant::now()),
        }
    }

    /// Notes that it is asked for.
    pub(crate) fn touch(&self) {
        self.used_at(Instant::now());
    }

    /// Notes when it was asked for last.
    pub(crate) fn used_at(&self, when: Instant) {
        *self.used.lock() = when;
    }

    /// Ends connections nobody uses; whether the place itself is of no use any more.
    pub(crate) fn rest(&self) -> bool {
        for idle in [&self.asking, &self.proving] {
            idle.lock().retain(|one| one.since.elapsed() < limits::IDLE);
        }
        self.used.lock().elapsed() >= limits::PLACE_KEPT
    }

    /// Waits for a turn, not for long and not behind many.
    pub(crate) async fn turn(&self) -> Result<Turn<'_>, Trouble> {
        if let Ok(permit) = self.free.try_acquire() {
            return Ok(Turn(permit));
        }
        let waiting = Waiting::of(&self.waiting).ok_or(Trouble::Busy)?;
        let turn = tokio::time::timeout(limits::PLACE_WAIT, self.free.acquire()).await;
        drop(waiting);
        match turn {
            Ok(Ok(permit)) => Ok(Turn(permit)),
            _ => Err(Trouble::Busy),
        }
    }

    /// A connection that was used before, if one is there still.
    pub(crate) fn kept(&self, purpose: For) -> Option<Wire> {
        let mut idle = self.idle(purpose).lock();
        idle.retain(|one| one.since.elapsed() < limits::IDLE);
        idle.pop().map(|one| one.wire)
    }

    /// Keeps a connection for the next one.
    pub(crate) fn keep(&self, purpose: For, wire: Wire) {
        let mut idle = self.idle(purpose).lock();
        if idle.len() < limits::CONNECTIONS {
            idle.push(Idle { wire, since: Instant::now() });
        }
    }

    fn idle(&self, purpose: For) -> &Mutex<Vec<Idle>> {
        match purpose {
            For::Asking => &self.asking,
            For::Proving => &self.proving,
        }
    }

    /// The servers in the order they are tried: those that failed a moment ago are left out.
    ///
    /// # Errors
    /// How the last one failed, when all have.
    pub(crate) fn servers(&self) -> Result<Vec<(usize, Server)>, Trouble> {
        let all = self.settings.all_servers().map_err(Trouble::Settings)?;
        let failed = self.failed.lock();
        let is_well =
            |place: usize| !matches!(failed.get(place), Some(Some((at, _))) if at.elapsed() < limits::AFTER_FAILURE);
        let well: Vec<_> = all.into_iter().enumerate().filter(|(place, _)| is_well(*place)).collect();
        match failed.iter().flatten().next_back() {
            Some((_, trouble)) if well.is_empty() => Err(trouble.clone()),
            _ => Ok(well),
        }
    }

    /// Notes how a server did.
    pub(crate) fn note(&self, place: usize, trouble: Option<&Trouble>) {
        if let Some(entry) = self.failed.lock().get_mut(place) {
            *entry = trouble.map(|trouble| (Instant::now(), trouble.clone()));
        }
        if trouble.is_some() {
            // They lead to a server that is not well.
            self.asking.lock().clear();
            self.proving.lock().clear();
        }
    }

    /// Notes that a server one was connected to before is not well.
    pub(crate) fn note_server(&self, server: &Server, trouble: &Trouble) {
        let all = self.settings.all_servers().unwrap_or_default();
        if let Some(place) = all.iter().position(|one| one == server) {
            self.note(place, Some(trouble));
        }
    }

    /// A new connection to a server.
    pub(crate) async fn connect(
        &self,
        server: &Server,
        purpose: For,
        sealed: Option<Zeroizing<String>>,
        bounds: Bounds,
    ) -> Result<Wire, Trouble> {
        let config = match server.security {
            Security::Clear => None,
            Security::Tls | Security::StartTls => Some(tls::config(self.settings.ca_file.as_deref()).await?),
        };
        let seconds = |seconds: u32| Duration::from_secs(u64::from(seconds));
        let patience = (seconds(self.settings.connect_seconds), seconds(self.settings.answer_seconds));
        let mut wire = Wire::connect(server, config, patience, bounds).await?;
        if purpose == For::Asking && !self.settings.bind_dn.is_empty() {
            let secret = match (sealed, &self.settings.secret_from) {
                (Some(sealed), _) => sealed,
                (None, Some(reference)) => secrets::read(reference).await.map_err(Trouble::Secret)?,
                (None, None) => return Err(Trouble::Secret("no reference to it was given".to_owned())),
            };
            let outcome = wire.bind(&self.settings.bind_dn, secret.as_bytes()).await?;
            if outcome.code != SUCCESS {
                return Err(wire.refused("the bind DN", outcome));
            }
        }
        Ok(wire)
    }
}

/// Somebody who waits for a turn; no more than may.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn of(count: &'a AtomicUsize) -> Option<Self> {
        let before = count.fetch_add(1, Ordering::Relaxed);
        let waiting = Self(count);
        (before < limits::WAITING).then_some(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
