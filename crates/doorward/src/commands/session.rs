//! `doorward session`

use crate::commands::Shell;
use crate::exit::Exit;
use crate::limits;
use crate::report::Report;
use clap::{ArgGroup, Subcommand};
use doorward_engine::sessions as live;
use doorward_model::id::SessionId;
use doorward_model::name::UserName;
use doorward_model::session::Session as Live;
use doorward_store::sessions;
use doorward_web::own::account;
use serde_json::{Value, json};

const WHY: &str = "ended by an operator";

/// Sessions of browsers.
#[derive(Subcommand, Debug)]
pub enum Session {
    /// List live sessions, last seen first.
    List {
        /// Of this user only.
        #[arg(long, value_name = "NAME", value_parser = UserName::parse)]
        user: Option<UserName>,
    },
    /// End a session, or all sessions of a user; the gate knows at once.
    #[command(group = ArgGroup::new("which").required(true).multiple(false))]
    End {
        /// The session.
        #[arg(group = "which", value_parser = SessionId::parse)]
        id: Option<SessionId>,
        /// All sessions of this user.
        #[arg(long, group = "which", value_name = "NAME", value_parser = UserName::parse)]
        user: Option<UserName>,
    },
}

/// Runs the command.
pub async fn run(command: Session, shell: &Shell) -> Result<Report, Exit> {
    match command {
        Session::List { user } => list(shell, user.as_ref()).await,
        Session::End { id: Some(id), .. } => end(shell, &id).await,
        Session::End { user: Some(user), .. } => end_all(shell, &user).await,
        Session::End { .. } => Err(Exit::usage("no session is named: give its id or --user NAME")),
    }
}

async fn list(shell: &Shell, user: Option<&UserName>) -> Result<Report, Exit> {
    let realm = shell.realm().await?;
    let of_user = match user {
        Some(name) => Some(shell.user(&realm, name).await?.id),
        None => None,
    };
    let now = shell.ctx.now;
    let all = sessions::of_realm(&mut &shell.door.store, &realm.id, now, limits::ROWS).await?;
    let wanted = |session: &Live| session.is_live(now) && of_user.as_ref().is_none_or(|id| session.user_id == *id);
    let rows = all.iter().filter(|(session, _)| wanted(session)).map(|(session, name)| row(session, name));
    Ok(Report::rows(&["id", "user", "device", "created", "last_seen", "expires", "address"], rows.collect()))
}

fn row(session: &Live, name: &str) -> Value {
    json!({
        "id": session.id,
        "user": name,
        "device": account::device(&session.user_agent),
        "created": session.created_at.rfc3339(),
        "last_seen": session.last_seen_at.rfc3339(),
        "expires": session.expires_at.rfc3339(),
        "address": session.client_address,
        "user_agent": session.user_agent,
    })
}

async fn end(shell: &Shell, id: &SessionId) -> Result<Report, Exit> {
    if !live::end(&shell.door, &shell.ctx, id, WHY).await? {
        let sentence = format!("there is no session {id}: list them with `doorward session list`");
        return Err(Exit::refused(sentence));
    }
    shell.told().await;
    Ok(Report::words(format!("Ended session {id}.")))
}

async fn end_all(shell: &Shell, name: &UserName) -> Result<Report, Exit> {
    let user = shell.user(&shell.realm().await?, name).await?;
    let count = live::end_others(&shell.door, &shell.ctx, &user.id, None).await?;
    shell.told().await;
    let sessions = if count == 1 { "session" } else { "sessions" };
    Ok(Report::words(format!("Ended {count} {sessions} of {name}.")))
}
