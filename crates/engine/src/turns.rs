//! Whose password is hashed next. As many are at once as there are cores; whoever has to wait stands in the line of
//! their realm, and the realms take turns. So a flood of one realm costs people of another the check that is under way
//! and one more for each realm that waits, and not the whole flood. Lines are bounded: who finds one full comes back.

use crate::limits;
use doorward_model::id::RealmId;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::oneshot;

/// The cores, and who waits for one.
pub struct Turns(Mutex<Waiting>);

struct Waiting {
    free: usize,
    /// The realm whose turn is next comes first. None is empty.
    lines: VecDeque<Line>,
}

/// Those of one realm, or those whose realm is nobody's business.
struct Line {
    realm: Option<RealmId>,
    places: VecDeque<oneshot::Sender<Turn>>,
}

/// A core, given on when dropped.
pub struct Turn(Arc<Turns>);

impl Turns {
    /// For so many at once.
    pub fn new(cores: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Waiting { free: cores, lines: VecDeque::new() })))
    }

    /// Whether a turn would come at once.
    pub fn is_free(&self) -> bool {
        self.0.lock().free > 0
    }

    /// Waits for a turn; `None` when too many do.
    pub async fn take(self: &Arc<Self>, realm: Option<&RealmId>) -> Option<Turn> {
        let place = {
            let mut waiting = self.0.lock();
            if waiting.free > 0 {
                waiting.free -= 1;
                return Some(Turn(self.clone()));
            }
            waiting.stand(realm)?
        };
        place.await.ok()
    }
}

impl Waiting {
    fn stand(&mut self, realm: Option<&RealmId>) -> Option<oneshot::Receiver<Turn>> {
        let all: usize = self.lines.iter().map(|line| line.places.len()).sum();
        if all >= limits::HASHES_WAITING_IN_ALL {
            return None;
        }
        let (sender, receiver) = oneshot::channel();
        match self.lines.iter_mut().find(|line| line.realm.as_ref() == realm) {
            Some(line) => {
                if line.places.len() >= limits::HASHES_WAITING {
                    // Who has gone away keeps nobody out.
                    line.places.retain(|place| !place.is_closed());
                }
                if line.places.len() >= limits::HASHES_WAITING {
                    return None;
                }
                line.places.push_back(sender);
            }
            None => self.lines.push_back(Line { realm: realm.cloned(), places: VecDeque::from([sender]) }),
        }
        Some(receiver)
    }

    /// The first of the realm whose turn it is, which goes to the end.
    fn next(&mut self) -> Option<oneshot::Sender<Turn>> {
        let mut line = self.lines.pop_front()?;
        let next = line.places.pop_front();
        if !line.places.is_empty() {
            self.lines.push_back(line);
        }
        next
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let next = {
            let mut waiting = self.0.0.lock();
            let next = waiting.next();
            waiting.free += usize::from(next.is_none());
            next
        };
        if let Some(place) = next {
            // Of somebody who has gone away it comes back, is dropped, and so goes on to the next one.
            drop(place.send(Turn(self.0.clone())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Turns;
    use crate::limits;
    use doorward_model::dice::Counting;
    use doorward_model::id::RealmId;
    use std::sync::Arc;

    fn realm(seed: u64) -> RealmId {
        RealmId::draw(&Counting::new(seed))
    }

    /// Waits in a task of its own, and says when its turn has come.
    fn waits(
        turns: &Arc<Turns>,
        realm: &RealmId,
        word: &'static str,
        said: &Arc<parking_lot::Mutex<Vec<&'static str>>>,
    ) {
        let (turns, realm, said) = (turns.clone(), realm.clone(), said.clone());
        drop(tokio::spawn(async move {
            if let Some(_turn) = turns.take(Some(&realm)).await {
                said.lock().push(word);
            }
        }));
    }

    async fn settle() {
        for _ in 0..2000 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn gauntlet_b13_06_realms_take_turns_however_many_of_one_wait() {
        let (turns, said) = (Turns::new(1), Arc::default());
        let (noisy, quiet) = (realm(1), realm(2));
        let held = turns.take(None).await;
        assert!(held.is_some() && !turns.is_free());
        for _ in 0..limits::HASHES_WAITING + 20 {
            waits(&turns, &noisy, "noisy", &said);
        }
        settle().await;
        assert!(turns.take(Some(&noisy)).await.is_none(), "its line is full");
        waits(&turns, &quiet, "quiet", &said);
        settle().await;
        drop(held);
        settle().await;
        let said = said.lock().clone();
        assert_eq!(said.get(..3), Some(["noisy", "quiet", "noisy"].as_slice()), "{said:?}");
        assert_eq!(said.len(), limits::HASHES_WAITING + 1);
        assert!(turns.is_free());
    }

    #[tokio::test]
    async fn who_has_gone_away_holds_nobody_up() {
        let (turns, said) = (Turns::new(1), Arc::default());
        let (noisy, quiet) = (realm(1), realm(2));
        let Some(held) = turns.take(None).await else { panic!("a turn") };
        let gone: Vec<_> = (0..limits::HASHES_WAITING)
            .map(|_| {
                let (turns, noisy) = (turns.clone(), noisy.clone());
                tokio::spawn(async move { turns.take(Some(&noisy)).await.is_some() })
            })
            .collect();
        settle().await;
        gone.iter().for_each(|task| task.abort());
        settle().await;
        waits(&turns, &noisy, "there", &said);
        waits(&turns, &quiet, "there", &said);
        settle().await;
        drop(held);
        settle().await;
        assert_eq!(said.lock().len(), 2, "their places were free again");
        assert!(turns.is_free());
    }
}
