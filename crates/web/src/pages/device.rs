//! Sign-in at another screen: typing the code, the question who gets in, and what became of it. Does not look
//! for codes, nor keep the answer. RFC 8628 §3.3.

use super::{ScopeWords, scope_words};
use askama::Template;

/// Asks for the code that another screen shows. Posts `csrf` and `user_code`; *use another account* posts `csrf` and
/// `retry`.
#[derive(Clone, Debug, Template)]
#[template(path = "device_code.html")]
pub struct DeviceCode {
    /// Name of the realm as people know it.
    pub realm_title: String,
    /// User name of the person signed in.
    pub signed_in_as: String,
    /// What stands in the field: the code from a link, or what was typed before.
    pub code_value: String,
    /// Why the last code was not taken.
    pub error: Option<String>,
    /// Address the form posts to.
    pub action: String,
    /// Token against forged posts.
    pub csrf: String,
    /// Address *use another account* posts to.
    pub switch_account_action: String,
    /// Where another account begins: this page again.
    pub retry_url: String,
}

/// Asks a signed-in person whether a device may sign in as them. Posts `csrf`, `request` and `decision`, which is
/// `allow` or `deny`.
#[derive(Clone, Debug, Template)]
#[template(path = "device_question.html")]
pub struct DeviceQuestion {
    /// Name of the client as people know it.
    pub client_title: String,
    /// Name of the client as it gives it itself (`client_id`).
    pub client_name: String,
    /// Name of the realm as people know it.
    pub realm_title: String,
    /// User name of the person signed in.
    pub signed_in_as: String,
    /// The code, as the other screen shows it.
    pub user_code: String,
    /// What it asks for, in the order to show; leave out what means nothing to people.
    pub scopes: Vec<ScopeWords>,
    /// What else would accept its tokens (RFC 8707), in the order to show.
    pub resources: Vec<String>,
    /// Address the form posts to.
    pub action: String,
    /// Token against forged posts.
    pub csrf: String,
    /// The question this answers, sealed.
    pub request: String,
}

/// Says what became of the question.
#[derive(Clone, Debug, Template)]
#[template(path = "device_done.html")]
pub struct DeviceDone {
    /// Name of the client as people know it.
    pub client_title: String,
    /// Name of the realm as people know it.
    pub realm_title: String,
    /// Whether the person let it in.
    pub is_allowed: bool,
    /// Address of the account page, where sessions are ended.
    pub account_url: String,
}

impl DeviceCode {
    /// Realistic examples for the gallery.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let plain = Self {
            realm_title: "Northwind Data Platform".to_owned(),
            signed_in_as: "ada".to_owned(),
            code_value: String::new(),
            error: None,
            action: "/realms/main/device".to_owned(),
            csrf: "csrf_5Jq1".to_owned(),
            switch_account_action: "/realms/main/sign-out".to_owned(),
            retry_url: "/realms/main/device".to_owned(),
        };
        vec![
            ("plain", plain.clone()),
            ("from-link", Self { code_value: "BCDF-GHJK".to_owned(), ..plain.clone() }),
            (
                "wrong",
                Self {
                    code_value: "BCDF-GHJX".to_owned(),
                    error: Some("No device waits with that code. Compare it with the other screen.".to_owned()),
                    ..plain.clone()
                },
            ),
            (
                "long-names",
                Self {
                    realm_title: "Bundesanstalt für Materialforschung und Prüfwesen, Abteilung Dateninfrastruktur"
                        .to_owned(),
                    signed_in_as: "wilhelmina.constantinopolitanova-van-der-meer@example.org".to_owned(),
                    ..plain.clone()
                },
            ),
            (
                "hostile",
                Self {
                    realm_title: "<script>alert('realm')</script>".to_owned(),
                    signed_in_as: "\" onclick=\"alert(1)".to_owned(),
                    code_value: "\"><img src=x onerror=alert(1)>".to_owned(),
                    error: Some("<script>alert(\"error\")</script>".to_owned()),
                    csrf: "'\"><b>".to_owned(),
                    retry_url: "/'\"><script>".to_owned(),
                    ..plain
                },
            ),
        ]
    }
}

impl DeviceQuestion {
    /// Realistic examples for the gallery.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let words = |names: &[&str]| names.iter().map(|name| scope_words(name)).collect::<Vec<_>>();
        let plain = Self {
            client_title: "Lakehouse command line".to_owned(),
            client_name: "lakehouse-cli".to_owned(),
            realm_title: "Northwind Data Platform".to_owned(),
            signed_in_as: "ada".to_owned(),
            user_code: "BCDF-GHJK".to_owned(),
            scopes: words(&["openid", "profile", "email", "groups"]),
            resources: Vec::new(),
            action: "/realms/main/device/answer".to_owned(),
            csrf: "csrf_5Jq1".to_owned(),
            request: "sealed_0p9o".to_owned(),
        };
        vec![
            ("plain", plain.clone()),
            (
                "everything",
                Self {
                    scopes: words(&["openid", "profile", "email", "groups", "offline_access", "catalog:read"]),
                    resources: vec!["https://catalog.northwind.example/api".to_owned()],
                    ..plain.clone()
                },
            ),
            (
                "long-names",
                Self {
                    client_title: "Quarterly Revenue Reconciliation Workbench (pre-production)".to_owned(),
                    client_name: "quarterly-revenue-reconciliation-workbench-pre-production".to_owned(),
                    signed_in_as: "wilhelmina.constantinopolitanova-van-der-meer@example.org".to_owned(),
                    ..plain.clone()
                },
            ),
            (
                "hostile",
                Self {
                    client_title: "<script>alert(1)</script>".to_owned(),
                    client_name: "\"><img src=x onerror=alert(1)>".to_owned(),
                    realm_title: "منصة البيانات <script>".to_owned(),
                    signed_in_as: "\" onclick=\"alert(1)".to_owned(),
                    scopes: words(&["<script>alert(2)</script>"]),
                    resources: vec!["javascript:alert(3)".to_owned()],
                    action: "/\"><script>".to_owned(),
                    csrf: "'\"><b>".to_owned(),
                    request: "'\"><i>".to_owned(),
                    ..plain
                },
            ),
        ]
    }
}

impl DeviceDone {
    /// Realistic examples for the gallery.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let plain = Self {
            client_title: "Lakehouse command line".to_owned(),
            realm_title: "Northwind Data Platform".to_owned(),
            is_allowed: true,
            account_url: "/realms/main/account".to_owned(),
        };
        vec![
            ("allowed", plain.clone()),
            ("denied", Self { is_allowed: false, ..plain.clone() }),
            (
                "hostile",
                Self {
                    client_title: "<script>alert(1)</script>".to_owned(),
                    realm_title: "<b>realm</b>".to_owned(),
                    account_url: "/\"><script>".to_owned(),
                    ..plain
                },
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::super::markup::tags;
    use super::*;

    #[test]
    fn gauntlet_b3_13_the_question_names_the_client_the_scopes_and_the_danger() {
        for (name, page) in DeviceQuestion::samples().into_iter().filter(|(name, _)| *name != "hostile") {
            let html = page.render().unwrap();
            let told = page.scopes.iter().flat_map(|scope| [&scope.title, &scope.detail]).chain(&page.resources);
            for words in told.chain([&page.client_title, &page.client_name, &page.signed_in_as, &page.user_code]) {
                assert!(html.contains(words.as_str()), "{name}: {words}");
            }
            assert!(html.contains("only if you started this on your own device"), "{name}");
            let tags = tags(&html).unwrap();
            let decisions = tags.iter().filter(|tag| tag.attribute("name") == Some("decision"));
            let values: Vec<_> = decisions.filter_map(|tag| tag.attribute("value")).collect();
            assert_eq!(values, ["allow", "deny"], "{name}");
        }
    }

    #[test]
    fn a_code_from_a_link_is_shown_and_still_has_to_be_sent() {
        let (_, page) = DeviceCode::samples().into_iter().find(|(name, _)| *name == "from-link").unwrap();
        let html = page.render().unwrap();
        let tags = tags(&html).unwrap();
        let field = tags.iter().find(|tag| tag.attribute("name") == Some("user_code")).unwrap();
        assert_eq!(field.attribute("value"), Some("BCDF-GHJK"));
        assert_eq!(field.attribute("type"), Some("text"));
        assert!(tags.iter().any(|tag| tag.name == "button"));
    }
}
