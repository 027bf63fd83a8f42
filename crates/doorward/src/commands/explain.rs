//! `doorward explain`

use crate::commands::Shell;
use crate::exit::{Code, Exit};
use crate::report::Report;
use clap::Args;
use doorward_engine::gate::explain;
use doorward_model::name::{AppSlug, UserName};
use doorward_model::path::RequestPath;

/// Whether a user may enter an app, and why.
#[derive(Args, Debug)]
pub struct Explain {
    /// The user.
    #[arg(value_parser = UserName::parse)]
    user: UserName,
    /// The app.
    #[arg(value_parser = AppSlug::parse)]
    app: AppSlug,
    /// The path.
    #[arg(default_value = "/", value_parser = RequestPath::parse)]
    path: RequestPath,
    /// The method.
    #[arg(long, default_value = "GET")]
    method: String,
}

/// Runs the command.
pub async fn run(asked: Explain, shell: &Shell) -> Result<Report, Exit> {
    let who = (&shell.config.settings.realm, &asked.user, &asked.app);
    let what = (&asked.path, asked.method.as_str());
    let explanation = explain::explain(&shell.door, &shell.ctx, who, what).await??;
    let code = if explanation.verdict == "pass" { Code::Done } else { Code::Refused };
    let value = serde_json::to_value(&explanation)
        .map_err(|error| Exit::new(Code::Broken, format!("the explanation cannot be written: {error}")))?;
    Ok(Report::one(value).and_code(code))
}
