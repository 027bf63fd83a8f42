//! The set-up page that makes the first administrator, reached by a one-time link.

use askama::Template;

/// First-administrator form. Posts `csrf`, `token`, `username`, `name`, `email` (may be empty),
/// `password` and `password_repeat`.
#[derive(Clone, Debug, Template)]
#[template(path = "setup.html")]
pub struct Setup {
    /// Address the form posts to.
    pub action: String,
    /// Token against forged posts.
    pub csrf: String,
    /// The one-time token from the link.
    pub token: String,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// User name typed before, if any.
    pub username_value: String,
    /// E-mail address typed before, if any.
    pub email_value: String,
    /// Display name typed before, if any.
    pub name_value: String,
    /// What a password must be like, one sentence.
    pub password_rule: String,
    /// Names of the Apps that already stand behind the door.
    pub apps: Vec<String>,
}

impl Setup {
    /// Realistic examples for the gallery.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let plain = Self {
            action: "/setup".to_owned(),
            csrf: "csrf_5Jq1".to_owned(),
            token: "dws_0p9o".to_owned(),
            error: None,
            username_value: String::new(),
            email_value: String::new(),
            name_value: String::new(),
            password_rule: "At least 12 characters. A few unrelated words work well.".to_owned(),
            apps: vec!["Dagster".to_owned(), "Sample tool".to_owned()],
        };
        vec![
            ("plain", plain.clone()),
            ("no-apps", Self { apps: Vec::new(), ..plain.clone() }),
            (
                "error",
                Self {
                    error: Some("The two passwords differ. Type the same one twice.".to_owned()),
                    username_value: "ada".to_owned(),
                    name_value: "Ada Lovelace".to_owned(),
                    email_value: "ada@northwind.example".to_owned(),
                    ..plain.clone()
                },
            ),
            (
                "hostile",
                Self {
                    token: "\"><script>alert(1)</script>".to_owned(),
                    username_value: "\" onfocus=\"alert(1)".to_owned(),
                    name_value: "<script>alert(1)</script>".to_owned(),
                    email_value: "'><svg onload=alert(1)>".to_owned(),
                    error: Some("<script>alert(1)</script>".to_owned()),
                    apps: vec!["<script>".to_owned(), "لوحة المعلومات".to_owned()],
                    ..plain
                },
            ),
        ]
    }
}
