//! A PostgreSQL server of the test's own: fresh cluster, loopback only, no passwords, writes made durable.
//! Can be stopped, started again, killed and paused, and can have a standby, for the fault suites.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

use crate::limits;
use crate::ports::free_port;
use crate::process::{Process, Signal, wait_until};
use crate::scratch::Scratch;
use crate::tools;

/// The machine's user that runs the server when the tests run as root, which the server refuses.
const SERVER_USER: &str = "postgres";

/// A PostgreSQL server.
pub struct Postgres {
    port: u16,
    process: Process,
    scratch: Scratch,
}

impl Postgres {
    /// Makes a cluster and starts a server on it.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start() -> Postgres {
        Postgres::start_on(|_| {})
    }

    /// As [`Postgres::start`], on a data folder that is still empty when `lay` is handed it: a file system of its own can
    /// be put there.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_on(lay: impl FnOnce(&Path)) -> Postgres {
        let scratch = prepare("postgres", lay);
        let mut make = Command::new(tools::postgres_program("initdb"));
        make.arg("-D").arg(scratch.join("data"));
        make.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]);
        Postgres::make("initdb", make, scratch)
    }

    /// Makes a copy of this server that follows it: a hot standby, which answers and takes no writes.
    ///
    /// # Panics
    /// When it does not start.
    pub fn standby(&self) -> Postgres {
        let scratch = prepare("standby", |_| {});
        let mut copy = Command::new(tools::postgres_program("pg_basebackup"));
        copy.arg("-D").arg(scratch.join("data"));
        copy.args(["-d", &self.url("postgres"), "-R", "-X", "stream", "-c", "fast", "--no-sync"]);
        Postgres::make("pg_basebackup", copy, scratch)
    }

    /// Runs a program that fills the data folder, and a server on it.
    fn make(name: &str, mut command: Command, scratch: Scratch) -> Postgres {
        command.current_dir(scratch.path());
        let mut maker = Process::start_as(name, command, &scratch.join("make.log"), server_user());
        let made = maker.wait_exit(limits::POSTGRES_START);
        assert!(made.is_some_and(|status| status.success()), "{name} failed:\n{}", maker.tail());
        let port = free_port();
        let process = launch(port, &scratch);
        let mut server = Postgres { port, process, scratch };
        server.wait_ready();
        server
    }

    /// Waits until a standby has everything this server has written.
    ///
    /// # Panics
    /// When it does not get there.
    pub fn wait_for(&self, standby: &Postgres) {
        let written = self.query("postgres", "SELECT pg_current_wal_lsn()");
        let ask = format!("SELECT pg_last_wal_replay_lsn() >= '{written}'::pg_lsn");
        let has_all = || standby.query("postgres", &ask) == "t";
        wait_until("the standby to catch up", limits::STANDBY_CATCH_UP, has_all);
    }

    /// Keeps a standby where it is: what is written from now on is received and not to be seen.
    pub fn lag(&self) {
        self.query("postgres", "SELECT pg_wal_replay_pause()");
        let paused = || self.query("postgres", "SELECT pg_get_wal_replay_pause_state()") == "paused";
        wait_until("the standby to stay behind", limits::STANDBY_CATCH_UP, paused);
    }

    /// Makes a standby a primary, with all it has received.
    pub fn promote(&self) {
        assert_eq!(self.query("postgres", "SELECT pg_promote()"), "t");
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of a database: `postgres://postgres@127.0.0.1:PORT/NAME`.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Makes an empty database and gives its address.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn create_database(&self, name: &str) -> String {
        self.query("postgres", &format!("CREATE DATABASE \"{name}\""));
        self.url(name)
    }

    /// Runs SQL with psql; rows as lines, columns parted by `|`.
    ///
    /// # Panics
    /// When the server refuses.
    pub fn query(&self, database: &str, sql: &str) -> String {
        self.try_query(database, sql).unwrap_or_else(|words| panic!("{sql}: {words}"))
    }

    /// As [`Postgres::query`].
    ///
    /// # Errors
    /// What psql said.
    pub fn try_query(&self, database: &str, sql: &str) -> Result<String, String> {
        let mut command = Command::new(tools::postgres_program("psql"));
        command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", &self.url(database), "-c", sql]);
        command.env("PGCONNECT_TIMEOUT", "5");
        let output = command.output().map_err(|error| error.to_string())?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
        }
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Stops the server in order, dropping its clients.
    pub fn stop(&mut self) {
        self.process.stop_with(Signal::Interrupt);
    }

    /// Kills the server and its helpers without asking.
    pub fn kill9(&mut self) {
        self.process.kill9();
    }

    /// Whether it still runs: it gives up when it cannot put itself right.
    pub fn is_running(&mut self) -> bool {
        self.process.is_running()
    }

    /// Starts the server again after [`Postgres::stop`] or [`Postgres::kill9`], on the same port and data.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_again(&mut self) {
        self.process.stop_with(Signal::Interrupt);
        self.process = launch(self.port, &self.scratch);
        self.wait_ready();
    }

    /// Stops and starts.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&mut self) {
        self.stop();
        self.start_again();
    }

    /// Freezes the server and every connection it serves: it accepts and never answers.
    pub fn pause(&mut self) {
        self.process.signal_family(Signal::Pause);
    }

    /// Lets a paused server run on.
    pub fn resume(&mut self) {
        self.process.signal_family(Signal::Continue);
    }

    /// Resident memory of the server and its helpers, in KiB (shared pages are counted in each).
    pub fn resident_kib(&self) -> u64 {
        self.process.family_resident_kib()
    }

    fn wait_ready(&mut self) {
        let ready = Command::new(tools::postgres_program("pg_isready")).get_program().to_owned();
        let port = self.port.to_string();
        self.process.wait_ready("the server to answer", limits::POSTGRES_START, |_| {
            let answer = Command::new(&ready).args(["-q", "-h", "127.0.0.1", "-p", &port]).status();
            answer.is_ok_and(|status| status.success())
        });
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.resume();
        self.stop();
    }
}

/// A directory with an empty data folder, both the server's own.
fn prepare(name: &str, lay: impl FnOnce(&Path)) -> Scratch {
    let scratch = Scratch::new(name);
    let data = scratch.join("data");
    fs::create_dir(&data).unwrap_or_else(|error| panic!("cannot make {}: {error}", data.display()));
    lay(&data);
    if let Some((user, group)) = server_ids() {
        for path in [scratch.path(), &data] {
            chown(path, Some(user), Some(group))
                .unwrap_or_else(|error| panic!("cannot give {} to {SERVER_USER}: {error}", path.display()));
        }
    }
    let _ = fs::set_permissions(&data, fs::Permissions::from_mode(0o700));
    scratch
}

fn launch(port: u16, scratch: &Scratch) -> Process {
    let mut command = Command::new(tools::postgres_program("postgres"));
    command.arg("-D").arg(scratch.join("data"));
    let sockets = scratch.path().display();
    for setting in [
        "listen_addresses=127.0.0.1".to_owned(),
        format!("port={port}"),
        format!("unix_socket_directories={sockets}"),
        "max_connections=200".to_owned(),
        "fsync=on".to_owned(),
    ] {
        command.args(["-c", &setting]);
    }
    command.current_dir(scratch.path());
    Process::start_as("postgres", command, &scratch.join("log"), server_user())
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|about| about.uid() == 0)
}

fn server_user() -> Option<&'static str> {
    if is_root() { Some(SERVER_USER) } else { None }
}

/// User and group ids of the server's user; `None` when the tests do not run as root.
fn server_ids() -> Option<(u32, u32)> {
    let user = server_user()?;
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let line = users.lines().find(|line| line.split(':').next() == Some(user));
    let fields: Vec<&str> = line.unwrap_or_default().split(':').collect();
    let number = |place: usize| fields.get(place).and_then(|field| field.parse().ok());
    match (number(2), number(3)) {
        (Some(user), Some(group)) => Some((user, group)),
        _ => panic!("this machine has no user {user}; run `cargo xtask setup`"),
    }
}
