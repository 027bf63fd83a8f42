//! Every limit of this crate in one place, with its unit and its reason.

use std::ops::RangeInclusive;

/// Longest query or form body, in bytes as sent: a request object or assertion fits beside everything else.
pub const PARAMETERS_BYTES: usize = 64 * 1024;
/// Parameters in one query or form body: the longest real request has about thirty.
pub const PARAMETERS: usize = 100;
/// Longest name of a parameter, in bytes after decoding.
pub const PARAMETER_NAME_BYTES: usize = 256;
/// Longest value of a parameter, in bytes after decoding: a signed token with many groups.
pub const PARAMETER_VALUE_BYTES: usize = 32 * 1024;

/// Longest sentence of a refusal, in bytes: it travels in a `Location` header.
pub const SENTENCE_BYTES: usize = 512;

/// Longest client id, in bytes.
pub const CLIENT_ID_BYTES: usize = 256;
/// Longest client secret presented, in bytes: beyond it hashing costs for nothing.
pub const CLIENT_SECRET_BYTES: usize = 1024;
/// Longest `Authorization` header read for a client's credentials, in bytes: id and secret, each letter
/// escaped, in base64.
pub const AUTHORIZATION_BYTES: usize = 8 * 1024;

/// Longest redirect URI, registered or presented, in bytes: every browser follows as much.
pub const REDIRECT_URI_BYTES: usize = 2048;
/// Longest pattern of a redirect rule, in bytes.
pub const REDIRECT_PATTERN_BYTES: usize = 512;
/// Largest compiled pattern, in bytes: matching costs this times the length of the URI.
pub const REDIRECT_PATTERN_COMPILED_BYTES: usize = 32 * 1024;
/// Deepest nesting of groups in a pattern.
pub const REDIRECT_PATTERN_NESTING: u32 = 16;

/// Scopes in one request.
pub const SCOPES: usize = 100;
/// Longest scope, in bytes.
pub const SCOPE_BYTES: usize = 128;

/// Longest `state`, in bytes: some clients keep a whole return address in it.
pub const STATE_BYTES: usize = 4 * 1024;
/// Longest `nonce`, in bytes: it is copied into every identity token.
pub const NONCE_BYTES: usize = 1024;
/// Longest `login_hint`, in bytes.
pub const LOGIN_HINT_BYTES: usize = 256;
/// Longest of the short words (`display`, `kc_idp_hint`, `code_challenge_method`), in bytes.
pub const WORD_BYTES: usize = 256;
/// Longest list of words (`prompt`, `ui_locales`, `acr_values`), in bytes.
pub const WORD_LIST_BYTES: usize = 2048;
/// Words in one list.
pub const WORDS: usize = 20;
/// Longest `claims` parameter, in bytes.
pub const CLAIMS_BYTES: usize = 8 * 1024;
/// Claims asked for in each half of the `claims` parameter.
pub const CLAIMS: usize = 100;
/// Longest `authorization_details`, in bytes: it is copied into every access token.
pub const DETAILS_BYTES: usize = 8 * 1024;
/// Objects in `authorization_details`.
pub const DETAILS: usize = 20;
/// Longest type of one of them, in bytes.
pub const DETAIL_TYPE_BYTES: usize = 256;
/// Objects and lists inside one another in each of them, itself included: people have to read it.
pub const DETAIL_NESTING: usize = 7;
/// `resource` parameters in one request.
pub const RESOURCES: usize = 10;
/// Longest `resource` or `request_uri`, in bytes.
pub const URI_BYTES: usize = 2048;

/// Length of the `jti` of a proof of possession, in bytes: a UUID has 36. A short one that repeats hurts nobody but
/// the client itself.
pub const PROOF_ID_BYTES: RangeInclusive<usize> = 1..=256;
/// How old a proof of possession may be, in seconds: a slow network and clocks that differ. Each is remembered
/// for as long.
pub const PROOF_SECONDS: i64 = 120;
/// How far in the future a proof of possession may have been made, in seconds: clocks differ.
pub const PROOF_AHEAD_SECONDS: i64 = 30;
