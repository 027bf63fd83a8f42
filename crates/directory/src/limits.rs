//! Every size and duration of this crate in one place.

use std::time::Duration;

/// Longest name somebody types that is looked for, in bytes.
pub const LOGIN_BYTES: usize = 256;
/// Largest message taken from a directory, in bytes: a group with a hundred thousand members is one message.
pub const MESSAGE_BYTES: usize = 32 * 1024 * 1024;
/// Bytes read at once.
pub const READ_BYTES: usize = 16 * 1024;
/// People looked for and tried at one directory at once, on each node, and connections kept for each of the two: more wait
/// for a place.
pub const CONNECTIONS: usize = 8;
/// Sign-ins that wait for a place at one directory, on each node; more are told to come back.
pub const WAITING: usize = 64;
/// How long a sign-in waits for a place.
pub const PLACE_WAIT: Duration = Duration::from_secs(3);
/// How long a connection nobody uses is kept.
pub const IDLE: Duration = Duration::from_secs(60);
/// How long a server that could not be reached is tried after the others, and not at all when none could.
pub const AFTER_FAILURE: Duration = Duration::from_secs(5);
/// Largest file of certificates, in bytes.
pub const CERTIFICATES_BYTES: u64 = 1024 * 1024;
/// Groups one person is followed into: the next one is refused, for a part of somebody's groups would be the wrong ones.
pub const GROUPS: usize = 1000;
/// Entries looked at to know somebody's groups, those that count for nothing included. How deep they lie makes no difference.
pub const LOOKED_AT: usize = 4 * GROUPS;
/// Names of groups asked for in one search.
pub const NAMES_AT_ONCE: usize = 50;
/// Longest subject, in bytes.
pub const SUBJECT_BYTES: usize = 255;
/// Groups asked for at once when all are read: each may name many members.
pub const GROUPS_AT_ONCE: u32 = 100;
/// Pages of people on their way at once.
pub const PAGES_AHEAD: usize = 2;
/// How long a whole question may take, in longest answers.
pub const QUESTION_ANSWERS: u32 = 3;
/// Messages one question may bring, entries above all.
pub const QUESTION_MESSAGES: u64 = 10_000;
/// Bytes one question may bring.
pub const QUESTION_BYTES: u64 = 16 * 1024 * 1024;
/// How long reading everybody may take.
pub const READING_TIME: Duration = Duration::from_secs(6 * 60 * 60);
/// Messages reading everybody may bring: people and groups.
pub const READING_MESSAGES: u64 = 5_000_000;
/// Bytes reading everybody may bring.
pub const READING_BYTES: u64 = 16 * 1024 * 1024 * 1024;
/// Memberships kept while everybody is read: 32 bytes each.
pub const MEMBERSHIPS: usize = 8_000_000;
/// How long it is known of a directory nobody asks how its servers did.
pub const PLACE_KEPT: Duration = Duration::from_secs(10 * 60);
/// How far back behind the last time is asked for changes, where moments count: entries become visible a while after their
/// moment, at copies above all.
pub const CHANGES_OVERLAP: Duration = Duration::from_secs(10 * 60);
/// People and groups followed one by one when something changed; when more are concerned, everybody is read.
pub const FOLLOWED: usize = 1000;
