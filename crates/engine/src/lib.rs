//! Use cases: load the facts, decide by plain functions, apply in one transaction. No HTTP, no
//! sockets, no clock: `now` arrives in the context.

pub mod administration;
pub mod authorize;
pub mod clients;
mod denials;
pub mod device;
pub mod door;
pub mod federation;
pub mod gate;
pub mod keys;
pub mod limits;
pub mod live;
pub mod logout;
pub mod manage;
pub mod passwords;
pub mod registration;
pub mod sessions;
pub mod settings;
pub mod setup;
pub mod sign_in;
pub mod token;
pub mod turns;
pub mod upkeep;
