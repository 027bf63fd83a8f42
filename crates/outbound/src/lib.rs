//! What Doorward itself calls: one client for all of it. Every call has an end, answers have a largest size,
//! redirects are not followed, and nobody inside the network is called by an address somebody outside chose:
//! private addresses are refused after names were resolved, and the connection goes to the very address that was
//! judged. One connection for each call; no pool, so nothing is shared between those who are called.

pub mod client;
mod dial;
pub mod failure;
pub mod limits;
pub mod proxy;
pub mod reach;
mod roots;
pub mod target;

pub use client::{Answer, Outbound, Setup};
pub use failure::Failure;
pub use proxy::Proxies;
pub use reach::Reach;
