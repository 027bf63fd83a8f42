//! The step off Doorward's host after a form was posted. Browsers apply `form-action 'self'` to
//! every redirect that follows a post (CSP 3, directive `form-action`), so a redirect to another host
//! would be blocked; a page that moves on by itself is not a redirect and keeps the policy strict.

use askama::Template;

/// Moves on to `url` at once, without script; shows a link should the browser not follow.
#[derive(Clone, Debug, Template)]
#[template(path = "proceed.html")]
pub struct Proceed {
    /// Where to; the caller has made sure that it is an http or https address it meant to send to.
    pub url: String,
    /// What happens there, before the name.
    pub verb: &'static str,
    /// Name of what is there.
    pub target_name: String,
}

impl Proceed {
    /// Somebody goes there to use it.
    pub const OPENING: &'static str = "Opening";

    /// Realistic examples for the gallery.
    pub fn samples() -> Vec<(&'static str, Self)> {
        vec![
            (
                "plain",
                Self {
                    url: "https://dagster.northwind.example/.doorward/enter?ticket=tck_9&to=%2F".to_owned(),
                    verb: Self::OPENING,
                    target_name: "Dagster".to_owned(),
                },
            ),
            (
                "hostile",
                Self {
                    url: "https://x.example/\"><script>".to_owned(),
                    verb: "Signing out at",
                    target_name: "<script>alert(1)</script>".to_owned(),
                },
            ),
        ]
    }
}
