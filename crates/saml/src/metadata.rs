//! What a provider publishes of itself, and what we publish (SAML Metadata).

use crate::certificate::Key;
use crate::identity::format;
use crate::limits;
use crate::moment;
use crate::names::{DS, MD, POST, REDIRECT, SAMLP};
use crate::own_key::{OwnKey, OwnKeys};
use crate::scan::Kind;
use crate::signature::{check_shape, is_signed};
use crate::trouble::Trouble;
use crate::xml::{Node, Tree, escaped};
use doorward_engine::federation::settings::{SamlBinding, SamlPlace, SamlProvider, SamlSettings};
use doorward_model::time::Timestamp;
use doorward_model::told::told;

/// What was read of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// What it calls itself.
    pub entity_id: String,
    /// The rest.
    pub provider: SamlProvider,
    /// Until when this counts, if it says so.
    pub until: Option<Timestamp>,
    /// In how many seconds it should be read again, if it says so.
    pub again_seconds: Option<i64>,
}

const SIGNED: [(&str, &str); 4] =
    [(MD, "EntityDescriptor"), (MD, "EntitiesDescriptor"), (MD, "IDPSSODescriptor"), (MD, "SPSSODescriptor")];

/// Reads a provider's metadata: that of `entity_id`, or of the only one there is.
///
/// # Errors
/// [`Trouble::Metadata`]: what is wrong with it.
pub fn read(text: &[u8], entity_id: Option<&str>, keys: &[Key], now: Timestamp) -> Result<Read, Trouble> {
    match in_order(text, entity_id, keys, now) {
        Err(trouble @ (Trouble::Xml(_) | Trouble::Signature(_) | Trouble::Answer(_))) => {
            Err(Trouble::Metadata(trouble.to_string()))
        }
        other => other,
    }
}

fn in_order(text: &[u8], entity_id: Option<&str>, keys: &[Key], now: Timestamp) -> Result<Read, Trouble> {
    let wrong = |why: &str| Trouble::Metadata(why.to_owned());
    let tree = Tree::read(text, Kind::Metadata)?;
    let root = tree.root()?;
    if !keys.is_empty() {
        check_shape(&tree, &SIGNED)?;
        if !is_signed(root, keys)? {
            return Err(wrong("it is not signed, and the connector wants it to be"));
        }
    }
    // The root, or inside nothing but lists of such: what stands in a signature's own parts is signed by nobody.
    let is_listed = |node: &Node<'_>| {
        let mut around = node.parent();
        while let Some(outer) = around {
            if !outer.is(MD, "EntitiesDescriptor") {
                return false;
            }
            around = outer.parent();
        }
        true
    };
    let is_it = |node: &Node<'_>| {
        let is_wanted = entity_id.is_none_or(|id| node.attribute("entityID") == Some(id));
        node.is(MD, "EntityDescriptor") && is_wanted && is_listed(node)
    };
    let mut found = tree.elements().filter(is_it);
    let (Some(entity), None) = (found.next(), found.next()) else {
        let listed = tree.elements().filter(|node| node.is(MD, "EntityDescriptor") && is_listed(node));
        let ids = listed.map(|node| format!("`{}`", told(node.attribute("entityID").unwrap_or_default())));
        let ids: Vec<_> = ids.take(limits::ENTITIES_TOLD).collect();
        let what = match (ids.as_slice(), entity_id) {
            ([], _) => "it describes nobody (EntityDescriptor)".to_owned(),
            (ids, None) => {
                format!("it describes several, {}: say which one is meant (--entity-id)", ids.join(", "))
            }
            (ids, Some(id)) => {
                format!(
                    "it does not describe exactly the one provider the connector is for, `{}`: it has {}",
                    told(id),
                    ids.join(", ")
                )
            }
        };
        return Err(wrong(&what));
    };
    let roles = entity.all(MD, "IDPSSODescriptor");
    let speaks = |role: &Node<'_>| {
        role.attribute("protocolSupportEnumeration").is_some_and(|all| all.split_ascii_whitespace().any(|p| p == SAMLP))
    };
    let role = roles.into_iter().find(speaks).ok_or_else(|| wrong("it describes no identity provider of SAML 2.0"))?;
    let (mut until, mut again_seconds): (Option<Timestamp>, Option<i64>) = (None, None);
    let mut around = Some(role);
    while let Some(node) = around {
        if let Some(text) = node.attribute("validUntil") {
            let said = moment::parse(text).ok_or_else(|| wrong("validUntil is no time"))?;
            until = Some(until.map_or(said, |known| known.min(said)));
        }
        if let Some(said) = node.attribute("cacheDuration").and_then(moment::span) {
            again_seconds = Some(again_seconds.map_or(said, |known| known.min(said)));
        }
        around = node.parent();
    }
    if until.is_some_and(|until| until <= now) {
        return Err(wrong("it is over (validUntil): have the provider publish a newer one"));
    }
    let provider = SamlProvider {
        sign_on: places(role, "SingleSignOnService"),
        logout: places(role, "SingleLogoutService"),
        certificates: certificates(role)?,
        valid_until: until,
    };
    provider.check().map_err(Trouble::Metadata)?;
    let entity_id = entity.attribute("entityID").unwrap_or_default().to_owned();
    Ok(Read { entity_id, provider, until, again_seconds })
}

fn places(role: Node<'_>, name: &'static str) -> Vec<SamlPlace> {
    let place = |node: Node<'_>| {
        let binding = match node.attribute("Binding")? {
            REDIRECT => SamlBinding::Redirect,
            POST => SamlBinding::Post,
            _ => return None,
        };
        let url = node.attribute("Location")?.trim().to_owned();
        let answers = node.attribute("ResponseLocation").map(|url| url.trim().to_owned());
        Some(SamlPlace { binding, url, answers })
    };
    role.all(MD, name).filter_map(place).collect()
}

/// The certificates a role signs with that can be used; an error when there are some and none can.
fn certificates(role: Node<'_>) -> Result<Vec<String>, Trouble> {
    let (mut good, mut last) = (Vec::new(), None);
    for descriptor in role.all(MD, "KeyDescriptor") {
        if !matches!(descriptor.attribute("use"), None | Some("signing")) {
            continue;
        }
        let infos = descriptor.all(DS, "KeyInfo").flat_map(|info| info.all(DS, "X509Data"));
        for certificate in infos.flat_map(|data| data.all(DS, "X509Certificate")) {
            let text: String = certificate.text()?.split_ascii_whitespace().collect();
            match Key::of_certificate(&text) {
                Ok(_) if !good.contains(&text) => good.push(text),
                Ok(_) => {}
                Err(trouble) => last = Some(trouble),
            }
        }
    }
    match last {
        Some(trouble) if good.is_empty() => Err(trouble),
        _ if good.len() > limits::CERTIFICATES => Err(Trouble::Metadata("it has too many certificates".to_owned())),
        _ => Ok(good),
    }
}

/// What we publish of a connector: keys that sign, the one in use first, and the one to encrypt for.
pub fn own(settings: &SamlSettings, (own_id, endpoint): (&str, &str), keys: &OwnKeys) -> String {
    let descriptor = |key: &OwnKey, purpose: &str, more: &str| {
        let certificate = key.certificate();
        format!(
            "<md:KeyDescriptor use=\"{purpose}\"><ds:KeyInfo xmlns:ds=\"{DS}\"><ds:X509Data><ds:X509Certificate>\
             {certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>{more}</md:KeyDescriptor>"
        )
    };
    let encryption = match settings.encryption {
        true => descriptor(
            keys.newest(),
            "encryption",
            "<md:EncryptionMethod Algorithm=\"http://www.w3.org/2009/xmlenc11#aes256-gcm\"/>\
             <md:EncryptionMethod Algorithm=\"http://www.w3.org/2009/xmlenc11#aes128-gcm\"/>\
             <md:EncryptionMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p\"/>",
        ),
        false => String::new(),
    };
    let (own_id, endpoint) = (escaped(own_id), escaped(endpoint));
    let signing: String = keys.all().map(|key| descriptor(key, "signing", "")).collect();
    let (is_signed, name_id) = (settings.signed_requests, format(settings.name_id));
    format!(
        "<md:EntityDescriptor xmlns:md=\"{MD}\" entityID=\"{own_id}\">\
         <md:SPSSODescriptor AuthnRequestsSigned=\"{is_signed}\" WantAssertionsSigned=\"true\" \
         protocolSupportEnumeration=\"{SAMLP}\">{signing}{encryption}\
         <md:SingleLogoutService Binding=\"{REDIRECT}\" Location=\"{endpoint}\"/>\
         <md:SingleLogoutService Binding=\"{POST}\" Location=\"{endpoint}\"/>\
         <md:NameIDFormat>{name_id}</md:NameIDFormat>\
         <md:AssertionConsumerService Binding=\"{POST}\" Location=\"{endpoint}\" index=\"0\" isDefault=\"true\"/>\
         </md:SPSSODescriptor></md:EntityDescriptor>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINE: &str = "https://idp.example.com";

    fn entity(id: &str, inside: &str) -> String {
        let role = "<md:IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\
                    <md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" \
                    Location=\"https://idp.example.com/sso\"/></md:IDPSSODescriptor>";
        format!("<md:EntityDescriptor xmlns:md=\"{MD}\" entityID=\"{id}\">{inside}{role}</md:EntityDescriptor>")
    }

    fn why(text: &str) -> String {
        let read = read(text.as_bytes(), Some(MINE), &[], Timestamp::from_millis(0));
        read.map_or_else(|trouble| trouble.to_string(), |read| read.entity_id)
    }

    #[test]
    fn gauntlet_b6_21_a_provider_is_described_at_the_root_or_in_a_list_and_nowhere_else() {
        const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
        let nobody = "exactly the one provider";
        let hidden =
            format!("<ds:Signature xmlns:ds=\"{DSIG}\"><ds:KeyInfo>{}</ds:KeyInfo></ds:Signature>", entity(MINE, ""));
        assert!(why(&entity("https://other.example.com", &hidden)).contains(nobody));
        let extension = format!("<md:Extensions>{}</md:Extensions>", entity(MINE, ""));
        assert!(why(&entity("https://other.example.com", &extension)).contains(nobody));
        let list = |inside: &str| format!("<md:EntitiesDescriptor xmlns:md=\"{MD}\">{inside}</md:EntitiesDescriptor>");
        // Found, and then asked for the certificates it lacks here.
        assert!(!why(&list(&entity(MINE, ""))).contains(nobody));
        assert!(!why(&entity(MINE, "")).contains(nobody));
        assert!(why(&list(&format!("{}{}", entity(MINE, ""), entity(MINE, "")))).contains(nobody));
    }
}
