//! `doorward connector sync`: everybody a directory has is taken over.

use crate::commands::Shell;
use crate::exit::Exit;
use crate::report::Report;
use crate::sync::{self, Wanted};
use clap::Args;
use doorward_directory::directories::Directories;
use doorward_engine::federation::Connector as Stored;
use doorward_engine::federation::sync::Run;
use doorward_model::name::ConnectorName;
use doorward_model::people::Realm;
use serde_json::json;
use std::io::{IsTerminal as _, Write as _};

/// What to take over.
#[derive(Args, Debug)]
pub struct Sync {
    /// Its name.
    #[arg(value_parser = ConnectorName::parse)]
    pub connector: ConnectorName,
    /// Read only who changed since the last time, and whose groups did: nobody is found to be gone by that. Everybody is read
    /// where it is not known how far the directory had come.
    #[arg(long)]
    changes: bool,
    /// Shut people out who are not in the directory any more, however many they are.
    #[arg(long)]
    confirm_removals: bool,
    /// The most of those who were there, in percent, that may be shut out without --confirm-removals.
    #[arg(long, value_name = "PERCENT", default_value_t = sync::BRAKE, value_parser = clap::value_parser!(i64).range(0..=100))]
    brake: i64,
}

/// Reads a directory.
pub async fn run(shell: &Shell, realm: &Realm, connector: &Stored, asked: &Sync) -> Result<Report, Exit> {
    let refuse = |why: String| Exit::refused(format!("connector {}: {why}", connector.name));
    if connector.settings.kind.ldap().is_none() {
        return Err(refuse("only directories can be read".to_owned()));
    }
    if !connector.is_active {
        return Err(refuse("it is disabled".to_owned()));
    }
    let brake = (!asked.confirm_removals).then_some(asked.brake);
    let is_watched = std::io::stderr().is_terminal();
    let progress = |count: usize, before: usize| {
        if is_watched {
            // Nobody may be looking.
            let _ = write!(std::io::stderr(), "\r{}", shown(count, before));
        }
    };
    let directories = Directories::default();
    let run = if asked.changes { Run::Changes } else { Run::Whole };
    let wanted = Wanted { run, brake, progress: &progress };
    let done = sync::run(&shell.door, &shell.ctx, (realm, connector), &directories, wanted).await;
    if is_watched {
        let _ = writeln!(std::io::stderr());
    }
    shell.told().await;
    let report = done.map_err(|why| refuse(why.to_string()))?;
    let value = json!({
        "connector": connector.name,
        "run": report.run.as_str(),
        "whole_because": report.whole_because,
        "read": report.read,
        "created": report.created,
        "linked": report.linked,
        "back": report.back,
        "regrouped": report.regrouped,
        "passed_over": report.passed_over,
        "nameless": report.nameless,
        "unread": report.unread,
        "removed": report.removed,
        "held_back": report.held_back,
    });
    if report.held_back > 0 {
        let gone = match report.held_back {
            1 => "1 person is".to_owned(),
            count => format!("{count} people are"),
        };
        let sentence = match report.nameless {
            0 => format!(
                "{gone} not in the directory any more, more than {} % of those who were: nobody was shut out; \
                 if that is right, say --confirm-removals",
                asked.brake
            ),
            nameless => format!(
                "{gone} not in the directory any more, but {nameless} entries there have no {}, by which people \
                 are told apart: nobody was shut out; may the bind DN read it? If all is right, say --confirm-removals",
                connector.settings.kind.subjects()
            ),
        };
        return Err(refuse(sentence));
    }
    Ok(Report::one(value))
}

/// How far it is: a bar, where it is known from the last time how long it will be.
fn shown(count: usize, before: usize) -> String {
    const CELLS: usize = 30;
    let done = (count * CELLS).checked_div(before).unwrap_or(0).min(CELLS);
    match before {
        0 => format!("{count} people read"),
        _ => format!("[{}{}] {count} people read, {before} last time", "#".repeat(done), ".".repeat(CELLS - done)),
    }
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn the_bar_is_as_long_as_the_last_reading_and_never_longer() {
        assert_eq!(shown(7, 0), "7 people read");
        assert!(shown(50, 100).starts_with("[###############...............] 50 people read"));
        assert!(shown(500, 100).starts_with(&format!("[{}] 500", "#".repeat(30))));
    }
}
