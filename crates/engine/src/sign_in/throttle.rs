//! How many wrong passwords are tried. A place is reserved before a password is checked, so parallel
//! guesses cannot run past the limit; it is given back when the password was right. Failures count under
//! the name that was typed, known or not, and besides, without showing it, under the user it belongs to:
//! so other spellings and the e-mail address gain nothing, and nobody learns that they belong together.
//! A browser that has signed in to the account before has a budget of its own: strangers cannot lock a
//! person out.

use crate::door::Door;
use crate::limits;
use doorward_model::context::Ctx;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::Fault;
use doorward_model::id::{RealmId, UserId};
use doorward_model::secret::TokenHash;
use doorward_model::time::Timestamp;
use doorward_store::throttles::{self, Settle, Wanted};
use doorward_store::tx::Tx;
use std::fmt;
use std::net::IpAddr;

/// Whom an attempt is about.
pub struct Account<'a> {
    /// The realm.
    pub realm: &'a RealmId,
    /// The name typed, in canonical form.
    pub typed: &'a str,
    /// The user it belongs to; a made-up id when there is none, so that both cost the same.
    pub user: &'a UserId,
    /// Whether there is such a user, for the record.
    pub is_known: bool,
    /// The browser, when it has signed in to this account before.
    pub device: Option<&'a TokenHash>,
}

/// One counter an attempt must find a place under.
#[derive(Clone)]
struct Counter {
    name: String,
    limit: i64,
    seconds: i64,
    /// Counts failures of this account alone, so that a success wipes it.
    is_of_account: bool,
    shows: Shows,
}

/// To whom it shows when a counter is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shows {
    /// To whoever types the name, known or not.
    Name,
    /// To nobody: it would tell that the name belongs to a user.
    Nothing,
    /// To a browser that has signed in to the account before.
    ToDevice,
    /// To everybody there.
    Network,
}

/// Places reserved for one attempt.
#[derive(Clone)]
pub struct Reserved(Vec<Counter>);

/// The outcome of asking for a place.
pub enum Place {
    /// Go ahead.
    Free(Reserved),
    /// Too many failures: try again then.
    Taken {
        /// When the window ends.
        until: Timestamp,
    },
    /// Too many failures of the user under other names: answer as for a wrong password.
    SilentlyTaken,
}

/// Reserves a place under every counter that applies.
pub async fn reserve(door: &Door, ctx: &Ctx, account: &Account<'_>) -> Result<Place, Fault> {
    Asked::of(ctx, account).reserve(door, ctx).await
}

/// Reserves a place for somebody whom another name than their own has led to. `key` is the user's id, or what else stands
/// for them: never what was typed.
pub async fn reserve_found(
    door: &Door,
    ctx: &Ctx,
    (realm, key): (&RealmId, &str),
    device: Option<&TokenHash>,
) -> Result<Place, Fault> {
    let counters = counters_of(key, device, Network::of(ctx));
    Asked { realm, subject: String::new(), counters }.reserve(door, ctx).await
}

/// A place that is asked for.
pub(super) struct Asked<'a> {
    realm: &'a RealmId,
    subject: String,
    counters: Vec<Counter>,
}

impl<'a> Asked<'a> {
    /// For an attempt of an account.
    pub(super) fn of(ctx: &Ctx, account: &Account<'a>) -> Self {
        let counters = counters(account, Network::of(ctx));
        let subject = if account.is_known { account.user.to_string() } else { String::new() };
        Self { realm: account.realm, subject, counters }
    }

    /// The realm it is in.
    pub(super) fn realm(&self) -> &'a RealmId {
        self.realm
    }

    /// Whether there is none, as far as a read can tell: those who are refused anyway must not make others wait for the
    /// writer, nor for a password to be hashed.
    pub(super) async fn full(&self, door: &Door, ctx: &Ctx) -> Result<Option<Place>, Fault> {
        let names: Vec<&str> = self.counters.iter().map(|counter| counter.name.as_str()).collect();
        let counts = throttles::counts(&mut &door.store, &names, ctx.now).await?;
        Ok(self.counters.iter().find_map(|counter| {
            let count = counts.iter().find(|count| count.name == counter.name && count.taken >= counter.limit)?;
            Some(counter.taken(count.window_ends))
        }))
    }

    async fn reserve(self, door: &Door, ctx: &Ctx) -> Result<Place, Fault> {
        match self.full(door, ctx).await? {
            Some(full) => Ok(full),
            None => self.take(door, ctx).await,
        }
    }

    /// Takes it, if it is there.
    pub(super) async fn take(self, door: &Door, ctx: &Ctx) -> Result<Place, Fault> {
        let Self { realm, subject, counters } = self;
        let wanted: Vec<Wanted<'_>> = counters.iter().map(|counter| counter.wanted(ctx.now)).collect();
        let mut tx = door.begin().await?;
        let taken = throttles::reserve_all(&mut tx, &wanted, ctx.now).await?;
        let taken_under =
            |counter: &Counter| taken.iter().find(|(name, _)| *name == counter.name).map(|(_, taken)| *taken);
        if let Some(counter) = counters.iter().find(|counter| taken_under(counter).is_none()) {
            // Dropping the transaction gives the places reserved under the others back.
            return Ok(counter.taken(counter.window_ends(ctx.now)));
        }
        // The last place: what follows is refused, and recorded once, here.
        if let Some(counter) = counters.iter().find(|counter| taken_under(counter) == Some(counter.limit)) {
            let detail = format!("no more attempts until {}", counter.window_ends(ctx.now).rfc3339());
            tx.record(Event::new(EventKind::SignInThrottled, Some(realm), subject, detail));
        }
        door.commit(ctx, tx).await?;
        Ok(Place::Free(Reserved(counters)))
    }
}

/// The password was right: the account's counters start anew, the others get their place back.
pub async fn succeeded(tx: &mut Tx, reserved: &Reserved) -> Result<(), Fault> {
    let how = |counter: &Counter| if counter.is_of_account { Settle::Forget } else { Settle::GiveBack };
    let places: Vec<_> = reserved.0.iter().map(|counter| (counter.name.as_str(), how(counter))).collect();
    throttles::settle(tx, &places).await
}

/// The password was not even checked: exactly the reserved places go back.
pub async fn give_back(door: &Door, ctx: &Ctx, reserved: &Reserved) -> Result<(), Fault> {
    let mut tx = door.begin().await?;
    let places: Vec<_> = reserved.0.iter().map(|counter| (counter.name.as_str(), Settle::GiveBack)).collect();
    throttles::settle(&mut tx, &places).await?;
    door.commit(ctx, tx).await
}

/// A directory that may know who it is did not answer, so nothing is told: not by what can be seen of the counters either.
/// Whether a password was compared or not, the places under the name go back and the network's stays taken. What counts
/// silently stays taken when one was compared: a directory that is away makes no guess free.
pub(super) async fn unanswered(tx: &mut Tx, reserved: &[Reserved], was_compared: bool) -> Result<(), Fault> {
    let stays = |counter: &&Counter| match counter.shows {
        Shows::Network => true,
        Shows::Nothing | Shows::ToDevice => was_compared,
        Shows::Name => false,
    };
    for Reserved(counters) in reserved {
        let free = counters.iter().filter(|counter| !stays(counter));
        let places: Vec<_> = free.map(|counter| (counter.name.as_str(), Settle::GiveBack)).collect();
        throttles::settle(tx, &places).await?;
    }
    Ok(())
}

impl Counter {
    /// When a window that begins now ends.
    fn window_ends(&self, now: Timestamp) -> Timestamp {
        now.plus_seconds(self.seconds)
    }

    fn wanted(&self, now: Timestamp) -> Wanted<'_> {
        Wanted { name: &self.name, limit: self.limit, window_ends: self.window_ends(now) }
    }

    fn taken(&self, until: Timestamp) -> Place {
        if self.shows == Shows::Nothing { Place::SilentlyTaken } else { Place::Taken { until } }
    }
}

fn counters(account: &Account<'_>, network: Network) -> Vec<Counter> {
    let Account { realm, typed, user, device, .. } = account;
    let of_user = counters_of(user.as_str(), *device, network);
    if device.is_some() {
        return of_user;
    }
    let (pair, whole) = (limits::FAILURES_PER_PAIR, limits::FAILURES_PER_ACCOUNT);
    let mut all =
        vec![counter(format!("pair {network} {realm} {typed}"), pair, limits::PAIR_SECONDS, (true, Shows::Name))];
    all.extend(of_user);
    all.push(counter(format!("name {realm} {typed}"), whole, limits::ACCOUNT_SECONDS, (false, Shows::Name)));
    let most = limits::FAILURES_PER_NETWORK;
    all.push(counter(format!("network {network}"), most, limits::NETWORK_SECONDS, (false, Shows::Network)));
    all
}

/// Those that count whatever name was typed.
fn counters_of(user: &str, device: Option<&TokenHash>, network: Network) -> Vec<Counter> {
    if let Some(device) = device {
        let name = format!("device {} {user}", device.hex());
        return vec![counter(name, limits::FAILURES_PER_DEVICE, limits::PAIR_SECONDS, (true, Shows::ToDevice))];
    }
    let (pair, whole) = (limits::FAILURES_PER_PAIR, limits::FAILURES_PER_ACCOUNT);
    vec![
        counter(format!("pair {network} {user}"), pair, limits::PAIR_SECONDS, (true, Shows::Nothing)),
        counter(format!("user {user}"), whole, limits::ACCOUNT_SECONDS, (false, Shows::Nothing)),
    ]
}

fn counter(name: String, limit: i64, seconds: i64, (is_of_account, shows): (bool, Shows)) -> Counter {
    Counter { name, limit, seconds, is_of_account, shows }
}

/// The network an address belongs to: a single IPv4 address, or an IPv6 /64, which one host can use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Network(Option<IpAddr>);

impl Network {
    /// Where a request came from.
    pub(crate) fn of(ctx: &Ctx) -> Self {
        Self(ctx.client.map(|address| match address.to_canonical() {
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                IpAddr::from([a, b, c, d, 0, 0, 0, 0])
            }
            single => single,
        }))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(IpAddr::V6(address)) => {
                let [a, b, c, d, ..] = address.segments();
                write!(f, "{a:x}:{b:x}:{c:x}:{d:x}::/64")
            }
            Some(IpAddr::V4(address)) => write!(f, "{address}"),
            None => f.write_str("unknown"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Account, Network, counters};
    use doorward_model::context::{Ctx, RequestTag};
    use doorward_model::dice::Counting;
    use doorward_model::event::Actor;
    use doorward_model::id::{RealmId, UserId};
    use doorward_model::secret::{PlainToken, TokenKind};
    use doorward_model::time::Timestamp;

    fn from(address: &str) -> Network {
        let client = address.parse().ok();
        let (now, request) = (Timestamp::from_millis(0), RequestTag::new(0, 0));
        Network::of(&Ctx { now, actor: Actor::Visitor, request, client, certificate: None })
    }

    #[test]
    fn one_ipv6_host_is_one_network() {
        assert_eq!(from("2001:db8:1:2:aaaa::1"), from("2001:db8:1:2:bbbb::2"));
        assert_ne!(from("2001:db8:1:2::1"), from("2001:db8:1:3::1"));
        assert_eq!(from("::ffff:192.0.2.1"), from("192.0.2.1"));
        let told = ["2001:db8:1:2:aaaa::1", "::ffff:192.0.2.1", ""].map(|address| from(address).to_string());
        assert_eq!(told, ["2001:db8:1:2::/64", "192.0.2.1", "unknown"]);
    }

    #[test]
    fn gauntlet_b11_02_a_known_browser_is_counted_apart_from_strangers() {
        let dice = Counting::new(5);
        let (realm, user) = (RealmId::draw(&dice), UserId::draw(&dice));
        let device = PlainToken::draw(TokenKind::Device, &dice).hash();
        let names = |device| {
            let account = Account { realm: &realm, typed: "ada", user: &user, is_known: true, device };
            counters(&account, from("192.0.2.1")).into_iter().map(|counter| counter.name).collect::<Vec<_>>()
        };
        let (known, stranger) = (names(Some(&device)), names(None));
        assert!(known.iter().all(|name| !stranger.contains(name)));
    }
}
