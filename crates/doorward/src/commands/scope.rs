//! `doorward scope`: scopes of the realm's own. They are made by declared files.

use crate::commands::Shell;
use crate::exit::Exit;
use crate::report::Report;
use clap::Subcommand;
use doorward_engine::clients::ClientScope;
use doorward_engine::manage;
use doorward_model::people::Realm;
use doorward_store::client_scopes;
use serde_json::json;

/// Scopes of the realm's own.
#[derive(Subcommand, Debug)]
pub enum Scope {
    /// List them.
    List,
    /// Show what one brings.
    Show {
        /// Its name.
        scope: String,
    },
    /// Delete one; what was granted brings nothing any more.
    Delete {
        /// Its name.
        scope: String,
    },
}

/// Runs the command.
pub async fn run(command: Scope, shell: &Shell) -> Result<Report, Exit> {
    let realm = shell.realm().await?;
    match command {
        Scope::List => list(shell, &realm).await,
        Scope::Show { scope } => show(shell, &realm, &scope).await,
        Scope::Delete { scope } => delete(shell, &realm, &scope).await,
    }
}

async fn list(shell: &Shell, realm: &Realm) -> Result<Report, Exit> {
    let mut rows = Vec::new();
    for row in client_scopes::of_realm(&mut &shell.door.store, &realm.id).await? {
        let scope = ClientScope::read(row)?;
        let settings = scope.settings;
        rows.push(json!({
            "name": scope.name, "assigned": settings.assigned, "description": settings.description,
            "mappers": settings.mappers.len(), "id": scope.id,
        }));
    }
    Ok(Report::rows(&["name", "assigned", "mappers", "description"], rows))
}

async fn find(shell: &Shell, realm: &Realm, name: &str) -> Result<ClientScope, Exit> {
    match client_scopes::find(&mut &shell.door.store, &realm.id, name).await? {
        Some(row) => Ok(ClientScope::read(row)?),
        None => {
            let name = name.escape_debug();
            let realm = &realm.name;
            Err(Exit::refused(format!(
                "realm {realm} has no scope of its own named {name}: list them with `doorward scope list`"
            )))
        }
    }
}

async fn show(shell: &Shell, realm: &Realm, name: &str) -> Result<Report, Exit> {
    let scope = find(shell, realm, name).await?;
    Ok(Report::one(json!({
        "realm": realm.name,
        "id": scope.id,
        "name": scope.name,
        "assigned": scope.settings.assigned,
        "description": scope.settings.description,
        "mappers": scope.settings.mappers,
    })))
}

async fn delete(shell: &Shell, realm: &Realm, name: &str) -> Result<Report, Exit> {
    let scope = find(shell, realm, name).await?;
    let mut tx = shell.door.begin().await?;
    manage::client_scopes::delete(&mut tx, &scope).await?;
    shell.commit(tx).await?;
    Ok(Report::words(format!("Deleted scope {}.", scope.name)))
}
