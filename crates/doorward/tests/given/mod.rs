//! The built binary on a directory of its own.

use doorward_testkit::scratch::Scratch;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// A data directory and commands on it.
pub struct Given {
    /// Where commands run; the data directory is `data` in it.
    pub scratch: Scratch,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    /// Exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Ended {
    pub fn is(&self, code: i32, err: &str) {
        assert_eq!((self.code, self.err.trim_end()), (code, err), "{}", self.out);
    }
}

impl Given {
    /// A data directory with nothing in it but the realm.
    pub fn fresh() -> Self {
        let given = Self::nothing();
        given.done("realm update main --title Doorward");
        given
    }

    /// No data directory yet.
    pub fn nothing() -> Self {
        Self { scratch: Scratch::new("commands") }
    }

    pub fn run(&self, words: &str) -> Ended {
        self.run_with(words, "", &[])
    }

    pub fn run_with(&self, words: &str, input: &str, variables: &[(&str, &str)]) -> Ended {
        let mut command = self.command(&self.scratch.join("data"));
        command.args(words.split_whitespace()).envs(variables.iter().copied());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A command that does not read its input may be gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        ended(child.wait_with_output().unwrap())
    }

    pub fn command(&self, data: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
        command.env_clear().env("USER", "tester").env("DOORWARD_DATA", data).current_dir(self.scratch.path());
        // Said, so that no command has to warn that it guesses.
        command.env("DOORWARD_PUBLIC_URL", "http://doorward.localhost:8080");
        command
    }

    pub fn done(&self, words: &str) -> String {
        let ended = self.run(words);
        assert_eq!(ended.code, 0, "{words}: {}", ended.err);
        ended.out
    }
}

pub fn ended(output: std::process::Output) -> Ended {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}
