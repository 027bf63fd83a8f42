//! Limits of the edge.

use std::time::Duration;

/// Largest form taken, in bytes: the largest one holds three passwords.
pub const FORM_BYTES: usize = 32 * 1024;
/// Largest form an identity provider sends with a browser, in bytes: a SAML message in base64, escaped.
pub const MESSAGE_FORM_BYTES: usize = 512 * 1024;
/// Ways to SAML providers one browser may have begun at a time: each stands in a cookie, and all cookies travel with every
/// request.
pub const WAYS: usize = 3;
/// Longest text of one of them, in bytes: browsers drop longer cookies.
pub const WAY_BYTES: usize = 3_900;
/// Largest all of them together, in bytes: proxies in front take heads of eight thousand as a rule, and there is more in one.
pub const WAYS_BYTES: usize = 4_096;
/// How long a form may take to arrive: a slow one is an attack or a dead line.
pub const FORM_ARRIVAL: Duration = Duration::from_secs(15);
/// How long a connection may take to send its request line and headers, and rest between requests.
pub const HEAD_ARRIVAL: Duration = Duration::from_secs(30);
/// Largest head of an HTTP/1 request, in bytes.
pub const HEAD_BYTES: usize = 64 * 1024;
/// Most headers in one request.
pub const HEADERS: usize = 128;
/// Open connections per listener: beyond it new ones wait.
pub const CONNECTIONS: usize = 16_384;
/// HTTP/2 streams one connection may have open.
pub const STREAMS: u32 = 256;
/// An HTTP/2 connection silent for this long is asked whether it is alive.
pub const PING_EVERY: Duration = Duration::from_secs(30);
/// How long open requests may take to finish when the process is told to stop.
pub const FAREWELL: Duration = Duration::from_secs(10);
/// How often an open stream's right to go on is looked at again.
pub const STREAM_CHECK: Duration = Duration::from_millis(500);
/// Longest authorization request, in bytes: it travels, sealed, in a link to the sign-in page.
pub const AUTHORIZATION_BYTES: usize = 8 * 1024;
/// Rows one list of the admin API holds when it is not told how many, and at most.
pub const ADMIN_ROWS: usize = 1000;
/// Rows a list of the admin API may skip: it reads what it skips.
pub const ADMIN_SKIP: usize = 100_000;
/// Entries one request to the admin API may name at once, such as roles to give.
pub const ADMIN_ENTRIES: usize = 100;
/// Largest document sent to the admin API, in bytes: a user with all attributes, a client with all addresses.
pub const ADMIN_BYTES: usize = 256 * 1024;
/// Users a list of the admin API holds when it is not told how many, as with Keycloak.
pub const ADMIN_USERS: usize = 100;
/// Most characters of a stranger's words in one place of the log.
pub const LOGGED_CHARACTERS: usize = 200;
