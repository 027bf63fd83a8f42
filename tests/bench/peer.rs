//! The baselines as children of this program, and what the system says about any process.

use crate::limits;
use doorward_testkit::ports::free_port;
use doorward_testkit::process::Process;
use doorward_testkit::scratch::Scratch;
use std::process::Command;

/// A running bare server.
pub struct Peer {
    /// The program.
    pub process: Process,
    /// Where it listens.
    pub port: u16,
    _scratch: Scratch,
}

impl Peer {
    /// Starts this program again as the bare server of that name, which answers with the content given.
    pub fn start(name: &str, content: &[u8]) -> Peer {
        let scratch = Scratch::new("bench-bare");
        let file = scratch.join("content");
        std::fs::write(&file, content).expect("a file in a directory of our own");
        let port = free_port();
        let mut command = Command::new(std::env::current_exe().expect("the path of this program"));
        command.arg(name).arg(port.to_string()).arg(file);
        let mut process = Process::start(name, command, &scratch.join("log"));
        process.wait_port(port, limits::PEER_START);
        Peer { process, port, _scratch: scratch }
    }
}

/// Processor time a process has used, in ticks of the system's clock (a hundredth of a second on Linux).
pub fn processor_ticks(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("a running process");
    // The name stands in parentheses and may hold anything; the numbers follow the last one.
    let (_, numbers) = text.rsplit_once(')').expect("a name in parentheses");
    let field = |at: usize| numbers.split_whitespace().nth(at).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    field(11) + field(12)
}

/// Microseconds in one tick.
pub const TICK_US: f64 = 10_000.0;
