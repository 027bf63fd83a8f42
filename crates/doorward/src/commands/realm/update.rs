//! `doorward realm update` and `doorward realm show`.

use crate::commands::Shell;
use crate::exit::Exit;
use crate::report::Report;
use clap::Args;
use doorward_engine::clients::{
    ACCESS_SECONDS, Lifetimes, OFFLINE_SECONDS, PasswordSignIn, REFRESH_SECONDS, RealmSettings, SessionLives,
};
use doorward_engine::manage::{self, find};
use doorward_model::name::{DisplayText, RealmName};
use doorward_store::users;
use serde_json::json;

/// Changes what is given about a realm; '' puts a life back to the default.
#[derive(Args, Debug)]
pub struct Update {
    /// The realm.
    #[arg(value_parser = RealmName::parse)]
    name: RealmName,
    /// Its name for people.
    #[arg(long, value_name = "TEXT", value_parser = DisplayText::parse)]
    title: Option<DisplayText>,
    /// Life of access and ID tokens, in seconds, for clients that say nothing.
    #[arg(long, value_name = "N", value_parser = life)]
    access_seconds: Option<Life>,
    /// Life of each refresh token, in seconds, for clients that say nothing.
    #[arg(long, value_name = "N", value_parser = life)]
    refresh_seconds: Option<Life>,
    /// Life of each offline token, in seconds, for clients that say nothing.
    #[arg(long, value_name = "N", value_parser = life)]
    offline_seconds: Option<Life>,
    /// A session ends when unseen for this many seconds.
    #[arg(long, value_name = "N", value_parser = life)]
    session_idle_seconds: Option<Life>,
    /// A session ends after this many seconds in any case.
    #[arg(long, value_name = "N", value_parser = life)]
    session_lifetime_seconds: Option<Life>,
    /// As --session-idle-seconds, for people who asked to stay signed in.
    #[arg(long, value_name = "N", value_parser = life)]
    remembered_idle_seconds: Option<Life>,
    /// As --session-lifetime-seconds, for people who asked to stay signed in.
    #[arg(long, value_name = "N", value_parser = life)]
    remembered_lifetime_seconds: Option<Life>,
    /// Whom a password kept here lets in: everyone, or only users kept for emergencies (break-glass).
    #[arg(long, value_name = "WHOM", value_parser = whom)]
    password_sign_in: Option<PasswordSignIn>,
}

fn whom(text: &str) -> Result<PasswordSignIn, String> {
    PasswordSignIn::parse(text).ok_or_else(|| "write everyone or break-glass".to_owned())
}

/// A life in seconds, or back to the default.
#[derive(Debug, Clone, Copy)]
struct Life(Option<i64>);

fn life(text: &str) -> Result<Life, String> {
    if text.is_empty() {
        return Ok(Life(None));
    }
    let number = text.parse().ok().filter(|seconds| *seconds >= 1);
    number.map(|seconds| Life(Some(seconds))).ok_or_else(|| "write a number of seconds, such as 300".to_owned())
}

impl Update {
    fn on(&self, now: &RealmSettings) -> RealmSettings {
        let pick = |given: Option<Life>, now| given.map_or(now, |given| given.0);
        let (tokens, sessions) = (&now.lifetimes, &now.sessions);
        RealmSettings {
            lifetimes: Lifetimes {
                access_seconds: pick(self.access_seconds, tokens.access_seconds),
                refresh_seconds: pick(self.refresh_seconds, tokens.refresh_seconds),
                offline_seconds: pick(self.offline_seconds, tokens.offline_seconds),
            },
            sessions: SessionLives {
                idle_seconds: pick(self.session_idle_seconds, sessions.idle_seconds),
                lifetime_seconds: pick(self.session_lifetime_seconds, sessions.lifetime_seconds),
                remembered_idle_seconds: pick(self.remembered_idle_seconds, sessions.remembered_idle_seconds),
                remembered_lifetime_seconds: pick(
                    self.remembered_lifetime_seconds,
                    sessions.remembered_lifetime_seconds,
                ),
            },
            password_sign_in: self.password_sign_in.unwrap_or(now.password_sign_in),
            rest: now.rest.clone(),
        }
    }
}

/// Changes a realm.
pub async fn update(shell: &Shell, update: Update) -> Result<Report, Exit> {
    let realm = find::realm(&shell.door, &update.name).await??;
    let mut tx = shell.door.begin().await?;
    let now = RealmSettings::load(&mut tx, &realm.id).await?;
    let then = update.on(&now);
    if update.title.is_none() && then == now {
        return Ok(Report::words(format!("Realm {}: nothing to change.", realm.name)));
    }
    if let Some(title) = &update.title {
        manage::realms::retitle(&mut tx, &realm, title).await?;
    }
    if then != now {
        manage::realms::set_settings(&mut tx, &realm, &then).await??;
    }
    shell.commit(tx).await?;
    let may_lock_out = then.password_sign_in == PasswordSignIn::BreakGlass
        && users::kept_for_emergencies(&mut &shell.door.store, &realm.id).await? == 0;
    let rest = if may_lock_out { NOBODY_KEPT } else { "" };
    Ok(Report::words(format!("Changed realm {}.{rest}", realm.name)))
}

const NOBODY_KEPT: &str = " Nobody is kept for emergencies: nobody comes in while the providers are away. Give a user a \
                           password, and mark them with `doorward user update NAME --break-glass`.";

/// Shows a realm.
pub async fn show(shell: &Shell, name: &RealmName) -> Result<Report, Exit> {
    let realm = find::realm(&shell.door, name).await??;
    let settings = RealmSettings::load(&mut &shell.door.store, &realm.id).await?;
    let sessions = settings.sessions.or(shell.door.settings.sessions);
    let tokens = settings.lifetimes;
    Ok(Report::one(json!({
        "id": realm.id,
        "name": realm.name,
        "title": realm.title,
        "access_seconds": tokens.access_seconds.unwrap_or(ACCESS_SECONDS),
        "refresh_seconds": tokens.refresh_seconds.unwrap_or(REFRESH_SECONDS),
        "offline_seconds": tokens.offline_seconds.unwrap_or(OFFLINE_SECONDS),
        "session_idle_seconds": sessions.idle_seconds,
        "session_lifetime_seconds": sessions.lifetime_seconds,
        "remembered_idle_seconds": sessions.remembered_idle_seconds,
        "remembered_lifetime_seconds": sessions.remembered_lifetime_seconds,
        "password_sign_in": settings.password_sign_in.as_str(),
    })))
}
