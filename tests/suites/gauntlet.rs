//! Attacks that worked against others, each as a test named by its row, and the guards that stand behind or
//! beside those they met: each test fails when its guard is taken away; together they leave no check of the
//! edge untested. They run against the built binary over real connections; the same rows also stand as tables
//! beside the rules they concern.
#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "gauntlet/credentials.rs"]
mod credentials;
#[path = "gauntlet/crossing.rs"]
mod crossing;
#[path = "gauntlet/ends.rs"]
mod ends;
#[path = "gauntlet/forms.rs"]
mod forms;
#[path = "gauntlet/house.rs"]
mod house;
#[path = "gauntlet/links.rs"]
mod links;
#[path = "gauntlet/pages.rs"]
mod pages;
#[path = "gauntlet/programs.rs"]
mod programs;
#[path = "gauntlet/proxies.rs"]
mod proxies;
#[path = "gauntlet/requests.rs"]
mod requests;
#[path = "gauntlet/sign_in.rs"]
mod sign_in;
#[path = "gauntlet/told.rs"]
mod told;
#[path = "gauntlet/wire.rs"]
mod wire;
