//! What is the same for every directory, wherever it is asked: names of entries and filters, as text and as parts.

pub mod dn;
pub mod filter;
