//! How many wrong passwords are tried. A place is reserved before a password is checked, so parallel
//! guesses cannot run past the limit; it is given back when the password was right. A browser that has
//! signed in to the account before has a budget of its own: strangers cannot lock a person out.

use crate::door::Door;
use crate::limits;
use doorward_model::context::Ctx;
use doorward_model::fault::Fault;
use doorward_model::secret::TokenHash;
use doorward_model::time::Timestamp;
use doorward_store::throttles;
use std::net::IpAddr;

/// One counter an attempt must find a place under.
struct Counter {
    name: String,
    limit: i64,
    seconds: i64,
}

/// Places reserved for one attempt.
pub struct Reserved(Vec<String>);

/// The outcome of asking for a place.
pub enum Place {
    /// Go ahead.
    Free(Reserved),
    /// Too many failures: try again then.
    Taken {
        /// When the window ends.
        until: Timestamp,
    },
}

/// Reserves a place under every counter that applies. `account` is the user's id, or the name typed
/// when there is no such user, so that both cost and count alike.
pub async fn reserve(door: &Door, ctx: &Ctx, account: &str, device: Option<&TokenHash>) -> Result<Place, Fault> {
    let counters = counters(account, &ctx.client_address(), device);
    let mut tx = door.begin().await?;
    let mut names = Vec::new();
    for counter in &counters {
        let window_ends = ctx.now.plus_seconds(counter.seconds);
        if !throttles::reserve(&mut tx, &counter.name, counter.limit, (ctx.now, window_ends)).await? {
            // Dropping the transaction gives the places reserved so far back.
            let ends = throttles::window_ends(&mut tx, &counter.name).await?;
            return Ok(Place::Taken { until: ends.unwrap_or(window_ends) });
        }
        names.push(counter.name.clone());
    }
    door.commit(ctx, tx).await?;
    Ok(Place::Free(Reserved(names)))
}

/// Gives the places back: the attempt was no failure. The account's own counter starts anew.
pub async fn release(tx: &mut doorward_store::tx::Tx, reserved: &Reserved) -> Result<(), Fault> {
    for (index, name) in reserved.0.iter().enumerate() {
        if index == 0 {
            throttles::clear(tx, name).await?;
        } else {
            throttles::release(tx, name).await?;
        }
    }
    Ok(())
}

fn counters(account: &str, client_address: &str, device: Option<&TokenHash>) -> Vec<Counter> {
    if let Some(device) = device {
        let name = format!("device {} {account}", device.hex());
        return vec![Counter { name, limit: limits::FAILURES_PER_DEVICE, seconds: limits::PAIR_SECONDS }];
    }
    let network = network(client_address);
    vec![
        Counter {
            name: format!("pair {network} {account}"),
            limit: limits::FAILURES_PER_PAIR,
            seconds: limits::PAIR_SECONDS,
        },
        Counter {
            name: format!("account {account}"),
            limit: limits::FAILURES_PER_ACCOUNT,
            seconds: limits::ACCOUNT_SECONDS,
        },
        Counter {
            name: format!("network {network}"),
            limit: limits::FAILURES_PER_NETWORK,
            seconds: limits::NETWORK_SECONDS,
        },
    ]
}

/// The network an address belongs to: a single IPv4 address, or an IPv6 /64, which one host can use up.
fn network(client_address: &str) -> String {
    match client_address.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        Ok(IpAddr::V4(address)) => address.to_string(),
        Err(_) => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{counters, network};

    #[test]
    fn one_ipv6_host_is_one_network() {
        assert_eq!(network("2001:db8:1:2:aaaa::1"), network("2001:db8:1:2:bbbb::2"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
    }

    #[test]
    fn gauntlet_b11_02_a_known_browser_is_counted_apart_from_strangers() {
        let token = doorward_model::secret::PlainToken::draw(
            doorward_model::secret::TokenKind::Device,
            &doorward_model::dice::Counting::new(5),
        );
        let known: Vec<_> = counters("usr", "192.0.2.1", Some(&token.hash())).into_iter().map(|c| c.name).collect();
        let stranger: Vec<_> = counters("usr", "192.0.2.1", None).into_iter().map(|c| c.name).collect();
        assert!(known.iter().all(|name| !stranger.contains(name)));
    }
}
