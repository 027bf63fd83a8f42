//! Caddy: `forward_auth` copies any other answer than 2xx to the browser as it is.

use super::fill::{fill, lines};
use super::headers::{ODD_CHARACTERS, capitalised, managed};
use super::{RecipeFacts, RecipeFile};

pub(super) fn render(facts: &RecipeFacts<'_>) -> Vec<RecipeFile> {
    let port = facts.listen.port();
    let sites: Vec<String> = facts.hosts().iter().map(|host| format!("http://{host}:{port}")).collect();
    let told: Vec<String> = facts.told().into_iter().map(capitalised).collect();
    let mut values = facts.header();
    values.extend([
        ("sites", sites.join(", ")),
        ("removed", lines(managed(), |name| format!("\t\trequest_header -{}", capitalised(name)))),
        ("odd", lines(ODD_CHARACTERS.chars(), |c| format!("\t\trequest_header -*{c}*"))),
        ("told", told.join(" ")),
    ]);
    let text = fill(include_str!("templates/Caddyfile"), &values);
    // An empty list is not a list to Caddy.
    let text = text.replace("\t\t\tcopy_headers \n", "");
    vec![RecipeFile { name: "Caddyfile".into(), text }]
}
