//! Acting on changes: this process's own at once, other nodes' as the feed shows them.

use crate::clients::Client;
use crate::limits;
use crate::live::Live;
use crate::live::people::LiveSession;
use doorward_model::change::Change;
use doorward_model::fault::Fault;
use doorward_model::id::RealmId;
use doorward_model::session::ServiceToken;
use doorward_model::time::Timestamp;
use doorward_store::changes::{self, Span};
use doorward_store::store::Store;
use std::collections::VecDeque;
use std::sync::atomic::Ordering;

/// The changes of the last moments, to tell whether something just loaded is already old.
pub(crate) struct Recent {
    count: u64,
    changes: VecDeque<Option<Change>>,
}

/// What a loaded entry rests on.
pub(crate) enum Touched<'a> {
    Session(&'a LiveSession),
    Token(&'a ServiceToken),
    Client(&'a Client),
    Realm(&'a RealmId),
    /// Roles of clients hang together with those of others, however far around.
    Roles,
}

impl Touched<'_> {
    /// Whether a change concerns it. An unknown change concerns everything.
    fn by(&self, change: Option<&Change>) -> bool {
        match (self, change) {
            (_, None) => true,
            (Self::Session(live), Some(Change::User(id))) => live.person.user.id == *id,
            (Self::Session(live), Some(Change::Session(id))) => live.id == *id,
            (Self::Session(live), Some(Change::Groups(realm))) => live.person.user.realm_id == *realm,
            (Self::Token(token), Some(Change::ServiceToken(id))) => token.id == *id,
            (Self::Token(token), Some(Change::User(id))) => token.owner.as_ref() == Some(id),
            (Self::Token(token), Some(Change::Groups(realm))) => token.owner.is_some() && token.realm_id == *realm,
            (Self::Client(client), Some(Change::Client(id))) => client.id == *id,
            (Self::Client(client), Some(Change::Realm(id))) => client.realm_id == *id,
            // Deleting an app deletes its clients.
            (Self::Client(_), Some(Change::Apps)) => true,
            (Self::Realm(realm), Some(Change::Realm(id))) => **realm == *id,
            // Said when a realm has another title.
            (Self::Realm(_), Some(Change::Apps)) => true,
            (Self::Roles, Some(change)) => moves_roles(change),
            (Self::Session(_) | Self::Token(_) | Self::Client(_) | Self::Realm(_), Some(_)) => false,
        }
    }
}

/// Whether a change may give a client a role or take one from it: a role is given, put into another, or deleted, by
/// itself or with the client it belongs to.
fn moves_roles(change: &Change) -> bool {
    match change {
        Change::Client(_) | Change::Groups(_) | Change::Realm(_) | Change::Apps => true,
        Change::User(_) | Change::Session(_) | Change::ServiceToken(_) | Change::Keys => false,
    }
}

impl Recent {
    pub(crate) fn new() -> Self {
        Self { count: 0, changes: VecDeque::new() }
    }

    fn push(&mut self, change: Option<Change>) {
        self.count += 1;
        self.changes.push_back(change);
        if self.changes.len() > limits::CHANGES_REMEMBERED {
            self.changes.pop_front();
        }
    }

    fn touched_since(&self, mark: u64, touched: &Touched<'_>) -> bool {
        let missed = usize::try_from(self.count - mark).unwrap_or(usize::MAX);
        missed > self.changes.len() || self.changes.iter().rev().take(missed).any(|change| touched.by(change.as_ref()))
    }
}

/// Whether entries were missed, or the feed is not the one that was read so far: the database was put back, or a standby
/// took over that had not received all. Then nothing in memory can be trusted.
fn is_torn(span: Span, place: i64, place_ms: i64) -> bool {
    let is_missed = span.newest < place || (span.oldest > place + 1 && place != span.newest);
    let is_another = place > 0 && span.oldest <= place && span.at_place.map(Timestamp::millis) != Some(place_ms);
    is_missed || is_another
}

impl Live {
    /// Where the changes stand now; taken before a load.
    pub(crate) fn mark(&self) -> u64 {
        self.recent.lock().count
    }

    /// Keeps what was loaded, unless something it rests on has changed since the mark. Holding the lock
    /// while keeping means that no change can slip in between.
    pub(crate) fn keep(&self, mark: u64, touched: &Touched<'_>, put: impl FnOnce()) {
        let recent = self.recent.lock();
        if !recent.touched_since(mark, touched) {
            put();
        }
    }

    /// Acts on changes this process has committed.
    pub async fn apply(&self, store: &Store, changes: &[Change]) -> Result<(), Fault> {
        for change in changes {
            self.forget(Some(change));
        }
        if changes.contains(&Change::Apps) { self.reload_apps(store).await } else { Ok(()) }
    }

    /// Reads the feed to its end and acts on it. `now` is when this node was last in step.
    pub async fn catch_up(&self, store: &Store, now: Timestamp) -> Result<(), Fault> {
        let asked = self.looks_begun.load(Ordering::Acquire);
        let mut done = self.following.lock().await;
        // Somebody who came later has looked already, and found what was there for this one too.
        if *done > asked {
            return Ok(());
        }
        let this = self.looks_begun.fetch_add(1, Ordering::AcqRel) + 1;
        let outcome = self.look(store, now).await;
        self.out_of_reach.store(outcome.is_err(), Ordering::Relaxed);
        if outcome.is_ok() {
            *done = this;
        }
        outcome
    }

    async fn look(&self, store: &Store, now: Timestamp) -> Result<(), Fault> {
        let mut place = self.place.load(Ordering::Acquire);
        let first_time = self.synced_ms.load(Ordering::Acquire) == i64::MIN;
        let mut place_ms = self.place_ms.load(Ordering::Acquire);
        let span = changes::span(&mut &*store, place).await?;
        let (newest, at_newest) = (span.newest, span.at_newest.map_or(i64::MIN, Timestamp::millis));
        let mut apps_changed = first_time;
        if first_time {
            (place, place_ms) = (newest, at_newest);
        } else if is_torn(span, place, place_ms) {
            self.forget(None);
            (place, place_ms, apps_changed) = (newest, at_newest, true);
        }
        while place < newest {
            let entries = changes::after(&mut &*store, place).await?;
            let Some(last) = entries.last() else { break };
            (place, place_ms) = (last.sequence, last.at.millis());
            for entry in &entries {
                self.forget(entry.change.as_ref());
                apps_changed |= matches!(entry.change, Some(Change::Apps) | None);
            }
        }
        if apps_changed {
            self.reload_apps(store).await?;
        }
        self.place.store(place, Ordering::Release);
        self.place_ms.store(place_ms, Ordering::Release);
        self.synced_ms.store(now.millis(), Ordering::Release);
        Ok(())
    }

    /// How far in the feed this node is.
    pub fn place(&self) -> i64 {
        self.place.load(Ordering::Acquire)
    }

    /// When this node was last in step with the database.
    pub fn synced_at(&self) -> Timestamp {
        Timestamp::from_millis(self.synced_ms.load(Ordering::Acquire))
    }

    /// Whether signing keys changed since the last call.
    pub fn take_keys_changed(&self) -> bool {
        self.keys_changed.swap(false, Ordering::AcqRel)
    }

    /// Keys still have to be loaded.
    pub fn note_keys_changed(&self) {
        self.keys_changed.store(true, Ordering::Release);
    }

    fn forget(&self, change: Option<&Change>) {
        let mut recent = self.recent.lock();
        recent.push(change.cloned());
        if change.is_none_or(moves_roles) {
            self.roles.retain(|_, _| false);
        }
        match change {
            Some(Change::User(id)) => {
                if let Some(person) = self.people.remove(id) {
                    person.is_stale.store(true, Ordering::Release);
                }
                self.forget_tokens(|token| token.owner.as_ref() == Some(id));
            }
            Some(Change::Session(id)) => {
                if let Some(session) = self.sessions.remove(id) {
                    session.is_ended.store(true, Ordering::Release);
                }
            }
            Some(Change::Groups(realm)) => {
                self.people.retain(|_, person| {
                    let stays = person.user.realm_id != *realm;
                    person.is_stale.fetch_or(!stays, Ordering::AcqRel);
                    stays
                });
                self.forget_tokens(|token| token.owner.is_some() && token.realm_id == *realm);
            }
            Some(Change::ServiceToken(id)) => self.forget_tokens(|token| token.id == *id),
            Some(Change::Client(id)) => self.clients.retain(|_, client| client.id != *id),
            Some(Change::Apps) => {
                self.clients.retain(|_, client| client.app_id.is_none());
                self.realms.retain(|_, _| false);
            }
            Some(Change::Realm(id)) => {
                self.clients.retain(|_, client| client.realm_id != *id);
                self.realms.retain(|_, realm| realm.id != *id);
            }
            Some(Change::Keys) => self.keys_changed.store(true, Ordering::Release),
            None => self.forget_everything(),
        }
    }

    fn forget_tokens(&self, which: impl Fn(&ServiceToken) -> bool) {
        self.tokens.retain(|_, live| {
            let stays = !which(&live.token);
            live.is_revoked.fetch_or(!stays, Ordering::AcqRel);
            stays
        });
    }

    fn forget_everything(&self) {
        self.people.retain(|_, person| {
            person.is_stale.store(true, Ordering::Release);
            false
        });
        self.sessions.retain(|_, session| {
            session.is_ended.store(true, Ordering::Release);
            false
        });
        self.tokens.retain(|_, token| {
            token.is_revoked.store(true, Ordering::Release);
            false
        });
        self.passes.retain(|_, _| false);
        self.clients.retain(|_, _| false);
        self.realms.retain(|_, _| false);
        self.keys_changed.store(true, Ordering::Release);
    }

    /// Lets go of entries that are over or no longer true. What leaves is marked, because a pass kept at
    /// this very moment may rest on it and no change would reach it any more.
    pub fn sweep(&self, now: Timestamp) {
        self.passes.retain(|_, pass| pass.is_current() && pass.session.is_live(now));
        self.sessions.retain(|_, session| {
            let stays = session.is_live(now);
            session.is_ended.fetch_or(!stays, Ordering::AcqRel);
            stays
        });
        self.tokens.retain(|_, token| now < token.token.expires_at);
        self.guesses.sweep(now);
        self.denials.lock().retain(|_, at| now.millis_since(*at) < limits::DENIALS_EVERY_SECONDS * 1000);
        let mut used = std::collections::HashSet::new();
        self.sessions.retain(|_, session| {
            used.insert(session.person.user.id.clone());
            true
        });
        self.people.retain(|id, person| {
            let stays = used.contains(id);
            person.is_stale.fetch_or(!stays, Ordering::AcqRel);
            stays
        });
    }
}
