//! Runs the suites one after the other and adds up what they report. `lint` and `rules` are known here; every other
//! suite is a test target of `doorward-tests`, in the order of its manifest.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use doorward_testkit::setup::{self, Part};
use doorward_testkit::{scratch, tools};

use crate::cargo::{Workspace, cargo};
use crate::{space, tidy};

const TESTS_PACKAGE: &str = "doorward-tests";

/// Runs only when it is named: what it needs is gigabytes large.
const ON_DEMAND: &str = "apps";

/// What ran in one or more suites.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: u64,
    failed: u64,
}

impl Tally {
    fn add(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
    }

    /// A step that broke without naming a failed test still counts as one failure.
    fn with_step(mut self, is_good: bool) -> Tally {
        if !is_good && (self.failed == 0) {
            self.failed = 1;
        }
        self
    }
}

/// Prints the suites' names in the order they run.
///
/// # Errors
/// When cargo does not know the workspace.
pub fn list() -> Result<(), String> {
    for suite in names(&Workspace::load()?) {
        println!("{suite}");
    }
    Ok(())
}

fn names(workspace: &Workspace) -> Vec<String> {
    let mut names = vec!["lint".to_owned(), "rules".to_owned()];
    names.extend(workspace.targets(TESTS_PACKAGE, "test"));
    names
}

/// Runs one suite or all; the last line is `N passed, N failed`.
///
/// # Errors
/// When anything failed, or there is no such suite.
pub fn run(only: Option<&str>) -> Result<(), String> {
    let workspace = Workspace::load()?;
    let mut suites = names(&workspace);
    let known = suites.join(" ");
    suites.retain(|suite| only.map_or(suite != ON_DEMAND, |name| suite == name));
    if let (Some(name), true) = (only, suites.is_empty()) {
        return Err(format!("there is no suite {name:?}; there are: {known}"));
    }
    let needs_binary = suites.iter().any(|suite| !["lint", "rules"].contains(&suite.as_str()));
    let binary = workspace.target_directory().join("debug/doorward");
    let mut total = Tally::default();
    scratch::sweep();
    if only.is_none() {
        space::tell(&workspace.target_directory());
    }
    if suites.iter().any(|suite| suite != "lint") {
        setup::run(parts(only, needs_binary))?;
    }
    if needs_binary {
        // Without a binary the suites would judge the one before.
        status(&mut cargo(&["build", "-p", "doorward"])).map_err(|words| {
            println!("0 passed, 1 failed");
            format!("the binary does not build ({words}); no suite was run")
        })?;
    }
    let mut lines = Vec::new();
    for suite in &suites {
        println!("\n=== {suite}");
        let started = Instant::now();
        let tally = run_one(suite, &binary);
        let took = started.elapsed().as_secs_f64();
        let line = format!("{suite}: {} passed, {} failed in {took:.1} s", tally.passed, tally.failed);
        println!("--- {line}");
        lines.push(line);
        total.add(tally);
    }
    println!("\n{}", lines.join("\n"));
    println!("{} passed, {} failed", total.passed, total.failed);
    if total.failed == 0 { Ok(()) } else { Err("something failed; look for `FAILED` or `error` above".to_owned()) }
}

fn parts(only: Option<&str>, needs_binary: bool) -> &'static [Part] {
    match only {
        Some(ON_DEMAND) => &Part::APPS,
        _ if needs_binary => &Part::ALL,
        _ => &[Part::Debian],
    }
}

fn run_one(suite: &str, binary: &Path) -> Tally {
    match suite {
        "lint" => lint(),
        "rules" => {
            let all =
                ["test", "--workspace", "--exclude", TESTS_PACKAGE, "--lib", "--bins", "--tests", "--no-fail-fast"];
            counted(&mut cargo(&all), binary)
        }
        name => counted(&mut cargo(&["test", "-p", TESTS_PACKAGE, "--test", name, "--no-fail-fast"]), binary),
    }
}

fn lint() -> Tally {
    let clippy = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    let mut tally = Tally::default();
    tally.add(step("cargo fmt --check", || status(&mut cargo(&["fmt", "--all", "--check"]))));
    tally.add(step("tidy", tidy::check));
    tally.add(step("cargo clippy", || status(&mut cargo(&clippy))));
    tally
}

/// A step without tests of its own: nothing passed, or one failure.
fn step(name: &str, work: impl FnOnce() -> Result<(), String>) -> Tally {
    let outcome = work();
    match &outcome {
        Ok(()) => println!("{name}: good"),
        Err(words) => println!("{name}: FAILED: {words}"),
    }
    Tally::default().with_step(outcome.is_ok())
}

fn status(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|error| format!("cannot run it: {error}"))?;
    if status.success() { Ok(()) } else { Err(status.to_string()) }
}

/// Runs a cargo test command, passing its output on line by line, and adds up its `test result:` lines.
fn counted(command: &mut Command, binary: &Path) -> Tally {
    command.env("DOORWARD_BIN", binary).env("DOORWARD_TOOLS", tools::directory());
    let mut tally = Tally::default();
    let mut child = match command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) => {
            println!("FAILED: cannot run cargo: {error}");
            return tally.with_step(false);
        }
    };
    if let Some(output) = child.stdout.take() {
        let mut reader = BufReader::new(output);
        let mut line = Vec::new();
        // A test may print anything; what is not UTF-8 must not end the reading.
        while reader.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
            let text = String::from_utf8_lossy(&line);
            print!("{text}");
            tally.add(result_line(&text).unwrap_or_default());
            line.clear();
        }
    }
    let is_good = child.wait().is_ok_and(|status| status.success());
    tally.with_step(is_good)
}

/// Reads `test result: ok. 3 passed; 0 failed; …`.
fn result_line(line: &str) -> Option<Tally> {
    let (_, counts) = line.trim_end().strip_prefix("test result: ")?.split_once(". ")?;
    let number = |word: &str| {
        let part = counts.split("; ").find(|part| part.ends_with(word))?;
        part.split(' ').next()?.parse().ok()
    };
    Some(Tally { passed: number(" passed")?, failed: number(" failed")? })
}

/// Builds for release and runs one benchmark; its figures are its standard output.
///
/// # Errors
/// When it does not build, or a figure misses its budget.
pub fn bench(name: &str) -> Result<(), String> {
    setup::run(&[Part::Debian])?;
    let binary = Workspace::load()?.target_directory().join("release/doorward");
    status(&mut cargo(&["build", "--release", "-p", "doorward"]))?;
    let mut command = cargo(&["run", "--release", "-p", TESTS_PACKAGE, "--bin", "bench", "--", name]);
    status(command.env("DOORWARD_BIN", binary).env("DOORWARD_TOOLS", tools::directory()))
}

/// The README's pictures, by the names the suite `screens` gives them.
const PICTURES: [(&str, &str); 2] =
    [("sign-in-wide-light.png", "sign-in.png"), ("launcher-wide-light.png", "launcher.png")];

/// Runs the suite that photographs every page, and puts the README's pictures in place.
///
/// # Errors
/// When the suite fails or a picture cannot be copied.
pub fn screens() -> Result<(), String> {
    run(Some("screens"))?;
    let (from, to) = (tools::workspace().join("target/screens"), tools::workspace().join("docs/images"));
    std::fs::create_dir_all(&to).map_err(|error| format!("cannot make {}: {error}", to.display()))?;
    for (name, shown) in PICTURES {
        let copied = std::fs::copy(from.join(name), to.join(shown));
        copied.map_err(|error| format!("cannot copy {name} to {}: {error}", to.display()))?;
    }
    println!("every page: {}; the README's: {}", from.display(), to.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_are_read() {
        let line =
            "test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s\n";
        assert_eq!(result_line(line), Some(Tally { passed: 12, failed: 3 }));
        let line = "test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s";
        assert_eq!(result_line(line), Some(Tally { passed: 1, failed: 0 }));
        assert_eq!(result_line("test a_test ... ok"), None);
    }

    #[test]
    fn a_broken_step_is_a_failure_even_without_failed_tests() {
        assert_eq!(Tally { passed: 4, failed: 0 }.with_step(false).failed, 1);
        assert_eq!(Tally { passed: 4, failed: 2 }.with_step(false).failed, 2);
        assert_eq!(Tally { passed: 4, failed: 0 }.with_step(true).failed, 0);
    }

    #[test]
    fn tests_that_pass_and_fail_are_counted_from_a_real_run() {
        let script = "echo noise; printf '\\377\\n'; echo 'test result: ok. 2 passed; 0 failed; 0 ignored'; exit 1";
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        assert_eq!(counted(&mut command, Path::new("/nowhere")), Tally { passed: 2, failed: 1 });
    }
}
