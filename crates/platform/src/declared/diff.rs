//! Says in words what differs between an object as it is and as it is declared.

use super::mapper_words;
use super::object::DeclaredUser;
use doorward_engine::clients::ClientSettings;
use doorward_engine::clients::mapper::Mapper;
use doorward_model::app::Access;
use doorward_model::name::{AppSlug, GroupName};
use doorward_model::people::User;
use serde::{Deserialize as _, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

/// What a declared user changes.
pub(super) fn user(now: &User, declared: &DeclaredUser) -> Vec<String> {
    let mut changes = Vec::new();
    if let Some(display) = declared.display.as_ref().filter(|display| **display != now.display) {
        changes.push(format!("display: \"{}\" → \"{display}\"", now.display));
    }
    if let Some(email) = declared.email.as_ref().filter(|email| Some(*email) != now.email.as_ref()) {
        let before = now.email.as_ref().map_or("none".to_owned(), ToString::to_string);
        changes.push(format!("email: {before} → {email}"));
    }
    if let Some(active) = declared.active.filter(|active| *active != now.is_active) {
        changes.push(format!("active: {} → {active}", now.is_active));
    }
    changes
}

/// What changes in a rule, given as (everyone, groups) before and after: a phrase for each key.
pub fn access(now: (bool, &[&GroupName]), declared: (bool, &[&GroupName])) -> Vec<String> {
    let mut changes = Vec::new();
    if now.0 != declared.0 {
        changes.push(format!("everyone: {} → {}", now.0, declared.0));
    }
    let before: BTreeSet<&GroupName> = now.1.iter().copied().collect();
    let after: BTreeSet<&GroupName> = declared.1.iter().copied().collect();
    let added = after.difference(&before).map(|group| format!("+{group}"));
    let removed = before.difference(&after).map(|group| format!("-{group}"));
    let groups: Vec<String> = added.chain(removed).collect();
    if !groups.is_empty() {
        changes.push(format!("allowed_groups: {}", groups.join(" ")));
    }
    changes
}

/// What changes in the ways in that count somewhere, by name: none for every one.
pub fn ways(now: &[String], declared: &[String]) -> Option<String> {
    let before: BTreeSet<&String> = now.iter().collect();
    let after: BTreeSet<&String> = declared.iter().collect();
    if before == after {
        return None;
    }
    if before.is_empty() || after.is_empty() {
        let words = |names: &[String]| if names.is_empty() { "every one".to_owned() } else { names.join(" ") };
        return Some(format!("connectors: {} → {}", words(now), words(declared)));
    }
    let added = after.difference(&before).map(|name| format!("+{name}"));
    let removed = before.difference(&after).map(|name| format!("-{name}"));
    Some(format!("connectors: {}", added.chain(removed).collect::<Vec<_>>().join(" ")))
}

/// What is known about a client, with names for ids.
#[derive(Debug, Clone, Copy)]
pub struct ClientFacts<'a> {
    /// The app it belongs to.
    pub app: Option<&'a AppSlug>,
    /// Whether every signed-in user of the realm may enter, when it belongs to no app.
    pub everyone: bool,
    /// Groups that may enter, when it belongs to no app.
    pub groups: &'a [&'a GroupName],
    /// Whether it works.
    pub is_active: bool,
    /// Everything else; the rule in it is passed over.
    pub settings: &'a ClientSettings,
}

/// What changes in a client: a phrase for each key.
pub fn client(now: &ClientFacts<'_>, declared: &ClientFacts<'_>) -> Vec<String> {
    let mut changes = Vec::new();
    if now.is_active != declared.is_active {
        changes.push(format!("active: {} → {}", now.is_active, declared.is_active));
    }
    if now.app != declared.app {
        let name = |app: Option<&AppSlug>| app.map_or("none".to_owned(), ToString::to_string);
        changes.push(format!("app: {} → {}", name(now.app), name(declared.app)));
    }
    changes.extend(access((now.everyone, now.groups), (declared.everyone, declared.groups)));
    let without_rule = |settings: &ClientSettings| ClientSettings { access: Access::default(), ..settings.clone() };
    changes.extend(settings(&without_rule(now.settings), &without_rule(declared.settings)));
    changes
}

/// What changes in the settings of an app or a client: a phrase for each key.
pub fn settings<T: Serialize + PartialEq>(now: &T, declared: &T) -> Vec<String> {
    if now == declared {
        return Vec::new();
    }
    // Compared as they are stored, so that a key added to the settings shows up here by itself.
    let (Ok(before), Ok(after)) = (serde_json::to_value(now), serde_json::to_value(declared)) else {
        return vec!["settings".to_owned()];
    };
    let mut changes = Vec::new();
    keys("", &before, &after, &mut changes);
    changes
}

fn keys(around: &str, before: &Value, after: &Value, changes: &mut Vec<String>) {
    let names = |value: &Value| value.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect::<Vec<_>>();
    let all: BTreeSet<String> = names(before).into_iter().chain(names(after)).collect();
    for key in all {
        let (old, new) = (before.get(&key).unwrap_or(&Value::Null), after.get(&key).unwrap_or(&Value::Null));
        if old == new {
            continue;
        }
        if key == "mappers"
            && let (Some(old), Some(new)) = (mappers(old), mappers(new))
        {
            changes.extend(mapper_words::changes(&old, &new));
            continue;
        }
        let key = format!("{around}{key}");
        match (items(old), items(new)) {
            (Some(old), Some(new)) => changes.push(format!("{key}: {}", list(&old, &new))),
            _ if old.is_object() && new.is_object() => keys(&format!("{key}."), old, new, changes),
            // Without a family of its own an app is told by the default ones.
            _ if key == "headers" => {
                changes.push(format!("{key}: {} → {}", word_or("default", old), word_or("default", new)))
            }
            _ => changes.push(format!("{key}: {} → {}", word(old), word(new))),
        }
    }
}

/// A list of mappers, if it is one.
fn mappers(value: &Value) -> Option<Vec<Mapper>> {
    Vec::deserialize(value).ok()
}

/// The entries of a list; an absent list has none.
fn items(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(entries) => Some(entries.iter().map(item).collect()),
        _ => None,
    }
}

/// An entry of a list. A redirect rule reads as in a declared file.
fn item(entry: &Value) -> String {
    let mut only = entry.as_object().filter(|object| object.len() == 1).into_iter().flatten();
    match (entry, only.next()) {
        (Value::String(text), _) => text.clone(),
        (_, Some((key, Value::String(text)))) if key == "exact" => text.clone(),
        (_, Some((key, Value::String(text)))) => format!("{key}:{text}"),
        _ => entry.to_string(),
    }
}

fn list(old: &[String], new: &[String]) -> String {
    let added = new.iter().filter(|entry| !old.contains(entry)).map(|entry| format!("+{entry}"));
    let removed = old.iter().filter(|entry| !new.contains(entry)).map(|entry| format!("-{entry}"));
    let words: Vec<String> = added.chain(removed).collect();
    if words.is_empty() { format!("now in the order {}", new.join(" ")) } else { words.join(" ") }
}

fn word(value: &Value) -> String {
    word_or("none", value)
}

fn word_or(nothing: &str, value: &Value) -> String {
    match value {
        Value::Null => nothing.to_owned(),
        Value::Array(entries) if entries.is_empty() => nothing.to_owned(),
        Value::Array(_) => items(value).unwrap_or_default().join(" "),
        other => other.to_string(),
    }
}
