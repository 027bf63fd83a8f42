//! `doorward events`

use crate::commands::Shell;
use crate::exit::Exit;
use crate::limits;
use crate::report::Report;
use clap::Args;
use doorward_model::id::{GroupId, UserId};
use doorward_model::name::RealmName;
use doorward_model::people::Realm;
use doorward_store::events::{self, Recorded};
use doorward_store::{apps, groups, realms, sessions, users};
use serde_json::json;
use std::collections::{HashMap, HashSet};

/// The newest entries of the audit record, newest first.
#[derive(Args, Debug)]
pub struct Events {
    /// How many.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=limits::EVENTS))]
    count: i64,
}

/// Runs the command.
pub async fn run(asked: Events, shell: &Shell) -> Result<Report, Exit> {
    let all = events::newest(&mut &shell.door.store, asked.count).await?;
    let names = Names::load(shell, &all).await?;
    let rows = all.iter().map(|event| {
        json!({
            "at": event.at.rfc3339(), "kind": event.kind, "actor": event.actor, "subject": event.subject,
            "detail": event.detail, "request": event.request, "address": event.client_address,
            "who": names.told(&event.actor), "about": names.about(&event.subject), "what": names.told(&event.detail),
        })
    });
    Ok(Report::rows(&["at", "kind", "who", "about", "what", "address"], rows.collect()))
}

/// Names of what the record knows by id, as far as they are still there.
#[derive(Default)]
struct Names {
    /// Of users, groups and apps by id.
    names: HashMap<String, String>,
    /// Whose a session is, by its id.
    sessions: HashMap<String, String>,
}

impl Names {
    async fn load(shell: &Shell, all: &[Recorded]) -> Result<Self, Exit> {
        let mut query = &shell.door.store;
        let realms = realms::list(&mut query, limits::ROWS).await?;
        let usual = &shell.config.settings.realm;
        let mut names = Self::default();
        for app in apps::all(&mut query).await?.0 {
            names.keep(app.id.as_str(), place(&realms, &app.realm_id, usual), app.slug.as_str());
        }
        let texts = all.iter().flat_map(|event| [&event.actor, &event.subject, &event.detail]);
        let ids: HashSet<&str> =
            texts.flat_map(|text| pieces(text)).map(|(word, _)| word).filter(looks_like_an_id).collect();
        for word in &ids {
            if let Ok(id) = UserId::parse(word) {
                if let Some(user) = users::find(&mut query, &id).await? {
                    names.keep(word, place(&realms, &user.realm_id, usual), user.name.as_str());
                }
            } else if let Ok(id) = GroupId::parse(word)
                && let Some(group) = groups::find_by_id(&mut query, &id).await?
            {
                names.keep(word, place(&realms, &group.realm_id, usual), group.name.as_str());
            }
        }
        for event in all {
            names.learn(event);
        }
        // Signed in before the entries that are listed: those who still are, are known to the store.
        if ids.iter().any(|id| id.starts_with("ses_") && !names.sessions.contains_key(*id)) {
            for realm in &realms {
                for (session, user) in sessions::of_realm(&mut query, &realm.id, shell.ctx.now, limits::ROWS).await? {
                    names.keep(session.user_id.as_str(), place(&realms, &realm.id, usual), &user);
                    names.keep_session(session.id.as_str(), session.user_id.as_str());
                }
            }
        }
        Ok(names)
    }

    fn keep(&mut self, id: &str, place: String, name: &str) {
        self.names.insert(id.to_owned(), format!("{place}{name}"));
    }

    fn keep_session(&mut self, session: &str, user: &str) {
        if let Some(name) = self.names.get(user) {
            self.sessions.insert(session.to_owned(), name.clone());
        }
    }

    /// Whose a session was that is over: the record itself says so where it began and where it ended.
    fn learn(&mut self, event: &Recorded) {
        let in_detail = |kind: &str| pieces(&event.detail).map(|(word, _)| word).find(|word| word.starts_with(kind));
        let (session, user) = match event.kind.as_str() {
            "signed_in" => (in_detail("ses_"), Some(event.subject.as_str())),
            "session_ended" => (Some(event.subject.as_str()), in_detail("usr_")),
            _ => return,
        };
        if let Some((session, user)) = session.zip(user) {
            self.keep_session(session, user);
        }
    }

    /// What an entry is about; a session is told by its user.
    fn about(&self, subject: &str) -> String {
        self.sessions.get(subject).map_or_else(|| self.told(subject), |user| format!("session of {user}"))
    }

    /// A text of the record with names for ids.
    fn told(&self, text: &str) -> String {
        pieces(text).flat_map(|(word, rest)| [self.names.get(word).map_or(word, String::as_str), rest]).collect()
    }
}

/// The realm before a name, unless it is the one of this call.
fn place(realms: &[Realm], id: &doorward_model::id::RealmId, usual: &RealmName) -> String {
    let realm = realms.iter().find(|realm| realm.id == *id).map(|realm| &realm.name);
    realm.filter(|name| *name != usual).map(|name| format!("{name}/")).unwrap_or_default()
}

/// The words of a text, each with what stands between it and the next.
fn pieces(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let is_between = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    text.split_inclusive(is_between).map(move |piece| piece.split_at(piece.find(is_between).unwrap_or(piece.len())))
}

fn looks_like_an_id(word: &&str) -> bool {
    word.get(3..4) == Some("_")
}

#[cfg(test)]
mod tests {
    use super::Names;

    #[test]
    fn ids_are_told_by_name_where_they_are_known() {
        let mut names = Names::default();
        names.keep("usr_a", String::new(), "alice");
        names.keep("app_d", "lab/".to_owned(), "dagster");
        names.keep_session("ses_s", "usr_a");
        assert_eq!(names.told("app app_d at d.example.com"), "app lab/dagster at d.example.com");
        assert_eq!(names.told("of usr_a: signed out (usr_b)"), "of alice: signed out (usr_b)");
        assert_eq!((names.about("ses_s"), names.about("app_d")), ("session of alice".into(), "lab/dagster".into()));
        assert_eq!(names.told("user alice, session ses_s"), "user alice, session ses_s");
        assert_eq!(names.told("visitor"), "visitor");
        assert_eq!(names.told(""), "");
    }
}
