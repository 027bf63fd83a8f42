//! May this visitor enter this app? One decision for every proxy's dialect, for sign-in, the launcher
//! and explain.

pub mod check;
pub mod decide;
pub mod explain;
pub mod identity;
pub mod open;
