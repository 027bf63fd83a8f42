//! The page between signing out and what comes after it, when tools end their own sessions in the browser: each in a
//! frame that nobody sees (OIDC Front-Channel Logout §3). A script goes on when they have loaded, or after a while; its
//! policy needs `script-src 'self'`. Without script there is the button: a page that moves on by the clock alone is
//! taken from under whoever reads slowly (WCAG 2.2 §2.2.1).

use super::assets::signing_out_script_path;
use askama::Template;

/// Shown for a moment after signing out.
#[derive(Clone, Debug, Template)]
#[template(path = "signing_out.html")]
pub struct SigningOut {
    /// Pages of tools, each ending its session.
    pub frames: Vec<String>,
    /// What comes after; the caller has made sure that it is our own or a registered address.
    pub next_url: String,
}

impl SigningOut {
    /// Address of the script that goes on, with the content hash in the name.
    pub fn script_path() -> &'static str {
        signing_out_script_path()
    }

    /// Realistic examples for the gallery.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let frame = "https://grafana.northwind.example/logout?iss=https%3A%2F%2Fdoor&sid=ses_1".to_owned();
        let plain =
            Self { frames: vec![frame.clone(), frame], next_url: "https://grafana.northwind.example/bye".to_owned() };
        let hostile = Self { frames: vec!["https://x/\"><script>".to_owned()], next_url: "/'\"><script>".to_owned() };
        vec![("plain", plain), ("hostile", hostile)]
    }
}
