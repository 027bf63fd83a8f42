//! Limits of calls, each with its unit and reason.

use std::time::Duration;

/// How long a connection may take to stand, name, proxy and TLS included: whoever is there answers sooner.
pub const CONNECT: Duration = Duration::from_secs(5);
/// How long a whole call may take.
pub const TOTAL: Duration = Duration::from_secs(15);
/// Largest answer read, in bytes: key sets and documents of issuers are far smaller.
pub const ANSWER_BYTES: usize = 1024 * 1024;
/// Largest head of an answer, in bytes.
pub const HEAD_BYTES: usize = 64 * 1024;
/// Longest URL called, in bytes.
pub const URL_BYTES: usize = 2048;
/// Addresses of one name that are tried, one after the other.
pub const ADDRESSES: usize = 4;
