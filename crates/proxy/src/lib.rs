//! Doorward's streaming reverse proxy: takes a request that was already judged, sends it to an
//! upstream tool and streams the answer back. It owns connections, framing, hop-by-hop rules,
//! time limits and tunnels. It knows nothing about identity, sessions or rules: the caller says
//! which headers leave (`HeaderEdit`) and when everything must end (`ends`).
//! RFC 9110 §7, RFC 9112 §6, RFC 9113 §8, RFC 6455 §4.

mod activity;
mod answer;
mod body;
mod carrier;
mod cookies;
mod dial;
mod fault;
mod headers;
mod lane;
mod limits;
mod screen;
mod tunnel;
mod upstream;

pub use body::{Body, BoxError};
pub use carrier::Carrier;
pub use fault::{Fault, Stage};
pub use headers::{Forwarded, HeaderEdit};
pub use lane::Health;
pub use limits::Timeouts;
pub use upstream::{Upstream, UpstreamError};
