//! Declared objects: realms, groups, users, roles, apps, clients and connectors written down in YAML files. Owns reading them with
//! positions, checking them against each other and planning what to change; does not change anything
//! (that is `engine`'s), and deletes nothing because a file no longer names it.

mod check;
pub mod client;
mod complaint;
pub mod connector;
mod diff;
mod document;
mod list;
mod mapper;
mod mapper_words;
mod near;
mod object;
mod plan;
pub mod profile;
pub mod role;
pub mod scope;
mod secret;
mod step;
pub mod workload;
mod written;

pub use client::DeclaredClient;
pub use complaint::{Complaint, Position};
pub use connector::DeclaredConnector;
pub use diff::{
    ClientFacts, access as access_changes, client as client_changes, settings as settings_changes, ways as ways_changes,
};
pub use document::any;
pub use near::near;
pub use object::{
    CheckUpstream, Declared, DeclaredApp, DeclaredGroup, DeclaredRealm, DeclaredUser, Located, Reading, parse,
    parse_all,
};
pub use plan::{Current, Plan, plan};
pub use profile::{DeclaredLives, DeclaredProfile};
pub use role::{DeclaredRole, HolderName, RoleKey};
pub use scope::DeclaredScope;
pub use secret::SecretReference;
pub use step::Step;

#[cfg(test)]
mod tests;
