//! `doorward events`

use crate::commands::Shell;
use crate::commands::token::seconds;
use crate::exit::Exit;
use crate::limits;
use crate::report::Report;
use clap::Args;
use doorward_model::event::EventKind;
use doorward_model::id::{ClientId, GroupId, RoleId, UserId};
use doorward_model::name::{ClientName, RealmName, UserName};
use doorward_model::people::Realm;
use doorward_model::time::Timestamp;
use doorward_store::events::{self, Recorded, Wanted};
use doorward_store::{apps, clients, groups, realms, roles, sessions, users};
use serde_json::json;
use std::collections::{HashMap, HashSet};

/// The newest entries of the audit record, newest first.
#[derive(Args, Debug)]
pub struct Events {
    /// How many.
    #[arg(long, alias = "limit", default_value_t = 50, value_name = "N", value_parser = count)]
    count: i64,
    /// Only of this kind, as the column KIND shows it.
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Option<EventKind>,
    /// Only what this user did, and what is about them or their sessions.
    #[arg(long, value_name = "NAME", value_parser = UserName::parse)]
    user: Option<UserName>,
    /// Only what this client did, and what is about it.
    #[arg(long, value_name = "NAME", value_parser = ClientName::parse)]
    client: Option<ClientName>,
    /// Only of this request, by the number that stands on pages, such as req_7yq2m4c1.
    #[arg(long, value_name = "NUMBER")]
    request: Option<String>,
    /// Only from then on: a time such as 2026-11-01T00:00:00Z, or a number with s, m, h or d before now.
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Since>,
}

/// From when on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Since {
    At(Timestamp),
    /// Seconds before now.
    Before(i64),
}

fn count(text: &str) -> Result<i64, String> {
    let number = text.parse().ok().filter(|number| (1..=limits::EVENTS).contains(number));
    number.ok_or_else(|| format!("write a number from 1 to {}", limits::EVENTS))
}

fn kind(text: &str) -> Result<EventKind, String> {
    let known = EventKind::ALL.iter().find(|kind| kind.as_str() == text).copied();
    known.ok_or_else(|| "there is no such kind: write one as the column KIND shows it, such as signed_in".to_owned())
}

fn since(text: &str) -> Result<Since, String> {
    let at = Timestamp::parse_rfc3339(text).map(Since::At);
    at.or_else(|| seconds(text).ok().map(Since::Before))
        .ok_or_else(|| "write a time such as 2026-11-01T00:00:00Z, or 30m, 2h or 7d before now".to_owned())
}

/// Runs the command.
pub async fn run(asked: Events, shell: &Shell) -> Result<Report, Exit> {
    let all = events::matching(&mut &shell.door.store, asked.count, &wanted(&asked, shell).await?).await?;
    let names = Names::load(shell, &all).await?;
    let rows = all.iter().map(|event| {
        json!({
            "at": event.at.rfc3339(), "kind": event.kind, "actor": event.actor, "subject": event.subject,
            "detail": event.detail, "request": event.request, "address": event.client_address,
            "who": names.who(&event.actor), "about": names.about(&event.subject), "what": names.told(&event.detail),
        })
    });
    Ok(Report::rows(&["at", "kind", "who", "about", "what", "address"], rows.collect()))
}

async fn wanted(asked: &Events, shell: &Shell) -> Result<Wanted, Exit> {
    let mut wanted = Wanted { kind: asked.kind, ..Wanted::default() };
    wanted.request = asked.request.clone().unwrap_or_default();
    wanted.since = asked.since.map(|since| match since {
        Since::At(moment) => moment,
        Since::Before(seconds) => shell.ctx.now.plus_seconds(seconds.saturating_neg()),
    });
    if let Some(name) = &asked.user {
        wanted.user = Some(shell.user(&shell.realm().await?, name).await?.id);
    }
    if let Some(name) = &asked.client {
        let client = shell.client(&shell.realm().await?, name).await?;
        wanted.client = Some((client.id.clone(), client.name.clone()));
    }
    Ok(wanted)
}

/// Names of what the record knows by id, as far as they are still there.
#[derive(Default)]
struct Names {
    /// Of users, groups, apps, clients and roles by id.
    names: HashMap<String, String>,
    /// What is said before a name that stands alone, by id.
    nouns: HashMap<String, &'static str>,
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
            } else if let Ok(id) = ClientId::parse(word)
                && let Some(client) = clients::find_by_id(&mut query, &id).await?
            {
                names.keep(word, place(&realms, &client.realm_id, usual), client.name.as_str());
                names.nouns.insert((*word).to_owned(), "client");
            } else if let Ok(id) = RoleId::parse(word)
                && let Some(role) = roles::find_by_id(&mut query, &id).await?
            {
                let owner = match &role.client_id {
                    Some(id) => clients::find_by_id(&mut query, id).await?,
                    None => None,
                };
                let of = owner.map(|client| format!(" of client {}", client.name)).unwrap_or_default();
                names.keep(word, place(&realms, &role.realm_id, usual), &format!("{}{of}", role.name));
                names.nouns.insert((*word).to_owned(), "role");
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
            "session_ended" | "pass_issued" => (Some(event.subject.as_str()), in_detail("usr_")),
            _ => return,
        };
        if let Some((session, user)) = session.zip(user) {
            self.keep_session(session, user);
        }
    }

    /// What an entry is about; a session is told by its user.
    fn about(&self, subject: &str) -> String {
        self.sessions.get(subject).map_or_else(|| self.who(subject), |user| format!("session of {user}"))
    }

    /// Who did something: a name, and what kind of thing it is where people are not meant.
    fn who(&self, actor: &str) -> String {
        let noun = self.nouns.get(actor).map(|noun| format!("{noun} ")).unwrap_or_default();
        format!("{noun}{}", self.told(actor))
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
    use super::{Names, Since, since};
    use doorward_model::time::Timestamp;

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
        names.keep("cli_c", String::new(), "superset");
        names.nouns.insert("cli_c".to_owned(), "client");
        assert_eq!((names.who("cli_c"), names.about("cli_c")), ("client superset".into(), "client superset".into()));
        assert_eq!(names.told("client cli_c"), "client superset");
    }

    #[test]
    fn a_time_is_absolute_or_before_now() {
        let moment = Timestamp::from_millis(1_793_491_200_000);
        assert_eq!(since("2026-11-01T00:00:00Z"), Ok(Since::At(moment)));
        assert_eq!(since("2026-11-01T01:00:00+01:00"), Ok(Since::At(moment)));
        assert_eq!((since("2h"), since("30m")), (Ok(Since::Before(7200)), Ok(Since::Before(1800))));
        for bad in ["", "yesterday", "2026-11-01", "2 h", "-1h"] {
            assert!(since(bad).is_err(), "{bad}");
        }
    }
}
