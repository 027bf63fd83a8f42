//! Every bound of the test kit in one place: how long to wait, how much to read, how often to retry.
//! Waits are generous because they only end early when something is broken.

use std::time::Duration;

/// Between two looks at a condition that is being waited for.
pub const POLL_INTERVAL: Duration = Duration::from_millis(15);
/// For a small peer (a proxy, an echo server) to accept connections.
pub const PEER_START: Duration = Duration::from_secs(30);
/// For Dagster's web server to answer; it imports a large Python program first.
pub const DAGSTER_START: Duration = Duration::from_secs(180);
/// For another application (Cube, an object store) to answer.
pub const APPLICATION_START: Duration = Duration::from_secs(120);
/// For a large application to make its database, or to answer after that.
pub const APPLICATION_PREPARATION: Duration = Duration::from_secs(400);
/// For PostgreSQL to answer after a start.
pub const POSTGRES_START: Duration = Duration::from_secs(60);
/// For the door to print its ready line.
pub const DOOR_START: Duration = Duration::from_secs(60);
/// For a process to end after being asked to, before it is killed.
pub const POLITE_END: Duration = Duration::from_secs(8);
/// For one HTTP exchange of the raw client.
pub const HTTP_EXCHANGE: Duration = Duration::from_secs(30);
/// For one browser command; page loads included.
pub const BROWSER_COMMAND: Duration = Duration::from_secs(120);
/// For something to appear on a page, unless the test says otherwise.
pub const BROWSER_WAIT: Duration = Duration::from_secs(30);
/// Largest answer or request body the kit keeps, in bytes.
pub const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Largest head (request or status line plus headers), in bytes.
pub const HEAD_BYTES_MAX: usize = 1024 * 1024;
/// Redirects followed before a loop is assumed.
pub const REDIRECTS_MAX: usize = 20;
/// Tries of a package client before setup gives up.
pub const INSTALL_TRIES: u32 = 3;
/// Lines of a peer's log shown when a test fails.
pub const LOG_TAIL_LINES: usize = 40;
/// First port handed out; below the kernel's own range, so that outgoing connections cannot take it.
pub const PORT_FIRST: u16 = 20_000;
/// Number of ports to hand out from.
pub const PORT_COUNT: u16 = 12_000;
/// For a port that was free a moment ago to be free again.
pub const PORT_RELEASE: Duration = Duration::from_secs(5);
/// Bytes a relay carries at once.
pub const RELAY_CHUNK_BYTES: usize = 16 * 1024;
/// For a standby to have what its primary has.
pub const STANDBY_CATCH_UP: Duration = Duration::from_secs(60);
