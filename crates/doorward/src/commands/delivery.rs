//! `doorward delivery`

use crate::commands::Shell;
use crate::exit::Exit;
use crate::limits;
use crate::report::Report;
use clap::Subcommand;
use doorward_engine::logout;
use doorward_model::time::Timestamp;
use doorward_store::deliveries;
use serde_json::json;

/// What clients are still to be told: sessions that ended.
#[derive(Subcommand, Debug)]
pub enum Delivery {
    /// List what is waiting and what was given up, newest first.
    List,
    /// Try one again at once, with all its attempts before it.
    Retry {
        /// Its number in the list.
        number: i64,
    },
}

const COLUMNS: &[&str] = &["number", "client", "session", "state", "attempts", "due", "problem"];

/// Runs the command.
pub async fn run(command: Delivery, shell: &Shell) -> Result<Report, Exit> {
    match command {
        Delivery::List => list(shell).await,
        Delivery::Retry { number } => retry(shell, number).await,
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
