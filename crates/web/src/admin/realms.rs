//! `/admin/realms`.

use crate::admin::{Body, Call, Failure, Outcome, Window, done, made, told};
use crate::limits;
use doorward_engine::administration::{Right, Rights};
use doorward_engine::clients::RealmSettings;
use doorward_engine::manage;
use doorward_engine::manage::look::realms;
use doorward_model::name::{DisplayText, RealmName};
use doorward_model::people::Realm;
use serde_json::{Value, json};

/// Lives that a realm sets for all, in seconds: Keycloak's name, and where it stands here.
type Life = (&'static str, fn(&mut RealmSettings) -> &mut Option<i64>);
const LIVES: [Life; 6] = [
    ("accessTokenLifespan", |settings| &mut settings.lifetimes.access_seconds),
    ("ssoSessionIdleTimeout", |settings| &mut settings.sessions.idle_seconds),
    ("ssoSessionMaxLifespan", |settings| &mut settings.sessions.lifetime_seconds),
    ("ssoSessionIdleTimeoutRememberMe", |settings| &mut settings.sessions.remembered_idle_seconds),
    ("ssoSessionMaxLifespanRememberMe", |settings| &mut settings.sessions.remembered_lifetime_seconds),
    ("offlineSessionIdleTimeout", |settings| &mut settings.lifetimes.offline_seconds),
];

/// A realm as far as the caller may see it.
fn representation(realm: &Realm, rights: Rights) -> Value {
    if !rights.has(Right::ViewRealm) {
        return json!({"realm": realm.name});
    }
    json!({"id": realm.id, "realm": realm.name, "displayName": realm.title, "enabled": true})
}

/// Takes over the lives that are said. As with Keycloak, 0 stands for nothing said.
fn lives(body: &Body, settings: &mut RealmSettings) -> Result<(), Failure> {
    for (name, life) in LIVES {
        if let Some(value) = body.get(name) {
            let wrong = || Failure::bad(format!("{name} must be a number of seconds"));
            let seconds = value.as_i64().ok_or_else(wrong)?;
            *life(settings) = (seconds != 0).then_some(seconds);
        }
    }
    Ok(())
}

/// `GET`: the caller's own realm; all of them for whoever administers every realm.
pub async fn list(call: Call) -> Outcome {
    if !call.rights.has(Right::EveryRealm) {
        return Ok(told(&json!([representation(&call.realm, call.rights)])));
    }
    let window = Window::of(&call, limits::ADMIN_ROWS)?;
    let all = realms::list(&mut &call.door().store, window.end()).await?;
    Ok(told(&window.cut(all).map(|realm| representation(&realm, call.rights)).collect()))
}

/// `POST`: a new realm with a signing key of its own.
pub async fn create(call: Call) -> Outcome {
    let body = call.body()?;
    let name = RealmName::parse(body.needed("realm")?).map_err(|bad| Failure::bad(bad.to_string()))?;
    if body.flag("enabled")? == Some(false) {
        return Err(Failure::bad("a realm cannot be disabled: leave enabled out, or true"));
    }
    for name in ["users", "clients", "groups", "roles", "identityProviders", "components"] {
        if body.get(name).is_some_and(|value| !matches!(value, Value::Array(all) if all.is_empty())) {
            return Err(Failure::bad(format!(
                "{name} are not taken with a realm: create the realm, then each by its own call"
            )));
        }
    }
    let title = title(body.text("displayName")?.filter(|text| !text.is_empty()).unwrap_or(name.as_str()))?;
    let words = format!("Realm {name} already exists");
    let mut tx = call.door().begin().await?;
    let realm = manage::realms::create(call.door(), &call.ctx, &mut tx, name, title).await?;
    let realm = realm.map_err(|refused| Failure::of_new(&refused, words))?;
    let mut settings = RealmSettings::default();
    lives(&body, &mut settings)?;
    if settings != RealmSettings::default() {
        manage::realms::set_settings(&mut tx, &realm, &settings).await??;
    }
    call.commit(tx).await?;
    Ok(made(&call.web, &format!("/admin/realms/{}", realm.name)))
}

fn title(text: &str) -> Result<DisplayText, Failure> {
    DisplayText::parse(text).map_err(|bad| Failure::bad(bad.to_string()))
}

/// `GET` of one.
pub async fn show(call: Call) -> Outcome {
    let mut told_of = representation(&call.realm, call.rights);
    if let (true, Some(members)) = (call.rights.has(Right::ViewRealm), told_of.as_object_mut()) {
        let mut settings = RealmSettings::load(&mut &call.door().store, &call.realm.id).await?;
        let known =
            LIVES.into_iter().filter_map(|(name, life)| Some((name.to_owned(), json!((*life(&mut settings))?))));
        members.extend(known);
    }
    Ok(told(&told_of))
}

/// `PUT`: its name for people, and how long what it gives lives.
pub async fn update(call: Call) -> Outcome {
    let body = call.body()?;
    if body.text("realm")?.is_some_and(|name| name != call.realm.name.as_str()) {
        return Err(Failure::bad("a realm cannot be renamed: leave realm out, or as it is"));
    }
    if body.flag("enabled")? == Some(false) {
        return Err(Failure::bad("a realm cannot be disabled: leave enabled out, or true"));
    }
    let wanted = body.text("displayName")?.map(title).transpose()?;
    let mut tx = call.door().begin().await?;
    if let Some(title) = wanted.filter(|title| *title != call.realm.title) {
        manage::realms::retitle(&mut tx, &call.realm, &title).await?;
    }
    let before = RealmSettings::load(&mut tx, &call.realm.id).await?;
    let mut settings = before.clone();
    lives(&body, &mut settings)?;
    if settings != before {
        manage::realms::set_settings(&mut tx, &call.realm, &settings).await??;
    }
    call.commit(tx).await?;
    Ok(done())
}
