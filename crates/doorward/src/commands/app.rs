//! `doorward app`

mod update;

use crate::commands::Shell;
use crate::exit::{Code, Exit};
use crate::report::Report;
use crate::upstream;
use clap::{Args, Subcommand};
use doorward_engine::manage;
use doorward_model::address::Address;
use doorward_model::app::{Access, App as Tool, AppSettings, HeaderFamily, Icon, PublicPath};
use doorward_model::id::GroupId;
use doorward_model::name::{AppSlug, DisplayText, GroupName};
use doorward_model::people::Realm;
use doorward_model::ways::{WayName, Ways};
use doorward_store::{apps, groups};
use serde::Deserialize;
use serde::de::IntoDeserializer as _;
use serde_json::json;
pub use update::Update;

/// Apps and who may enter them.
#[derive(Subcommand, Debug)]
pub enum App {
    /// Create an app; nobody may enter until a group may.
    Create(Box<Create>),
    /// Change what is given about an app; a list replaces the whole list, '' puts back the default.
    Update(Box<Update>),
    /// List apps.
    List,
    /// Show an app.
    Show {
        /// The app.
        #[arg(value_parser = AppSlug::parse)]
        app: AppSlug,
    },
    /// Let a group enter.
    Allow {
        /// The app.
        #[arg(value_parser = AppSlug::parse)]
        app: AppSlug,
        /// The group.
        #[arg(value_parser = GroupName::parse)]
        group: GroupName,
    },
    /// No longer let a group enter.
    Disallow {
        /// The app.
        #[arg(value_parser = AppSlug::parse)]
        app: AppSlug,
        /// The group.
        #[arg(value_parser = GroupName::parse)]
        group: GroupName,
    },
    /// Delete an app.
    Delete {
        /// The app.
        #[arg(value_parser = AppSlug::parse)]
        app: AppSlug,
    },
}

/// A new app.
#[derive(Args, Debug)]
pub struct Create {
    /// Its name in URLs and commands.
    #[arg(value_name = "NAME", value_parser = AppSlug::parse)]
    slug: AppSlug,
    /// Where browsers reach it; may be repeated, the first is the one links use.
    #[arg(long, required = true, num_args = 1.., value_name = "URL", value_parser = Address::parse)]
    address: Vec<Address>,
    /// Where it listens, for the built-in reverse proxy.
    #[arg(long, value_name = "URL", value_parser = upstream::parse)]
    upstream: Option<String>,
    /// Its name for people.
    #[arg(long, value_name = "TEXT", value_parser = DisplayText::parse)]
    title: Option<DisplayText>,
    /// One line for the launcher.
    #[arg(long, value_name = "TEXT", value_parser = DisplayText::parse)]
    description: Option<DisplayText>,
    /// A group that may enter; may be repeated.
    #[arg(long, num_args = 1.., value_name = "GROUP", value_parser = GroupName::parse)]
    allow: Vec<GroupName>,
    /// Let every signed-in user of the realm enter.
    #[arg(long)]
    everyone: bool,
    /// A connector people may come in by, or accounts for those kept here; may be repeated [default: every one].
    #[arg(long, num_args = 1.., value_name = "NAME", value_parser = WayName::parse)]
    connector: Vec<WayName>,
    /// A path that needs no sign-in, /exact or /below/*; may be repeated.
    #[arg(long, num_args = 1.., value_name = "PATH", value_parser = PublicPath::parse)]
    public: Vec<PublicPath>,
    /// A family of identity headers it is told: authentik, auth-request, forwarded, remote, webauth, kubeflow.
    #[arg(long, num_args = 1.., value_name = "FAMILY", value_parser = family)]
    headers: Vec<HeaderFamily>,
    /// Also tell it Authorization: Bearer with a signed token.
    #[arg(long)]
    bearer_token: bool,
    /// Its symbol: initials, pipeline, database, chart, storage, notebook, workflow, generic.
    #[arg(long, default_value = "initials", value_name = "WORD", value_parser = icon)]
    icon: Icon,
    /// How to ask for access, shown to those who may not enter.
    #[arg(long, value_name = "TEXT", value_parser = DisplayText::parse)]
    how_to_ask: Option<DisplayText>,
}

/// A header family as typed.
pub fn family(text: &str) -> Result<HeaderFamily, String> {
    word(text)
}

fn icon(text: &str) -> Result<Icon, String> {
    word(text)
}

/// One of the words the model knows.
fn word<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, String> {
    let parsed: Result<T, serde::de::value::Error> = T::deserialize(text.into_deserializer());
    parsed.map_err(|error| error.to_string().replace('`', ""))
}

/// Runs the command.
pub async fn run(command: App, shell: &Shell) -> Result<Report, Exit> {
    match command {
        App::Create(new) => create(shell, *new).await,
        App::Update(changes) => update::run(shell, *changes).await,
        App::List => list(shell).await,
        App::Show { app } => show(shell, &app).await,
        App::Allow { app, group } => allow(shell, &app, &group, true).await,
        App::Disallow { app, group } => allow(shell, &app, &group, false).await,
        App::Delete { app } => delete(shell, &app).await,
    }
}

async fn create(shell: &Shell, new: Create) -> Result<Report, Exit> {
    let realm = shell.realm().await?;
    let groups = group_ids(shell, &realm, &new.allow).await?;
    let ways = shell.ways(&realm, &new.connector).await?;
    let title = match new.title {
        Some(title) => title,
        None => DisplayText::parse(new.slug.as_str()).map_err(|bad| Exit::new(Code::Broken, bad.to_string()))?,
    };
    let settings = AppSettings {
        title,
        description: new.description,
        icon: new.icon,
        addresses: new.address,
        upstream: new.upstream,
        public_paths: new.public,
        headers: new.headers,
        bearer_token: new.bearer_token,
        how_to_ask: new.how_to_ask,
    };
    let nobody = groups.is_empty() && !new.everyone;
    let access = Access { everyone: new.everyone, groups, ways };
    let mut tx = shell.door.begin().await?;
    let app = manage::apps::create(&shell.door, &mut tx, &realm.id, new.slug, (access, settings)).await??;
    shell.commit(tx).await?;
    let rest = match nobody {
        true => format!(" Nobody may enter yet: let a group in with `doorward app allow {} GROUP`.", app.slug),
        false => String::new(),
    };
    Ok(Report::words(format!("Created app {}.{rest}", app.slug)))
}

async fn group_ids(shell: &Shell, realm: &Realm, names: &[GroupName]) -> Result<Vec<GroupId>, Exit> {
    let mut ids: Vec<GroupId> = Vec::with_capacity(names.len());
    for name in names {
        let id = shell.group(realm, name).await?.id;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

async fn list(shell: &Shell) -> Result<Report, Exit> {
    let realm = shell.realm().await?;
    let (all, names) = apps::all(&mut &shell.door.store).await?;
    let rows = all.iter().filter(|app| app.realm_id == realm.id).map(|app| {
        let groups: Vec<_> = app.access.groups.iter().filter_map(|id| names.get(id)).collect();
        json!({
            "name": app.slug, "title": app.settings.title, "addresses": app.settings.addresses,
            "upstream": app.settings.upstream, "groups": groups, "everyone": app.access.everyone, "id": app.id,
        })
    });
    Ok(Report::rows(&["name", "title", "addresses", "upstream", "groups", "everyone"], rows.collect()))
}

/// Names of the groups that may enter.
pub async fn allowed(shell: &Shell, app: &Tool) -> Result<Vec<GroupName>, Exit> {
    let mut names = Vec::with_capacity(app.access.groups.len());
    for id in &app.access.groups {
        names.extend(groups::find_by_id(&mut &shell.door.store, id).await?.map(|group| group.name));
    }
    names.sort();
    Ok(names)
}

/// Names of the ways in that count; none for every one.
pub async fn way_names(shell: &Shell, ways: &Ways) -> Result<Vec<String>, Exit> {
    Ok(manage::ways::names(&mut &shell.door.store, ways).await?)
}

async fn show(shell: &Shell, slug: &AppSlug) -> Result<Report, Exit> {
    let realm = shell.realm().await?;
    let app = shell.app(&realm, slug).await?;
    let settings = &app.settings;
    // What a list without any means is for people; programs get it as it is kept.
    let headers =
        settings.headers.is_empty().then(|| ("headers", "the default of the way the gate is asked".to_owned()));
    let shown = Report::one(json!({
        "realm": realm.name,
        "id": app.id,
        "name": app.slug,
        "title": settings.title,
        "description": settings.description,
        "icon": settings.icon,
        "addresses": settings.addresses,
        "upstream": settings.upstream,
        "groups": allowed(shell, &app).await?,
        "everyone": app.access.everyone,
        "connectors": way_names(shell, &app.access.ways).await?,
        "public_paths": settings.public_paths,
        "headers": settings.headers,
        "bearer_token": settings.bearer_token,
        "how_to_ask": settings.how_to_ask,
    }));
    Ok(shown.and_cells(headers))
}

async fn allow(shell: &Shell, slug: &AppSlug, group: &GroupName, add: bool) -> Result<Report, Exit> {
    let realm = shell.realm().await?;
    let id = shell.group(&realm, group).await?.id;
    let mut app = shell.app(&realm, slug).await?;
    let has = app.access.groups.contains(&id);
    match (add, has) {
        (true, true) => return Ok(Report::words(format!("Group {group} may enter {slug} already."))),
        (false, false) => return Ok(Report::words(format!("Group {group} could not enter {slug} before either."))),
        (true, false) => app.access.groups.push(id),
        (false, true) => app.access.groups.retain(|other| *other != id),
    }
    let mut tx = shell.door.begin().await?;
    manage::apps::update(&shell.door, &mut tx, &app).await??;
    shell.commit(tx).await?;
    let word = if add { "may enter" } else { "may no longer enter" };
    Ok(Report::words(format!("Group {group} {word} {slug}.")))
}

async fn delete(shell: &Shell, slug: &AppSlug) -> Result<Report, Exit> {
    let app = shell.app(&shell.realm().await?, slug).await?;
    let mut tx = shell.door.begin().await?;
    manage::apps::delete(&mut tx, &app).await?;
    shell.commit(tx).await?;
    Ok(Report::words(format!("Deleted app {slug}.")))
}
