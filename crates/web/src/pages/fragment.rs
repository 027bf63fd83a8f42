//! The page that takes an identity provider's answer out of the fragment of its own address, where servers do not see it
//! (OAuth 2.0 Multiple Response Types §2.1). Without its script there is nothing it could do; its policy needs
//! `script-src 'self'`.

use askama::Template;

use super::assets::fragment_script_path;

/// Posts what stands behind the `#` to `action`.
#[derive(Debug, Clone, Template)]
#[template(path = "fragment.html")]
pub struct Fragment {
    /// The address it stands at itself.
    pub action: String,
}

impl Fragment {
    /// Address of the script that does it, with the content hash in the name.
    pub fn script_path() -> &'static str {
        fragment_script_path()
    }

    /// Realistic examples for the gallery.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let action = "https://door.northwind.example/realms/main/broker/company/endpoint".to_owned();
        let hostile = "https://x.example/\"><script>alert(1)</script>".to_owned();
        vec![("plain", Self { action }), ("hostile", Self { action: hostile })]
    }
}
