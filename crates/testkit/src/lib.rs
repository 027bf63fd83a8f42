//! Everything a suite needs around the finished binary: real peers, a browser, a raw HTTP client, an upstream that
//! remembers what it saw, and a door to knock on. Blocking code on the standard library; never part of the binary.
//! Owns starting and ending processes; does not own what a suite asserts.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "test kit: a peer that cannot start must fail the test loudly, with its log"
)]

pub mod canary;
pub mod door;
pub mod echo;
pub mod encoding;
pub mod http;
pub mod jar;
pub mod limits;
pub mod peers;
pub mod ports;
pub mod process;
pub mod relay;
pub mod scratch;
pub mod setup;
pub mod tools;
pub mod webdriver;
pub mod websocket;
