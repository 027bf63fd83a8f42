//! Creating and changing realms.

use crate::clients::RealmSettings;
use crate::door::Door;
use crate::manage::Refused;
use crate::manage::clients::{ACCESS_SECONDS_MAX, OFFLINE_SECONDS_MAX};
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
    realms::set_settings(tx, &realm.id, &settings.to_text()?).await?;
    tx.changed(Change::Realm(realm.id.clone()));
    tx.record(Event::new(EventKind::RealmChanged, Some(&realm.id), realm.name.to_string(), String::new()));
    Ok(Ok(()))
}

/// What must hold for a realm's settings, whoever wrote them.
fn check(realm: &Realm, settings: &RealmSettings) -> Result<(), Refused> {
    let (tokens, sessions) = (&settings.lifetimes, &settings.sessions);
    let lives = [
        ("access_seconds", tokens.access_seconds, ACCESS_SECONDS_MAX),
        ("refresh_seconds", tokens.refresh_seconds, OFFLINE_SECONDS_MAX),
        ("offline_seconds", tokens.offline_seconds, OFFLINE_SECONDS_MAX),
        ("idle_seconds", sessions.idle_seconds, SESSION_SECONDS_MAX),
        ("lifetime_seconds", sessions.lifetime_seconds, SESSION_SECONDS_MAX),
        ("remembered_idle_seconds", sessions.remembered_idle_seconds, SESSION_SECONDS_MAX),
        ("remembered_lifetime_seconds", sessions.remembered_lifetime_seconds, SESSION_SECONDS_MAX),
    ];
    for (name, seconds, most) in lives {
        if seconds.is_some_and(|seconds| !(1..=most).contains(&seconds)) {
            return Err(Refused::because(format!("realm {}: {name} must be 1 to {most}", realm.name)));
        }
    }
    // Whoever asked to stay signed in is known by it.
    if let (Some(idle), Some(remembered)) = (sessions.idle_seconds, sessions.remembered_idle_seconds)
        && remembered <= idle
    {
        let why = "remembered_idle_seconds must be more than idle_seconds";
        return Err(Refused::because(format!("realm {}: {why}", realm.name)));
    }
    Ok(())
}

/// Longest session, in seconds: a year.
const SESSION_SECONDS_MAX: i64 = 366 * 24 * 60 * 60;

/// Changes a realm's title.
pub async fn retitle(tx: &mut Tx, realm: &Realm, title: &DisplayText) -> Result<(), Fault> {
    tx.changed(Change::Apps);
    tx.record(Event::new(EventKind::RealmChanged, Some(&realm.id), realm.name.to_string(), "title"));
    realms::retitle(tx, &realm.id, title).await
}
