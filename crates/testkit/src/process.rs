//! Child processes of the suites: started from one long-lived thread, logging to a file, ended by their own id.
//! The one thread matters: a child that asked for a signal when its parent dies (Envoy does, and the kit asks for every
//! child) gets it when the *thread* that spawned it ends, and a test's thread ends with the test.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use crate::limits;

/// A signal the kit sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Ask to end.
    Terminate,
    /// Ask to end at once (PostgreSQL: drop the clients first).
    Interrupt,
    /// Read the configuration again.
    Reload,
    /// Stop running until continued.
    Pause,
    /// Run on after a pause.
    Continue,
    /// End without being asked.
    Kill,
}

impl Signal {
    fn word(self) -> &'static str {
        match self {
            Signal::Terminate => "TERM",
            Signal::Interrupt => "INT",
            Signal::Reload => "HUP",
            Signal::Pause => "STOP",
            Signal::Continue => "CONT",
            Signal::Kill => "KILL",
        }
    }
}

/// Looks at a condition until it holds. `false` when `limit` passed first.
pub fn holds_within(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    loop {
        if condition() {
            return true;
        }
        if started.elapsed() >= limit {
            return false;
        }
        std::thread::sleep(limits::POLL_INTERVAL);
    }
}

/// Looks at a condition until it holds.
///
/// # Panics
/// When it does not hold within `limit`; `what` completes the sentence "waited for …".
pub fn wait_until(what: &str, limit: Duration, condition: impl FnMut() -> bool) {
    assert!(holds_within(limit, condition), "waited {limit:?} for {what}: it did not happen");
}

/// Asks again and again until there is an answer. `None` when `limit` passed first.
pub fn poll<T>(limit: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let mut answer = None;
    holds_within(limit, || {
        answer = ask();
        answer.is_some()
    });
    answer
}

struct Order {
    command: Command,
    reply: Sender<io::Result<Child>>,
}

/// Spawns from the kit's own thread, which lives as long as this program.
///
/// # Errors
/// What the system said about the spawn.
pub fn spawn(command: Command) -> io::Result<Child> {
    static SPAWNER: OnceLock<Sender<Order>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (sender, orders) = channel::<Order>();
        std::thread::spawn(move || {
            for mut order in orders {
                let _ = order.reply.send(order.command.spawn());
            }
        });
        sender
    });
    let (reply, answer) = channel();
    spawner.send(Order { command, reply }).map_err(io::Error::other)?;
    answer.recv().map_err(io::Error::other)?
}

/// The same command, run so that it is told to end when this program ends, and as `user` if one is given.
/// `setpriv` replaces itself by the program, so the child's id is the program's id.
fn guarded(command: &Command, user: Option<&str>) -> Command {
    let mut outer = Command::new("setpriv");
    outer.args(["--pdeathsig", "TERM"]);
    if let Some(user) = user {
        outer.args(["--reuid", user, "--regid", user, "--init-groups"]);
    }
    outer.arg("--").arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    if let Some(directory) = command.get_current_dir() {
        outer.current_dir(directory);
    }
    outer
}

/// A running program that ends when this value is dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    ended: Option<ExitStatus>,
}

impl Process {
    /// Starts a program; both its outputs are appended to `log`.
    ///
    /// # Panics
    /// When the program cannot be started.
    pub fn start(name: &str, command: Command, log: &Path) -> Process {
        Process::start_as(name, command, log, None)
    }

    /// As [`Process::start`], running as another user of the machine.
    ///
    /// # Panics
    /// When the program cannot be started.
    pub fn start_as(name: &str, command: Command, log: &Path, user: Option<&str>) -> Process {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)
            .unwrap_or_else(|error| panic!("cannot open the log {}: {error}", log.display()));
        let twin = file.try_clone().expect("a file handle can be cloned");
        let mut outer = guarded(&command, user);
        outer.stdin(Stdio::null()).stdout(file).stderr(twin);
        let child = spawn(outer).unwrap_or_else(|error| panic!("cannot start {name} ({command:?}): {error}"));
        Process { name: name.to_owned(), child, log: log.to_path_buf(), ended: None }
    }

    /// The program's process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
        }
        self.ended.is_none()
    }

    /// How it ended, if it has ended.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        let _ = self.is_running();
        self.ended
    }

    /// Waits for the program to end by itself. `None` when it still runs after `limit`.
    pub fn wait_exit(&mut self, limit: Duration) -> Option<ExitStatus> {
        holds_within(limit, || !self.is_running());
        self.ended
    }

    /// Sends a signal to the program itself.
    pub fn signal(&mut self, signal: Signal) {
        if self.is_running() {
            send_signal(self.pid(), signal);
        }
    }

    /// Sends a signal to the program and everything it started.
    pub fn signal_family(&mut self, signal: Signal) {
        if self.is_running() {
            let family = descendants(self.pid());
            send_signal(self.pid(), signal);
            for member in family {
                send_signal(member.pid, signal);
            }
        }
    }

    /// Ends the program: asks first, then kills; what it started and left behind is killed too.
    pub fn stop(&mut self) {
        self.stop_with(Signal::Terminate);
    }

    /// As [`Process::stop`], asking with another signal.
    pub fn stop_with(&mut self, signal: Signal) {
        if !self.is_running() {
            return;
        }
        let family = descendants(self.pid());
        send_signal(self.pid(), signal);
        // A paused program would never see the request.
        send_signal(self.pid(), Signal::Continue);
        if self.wait_exit(limits::POLITE_END).is_none() {
            let _ = self.child.kill();
            self.ended = self.child.wait().ok();
        }
        end_leftovers(&family);
    }

    /// Kills the program without asking (and what it started), and waits until it is gone.
    pub fn kill9(&mut self) {
        if !self.is_running() {
            return;
        }
        let family = descendants(self.pid());
        let _ = self.child.kill();
        self.ended = self.child.wait().ok();
        end_leftovers(&family);
    }

    /// Everything the program has written so far.
    pub fn log(&self) -> String {
        fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// The last lines the program has written.
    pub fn tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let skipped = lines.len().saturating_sub(limits::LOG_TAIL_LINES);
        lines.into_iter().skip(skipped).collect::<Vec<_>>().join("\n")
    }

    /// Resident memory of the program itself, in KiB.
    pub fn resident_kib(&self) -> u64 {
        resident_kib(self.pid())
    }

    /// Resident memory of the program and everything it started, in KiB.
    pub fn family_resident_kib(&self) -> u64 {
        let members = descendants(self.pid());
        self.resident_kib() + members.iter().map(|member| resident_kib(member.pid)).sum::<u64>()
    }

    /// Waits for a condition that only a living program can bring about.
    ///
    /// # Panics
    /// When the program ends or `limit` passes first; the log's tail is shown.
    pub fn wait_ready(&mut self, what: &str, limit: Duration, mut condition: impl FnMut(&Process) -> bool) {
        let mut is_ready = false;
        holds_within(limit, || {
            is_ready = condition(self);
            is_ready || !self.is_running()
        });
        if is_ready {
            return;
        }
        let state = match self.exit_status() {
            Some(status) => format!("it ended with {status}"),
            None => format!("{limit:?} passed"),
        };
        panic!("{}: waited for {what}, but {state}. Its log ends with:\n{}", self.name, self.tail());
    }

    /// Waits until something accepts connections on a loopback port.
    ///
    /// # Panics
    /// As [`Process::wait_ready`].
    pub fn wait_port(&mut self, port: u16, limit: Duration) {
        self.wait_ready(&format!("port {port} to accept"), limit, |_| accepts(port));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- last lines of {} ({})\n{}\n---", self.name, self.log.display(), self.tail());
        }
        self.stop();
    }
}

/// Whether something accepts connections on a loopback port.
pub fn accepts(port: u16) -> bool {
    std::net::TcpStream::connect((std::net::Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn send_signal(pid: u32, signal: Signal) {
    // The shell's own `kill`: present everywhere, and no unsafe code is needed here.
    let script = format!("kill -{} {pid} 2>/dev/null", signal.word());
    let _ = Command::new("sh").args(["-c", &script]).status();
}

/// A process and the moment it started, which together name it even if its id is used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Member {
    pid: u32,
    started: u64,
}

/// Parent and start time of a process, from the kernel's list.
fn lineage(pid: u32) -> Option<(u32, u64)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is a name in parentheses that may itself hold spaces and parentheses.
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let parent = fields.get(1)?.parse().ok()?;
    let started = fields.get(19)?.parse().ok()?;
    Some((parent, started))
}

fn descendants(root: u32) -> Vec<Member> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let mut children: HashMap<u32, Vec<Member>> = HashMap::new();
    for entry in entries.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if let Some((parent, started)) = lineage(pid) {
            children.entry(parent).or_default().push(Member { pid, started });
        }
    }
    let mut found = Vec::new();
    let mut waiting = vec![root];
    while let Some(pid) = waiting.pop() {
        for member in children.remove(&pid).unwrap_or_default() {
            waiting.push(member.pid);
            found.push(member);
        }
    }
    found
}

/// Ends what a process had started and left running; a process that has the same id by now is not touched.
fn end_leftovers(family: &[Member]) {
    let is_left = |member: &Member| lineage(member.pid).is_some_and(|(_, started)| started == member.started);
    if holds_within(Duration::from_millis(300), || !family.iter().any(is_left)) {
        return;
    }
    for member in family.iter().filter(|member| is_left(member)) {
        send_signal(member.pid, Signal::Kill);
    }
    holds_within(limits::POLITE_END, || !family.iter().any(is_left));
}

fn resident_kib(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn logs_and_ends_by_its_own_id() {
        let scratch = Scratch::new("kit-process");
        let mut process = Process::start("chatter", shell("echo hello; exec sleep 600"), &scratch.join("log"));
        process.wait_ready("its greeting", limits::PEER_START, |process| process.log().contains("hello"));
        let pid = process.pid();
        assert!(lineage(pid).is_some());
        drop(process);
        assert!(lineage(pid).is_none());
    }

    #[test]
    fn outlives_the_thread_that_asked_for_it() {
        let scratch = Scratch::new("kit-process");
        let log = scratch.join("log");
        let starter = std::thread::spawn(move || Process::start("sleeper", shell("echo up; exec sleep 600"), &log));
        let mut process = starter.join().expect("the thread ends well");
        process.wait_ready("its line", limits::PEER_START, |process| process.log().contains("up"));
        assert!(process.is_running());
        process.kill9();
        assert!(!process.is_running());
    }

    #[test]
    fn what_a_program_left_behind_is_ended_too() {
        let scratch = Scratch::new("kit-process");
        let script = "sleep 600 & echo child $!; wait";
        let mut process = Process::start("parent", shell(script), &scratch.join("log"));
        process.wait_ready("the child's id", limits::PEER_START, |process| process.log().contains("child "));
        let child: u32 = process.log().trim().trim_start_matches("child ").parse().expect("a process id");
        process.kill9();
        wait_until("the child to be gone", limits::PEER_START, || lineage(child).is_none());
    }

    #[test]
    fn a_program_that_ends_early_fails_the_wait_with_its_log() {
        let scratch = Scratch::new("kit-process");
        let mut process = Process::start("failing", shell("echo no such setting >&2; exit 3"), &scratch.join("log"));
        let wait = std::panic::AssertUnwindSafe(|| process.wait_port(1, limits::PEER_START));
        let panic = std::panic::catch_unwind(wait).expect_err("the wait must fail");
        let words = panic.downcast_ref::<String>().expect("a message");
        assert!((words.contains("exit status: 3")) && (words.contains("no such setting")), "{words}");
    }
}
