//! Declared objects: realms, groups, users and apps written down in YAML files. Owns reading them with
//! positions, checking them against each other and planning what to change; does not change anything
//! (that is `engine`'s), and deletes nothing because a file no longer names it.

mod check;
mod complaint;
mod diff;
mod document;
mod object;
mod plan;
mod step;

pub use complaint::{Complaint, Position};
pub use diff::{access as access_changes, settings as settings_changes};
pub use object::{
    CheckUpstream, Declared, DeclaredApp, DeclaredGroup, DeclaredRealm, DeclaredUser, Located, Reading,
    SecretReference, parse, parse_all,
};
pub use plan::{Current, Plan, plan};
pub use step::Step;

#[cfg(test)]
mod tests;
