//! Limits of tokens and keys, with their units and reasons.

use std::ops::RangeInclusive;

/// Longest token read, in bytes: beyond any identity token with hundreds of groups.
pub const TOKEN_BYTES: usize = 64 * 1024;
/// Longest decoded header, in bytes: the public key of a DPoP proof fits several times.
pub const HEADER_BYTES: usize = 8 * 1024;
/// Longest `kid` and `typ`, in bytes.
pub const NAME_BYTES: usize = 256;
/// Objects and lists inside one another in a header or in claims.
pub const NESTING: usize = 32;
/// Longest `iss`, `sub`, `jti` and other single text claim, in bytes: the longest URL people register.
pub const CLAIM_TEXT_BYTES: usize = 2048;
/// Keys in one key set.
pub const KEYS: usize = 64;
/// Size of an RSA modulus, in bits: below it can be broken (NIST SP 800-131A §3), above it costs too much.
pub const RSA_BITS: RangeInclusive<usize> = 2048..=8192;
/// Public exponent of an RSA key. It is odd besides.
pub const RSA_EXPONENT: RangeInclusive<u64> = 3..=1 << 32;
/// Secret of HS256, in bytes: as long as the hash at least (RFC 7518 §3.2).
pub const HMAC_SECRET_BYTES: RangeInclusive<usize> = 32..=1024;
/// How far two clocks may be apart, in seconds.
pub const SKEW_SECONDS: i64 = 30;
/// Longest subject of a certificate as text, in bytes.
pub const SUBJECT_BYTES: usize = 1024;
/// Largest certificate, in bytes: beyond any with an RSA key of the largest size and many names.
pub const CERTIFICATE_BYTES: usize = 16 * 1024;
/// Certificates in one chain, the client's own included.
pub const CHAIN: usize = 6;
/// Certificates of authorities that may vouch for clients.
pub const AUTHORITIES: usize = 100;
/// How long a certificate around a key of our own says that it is good, in years: whoever was given it has pinned it.
pub const CERTIFICATE_YEARS: i32 = 20;
