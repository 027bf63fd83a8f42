//! `doorward connector update`: single settings by their keys, the ones declared files and `connector show` have.

use crate::commands::connector::advice::{check_authorities, groups_named, not_called, secrets_unread};
use crate::commands::connector::counted_links;
use crate::commands::{Shell, apply, input};
use crate::exit::Exit;
use crate::report::Report;
use clap::Args;
use doorward_engine::federation::Connector as Stored;
use doorward_engine::federation::settings::ConnectorSettings;
use doorward_engine::manage::connectors as manage;
use doorward_model::name::ConnectorName;
use doorward_model::people::Realm;
use doorward_platform::declared::{Plan, near};
use serde_json::{Map, Value};
use std::collections::HashSet;

/// Changes of a connector.
#[derive(Args, Debug)]
pub struct Update {
    /// Its name.
    #[arg(value_parser = ConnectorName::parse)]
    pub connector: ConnectorName,
    /// One setting, such as title="Example Corp", oidc.client_id=doorward or group_rules.same_name=false; may be
    /// repeated. Lists and objects are written as JSON. A key that has a dot in it stands in double quotes.
    #[arg(long, value_name = "KEY=VALUE", value_parser = change)]
    set: Vec<(Vec<String>, String)>,
    /// A setting to take back to what it is when nobody says anything; may be repeated.
    #[arg(long, value_name = "KEY", value_parser = path)]
    unset: Vec<Path>,
    /// Read another secret from standard input and keep it sealed in the store.
    #[arg(long)]
    secret_stdin: bool,
    /// Only say what would change, and which sessions, links and secrets would go with it; ends with code 2 when something
    /// would change. Standard input is not read.
    #[arg(long)]
    plan: bool,
}

/// A key with those around it.
type Path = Vec<String>;

fn change(text: &str) -> Result<(Path, String), String> {
    let (key, value) = text.split_once('=').ok_or("it lacks the = between key and value")?;
    Ok((path(key)?, value.to_owned()))
}

/// Reads `oidc.claims."https://example.com/groups"`.
fn path(text: &str) -> Result<Path, String> {
    let mut path = vec![String::new()];
    let mut is_quoted = false;
    for letter in text.chars() {
        match letter {
            '"' => is_quoted = !is_quoted,
            '.' if !is_quoted => path.push(String::new()),
            letter => path.last_mut().into_iter().for_each(|key| key.push(letter)),
        }
    }
    if is_quoted || path.iter().any(String::is_empty) {
        return Err("a key is names with dots between them, as `connector show` prints them".to_owned());
    }
    Ok(path)
}

/// Changes a connector.
pub async fn update(shell: &Shell, (realm, connector): (&Realm, &Stored), asked: &Update) -> Result<Report, Exit> {
    if asked.set.is_empty() && asked.unset.is_empty() && !asked.secret_stdin {
        return Err(Exit::usage("nothing to change: say --set KEY=VALUE, --unset KEY or --secret-stdin"));
    }
    let settings = asked.on(&connector.settings).map_err(Exit::refused)?;
    if asked.secret_stdin {
        takes_secret(&settings)?;
    }
    if settings == connector.settings && !asked.secret_stdin {
        return Ok(Report::words(format!("Connector {} is so already.", connector.name)));
    }
    let mut warnings = about_changes(shell, (realm, connector), &settings).await?;
    if asked.plan {
        let more = asked.secret_stdin.then(|| "secret: another one".to_owned());
        let plan = Plan::of_settings(&realm.name, connector, &settings, more);
        return Ok(apply::rehearsed(shell, plan).await?.and_warnings(warnings));
    }
    let secret = if asked.secret_stdin { Some(input::secret()?) } else { None };
    let is_secret_given = secret.is_some();
    let mut tx = shell.door.begin().await?;
    let ends = manage::update((&shell.door, &shell.ctx), &mut tx, connector, settings).await??;
    if let Some(secret) = secret {
        manage::seal(&shell.door, &mut tx, connector, &secret).await?;
    }
    shell.commit(tx).await?;
    let name = &connector.name;
    if ends.secret && !is_secret_given {
        warnings.push(format!(
            "another issuer is another company: the sealed secret was forgotten, so give the new one's with `doorward \
             connector update {name} --secret-stdin`"
        ));
    }
    let mut words = match ends.sessions {
        0 => format!("Changed connector {name}"),
        1 => format!("Changed connector {name}; 1 session that began there ended"),
        ended => format!("Changed connector {name}; {ended} sessions that began there ended"),
    };
    if ends.idle > 0 {
        let (links, count) = (counted_links(ends.idle), if ends.idle == 1 { "counts" } else { "count" });
        words.push_str(&format!(", {links} of the former issuer {count} no more until it is the issuer again"));
    }
    Ok(Report::words(words + ".").and_warnings(warnings))
}

/// Whether a secret can be kept here for a connector.
fn takes_secret(settings: &ConnectorSettings) -> Result<(), Exit> {
    if settings.kind.saml().is_some() {
        return Err(Exit::usage("a SAML connector has a key of its own, and no secret from the provider"));
    }
    if settings.kind.secret_from().is_some() {
        let key = format!("--unset {}.secret_from", settings.kind.as_str());
        return Err(Exit::usage(format!("the connector says where its secret is kept: {key} first")));
    }
    Ok(())
}

/// What should be known of what changes.
async fn about_changes(
    shell: &Shell,
    (realm, connector): (&Realm, &Stored),
    settings: &ConnectorSettings,
) -> Result<Vec<String>, Exit> {
    let mut warnings = Vec::new();
    let file = |settings: &ConnectorSettings| settings.kind.ldap().and_then(|ldap| ldap.ca_file.clone());
    if file(settings) != file(&connector.settings) {
        warnings.extend(check_authorities(settings)?);
    }
    if settings.kind.kept_elsewhere() != connector.settings.kind.kept_elsewhere() {
        warnings.extend(secrets_unread(settings));
    }
    if settings.kind.called() != connector.settings.kind.called() {
        warnings.extend(not_called(shell, settings).await?);
    }
    if settings.groups != connector.settings.groups {
        warnings.extend(groups_named(shell, (Some(realm), &HashSet::new()), settings).await?);
    }
    Ok(warnings)
}

impl Update {
    /// The settings with the changes made, one after the other.
    fn on(&self, now: &ConnectorSettings) -> Result<ConnectorSettings, String> {
        let mut settings = now.clone();
        for path in &self.unset {
            let mut all = written(&settings)?;
            let is_set = descend(&mut all, path)?.remove(last(path)).is_some();
            // What is not set is so already, if it is a setting at all.
            if !is_set && !is_known(&settings, path) {
                return Err(format!("{}: there is no such setting{}", path.join("."), KEYS));
            }
            if is_set {
                settings = read(all).map_err(|why| format!("{} cannot be unset: {why}", path.join(".")))?;
            }
        }
        for (path, text) in &self.set {
            let put = |value: Value| {
                let mut all = written(&settings)?;
                descend(&mut all, path)?.insert(last(path).to_owned(), value);
                let read = read(all)?;
                // What nobody reads would be passed over without a word.
                match descend(&mut written(&read)?, path)?.contains_key(last(path)) {
                    true => Ok(read),
                    false => Err(format!("there is no such setting{KEYS}")),
                }
            };
            // A text that looks like a number may be meant as a text, and words with commas as a list.
            let as_json = serde_json::from_str(text).ok().and_then(|value| put(value).ok());
            let as_text = || put(Value::String(text.clone()));
            let words = || text.split(',').map(|word| Value::from(word.trim())).collect();
            settings = match as_json.map_or_else(as_text, Ok) {
                Ok(read) => read,
                Err(why) => put(Value::Array(words())).map_err(|_| format!("{}: {}", path.join("."), plain(&why)))?,
            };
        }
        Ok(settings)
    }
}

/// Where keys are to be found.
const KEYS: &str = ": `doorward connector show NAME --output json` prints the keys there are";

/// Whether something is read at a key: a text is kept there, or refused as none of what belongs there.
fn is_known(settings: &ConnectorSettings, path: &Path) -> bool {
    let tried = || -> Result<bool, String> {
        let mut all = written(settings)?;
        descend(&mut all, path)?.insert(last(path).to_owned(), Value::from("x"));
        match read(all) {
            Ok(read) => Ok(descend(&mut written(&read)?, path)?.contains_key(last(path))),
            Err(why) => Ok(!why.starts_with("unknown field")),
        }
    };
    tried().unwrap_or(false)
}

/// A sentence without the names programs have for things.
fn plain(why: &str) -> String {
    if let Some((written, known)) = why.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`')) {
        let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
        return match near(written, &known) {
            Some(meant) => format!("there is no such setting: did you mean {meant}?"),
            None => format!("there is no such setting: there are {}", known.join(", ")),
        };
    }
    let Some((found, wanted)) = why.strip_prefix("invalid type: ").and_then(|rest| rest.split_once(", expected "))
    else {
        return why.to_owned();
    };
    let wanted = match wanted {
        wanted if wanted.starts_with("a sequence") => "a list, such as [\"one\",\"two\"] or one,two",
        wanted if wanted.starts_with("a map") || wanted.starts_with("struct ") => {
            "an object, such as {\"name\":\"value\"}"
        }
        "a boolean" => "true or false",
        wanted if wanted.starts_with('u') || wanted.starts_with('i') => "a whole number",
        "a string" => "a text",
        _ => "something else",
    };
    let found = found.split_once(' ').map_or(found, |(_, value)| value).replace(['`', '"'], "");
    format!("{found} stands where {wanted} belongs")
}

fn last(path: &Path) -> &str {
    path.last().map_or("", String::as_str)
}

fn written(settings: &ConnectorSettings) -> Result<Map<String, Value>, String> {
    match serde_json::to_value(settings) {
        Ok(Value::Object(all)) => Ok(all),
        Ok(_) => Err("the settings are no object".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn read(all: Map<String, Value>) -> Result<ConnectorSettings, String> {
    serde_json::from_value(Value::Object(all)).map_err(|error| error.to_string())
}

/// The object a key stands in; made where nothing stands yet.
fn descend<'a>(all: &'a mut Map<String, Value>, path: &Path) -> Result<&'a mut Map<String, Value>, String> {
    let mut around = all;
    for key in path.iter().take(path.len().saturating_sub(1)) {
        let inner = around.entry(key).or_insert_with(|| Value::Object(Map::new()));
        around = inner.as_object_mut().ok_or_else(|| format!("{key} has nothing inside"))?;
    }
    Ok(around)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn settings() -> ConnectorSettings {
        let text = json!({"oidc": {"issuer": "https://id.example.com", "client_id": "doorward"}});
        serde_json::from_value(text).unwrap_or_else(|error| panic!("{error}"))
    }

    fn on(set: &[&str], unset: &[&str]) -> Result<Value, String> {
        let set = set.iter().map(|text| change(text)).collect::<Result<_, _>>()?;
        let unset = unset.iter().map(|text| path(text)).collect::<Result<_, _>>()?;
        let connector = ConnectorName::parse("company").map_err(|error| error.to_string())?;
        let read = Update { connector, set, unset, secret_stdin: false, plan: false }.on(&settings())?;
        serde_json::to_value(read).map_err(|error| error.to_string())
    }

    #[test]
    fn single_settings_change_and_the_others_stay() -> Result<(), String> {
        let read = on(
            &[
                "title=Example Corp",
                "oidc.client_id=42",
                "oidc.scopes=[\"groups\"]",
                "group_rules.map.\"a.b\"=ops",
                "oidc.clock_tolerance_seconds=5",
            ],
            &[],
        )?;
        assert_eq!(read["title"], "Example Corp");
        assert_eq!(read["oidc"]["client_id"], "42");
        assert_eq!(read["oidc"]["scopes"], json!(["groups"]));
        assert_eq!(read["oidc"]["clock_tolerance_seconds"], 5);
        assert_eq!(read["oidc"]["issuer"], "https://id.example.com");
        assert_eq!(read["group_rules"]["map"], json!({"a.b": "ops"}));
        let back = on(&["oidc.scopes=[]"], &["oidc.scopes"])?;
        assert_eq!(back["oidc"]["scopes"], json!([]));
        assert_eq!(on(&[], &["oidc.scopes"])?["oidc"]["scopes"], json!(["profile", "email"]));
        Ok(())
    }

    #[test]
    fn what_is_no_setting_is_refused() {
        for wrong in [
            &["titel=x"][..],
            &["oidc.clientId=x"],
            &["oidc.clock_tolerance_seconds=soon"],
            &["title.more=x"],
            &["linking.create=maybe"],
            &["oidc"],
            &["oidc..issuer=x"],
            &["saml.issuer=x"],
        ] {
            assert!(on(wrong, &[]).is_err(), "{wrong:?}");
        }
        assert!(on(&[], &["oidc.issuer"]).is_err());
        for unknown in ["titel", "oidc.clientId", "saml.issuer", "oidc.claims.nam"] {
            assert!(on(&[], &[unknown]).is_err_and(|why| why.contains("there is no such setting")), "{unknown}");
        }
    }

    #[test]
    fn what_is_not_set_is_unset_already() -> Result<(), String> {
        let now = serde_json::to_value(settings()).map_err(|error| error.to_string())?;
        for optional in
            ["title", "oidc.refresh", "oidc.response_mode", "oidc.directory", "group_rules.prefix", "group_rules.map.x"]
        {
            assert_eq!(on(&[], &[optional, optional])?, now, "{optional}");
        }
        Ok(())
    }

    #[test]
    fn lists_may_be_words_with_commas_and_refusals_speak_of_no_types() -> Result<(), String> {
        assert_eq!(on(&["oidc.scopes=profile, groups"], &[])?["oidc"]["scopes"], json!(["profile", "groups"]));
        assert_eq!(on(&["oidc.scopes=groups"], &[])?["oidc"]["scopes"], json!(["groups"]));
        assert_eq!(on(&["title=One, Two"], &[])?["title"], "One, Two");
        for (wrong, words) in [
            ("oidc.clock_tolerance_seconds=soon", "soon stands where a whole number belongs"),
            ("linking.create=maybe", "maybe stands where true or false belongs"),
            ("oidc.parameters=x", "x stands where an object, such as {\"name\":\"value\"} belongs"),
        ] {
            let why = on(&[wrong], &[]).err().unwrap_or_default();
            assert!(why.contains(words), "{wrong}: {why}");
        }
        Ok(())
    }
}
