//! Tables over reading and planning.
#![expect(clippy::unwrap_used, reason = "tests")]

mod besides;
mod clients;
mod parse;
mod plan;
mod roles;
mod there;
mod ways;
mod wrong_clients;

use crate::declared::{Complaint, Declared, Reading};
use doorward_model::name::RealmName;

/// The realm main for objects that name none, and a stand-in for the program's check of upstreams.
fn reading() -> Reading {
    Reading {
        realm: RealmName::parse("main").unwrap(),
        is_only_realm: false,
        upstream: |text| match text.starts_with("http://") {
            true => Ok(()),
            false => Err((format!("the upstream `{text}` will not do"), "write another".to_owned())),
        },
    }
}

fn parse(file: &str, text: &str) -> Result<Vec<Declared>, Vec<Complaint>> {
    crate::declared::parse(file, text, &reading())
}
