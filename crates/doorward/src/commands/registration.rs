//! `doorward registration`: who may register clients by themselves, and what those may be like.

use crate::commands::Shell;
use crate::commands::token::seconds;
use crate::exit::Exit;
use crate::limits;
use crate::report::Report;
use clap::Subcommand;
use doorward_engine::clients::GrantType;
use doorward_engine::registration::{self, Policy, read};
use doorward_model::app::Access;
use doorward_model::name::{GroupName, TokenName};
use doorward_platform::declared::client::{USUAL_GRANTS, grant, in_order, scope};
use doorward_store::registrations;
use serde_json::json;

/// Tokens by which programs register clients.
#[derive(Subcommand, Debug)]
pub enum Registration {
    /// Create a token and print it, once. Clients that register with it are bound to what is said here.
    Create {
        /// Its name.
        #[arg(value_parser = TokenName::parse)]
        name: TokenName,
        /// How many clients may register with it.
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = uses)]
        uses: i64,
        /// How long it lives: a number with s, m, h or d.
        #[arg(long, default_value = "1d", value_name = "TIME", value_parser = seconds)]
        expires_in: i64,
        /// A host browsers may be sent back to, or a program's own scheme with its colon; may be repeated.
        #[arg(long, num_args = 1.., value_name = "HOST", value_parser = host)]
        redirect_host: Vec<String>,
        /// How the clients may come by tokens; may be repeated [default: authorization_code refresh_token].
        #[arg(long, num_args = 1.., value_name = "GRANT", value_parser = grant)]
        grant: Vec<GrantType>,
        /// A scope the clients may ask for beyond those every client may; may be repeated.
        #[arg(long, num_args = 1.., value_name = "SCOPE", value_parser = scope)]
        scope: Vec<String>,
        /// A group that may sign in through the clients; may be repeated.
        #[arg(long, num_args = 1.., value_name = "GROUP", value_parser = GroupName::parse, conflicts_with = "everyone")]
        allow: Vec<GroupName>,
        /// Let every user of the realm sign in through the clients.
        #[arg(long)]
        everyone: bool,
    },
    /// List registration tokens, without the tokens themselves.
    List,
    /// Take a token away; clients it made stay.
    Revoke {
        /// Its name.
        #[arg(value_parser = TokenName::parse)]
        name: TokenName,
    },
}

/// A number of clients; how many may be is the use case's.
fn uses(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| "write a number, such as 1".to_owned())
}

/// Reads a host name, an address, or a scheme with its colon.
fn host(text: &str) -> Result<String, String> {
    let letters =
        |text: &str| text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.[]:".contains(&b));
    match (1..=253).contains(&text.len()) && letters(text) {
        true => Ok(text.to_owned()),
        false => {
            Err("write a host such as app.example.com in lower-case letters, or a scheme such as com.example.app:"
                .to_owned())
        }
    }
}

/// Runs the command.
pub async fn run(command: Registration, shell: &Shell) -> Result<Report, Exit> {
    match command {
        Registration::Create { name, uses, expires_in, redirect_host, grant, scope, allow, everyone } => {
            let realm = shell.realm().await?;
            let mut groups = Vec::with_capacity(allow.len());
            for name in &allow {
                groups.push(shell.group(&realm, name).await?.id);
            }
            let policy = Policy {
                access: Access { everyone, groups, ..Access::default() },
                redirect_hosts: redirect_host,
                grants: if grant.is_empty() { USUAL_GRANTS.to_vec() } else { in_order(&grant) },
                scopes: scope,
            };
            let nobody = policy.grants.contains(&GrantType::AuthorizationCode) && !everyone && allow.is_empty();
            if nobody {
                let what = format!("nobody could sign in through clients registered with {name}");
                return Err(Exit::usage(format!("{what}: give --allow GROUP or --everyone")));
            }
            create(shell, name, &policy, (uses, expires_in)).await
        }
        Registration::List => list(shell).await,
        Registration::Revoke { name } => revoke(shell, &name).await,
    }
}

async fn create(shell: &Shell, name: TokenName, policy: &Policy, (uses, life): (i64, i64)) -> Result<Report, Exit> {
    let realm = shell.realm().await?;
    let mut tx = shell.door.begin().await?;
    let wanted = (name.clone(), policy, uses, life);
    let made = registration::create_token(&shell.door, &shell.ctx, &mut tx, &realm.id, wanted).await?;
    let (plain, end) = made?;
    shell.commit(tx).await?;
    let endpoint =
        shell.standing().await.public.url(&format!("/realms/{}/clients-registrations/openid-connect", realm.name));
    let expires = end.rfc3339();
    let value = json!({
        "name": name, "token": plain.reveal(), "uses": uses, "expires": expires, "registration_endpoint": endpoint,
    });
    let words = format!(
        "Created registration token {name}, good for {uses} clients until {expires}, at {endpoint}. It is shown only now."
    );
    Ok(Report::text(plain.reveal(), value).and_words(words))
}

async fn list(shell: &Shell) -> Result<Report, Exit> {
    let realm = shell.realm().await?;
    let all = registrations::tokens(&mut &shell.door.store, &realm.id, limits::ROWS).await?;
    let mut rows = Vec::with_capacity(all.len());
    for token in all {
        let policy = read(token.id.as_str(), &token.policy)?;
        rows.push(json!({
            "name": token.name, "uses_left": token.uses_left, "expires": token.expires_at.rfc3339(),
            "redirect_hosts": policy.redirect_hosts, "grants": policy.grants, "scopes": policy.scopes,
            "everyone": policy.access.everyone, "id": token.id,
        }));
    }
    Ok(Report::rows(&["name", "uses_left", "expires", "redirect_hosts", "grants", "scopes"], rows))
}

async fn revoke(shell: &Shell, name: &TokenName) -> Result<Report, Exit> {
    let realm = shell.realm().await?;
    let mut tx = shell.door.begin().await?;
    if !registration::revoke_token(&mut tx, &realm.id, name).await? {
        let place = format!("there is no registration token named {name} in realm {}", realm.name);
        return Err(Exit::refused(format!("{place}: list them with `doorward registration list`")));
    }
    shell.commit(tx).await?;
    Ok(Report::words(format!("Revoked registration token {name}.")))
}
