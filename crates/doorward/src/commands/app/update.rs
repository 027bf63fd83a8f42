//! `doorward app update`: what is given changes, everything else stays.

use super::{allowed, family, group_ids, icon, way_names};
use crate::commands::Shell;
use crate::exit::{Code, Exit};
use crate::report::Report;
use crate::upstream;
use clap::Args;
use doorward_engine::manage;
use doorward_model::address::Address;
use doorward_model::app::{Access, App, AppSettings, HeaderFamily, Icon, PublicPath};
use doorward_model::id::GroupId;
use doorward_model::name::{AppSlug, DisplayText, GroupName};
use doorward_model::ways::WayName;
use doorward_platform::declared::{access_changes, settings_changes, ways_changes};
use doorward_store::apps;
use std::fmt::Display;

/// What changes about an app.
#[derive(Args, Debug)]
pub struct Update {
    /// The app.
    #[arg(value_name = "APP", value_parser = AppSlug::parse)]
    slug: AppSlug,
    /// Where browsers reach it; may be repeated, the first is the one links use.
    #[arg(long, num_args = 1.., value_name = "URL", value_parser = Address::parse)]
    address: Vec<Address>,
    /// Where it listens, for the built-in reverse proxy; '' when another proxy stands in front.
    #[arg(long, value_name = "URL", value_parser = or_default(upstream::parse))]
    upstream: Option<Put<String>>,
    /// Its name for people.
    #[arg(long, value_name = "TEXT", value_parser = or_default(DisplayText::parse))]
    title: Option<Put<DisplayText>>,
    /// One line for the launcher.
    #[arg(long, value_name = "TEXT", value_parser = or_default(DisplayText::parse))]
    description: Option<Put<DisplayText>>,
    /// The groups that may enter; may be repeated. See also `app allow` and `app disallow`.
    #[arg(long, num_args = 1.., value_name = "GROUP", value_parser = or_default(GroupName::parse))]
    allow: Vec<Put<GroupName>>,
    /// Whether every signed-in user of the realm may enter.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    everyone: Option<bool>,
    /// The connectors people may come in by, or accounts for those kept here; may be repeated, '' for every one.
    #[arg(long, num_args = 1.., value_name = "NAME", value_parser = or_default(WayName::parse))]
    connector: Vec<Put<WayName>>,
    /// The paths that need no sign-in, /exact or /below/*; may be repeated.
    #[arg(long, num_args = 1.., value_name = "PATH", value_parser = or_default(PublicPath::parse))]
    public: Vec<Put<PublicPath>>,
    /// The families of identity headers it is told: authentik, auth-request, forwarded, remote, webauth, kubeflow.
    #[arg(long, num_args = 1.., value_name = "FAMILY", value_parser = or_default(family))]
    headers: Vec<Put<HeaderFamily>>,
    /// Whether it is also told Authorization: Bearer with a signed token.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    bearer_token: Option<bool>,
    /// Its symbol: initials, pipeline, database, chart, storage, notebook, workflow, generic.
    #[arg(long, value_name = "WORD", value_parser = or_default(icon))]
    icon: Option<Put<Icon>>,
    /// How to ask for access, shown to those who may not enter.
    #[arg(long, value_name = "TEXT", value_parser = or_default(DisplayText::parse))]
    how_to_ask: Option<Put<DisplayText>>,
}

/// A new value, or back to the default.
#[derive(Debug, Clone)]
enum Put<T> {
    Default,
    Value(T),
}

impl<T> Put<T> {
    fn value(self) -> Option<T> {
        match self {
            Self::Default => None,
            Self::Value(value) => Some(value),
        }
    }
}

/// A parser that takes an empty text for "the default".
fn or_default<T, E: Display>(
    parse: impl Fn(&str) -> Result<T, E> + Clone,
) -> impl Fn(&str) -> Result<Put<T>, String> + Clone {
    move |text| match text {
        "" => Ok(Put::Default),
        text => parse(text).map(Put::Value).map_err(|error| error.to_string()),
    }
}

impl Update {
    fn is_empty(&self) -> bool {
        let lists = [self.address.len(), self.allow.len(), self.public.len(), self.headers.len(), self.connector.len()];
        let others = [
            self.upstream.is_some(),
            self.title.is_some(),
            self.description.is_some(),
            self.everyone.is_some(),
            self.bearer_token.is_some(),
            self.icon.is_some(),
            self.how_to_ask.is_some(),
        ];
        lists.iter().all(|count| *count == 0) && !others.contains(&true)
    }

    /// The settings with what was given.
    fn of(self, now: &AppSettings, fresh_title: DisplayText) -> AppSettings {
        AppSettings {
            title: self.title.map_or_else(|| now.title.clone(), |title| title.value().unwrap_or(fresh_title)),
            description: put(self.description, &now.description),
            icon: self.icon.map_or(now.icon, |icon| icon.value().unwrap_or_default()),
            addresses: if self.address.is_empty() { now.addresses.clone() } else { self.address },
            upstream: put(self.upstream, &now.upstream),
            public_paths: put_list(self.public, &now.public_paths),
            headers: put_list(self.headers, &now.headers),
            bearer_token: self.bearer_token.unwrap_or(now.bearer_token),
            how_to_ask: put(self.how_to_ask, &now.how_to_ask),
        }
    }
}

fn put<T: Clone>(given: Option<Put<T>>, now: &Option<T>) -> Option<T> {
    given.map_or_else(|| now.clone(), Put::value)
}

fn put_list<T: Clone>(given: Vec<Put<T>>, now: &[T]) -> Vec<T> {
    if given.is_empty() { now.to_vec() } else { given.into_iter().filter_map(Put::value).collect() }
}

/// Runs the command.
pub async fn run(shell: &Shell, changes: Update) -> Result<Report, Exit> {
    if changes.is_empty() {
        let sentence = "nothing is given to change: see `doorward app update --help`";
        return Err(Exit::usage(sentence));
    }
    let realm = shell.realm().await?;
    let before = shell.app(&realm, &changes.slug).await?;
    let slug = before.slug.clone();
    let groups: Option<Vec<GroupId>> = match changes.allow.is_empty() {
        true => None,
        false => {
            let names: Vec<GroupName> = changes.allow.iter().cloned().filter_map(Put::value).collect();
            Some(group_ids(shell, &realm, &names).await?)
        }
    };
    let ways = match changes.connector.is_empty() {
        true => before.access.ways.clone(),
        false => {
            let names: Vec<WayName> = changes.connector.iter().cloned().filter_map(Put::value).collect();
            shell.ways(&realm, &names).await?
        }
    };
    let access = Access {
        ways,
        everyone: changes.everyone.unwrap_or(before.access.everyone),
        groups: groups.unwrap_or_else(|| before.access.groups.clone()),
    };
    let title = DisplayText::parse(slug.as_str()).map_err(|bad| Exit::new(Code::Broken, bad.to_string()))?;
    let after = App { access, settings: changes.of(&before.settings, title), ..before.clone() };
    let mut said = {
        let (now, then) = (allowed(shell, &before).await?, allowed(shell, &after).await?);
        let (now, then): (Vec<_>, Vec<_>) = (now.iter().collect(), then.iter().collect());
        access_changes((before.access.everyone, &now), (after.access.everyone, &then))
    };
    let (now, then) = (&before.access.ways, &after.access.ways);
    said.extend(ways_changes(&way_names(shell, now).await?, &way_names(shell, then).await?));
    said.extend(settings_changes(&before.settings, &after.settings));
    if said.is_empty() {
        return Ok(Report::words(format!("App {slug} is so already.")));
    }
    let mut tx = shell.door.begin().await?;
    if apps::find(&mut tx, &realm.id, &slug).await?.as_ref() != Some(&before) {
        return Err(Exit::refused(format!("somebody else changed app {slug} at the same time: try again")));
    }
    manage::apps::update(&shell.door, &mut tx, &after).await??;
    shell.commit(tx).await?;
    Ok(Report::words(format!("Changed app {slug}: {}.", said.join("; "))))
}
