//! The nouns of Doorward: ids, names, states, limits, events. Pure: no async, no input or output,
//! no clock. Everything that comes from outside is parsed here into types that cannot be wrong.

pub mod address;
pub mod app;
pub mod change;
pub mod context;
pub mod dice;
pub mod event;
pub mod fault;
pub mod id;
pub mod json;
pub mod limits;
pub mod name;
pub mod path;
pub mod people;
pub mod secret;
pub mod secret_ref;
pub mod session;
pub mod signing;
pub mod time;
pub mod told;
pub mod user_code;
pub mod ways;
