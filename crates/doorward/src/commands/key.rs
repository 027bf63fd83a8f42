//! `doorward key`

use crate::commands::Shell;
use crate::exit::Exit;
use crate::limits;
use crate::report::Report;
use clap::Subcommand;
use doorward_store::{keys, realms};
use serde_json::json;
use std::collections::HashMap;

/// Signing keys.
#[derive(Subcommand, Debug)]
pub enum Key {
    /// List signing keys, newest first within a realm; the newest signs.
    List,
}

/// Runs the command.
pub async fn run(command: Key, shell: &Shell) -> Result<Report, Exit> {
    let Key::List = command;
    let mut query = &shell.door.store;
    let all = realms::list(&mut query, limits::ROWS).await?;
    let realms: HashMap<_, _> = all.into_iter().map(|realm| (realm.id, realm.name)).collect();
    let mut signing = std::collections::HashSet::new();
    let keys = keys::all(&mut query).await?;
    let rows = keys.iter().map(|key| {
        let realm = realms.get(&key.realm_id);
        json!({"id": key.id, "realm": realm, "signs": signing.insert(&key.realm_id)})
    });
    Ok(Report::rows(&["id", "realm", "signs"], rows.collect()))
}
