//! From spawn to the line `Doorward is ready`, on an empty data directory and on one that has been used.

use crate::figure::{Budget, Figure, median};
use crate::limits;
use doorward_testkit::door::binary;
use doorward_testkit::ports::free_port;
use doorward_testkit::scratch::Scratch;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// `bench startup`
pub fn run() -> bool {
    let used = Scratch::new("bench-used");
    start(&used.join("data"));
    let (mut on_empty, mut on_used) = (Vec::new(), Vec::new());
    for _ in 0..limits::STARTS {
        let fresh = Scratch::new("bench-empty");
        on_empty.push(start(&fresh.join("data")));
        on_used.push(start(&used.join("data")));
    }
    let tell = |figure, times: &[f64]| {
        let (value, budget) = (median(times), Budget::Max(limits::STARTUP_MS_MAX));
        Figure { bench: "startup", figure, value, unit: "ms", baseline: None, ratio: None, budget }.tell()
    };
    let is_kept = tell("ready on an empty directory", &on_empty);
    tell("ready on a used directory", &on_used) && is_kept
}

/// Starts a door, ends it in order, and gives the milliseconds until it was ready.
fn start(data: &Path) -> f64 {
    let port = free_port();
    let mut command = Command::new(binary());
    command.arg("--data").arg(data).arg("up");
    command.args(["--listen", &format!("127.0.0.1:{port}")]);
    command.args(["--grpc-listen", &format!("127.0.0.1:{}", free_port())]);
    command.args(["--operations-listen", &format!("127.0.0.1:{}", free_port())]);
    command.args(["--public-url", &format!("http://doorward.localhost:{port}")]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let begun = Instant::now();
    let mut child = command.spawn().expect("the binary under test");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let ready = lines.by_ref().map_while(Result::ok).find(|line| line.starts_with("Doorward is ready"));
    let took = begun.elapsed().as_secs_f64() * 1e3;
    // The shell's own `kill`: present everywhere, and no unsafe code is needed here.
    let asked = Command::new("sh").args(["-c", &format!("kill -TERM {}", child.id())]).status();
    // What it still says is read, so that it never waits for a full pipe.
    lines.map_while(Result::ok).for_each(drop);
    if !asked.is_ok_and(|status| status.success()) {
        let _ = child.kill();
    }
    child.wait().expect("a child of ours");
    assert!(ready.is_some(), "the door did not become ready");
    took
}
