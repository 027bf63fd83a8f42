//! Who does something, when, and at whose request: the first argument of every use case, written
//! beside every event.

use crate::event::Actor;
use crate::time::Timestamp;

/// The circumstances of one request or one piece of background work. `now` is read once.
#[derive(Debug, Clone)]
pub struct Ctx {
    /// The instant the request began.
    pub now: Timestamp,
    /// Who acts.
    pub actor: Actor,
    /// The request's id.
    pub request: String,
    /// The client's address, empty when there is none.
    pub client_address: String,
}
