//! Traefik: `ForwardAuth` copies any other answer than 2xx to the browser as it is.

use super::fill::{fill, lines};
use super::headers::{ASKED, capitalised, lookalikes};
use super::{RecipeFacts, RecipeFile};

pub(super) fn render(facts: &RecipeFacts<'_>) -> Vec<RecipeFile> {
    let item = |name: &str| format!("          - {}", capitalised(name));
    let hosts: Vec<String> = facts.hosts().iter().map(|host| format!("Host(`{host}`)")).collect();
    let mut values = facts.header();
    values.extend([
        ("hosts_rule", hosts.join(" || ")),
        ("asked", lines(ASKED, item)),
        ("told", lines(facts.told(), item)),
        ("lookalikes", format!("(?i){}", lookalikes().join("|"))),
    ]);
    vec![
        RecipeFile { name: "traefik.yaml".into(), text: fill(include_str!("templates/traefik.yaml"), &values) },
        RecipeFile {
            name: "doorward.yaml".into(),
            text: fill(include_str!("templates/traefik-dynamic.yaml"), &values),
        },
    ]
}
