//! The two pages around signing out: the question before, when one is needed, and the word after.

use askama::Template;

use super::person::Person;

/// Shown after signing out.
#[derive(Clone, Debug, Template)]
#[template(path = "signed_out.html")]
pub struct SignedOut {
    /// Address of the launcher.
    pub home_url: String,
    /// Address that starts a new sign-in.
    pub sign_in_url: String,
}

/// Asks before signing out, when the request may not have been the person's own idea. Posts `csrf`.
#[derive(Clone, Debug, Template)]
#[template(path = "sign_out_confirm.html")]
pub struct SignOutConfirm {
    /// Address the form posts to.
    pub action: String,
    /// Token against forged posts.
    pub csrf: String,
    /// Who would be signed out.
    pub person: Person,
    /// Where *stay signed in* leads.
    pub home_url: String,
}

impl SignedOut {
    /// Realistic examples for the gallery.
    pub fn samples() -> Vec<(&'static str, Self)> {
        vec![
            ("plain", Self { home_url: "/".to_owned(), sign_in_url: "/realms/main/sign-in".to_owned() }),
            ("hostile", Self { home_url: "/\"><script>".to_owned(), sign_in_url: "/'><script>".to_owned() }),
        ]
    }
}

impl SignOutConfirm {
    /// Realistic examples for the gallery.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let plain = Self {
            action: "/sign-out".to_owned(),
            csrf: "csrf_5Jq1".to_owned(),
            person: Person::new("Ada Lovelace", "ada"),
            home_url: "/".to_owned(),
        };
        vec![
            ("plain", plain.clone()),
            ("hostile", Self { person: Person::new("<script>alert(1)</script>", "مريم"), ..plain }),
        ]
    }
}
