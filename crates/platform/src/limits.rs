//! Every limit of this crate, with its unit and its reason. Limits of the nouns themselves stand in
//! `doorward_model::limits`.

/// Longest declared file, in bytes: a thousand apps fit many times.
pub const FILE_BYTES: usize = 4 * 1024 * 1024;
/// Objects in one set of declared files: beyond it a person no longer reads the plan.
pub const DECLARED_OBJECTS: usize = 20_000;
/// Names in one list of a declared object.
pub const LIST_ENTRIES: usize = 10_000;
/// Complaints reported at once, in one file: the rest follows from the first ones.
pub const COMPLAINTS: usize = 100;
/// YAML nodes in one file: what its bytes can hold, so that no alias blows it up.
pub const FILE_NODES: usize = 2_000_000;
/// Longest secret read from a file, in bytes: a password may have far less.
pub const SECRET_BYTES: u64 = 64 * 1024;

/// Scopes, web origins or audiences of one client.
pub const CLIENT_WORDS: usize = 100;
/// Mappers of one client: each is looked at for every token.
pub const CLIENT_MAPPERS: usize = 100;
/// Longest scope, in bytes: no longer one can be asked for.
pub const SCOPE_BYTES: usize = 128;
/// Longest type of authorization details, in bytes: no longer one can be asked for.
pub const DETAIL_TYPE_BYTES: usize = 256;
/// Longest name of a claim, an attribute or an audience, in bytes: some are URLs.
pub const CLAIM_NAME_BYTES: usize = 256;
/// Names on the way to one claim: tools look two or three deep.
pub const CLAIM_DEPTH: usize = 8;
/// Longest fixed value of a claim, in bytes as JSON: tokens travel in headers.
pub const CLAIM_VALUE_BYTES: usize = 1024;
