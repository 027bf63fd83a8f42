//! HAProxy: has no question to a gate of its own; a Lua action asks it.

use super::fill::{fill, lines};
use super::headers::{ASKED, lookalikes};
use super::{RecipeFacts, RecipeFile};

pub(super) fn render(facts: &RecipeFacts<'_>) -> Vec<RecipeFile> {
    let item = |name: &str| format!("  \"{name}\",");
    let mut values = facts.header();
    values.extend([
        ("hosts", facts.hosts().join(" ")),
        (
            "removed",
            lines(lookalikes(), |pattern| format!("  http-request del-header '(?i){pattern}' -m reg unless own_path")),
        ),
        ("asked", lines(ASKED, item)),
        ("told", lines(facts.told(), item)),
    ]);
    vec![
        RecipeFile { name: "haproxy.cfg".into(), text: fill(include_str!("templates/haproxy.cfg"), &values) },
        RecipeFile { name: "doorward.lua".into(), text: fill(include_str!("templates/doorward.lua"), &values) },
    ]
}
