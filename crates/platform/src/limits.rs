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
