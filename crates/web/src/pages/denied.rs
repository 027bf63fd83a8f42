//! The 403 page: says which group is missing and how to ask for it, calmly.

use askama::Template;

/// Shown to a signed-in person who may not enter an App. *Use another account* posts `csrf` and
/// `retry` (the address wanted).
#[derive(Clone, Debug, Template)]
#[template(path = "denied.html")]
pub struct Denied {
    /// Title of the realm.
    pub realm_title: String,
    /// Name of the App.
    pub app_name: String,
    /// Groups of which any one would open it; empty if the App admits nobody yet.
    pub missing_groups: Vec<String>,
    /// User name of the person signed in.
    pub signed_in_as: String,
    /// The platform's own words on whom to ask, if it set any.
    pub how_to_ask: Option<String>,
    /// Address of the launcher.
    pub home_url: String,
    /// Address *use another account* posts to.
    pub switch_account_action: String,
    /// Token against forged posts.
    pub csrf: String,
    /// Id under which the log knows this request.
    pub request_id: String,
    /// The address wanted.
    pub retry_url: String,
}

impl Denied {
    /// Realistic examples for the gallery.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let plain = Self {
            realm_title: "Northwind Data Platform".to_owned(),
            app_name: "Dagster".to_owned(),
            missing_groups: vec!["data-engineers".to_owned()],
            signed_in_as: "grace".to_owned(),
            how_to_ask: None,
            home_url: "https://door.northwind.example/".to_owned(),
            switch_account_action: "/.doorward/signout".to_owned(),
            csrf: "csrf_5Jq1".to_owned(),
            request_id: "req_7yq2m4c1".to_owned(),
            retry_url: "https://dagster.northwind.example/runs".to_owned(),
        };
        vec![
            ("one-group", plain.clone()),
            (
                "many-groups",
                Self {
                    missing_groups: ["data-engineers", "analytics-leads", "on-call"].map(str::to_owned).to_vec(),
                    how_to_ask: Some(
                        "Write in the #data-platform channel, or open a ticket under \
                         Access, Data tools. Requests are answered the same day."
                            .to_owned(),
                    ),
                    ..plain.clone()
                },
            ),
            ("no-rule", Self { missing_groups: Vec::new(), ..plain.clone() }),
            (
                "long-names",
                Self {
                    app_name: "Quarterly Revenue Reconciliation Workbench (pre-production)".to_owned(),
                    missing_groups: vec![
                        "emea-finance-controlling-quarterly-revenue-reconciliation-approvers".to_owned(),
                    ],
                    signed_in_as: "wilhelmina.constantinopolitanova-van-der-meer@example.org".to_owned(),
                    ..plain.clone()
                },
            ),
            (
                "hostile",
                Self {
                    app_name: "<script>alert(1)</script>".to_owned(),
                    missing_groups: vec!["\"><script>".to_owned(), "مهندسو البيانات".to_owned()],
                    signed_in_as: "\" onclick=\"alert(1)".to_owned(),
                    how_to_ask: Some("<script>alert(2)</script>".to_owned()),
                    request_id: "<script>".to_owned(),
                    retry_url: "/?a=1&b=\"><script>".to_owned(),
                    ..plain
                },
            ),
        ]
    }
}
