//! Declared scopes of a realm's own.

use super::client::scope;
use super::document::Document;
use super::object::{Located, Reader, word};
use doorward_engine::clients::{Assigned, ScopeSettings};
use doorward_engine::manage::roles::describable;
use doorward_engine::manage::wrong::{self, Wrong};
use doorward_engine::token::claims::KNOWN_SCOPES;
use doorward_model::limits as nouns;
use doorward_model::name::RealmName;
use serde_saphyr::Spanned;

/// A declared scope. It is owned as a whole: what is absent is reset.
#[derive(Debug, Clone, PartialEq)]
pub struct DeclaredScope {
    /// Its realm.
    pub realm: Located<RealmName>,
    /// Its name, as clients ask for it.
    pub name: Located<String>,
    /// What it brings.
    pub settings: ScopeSettings,
}

fn own_scope(text: &str) -> Result<String, String> {
    match KNOWN_SCOPES.contains(&text) {
        true => Err(format!("Doorward has a scope {text} of its own")),
        false => scope(text),
    }
}

impl Reader<'_> {
    pub(super) fn client_scope(&mut self, document: &Spanned<Document>) -> Option<DeclaredScope> {
        let written = &document.value;
        let complaints = self.count();
        let realm = self.of_realm(document);
        let name = self.name(document, own_scope);
        let description =
            self.optional(written.description.as_ref(), |text| describable(text).map(|()| text.to_owned()));
        let assigned = |text: &str| word::<Assigned>("assigned", text);
        let settings = ScopeSettings {
            description: description.unwrap_or_default(),
            assigned: self.optional(written.assigned.as_ref(), assigned).unwrap_or_default(),
            mappers: self.mappers(written.client.mappers.as_ref(), nouns::SCOPE_MAPPERS),
        };
        let (realm, name) = (realm?, name?);
        if self.count() == complaints {
            for Wrong { key, what, how } in wrong::scope(&name.value, &settings) {
                let at = written.key_at(key).unwrap_or(document.referenced);
                self.complain(&self.place(at), what, how);
            }
        }
        Some(DeclaredScope { realm, name, settings })
    }
}
