//! The sign-in page: user name and password. Does not check them.

use askama::Template;

/// A provider a person may choose on the sign-in page.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Its name for people.
    pub title: String,
    /// Where choosing it leads.
    pub href: String,
    /// Whether it was chosen last in this browser.
    pub is_last: bool,
}

/// Sign-in form. Posts `csrf`, `flow`, `pending`, `login`, `password` and, if ticked, `remember=yes`.
#[derive(Clone, Debug, Template)]
#[template(path = "sign_in.html")]
pub struct SignIn {
    /// Name of the realm as people know it, for example `Example Data Platform`.
    pub realm_title: String,
    /// App the person wants to reach, if they came from one.
    pub app_name: Option<String>,
    /// Address the form posts to.
    pub action: String,
    /// Token against forged posts.
    pub csrf: String,
    /// The sign-in attempt this form belongs to.
    pub flow: String,
    /// What was typed as user name before, if anything.
    pub login_value: String,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// Something to know before signing in, such as an ended session.
    pub notice: Option<String>,
    /// Who waits to be linked with the account, if somebody does.
    pub pending: Option<String>,
    /// Whether names and passwords are taken at all.
    pub has_form: bool,
    /// Whether only a name is asked for: it may be enough to know where somebody signs in.
    pub is_name_asked: bool,
    /// Where the password form is, if it is not here: hardly anybody has use for it.
    pub password_href: Option<String>,
    /// Names of the directories whose passwords count here.
    pub directories: Vec<String>,
    /// Whether *keep me signed in* starts ticked.
    pub remember_checked: bool,
    /// Identity providers to sign in with instead.
    pub providers: Vec<Choice>,
}

impl SignIn {
    /// Realistic examples for the gallery.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let plain = Self {
            realm_title: "Northwind Data Platform".to_owned(),
            app_name: Some("Dagster".to_owned()),
            action: "/flow/flw_2r8k".to_owned(),
            csrf: "csrf_5Jq1".to_owned(),
            flow: "flw_2r8k".to_owned(),
            login_value: String::new(),
            error: None,
            notice: None,
            pending: None,
            has_form: true,
            is_name_asked: false,
            password_href: None,
            directories: Vec::new(),
            remember_checked: false,
            providers: Vec::new(),
        };
        let provider = |title: &str| Choice {
            title: title.to_owned(),
            href: "/realms/main/broker/x/login".to_owned(),
            is_last: title == "GitHub",
        };
        vec![
            ("plain", plain.clone()),
            ("providers", Self { providers: ["GitHub", "Northwind Entra ID"].map(provider).to_vec(), ..plain.clone() }),
            (
                "whose-account",
                Self {
                    notice: Some(
                        "There is already an account with your name or e-mail address. If it is yours, sign in with \
                         its password this once: from then on Northwind Entra ID is enough."
                            .to_owned(),
                    ),
                    pending: Some("dwk_2r8k".to_owned()),
                    login_value: "ada".to_owned(),
                    ..plain.clone()
                },
            ),
            ("directory", Self { directories: vec!["Northwind Traders".to_owned()], ..plain.clone() }),
            ("name-first", Self { is_name_asked: true, providers: vec![provider("GitHub")], ..plain.clone() }),
            (
                "no-passwords",
                Self {
                    password_href: Some("/realms/main/sign-in?flow=dwf_2r8k&way=password".to_owned()),
                    providers: ["Northwind Entra ID", "GitHub"].map(provider).to_vec(),
                    ..plain.clone()
                },
            ),
            (
                "providers-alone",
                Self {
                    has_form: false,
                    notice: Some(
                        "The way you signed in by does not count here. Sign in once more, by one that does.".to_owned(),
                    ),
                    providers: ["Northwind Entra ID", "GitHub"].map(provider).to_vec(),
                    ..plain.clone()
                },
            ),
            ("no-app", Self { app_name: None, remember_checked: true, ..plain.clone() }),
            (
                "wrong-password",
                Self {
                    login_value: "ada.lovelace@northwind.example".to_owned(),
                    error: Some("That user name and password do not match. Check both and try again.".to_owned()),
                    ..plain.clone()
                },
            ),
            (
                "session-ended",
                Self {
                    notice: Some(
                        "Your session ended after 12 hours. Sign in again to go on where you were.".to_owned(),
                    ),
                    ..plain.clone()
                },
            ),
            (
                "long-names",
                Self {
                    realm_title: "Bundesanstalt für Materialforschung und Prüfwesen, \
                                  Abteilung Dateninfrastruktur"
                        .to_owned(),
                    app_name: Some("Quarterly Revenue Reconciliation Workbench (pre-production)".to_owned()),
                    login_value: "wilhelmina.constantinopolitanova-van-der-meer@example.org".to_owned(),
                    ..plain.clone()
                },
            ),
            (
                "hostile",
                Self {
                    realm_title: "<script>alert('realm')</script>".to_owned(),
                    app_name: Some("\"><img src=x onerror=alert(1)>".to_owned()),
                    login_value: "\" autofocus onfocus=\"alert(1)".to_owned(),
                    error: Some("منصة البيانات <script>alert(\"error\")</script>".to_owned()),
                    csrf: "'\"><b>".to_owned(),
                    flow: "'\"><i>".to_owned(),
                    ..plain
                },
            ),
        ]
    }
}
