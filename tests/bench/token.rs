//! Tokens for programs, against signatures alone; and refreshed tokens, beside what a durable commit takes.

use crate::cores::Halves;
use crate::figure::{Budget, Figure, median, paired};
use crate::limits;
use crate::load::{self, Questions, Requests};
use crate::peer::{TICK_US, processor_ticks};
use crate::provider::{BASE, Keeper, Site, commits, secret};
use crate::talk;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use std::sync::Arc;
use std::time::Instant;

/// `bench token`
pub fn run() -> bool {
    let is_kept = machines();
    refreshes(&Site::build());
    is_kept
}

/// Rates of one side, by the clock and by the processor.
#[derive(Default)]
struct Rates {
    by_clock: Vec<f64>,
    by_processor: Vec<f64>,
}

impl Rates {
    fn push(&mut self, count: usize, seconds: f64, ticks: u64) {
        self.by_clock.push(count as f64 / seconds);
        self.by_processor.push(count as f64 / (ticks as f64 * TICK_US / 1e6));
    }
}

fn machines() -> bool {
    // The load and the server each have processors of their own, and the signatures are made on the server's.
    let halves = Halves::split();
    let site = at_server(halves.as_ref(), Site::build);
    let secret = secret(&site.door, &["client", "create", "ci", "--service", "--algorithm", "ES256"]);
    let question = talk::form(
        &format!("{BASE}/token"),
        &format!("grant_type=client_credentials&client_id=ci&client_secret={secret}"),
    );
    let own = (0..limits::CONNECTIONS).map(|_| Default::default()).collect();
    let questions = Questions::new([question, String::new(), String::new()], own).with_bodies();
    let requests: Requests = Arc::new(match &halves {
        Some(halves) => questions.on_processors_of_its_own(halves.load()),
        None => questions,
    });
    let (port, pid) = (site.door.port(), site.door.process.pid());
    load::each_once(port, &requests);
    let (mut tokens, mut signatures) = (Rates::default(), Rates::default());
    for number in 1..=limits::ROUNDS {
        let before = processor_ticks(pid);
        let round = load::for_a_while(port, &requests, limits::ROUND);
        tokens.push(round.count, round.seconds, processor_ticks(pid) - before);
        let before = processor_ticks(std::process::id());
        let (count, seconds) = at_server(halves.as_ref(), sign);
        signatures.push(count, seconds, processor_ticks(std::process::id()) - before);
        let last = |rates: &Rates| rates.by_clock.last().copied().unwrap_or_default();
        eprintln!("round {number}: {:.0} tokens/s against {:.0} signatures/s", last(&tokens), last(&signatures));
    }
    let tell = |figure, value: &[f64], baseline: &[f64], budget| {
        let ratio = Some(paired(value, baseline));
        let (value, baseline) = (median(value), Some(median(baseline)));
        Figure { bench: "token", figure, value, unit: "1/s", baseline, ratio, budget }.tell()
    };
    tell("client credentials", &tokens.by_clock, &signatures.by_clock, Budget::None);
    let budget = Budget::RatioMin(limits::TOKEN_RATIO_MIN);
    tell("client credentials in a second of processor time", &tokens.by_processor, &signatures.by_processor, budget)
}

fn at_server<T>(halves: Option<&Halves>, work: impl FnOnce() -> T) -> T {
    match halves {
        Some(halves) => halves.at_server(work),
        None => work(),
    }
}

/// ES256 signatures alone on every processor there is for it for a while: how many, in how many seconds.
fn sign() -> (usize, f64) {
    let begun = Instant::now();
    let threads: Vec<_> = (0..std::thread::available_parallelism().map_or(1, usize::from))
        .map(|_| {
            std::thread::spawn(move || {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
                let random = SystemRandom::new();
                let message = [7u8; 600];
                let mut count = 0;
                while begun.elapsed() < limits::SIGNING {
                    std::hint::black_box(pair.sign(&random, &message).expect("a signature"));
                    count += 1;
                }
                count
            })
        })
        .collect();
    let count = threads.into_iter().map(|thread| thread.join().expect("a thread that signs")).sum();
    (count, begun.elapsed().as_secs_f64())
}

fn refreshes(site: &Site) {
    let secret = site.client("keeper", "ES256");
    let mut keepers: Vec<Keeper> = site.visitors("keeper", &secret).into_iter().map(Keeper).collect();
    let (port, pid) = (site.door.port(), site.door.process.pid());
    let (mut rates, mut processor_us, mut commit_ms) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..=limits::ROUNDS_SHORT {
        let before = processor_ticks(pid);
        let (round, talkers) = talk::for_a_while(port, keepers, limits::ROUND);
        keepers = talkers;
        let commits = commits(site.file());
        // The first round brings everybody their first refresh token.
        if number > 0 {
            rates.push(round.rate());
            processor_us.push((processor_ticks(pid) - before) as f64 * TICK_US / round.count as f64);
            eprintln!("round {number}: {:.0} refreshes/s, {:.2} ms for a commit", round.rate(), median(&commits));
            commit_ms.push(median(&commits));
        }
    }
    let tell = |figure, value, unit, baseline| {
        Figure { bench: "token", figure, value, unit, baseline, ratio: None, budget: Budget::None }.tell()
    };
    let commit = median(&commit_ms);
    tell("refreshes, against commits one after the other", median(&rates), "1/s", Some(1e3 / commit));
    tell("one durable commit of the same database", commit, "ms", None);
    tell("server processor time of a refresh", median(&processor_us), "us", None);
}
