//! Every size and duration of this crate in one place.

/// Largest message read, in bytes, before and after an encrypted assertion is opened: a person with five hundred groups
/// is a third of it. Reading costs more than in proportion to the size.
pub const MESSAGE_BYTES: usize = 256 * 1024;
/// Largest metadata document of one provider, in bytes.
pub const METADATA_BYTES: usize = 512 * 1024;
/// Longest tag, in bytes: comparing the attributes of one tag with one another costs their square.
pub const TAG_BYTES: usize = 8 * 1024;
/// Most attributes of one tag, namespaces included.
pub const ATTRIBUTES: usize = 64;
/// Most elements of a message.
pub const ELEMENTS: usize = 5_000;
/// Most entity ids of a metadata document that are told when the wanted one is not among them.
pub const ENTITIES_TOLD: usize = 5;
/// Most elements of a metadata document.
pub const METADATA_ELEMENTS: usize = 20_000;
/// Deepest element.
pub const DEPTH: usize = 48;
/// Most signatures of a message: of the answer, and of the assertion in it.
pub const SIGNATURES: usize = 2;
/// Shortest and longest RSA modulus a signature is checked with, in bits.
pub const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// Most certificates of one provider: those in use and those to come.
pub const CERTIFICATES: usize = 16;
/// Largest certificate, in bytes.
pub const CERTIFICATE_BYTES: usize = 16 * 1024;
/// Longest subject, in bytes, as with other connectors.
pub const SUBJECT_BYTES: usize = 255;
/// Longest id of a message, an assertion or a session there, in bytes.
pub const ID_BYTES: usize = 256;
/// Most attributes of a person, and most values of one.
pub const PERSON_ATTRIBUTES: usize = 200;
/// Most values of one attribute of a person.
pub const PERSON_VALUES: usize = 2_000;
/// How long an assertion can be good at most, in seconds: it is remembered for as long, so that it is good once.
pub const ASSERTION_SECONDS: i64 = 24 * 60 * 60;
/// How much longer than it is good an assertion is remembered, in seconds: the largest tolerance somebody may set meanwhile,
/// and as much for the clocks of two nodes.
pub const MARK_SECONDS: i64 = 2 * 600;
/// How long somebody waits for another one's reading of metadata, in seconds.
pub const WAIT_SECONDS: u64 = 2;
/// Most news of one provider that wait to be told.
pub const NEWS: usize = 16;
/// Longest RelayState sent back, in bytes: some providers take more than the eighty of SAML Bindings §3.4.3.
pub const RELAY_STATE_BYTES: usize = 1024;
/// Longest query of a redirect that is read, in bytes.
pub const QUERY_BYTES: usize = 32 * 1024;
/// How long metadata counts without being read again, in seconds, when it says nothing shorter.
pub const METADATA_SECONDS: i64 = 60 * 60;
/// Shortest time between two readings of metadata that says to read it again soon, in seconds.
pub const METADATA_SECONDS_LEAST: i64 = 60;
/// How long metadata that was good is used when the newer one cannot be read, in seconds, unless it is over before.
pub const METADATA_STALE_SECONDS: i64 = 24 * 60 * 60;
/// How long a provider that could not be asked is not asked again, in seconds.
pub const FAILURE_SECONDS: i64 = 5;
/// How long asking may have taken when it failed, in seconds.
pub const WAITED_SECONDS: i64 = 15;
/// How long a request to sign out counts, in seconds, ours and a provider's.
pub const LOGOUT_SECONDS: i64 = 5 * 60;
/// Most sessions one request to sign out names.
pub const LOGOUT_SESSIONS: usize = 20;
/// Most prefixes exclusive canonicalisation is told to keep.
pub const PREFIXES: usize = 16;
