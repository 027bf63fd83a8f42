//! Apps: what answers where, and who may enter.

use crate::door::Door;
use crate::manage::Refused;
use doorward_model::app::{Access, App, AppSettings};
use doorward_model::change::Change;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::Fault;
use doorward_model::id::{AppId, RealmId};
use doorward_model::limits;
use doorward_model::name::AppSlug;
use doorward_store::apps::{self, Taken};
use doorward_store::tx::Tx;

/// Creates an app.
pub async fn create(
    door: &Door,
    tx: &mut Tx,
    realm: &RealmId,
    slug: AppSlug,
    (access, settings): (Access, AppSettings),
) -> Result<Result<App, Refused>, Fault> {
    let app = App { id: AppId::draw(&*door.dice), realm_id: realm.clone(), slug, access, settings };
    if let Err(refused) = check(door, &app) {
        return Ok(Err(refused));
    }
    if let Err(taken) = apps::create(tx, &app).await? {
        return Ok(Err(refuse(&app, &taken)));
    }
    note(tx, EventKind::AppCreated, &app);
    Ok(Ok(app))
}

/// Writes a changed app.
pub async fn update(door: &Door, tx: &mut Tx, app: &App) -> Result<Result<(), Refused>, Fault> {
    if let Err(refused) = check(door, app) {
        return Ok(Err(refused));
    }
    if let Err(taken) = apps::update(tx, app).await? {
        return Ok(Err(refuse(app, &taken)));
    }
    note(tx, EventKind::AppChanged, app);
    Ok(Ok(()))
}

/// Deletes an app and its passes.
pub async fn delete(tx: &mut Tx, app: &App) -> Result<(), Fault> {
    apps::delete(tx, &app.id).await?;
    note(tx, EventKind::AppDeleted, app);
    Ok(())
}

/// What must hold for an app, whoever made it.
fn check(door: &Door, app: &App) -> Result<(), Refused> {
    let no = |what: String| Err(Refused::because(format!("app {}: {what}", app.slug)));
    let settings = &app.settings;
    if settings.addresses.is_empty() {
        return no("needs at least one address, such as https://dagster.example.com".to_owned());
    }
    if settings.addresses.len() > limits::APP_ADDRESSES {
        return no(format!("may have at most {} addresses", limits::APP_ADDRESSES));
    }
    if app.access.groups.len() > limits::APP_GROUPS {
        return no(format!("may name at most {} groups", limits::APP_GROUPS));
    }
    if settings.public_paths.len() > limits::APP_PUBLIC_PATHS {
        return no(format!("may have at most {} public paths", limits::APP_PUBLIC_PATHS));
    }
    let public = &door.settings.public;
    match settings.addresses.iter().find(|address| address.host() == public.host()) {
        Some(address) => no(format!("address {address} is Doorward's own host {}: choose another", public.host())),
        None => Ok(()),
    }
}

fn refuse(app: &App, taken: &Taken) -> Refused {
    match taken {
        Taken::Slug => Refused::taken("app", app.slug.as_str()),
        Taken::Address(address) => {
            Refused::because(format!("app {}: another app already answers at {address}", app.slug))
        }
    }
}

fn note(tx: &mut Tx, kind: EventKind, app: &App) {
    tx.changed(Change::Apps);
    tx.record(Event::new(kind, Some(&app.realm_id), app.id.to_string(), format!("app {}", app.slug)));
}
