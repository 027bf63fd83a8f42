//! `doorward import`: what other software was configured with.

use crate::commands::{Shell, input};
use crate::exit::{Code, Exit};
use crate::imported;
use crate::limits;
use crate::report::Report;
use clap::{Args, Subcommand};
use doorward_platform::houston::{Found, of_values};
use serde_json::json;
use std::path::PathBuf;

/// What other software was configured with.
#[derive(Subcommand, Debug)]
pub enum Import {
    /// The identity providers in the values of Astronomer's chart, or of Houston alone.
    Houston(Houston),
}

impl Import {
    /// Whether it only says what would change.
    pub fn is_plan(&self) -> bool {
        let Self::Houston(asked) = self;
        asked.plan
    }
}

/// Where the values are.
#[derive(Args, Debug)]
pub struct Houston {
    /// The file, or - for standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Only say what would change; ends with code 2 when something would.
    #[arg(long)]
    plan: bool,
}

/// Runs the command.
pub async fn run(command: Import, shell: &Shell) -> Result<Report, Exit> {
    let Import::Houston(asked) = command;
    let refuse = |why: String| Exit::usage(format!("{}: {why}", asked.file.display()));
    let text = input::text(&asked.file, limits::IMPORT_BYTES).map_err(refuse)?;
    let values = doorward_platform::declared::any(&text).map_err(refuse)?;
    let Found { providers, notes } = of_values(&values).map_err(refuse)?;
    let realm = shell.realm().await?;
    let mut changes = Vec::new();
    for provider in providers {
        let change = match asked.plan {
            true => imported::plan(&shell.door, &realm, &provider).await?,
            false => imported::make_so(&shell.door, &shell.ctx, &realm, provider).await?,
        };
        changes.extend(change);
    }
    shell.told().await;
    let text = match changes.is_empty() {
        true => "Nothing to do: everything is so already.\n".to_owned(),
        false => changes.iter().map(|line| format!("{line}\n")).collect(),
    };
    let code = if asked.plan && !changes.is_empty() { Code::Pending } else { Code::Done };
    Ok(Report::text(text, json!({"changes": changes, "notes": notes})).and_warnings(notes).and_code(code))
}
