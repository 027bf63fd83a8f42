//! `doorward setup-link`

use crate::commands::Shell;
use crate::exit::Exit;
use crate::report::Report;
use clap::Args;
use doorward_engine::setup;
use doorward_model::address::Address;
use serde_json::json;

/// A new one-time link.
#[derive(Args, Debug)]
pub struct SetupLink {
    /// Where browsers reach Doorward [default: as the running server says, else the settings].
    #[arg(long, value_name = "URL", value_parser = Address::parse)]
    public_url: Option<Address>,
}

/// Runs the command.
pub async fn run(asked: SetupLink, shell: &Shell) -> Result<Report, Exit> {
    let realm = shell.realm().await?;
    let token = setup::make_link(&shell.door, &shell.ctx, &realm).await?;
    shell.told().await;
    let (public, assumed) = match asked.public_url {
        Some(address) => (address, None),
        None => {
            let found = shell.found().await;
            let sentence = || {
                format!(
                    "no server runs on {}, so this link leads to {}, as the settings say: start one there, or give \
                     --public-url",
                    shell.config.data.display(),
                    found.standing.public
                )
            };
            let assumed = found.is_assumed.then(sentence);
            (found.standing.public, assumed)
        }
    };
    let link = public.url(&format!("/setup?token={}", token.reveal()));
    let words = format!("Whoever opens this link first becomes administrator of realm {}.", realm.name);
    Ok(Report::text(&link, json!({"link": link, "realm": realm.name})).and_words(words).and_warnings(assumed))
}
