//! Which crate may use which: the list in ARCHITECTURE.md against what the manifests say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::cargo::Edge;

const START: &str = "<!-- edges -->";
const END: &str = "<!-- /edges -->";

/// Crates and the crates each may use.
pub type Allowed = BTreeMap<String, BTreeSet<String>>;

/// Reads lines such as `web -> gate engine` between the markers; other lines there are ignored.
///
/// # Errors
/// When the markers or all edges are missing.
pub fn parse(map: &str) -> Result<Allowed, String> {
    let between = map.split_once(START).and_then(|(_, rest)| rest.split_once(END));
    let Some((list, _)) = between else {
        return Err(format!("there is no list of edges; write one between `{START}` and `{END}`"));
    };
    let mut allowed = Allowed::new();
    for line in list.lines() {
        let Some((users, used)) = line.split_once("->") else { continue };
        let used: BTreeSet<String> = names(used).collect();
        for user in names(users) {
            allowed.entry(user).or_default().extend(used.iter().cloned());
        }
    }
    if allowed.is_empty() {
        Err("the list of edges is empty; write `web -> gate engine`".to_owned())
    } else {
        Ok(allowed)
    }
}

fn names(words: &str) -> impl Iterator<Item = String> {
    let is_name = |word: &&str| word.chars().all(|letter| letter.is_ascii_alphanumeric() || (letter == '-'));
    words.split_whitespace().filter(is_name).map(str::to_owned)
}

/// The edges that are not on the list, as printable lines.
pub fn check(allowed: &Allowed, edges: &[Edge], root: &Path) -> Vec<String> {
    let is_allowed = |edge: &&Edge| allowed.get(&edge.from).is_some_and(|used| used.contains(&edge.to));
    let mut lines = Vec::new();
    for edge in edges.iter().filter(|edge| !is_allowed(edge)) {
        let manifest = edge.manifest.strip_prefix(root).unwrap_or(&edge.manifest).display();
        lines.push(format!(
            "{manifest}:0: {} uses {}, which the list in ARCHITECTURE.md does not allow; move the code down or argue for \
             the edge there",
            edge.from, edge.to
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(from: &str, to: &str) -> Edge {
        Edge { from: from.to_owned(), to: to.to_owned(), manifest: format!("/r/crates/{from}/Cargo.toml").into() }
    }

    #[test]
    fn edges_off_the_list_are_found() {
        let map = format!(
            "# Map\n{START}\n```\nweb -> gate engine\ngate engine -> model\nmodel -> (nothing)\n```\n{END}\nx -> y"
        );
        let allowed = parse(&map).unwrap_or_default();
        let edges = [edge("web", "gate"), edge("engine", "model"), edge("model", "web"), edge("gate", "engine")];
        let lines = check(&allowed, &edges, Path::new("/r"));
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines.iter().any(|line| line.starts_with("crates/model/Cargo.toml:0: model uses web")), "{lines:?}");
        assert!(lines.iter().any(|line| line.contains("gate uses engine")), "{lines:?}");
        assert!(allowed.get("model").is_some_and(BTreeSet::is_empty));
        assert!(!allowed.contains_key("x"));
    }

    #[test]
    fn a_missing_list_is_said() {
        assert!(parse("no list").is_err());
        assert!(parse(&format!("{START}\n{END}")).is_err());
    }
}
