//! Envoy's check over gRPC with a hundred thousand live sessions, against a bare tonic responder on the same stack.

use crate::figure::{Budget, Figure, median, paired};
use crate::limits;
use crate::load::{self, Requests};
use crate::peer::{Peer, TICK_US, processor_ticks};
use crate::seed::{Population, Site};
use doorward_testkit::scratch::Scratch;
use doorward_testkit::tools::debian_program;
use envoy_types::pb::envoy::service::auth::v3::attribute_context::{HttpRequest, Request};
use envoy_types::pb::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use envoy_types::pb::envoy::service::auth::v3::check_response::HttpResponse;
use envoy_types::pb::envoy::service::auth::v3::{AttributeContext, CheckRequest, CheckResponse};
use prost::Message as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

/// `bench extauthz`
pub fn run() -> bool {
    let site = Site::build(Population { users: limits::USERS, sessions: limits::SESSIONS });
    let requests: Requests = Arc::new(site.requests());
    // Brings every session into memory, so that the checks are made among a hundred thousand.
    load::each_once(site.door.port(), &requests);
    let answer = ask(&site, 0);
    let bare = Peer::start("bare-grpc", &answer.encode_to_vec());
    let mut gate = Side::new(site.door.grpc_port(), site.door.process.pid());
    let mut responder = Side::new(bare.port, bare.process.pid());
    let scratch = Scratch::new("bench-grpc");
    for number in 0..=limits::ROUNDS {
        // Another pass every round; both servers get the same one.
        let body = framed(&check(&site, number * 7919 % site.passes.len()));
        let file = scratch.join("check");
        std::fs::write(&file, body).expect("a file in a directory of our own");
        for side in [&mut gate, &mut responder] {
            side.round(&file, number > 0);
        }
        let last = |side: &Side| side.rates.last().copied().unwrap_or_default();
        eprintln!("round {number}: {:.0}/s against {:.0}/s", last(&gate), last(&responder));
    }
    let tell = |figure, value: &[f64], unit, baseline: &[f64], budget| {
        let ratio = Some(paired(value, baseline));
        let (value, baseline) = (median(value), Some(median(baseline)));
        Figure { bench: "extauthz", figure, value, unit, baseline, ratio, budget }.tell()
    };
    let least = Budget::RatioMin(limits::GATE_RATIO_MIN);
    let is_kept = tell("rate", &gate.rates, "1/s", &responder.rates, least);
    let times = (&gate.processor_us, &responder.processor_us);
    tell("server processor time of a check", times.0, "us", times.1, Budget::None);
    is_kept
}

/// The check Envoy would send about a session's request.
fn check(site: &Site, number: usize) -> CheckRequest {
    let (pass, host) = site.passes.get(number).expect("a session of that number");
    let authority = format!("{host}:{}", site.door.port());
    let headers = [
        (":authority", authority.as_str()),
        (":method", "GET"),
        (":path", "/runs/7?tab=all"),
        (":scheme", "http"),
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
        ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
        ("accept-language", "en-GB,en;q=0.5"),
        ("accept-encoding", "gzip, deflate, br"),
        ("x-forwarded-proto", "http"),
        ("x-request-id", "5a0b3a52-8a67-4b0a-9d3c-3e2f1d0c9b8a"),
    ];
    let mut headers: std::collections::HashMap<String, String> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    headers.insert("cookie".to_owned(), format!("theme=dark; {pass}"));
    let http = HttpRequest {
        id: "1".to_owned(),
        method: "GET".to_owned(),
        headers,
        path: "/runs/7?tab=all".to_owned(),
        host: authority,
        scheme: "http".to_owned(),
        protocol: "HTTP/1.1".to_owned(),
        ..HttpRequest::default()
    };
    let request = Request { http: Some(http), ..Request::default() };
    CheckRequest { attributes: Some(AttributeContext { request: Some(request), ..AttributeContext::default() }) }
}

/// One real check; what it says is what the bare responder will say.
fn ask(site: &Site, number: usize) -> CheckResponse {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let answer = runtime.block_on(async {
        let address = format!("http://127.0.0.1:{}", site.door.grpc_port());
        let mut client = AuthorizationClient::connect(address).await.expect("the gRPC listener");
        client.check(check(site, number)).await.expect("grpc-status 0").into_inner()
    });
    assert_eq!(answer.status.as_ref().map(|status| status.code), Some(0), "the gate refuses a seeded pass");
    assert!(matches!(answer.http_response, Some(HttpResponse::OkResponse(_))), "an answer of the wrong kind");
    answer
}

/// The length prefix of a gRPC message: not compressed, four bytes of length.
fn framed(message: &CheckRequest) -> Vec<u8> {
    let bytes = message.encode_to_vec();
    let length = u32::try_from(bytes.len()).expect("a small message");
    let mut framed = vec![0];
    framed.extend_from_slice(&length.to_be_bytes());
    framed.extend_from_slice(&bytes);
    framed
}

struct Side {
    port: u16,
    pid: u32,
    rates: Vec<f64>,
    processor_us: Vec<f64>,
}

impl Side {
    fn new(port: u16, pid: u32) -> Side {
        Side { port, pid, rates: Vec::new(), processor_us: Vec::new() }
    }

    fn round(&mut self, body: &Path, is_counted: bool) {
        let before = processor_ticks(self.pid);
        let (count, rate) = h2load(self.port, body);
        let ticks = processor_ticks(self.pid) - before;
        if is_counted {
            self.rates.push(rate);
            self.processor_us.push(ticks as f64 * TICK_US / count);
        }
    }
}

/// Runs the load; gives the number of answers and answers a second.
fn h2load(port: u16, body: &Path) -> (f64, f64) {
    let mut command = Command::new(debian_program("h2load"));
    command.args(["-t", "1", "-c", &limits::GRPC_CONNECTIONS.to_string(), "-m", &limits::GRPC_STREAMS.to_string()]);
    command.args(["-D", &limits::ROUND.as_secs().to_string()]).arg("-d").arg(body);
    command.args(["-H", "content-type: application/grpc", "-H", "te: trailers"]);
    command.arg(format!("http://127.0.0.1:{port}/envoy.service.auth.v3.Authorization/Check"));
    let output = command.output().expect("h2load");
    let text = String::from_utf8_lossy(&output.stdout);
    let number = |start: &str, end: &str| {
        let (_, rest) = text.split_once(start)?;
        rest.split_once(end)?.0.trim().parse::<f64>().ok()
    };
    let rate = text.split_once("finished in").and_then(|(_, rest)| rest.split(',').nth(1));
    let rate = rate.and_then(|rate| rate.trim().strip_suffix(" req/s")).and_then(|rate| rate.parse::<f64>().ok());
    let failed = number(" done, ", " succeeded").zip(number(" succeeded, ", " failed"));
    match (rate, number("status codes: ", " 2xx"), failed) {
        (Some(rate), Some(count), Some((_, 0.0))) if count > 0.0 => (count, rate),
        _ => panic!("h2load says something else than expected:\n{text}{}", String::from_utf8_lossy(&output.stderr)),
    }
}
