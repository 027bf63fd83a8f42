//! A Python program that is asked by lines of JSON and answers each with one.

use crate::process;
use crate::scratch::Scratch;
use crate::tools;
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The running program, with a folder of its own.
pub(super) struct Lines {
    child: Child,
    /// Closed to end the program.
    asks: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    scratch: Scratch,
}

impl Lines {
    /// Starts a program of the environment that speaks SAML; `FOLDER` and `XMLSEC1` say where these are.
    pub(super) fn start(name: &str, program: &str, scratch: Scratch) -> Lines {
        let mut command = Command::new(tools::saml_program("python"));
        command.args(["-W", "ignore"]).arg(scratch.write(&format!("{name}.py"), program));
        command.env("FOLDER", scratch.path()).env("TMPDIR", scratch.path());
        command.env("XMLSEC1", tools::debian_program("xmlsec1"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = process::spawn(command).expect("python");
        let asks = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("its output"));
        Lines { child, asks, answers, scratch }
    }

    /// Its folder.
    pub(super) fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    /// Asks it once.
    pub(super) fn ask(&mut self, asked: &Value) -> Value {
        let asks = self.asks.as_mut().expect("the program runs");
        writeln!(asks, "{asked}").and_then(|()| asks.flush()).expect("the program listens");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the program answers");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("no JSON ({error}) in {line:?} to {asked}"))
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        drop(self.asks.take());
        let _ = self.child.wait();
    }
}
