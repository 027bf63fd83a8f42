//! Providers that speak OpenID Connect.

use crate::federation::settings::is_safe;
use crate::limits;
use doorward_model::secret_ref::SecretRef;
use doorward_oauth::scope::Scopes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A provider that speaks OpenID Connect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcSettings {
    /// Its issuer, letter by letter as its tokens say it.
    pub issuer: String,
    /// What Doorward is called there.
    pub client_id: String,
    /// Where the client secret is kept, when it is not sealed in the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_from: Option<SecretRef>,
    /// What is asked for besides `openid`.
    #[serde(default = "usual_scopes")]
    pub scopes: Vec<String>,
    /// More parameters of the authorization request, such as `audience`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    /// Whether claims are also fetched from the userinfo endpoint.
    #[serde(default = "yes")]
    pub user_info: bool,
    /// Under which names the provider says what.
    #[serde(default)]
    pub claims: ClaimNames,
    /// How far the provider's clock may be apart, in seconds.
    #[serde(default = "usual_tolerance")]
    pub clock_tolerance_seconds: u32,
    /// The only values of the claim `hd` that may come in; any when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosted_domains: Vec<String>,
    /// Whether the provider's addresses are proved although it does not say so.
    #[serde(default)]
    pub addresses_are_proved: bool,
    /// Where the provider sends browsers back to, when it is not the connector's own place: one of [`CALLBACKS`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback_path: Option<String>,
    /// How people who sign out here are signed out there too; not at all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_out: Option<SignOut>,
    /// How often the provider is asked again for people who came through it; never when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh: Option<Refresh>,
}

/// How a browser tells a provider that its person signs out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SignOut {
    /// At the endpoint the provider publishes (OpenID Connect RP-Initiated Logout 1.0).
    Published,
    /// At a page of the provider's own making, which is told the client id and where to return and repeats nothing.
    At {
        /// The page.
        url: String,
        /// The parameter that says where to return.
        return_parameter: String,
    },
}

/// How often a provider is asked whether it still vouches for people who came through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    /// Seconds from one answer to the next question.
    pub every_seconds: u32,
    /// How much longer sessions go on while the provider cannot be asked, in seconds.
    #[serde(default)]
    pub continue_seconds: u32,
}

fn usual_scopes() -> Vec<String> {
    vec!["profile".to_owned(), "email".to_owned()]
}

fn yes() -> bool {
    true
}

fn usual_tolerance() -> u32 {
    60
}

/// Names of claims. A dot leads into an object, unless a claim has the whole text as its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClaimNames {
    /// What the person would be called here; the first that is there.
    pub name: Vec<String>,
    /// The name for people.
    pub display: String,
    /// The e-mail address.
    pub email: String,
    /// Whether the address is proved.
    pub email_verified: String,
    /// The groups.
    pub groups: String,
}

impl Default for ClaimNames {
    fn default() -> Self {
        Self {
            name: vec!["preferred_username".to_owned(), "email".to_owned()],
            display: "name".to_owned(),
            email: "email".to_owned(),
            email_verified: "email_verified".to_owned(),
            groups: "groups".to_owned(),
        }
    }
}

/// Places for every connector of every realm, where providers send browsers back that knew Houston before.
pub const CALLBACKS: [&str; 2] = ["/v1/oauth/callback/", "/v1/oauth/redirect/"];

/// Parameters of the authorization request that Doorward sets itself.
const OURS: [&str; 11] = [
    "client_id",
    "response_type",
    "redirect_uri",
    "state",
    "nonce",
    "scope",
    "code_challenge",
    "code_challenge_method",
    "response_mode",
    "request",
    "request_uri",
];

impl OidcSettings {
    pub(super) fn essence(&self) -> Self {
        Self { secret_from: None, clock_tolerance_seconds: 0, sign_out: None, callback_path: None, ..self.clone() }
    }

    pub(super) fn check(&self) -> Result<(), String> {
        if !is_safe(&self.issuer) || self.issuer.contains(['?', '#']) {
            let what =
                "the issuer is an https:// URL without query and fragment, letter by letter as its tokens say it";
            return Err(what.to_owned());
        }
        if self.issuer.contains("/.well-known/") {
            let what = "the issuer is what stands before /.well-known/ in the address of the discovery document";
            return Err(what.to_owned());
        }
        let is_one = |scope: &str| Scopes::parse(scope).is_ok_and(|one| one.iter().count() == 1);
        if let Some(scope) = self.scopes.iter().find(|scope| !is_one(scope)) {
            return Err(format!("`{}` is no scope: write several with commas between them", scope.escape_debug()));
        }
        if self.client_id.is_empty() || self.client_id.len() > limits::ISSUER_BYTES {
            return Err("the client id is what the provider gave to Doorward; it is missing".to_owned());
        }
        if let Some(name) = self.parameters.keys().find(|name| OURS.contains(&name.as_str())) {
            return Err(format!("the parameter {name} is set by Doorward itself: leave it out"));
        }
        if let Some(path) = self.callback_path.as_deref().filter(|path| !CALLBACKS.contains(path)) {
            return Err(format!("`{}` is no callback path: {}", path.escape_debug(), CALLBACKS.join(" or ")));
        }
        if self.clock_tolerance_seconds > limits::CLOCK_TOLERANCE_SECONDS {
            return Err(format!("the clock tolerance is at most {} s", limits::CLOCK_TOLERANCE_SECONDS));
        }
        if let Some(SignOut::At { url, return_parameter }) = &self.sign_out {
            let is_name = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
            if !is_safe(url) || url.contains('#') {
                return Err("the address for signing out is an https:// URL without a fragment".to_owned());
            }
            if return_parameter.is_empty() || !is_name(return_parameter) {
                return Err(
                    "the parameter that says where to return after signing out is a name such as logout_uri".to_owned()
                );
            }
        }
        if let Some(refresh) = &self.refresh {
            let (least, most) = limits::REFRESH_SECONDS;
            if !(least..=most).contains(&refresh.every_seconds) || refresh.continue_seconds > most {
                let what = "the provider is asked again every";
                return Err(format!(
                    "{what} {least} to {most} s, and sessions go on without an answer for at most {most} s"
                ));
            }
        }
        Ok(())
    }
}
