//! `doorward realm`

mod update;

use crate::commands::Shell;
use crate::exit::{Code, Exit};
use crate::limits;
use crate::report::Report;
use clap::Subcommand;
use doorward_engine::manage;
use doorward_model::name::{DisplayText, RealmName};
use doorward_store::realms;
use serde_json::json;

/// Realms.
#[derive(Subcommand, Debug)]
pub enum Realm {
    /// Create a realm.
    Create {
        /// Its name in URLs.
        #[arg(value_parser = RealmName::parse)]
        name: RealmName,
        /// Its name for people.
        #[arg(long, value_name = "TEXT", value_parser = DisplayText::parse)]
        title: Option<DisplayText>,
    },
    /// Change what is given about a realm; '' puts a life back to the default.
    Update(Box<update::Update>),
    /// Show a realm.
    Show {
        /// The realm.
        #[arg(value_parser = RealmName::parse)]
        name: RealmName,
    },
    /// List realms.
    List,
}

/// Runs the command.
pub async fn run(command: Realm, shell: &Shell) -> Result<Report, Exit> {
    match command {
        Realm::Create { name, title } => create(shell, name, title).await,
        Realm::Update(command) => update::update(shell, *command).await,
        Realm::Show { name } => update::show(shell, &name).await,
        Realm::List => {
            let all = realms::list(&mut &shell.door.store, limits::ROWS).await?;
            let rows = all.iter().map(|realm| json!({"name": realm.name, "title": realm.title, "id": realm.id}));
            Ok(Report::rows(&["name", "title", "id"], rows.collect()))
        }
    }
}

async fn create(shell: &Shell, name: RealmName, title: Option<DisplayText>) -> Result<Report, Exit> {
    let title = match title {
        Some(title) => title,
        None => DisplayText::parse(name.as_str()).map_err(|bad| Exit::new(Code::Broken, bad.to_string()))?,
    };
    let mut tx = shell.door.begin().await?;
    let realm = manage::realms::create(&shell.door, &shell.ctx, &mut tx, name, title).await??;
    shell.commit(tx).await?;
    Ok(Report::words(format!("Created realm {}.", realm.name)))
}
