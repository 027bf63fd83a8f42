//! Who does something, when, and at whose request: the first argument of every use case, written
//! beside every event. Cheap to make: one is made for every gate check.

use crate::event::Actor;
use crate::time::Timestamp;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// The circumstances of one request or one piece of background work. `now` is read once.
#[derive(Debug, Clone)]
pub struct Ctx {
    /// The instant the request began.
    pub now: Timestamp,
    /// Who acts.
    pub actor: Actor,
    /// The request's id.
    pub request: RequestTag,
    /// The client's address, when there is one.
    pub client: Option<IpAddr>,
    /// What the tokens of this request are bound to: the SHA-256 of the client's certificate, in base64url.
    pub certificate: Option<Arc<str>>,
}

impl Ctx {
    /// The client's address as stored: empty when there is none.
    pub fn client_address(&self) -> String {
        self.client.map(|address| address.to_canonical().to_string()).unwrap_or_default()
    }
}

/// Names one request in logs, events and on error pages: the process's own random number and a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestTag {
    process: u32,
    number: u64,
}

impl RequestTag {
    /// The request of that number in a process.
    pub const fn new(process: u32, number: u64) -> Self {
        Self { process, number }
    }
}

impl fmt::Display for RequestTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "req_{:08x}{:x}", self.process, self.number)
    }
}
