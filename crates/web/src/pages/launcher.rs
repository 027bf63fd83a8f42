//! The launcher: the Apps this person may open. Does not decide which those are.

use askama::Template;

use super::icon::{Face, Icon};
use super::person::Person;

/// One App this person may open.
#[derive(Clone, Debug)]
pub struct Tile {
    /// Name of the App.
    pub name: String,
    /// Where it opens; the caller has made sure that it is an http or https address.
    pub url: String,
    /// What it is for, one line; may be empty.
    pub description: String,
    /// Drawing or initials.
    pub icon: Icon,
    /// Host people will see in the address bar; may be empty.
    pub host: String,
}

/// The grid of tiles. The sign-out button posts `csrf`.
#[derive(Clone, Debug, Template)]
#[template(path = "launcher.html")]
pub struct Launcher {
    /// Who is signed in.
    pub person: Person,
    /// Name of the realm as people know it.
    pub realm_title: String,
    /// What this person may open, in the order to show.
    pub tiles: Vec<Tile>,
    /// Token against forged posts.
    pub csrf: String,
    /// Address the sign-out button posts to.
    pub sign_out_action: String,
    /// Address of the account page.
    pub account_url: String,
}

impl Launcher {
    /// Realistic examples for the gallery.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let plain = Self {
            person: Person::new("Ada Lovelace", "ada"),
            realm_title: "Northwind Data Platform".to_owned(),
            tiles: sample_tiles(),
            csrf: "csrf_5Jq1".to_owned(),
            sign_out_action: "/sign-out".to_owned(),
            account_url: "/realms/main/account".to_owned(),
        };
        let long = "Quarterly Revenue Reconciliation Workbench (pre-production, Frankfurt)";
        let hostile = "<script>alert('tile')</script>";
        vec![
            ("plain", plain.clone()),
            ("one", Self { tiles: sample_tiles().into_iter().take(1).collect(), ..plain.clone() }),
            ("empty", Self { tiles: Vec::new(), ..plain.clone() }),
            (
                "long-names",
                Self {
                    person: Person::new(
                        "Wilhelmina Constantinopolitanova van der Meer-Papadopoulou",
                        "wilhelmina.constantinopolitanova",
                    ),
                    realm_title: "Bundesanstalt für Materialforschung und Prüfwesen".to_owned(),
                    tiles: vec![
                        sample_tile(
                            long,
                            "An App with a description that goes on for a while, \
                            because somebody pasted the first paragraph of its manual.",
                            None,
                        ),
                        sample_tile("Donaudampfschifffahrtsgesellschaftskapitänsregister", "", None),
                    ],
                    ..plain.clone()
                },
            ),
            (
                "hostile",
                Self {
                    person: Person::new(hostile, "\" onclick=\"alert(1)"),
                    realm_title: "منصة البيانات".to_owned(),
                    tiles: vec![
                        sample_tile(hostile, "\"><img src=x onerror=alert(1)>", None),
                        sample_tile("لوحة المعلومات", "مخططات المبيعات اليومية", None),
                    ],
                    ..plain
                },
            ),
        ]
    }
}

fn sample_tiles() -> Vec<Tile> {
    vec![
        sample_tile("Dagster", "Runs and schedules every pipeline.", Some("pipeline")),
        sample_tile("Grafana", "Dashboards and alerts.", Some("chart")),
        sample_tile("MinIO", "Files and object storage.", Some("storage")),
        sample_tile("JupyterHub", "Notebooks on shared machines.", Some("notebook")),
        sample_tile("Polaris", "The table catalogue.", Some("database")),
        sample_tile("Airflow", "Older nightly jobs, read only.", Some("workflow")),
        sample_tile("Cube", "The semantic layer.", None),
        sample_tile("Data Quality", "", None),
        sample_tile("Wiki", "How we do things here.", Some("generic")),
    ]
}

fn sample_tile(name: &str, description: &str, symbol: Option<&str>) -> Tile {
    let slug: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    let slug = if slug.is_empty() { "app".to_owned() } else { slug };
    Tile {
        name: name.to_owned(),
        url: format!("https://{slug}.northwind.example/"),
        description: description.to_owned(),
        icon: Icon::new(&slug, name, symbol),
        host: format!("{slug}.northwind.example"),
    }
}
