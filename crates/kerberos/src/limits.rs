//! Every size and number of this crate in one place.

/// Largest token read, in bytes: what Windows sends at most.
pub const TOKEN_BYTES: usize = 48 * 1024;
/// Largest keytab read, in bytes.
pub const KEYTAB_BYTES: usize = 64 * 1024;
/// Most keys of a keytab.
pub const KEYS: usize = 256;
/// Most ways of proving oneself a browser may offer.
pub const MECHANISMS: usize = 16;
/// Most parts of a principal's name.
pub const COMPONENTS: usize = 8;
/// Longest name of a person, and of a realm, in bytes: both together are a subject.
pub const NAME_BYTES: usize = 120;
/// Most entries of authorization data.
pub const AUTHORIZATIONS: usize = 32;
