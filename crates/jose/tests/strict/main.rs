//! Tokens and keys that must be refused, each with its own sentence, and those of the standards and of
//! another library that must not be.
#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod confusion;
mod keys;
mod names;
mod peers;
mod pen;
mod shape;
mod signatures;
mod sizes;
mod times;
mod vectors;
