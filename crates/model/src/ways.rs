//! By which ways people may come in somewhere: through connectors, and with accounts kept here. Rules name connectors by
//! their ids, so one that is removed lets nobody in any more, and another of its name gets nothing.

use crate::id::ConnectorId;
use crate::name::{BadName, ConnectorName};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The word that stands for accounts kept here, beside the names of connectors.
pub const ACCOUNTS: &str = "accounts";

/// How somebody came in: the connector at which they showed their proof, or none with an account kept here.
pub type CameBy<'a> = Option<&'a ConnectorId>;

/// A way in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum WayIn {
    /// With an account kept here.
    Account,
    /// Through a connector.
    Connector(ConnectorId),
}

impl TryFrom<String> for WayIn {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            ACCOUNTS => Ok(Self::Account),
            id => ConnectorId::parse(id).map(Self::Connector).map_err(|error| error.to_string()),
        }
    }
}

impl From<WayIn> for String {
    fn from(way: WayIn) -> Self {
        match way {
            WayIn::Account => ACCOUNTS.to_owned(),
            WayIn::Connector(id) => id.to_string(),
        }
    }
}

/// The ways that count somewhere; when none is named, every one does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ways(Vec<WayIn>);

impl Ways {
    /// These alone; each stands once. None of them is every way.
    pub fn only(ways: impl IntoIterator<Item = WayIn>) -> Self {
        let mut kept: Vec<WayIn> = Vec::new();
        for way in ways {
            if !kept.contains(&way) {
                kept.push(way);
            }
        }
        Self(kept)
    }

    /// Whether every way counts.
    pub fn is_any(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether somebody who came so may come in.
    pub fn admit(&self, came: CameBy<'_>) -> bool {
        self.is_any()
            || self.0.iter().any(|way| match way {
                WayIn::Account => came.is_none(),
                WayIn::Connector(id) => came == Some(id),
            })
    }

    /// Those that are named.
    pub fn named(&self) -> &[WayIn] {
        &self.0
    }

    /// As stored.
    pub fn to_text(&self) -> String {
        let words: Vec<String> = self.0.iter().cloned().map(String::from).collect();
        words.join(" ")
    }

    /// From the store.
    ///
    /// # Errors
    /// When a word is neither a connector's id nor the one for accounts: it must not become every way.
    pub fn parse(text: &str) -> Result<Self, String> {
        text.split_ascii_whitespace().map(|word| WayIn::try_from(word.to_owned())).collect::<Result<_, _>>().map(Self)
    }
}

/// A way in as people name it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(into = "String")]
pub enum WayName {
    /// [`ACCOUNTS`].
    Accounts,
    /// A connector.
    Connector(ConnectorName),
}

impl WayName {
    /// Reads the name of a connector, or the word for accounts.
    ///
    /// # Errors
    /// When it can be neither.
    pub fn parse(text: &str) -> Result<Self, BadName> {
        match text {
            ACCOUNTS => Ok(Self::Accounts),
            name => ConnectorName::parse(name).map(Self::Connector),
        }
    }
}

impl fmt::Display for WayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accounts => f.write_str(ACCOUNTS),
            Self::Connector(name) => name.fmt(f),
        }
    }
}

impl From<WayName> for String {
    fn from(way: WayName) -> Self {
        way.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::{WayIn, WayName, Ways};
    use crate::dice::Counting;
    use crate::id::ConnectorId;

    #[test]
    fn a_way_counts_where_it_is_named_and_everywhere_where_none_is() {
        let dice = Counting::new(7);
        let (company, other) = (ConnectorId::draw(&dice), ConnectorId::draw(&dice));
        let every = Ways::default();
        assert!(every.is_any() && every.admit(None) && every.admit(Some(&company)));
        let named = Ways::only([WayIn::Connector(company.clone()), WayIn::Connector(company.clone())]);
        assert!(named.admit(Some(&company)) && !named.admit(Some(&other)) && !named.admit(None));
        assert_eq!(named.named().len(), 1);
        let accounts = Ways::only([WayIn::Account]);
        assert!(accounts.admit(None) && !accounts.admit(Some(&company)));
    }

    #[test]
    fn what_is_stored_reads_back_and_nothing_else_becomes_every_way() {
        let ways = Ways::only([WayIn::Account, WayIn::Connector(ConnectorId::draw(&Counting::new(7)))]);
        assert_eq!(Ways::parse(&ways.to_text()), Ok(ways.clone()));
        assert_eq!(serde_json::to_value(&ways).ok().and_then(|value| serde_json::from_value(value).ok()), Some(ways));
        assert!(Ways::parse("").is_ok_and(|ways| ways.is_any()));
        assert!(Ways::parse("nobody").is_err() && serde_json::from_str::<Ways>("[\"x\"]").is_err());
        assert_eq!(WayName::parse("accounts"), Ok(WayName::Accounts));
        assert!(WayName::parse("company").is_ok_and(|way| way.to_string() == "company"));
        assert!(WayName::parse("No").is_err());
    }
}
