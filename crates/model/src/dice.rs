//! Where random bytes come from, as a trait so that tests can repeat themselves. The real dice live
//! in `world`; rules see only this trait.

use std::sync::atomic::{AtomicU64, Ordering};

/// A source of unpredictable bytes.
pub trait Dice: Send + Sync {
    /// Fills the whole slice.
    fn fill(&self, bytes: &mut [u8]);
}

/// Dice that repeat: for tests only, never wired into the binary.
pub struct Counting(AtomicU64);

impl Counting {
    /// Starts counting at `seed`.
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Dice for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let mut word = self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            word ^= word >> 29;
            for (byte, value) in chunk.iter_mut().zip(word.to_le_bytes()) {
                *byte = value;
            }
        }
    }
}
