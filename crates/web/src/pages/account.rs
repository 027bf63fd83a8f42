//! The account page: who one is, where one is signed in, and a new password.

use askama::Template;

use super::person::Person;
use super::programs::{FreshToken, Programs};

/// One browser in which this person is signed in.
#[derive(Clone, Debug)]
pub struct SessionRow {
    /// Public id of the session, posted as `session`.
    pub id: String,
    /// Browser and system, for example `Firefox on Windows`.
    pub device: String,
    /// Address it was last seen from.
    pub address: String,
    /// When it began, in words.
    pub started: String,
    /// When it was last used, in words.
    pub last_seen: String,
    /// Whether it is the one showing this page.
    pub is_current: bool,
}

/// The account page. All forms post `csrf`; the password form posts `current_password`,
/// `new_password` and `new_password_repeat`; the button on a session posts `session`.
#[derive(Clone, Debug, Template)]
#[template(path = "account.html")]
pub struct Account {
    /// Who is signed in.
    pub person: Person,
    /// Name of the realm as people know it.
    pub realm_title: String,
    /// E-mail address, if known.
    pub email: Option<String>,
    /// Names of the groups, nested ones included, in the order to show.
    pub groups: Vec<String>,
    /// Live sessions, the current one first.
    pub sessions: Vec<SessionRow>,
    /// Token against forged posts.
    pub csrf: String,
    /// Address the password form posts to.
    pub change_password_action: String,
    /// Address the button on one session posts to.
    pub end_session_action: String,
    /// Address *sign out everywhere else* posts to.
    pub end_other_sessions_action: String,
    /// Address the sign-out button in the header posts to.
    pub sign_out_action: String,
    /// Address of the launcher.
    pub home_url: String,
    /// What was just done, one sentence.
    pub notice: Option<String>,
    /// Why the password was not changed, one sentence.
    pub error: Option<String>,
    /// What a password must be like, one sentence.
    pub password_rule: String,
    /// Tokens and agreements.
    pub programs: Programs,
}

impl Account {
    fn has_other_sessions(&self) -> bool {
        self.sessions.iter().any(|session| !session.is_current)
    }

    /// Realistic examples for the gallery.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let plain = Self {
            person: Person::new("Ada Lovelace", "ada"),
            realm_title: "Northwind Data Platform".to_owned(),
            email: Some("ada@northwind.example".to_owned()),
            groups: ["data-engineers", "everyone", "finance-readers"].map(str::to_owned).to_vec(),
            sessions: sample_sessions(),
            csrf: "csrf_5Jq1".to_owned(),
            change_password_action: "/realms/main/account/password".to_owned(),
            end_session_action: "/realms/main/account/sessions/end".to_owned(),
            end_other_sessions_action: "/realms/main/account/sessions/end-others".to_owned(),
            sign_out_action: "/sign-out".to_owned(),
            home_url: "/".to_owned(),
            notice: None,
            error: None,
            password_rule: "At least 12 characters. A few unrelated words work well.".to_owned(),
            programs: Programs::sample(),
        };
        vec![
            ("plain", plain.clone()),
            (
                "notice",
                Self {
                    notice: Some("Your password is changed. All other browsers were signed out.".to_owned()),
                    sessions: sample_sessions().into_iter().take(1).collect(),
                    ..plain.clone()
                },
            ),
            (
                "error",
                Self {
                    error: Some("The current password is not right. Try again.".to_owned()),
                    email: None,
                    groups: Vec::new(),
                    programs: Programs::default(),
                    ..plain.clone()
                },
            ),
            (
                "token-made",
                Self {
                    programs: Programs {
                        fresh: Some(FreshToken {
                            name: "nightly-export".to_owned(),
                            clear: format!("dwa_{}", "A1b2".repeat(11)),
                        }),
                        ..Programs::sample()
                    },
                    ..plain.clone()
                },
            ),
            (
                "token-error",
                Self {
                    programs: Programs {
                        error: Some("A token needs at least one tool: choose the ones it is for.".to_owned()),
                        ..Programs::sample()
                    },
                    ..plain.clone()
                },
            ),
            ("long-names", long_sample(plain.clone())),
            (
                "hostile",
                Self {
                    person: Person::new("<script>alert(1)</script>", "\" onclick=\"alert(1)"),
                    email: Some("\"><script>@example.org".to_owned()),
                    groups: vec!["<b>admins</b>".to_owned(), "مهندسو البيانات".to_owned()],
                    sessions: vec![sample_session("\"><script>", "<script>alert(2)</script>", false)],
                    error: Some("<script>alert(3)</script>".to_owned()),
                    notice: Some("<script>alert(4)</script>".to_owned()),
                    ..plain
                },
            ),
        ]
    }
}

fn long_sample(plain: Account) -> Account {
    Account {
        person: Person::new(
            "Wilhelmina Constantinopolitanova van der Meer-Papadopoulou",
            "wilhelmina.constantinopolitanova",
        ),
        email: Some("wilhelmina.constantinopolitanova-van-der-meer@subsidiary.example.org".to_owned()),
        groups: (1..=24).map(|number| format!("team-{number}-quarterly-revenue-reconciliation")).collect(),
        ..plain
    }
}

fn sample_sessions() -> Vec<SessionRow> {
    vec![
        sample_session("ses_1", "Firefox 141 on Ubuntu", true),
        sample_session("ses_2", "Safari on iPhone", false),
        sample_session("ses_3", "Microsoft Edge on Windows, company laptop NW-0042", false),
    ]
}

fn sample_session(id: &str, device: &str, is_current: bool) -> SessionRow {
    SessionRow {
        id: id.to_owned(),
        device: device.to_owned(),
        address: if is_current { "192.0.2.44" } else { "2001:db8:85a3::8a2e:370:7334" }.to_owned(),
        started: "5 April 2031, 06:07 UTC".to_owned(),
        last_seen: if is_current { "just now" } else { "2 hours ago" }.to_owned(),
        is_current,
    }
}
