//! App icons: a built-in drawing or initials, on a colour that stays the same for the same App.
//! Owns the list of drawings; the colours themselves stand in the stylesheet.

use super::assets::fnv;
use super::limits::HUES;
use super::person::initials;

/// How an App looks on its tile.
#[derive(Clone, Debug)]
pub struct Icon {
    /// Stylesheet class for the colour, `hue-0` to `hue-7`.
    pub hue: String,
    /// What stands on the colour.
    pub face: Face,
}

/// What stands on the coloured square.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Face {
    /// One or two letters.
    Initials(String),
    /// A built-in drawing.
    Symbol(Symbol),
}

/// The built-in drawings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symbol {
    /// Orchestrators, ingestion.
    Pipeline,
    /// Databases, catalogues, query engines.
    Database,
    /// Dashboards, metrics.
    Chart,
    /// Object stores, files.
    Storage,
    /// Notebooks, editors.
    Notebook,
    /// Schedulers, task graphs.
    Workflow,
    /// Anything else.
    Generic,
}

impl Icon {
    /// The icon of an App: the drawing called `wanted` if there is one of that name, otherwise the
    /// initials of `name`. The colour depends on `slug` alone.
    pub fn new(slug: &str, name: &str, wanted: Option<&str>) -> Self {
        let hash = fnv(slug.as_bytes());
        // FNV's lowest bits alone spread short slugs badly, so the upper half is folded in.
        let hue = format!("hue-{}", (hash ^ (hash >> 32)) % HUES);
        let face = match wanted.and_then(Symbol::find) {
            Some(symbol) => Face::Symbol(symbol),
            None => {
                let letters = initials(name);
                if letters.is_empty() { Face::Symbol(Symbol::Generic) } else { Face::Initials(letters) }
            }
        };
        Self { hue, face }
    }
}

impl Symbol {
    /// The drawing with this name, as written in configuration.
    pub fn find(name: &str) -> Option<Self> {
        Some(match name {
            "pipeline" => Self::Pipeline,
            "database" => Self::Database,
            "chart" => Self::Chart,
            "storage" => Self::Storage,
            "notebook" => Self::Notebook,
            "workflow" => Self::Workflow,
            "generic" => Self::Generic,
            _ => return None,
        })
    }

    /// The drawing as an SVG element, hidden from screen readers: the tile's text says it all.
    pub fn drawing(self) -> &'static str {
        match self {
            Self::Pipeline => include_str!("../../templates/icons/pipeline.svg"),
            Self::Database => include_str!("../../templates/icons/database.svg"),
            Self::Chart => include_str!("../../templates/icons/chart.svg"),
            Self::Storage => include_str!("../../templates/icons/storage.svg"),
            Self::Notebook => include_str!("../../templates/icons/notebook.svg"),
            Self::Workflow => include_str!("../../templates/icons/workflow.svg"),
            Self::Generic => include_str!("../../templates/icons/generic.svg"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_drawing_wins_over_initials() {
        let icon = Icon::new("dagster", "Dagster", Some("pipeline"));
        assert_eq!(icon.face, Face::Symbol(Symbol::Pipeline));
    }

    #[test]
    fn an_unknown_drawing_becomes_initials_and_a_name_without_letters_the_generic_drawing() {
        assert_eq!(Icon::new("grafana", "Grafana Cloud", Some("no-such")).face, Face::Initials("GC".to_owned()));
        assert_eq!(Icon::new("x", "—", None).face, Face::Symbol(Symbol::Generic));
    }

    #[test]
    fn the_colour_follows_the_slug_and_has_a_rule_in_the_stylesheet() {
        let stylesheet = include_str!("../../static/doorward.css");
        assert_eq!(Icon::new("a", "A", None).hue, Icon::new("a", "B", None).hue);
        for number in 0..HUES {
            assert!(stylesheet.contains(&format!(".hue-{number} ")), "hue-{number}");
        }
    }
}
