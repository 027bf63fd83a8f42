//! Caddy: `forward_auth` copies any other answer than 2xx to the browser as it is.

use super::fill::{fill, lines};
use super::headers::{ODD_CHARACTERS, OVERWRITTEN, capitalised, managed};
use super::{RecipeFacts, RecipeFile};

pub(super) fn render(facts: &RecipeFacts<'_>) -> Vec<RecipeFile> {
    let port = facts.listen.port();
    let sites: Vec<String> = facts.hosts().iter().map(|host| format!("http://{host}:{port}")).collect();
    let told: Vec<String> = facts.told().into_iter().map(copied).collect();
    let mut values = facts.header();
    values.extend([
        ("sites", sites.join(", ")),
        ("removed", lines(managed(), |name| format!("\t\trequest_header -{}", capitalised(name)))),
        ("odd", lines(ODD_CHARACTERS.chars(), |c| format!("\t\trequest_header -*{c}*"))),
        ("told", told.join(" ")),
        ("overwritten", overwritten()),
    ]);
    let text = fill(include_str!("templates/Caddyfile"), &values);
    vec![RecipeFile { name: "Caddyfile".into(), text }]
}

/// What `copy_headers` is given for a header. Caddy 2.9 to 2.11.1 leave the client's own alone when the
/// answer's is empty, so those that cannot be removed beforehand are copied under another name.
fn copied(name: &str) -> String {
    let shown = capitalised(name);
    if OVERWRITTEN.contains(&name) { format!("{shown}>{}", aside(name)) } else { shown }
}

fn aside(name: &str) -> String {
    format!("X-Doorward-{}", capitalised(name))
}

/// Puts what was copied under another name in the place of the client's own.
fn overwritten() -> String {
    lines(OVERWRITTEN, |name| {
        let (shown, aside) = (capitalised(name), aside(name));
        format!(
            "\t\trequest_header {shown} {{header.{aside}}}\n\
             \t\t@no_{name} header {shown} \"\"\n\
             \t\trequest_header @no_{name} -{shown}"
        )
    })
}
