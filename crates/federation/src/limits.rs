//! Every size and duration of this crate in one place.

/// How long what a provider publishes of itself, its keys too, counts without asking again, in seconds: a key it has
/// taken away stops working within this time.
pub const PUBLISHED_SECONDS: i64 = 10 * 60;
/// How long keys are not asked for again after a token named one that is not there, in seconds: tokens anybody can make
/// up must not become requests.
pub const UNKNOWN_KEY_SECONDS: i64 = 60;
/// Longest subject, in bytes (OIDC Core §2).
pub const SUBJECT_BYTES: usize = 255;
/// Longest code, in bytes.
pub const CODE_BYTES: usize = 8 * 1024;
/// How long a signed proof that it is Doorward counts, in seconds: the time of one request.
pub const ASSERTION_SECONDS: i64 = 60;
/// Pages of groups read from a directory for one person, at most: of a hundred each.
pub const DIRECTORY_PAGES: usize = 50;
/// Deepest path into claims.
pub const CLAIM_DEPTH: usize = 8;
/// How long a provider that could not be asked is not asked again, in seconds.
pub const FAILURE_SECONDS: i64 = 5;
/// How long asking may have taken when it failed, in seconds.
pub const WAITED_SECONDS: i64 = 15;
