//! `doorward delivery`

use crate::commands::Shell;
use crate::exit::Exit;
use crate::limits;
use crate::report::Report;
use clap::{ArgGroup, Subcommand};
use doorward_engine::logout;
use doorward_model::name::ClientName;
use doorward_model::time::Timestamp;
use doorward_store::deliveries;
use serde_json::json;

/// What clients are still to be told: sessions that ended.
#[derive(Subcommand, Debug)]
pub enum Delivery {
    /// List what is waiting and what was given up, newest first.
    List,
    /// Try now, and count from the first attempt again.
    #[command(group = ArgGroup::new("which").required(true).multiple(false))]
    Retry {
        /// Its number in the list.
        #[arg(group = "which", value_name = "NUMBER", value_parser = number)]
        number: Option<i64>,
        /// Every one that is in the list.
        #[arg(long, group = "which")]
        all: bool,
        /// Every one for this client of the realm.
        #[arg(long, group = "which", value_name = "NAME", value_parser = ClientName::parse)]
        client: Option<ClientName>,
    },
}

/// The number of a delivery.
fn number(text: &str) -> Result<i64, String> {
    let number = text.parse().ok().filter(|number| *number >= 1);
    number.ok_or_else(|| "no delivery has such a number: see `doorward delivery list`".to_owned())
}

const COLUMNS: &[&str] = &["number", "client", "session", "state", "attempts", "due", "problem"];

/// Runs the command.
pub async fn run(command: Delivery, shell: &Shell) -> Result<Report, Exit> {
    match command {
        Delivery::List => list(shell).await,
        Delivery::Retry { number: Some(number), .. } => retry(shell, number).await,
        Delivery::Retry { client, .. } => retry_all(shell, client.as_ref()).await,
    }
}

async fn list(shell: &Shell) -> Result<Report, Exit> {
    let all = deliveries::list(&mut &shell.door.store, limits::EVENTS).await?;
    let rows = all.into_iter().map(|one| {
        json!({
            "number": one.number, "client": one.client, "session": one.session_id, "subject": one.subject,
            "state": if one.is_failed { "failed" } else { "waiting" }, "attempts": one.attempts,
            "begun": one.begun_at.map(Timestamp::rfc3339), "due": one.due_at.rfc3339(), "problem": one.problem,
        })
    });
    Ok(Report::rows(COLUMNS, rows.collect()))
}

async fn retry(shell: &Shell, number: i64) -> Result<Report, Exit> {
    let mut tx = shell.door.begin().await?;
    logout::retry(&mut tx, number).await??;
    shell.commit(tx).await?;
    Ok(Report::words(format!("Delivery {number} is tried again.")))
}

/// Tries again what is for one client, or everything there is.
async fn retry_all(shell: &Shell, client: Option<&ClientName>) -> Result<Report, Exit> {
    let id = match client {
        Some(name) => Some(shell.client(&shell.realm().await?, name).await?.id),
        None => None,
    };
    let mut tx = shell.door.begin().await?;
    let count = deliveries::retry_all(&mut tx, id.as_ref()).await?;
    shell.commit(tx).await?;
    let what = if count == 1 { "delivery is" } else { "deliveries are" };
    let whose = client.map(|name| format!(" for client {name}")).unwrap_or_default();
    Ok(Report::words(format!("{count} {what} tried again{whose}.")))
}
