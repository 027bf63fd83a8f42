//! The sample tool behind the gate: shows which identity headers reached it. Looks unlike Doorward
//! on purpose, because it stands for somebody else's tool.

use askama::Template;

use super::person::Person;

/// What the sample tool shows.
#[derive(Clone, Debug, Template)]
#[template(path = "sample_tool.html")]
pub struct SampleTool {
    /// Identity headers as received, name and value, in the order to show.
    pub headers: Vec<(String, String)>,
    /// Who the headers say is there; `None` if the tool was reached past the gate.
    pub person: Option<Person>,
    /// Path and query asked for.
    pub path: String,
}

impl SampleTool {
    /// Realistic examples for the gallery.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let pairs = |list: &[(&str, &str)]| {
            list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let plain = Self {
            headers: pairs(&[
                ("X-Forwarded-User", "ada"),
                ("X-Forwarded-Preferred-Username", "ada"),
                ("X-Forwarded-Email", "ada@northwind.example"),
                ("X-Forwarded-Groups", "data-engineers,everyone,finance-readers"),
                ("Remote-User", "ada"),
                ("Remote-Name", ""),
            ]),
            person: Some(Person::new("Ada Lovelace", "ada")),
            path: "/".to_owned(),
        };
        vec![
            ("plain", plain.clone()),
            ("past-the-gate", Self { headers: Vec::new(), person: None, ..plain.clone() }),
            (
                "hostile",
                Self {
                    headers: pairs(&[
                        ("X-Forwarded-User", "<script>alert(1)</script>"),
                        ("X-Forwarded-Name", "مريم الفاسي"),
                        ("X-Forwarded-Groups", &"team-quarterly-revenue,".repeat(40)),
                    ]),
                    person: Some(Person::new("<script>alert(1)</script>", "\"><b>")),
                    path: "/reports?q=<script>&sort=\"name\"".to_owned(),
                },
            ),
        ]
    }
}
