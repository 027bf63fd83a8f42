//! Every limit of this crate, with its unit and its reason. Owns no behaviour.

use std::time::Duration;

/// How long the proxy waits for each part of an exchange. The caller may derive its own values from
/// `STANDARD`, for example `Timeouts { connect: …, ..Timeouts::STANDARD }`.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// Name look-up, TCP and TLS together.
    pub connect: Duration,
    /// From the last progress of the request body to the head of the answer.
    pub response_headers: Duration,
    /// The longest silence between two frames of a body, in either direction.
    pub body_idle: Duration,
    /// The longest silence on an open WebSocket, both directions together.
    pub tunnel_idle: Duration,
}

impl Timeouts {
    /// What a self-hosted tool usually needs: dashboards query for up to a minute or two, event
    /// streams send a heartbeat every few seconds to minutes, WebSockets rest while a tab is hidden.
    pub const STANDARD: Timeouts = Timeouts {
        connect: Duration::from_secs(5),
        response_headers: Duration::from_secs(120),
        body_idle: Duration::from_secs(300),
        tunnel_idle: Duration::from_secs(3600),
    };
}

/// Connections open to one upstream at once. Protects this process's file descriptors; the requests
/// above it are answered with 503 instead of queueing without end.
pub(crate) const CONNECTIONS_PER_UPSTREAM_MAX: usize = 4096;

/// Idle HTTP/1.1 connections kept per upstream. Enough for bursts of one page's assets from many
/// people, small enough that a thousand Apps stay far from the descriptor limit.
pub(crate) const IDLE_PER_UPSTREAM_MAX: usize = 64;

/// An idle connection is closed after this long. Common servers close theirs after 5 to 75 s.
pub(crate) const IDLE_LIFETIME: Duration = Duration::from_secs(30);

/// A request that must not be repeated takes an idle connection only when that rested less than
/// this: many Python and Node servers close after 5 s, and losing that race costs a 502.
pub(crate) const IDLE_TRUST_FOR_UNREPEATABLE: Duration = Duration::from_secs(2);

/// Upstreams remembered at once; beyond it, resting ones are forgotten. A thousand Apps are planned
/// for, the rest is room for changed addresses.
pub(crate) const UPSTREAMS_MAX: usize = 4096;

/// Bytes hyper may buffer per HTTP/1.1 upstream connection, reading or writing. It also bounds the
/// head of an answer.
pub(crate) const BUFFER_BYTES_MAX: usize = 256 * 1024;

/// Bytes an HTTP/2 upstream may send on one stream before the client has taken them.
pub(crate) const H2_STREAM_WINDOW_BYTES: u32 = 1024 * 1024;

/// The same for a whole HTTP/2 connection.
pub(crate) const H2_CONNECTION_WINDOW_BYTES: u32 = 8 * 1024 * 1024;

/// Bytes of all header fields of one HTTP/2 answer.
pub(crate) const H2_HEADER_LIST_BYTES_MAX: u32 = 64 * 1024;

/// An HTTP/2 upstream is asked for a sign of life this often while requests are open, and given
/// `H2_PING_PATIENCE` to answer.
pub(crate) const H2_PING_EVERY: Duration = Duration::from_secs(20);
/// See `H2_PING_EVERY`.
pub(crate) const H2_PING_PATIENCE: Duration = Duration::from_secs(20);

/// Bytes buffered per direction of a WebSocket tunnel.
pub(crate) const TUNNEL_BUFFER_BYTES: usize = 16 * 1024;

/// How long the client's side may take to switch to the tunnel after the 101 was handed over.
pub(crate) const TUNNEL_SWITCH: Duration = Duration::from_secs(10);

/// Bytes of an upstream's address in the configuration; DNS names end at 253.
pub(crate) const UPSTREAM_TEXT_BYTES_MAX: usize = 512;
