//! `doorward identity`: clients in the words platforms use for them. The use case is `client create`'s.

use crate::commands::client::{Kept, New, Redirects, Rule, RuleFlags, kind, make, risks};
use crate::commands::{Shell, connector};
use crate::exit::Exit;
use crate::report::Report;
use clap::{Args, Subcommand};
use doorward_engine::clients::{ClientSettings, GrantType};
use doorward_model::name::{ClientName, DisplayText};
use doorward_platform::declared::client::{USUAL_GRANTS, scope};
use std::path::PathBuf;

/// `client create` and `connector add`, in the words platforms use.
#[derive(Subcommand, Debug)]
pub enum Identity {
    /// Create a client, and a secret unless it is public: the same as `client create`, with other option names.
    CreateClient(Box<CreateClient>),
    /// Connect an identity provider: the same as `connector add`.
    #[command(subcommand)]
    AddConnector(connector::Add),
}

/// A new client.
#[derive(Args, Debug)]
pub struct CreateClient {
    /// Its client_id.
    #[arg(value_parser = ClientName::parse)]
    name: ClientName,
    /// URIs browsers may be sent back to, with commas between them; may be repeated. Without any the client speaks
    /// for itself alone.
    #[arg(long, value_delimiter = ',', num_args = 1.., value_name = "URI")]
    redirect_uris: Vec<String>,
    /// Scopes it asks for, with commas between them; may be repeated.
    #[arg(long, value_delimiter = ',', num_args = 1.., value_name = "SCOPE", value_parser = scope)]
    scopes: Vec<String>,
    /// Its name for people.
    #[arg(long, value_name = "TEXT", value_parser = DisplayText::parse)]
    title: Option<DisplayText>,
    /// It cannot keep a secret: it runs in browsers or on people's machines.
    #[arg(long)]
    public: bool,
    /// Who may enter.
    #[command(flatten)]
    rule: RuleFlags,
    /// Write the secret into this file instead of printing it.
    #[arg(long, value_name = "FILE", conflicts_with = "public")]
    secret_file: Option<PathBuf>,
}

/// Runs the command.
pub async fn run(command: Identity, shell: &Shell) -> Result<Report, Exit> {
    match command {
        Identity::CreateClient(asked) => create_client(shell, *asked).await,
        Identity::AddConnector(asked) => connector::add(shell, asked).await,
    }
}

async fn create_client(shell: &Shell, asked: CreateClient) -> Result<Report, Exit> {
    let redirects = Redirects::exact(asked.redirect_uris);
    let signs_people_in = !redirects.is_empty();
    let rule = asked.rule.rule().unwrap_or(Rule::Nobody);
    let mut warnings = Vec::new();
    if signs_people_in && matches!(rule, Rule::Nobody) {
        let how = format!("`doorward client update {} --allow GROUP`, --app APP or --everyone", asked.name);
        warnings.push(format!("nobody may sign in through client {} yet: run {how}", asked.name));
    }
    let settings = ClientSettings {
        title: asked.title,
        kind: kind(asked.public),
        redirect_uris: redirects.rules()?,
        grants: if signs_people_in { USUAL_GRANTS.to_vec() } else { vec![GrantType::ClientCredentials] },
        scopes: asked.scopes,
        ..ClientSettings::default()
    };
    warnings.extend(risks(&settings));
    let told = make(
        shell,
        New { name: asked.name, rule, connectors: Vec::new(), settings, secret_file: asked.secret_file, brought: None },
    )
    .await?;
    let mut text = format!("Client ID: {}\n", told.name);
    text.push_str(&match &told.secret {
        Some(Kept::In(file)) => format!("Client secret: stored in {}\n", file.display()),
        Some(Kept::Here(secret)) => format!("Client secret: {} (shown once)\n", secret.reveal()),
        None => "Client secret: none, the client is public\n".to_owned(),
    });
    text.push_str(&format!("OIDC configuration: {}\n", told.configuration));
    Ok(Report::text(text, told.value().into()).and_warnings(warnings))
}
