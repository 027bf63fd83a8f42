//! The connections to one upstream: idle HTTP/1.1 ones, the shared HTTP/2 one, how many are open,
//! and what was lately seen of the upstream's health. Owns reuse and its limits; what is sent on a
//! connection is the carrier's business. RFC 9112 §9.3, RFC 9113 §9.1.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::body::{BoxError, RequestBody};
use crate::dial::{Dialer, Versions, Wire};
use crate::fault::{Fault, Stage};
use crate::limits;
use crate::upstream::{Scheme, Upstream};

/// What requests lately showed about an upstream. Nothing is probed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Health {
    /// Connection attempts that failed since the last one that worked.
    pub connect_failures: u32,
    /// When the upstream last accepted a connection or answered.
    pub last_success: Option<Instant>,
    /// When it last refused a connection, broke one, or did not answer in time.
    pub last_failure: Option<Instant>,
}

/// A connection that may take one request now.
pub(crate) struct Lease {
    pub(crate) link: Link,
    /// It carried a request before, so the upstream may be closing it at this moment.
    pub(crate) is_reused: bool,
    /// Held as long as the connection counts as open.
    pub(crate) permit: Arc<OwnedSemaphorePermit>,
}

pub(crate) enum Link {
    Http1(http1::SendRequest<RequestBody>),
    Http2(http2::SendRequest<RequestBody>),
}

/// Which idle connections a request may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// Any that is open.
    Any,
    /// Only one that rested briefly: the request must not be repeated.
    OnlyFresh,
    /// None: a reused one just failed.
    Never,
}

struct Idle {
    sender: http1::SendRequest<RequestBody>,
    permit: Arc<OwnedSemaphorePermit>,
    since: Instant,
}

struct Shared {
    sender: http2::SendRequest<RequestBody>,
    permit: Arc<OwnedSemaphorePermit>,
    used: Instant,
}

#[derive(Default)]
struct Rest {
    /// Oldest first.
    idle: Vec<Idle>,
    shared: Option<Shared>,
    is_reaper_running: bool,
}

/// Everything kept for one upstream.
pub(crate) struct Lane {
    upstream: Upstream,
    open: Arc<Semaphore>,
    rest: Mutex<Rest>,
    health: Mutex<Health>,
    /// One HTTP/2 connection is opened at a time; the others wait and share it.
    opening_http2: tokio::sync::Mutex<()>,
}

impl Lane {
    pub(crate) fn new(upstream: Upstream) -> Lane {
        Lane {
            upstream,
            open: Arc::new(Semaphore::new(limits::CONNECTIONS_PER_UPSTREAM_MAX)),
            rest: Mutex::default(),
            health: Mutex::default(),
            opening_http2: tokio::sync::Mutex::default(),
        }
    }

    pub(crate) fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    pub(crate) fn health(&self) -> Health {
        *self.health.lock()
    }

    /// Nothing is open and nothing rests here.
    pub(crate) fn is_unused(&self) -> bool {
        self.open.available_permits() == limits::CONNECTIONS_PER_UPSTREAM_MAX
    }

    pub(crate) fn note_success(&self) {
        self.health.lock().last_success = Some(Instant::now());
    }

    pub(crate) fn note_failure(&self) {
        self.health.lock().last_failure = Some(Instant::now());
    }

    /// A resting connection if one is allowed, else a new one.
    pub(crate) async fn lease(
        self: &Arc<Self>,
        dialer: &Dialer,
        connect: Duration,
        versions: Versions,
        reuse: Reuse,
    ) -> Result<Lease, Fault> {
        if let Some(lease) = self.take_resting(versions, reuse) {
            return Ok(lease);
        }
        let opened = tokio::time::timeout(connect, async {
            if self.upstream.scheme() != Scheme::H2c {
                return self.open_new(dialer, versions).await;
            }
            let _one_at_a_time = self.opening_http2.lock().await;
            match self.take_resting(versions, reuse) {
                Some(lease) => Ok(lease),
                None => self.open_new(dialer, versions).await,
            }
        })
        .await
        .unwrap_or(Err(Fault::Timeout(Stage::Connect)));
        self.note_connect(&opened);
        opened
    }

    fn note_connect(&self, opened: &Result<Lease, Fault>) {
        let mut health = self.health.lock();
        match opened {
            Ok(_) => {
                health.connect_failures = 0;
                health.last_success = Some(Instant::now());
            }
            Err(Fault::Busy) => {}
            Err(_) => {
                health.connect_failures = health.connect_failures.saturating_add(1);
                health.last_failure = Some(Instant::now());
            }
        }
    }

    fn take_resting(&self, versions: Versions, reuse: Reuse) -> Option<Lease> {
        if reuse == Reuse::Never {
            return None;
        }
        let mut rest = self.rest.lock();
        if versions == Versions::Any {
            rest.shared.take_if(|shared| shared.sender.is_closed());
            if let Some(shared) = &mut rest.shared {
                shared.used = Instant::now();
                let link = Link::Http2(shared.sender.clone());
                let permit = Arc::clone(&shared.permit);
                return Some(Lease { link, is_reused: true, permit });
            }
        }
        let trusted = match reuse {
            Reuse::OnlyFresh => limits::IDLE_TRUST_FOR_UNREPEATABLE,
            Reuse::Any | Reuse::Never => limits::IDLE_LIFETIME,
        };
        // The newest comes first: it is the least likely to be closing.
        while let Some(idle) = rest.idle.pop() {
            if idle.since.elapsed() > trusted {
                // It and all older ones rest on, for a request that may take them.
                rest.idle.push(idle);
                return None;
            }
            if idle.sender.is_ready() {
                let Idle { sender, permit, .. } = idle;
                return Some(Lease { link: Link::Http1(sender), is_reused: true, permit });
            }
        }
        None
    }

    async fn open_new(self: &Arc<Self>, dialer: &Dialer, versions: Versions) -> Result<Lease, Fault> {
        let permit = Arc::clone(&self.open).try_acquire_owned().map_err(|_| Fault::Busy)?;
        let permit = Arc::new(permit);
        let (wire, is_http2) = dialer.dial(&self.upstream, versions).await.map_err(Fault::Connect)?;
        if !is_http2 {
            let sender = open_http1(wire, Arc::clone(&permit)).await.map_err(Fault::Connect)?;
            return Ok(Lease { link: Link::Http1(sender), is_reused: false, permit });
        }
        let sender = open_http2(wire, Arc::clone(&permit)).await.map_err(Fault::Connect)?;
        let shared = Shared { sender: sender.clone(), permit: Arc::clone(&permit), used: Instant::now() };
        let mut rest = self.rest.lock();
        rest.shared = Some(shared);
        self.wake_reaper(&mut rest);
        Ok(Lease { link: Link::Http2(sender), is_reused: false, permit })
    }

    /// Lets an HTTP/1.1 connection rest once its current exchange is over. HTTP/2 is shared anyway.
    pub(crate) fn give_back(
        self: &Arc<Self>,
        mut sender: http1::SendRequest<RequestBody>,
        permit: Arc<OwnedSemaphorePermit>,
    ) {
        if sender.is_ready() {
            self.rest(sender, permit);
            return;
        }
        let lane = Arc::clone(self);
        tokio::spawn(async move {
            // Ends too when the connection ends, for example with a broken body.
            if sender.ready().await.is_ok() {
                lane.rest(sender, permit);
            }
        });
    }

    fn rest(self: &Arc<Self>, sender: http1::SendRequest<RequestBody>, permit: Arc<OwnedSemaphorePermit>) {
        let mut rest = self.rest.lock();
        if rest.idle.len() >= limits::IDLE_PER_UPSTREAM_MAX {
            return;
        }
        rest.idle.push(Idle { sender, permit, since: Instant::now() });
        self.wake_reaper(&mut rest);
    }

    /// One small task per lane closes what rested too long, and ends when nothing rests.
    fn wake_reaper(self: &Arc<Self>, rest: &mut Rest) {
        if std::mem::replace(&mut rest.is_reaper_running, true) {
            return;
        }
        let lane = Arc::downgrade(self);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(limits::IDLE_LIFETIME / 2).await;
                let Some(lane) = lane.upgrade() else { return };
                if lane.reap() {
                    return;
                }
            }
        });
    }

    /// True when nothing is left to watch.
    fn reap(&self) -> bool {
        let mut rest = self.rest.lock();
        rest.idle.retain(|idle| !idle.sender.is_closed() && idle.since.elapsed() < limits::IDLE_LIFETIME);
        rest.shared.take_if(|shared| {
            // Two holders are the lane and the connection's task; more are requests under way.
            let is_busy = Arc::strong_count(&shared.permit) > 2;
            shared.sender.is_closed() || (!is_busy && shared.used.elapsed() >= limits::IDLE_LIFETIME)
        });
        rest.is_reaper_running = !(rest.idle.is_empty() && rest.shared.is_none());
        !rest.is_reaper_running
    }
}

async fn open_http1(
    wire: Wire,
    permit: Arc<OwnedSemaphorePermit>,
) -> Result<http1::SendRequest<RequestBody>, BoxError> {
    let (sender, connection) = http1::Builder::new().max_buf_size(limits::BUFFER_BYTES_MAX).handshake(wire).await?;
    tokio::spawn(async move {
        if let Err(error) = connection.with_upgrades().await {
            tracing::debug!(%error, "upstream connection ended");
        }
        drop(permit);
    });
    Ok(sender)
}

async fn open_http2(
    wire: Wire,
    permit: Arc<OwnedSemaphorePermit>,
) -> Result<http2::SendRequest<RequestBody>, BoxError> {
    let (sender, connection) = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .initial_stream_window_size(limits::H2_STREAM_WINDOW_BYTES)
        .initial_connection_window_size(limits::H2_CONNECTION_WINDOW_BYTES)
        .max_header_list_size(limits::H2_HEADER_LIST_BYTES_MAX)
        .keep_alive_interval(limits::H2_PING_EVERY)
        .keep_alive_timeout(limits::H2_PING_PATIENCE)
        .handshake(wire)
        .await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "upstream connection ended");
        }
        drop(permit);
    });
    Ok(sender)
}
