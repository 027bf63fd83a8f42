//! Asking directories who somebody is: LDAP, Active Directory among its servers. Speaks the protocol and dials; what it
//! proved leaves here as an `ExternalIdentity`, and which user that is, is the engine's to say. A directory is where the
//! connector says, inside the network as a rule; no answer of one leads to another.

pub mod account;
pub mod changes;
pub mod directories;
mod groups;
mod index;
pub mod limits;
mod login;
pub mod new_password;
pub mod person;
mod place;
pub mod probing;
mod protocol;
pub mod reading;
mod stand;
pub mod tls;
mod tries;
pub mod trouble;
