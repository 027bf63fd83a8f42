//! Says in words what differs between an object as it is and as it is declared.

use super::object::DeclaredUser;
use doorward_model::app::AppSettings;
use doorward_model::name::GroupName;
use doorward_model::people::User;
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

/// What changes in an app beside its rule: a phrase for each key.
pub fn settings(now: &AppSettings, declared: &AppSettings) -> Vec<String> {
    if now == declared {
        return Vec::new();
    }
    // Compared as they are stored, so that a key added to the settings shows up here by itself.
    let (Ok(Value::Object(before)), Ok(Value::Object(after))) =
        (serde_json::to_value(now), serde_json::to_value(declared))
    else {
        return vec!["settings".to_owned()];
    };
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut changes = Vec::new();
    for key in keys {
        let (old, new) = (before.get(key).unwrap_or(&Value::Null), after.get(key).unwrap_or(&Value::Null));
        if old == new {
            continue;
        }
        match (items(old), items(new)) {
            (Some(old), Some(new)) => changes.push(format!("{key}: {}", list(&old, &new))),
            _ => changes.push(format!("{key}: {} → {}", word(old), word(new))),
        }
    }
    changes
}

/// The entries of a list; an absent list has none.
fn items(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(entries) => {
            Some(entries.iter().map(|entry| entry.as_str().map_or_else(|| entry.to_string(), str::to_owned)).collect())
        }
        _ => None,
    }
}

fn list(old: &[String], new: &[String]) -> String {
    let added = new.iter().filter(|entry| !old.contains(entry)).map(|entry| format!("+{entry}"));
    let removed = old.iter().filter(|entry| !new.contains(entry)).map(|entry| format!("-{entry}"));
    let words: Vec<String> = added.chain(removed).collect();
    if words.is_empty() { format!("now in the order {}", new.join(" ")) } else { words.join(" ") }
}

fn word(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::Array(entries) if entries.is_empty() => "none".to_owned(),
        Value::Array(_) => items(value).unwrap_or_default().join(" "),
        other => other.to_string(),
    }
}
