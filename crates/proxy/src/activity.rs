//! Clocks for silence: a timer that runs only while a stream waits, and a shared mark of the last
//! sign of life. Owns no policy; the durations come from `Timeouts`.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// Measures one silence at a time. Nothing is registered with the runtime while data flows.
pub(crate) struct SilenceTimer {
    allowed: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
    is_running: bool,
}

impl SilenceTimer {
    pub(crate) fn new(allowed: Duration) -> SilenceTimer {
        SilenceTimer { allowed, sleep: None, is_running: false }
    }

    /// Data came: the next silence starts afresh.
    pub(crate) fn stop(&mut self) {
        self.is_running = false;
    }

    /// Called while nothing comes; ready when the silence has lasted too long.
    pub(crate) fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let allowed = self.allowed;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(allowed)));
        if !self.is_running {
            sleep.as_mut().reset(Instant::now() + allowed);
            self.is_running = true;
        }
        sleep.as_mut().poll(cx)
    }
}

/// The last sign of life, written by one task and read by another.
pub(crate) struct LastActivity {
    started: Instant,
    milliseconds: AtomicU64,
}

/// Stored instead of a time while the silence is nobody's fault but the client's.
const EXCUSED: u64 = u64::MAX;

impl LastActivity {
    pub(crate) fn new() -> LastActivity {
        LastActivity { started: Instant::now(), milliseconds: AtomicU64::new(0) }
    }

    pub(crate) fn touch(&self) {
        let elapsed = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(EXCUSED - 1);
        self.milliseconds.store(elapsed, Ordering::Relaxed);
    }

    /// Until the next `touch`, silence does not count.
    pub(crate) fn excuse(&self) {
        self.milliseconds.store(EXCUSED, Ordering::Relaxed);
    }

    /// Completes when `allowed` has passed without a sign of life.
    pub(crate) async fn silent_for(&self, allowed: Duration) {
        loop {
            let now = Instant::now();
            let due = match self.milliseconds.load(Ordering::Relaxed) {
                EXCUSED => now + allowed,
                milliseconds => self.started + Duration::from_millis(milliseconds) + allowed,
            };
            if due <= now {
                return;
            }
            tokio::time::sleep_until(due).await;
        }
    }
}
