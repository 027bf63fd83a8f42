//! Limits of the program itself, each with its unit and reason.

/// Longest settings file, in bytes: a page of text is plenty.
pub const SETTINGS_BYTES: u64 = 256 * 1024;
/// Longest file of authorities that is read, in bytes: a hundred certificates.
pub const AUTHORITIES_BYTES: u64 = 1024 * 1024;
/// Longest master key file, in bytes: 64 hexadecimal digits and a line end.
pub const MASTER_KEY_FILE_BYTES: u64 = 1024;
/// Tools that `up` tells of at its start, one line each; of more the count is told.
pub const TOOLS_TOLD: usize = 30;
/// Longest lock file that is read, in bytes: it holds the number of a process.
pub const LOCK_FILE_BYTES: u64 = 32;
/// Longest password read from standard input, in bytes: twice what a password may have.
pub const PASSWORD_INPUT_BYTES: u64 = 2048;
/// Longest declared input read from standard input or one file, in bytes; the reader's own limit is lower.
pub const DECLARED_BYTES: u64 = 8 * 1024 * 1024;
/// Declared files in one directory.
pub const DECLARED_FILES: usize = 10_000;
/// Rows of tables that are read in one piece.
pub const ROWS: i64 = i64::MAX;
/// Longest database grace, in seconds: a day without a database is no passing trouble.
pub const GRACE_SECONDS: i64 = 24 * 60 * 60;
/// Longest session, in seconds: a year.
pub const SESSION_SECONDS: i64 = 366 * 24 * 60 * 60;
/// Events shown at once.
pub const EVENTS: i64 = 10_000;
/// Leading bits of a trusted IPv4 network, at least: the widest private network has eight.
pub const TRUSTED_PREFIX_V4: u8 = 8;
/// Leading bits of a trusted IPv6 network, at least: what a registry gives to a whole provider is narrower.
pub const TRUSTED_PREFIX_V6: u8 = 16;
/// Longest answer of a server on its control socket, in bytes: an address has at most some hundred, and there may be
/// many networks that it calls.
pub const CONTROL_ANSWER_BYTES: u64 = 64 * 1024;
/// Folders a directory of declared files is said to hold, one line each; of more the count is told.
pub const FOLDERS_NAMED: usize = 20;
/// Longest time a replaced secret of a client keeps working, in seconds: a month to roll out the new one.
pub const OVERLAP_SECONDS: i64 = 31 * 24 * 60 * 60;
/// Shortest time a signing key is published before it signs, in seconds: several times as long as tools may keep a copy
/// of the key set.
pub const ANNOUNCE_SECONDS_MIN: i64 = 5 * 60;
/// Longest time a signing key is published before it signs, in seconds: two days.
pub const ANNOUNCE_SECONDS: i64 = 2 * 24 * 60 * 60;
/// Shortest time a signing key signs, in seconds: three days, longer than the key before it and the next one stay.
pub const ROTATE_SECONDS_MIN: i64 = 3 * 24 * 60 * 60;
/// Longest time a signing key signs before the next one follows, in seconds: five years.
pub const ROTATE_SECONDS: i64 = 5 * 366 * 24 * 60 * 60;
/// Longest file of certificates read, in bytes: all roots of a system fit several times.
pub const CA_FILE_BYTES: u64 = 2 * 1024 * 1024;
/// Deliveries one node has on their way at once: one that hangs must not hold up the others.
pub const DELIVERIES: usize = 16;
/// People one node asks one provider for at once.
pub const REFRESHES: usize = 4;
/// Longest time asking a provider for somebody may take with all its calls: shorter than the claim on them lasts.
pub const REFRESH_TIME: std::time::Duration = std::time::Duration::from_secs(60);
/// Lines of one kind the log takes at once: more than a slip in the settings of a busy tool makes while somebody looks.
pub const LINES_AT_ONCE: u32 = 200;
/// Lines of one kind the log takes each second after that: under a hundred megabytes a day for each kind somebody floods.
pub const LINES_EACH_SECOND: u32 = 5;
/// Longest part of a line shown where it is told how many more like it were left out, in characters.
pub const LINE_SHOWN_CHARACTERS: usize = 200;

/// Links a list shows at once.
pub const LINKS_LISTED: i64 = 200;
/// Largest file of claims to try, in bytes.
pub const CLAIMS_BYTES: u64 = 256 * 1024;
/// Longest secret read from standard input, in bytes.
pub const SECRET_BYTES: u64 = 16 * 1024;
/// Largest file that is imported, in bytes.
pub const IMPORT_BYTES: u64 = 4 * 1024 * 1024;
