//! Declared connectors. The settings are read as they are stored; what one must be is the engine's to say.

use super::document::Document;
use super::object::{Located, Reader};
use doorward_engine::federation::settings::{
    ConnectorSettings, Entrance, GroupRules, KerberosSettings, Kind, LdapSettings, Linking, OAuth2Settings,
    OidcSettings, SamlSettings,
};
use doorward_model::name::{ConnectorName, DisplayText, RealmName};
use serde::de::MapAccess;
use serde_saphyr::Spanned;

/// A declared connector. It is owned as a whole: what is absent is reset, but for `active`.
#[derive(Debug, Clone, PartialEq)]
pub struct DeclaredConnector {
    /// Its realm.
    pub realm: Located<RealmName>,
    /// Its name in URLs.
    pub name: Located<ConnectorName>,
    /// Whether people come in through it; when absent, new ones let them and known ones are left as they are.
    pub active: Option<bool>,
    /// Everything else.
    pub settings: ConnectorSettings,
}

/// The keys of connectors: one for each kind, of which exactly one stands there.
#[derive(Debug, Default)]
pub(super) struct WrittenConnector {
    kinds: Vec<Spanned<Kind>>,
    sign_in: Option<Entrance>,
    linking: Option<Linking>,
    group_rules: Option<GroupRules>,
}

impl WrittenConnector {
    /// Takes the value of a key, if it is one of these.
    pub(super) fn take<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        match key {
            "oidc" => {
                let Spanned { value, referenced, defined } = map.next_value::<Spanned<OidcSettings>>()?;
                self.kinds.push(Spanned { value: Kind::Oidc(value), referenced, defined });
            }
            "ldap" => {
                let Spanned { value, referenced, defined } = map.next_value::<Spanned<LdapSettings>>()?;
                self.kinds.push(Spanned { value: Kind::Ldap(value), referenced, defined });
            }
            "sign_in" => self.sign_in = Some(map.next_value()?),
            "saml" => {
                let Spanned { value, referenced, defined } = map.next_value::<Spanned<SamlSettings>>()?;
                self.kinds.push(Spanned { value: Kind::Saml(value), referenced, defined });
            }
            "oauth2" => {
                let Spanned { value, referenced, defined } = map.next_value::<Spanned<OAuth2Settings>>()?;
                self.kinds.push(Spanned { value: Kind::OAuth2(value), referenced, defined });
            }
            "kerberos" => {
                let Spanned { value, referenced, defined } = map.next_value::<Spanned<KerberosSettings>>()?;
                self.kinds.push(Spanned { value: Kind::Kerberos(value), referenced, defined });
            }
            "linking" => self.linking = Some(map.next_value()?),
            "group_rules" => self.group_rules = Some(map.next_value()?),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Reader<'_> {
    pub(super) fn connector(&mut self, document: &Spanned<Document>) -> Option<DeclaredConnector> {
        let written = &document.value;
        let realm = self.of_realm(document);
        let name = self.name(document, ConnectorName::parse);
        let title = self.optional(written.title.as_ref(), DisplayText::parse);
        let at = self.place(document.referenced);
        let kind = match written.connector.kinds.as_slice() {
            [only] => only,
            [] => {
                return self.no(
                    &at,
                    "the connector is of no kind",
                    "add oidc:, oauth2:, ldap:, saml: or kerberos: with its settings",
                );
            }
            [_, second, ..] => {
                return self.no(&self.at(second), "the connector is of two kinds", "declare one connector for each");
            }
        };
        let settings = ConnectorSettings {
            title,
            kind: kind.value.clone(),
            sign_in: written.connector.sign_in.clone().unwrap_or_default(),
            linking: written.connector.linking.clone().unwrap_or_default(),
            groups: written.connector.group_rules.clone().unwrap_or_default(),
        };
        let (realm, name) = (realm?, name?);
        if let Err(what) = settings.check() {
            return self.no(&self.at(kind), format!("connector {}: {what}", name.value), "correct it");
        }
        Some(DeclaredConnector { realm, name, active: written.active, settings })
    }
}
