//! What stands behind the door, as `up` tells it at every start: each tool with its address, who may enter, and what keeps
//! people out still. Read from the database, so that it holds whatever this start was told.

use crate::exit::Exit;
use crate::limits;
use crate::settings::Config;
use crate::up::address;
use doorward_engine::door::Door;
use doorward_engine::setup::ADMINISTRATORS;
use doorward_model::address::Address;
use doorward_model::app::App;
use doorward_model::id::GroupId;
use doorward_model::name::GroupName;
use doorward_model::people::Realm;
use doorward_store::{apps, groups, users};
use doorward_web::proxied;
use std::collections::HashMap;

/// The lines for the realm's tools, our own sample first. `doorward` is how this program is called again.
pub async fn lines(door: &Door, realm: &Realm, (config, doorward): (&Config, &str)) -> Result<Vec<String>, Exit> {
    let (all, names) = apps::all(&mut &door.store).await?;
    let mut tools: Vec<&App> = all.iter().filter(|app| app.realm_id == realm.id).collect();
    tools.sort_by_key(|app| (!is_sample(app), app.slug.as_str()));
    let has_users = users::count(&mut &door.store, &realm.id).await? > 0;
    let mut lines = Vec::new();
    if has_users && !has_administrator(door, realm).await? {
        lines
            .push(format!("Nobody administers this realm yet: `{doorward} setup-link` makes a link for whoever shall"));
    }
    for app in tools.iter().take(limits::TOOLS_TOLD) {
        lines.push(line(app, &names));
        // The first person joins every group that opens a tool, by the set-up link.
        if has_users && let Some(missing) = who_is_missing(door, app, (&names, doorward)).await? {
            lines.push(format!("{:<9} {missing}", ""));
        }
        match &app.settings.upstream {
            Some(_) => warn_of_another_port(&door.settings.public, app, doorward),
            None if config.trusted.is_empty() => tracing::warn!(
                "app {} stands behind another proxy, and no address is trusted to be one, so questions about it are refused: \
                 start with --trust-proxy and that proxy's address",
                app.slug
            ),
            // People come to that proxy, wherever it listens.
            None => {}
        }
    }
    if let Some(more) = tools.len().checked_sub(limits::TOOLS_TOLD).filter(|more| *more > 0) {
        lines.push(format!("{more} more: `{doorward} app list`"));
    }
    Ok(lines)
}

fn is_sample(app: &App) -> bool {
    app.settings.upstream.as_deref() == Some(proxied::SAMPLE)
}

fn line(app: &App, names: &HashMap<GroupId, GroupName>) -> String {
    let title = app.settings.title.as_str();
    let address = app.settings.addresses.first().map(Address::to_string).unwrap_or_default();
    match &app.settings.upstream {
        Some(_) if is_sample(app) => format!("{:<9} {address}", "Sample"),
        Some(upstream) => format!("{title:<9} {address} -> {upstream} (for {})", who(app, names)),
        None => format!("{title:<9} {address} behind another proxy (for {})", who(app, names)),
    }
}

fn who(app: &App, names: &HashMap<GroupId, GroupName>) -> String {
    match groups_of(app, names) {
        _ if app.access.everyone => "everyone who signs in".to_owned(),
        groups if groups.is_empty() => "nobody".to_owned(),
        groups => groups.join(", "),
    }
}

fn groups_of<'a>(app: &App, names: &'a HashMap<GroupId, GroupName>) -> Vec<&'a str> {
    let mut groups: Vec<&str> =
        app.access.groups.iter().filter_map(|id| names.get(id)).map(GroupName::as_str).collect();
    groups.sort_unstable();
    groups
}

/// What to do about an app that its rule opens to nobody.
async fn who_is_missing(
    door: &Door,
    app: &App,
    (names, doorward): (&HashMap<GroupId, GroupName>, &str),
) -> Result<Option<String>, Exit> {
    if app.access.everyone {
        return Ok(None);
    }
    let groups = groups_of(app, names);
    let Some(first) = groups.first() else {
        return Ok(Some(format!("Nobody may enter: `{doorward} app allow {} GROUP`", app.slug)));
    };
    for group in &app.access.groups {
        if groups::has_members(&mut &door.store, group).await? {
            return Ok(None);
        }
    }
    Ok(Some(format!("Nobody is in {} yet: `{doorward} group add-member {first} NAME`", groups.join(" or "))))
}

async fn has_administrator(door: &Door, realm: &Realm) -> Result<bool, Exit> {
    let name = GroupName::parse(ADMINISTRATORS).map_err(|bad| Exit::usage(bad.to_string()))?;
    match groups::find(&mut &door.store, &realm.id, &name).await? {
        Some(group) => Ok(groups::has_members(&mut &door.store, &group.id).await?),
        None => Ok(false),
    }
}

/// Sign-in leads back to the declared address, so at another port it leads past this server.
fn warn_of_another_port(public: &Address, app: &App, doorward: &str) {
    let declared = app.settings.addresses.first();
    if let (Some(declared), Ok(ours)) = (declared, address(public, &app.slug))
        && is_at_another_port(declared, &ours)
    {
        tracing::warn!(
            "app {0} is declared at {declared} and this server is reached at {ours}: if people come to the latter, run \
             `{doorward} app update {0} --address {ours}`",
            app.slug
        );
    }
}

fn is_at_another_port(declared: &Address, ours: &Address) -> bool {
    declared.origin() != ours.origin() && declared.scheme() == ours.scheme() && declared.host() == ours.host()
}
