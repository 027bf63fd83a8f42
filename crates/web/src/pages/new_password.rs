//! The page on which somebody with a temporary password chooses another one.

use askama::Template;

/// Form for a new password. Posts `csrf`, `flow`, `renewal`, `new_password` and `new_password_repeat`.
#[derive(Clone, Debug, Template)]
#[template(path = "new_password.html")]
pub struct NewPassword {
    /// Name of the realm as people know it.
    pub realm_title: String,
    /// App the person wants to reach, if they came from one.
    pub app_name: Option<String>,
    /// Address the form posts to.
    pub action: String,
    /// Token against forged posts.
    pub csrf: String,
    /// The sign-in attempt this form belongs to.
    pub flow: String,
    /// The temporary password it follows, sealed.
    pub renewal: String,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// What a password must be like, one sentence.
    pub password_rule: String,
}

impl NewPassword {
    /// Realistic examples for the gallery.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let plain = Self {
            realm_title: "Northwind Data Platform".to_owned(),
            app_name: Some("Dagster".to_owned()),
            action: "/realms/main/sign-in/new-password".to_owned(),
            csrf: "csrf_5Jq1".to_owned(),
            flow: "flw_2r8k".to_owned(),
            renewal: "dwn_7tq2".to_owned(),
            error: None,
            password_rule: "At least 12 characters. A few unrelated words work well.".to_owned(),
        };
        vec![
            ("plain", plain.clone()),
            ("no-app", Self { app_name: None, ..plain.clone() }),
            (
                "error",
                Self { error: Some("The two passwords differ. Type the same one twice.".to_owned()), ..plain.clone() },
            ),
            (
                "hostile",
                Self {
                    realm_title: "<script>alert('realm')</script>".to_owned(),
                    app_name: Some("\"><img src=x onerror=alert(1)>".to_owned()),
                    error: Some("<script>alert(\"error\")</script>".to_owned()),
                    flow: "'\"><i>".to_owned(),
                    renewal: "'\"><b>".to_owned(),
                    ..plain
                },
            ),
        ]
    }
}
