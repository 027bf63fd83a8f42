//! Connectors that other software's settings speak of: the variables of the environment at every start, and files that
//! are imported.

use crate::exit::Exit;
use doorward_engine::door::Door;
use doorward_engine::federation::{self, Connector};
use doorward_engine::manage::connectors as manage;
use doorward_model::context::Ctx;
use doorward_model::people::Realm;
use doorward_platform::declared::settings_changes;
use doorward_platform::houston::{Found, PREFIX, Provider, of_variables};

/// Makes what the environment says of connectors so. Nothing happens while nothing begins with [`PREFIX`].
pub async fn from_environment(door: &Door, ctx: &Ctx, realm: &Realm) -> Result<(), Exit> {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    let Found { providers, notes } = of_variables(std::env::vars_os().filter_map(text))
        .map_err(|why| Exit::usage(format!("the environment, {PREFIX}…: {why}")))?;
    for note in notes {
        tracing::warn!("the environment: {note}");
    }
    for provider in providers {
        if let Some(change) = make_so(door, ctx, realm, provider).await? {
            tracing::info!("by the environment: {change}");
        }
    }
    Ok(())
}

/// What would change, for people; none when everything is so.
pub async fn plan(door: &Door, realm: &Realm, provider: &Provider) -> Result<Option<String>, Exit> {
    let Provider { name, is_enabled, settings, secret } = provider;
    let Some(now) = federation::find(door, &realm.id, name).await? else {
        return Ok(is_enabled.then(|| format!("+ connector {name}")));
    };
    let mut changes = if *is_enabled { settings_changes(&now.settings, settings) } else { Vec::new() };
    if *is_enabled && now.settings.kind.secret_from().is_some() && settings.kind.secret_from().is_none() {
        let rest = if secret.is_some() { "the one that was read takes its place" } else { "none takes its place" };
        tracing::warn!("connector {name} is there already and says where its secret is kept; {rest}");
    }
    if now.is_active && !*is_enabled {
        changes.push("active: true → false".to_owned());
    }
    if !now.is_active && *is_enabled {
        tracing::warn!("connector {name} is disabled here and stays so: `doorward connector enable {name}`");
    }
    if let Some(secret) = secret
        && federation::open_secret(door, &now)?.is_none_or(|kept| *kept != **secret)
    {
        changes.push("secret: another one".to_owned());
    }
    Ok((!changes.is_empty()).then(|| format!("~ connector {name}: {}", changes.join("; "))))
}

/// Makes it so; tells what has changed.
pub async fn make_so(door: &Door, ctx: &Ctx, realm: &Realm, provider: Provider) -> Result<Option<String>, Exit> {
    let Some(change) = plan(door, realm, &provider).await? else { return Ok(None) };
    let Provider { name, is_enabled, settings, secret } = provider;
    let now = federation::find(door, &realm.id, &name).await?;
    let mut tx = door.begin().await?;
    let Some(now) = now else {
        // Another node that starts at the same moment may have been faster, and says the same.
        let made = manage::create(door, ctx, &mut tx, (&realm.id, name.clone()), settings, secret).await?;
        if let Err(refused) = made {
            drop(tx);
            return match federation::find(door, &realm.id, &name).await? {
                Some(_) => Ok(None),
                None => Err(refused.into()),
            };
        }
        door.commit(ctx, tx).await?;
        return Ok(Some(change));
    };
    if is_enabled {
        change_settings((door, ctx), &mut tx, &now, (settings, secret)).await?;
    }
    // Whoever disabled it by hand had a reason that other software knows nothing of.
    if now.is_active && !is_enabled {
        manage::set_active(&mut tx, &now, false).await?;
    }
    door.commit(ctx, tx).await?;
    Ok(Some(change))
}

async fn change_settings(
    (door, ctx): (&Door, &Ctx),
    tx: &mut doorward_store::tx::Tx,
    now: &Connector,
    (settings, secret): (doorward_engine::federation::settings::ConnectorSettings, Option<zeroize::Zeroizing<String>>),
) -> Result<(), Exit> {
    if now.settings != settings {
        manage::update((door, ctx), tx, now, settings).await??;
    }
    if let Some(secret) = secret {
        manage::seal(door, tx, now, &secret).await?;
    }
    Ok(())
}
