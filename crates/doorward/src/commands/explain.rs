//! `doorward explain`

use crate::commands::Shell;
use crate::exit::{Code, Exit};
use crate::report::Report;
use clap::Args;
use doorward_engine::gate::explain;
use doorward_model::name::{AppSlug, ClientName, UserName};
use doorward_model::path::RequestPath;
use doorward_model::ways::WayName;
use doorward_store::{apps, clients};
use serde::Serialize;

/// Whether a user may enter an app, and why.
#[derive(Args, Debug)]
pub struct Explain {
    /// Whose right to enter is asked about.
    #[arg(value_parser = UserName::parse)]
    user: UserName,
    /// The app they want to enter, by its name.
    #[arg(required_unless_present = "client", value_parser = AppSlug::parse)]
    app: Option<AppSlug>,
    /// The path they ask for there: some may be public.
    #[arg(default_value = "/", value_parser = RequestPath::parse)]
    path: RequestPath,
    /// The HTTP method they ask with.
    #[arg(long, default_value = "GET")]
    method: String,
    /// Ask about this client in place of an app: whether the user may sign in through it.
    #[arg(long, value_name = "CLIENT", value_parser = ClientName::parse, conflicts_with_all = ["app", "path", "method"])]
    client: Option<ClientName>,
    /// Having come in by this connector, or by accounts kept here with the word accounts [default: by a way that counts].
    #[arg(long, value_name = "NAME", value_parser = WayName::parse)]
    by: Option<WayName>,
}

/// Runs the command.
pub async fn run(asked: Explain, shell: &Shell) -> Result<Report, Exit> {
    let realm = &shell.config.settings.realm;
    match (&asked.app, &asked.client) {
        (_, Some(client)) => {
            let told = explain::explain_client(&shell.door, (realm, &asked.user, client), asked.by.as_ref()).await??;
            report(told.verdict, &told)
        }
        (Some(app), None) => {
            not_a_client(shell, &asked.user, app).await?;
            let what = (&asked.path, asked.method.as_str());
            let told =
                explain::explain(&shell.door, &shell.ctx, (realm, &asked.user, app), what, asked.by.as_ref()).await??;
            report(told.verdict, &told)
        }
        (None, None) => Err(Exit::usage("no app is named: give its name, or --client CLIENT")),
    }
}

fn report(verdict: &str, told: &impl Serialize) -> Result<Report, Exit> {
    let code = if verdict == "pass" { Code::Done } else { Code::Refused };
    let value = serde_json::to_value(told)
        .map_err(|error| Exit::new(Code::Broken, format!("the explanation cannot be written: {error}")))?;
    Ok(Report::one(value).and_code(code))
}

/// Says so when what was named as an app is a client.
async fn not_a_client(shell: &Shell, user: &UserName, app: &AppSlug) -> Result<(), Exit> {
    let realm = shell.realm().await?;
    let mut query = &shell.door.store;
    let Ok(name) = ClientName::parse(app.as_str()) else { return Ok(()) };
    if apps::find(&mut query, &realm.id, app).await?.is_some()
        || clients::find(&mut query, &realm.id, &name).await?.is_none()
    {
        return Ok(());
    }
    let what = format!("there is no app named {app} in realm {}, it is a client", realm.name);
    Err(Exit::refused(format!("{what}: write `doorward explain {user} --client {name}`")))
}
