//! How many lines of one kind are written: some at once, then so many each second. Counts what is left out, and says
//! when it is time to tell. Reads no clock.

use crate::limits::{LINES_AT_ONCE, LINES_EACH_SECOND};
use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

/// A flood is over when nothing was left out for so long.
const QUIET: Duration = Duration::from_secs(2);
/// What a flood that goes on has left out is told so often.
const TOLD_EVERY: Duration = Duration::from_secs(60);
/// The time in which room for one more line comes back.
const ROOM_EVERY: Duration = Duration::from_millis(1000 / LINES_EACH_SECOND as u64);

/// What becomes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is written.
    Write,
    /// It is left out, and the first since it was last told what was.
    FirstLeftOut,
    /// It is left out.
    LeftOut,
}

/// Lines of one kind that were left out.
#[derive(Debug, PartialEq, Eq)]
pub struct LeftOut<L> {
    /// How many.
    pub count: u64,
    /// One of them.
    pub example: L,
}

/// The budgets of all kinds. `now` is the time since any one moment.
pub struct Budgets<K, L>(HashMap<K, Budget<L>>);

struct Budget<L> {
    /// Lines there is room for.
    room: u32,
    /// Until when room that came back is counted in.
    counted: Duration,
    left_out: u64,
    /// When one was first left out, and last.
    span: (Duration, Duration),
    example: Option<L>,
}

impl<K, L> Default for Budgets<K, L> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Hash + Eq + Clone, L> Budgets<K, L> {
    /// One more line of a kind.
    pub fn take(&mut self, kind: &K, now: Duration) -> Verdict {
        let fresh = || Budget { room: LINES_AT_ONCE, counted: now, left_out: 0, span: (now, now), example: None };
        let budget = self.0.entry(kind.clone()).or_insert_with(fresh);
        budget.count_in(now);
        if budget.room > 0 {
            budget.room -= 1;
            return Verdict::Write;
        }
        budget.left_out = budget.left_out.saturating_add(1);
        budget.span.1 = now;
        if budget.left_out > 1 {
            return Verdict::LeftOut;
        }
        budget.span.0 = now;
        Verdict::FirstLeftOut
    }

    /// What the first line left out was.
    pub fn show(&mut self, kind: &K, example: L) {
        if let Some(budget) = self.0.get_mut(kind) {
            budget.example = Some(example);
        }
    }

    /// What it is time to tell.
    pub fn take_due(&mut self, now: Duration) -> Vec<LeftOut<L>> {
        self.0.values_mut().filter_map(|budget| budget.take_due(now)).collect()
    }
}

impl<L> Budget<L> {
    /// Counts the room in that came back.
    fn count_in(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.counted);
        let lines = passed.as_millis() / ROOM_EVERY.as_millis();
        let missing = LINES_AT_ONCE - self.room;
        match u32::try_from(lines) {
            Ok(lines) if lines < missing => {
                self.room += lines;
                self.counted += ROOM_EVERY * lines;
            }
            _ => (self.room, self.counted) = (LINES_AT_ONCE, now),
        }
    }

    fn take_due(&mut self, now: Duration) -> Option<LeftOut<L>> {
        let since = |at: Duration| now.saturating_sub(at);
        if since(self.span.1) < QUIET && since(self.span.0) < TOLD_EVERY {
            return None;
        }
        // Counted, but what it was is not there yet: with the next look.
        let example = self.example.take()?;
        Some(LeftOut { count: std::mem::take(&mut self.left_out), example })
    }
}

#[cfg(test)]
mod tests {
    use super::{Budgets, LeftOut, QUIET, TOLD_EVERY, Verdict};
    use crate::limits::{LINES_AT_ONCE, LINES_EACH_SECOND};
    use std::time::Duration;

    /// Sends lines of a kind; gives how many were written.
    fn send(budgets: &mut Budgets<&'static str, &'static str>, kind: &'static str, lines: u32, now: Duration) -> u32 {
        let mut written = 0;
        for _ in 0..lines {
            match budgets.take(&kind, now) {
                Verdict::Write => written += 1,
                Verdict::FirstLeftOut => budgets.show(&kind, kind),
                Verdict::LeftOut => {}
            }
        }
        written
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(1000 + seconds)
    }

    #[test]
    fn a_flood_is_written_up_to_the_limit_and_the_rest_is_told_when_it_is_over() {
        let mut budgets = Budgets::default();
        assert_eq!(send(&mut budgets, "a", LINES_AT_ONCE + 1000, at(0)), LINES_AT_ONCE);
        assert_eq!(budgets.take_due(at(0) + QUIET / 2), []);
        assert_eq!(budgets.take_due(at(0) + QUIET), [LeftOut { count: 1000, example: "a" }]);
        assert_eq!(budgets.take_due(at(0) + QUIET * 2), []);
    }

    #[test]
    fn room_comes_back_with_time_and_never_more_than_at_first() {
        let mut budgets = Budgets::default();
        send(&mut budgets, "a", LINES_AT_ONCE, at(0));
        // In small steps no part of a line is lost.
        let written: u32 =
            (1..=100).map(|step| send(&mut budgets, "a", 1, at(0) + step * Duration::from_millis(90))).sum();
        assert_eq!(written, 9 * LINES_EACH_SECOND);
        assert_eq!(send(&mut budgets, "a", 100, at(10)), LINES_EACH_SECOND);
        assert_eq!(send(&mut budgets, "a", LINES_AT_ONCE * 2, at(100_000)), LINES_AT_ONCE);
        // A clock that went back gives nothing and takes nothing.
        assert_eq!(send(&mut budgets, "a", 1, at(0)), 0);
        assert_eq!(send(&mut budgets, "a", 100, at(100_001)), LINES_EACH_SECOND);
    }

    #[test]
    fn kinds_have_budgets_of_their_own() {
        let mut budgets = Budgets::default();
        assert_eq!(send(&mut budgets, "a", LINES_AT_ONCE * 10, at(0)), LINES_AT_ONCE);
        assert_eq!(send(&mut budgets, "b", LINES_AT_ONCE + 1, at(0)), LINES_AT_ONCE);
        let mut due: Vec<_> = budgets.take_due(at(60)).into_iter().map(|due| (due.example, due.count)).collect();
        due.sort_unstable();
        assert_eq!(due, [("a", u64::from(LINES_AT_ONCE) * 9), ("b", 1)]);
    }

    #[test]
    fn a_flood_that_goes_on_is_told_of_again_and_again_and_nothing_is_counted_twice() {
        let mut budgets = Budgets::default();
        let (mut written, mut told, mut times) = (0, 0, 0);
        let seconds = TOLD_EVERY.as_secs() * 3;
        for second in 0..seconds {
            written += u64::from(send(&mut budgets, "a", 500, at(second)));
            for due in budgets.take_due(at(second)) {
                told += due.count;
                times += 1;
            }
        }
        assert!((2..=3).contains(&times), "{times}");
        told += budgets.take_due(at(seconds + 60)).iter().map(|due| due.count).sum::<u64>();
        assert_eq!(written + told, 500 * seconds);
    }
}
