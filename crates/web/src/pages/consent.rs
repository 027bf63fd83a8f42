//! The question before a client is told about a person, and the words for what it would be told. Does not
//! decide what is asked for, nor keep the answer. OIDC Core §3.1.2.4.

use askama::Template;

/// One scope in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeWords {
    /// What the client could do, read after *it can*: `See your name`.
    pub title: String,
    /// What that means, one sentence.
    pub detail: String,
}

/// A scope in words. One that Doorward has no words for is shown by its name.
pub fn scope_words(name: &str) -> ScopeWords {
    let (title, detail) = match name {
        "openid" => ("Know that it is you", "An id that stands for your account, and when you signed in."),
        "profile" => ("See your name", "Your name, your user name, and what else your profile says."),
        "email" => ("See your e-mail address", "The address, and whether it is known to be yours."),
        "phone" => ("See your phone number", "The number, and whether it is known to be yours."),
        "address" => ("See your postal address", "The address that your profile says."),
        "groups" => ("See your groups", "The names of the groups you are in."),
        "roles" => ("See your roles", "The roles you were given, which say what you may do."),
        "offline_access" => {
            ("Stay signed in while you are away", "It can come back for all of this later, without asking you.")
        }
        other => (other, "Doorward has no words for this one. Whoever runs the app can say what it means."),
    };
    ScopeWords { title: title.to_owned(), detail: detail.to_owned() }
}

/// One of the things a client wants to do, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DetailWords {
    /// Its type.
    pub kind: String,
    /// What it says, each with a name for it, in the order to show.
    pub lines: Vec<(String, String)>,
}

/// Asks a signed-in person whether a client may know who they are. Posts `csrf`, `request` and `decision`, which
/// is `allow` or `deny`. *Use another account* posts `csrf` and `request`.
#[derive(Clone, Debug, Template)]
#[template(path = "consent.html")]
pub struct Consent {
    /// Name of the client as people know it.
    pub client_title: String,
    /// Name of the client as it gives it itself (`client_id`).
    pub client_name: String,
    /// User name of the person signed in.
    pub signed_in_as: String,
    /// Name of the realm as people know it.
    pub realm_title: String,
    /// What it asks for, in the order to show; leave out what means nothing to people.
    pub scopes: Vec<ScopeWords>,
    /// What exactly it wants to do (RFC 9396), in the order to show.
    pub details: Vec<DetailWords>,
    /// What else would accept its tokens (RFC 8707), in the order to show.
    pub resources: Vec<String>,
    /// Address the form posts to.
    pub action: String,
    /// Token against forged posts.
    pub csrf: String,
    /// The request this answers, sealed.
    pub request: String,
    /// Host, or other words for the place, that the browser goes back to.
    pub return_host: String,
    /// Address *use another account* posts to, if that is offered.
    pub switch_account_action: Option<String>,
    /// Where another account begins: the request again.
    pub retry_url: String,
}

impl Consent {
    /// Realistic examples for the gallery.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let detail = |kind: &str, lines: &[(&str, &str)]| DetailWords {
            kind: kind.to_owned(),
            lines: lines.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
        };
        let words = |names: &[&str]| names.iter().map(|name| scope_words(name)).collect::<Vec<_>>();
        let plain = Self {
            client_title: "Notes".to_owned(),
            client_name: "notes-web".to_owned(),
            signed_in_as: "ada".to_owned(),
            realm_title: "Northwind Data Platform".to_owned(),
            scopes: words(&["openid", "profile", "email", "groups"]),
            details: Vec::new(),
            resources: Vec::new(),
            action: "/realms/main/consent".to_owned(),
            csrf: "csrf_5Jq1".to_owned(),
            request: "sealed_0p9o".to_owned(),
            return_host: "notes.northwind.example".to_owned(),
            switch_account_action: Some("/realms/main/switch".to_owned()),
            retry_url: "/realms/main/protocol/openid-connect/auth?client_id=notes-web".to_owned(),
        };
        vec![
            ("plain", plain.clone()),
            (
                "everything",
                Self {
                    scopes: words(&["openid", "profile", "email", "groups", "roles", "offline_access", "reports:read"]),
                    resources: vec![
                        "https://reports.northwind.example/api".to_owned(),
                        "https://mcp.northwind.example/".to_owned(),
                    ],
                    ..plain.clone()
                },
            ),
            (
                "details",
                Self {
                    client_title: "Ledger".to_owned(),
                    scopes: words(&["openid", "phone"]),
                    details: vec![
                        detail(
                            "payment_initiation",
                            &[
                                ("May do", "initiate, status, cancel"),
                                ("At", "https://bank.northwind.example/payments"),
                                ("Instructed amount: currency", "EUR"),
                                ("Instructed amount: amount", "123.50"),
                                ("Creditor name", "Merchant A"),
                                ("Creditor account: IBAN", "DE02100100109307118603"),
                                ("Urgent", "yes"),
                            ],
                        ),
                        detail("account_information", &[("Which", "main-ledger")]),
                        detail("heartbeat", &[]),
                    ],
                    ..plain.clone()
                },
            ),
            ("little", Self { scopes: words(&["openid"]), switch_account_action: None, ..plain.clone() }),
            (
                "long-names",
                Self {
                    client_title: "Quarterly Revenue Reconciliation Workbench (pre-production)".to_owned(),
                    client_name: "quarterly-revenue-reconciliation-workbench-pre-production".to_owned(),
                    signed_in_as: "wilhelmina.constantinopolitanova-van-der-meer@example.org".to_owned(),
                    scopes: words(&["openid", "urn:northwind:finance:quarterly-revenue-reconciliation:approve:all"]),
                    resources: vec![
                        "https://quarterly-revenue-reconciliation.preproduction.subsidiary.example.org/api/v2/ledgers"
                            .to_owned(),
                    ],
                    details: vec![detail(
                        "https://quarterly-revenue-reconciliation.preproduction.subsidiary.example.org/authorization/details/v2",
                        &[(
                            "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
                            "c3VwZXJjYWxpZnJhZ2lsaXN0aWNleHBpYWxpZG9jaW91cy1hbmQtbW9yZS1vZi10aGUtc2FtZQ",
                        )],
                    )],
                    return_host: "quarterly-revenue-reconciliation.preproduction.subsidiary.example.org".to_owned(),
                    ..plain.clone()
                },
            ),
            (
                "hostile",
                Self {
                    client_title: "<script>alert(1)</script>".to_owned(),
                    client_name: "\"><img src=x onerror=alert(1)>".to_owned(),
                    signed_in_as: "\" onclick=\"alert(1)".to_owned(),
                    realm_title: "منصة البيانات <script>".to_owned(),
                    scopes: words(&["<script>alert(2)</script>", "<b>everything</b>"]),
                    details: vec![detail(
                        "<script>alert(4)</script>",
                        &[("<b>amount</b>", "0\u{202e}001 <img src=x onerror=alert(5)>")],
                    )],
                    resources: vec!["https://x.example/\"><script>".to_owned(), "javascript:alert(3)".to_owned()],
                    action: "/\"><script>".to_owned(),
                    csrf: "'\"><b>".to_owned(),
                    request: "'\"><i>".to_owned(),
                    return_host: "<b>door.northwind.example</b>".to_owned(),
                    switch_account_action: Some("/'\"><script>".to_owned()),
                    retry_url: "/'\"><script>".to_owned(),
                },
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::super::markup::{Tag, tags};
    use super::*;

    fn values<'a>(tags: &'a [Tag], name: &str) -> Vec<&'a str> {
        tags.iter().filter(|tag| tag.attribute("name") == Some(name)).filter_map(|tag| tag.attribute("value")).collect()
    }

    #[test]
    fn known_scopes_have_words_and_an_unknown_one_its_name() {
        for name in ["openid", "profile", "email", "groups", "roles", "offline_access"] {
            let words = scope_words(name);
            assert!(words.title != name && words.title.contains(' '), "{name}: {words:?}");
            assert!(words.detail.ends_with('.'), "{name}: {words:?}");
            assert_ne!(words.detail, scope_words("reports:read").detail, "{name}");
        }
        assert_eq!(scope_words("reports:read").title, "reports:read");
        assert_eq!(scope_words("OpenID").title, "OpenID");
        assert!(scope_words("offline_access").title.contains("while you are away"));
    }

    #[test]
    fn one_form_has_both_answers_and_the_other_leads_back_to_the_request() {
        for (name, page) in Consent::samples() {
            let html = page.render().unwrap();
            let tags = tags(&html).unwrap();
            assert_eq!(values(&tags, "decision"), ["allow", "deny"], "{name}");
            let forms = tags.iter().filter(|tag| tag.name == "form").count();
            assert_eq!(forms, 1 + usize::from(page.switch_account_action.is_some()), "{name}");
            assert_eq!(values(&tags, "request").len(), 1, "{name}");
            assert_eq!(values(&tags, "retry").len(), forms - 1, "{name}");
        }
    }

    #[test]
    fn the_question_names_who_asks_for_what_and_where_one_returns() {
        for (name, page) in Consent::samples().into_iter().filter(|(name, _)| *name != "hostile") {
            let html = page.render().unwrap();
            let told = page.scopes.iter().flat_map(|scope| [&scope.title, &scope.detail]).chain(&page.resources);
            let named = [&page.client_title, &page.client_name, &page.signed_in_as, &page.return_host];
            let exactly = page.details.iter().flat_map(|detail| {
                [&detail.kind].into_iter().chain(detail.lines.iter().flat_map(|(name, text)| [name, text]))
            });
            for words in told.chain(exactly).chain(named) {
                assert!(html.contains(words.as_str()), "{name}: {words}");
            }
        }
    }
}
