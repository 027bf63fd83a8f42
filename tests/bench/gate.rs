//! The gate under load with a hundred thousand live sessions, against a bare handler on the same stack.

use crate::figure::{Budget, Figure, median, paired, quantile};
use crate::limits;
use crate::load::{self, Requests, Round};
use crate::peer::{Peer, TICK_US, processor_ticks};
use crate::seed::{Population, Site};
use doorward_testkit::http::Answer;
use std::sync::Arc;

/// `bench gate`
pub fn run() -> bool {
    let site = Site::build(Population { users: limits::USERS, sessions: limits::SESSIONS });
    let requests: Requests = Arc::new(site.requests());
    let bare = Peer::start("bare-http", headers(&site, &requests).as_bytes());
    let gate = Side::new(site.door.port(), site.door.process.pid());
    let handler = Side::new(bare.port, bare.process.pid());
    let (gate, handler) = compare(gate, handler, &requests);
    tell("gate", &gate, &handler, limits::GATE_RATIO_MIN)
}

/// The headers of one real answer of the gate, for the bare handler to give.
fn headers(site: &Site, requests: &Requests) -> String {
    let mut request = Vec::new();
    requests.write(0, &mut request);
    let text = String::from_utf8_lossy(&request).replacen("\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1);
    let bytes = doorward_testkit::http::send_raw(site.door.port(), text.as_bytes());
    let answer = Answer::read(&mut bytes.as_slice(), false).expect("an answer of the gate");
    assert_eq!(answer.status, 200, "the gate refuses a seeded pass: {}", answer.text());
    assert_eq!(answer.header("x-forwarded-user"), Some("person0000000"), "the gate tells somebody else");
    let kept = answer.headers.iter().filter(|(name, _)| {
        !["date", "content-length", "connection"].iter().any(|added| name.eq_ignore_ascii_case(added))
    });
    kept.map(|(name, value)| format!("{name}: {value}\n")).collect()
}

/// Tells how one side did against the other; whether its rate kept the least ratio.
pub fn tell(bench: &'static str, one: &Side, other: &Side, least: f64) -> bool {
    let names = ["rate", "server processor time of a check", "median latency", "p99 latency"];
    tell_as((bench, names), one, other, least)
}

/// As [`tell`], with other names for rate, processor time, median and p99 latency.
pub fn tell_as(
    (bench, [rate, processor, middle, tail]): (&'static str, [&'static str; 4]),
    one: &Side,
    other: &Side,
    least: f64,
) -> bool {
    let tell = |figure, value, unit, baseline, ratio, budget| {
        Figure { bench, figure, value, unit, baseline: Some(baseline), ratio, budget }.tell()
    };
    let ratio = Some(paired(&one.rates, &other.rates));
    let is_kept = tell(rate, median(&one.rates), "1/s", median(&other.rates), ratio, Budget::RatioMin(least));
    let (time, baseline) = (median(&one.processor_us), median(&other.processor_us));
    let ratio = Some(paired(&one.processor_us, &other.processor_us));
    tell(processor, time, "us", baseline, ratio, Budget::None);
    for (figure, share) in [(middle, 0.5), (tail, 0.99)] {
        let (time, baseline) = (quantile(&one.latencies, share), quantile(&other.latencies, share));
        tell(figure, time, "us", baseline, None, Budget::None);
    }
    is_kept
}

/// One of two servers being compared.
pub struct Side {
    port: u16,
    pid: u32,
    rates: Vec<f64>,
    processor_us: Vec<f64>,
    latencies: Vec<f64>,
}

impl Side {
    /// A server nothing has been asked of yet.
    pub fn new(port: u16, pid: u32) -> Side {
        Side { port, pid, rates: Vec::new(), processor_us: Vec::new(), latencies: Vec::new() }
    }

    fn round(&mut self, requests: &Requests) {
        let before = processor_ticks(self.pid);
        let round: Round = load::for_a_while(self.port, requests, limits::ROUND);
        let ticks = processor_ticks(self.pid) - before;
        self.rates.push(round.rate());
        self.processor_us.push(ticks as f64 * TICK_US / round.count as f64);
        self.latencies.extend(round.latencies);
    }
}

/// Warms both sides up, then loads them in turn.
pub fn compare(one: Side, other: Side, requests: &Requests) -> (Side, Side) {
    compare_with(one, other, (requests, requests))
}

/// As [`compare`], with questions of their own.
pub fn compare_with(mut one: Side, mut other: Side, (of_one, of_other): (&Requests, &Requests)) -> (Side, Side) {
    let first = load::each_once(one.port, of_one).rate();
    load::each_once(other.port, of_other);
    eprintln!("first sight of every pass: {first:.0}/s");
    for number in 1..=limits::ROUNDS {
        one.round(of_one);
        other.round(of_other);
        let last = |side: &Side| side.rates.last().copied().unwrap_or_default();
        eprintln!("round {number}: {:.0}/s against {:.0}/s", last(&one), last(&other));
    }
    (one, other)
}
