//! `doorward key`

use crate::commands::Shell;
use crate::exit::Exit;
use crate::limits;
use crate::report::Report;
use clap::{Args, Subcommand};
use doorward_engine::keys::Known;
use doorward_engine::keys::schedule::takes_over_at;
use doorward_jose::algorithm::Algorithm;
use doorward_model::id::KeyId;
use doorward_model::signing::KeyState;
use doorward_model::time::Timestamp;
use doorward_store::realms;
use serde_json::{Value, json};

/// Signing keys.
#[derive(Subcommand, Debug)]
pub enum Key {
    /// List signing keys with their states, newest first within a realm.
    List,
    /// Let the next key follow, for each algorithm the realm signs by: published now, signing later.
    Rotate(Rotate),
    /// Let go of a key that does not sign: what it signed is good no more.
    Retire {
        /// The key, as in the list.
        #[arg(value_parser = KeyId::parse)]
        key: KeyId,
    },
}

/// How keys are replaced.
#[derive(Args, Debug)]
pub struct Rotate {
    /// Replace the keys at once: those there are, and every token they signed, are good no more.
    #[arg(long)]
    now: bool,
    /// Only the key for this algorithm: RS256, PS256, ES256 or EdDSA.
    #[arg(long, value_name = "ALGORITHM", value_parser = algorithm)]
    algorithm: Option<Algorithm>,
}

fn algorithm(text: &str) -> Result<Algorithm, &'static str> {
    Algorithm::parse(text).ok_or("write RS256, PS256, ES256 or EdDSA")
}

/// Runs the command.
pub async fn run(command: Key, shell: &Shell) -> Result<Report, Exit> {
    match command {
        Key::List => list(shell).await,
        Key::Rotate(asked) => rotate(shell, &asked).await,
        Key::Retire { key } => retire(shell, &key).await,
    }
}

const COLUMNS: &[&str] = &["id", "realm", "algorithm", "state", "since", "until"];

async fn list(shell: &Shell) -> Result<Report, Exit> {
    let keys = shell.door.keys.all();
    let mut rows = Vec::new();
    for realm in realms::list(&mut &shell.door.store, limits::ROWS).await? {
        let known = keys.get(&realm.id).into_iter().flatten();
        rows.extend(known.map(|known| row(shell, realm.name.as_str(), known)));
    }
    Ok(Report::rows(COLUMNS, rows))
}

fn row(shell: &Shell, realm: &str, known: &Known) -> Value {
    let until = match known.state {
        KeyState::Active => takes_over_at(known.since, shell.door.settings.keys),
        KeyState::Announced | KeyState::Retiring => known.until,
    };
    json!({
        "id": known.key.id(), "realm": realm, "algorithm": known.key.algorithm().as_str(),
        "state": known.state.as_str(), "created": known.created_at.rfc3339(),
        "since": known.since.rfc3339(), "until": until.map(Timestamp::rfc3339),
    })
}

async fn rotate(shell: &Shell, asked: &Rotate) -> Result<Report, Exit> {
    let realm = shell.realm().await?;
    let (door, ctx) = (&shell.door, &shell.ctx);
    let made = if asked.now {
        door.keys.replace_now(door, ctx, &realm.id, asked.algorithm).await??
    } else {
        door.keys.announce_next(door, ctx, &realm.id, asked.algorithm).await??
    };
    shell.told().await;
    let keys = door.keys.all();
    let known = keys.get(&realm.id).into_iter().flatten();
    let rows = known.filter(|known| made.contains(known.key.id())).map(|known| row(shell, realm.name.as_str(), known));
    let words = if asked.now {
        "Every key there was is gone, with all it signed. Tools that keep copies of the key set learn of it when they \
         fetch it again."
    } else if made.is_empty() {
        "The next keys are announced already: see doorward key list."
    } else {
        "Published now, signing from the time under UNTIL."
    };
    Ok(Report::rows(COLUMNS, rows.collect()).and_words(words))
}

async fn retire(shell: &Shell, id: &KeyId) -> Result<Report, Exit> {
    let realm = shell.realm().await?;
    shell.door.keys.withdraw(&shell.door, &shell.ctx, &realm.id, id).await??;
    shell.told().await;
    Ok(Report::words(format!("Key {id} is gone.")))
}
