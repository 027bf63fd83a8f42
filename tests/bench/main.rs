//! `cargo xtask bench NAME`: how fast, how large, how soon, against the budgets. The program under test is the real
//! binary; baselines are measured in turn with it, so that the ratios hold on a noisy machine. Figures go to standard
//! output as JSON lines, words to standard error.
#![allow(clippy::panic, clippy::expect_used, reason = "a benchmark fails by panicking")]

mod authorize;
mod bare;
mod cores;
mod extauthz;
mod figure;
mod gate;
mod jwks;
mod ldap_login;
mod ldap_sync;
mod limits;
mod load;
mod login;
mod memory;
mod peer;
mod provider;
mod scale;
mod seed;
mod startup;
mod talk;
mod token;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures, tells its figures, and says whether every budget was kept.
type Bench = fn() -> bool;

const BENCHES: &[(&str, Bench)] = &[
    ("gate", gate::run),
    ("extauthz", extauthz::run),
    ("login", login::run),
    ("token", token::run),
    ("authorize", authorize::run),
    ("jwks", jwks::run),
    ("startup", startup::run),
    ("memory", memory::run),
    ("scale", scale::run),
    ("ldap-login", ldap_login::run),
    ("ldap-sync", ldap_sync::run),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let is_kept = match words.as_slice() {
        // The baselines run as children of this same program.
        ["bare-http", port, file] => bare::http(port, file),
        ["bare-grpc", port, file] => bare::grpc(port, file),
        ["all"] => BENCHES.iter().fold(true, |is_kept, (name, bench)| run(name, *bench) && is_kept),
        [wanted] => match BENCHES.iter().find(|(name, _)| name == wanted) {
            Some((name, bench)) => run(name, *bench),
            None => usage(),
        },
        _ => usage(),
    };
    if is_kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(name: &str, bench: Bench) -> bool {
    eprintln!("=== {name}");
    let is_kept = bench();
    if !is_kept {
        eprintln!("{name}: a figure misses its budget");
    }
    is_kept
}

fn usage() -> bool {
    let names: Vec<&str> = BENCHES.iter().map(|(name, _)| *name).collect();
    eprintln!("usage: bench {}|all", names.join("|"));
    false
}
