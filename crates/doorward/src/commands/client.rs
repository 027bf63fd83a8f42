//! `doorward client`: the words of all of them; making and changing one stand below.

mod create;
mod flags;
mod proof;
mod requests;
mod secret;
pub mod secret_file;
mod update;

use crate::commands::Shell;
use crate::commands::app::way_names;
use crate::exit::Exit;
use crate::report::Report;
use clap::Subcommand;
pub use create::{Create, New, kind, make};
use doorward_engine::clients::{Client as Known, ClientKind, Paths, RealmRules, SubjectKind};
use doorward_engine::manage;
use doorward_engine::token::mint::{DEFAULT_ALGORITHM, issuer_at};
use doorward_model::app::Access;
use doorward_model::id::AppId;
use doorward_model::limits::PAGE_ROWS;
use doorward_model::name::{AppSlug, ClientName, GroupName};
use doorward_model::people::Realm;
use doorward_store::{apps, clients, groups};
pub use flags::{Redirects, Rule, RuleFlags, risks};
pub use secret::{Kept, RotateSecret};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::HashMap;
pub use update::Update;

/// Clients: tools and programs that sign people in here, or themselves.
#[derive(Subcommand, Debug)]
pub enum Client {
    /// Create a client, and a secret unless it is public.
    Create(Box<Create>),
    /// Change what is given about a client; a list replaces the whole list, '' puts back the default.
    Update(Box<Update>),
    /// List clients.
    List,
    /// Show a client, without its secrets.
    Show {
        /// The client.
        #[arg(value_parser = ClientName::parse)]
        client: ClientName,
    },
    /// Make a new secret and print it, once.
    RotateSecret(RotateSecret),
    /// Let a client do nothing any more.
    Disable {
        /// The client.
        #[arg(value_parser = ClientName::parse)]
        client: ClientName,
    },
    /// Let a disabled client work again.
    Enable {
        /// The client.
        #[arg(value_parser = ClientName::parse)]
        client: ClientName,
    },
    /// Delete a client and everything issued to it.
    Delete {
        /// The client.
        #[arg(value_parser = ClientName::parse)]
        client: ClientName,
    },
}

/// Runs the command.
pub async fn run(command: Client, shell: &Shell) -> Result<Report, Exit> {
    match command {
        Client::Create(new) => create::run(shell, *new).await,
        Client::Update(changes) => update::run(shell, *changes).await,
        Client::List => list(shell).await,
        Client::Show { client } => show(shell, &client).await,
        Client::RotateSecret(asked) => secret::rotate(shell, asked).await,
        Client::Disable { client } => set_active(shell, &client, false).await,
        Client::Enable { client } => set_active(shell, &client, true).await,
        Client::Delete { client } => delete(shell, &client).await,
    }
}

/// Where a client finds its provider: its issuer and its configuration, below the address of the server that runs
/// on this data directory, else of the settings.
pub async fn addresses(shell: &Shell, realm: &Realm, client: (&ClientName, Paths)) -> (String, String) {
    let standing = shell.standing().await;
    let issuer = issuer_at(&standing.public, realm.name.as_str(), client);
    let configuration = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    (issuer, configuration)
}

/// Names of the groups in a client's own rule.
async fn group_names(shell: &Shell, access: &Access) -> Result<Vec<GroupName>, Exit> {
    let mut names = Vec::with_capacity(access.groups.len());
    for id in &access.groups {
        names.extend(groups::find_by_id(&mut &shell.door.store, id).await?.map(|group| group.name));
    }
    names.sort();
    Ok(names)
}

/// Names of all apps.
async fn app_names(shell: &Shell) -> Result<HashMap<AppId, AppSlug>, Exit> {
    let (all, _) = apps::all(&mut &shell.door.store).await?;
    Ok(all.into_iter().map(|app| (app.id, app.slug)).collect())
}

async fn list(shell: &Shell) -> Result<Report, Exit> {
    let realm = shell.realm().await?;
    let apps = app_names(shell).await?;
    let mut rows: Vec<Value> = Vec::new();
    let mut after = String::new();
    loop {
        let page = clients::page(&mut &shell.door.store, &realm.id, &after, PAGE_ROWS).await?;
        let Some(last) = page.last() else {
            let columns = &["name", "title", "public", "grants", "app", "groups", "everyone", "active"];
            return Ok(Report::rows(columns, rows));
        };
        after = last.name.to_string();
        for row in page {
            let client = Known::read(row)?;
            let settings = &client.settings;
            rows.push(json!({
                "name": client.name, "title": client.title(), "public": settings.kind == ClientKind::Public,
                "grants": settings.grants, "app": client.app_id.as_ref().and_then(|id| apps.get(id)),
                "groups": group_names(shell, &settings.access).await?, "everyone": settings.access.everyone,
                "active": client.is_active, "id": client.id,
            }));
        }
    }
}

async fn show(shell: &Shell, name: &ClientName) -> Result<Report, Exit> {
    let realm = shell.realm().await?;
    let mut client = shell.client(&realm, name).await?;
    client.settings.realm = RealmRules::load(&mut &shell.door.store, &realm.id).await?;
    let apps = app_names(shell).await?;
    let secrets = clients::secrets(&mut &shell.door.store, &client.id).await?;
    let live = secrets.iter().filter(|secret| secret.expires_at.is_none_or(|end| end > shell.ctx.now));
    let told = live.map(
        |secret| json!({"created": secret.created_at.rfc3339(), "expires": secret.expires_at.map(|end| end.rfc3339())}),
    );
    let (issuer, configuration) = addresses(shell, &realm, (&client.name, client.settings.paths)).await;
    let settings = &client.settings;
    let algorithm = match settings.algorithm.as_str() {
        "" => DEFAULT_ALGORITHM.as_str(),
        named => named,
    };
    Ok(Report::one(json!({
        "realm": realm.name,
        "id": client.id,
        "name": client.name,
        "title": client.title(),
        "public": settings.kind == ClientKind::Public,
        "active": client.is_active,
        "app": client.app_id.as_ref().and_then(|id| apps.get(id)),
        "groups": group_names(shell, &settings.access).await?,
        "everyone": settings.access.everyone,
        "connectors": way_names(shell, &settings.access.ways).await?,
        "redirect_uris": rules(&settings.redirect_uris),
        "post_logout_redirect_uris": rules(&settings.post_logout_redirect_uris),
        "web_origins": settings.web_origins,
        "grants": settings.grants,
        "scopes": settings.scopes,
        "consent": settings.consent,
        "pkce_optional": settings.pkce_optional,
        "dpop_bound": settings.dpop_bound,
        "backchannel_logout_uri": settings.backchannel_logout_uri,
        "frontchannel_logout_uri": settings.frontchannel_logout_uri,
        "access_seconds": client.access_seconds(),
        "refresh_seconds": client.refresh_seconds(false),
        "offline_seconds": client.refresh_seconds(true),
        "pairwise_sector": match &settings.subject {
            SubjectKind::Public => None,
            SubjectKind::Pairwise(sector) => Some(sector),
        },
        "userinfo_algorithm": settings.userinfo_algorithm,
        "mappers": settings.mappers,
        "algorithm": algorithm,
        "authentication": (settings.kind == ClientKind::Confidential).then_some(settings.authentication),
        "jwks": settings.jwks,
        "tls_subject": settings.tls_subject,
        "certificate_bound": settings.certificate_bound,
        "paths": settings.paths,
        "exchange_for": settings.exchange_for,
        "workloads": settings.workloads,
        "require_pushed": settings.require_pushed,
        "require_signed_request": settings.require_signed_request,
        "authorization_details": settings.authorization_details,
        "tolerates_prompt_none": settings.tolerates_prompt_none,
        "secrets": told.collect::<Vec<_>>(),
        "issuer": issuer,
        "oidc_configuration": configuration,
    })))
}

/// Redirect rules as they stand in declared files: an exact one is a text.
fn rules(rules: &[impl Serialize]) -> Value {
    let written = rules.iter().filter_map(|rule| serde_json::to_value(rule).ok());
    written.map(|value| value.get("exact").cloned().unwrap_or(value)).collect()
}

async fn set_active(shell: &Shell, name: &ClientName, is_active: bool) -> Result<Report, Exit> {
    let client = shell.client(&shell.realm().await?, name).await?;
    let word = if is_active { "enabled" } else { "disabled" };
    if client.is_active == is_active {
        return Ok(Report::words(format!("Client {name} was {word} already.")));
    }
    let mut tx = shell.door.begin().await?;
    manage::clients::update(&mut tx, &Known { is_active, ..client }).await??;
    shell.commit(tx).await?;
    Ok(Report::words(format!("Client {name} is {word}.")))
}

async fn delete(shell: &Shell, name: &ClientName) -> Result<Report, Exit> {
    let client = shell.client(&shell.realm().await?, name).await?;
    let mut tx = shell.door.begin().await?;
    manage::clients::delete(&mut tx, &client).await?;
    shell.commit(tx).await?;
    Ok(Report::words(format!("Deleted client {name}.")))
}
