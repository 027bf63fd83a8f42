//! nginx: `auth_request` knows 200, 401 and 403 only, so sign-in is a redirect nginx makes itself.

use super::fill::{fill, lines};
use super::headers::{capitalised, managed};
use super::{RecipeFacts, RecipeFile};

pub(super) fn render(facts: &RecipeFacts<'_>) -> Vec<RecipeFile> {
    let told = facts.told();
    let pattern: Vec<String> = facts.hosts().iter().map(|host| escaped(host)).collect();
    let unchosen: Vec<&str> = managed().into_iter().filter(|name| !told.contains(name)).collect();
    let from_answer = |name: &&str| format!("      proxy_set_header {} ${};", capitalised(name), variable(name));
    let removed = |name: &&str| format!("      proxy_set_header {} \"\";", capitalised(name));
    let tell = [lines(&told, from_answer), lines(&unchosen, removed)];
    let tell: Vec<String> = tell.into_iter().filter(|part| !part.is_empty()).collect();
    let mut values = facts.header();
    values.extend([
        ("hosts", facts.hosts().join(" ")),
        ("hosts_pattern", pattern.join("|")),
        ("tell", tell.join("\n")),
        (
            "remember",
            lines(&told, |name| {
                format!("      auth_request_set ${} $upstream_http_{};", variable(name), name.replace('-', "_"))
            }),
        ),
    ]);
    vec![RecipeFile { name: "nginx.conf".into(), text: fill(include_str!("templates/nginx.conf"), &values) }]
}

fn variable(name: &str) -> String {
    format!("doorward_{}", name.replace('-', "_"))
}

/// A host name as a regular expression for itself.
fn escaped(host: &str) -> String {
    host.replace('.', "\\.").replace('[', "\\[").replace(']', "\\]")
}
