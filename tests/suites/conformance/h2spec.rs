//! h2spec: what RFC 9113 and RFC 7541 ask of a server's HTTP/2, at the front and at the listener for Envoy.

use crate::house::house;
use doorward_testkit::tools;
use std::process::Command;

/// Checks of the generic part, of HTTP/2 and of HPACK.
const CHECKS: usize = 145;
/// A machine with other work to do answers late; what holds is what holds in one of these runs.
const RUNS: usize = 3;

/// One check, by section and sentence.
type Check = (String, String);

/// The failures of one run.
fn run(port: u16, path: &str, report: &str) -> Vec<Check> {
    let report = house().door.scratch().join(report);
    let mut command = Command::new(tools::h2spec());
    command.args(["--host", "127.0.0.1", "--timeout", "3", "--path", path, "--port", &port.to_string()]);
    let output = command.arg("--junit-report").arg(&report).output().expect("h2spec runs");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.contains(&format!("{CHECKS} tests, ")), "{told}");
    let report = std::fs::read_to_string(report).expect("a report");
    let cases = report.split("<testcase ").skip(1);
    let failed = cases.filter(|case| case.contains("<failure")).map(|case| {
        let member = |name: &str| {
            let rest = case.split(&format!("{name}=\"")).nth(1).unwrap_or_default();
            rest.split('"').next().unwrap_or_default().to_owned()
        };
        (member("package"), member("classname"))
    });
    failed.collect()
}

/// What fails in every run besides what is known to.
fn unknown_failures(port: u16, path: &str, name: &str, known: &[(&str, &str)]) -> Vec<Check> {
    let is_known =
        |check: &Check| known.iter().any(|(section, words)| check.0 == *section && check.1.starts_with(words));
    let mut left: Option<Vec<Check>> = None;
    for number in 0..RUNS {
        let mut failed = run(port, path, &format!("{name}-{number}.xml"));
        failed.retain(|check| !is_known(check) && left.as_ref().is_none_or(|left| left.contains(check)));
        let is_empty = failed.is_empty();
        left = Some(failed);
        if is_empty {
            break;
        }
    }
    left.unwrap_or_default()
}

/// HTTP/1.1 and HTTP/2 share the port: what does not begin as HTTP/2 is answered as broken HTTP/1.1, then closed.
const BOTH_PROTOCOLS: (&str, &str) = ("http2/3.5", "Sends invalid connection preface");

#[test]
fn h2spec_front() {
    let path = "/realms/main/protocol/openid-connect/auth";
    let failed = unknown_failures(house().door.port(), path, "front", &[BOTH_PROTOCOLS]);
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn h2spec_grpc() {
    // What is no gRPC call is answered with trailers alone (gRPC over HTTP/2, "Trailers-Only"), and at once: there are
    // no DATA frames to wait for, and no call lasts until there are too many of them.
    let known = [
        ("http2/3.5", "Sends invalid connection preface"),
        ("generic/2", "Sends a WINDOW_UPDATE frame on half-closed (remote) stream"),
        ("generic/2", "Sends a PRIORITY frame on half-closed (remote) stream"),
        ("http2/5.1.2", "Sends HEADERS frames that causes their advertised concurrent stream limit to be exceeded"),
        ("http2/5.1", "closed: Sends a HEADERS frame after sending RST_STREAM frame"),
    ];
    let path = "/envoy.service.auth.v3.Authorization/Check";
    let failed = unknown_failures(house().door.grpc_port(), path, "grpc", &known);
    assert!(failed.is_empty(), "{failed:#?}");
}
