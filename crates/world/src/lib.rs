//! The world outside: the clock, the dice, and secrets that are kept elsewhere. The only crate that reads the system's clock and its
//! source of randomness; everything else is handed `now` and a `Dice`. Secrets that are kept elsewhere are read here too.

pub mod secrets;

use doorward_model::dice::Dice;
use doorward_model::time::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Clock and dice, cheap to clone.
#[derive(Clone)]
pub struct World {
    clock: Clock,
    dice: Arc<dyn Dice>,
}

#[derive(Clone)]
enum Clock {
    System,
    Frozen(Arc<AtomicI64>),
}

/// The operating system's random bytes.
struct SystemDice;

impl Dice for SystemDice {
    fn fill(&self, bytes: &mut [u8]) {
        // The generator seeds itself from the system; if that source ever fails, no credential may be
        // drawn at all, so the process ends rather than hand out a guessable one.
        if aws_lc_rs::rand::fill(bytes).is_err() {
            std::process::abort();
        }
    }
}

impl World {
    /// The real one.
    pub fn real() -> Self {
        Self { clock: Clock::System, dice: Arc::new(SystemDice) }
    }

    /// One that stands still and repeats its dice, for tests.
    pub fn frozen(at: Timestamp, seed: u64) -> Self {
        let dice = Arc::new(doorward_model::dice::Counting::new(seed));
        Self { clock: Clock::Frozen(Arc::new(AtomicI64::new(at.millis()))), dice }
    }

    /// The present instant.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the system's clock")]
    pub fn now(&self) -> Timestamp {
        match &self.clock {
            Clock::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
            }
            Clock::Frozen(at) => Timestamp::from_millis(at.load(Ordering::Relaxed)),
        }
    }

    /// Moves a frozen clock forward; does nothing to the real one.
    pub fn advance_seconds(&self, seconds: i64) {
        if let Clock::Frozen(at) = &self.clock {
            at.fetch_add(seconds.saturating_mul(1000), Ordering::Relaxed);
        }
    }

    /// The dice.
    pub fn dice(&self) -> &Arc<dyn Dice> {
        &self.dice
    }
}
