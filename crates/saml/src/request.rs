//! What we ask providers for.

use crate::identity::format;
use crate::names::{POST, SAML, SAMLP};
use crate::own_key::OwnKey;
use crate::redirect::{self, Side};
use crate::sign;
use crate::trouble::Trouble;
use crate::xml::escaped;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use doorward_engine::federation::settings::{SamlBinding, SamlPlace, SamlSettings};
use doorward_model::time::Timestamp;

/// How a message is brought to the provider.
#[derive(Debug, PartialEq, Eq)]
pub enum Way {
    /// By sending the browser to an address.
    Address(String),
    /// By a form the browser posts: its target and its fields.
    Form {
        /// Where to.
        target: String,
        /// Names and values.
        fields: Vec<(String, String)>,
    },
}

/// What a request to sign in says besides what settings say.
pub struct SignOn<'a> {
    /// Its id.
    pub id: &'a str,
    /// When it is made.
    pub now: Timestamp,
    /// What we are called there.
    pub own_id: &'a str,
    /// Where the answer goes.
    pub endpoint: &'a str,
    /// Whether the person must prove themselves again.
    pub again: bool,
}

/// A request to sign in (SAML Core §3.4.1).
pub fn sign_on(settings: &SamlSettings, place: &SamlPlace, asked: &SignOn<'_>) -> String {
    let force = if asked.again { " ForceAuthn=\"true\"" } else { "" };
    let name_id = format(settings.name_id);
    let create = if name_id == crate::names::TRANSIENT { "" } else { " AllowCreate=\"true\"" };
    let classes: String = settings
        .authn_contexts
        .iter()
        .map(|class| format!("<saml:AuthnContextClassRef>{}</saml:AuthnContextClassRef>", escaped(class)))
        .collect();
    let context = match classes.is_empty() {
        true => String::new(),
        false => format!("<samlp:RequestedAuthnContext Comparison=\"exact\">{classes}</samlp:RequestedAuthnContext>"),
    };
    format!(
        "<samlp:AuthnRequest xmlns:samlp=\"{SAMLP}\" xmlns:saml=\"{SAML}\" ID=\"{}\" Version=\"2.0\" \
         IssueInstant=\"{}\" Destination=\"{}\"{force} ProtocolBinding=\"{POST}\" AssertionConsumerServiceURL=\"{}\">\
         <saml:Issuer>{}</saml:Issuer><samlp:NameIDPolicy Format=\"{name_id}\"{create}/>{context}</samlp:AuthnRequest>",
        escaped(asked.id),
        asked.now.rfc3339(),
        escaped(&place.url),
        escaped(asked.endpoint),
        escaped(asked.own_id),
    )
}

/// Brings a message to a place, signed if there is a key.
///
/// # Errors
/// [`Trouble::OwnKey`]
pub fn bring(
    (side, message): (Side, &str),
    (binding, url): (SamlBinding, &str),
    relay_state: Option<&str>,
    key: Option<&OwnKey>,
) -> Result<Way, Trouble> {
    match binding {
        SamlBinding::Redirect => redirect::address(url, (side, message), relay_state, key).map(Way::Address),
        SamlBinding::Post => {
            let text = match key {
                Some(key) => sign::enveloped(message, key)?,
                None => message.to_owned(),
            };
            let mut fields = vec![(side.parameter().to_owned(), STANDARD.encode(text))];
            fields.extend(relay_state.map(|state| ("RelayState".to_owned(), state.to_owned())));
            Ok(Way::Form { target: url.to_owned(), fields })
        }
    }
}
