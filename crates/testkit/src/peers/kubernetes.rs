//! A Kubernetes API server that gives Secrets, behind an authority of its own, and an account a pod would have there.

use crate::limits;
use crate::peers::Authority;
use crate::ports::free_port;
use crate::process::Process;
use crate::scratch::Scratch;
use crate::tools;
use serde_json::Value;
use std::net::TcpStream;
use std::process::Command;

const PROGRAM: &str = include_str!("kubernetes.mjs");

/// A running one.
pub struct Kubernetes {
    /// Where it listens, on this machine.
    pub port: u16,
    _process: Process,
    _authority: Authority,
    scratch: Scratch,
}

impl Kubernetes {
    /// Starts one in this state: `token` of the account, `secrets` by `namespace/name` with their keys, what is
    /// `forbidden`, and an `odd` answer in place of all others.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(state: &Value) -> Kubernetes {
        let (port, scratch, authority) = (free_port(), Scratch::new("kubernetes"), Authority::new());
        let issued = authority.issue("api", "IP:127.0.0.1", 1);
        let program = scratch.write("kubernetes.mjs", PROGRAM);
        let mut command = Command::new(tools::debian_program("node"));
        command
            .arg(program)
            .env("PORT", port.to_string())
            .env("KEY", issued.key)
            .env("CERTIFICATE", issued.certificate);
        command.env("STATE", scratch.write("state.json", &state.to_string()));
        let mut process = Process::start("kubernetes", command, &scratch.join("log"));
        process.wait_ready("it listens", limits::DAGSTER_START, |_| TcpStream::connect(("127.0.0.1", port)).is_ok());
        let authority_text = std::fs::read_to_string(authority.certificate()).expect("a certificate");
        let kubernetes = Kubernetes { port, _process: process, _authority: authority, scratch };
        kubernetes.account("ca.crt", &authority_text);
        kubernetes
    }

    /// Is in another state from now on.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn say(&self, state: &Value) {
        self.scratch.write("state.json", &state.to_string());
    }

    /// Writes a file of the account: `token` or `ca.crt`.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn account(&self, file: &str, text: &str) {
        self.scratch.write(file, text);
    }

    /// Where the account's files are.
    pub fn folder(&self) -> &std::path::Path {
        self.scratch.path()
    }

    /// What a pod's environment says of it.
    pub fn environment(&self) -> Vec<(String, String)> {
        let folder = self.scratch.path().display().to_string();
        [("HOST", "127.0.0.1".to_owned()), ("PORT", self.port.to_string())]
            .map(|(name, value)| (format!("KUBERNETES_SERVICE_{name}"), value))
            .into_iter()
            .chain([("DOORWARD_SERVICE_ACCOUNT".to_owned(), folder)])
            .collect()
    }
}
