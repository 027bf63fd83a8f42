//! `doorward events`

use crate::commands::Shell;
use crate::exit::Exit;
use crate::limits;
use crate::report::Report;
use clap::Args;
use doorward_store::events;
use serde_json::json;

/// The newest entries of the audit record, newest first.
#[derive(Args, Debug)]
pub struct Events {
    /// How many.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=limits::EVENTS))]
    count: i64,
}

/// Runs the command.
pub async fn run(asked: Events, shell: &Shell) -> Result<Report, Exit> {
    let all = events::newest(&mut &shell.door.store, asked.count).await?;
    let rows = all.iter().map(|event| {
        json!({
            "at": event.at.rfc3339(), "kind": event.kind, "actor": event.actor, "subject": event.subject,
            "detail": event.detail, "request": event.request, "address": event.client_address,
        })
    });
    Ok(Report::rows(&["at", "kind", "actor", "subject", "detail", "address"], rows.collect()))
}
