//! Creating and changing realms.

use crate::clients::RealmSettings;
use crate::door::Door;
use crate::manage::what_changed::what_changed;
use crate::manage::{Refused, wrong};
use doorward_model::change::Change;
use doorward_model::context::Ctx;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::Fault;
use doorward_model::id::RealmId;
use doorward_model::name::{DisplayText, RealmName};
use doorward_model::people::Realm;
use doorward_store::realms;
use doorward_store::tx::Tx;

/// Creates a realm with a signing key of its own.
pub async fn create(
    door: &Door,
    ctx: &Ctx,
    tx: &mut Tx,
    name: RealmName,
    title: DisplayText,
) -> Result<Result<Realm, Refused>, Fault> {
    let realm = Realm { id: RealmId::draw(&*door.dice), name, title };
    if !realms::create(tx, &realm, ctx.now).await? {
        return Ok(Err(Refused::taken("realm", realm.name.as_str())));
    }
    door.keys.make(tx, ctx, door, &realm.id).await?;
    tx.changed(Change::Apps);
    tx.record(Event::new(EventKind::RealmCreated, Some(&realm.id), realm.name.to_string(), String::new()));
    Ok(Ok(realm))
}

/// Writes what a realm says for all of its clients and sessions.
pub async fn set_settings(tx: &mut Tx, realm: &Realm, settings: &RealmSettings) -> Result<Result<(), Refused>, Fault> {
    if let Err(refused) = check(realm, settings) {
        return Ok(Err(refused));
    }
    let before = RealmSettings::load(tx, &realm.id).await?;
    realms::set_settings(tx, &realm.id, &settings.to_text()?).await?;
    tx.changed(Change::Realm(realm.id.clone()));
    let what = what_changed(&before, settings, &[]);
    tx.record(Event::new(EventKind::RealmChanged, Some(&realm.id), realm.name.to_string(), what));
    Ok(Ok(()))
}

/// Refuses what no realm may say, whoever wrote it.
fn check(realm: &Realm, settings: &RealmSettings) -> Result<(), Refused> {
    let first = wrong::realm(settings).into_iter().next();
    first.map_or(Ok(()), |wrong| Err(Refused::because(format!("realm {}: {wrong}", realm.name))))
}

/// Changes a realm's title.
pub async fn retitle(tx: &mut Tx, realm: &Realm, title: &DisplayText) -> Result<(), Fault> {
    tx.changed(Change::Apps);
    tx.record(Event::new(EventKind::RealmChanged, Some(&realm.id), realm.name.to_string(), "title"));
    realms::retitle(tx, &realm.id, title).await
}
