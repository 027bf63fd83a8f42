//! A browser that is signed in is sent back to a client, which gets its tokens: request, code, tokens.

use crate::figure::{Budget, Figure, median};
use crate::limits;
use crate::peer::{TICK_US, processor_ticks};
use crate::provider::{Site, commits};
use crate::talk;

/// `bench authorize`
pub fn run() -> bool {
    let site = Site::build();
    let of_default = round_trips(&site, "default", "RS256");
    let of_small = round_trips(&site, "small", "ES256");
    of_default && of_small
}

fn round_trips(site: &Site, client: &str, algorithm: &'static str) -> bool {
    let secret = site.client(client, algorithm);
    let mut visitors = site.visitors(client, &secret);
    let (port, pid) = (site.door.port(), site.door.process.pid());
    let (mut rates, mut processor_us, mut commit_ms, mut latencies) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for number in 0..=limits::ROUNDS_SHORT {
        let before = processor_ticks(pid);
        let (round, talkers) = talk::for_a_while(port, visitors, limits::ROUND);
        let ticks = processor_ticks(pid) - before;
        visitors = talkers;
        let commits = commits(site.file());
        if number > 0 {
            rates.push(round.rate());
            processor_us.push(ticks as f64 * TICK_US / round.count as f64);
            commit_ms.push(median(&commits));
            eprintln!("round {number}: {:.0} round trips/s, {:.2} ms for a commit", round.rate(), median(&commits));
            latencies.extend(round.latencies);
        }
    }
    let names = match algorithm {
        "ES256" => ["round trips, ES256", "round trips in a second of processor time, ES256", "median time, ES256"],
        _ => ["round trips, RS256", "round trips in a second of processor time, RS256", "median time, RS256"],
    };
    let tell = |figure, value, unit, baseline, budget| {
        Figure { bench: "authorize", figure, value, unit, baseline, ratio: None, budget }.tell()
    };
    // Each takes two commits, one after the other: one for the code, one for the tokens.
    let most = 1e3 / median(&commit_ms) / 2.0;
    tell(names[0], median(&rates), "1/s", Some(most), Budget::None);
    tell(names[2], median(&latencies) / 1e3, "ms", Some(median(&commit_ms)), Budget::None);
    let budget = Budget::Min(limits::AUTHORIZE_MIN);
    tell(names[1], 1e6 / median(&processor_us), "1/s", None, budget)
}
