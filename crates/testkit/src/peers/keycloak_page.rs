//! A page that signs people in with keycloak-js, as browser applications do: a public client with PKCE, no secret.

use crate::echo::{Echo, Reply, Seen};
use crate::tools;

const PAGE: &str = include_str!("keycloak_page.html");

/// A server of the page; it listens on loopback and ends when dropped.
pub struct KeycloakPage {
    echo: Echo,
}

impl KeycloakPage {
    /// Serves the page at `http://localhost:PORT/`. The client is found in `realm` of `server`.
    ///
    /// # Panics
    /// When the package is not installed.
    pub fn start(port: u16, server: &str, realm: &str, client_id: &str) -> KeycloakPage {
        let script = std::fs::read_to_string(tools::keycloak_script())
            .unwrap_or_else(|error| panic!("keycloak-js is not installed ({error}); run `cargo xtask setup`"));
        let page = PAGE.replace("@SERVER@", server).replace("@REALM@", realm).replace("@CLIENT@", client_id);
        let serve = move |seen: &Seen| {
            let is_script = seen.path == "/keycloak.js";
            let mut reply = Reply::page(if is_script { &script } else { &page });
            if is_script {
                reply.headers = vec![("Content-Type".to_owned(), "text/javascript".to_owned())];
            }
            reply
        };
        KeycloakPage { echo: Echo::start_on(port, serve) }
    }

    /// The page's address.
    pub fn url(&self) -> String {
        format!("http://localhost:{}/", self.echo.port())
    }
}
