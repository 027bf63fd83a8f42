//! What others have written down to judge a provider by: vectors, examples of standards, the modules of the OpenID
//! Foundation's suite, HTTP/2. The suite itself is in no package registry; its modules stand here under their names.
#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod codes;
mod fapi;
mod forged;
mod h2spec;
mod house;
mod oidcc;
mod standards;
mod wycheproof;
