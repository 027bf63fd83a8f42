//! Asks before somebody is signed in by an answer nobody asked for here: another site may have sent the browser with an
//! answer of its own, so that the person works under a stranger's name.

use askama::Template;
use std::fmt;

/// Asks whether to sign in. Posts `csrf`, and the answer once more.
#[derive(Clone, Template)]
#[template(path = "arriving.html")]
pub struct Arriving {
    /// Address the form posts to.
    pub action: String,
    /// Token against forged posts.
    pub csrf: String,
    /// The provider, as people know it.
    pub provider: String,
    /// Whom it speaks of.
    pub name: String,
    /// Its answer.
    pub answer: String,
    /// Where *do not* leads.
    pub home_url: String,
}

impl fmt::Debug for Arriving {
    /// Without the answer, which signs somebody in.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Arriving").field("provider", &self.provider).finish_non_exhaustive()
    }
}

impl Arriving {
    /// Realistic examples for the gallery.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let plain = Self {
            action: "/realms/main/broker/company/endpoint".to_owned(),
            csrf: "csrf_5Jq1".to_owned(),
            provider: "Northwind".to_owned(),
            name: "ada".to_owned(),
            answer: "PHNhbWxwOlJlc3BvbnNlLz4=".to_owned(),
            home_url: "/".to_owned(),
        };
        let hostile = "<script>alert(1)</script>".to_owned();
        vec![("plain", plain.clone()), ("hostile", Self { provider: hostile.clone(), name: hostile, ..plain })]
    }
}
