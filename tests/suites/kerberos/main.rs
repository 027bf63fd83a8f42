//! People at computers of a domain come in without typing anything: Samba as the domain, its own tickets, curl and a real
//! browser that show them, and everything that is no ticket for this door.
#![allow(clippy::panic, clippy::expect_used, reason = "the suites fail by panicking")]

mod coming;
mod ground;
mod refused;
