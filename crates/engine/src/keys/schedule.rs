//! What is due in the life of signing keys: a plain function of the keys, the settings and now.

use crate::keys::Known;
use crate::limits::KEY_SLACK_SECONDS;
use crate::manage::wrong::ACCESS_SECONDS_MAX;
use crate::settings::{KeyTimes, Settings};
use doorward_jose::algorithm::Algorithm;
use doorward_model::id::KeyId;
use doorward_model::limits::IDENTITY_TOKEN_SECONDS;
use doorward_model::signing::KeyState;
use doorward_model::time::Timestamp;

/// One step of a realm's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A key is made and published.
    Announce(Algorithm),
    /// An announced key begins to sign; the one before it stops.
    Activate {
        /// The key to come.
        next: KeyId,
        /// The key that has been.
        last: Option<KeyId>,
        /// Their algorithm.
        algorithm: Algorithm,
    },
    /// A retiring key goes: whatever it signed is over.
    Forget(KeyId, Algorithm),
}

/// What is due for a realm now.
pub fn due(keys: &[Known], now: Timestamp, times: KeyTimes) -> Vec<Step> {
    let mut steps = Vec::new();
    for algorithm in Algorithm::ALL {
        let of = |state| keys.iter().filter(move |known| known.state == state && known.key.algorithm() == algorithm);
        let active = of(KeyState::Active).next();
        match of(KeyState::Announced).next() {
            Some(next) if next.until.is_none_or(|until| until <= now) => {
                let last = active.map(|known| known.key.id().clone());
                steps.push(Step::Activate { next: next.key.id().clone(), last, algorithm });
            }
            Some(_) => {}
            None if active.is_some_and(|known| announced_at(known, times).is_some_and(|at| at <= now)) => {
                steps.push(Step::Announce(algorithm));
            }
            None => {}
        }
        let over = of(KeyState::Retiring).filter(|known| known.until.is_none_or(|until| until <= now));
        steps.extend(over.map(|known| Step::Forget(known.key.id().clone(), algorithm)));
    }
    steps
}

/// When the successor of an active key is announced: so early that it takes over at the end of the key's time.
fn announced_at(active: &Known, times: KeyTimes) -> Option<Timestamp> {
    takes_over_at(active.since, times).map(|end| end.plus_seconds(-times.announce_seconds))
}

/// When the key that has signed since then is due to be followed by another; `None` for never.
pub fn takes_over_at(since: Timestamp, times: KeyTimes) -> Option<Timestamp> {
    (times.rotate_seconds > 0).then(|| since.plus_seconds(times.rotate_seconds))
}

/// For how long a key that stopped signing is still needed, in seconds. Lifetimes of clients may have been
/// lowered since it signed, so what counts is the longest life any token may have; and a node without its
/// database goes on telling tools who came for as long as it may.
pub fn retiring_seconds(settings: &Settings) -> i64 {
    let told = IDENTITY_TOKEN_SECONDS.saturating_add(settings.database_grace_seconds);
    ACCESS_SECONDS_MAX.max(told).saturating_add(KEY_SLACK_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::{Known, Step, due};
    use crate::settings::KeyTimes;
    use doorward_jose::algorithm::Algorithm;
    use doorward_jose::key::SigningKey;
    use doorward_model::dice::Counting;
    use doorward_model::id::KeyId;
    use doorward_model::signing::KeyState;
    use doorward_model::time::Timestamp;
    use std::sync::Arc;

    const TIMES: KeyTimes = KeyTimes { rotate_seconds: 1000, announce_seconds: 100 };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn known(seed: u64, state: KeyState, (since, until): (i64, Option<i64>)) -> Known {
        let id = KeyId::draw(&Counting::new(seed));
        let key =
            SigningKey::generate(Algorithm::Es256).and_then(|pkcs8| SigningKey::parse(id, Algorithm::Es256, &pkcs8));
        let Ok(key) = key else { panic!("a key") };
        Known { state, created_at: at(0), since: at(since), until: until.map(at), key: Arc::new(key) }
    }

    #[test]
    fn a_successor_is_announced_so_early_that_it_takes_over_in_time() {
        let active = [known(1, KeyState::Active, (50, None))];
        assert_eq!(due(&active, at(949), TIMES), []);
        assert_eq!(due(&active, at(950), TIMES), [Step::Announce(Algorithm::Es256)]);
        assert_eq!(due(&active, at(9_000_000), KeyTimes { rotate_seconds: 0, ..TIMES }), []);
        // A clock that was put back takes no step.
        assert_eq!(due(&active, at(0), TIMES), []);
    }

    #[test]
    fn an_announced_key_takes_over_when_its_time_has_come_and_not_before() {
        let active = known(1, KeyState::Active, (0, None));
        let next = known(2, KeyState::Announced, (950, Some(1050)));
        let (last_id, next_id) = (active.key.id().clone(), next.key.id().clone());
        let keys = [next, active];
        assert_eq!(due(&keys, at(1049), TIMES), []);
        let step = Step::Activate { next: next_id, last: Some(last_id), algorithm: Algorithm::Es256 };
        assert_eq!(due(&keys, at(1050), TIMES), std::slice::from_ref(&step));
        // A server that was off for a year takes the same step.
        assert_eq!(due(&keys, at(31_000_000), TIMES), [step]);
    }

    #[test]
    fn a_retiring_key_goes_at_its_end() {
        let keys = [known(2, KeyState::Active, (500, None)), known(1, KeyState::Retiring, (500, Some(700)))];
        assert_eq!(due(&keys, at(699), TIMES), []);
        let Some(old) = keys.last() else { panic!("two keys") };
        assert_eq!(due(&keys, at(700), TIMES), [Step::Forget(old.key.id().clone(), Algorithm::Es256)]);
    }
}
