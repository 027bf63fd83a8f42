//! The built binary in a test: started with free ports and a data directory of its own, asked on the command line,
//! killed and started again. Owns the flags; knows nothing about what the door decides.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use crate::canary;
use crate::limits;
use crate::ports::free_port;
use crate::process::Process;
use crate::scratch::Scratch;
use crate::tools;

/// How to start a door. Ports of 0 are replaced by free ones.
#[derive(Clone, Debug)]
pub struct DoorOptions {
    /// The program; `None` for [`binary`].
    pub program: Option<PathBuf>,
    /// `up` or `serve`.
    pub verb: String,
    /// Database address; `None` for SQLite in the data directory.
    pub database: Option<String>,
    /// Port of the main listener.
    pub port: u16,
    /// Port of the gRPC listener.
    pub grpc_port: u16,
    /// Port of the operations listener.
    pub operations_port: u16,
    /// Address people use; `None` for `http://doorward.localhost:PORT`.
    pub public_url: Option<String>,
    /// Networks whose forwarding headers are believed.
    pub trust_proxy: Option<String>,
    /// Further arguments after the verb.
    pub arguments: Vec<String>,
    /// Further environment variables.
    pub environment: Vec<(String, String)>,
}

impl DoorOptions {
    /// `up` on SQLite, everything on free ports, loopback trusted as a proxy.
    pub fn up() -> DoorOptions {
        DoorOptions {
            program: None,
            verb: "up".to_owned(),
            database: None,
            port: 0,
            grpc_port: 0,
            operations_port: 0,
            public_url: None,
            trust_proxy: Some("127.0.0.1/32".to_owned()),
            arguments: Vec::new(),
            environment: Vec::new(),
        }
    }

    /// `serve`, otherwise as [`DoorOptions::up`].
    pub fn serve() -> DoorOptions {
        DoorOptions { verb: "serve".to_owned(), ..DoorOptions::up() }
    }
}

/// A running door.
pub struct Door {
    options: DoorOptions,
    /// The program.
    pub process: Process,
    log_start: usize,
    scratch: Scratch,
}

impl Door {
    /// Starts a door on a fresh data directory and waits for its ready line.
    ///
    /// # Panics
    /// When it does not become ready.
    pub fn start(options: DoorOptions) -> Door {
        Door::start_in(Scratch::new("door"), options)
    }

    /// As [`Door::start`] in a given directory, whose `data` folder may have content already.
    ///
    /// # Panics
    /// When it does not become ready.
    pub fn start_in(scratch: Scratch, mut options: DoorOptions) -> Door {
        for port in [&mut options.port, &mut options.grpc_port, &mut options.operations_port] {
            if *port == 0 {
                *port = free_port();
            }
        }
        let process = launch(&options, &scratch);
        let mut door = Door { options, process, log_start: 0, scratch };
        door.wait_ready();
        door
    }

    /// Port of the main listener.
    pub fn port(&self) -> u16 {
        self.options.port
    }

    /// Port of the gRPC listener.
    pub fn grpc_port(&self) -> u16 {
        self.options.grpc_port
    }

    /// Address people use.
    pub fn url(&self) -> String {
        public_url(&self.options)
    }

    /// Address of a name that resolves to loopback, on the main port: `http://NAME:PORT`.
    pub fn url_as(&self, name: &str) -> String {
        format!("http://{name}:{}", self.options.port)
    }

    /// Address of the operations listener.
    pub fn operations_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.options.operations_port)
    }

    /// The directory that holds the data folder and the log.
    pub fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    /// What the door wrote since it was last started.
    pub fn output(&self) -> String {
        self.process.log().get(self.log_start..).unwrap_or_default().to_owned()
    }

    /// The setup link of a first start.
    pub fn setup_link(&self) -> Option<String> {
        let output = self.output();
        let (_, rest) = output.split_once("Setup link:")?;
        rest.split_whitespace().next().map(str::to_owned)
    }

    /// Runs a command of the same binary on the same data and database, and waits for it to end.
    ///
    /// # Panics
    /// When the binary cannot be run.
    pub fn cli(&self, arguments: &[&str]) -> Output {
        let mut command = base_command(&self.options, &self.scratch);
        command.args(arguments);
        command.output().unwrap_or_else(|error| panic!("cannot run doorward {arguments:?}: {error}"))
    }

    /// As [`Door::cli`], with something on standard input.
    ///
    /// # Panics
    /// When the binary cannot be run.
    pub fn cli_reading(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = base_command(&self.options, &self.scratch);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot run doorward {arguments:?}: {error}"));
        // A command that does not read ends without it.
        let _ = child.stdin.take().map(|mut stdin| stdin.write_all(input.as_bytes()));
        child.wait_with_output().unwrap_or_else(|error| panic!("doorward {arguments:?}: {error}"))
    }

    /// As [`Door::cli`] for a command that must succeed; gives what it printed.
    ///
    /// # Panics
    /// When the command fails.
    pub fn cli_text(&self, arguments: &[&str]) -> String {
        let output = self.cli(arguments);
        let (told, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "doorward {arguments:?}: {}\n{told}{complained}", output.status);
        told.into_owned()
    }

    /// Ends the door in order.
    pub fn stop(&mut self) {
        self.process.stop();
    }

    /// Kills the door without asking.
    pub fn kill9(&mut self) {
        self.process.kill9();
    }

    /// Starts the door again on the same data and ports; ends it first if it runs.
    ///
    /// # Panics
    /// When it does not become ready.
    pub fn restart(&mut self) {
        self.process.stop();
        self.log_start = self.process.log().len();
        self.process = launch(&self.options, &self.scratch);
        self.wait_ready();
    }

    /// Secrets in what the door has written so far: credentials of any kind in its log and in everything in its data
    /// folder, and the passwords it was told by its environment. What it prints of its own accord for whoever runs it,
    /// the set-up link, is none.
    pub fn leaks(&self) -> Vec<String> {
        let log = self.process.log();
        let told: Vec<&str> = log.lines().filter(|line| !line.starts_with("Setup link:")).collect();
        let mut written = canary::files(&self.scratch.join("data"));
        written.push(("the log".to_owned(), told.join("\n").into_bytes()));
        let mut passwords = canary::Wanted::default();
        for (name, value) in self.options.environment.iter().filter(|(name, _)| name.ends_with("PASSWORD")) {
            passwords.add(name, value.as_bytes());
        }
        let found = |(name, bytes): &(String, Vec<u8>)| -> Vec<String> {
            let all = passwords.found_in(bytes).into_iter().chain(canary::credentials(bytes));
            all.map(|leak| format!("{name}: {leak}")).collect()
        };
        written.iter().flat_map(found).collect()
    }

    fn wait_ready(&mut self) {
        let log_start = self.log_start;
        self.process.wait_ready("the line `Doorward is ready`", limits::DOOR_START, |process| {
            let log = process.log();
            log.get(log_start..).is_some_and(|new| new.lines().any(|line| line.starts_with("Doorward is ready")))
        });
    }
}

impl Drop for Door {
    /// Whatever a test was about, afterwards no secret stands in what the door has written.
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        self.process.stop();
        let leaks = self.leaks();
        assert!(leaks.is_empty(), "the door wrote secrets down:\n{}", leaks.join("\n"));
    }
}

/// The binary under test: `DOORWARD_BIN`, else `doorward` in the target folder this test was built into.
///
/// # Panics
/// When there is none.
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("DOORWARD_BIN") {
        return PathBuf::from(path);
    }
    let here = std::env::current_exe().unwrap_or_default();
    let beside = here.ancestors().skip(1).take(2).map(|folder| folder.join("doorward")).find(|path| path.is_file());
    let usual = tools::workspace().join("target/debug/doorward");
    let found = beside.unwrap_or(usual);
    assert!(found.is_file(), "no doorward binary at {}; run `cargo build -p doorward`", found.display());
    found
}

fn public_url(options: &DoorOptions) -> String {
    options.public_url.clone().unwrap_or_else(|| format!("http://doorward.localhost:{}", options.port))
}

fn base_command(options: &DoorOptions, scratch: &Scratch) -> Command {
    let mut command = Command::new(options.program.clone().unwrap_or_else(binary));
    command.arg("--data").arg(scratch.join("data")).current_dir(scratch.path());
    if let Some(database) = &options.database {
        command.args(["--database", database]);
    }
    for (name, value) in &options.environment {
        command.env(name, value);
    }
    command
}

fn launch(options: &DoorOptions, scratch: &Scratch) -> Process {
    let mut command = base_command(options, scratch);
    command.arg(&options.verb);
    command.args(["--listen", &format!("127.0.0.1:{}", options.port)]);
    command.args(["--grpc-listen", &format!("127.0.0.1:{}", options.grpc_port)]);
    command.args(["--operations-listen", &format!("127.0.0.1:{}", options.operations_port)]);
    command.args(["--public-url", &public_url(options)]);
    if let Some(network) = &options.trust_proxy {
        command.args(["--trust-proxy", network]);
    }
    command.args(&options.arguments);
    Process::start("doorward", command, &scratch.join("door.log"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// Stands in for the binary: keeps count of its starts in the data folder, and answers a command.
    const STAND_IN: &str = r#"#!/bin/sh
data="$2"; shift 2; mkdir -p "$data"
case "$1" in
up) echo "$@" >> "$data/starts"
    echo "Setup link: http://doorward.localhost/setup#$(wc -l < "$data/starts")"
    echo "Doorward is ready"; exec sleep 600 ;;
user) echo "made $3 in $data" ;;
*) echo "no command $1" >&2; exit 2 ;;
esac
"#;

    #[test]
    fn starts_answers_dies_and_starts_again() {
        let scratch = Scratch::new("kit-door");
        let program = scratch.write("doorward", STAND_IN);
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("it was just written");
        let mut door = Door::start_in(scratch, DoorOptions { program: Some(program), ..DoorOptions::up() });
        assert_eq!(door.setup_link().as_deref(), Some("http://doorward.localhost/setup#1"));
        assert!(door.cli_text(&["user", "create", "ada"]).starts_with("made ada in "));
        let refused = door.cli(&["dance"]);
        assert_eq!((refused.status.code(), refused.stderr.as_slice()), (Some(2), b"no command dance\n".as_slice()));
        door.kill9();
        assert!(!door.process.is_running());
        door.restart();
        assert_eq!(door.setup_link().as_deref(), Some("http://doorward.localhost/setup#2"));
        let starts = std::fs::read_to_string(door.scratch().join("data/starts")).expect("written by the stand-in");
        assert_eq!(door.leaks(), Vec::<String>::new());
        std::fs::write(door.scratch().join("data/kept"), format!("dws_{}", "x".repeat(43))).expect("our own folder");
        assert_eq!(door.leaks().len(), 1);
        std::fs::remove_file(door.scratch().join("data/kept")).expect("written above");
        let expected = format!("--listen 127.0.0.1:{} --grpc-listen 127.0.0.1:{}", door.port(), door.grpc_port());
        assert_eq!(starts.matches(&expected).count(), 2, "{starts}");
    }
}
