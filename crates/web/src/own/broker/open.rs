//! The ways in that are open to whoever is led somewhere: of a realm's connectors and the accounts kept here those that count
//! there, and what of them the sign-in page shows or leads to by itself.

use crate::pages;
use doorward_engine::clients::PasswordSignIn;
use doorward_engine::federation::Connector;
use doorward_engine::live::realms::LiveRealm;
use doorward_model::name::ConnectorName;
use doorward_model::ways::{CameBy, Ways};
use doorward_oauth::form;
use std::net::IpAddr;

/// The ways in to a realm that count where a sign-in leads.
pub struct Open<'r> {
    realm: &'r LiveRealm,
    connectors: Vec<&'r Connector>,
    takes_accounts: bool,
    is_any: bool,
}

/// Whether somebody who came so may come in where all of these must admit them.
pub fn admit(ways: &[Ways], came: CameBy<'_>) -> bool {
    ways.iter().all(|ways| ways.admit(came))
}

impl<'r> Open<'r> {
    /// Those that all of these admit.
    pub fn of(realm: &'r LiveRealm, ways: &[Ways]) -> Self {
        Self {
            realm,
            connectors: realm.connectors.iter().filter(|connector| admit(ways, Some(&connector.id))).collect(),
            takes_accounts: admit(ways, None),
            is_any: ways.iter().all(Ways::is_any),
        }
    }

    /// Whether passwords kept here count.
    pub fn takes_accounts(&self) -> bool {
        self.takes_accounts
    }

    /// Whether there is no way in at all.
    pub fn is_shut(&self) -> bool {
        !self.has_form() && self.browsable().next().is_none()
    }

    /// Whether the form for names and passwords has a use.
    pub fn has_form(&self) -> bool {
        self.takes_accounts || self.asks_directories()
    }

    fn asks_directories(&self) -> bool {
        self.connectors.iter().any(|connector| connector.settings.kind.ldap().is_some())
    }

    /// Whether people may well have a password for the form: kept here, or at a directory.
    pub fn takes_passwords(&self) -> bool {
        let everybody = self.realm.rules.password_sign_in == PasswordSignIn::Everyone;
        self.asks_directories() || (self.takes_accounts && (everybody || !self.has_choices()))
    }

    /// The connectors, for asking directories among them.
    pub fn connectors(&self) -> Vec<Connector> {
        self.connectors.iter().copied().cloned().collect()
    }

    /// The providers, with the way to each from a flow; the one that was chosen last comes first.
    pub fn choices(&self, flow: &str, last: Option<&ConnectorName>) -> Vec<pages::Choice> {
        let choice = |connector: &Connector| pages::Choice {
            title: connector.title().to_owned(),
            href: login_path(self.realm, connector, flow),
            is_last: Some(&connector.name) == last,
        };
        let mut choices: Vec<pages::Choice> = self.shown().map(choice).collect();
        choices.sort_by_key(|choice| !choice.is_last);
        choices
    }

    /// The directories whose passwords are typed here, by the names people were given for them.
    pub fn directories(&self) -> Vec<String> {
        let named =
            |connector: &&&Connector| connector.settings.kind.ldap().and(connector.settings.title.as_ref()).is_some();
        self.connectors.iter().filter(named).map(|connector| connector.title().to_owned()).collect()
    }

    /// What is named where this leads is shown there, hidden elsewhere or not.
    fn shown(&self) -> impl Iterator<Item = &'r Connector> {
        self.browsable().filter(|connector| !self.is_any || !connector.settings.sign_in.hidden)
    }

    fn has_choices(&self) -> bool {
        self.shown().next().is_some()
    }

    /// The connectors that have a page to go to. A directory has none: its people type their passwords here.
    fn browsable(&self) -> impl Iterator<Item = &'r Connector> {
        self.connectors.iter().copied().filter(|connector| connector.settings.kind.ldap().is_none())
    }

    /// The connector people with such a name are led to.
    pub fn taking(&self, login: &str) -> Option<&'r Connector> {
        self.browsable().find(|connector| connector.settings.sign_in.takes(login))
    }

    /// The connector everybody is led to without being asked: one that wants that, or the only way there is.
    pub fn usual(&self, client: Option<IpAddr>) -> Option<&'r Connector> {
        // Browsers that can have no ticket would ask their people for a password in a window of their own.
        let may_help = |connector: &&Connector| {
            connector.settings.kind.kerberos().is_none_or(|kerberos| kerberos.may_help(client))
        };
        let wanted = self.browsable().filter(may_help).find(|connector| connector.settings.sign_in.at_once);
        wanted.or_else(|| self.only().filter(may_help))
    }

    fn only(&self) -> Option<&'r Connector> {
        let mut all = self.browsable().filter(|_| !self.is_any && !self.has_form());
        let first = all.next()?;
        all.next().is_none().then_some(first)
    }

    /// Whether a name is enough to know where somebody signs in.
    pub fn asks_names(&self) -> bool {
        self.has_form() && self.browsable().any(|connector| !connector.settings.sign_in.domains.is_empty())
    }

    /// The connector a client names, if there is one of that name.
    pub fn hinted(&self, name: &str) -> Option<&'r Connector> {
        self.browsable().find(|connector| connector.name.as_str() == name)
    }

    /// Whether a client names a connector that is there and does not count.
    pub fn refuses_hint(&self, name: &str) -> bool {
        let is_it = |connector: &&Connector| connector.name.as_str() == name;
        self.realm.connectors.iter().any(|connector| is_it(&connector)) && !self.connectors.iter().any(is_it)
    }
}

/// Where choosing a provider leads.
pub fn login_path(realm: &LiveRealm, connector: &Connector, flow: &str) -> String {
    format!("/realms/{}/broker/{}/login?flow={flow}", realm.name, connector.name)
}

/// As [`login_path`], with the name somebody typed.
pub fn named_path(realm: &LiveRealm, connector: &Connector, (flow, login): (&str, &str)) -> String {
    let login = form::encode(&[("login_hint", login.trim())]);
    format!("{}&{login}", login_path(realm, connector, flow))
}
