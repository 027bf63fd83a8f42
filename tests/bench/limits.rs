//! Every size, duration and budget of the benchmarks in one place.

use std::time::Duration;

/// Rounds of each side; medians are taken over them.
pub const ROUNDS: usize = 7;
/// Length of one round.
pub const ROUND: Duration = Duration::from_secs(3);
/// Kept connections of the HTTP load.
pub const CONNECTIONS: usize = 32;
/// Threads that make the HTTP load.
pub const LOAD_THREADS: usize = 2;
/// Apps behind the gate.
pub const APPS: usize = 50;
/// Groups people are in, and as many around them that the apps ask for.
pub const GROUPS: usize = 10;
/// Live sessions of the gate benchmarks.
pub const SESSIONS: usize = 100_000;
/// Users of the gate benchmarks.
pub const USERS: usize = 1_000;
/// Users of the large side of `scale`.
pub const USERS_MANY: usize = 1_000_000;
/// Live sessions of both sides of `scale`.
pub const SESSIONS_SCALE: usize = 10_000;
/// Passes checked one by one on first sight in `scale`.
pub const FIRST_SIGHTS: usize = 2_000;
/// Users of the loaded side of `memory`.
pub const USERS_LOADED: usize = 100_000;
/// Sessions of the loaded side of `memory`.
pub const SESSIONS_LOADED: usize = 10_000;
/// Rows written in one transaction while seeding.
pub const ROWS_AT_ONCE: usize = 50_000;
/// Streams of the gRPC load: connections times streams on each.
pub const GRPC_CONNECTIONS: usize = 4;
/// Open checks on each connection of the gRPC load.
pub const GRPC_STREAMS: usize = 8;
/// Sign-ins measured.
pub const SIGN_INS: usize = 101;
/// Starts measured of each kind.
pub const STARTS: usize = 11;
/// Rounds of the benches that write.
pub const ROUNDS_SHORT: usize = 5;
/// People signed in for the benches of the provider.
pub const PROVIDER_PEOPLE: usize = 8;
/// Commits measured after each round that writes.
pub const COMMITS: usize = 100;
/// Length of one round of signatures alone.
pub const SIGNING: Duration = Duration::from_secs(1);
/// How long a door is left alone before its memory is read.
pub const REST: Duration = Duration::from_secs(5);
/// How long the bare peers may take to listen.
pub const PEER_START: Duration = Duration::from_secs(10);

/// Rate of the gate against a bare handler, at least.
pub const GATE_RATIO_MIN: f64 = 0.8;
/// Tokens against ES256 signatures alone, at least.
pub const TOKEN_RATIO_MIN: f64 = 0.5;
/// Authorization code round trips in a second of one core, at least.
pub const AUTHORIZE_MIN: f64 = 500.0;
/// Rate of the provider's documents against a bare handler, at least.
pub const JWKS_RATIO_MIN: f64 = 0.5;
/// Rate with a million users against a thousand, at least.
pub const SCALE_RATIO_MIN: f64 = 0.95;
/// A whole sign-in against Argon2 alone, at most.
pub const LOGIN_RATIO_MAX: f64 = 1.10;
/// From spawn to ready, in milliseconds, at most.
pub const STARTUP_MS_MAX: f64 = 150.0;
/// Resident memory of an idle door, in MiB, at most.
pub const IDLE_MIB_MAX: f64 = 40.0;
/// Resident memory with everything loaded, in MiB, at most.
pub const LOADED_MIB_MAX: f64 = 96.0;

/// Sign-ins with one directory that are measured.
pub const LDAP_SIGN_INS: usize = 31;
/// Directories started for them, one after the other.
pub const LDAP_ROUNDS: usize = 5;
/// A directory's part of a sign-in against a bind alone, at most.
pub const LDAP_LOGIN_RATIO_MAX: f64 = 1.10;
/// People of the directory that is taken over.
pub const LDAP_USERS: usize = 100_000;
/// Its groups.
pub const LDAP_GROUPS: usize = 5_000;
/// Taking a directory over against the slower of its own search and the database's own bulk insert, at least.
pub const LDAP_SYNC_RATIO_MIN: f64 = 0.5;
/// The most memory taking a directory over may have, in MiB.
pub const LDAP_SYNC_MEMORY_MIB: f64 = 128.0;
