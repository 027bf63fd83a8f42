//! `cargo xtask …`: what a developer and CI run. Reads the arguments, nothing else.

mod cargo;
mod space;
mod suites;
mod tidy;

use std::process::ExitCode;

use doorward_testkit::setup::{self, Part};

const USAGE: &str = "usage: cargo xtask COMMAND
  setup                       install what the tests need (safe to run again)
  test [--suite NAME]         run every suite, or one
  test --list                 name the suites
  bench NAME|all              build for release and run a benchmark, or each
  screens                     photograph every page; puts the README's pictures in place
  tidy [--report]             check the house rules; --report lists what is long";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["setup"] => setup::run(&Part::ALL),
        ["test"] => suites::run(None),
        ["test", "--list"] => suites::list(),
        ["test", "--suite", name] => suites::run(Some(name)),
        ["bench", name] => suites::bench(name),
        ["screens"] => suites::screens(),
        ["tidy"] => tidy::check(),
        ["tidy", "--report"] => tidy::report(),
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(words) => {
            eprintln!("{words}");
            ExitCode::FAILURE
        }
    }
}
