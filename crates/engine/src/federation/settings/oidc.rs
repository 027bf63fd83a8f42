//! Providers that speak OpenID Connect.

use crate::federation::settings::{Assertion, ClientAuth, Directory, is_safe};
use crate::limits;
use doorward_model::secret_ref::SecretRef;
use doorward_oauth::authorize::{ResponseMode, ResponseType};
use doorward_oauth::scope::Scopes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A provider that speaks OpenID Connect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcSettings {
    /// Its issuer, letter by letter as its tokens say it.
    pub issuer: String,
    /// Other issuers its tokens may be of, letter by letter: some providers have had several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more_issuers: Vec<String>,
    /// The only tenants (claim `tid`) that may come in; any when empty. An issuer with `{tenantid}` in it is the one of
    /// each of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<String>,
    /// Where the provider's document is, when it is not below the issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discovery: Option<String>,
    /// What Doorward is called there.
    pub client_id: String,
    /// Where the client secret is kept, when it is not sealed in the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_from: Option<SecretRef>,
    /// How Doorward proves itself at the token endpoint; by the secret, as the provider publishes, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_auth: Option<ClientAuth>,
    /// What more there is to say when that is done with a signature.
    #[serde(default, skip_serializing_if = "Assertion::is_usual")]
    pub assertion: Box<Assertion>,
    /// What the browser brings back: a code, an ID token, or both (OIDC Core §3).
    #[serde(default = "usual_type", skip_serializing_if = "is_usual_type")]
    pub response_type: ResponseType,
    /// How it brings that; in the usual way of the type when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_mode: Option<ResponseMode>,
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
    /// Whether names that look like an address are the person's own there, proved or not.
    #[serde(default)]
    pub names_are_own: bool,
    /// Where groups are looked up that the provider does not say, or leaves out because there are too many; without it
    /// nobody of whom it leaves out any comes in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<Directory>,
    /// How people who sign out here are signed out there too; not at all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_out: Option<SignOut>,
    /// How often the provider is asked again for people who came through it; never when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh: Option<Refresh>,
}

/// What stands for the tenant in an issuer that differs by tenant.
const TENANT: &str = "{tenantid}";

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

fn usual_type() -> ResponseType {
    ResponseType::Code
}

fn is_usual_type(response_type: &ResponseType) -> bool {
    *response_type == usual_type()
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
    /// What tells somebody from everybody else at the provider, for ever; several claims count together.
    pub subject: Vec<String>,
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
            subject: vec!["sub".to_owned()],
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
    /// Settings that say no more than who the provider is.
    pub fn of(issuer: String, client_id: String) -> Self {
        Self {
            issuer,
            client_id,
            more_issuers: Vec::new(),
            tenants: Vec::new(),
            discovery: None,
            secret_from: None,
            client_auth: None,
            assertion: Box::default(),
            response_type: usual_type(),
            response_mode: None,
            scopes: usual_scopes(),
            parameters: BTreeMap::new(),
            user_info: true,
            claims: ClaimNames::default(),
            clock_tolerance_seconds: usual_tolerance(),
            hosted_domains: Vec::new(),
            addresses_are_proved: false,
            callback_path: None,
            names_are_own: false,
            directory: None,
            sign_out: None,
            refresh: None,
        }
    }

    /// How the browser brings the provider's answer.
    pub fn answers_by(&self) -> ResponseMode {
        self.response_mode.unwrap_or_else(|| self.response_type.default_mode())
    }

    /// Whether a token of this issuer and tenant is the provider's.
    pub fn speaks(&self, issuer: &str, tenant: Option<&str>) -> bool {
        let is_let_in = |tenant: &str| !self.tenants.is_empty() && self.lets_in_tenant(tenant);
        if !self.tenants.is_empty() && !tenant.is_some_and(is_let_in) {
            return false;
        }
        self.issuers().any(|own| match (own.contains(TENANT), tenant) {
            (false, _) => own == issuer,
            // Without a list of tenants nobody would be kept out.
            (true, Some(tenant)) => is_let_in(tenant) && own.replace(TENANT, tenant) == issuer,
            (true, None) => false,
        })
    }

    /// Whether people of a tenant may come in.
    pub fn lets_in_tenant(&self, tenant: &str) -> bool {
        self.tenants.is_empty() || self.tenants.iter().any(|own| own == tenant)
    }

    /// Whether a token that says to be of this issuer could be the provider's; of which tenant is not known yet.
    pub fn may_be_issuer(&self, issuer: &str) -> bool {
        let fits = |own: &str| own == issuer || self.tenants.iter().any(|tenant| own.replace(TENANT, tenant) == issuer);
        self.issuers().any(fits)
    }

    fn issuers(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.issuer.as_str()).chain(self.more_issuers.iter().map(String::as_str))
    }

    pub(super) fn essence(&self) -> Self {
        Self {
            secret_from: None,
            client_auth: None,
            assertion: Box::default(),
            response_type: usual_type(),
            response_mode: None,
            clock_tolerance_seconds: 0,
            sign_out: None,
            callback_path: None,
            ..self.clone()
        }
    }

    pub(super) fn check(&self) -> Result<(), String> {
        if !is_safe(&self.issuer) || self.issuer.contains(['?', '#']) {
            return Err(format!(
                "`{}` can be no issuer: write https:// (http:// is for this machine alone) without query and fragment, letter \
                 by letter as its tokens say it",
                self.issuer.escape_debug()
            ));
        }
        if let Some(odd) = self.more_issuers.iter().chain(&self.discovery).find(|url| !is_safe(url)) {
            return Err(format!("`{}` is no https:// URL", odd.escape_debug()));
        }
        if self.issuers().any(|issuer| issuer.contains(TENANT)) && self.tenants.is_empty() {
            return Err("an issuer that differs by tenant lets everybody in who has one: list the tenants".to_owned());
        }
        let is_id =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if let Some(odd) = self.tenants.iter().find(|tenant| !is_id(tenant)) {
            return Err(format!("`{}` is no tenant's id", odd.escape_debug()));
        }
        self.directory.as_ref().map_or(Ok(()), |directory| directory.check(&self.issuer))?;
        if self.claims.subject.is_empty() || self.claims.subject.iter().any(String::is_empty) {
            return Err("people are told apart by at least one claim, such as sub".to_owned());
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
        self.check_response()?;
        self.assertion.check(self.client_auth, self.issuer.contains(TENANT))?;
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

    fn check_response(&self) -> Result<(), String> {
        let asked = self.response_type;
        if !asked.has_code() && !asked.has_id_token() {
            return Err(format!(
                "with response_type {asked} nothing says who somebody is: code or id_token is part of it"
            ));
        }
        // Servers and what stands between log queries (Multiple Response Types §3.0).
        if self.answers_by() == ResponseMode::Query && asked.default_mode() == ResponseMode::Fragment {
            return Err("tokens do not travel in a query: response_mode is fragment or form_post".to_owned());
        }
        if self.refresh.is_some() && !asked.has_code() {
            return Err("a provider is asked again with what it gave for a code: response_type needs code".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const ONE: &str = "11111111-1111-1111-1111-111111111111";
    const TWO: &str = "22222222-2222-2222-2222-222222222222";

    fn settings(more: &Value) -> Result<OidcSettings, serde_json::Error> {
        let mut all = json!({"issuer": "https://login.example.com/{tenantid}/v2.0", "client_id": "doorward"});
        if let (Some(all), Some(more)) = (all.as_object_mut(), more.as_object()) {
            all.extend(more.clone());
        }
        serde_json::from_value(all)
    }

    #[test]
    fn a_tenant_lets_its_own_people_in_by_all_of_its_issuers_and_nobody_elses() -> Result<(), serde_json::Error> {
        let v2 = |tenant: &str| format!("https://login.example.com/{tenant}/v2.0");
        let v1 = |tenant: &str| format!("https://sts.example.com/{tenant}/");
        let pinned = json!({"issuer": v2(ONE), "more_issuers": [v1(ONE)], "tenants": [ONE]});
        let several = json!({"more_issuers": [v1("{tenantid}")], "tenants": [ONE, TWO]});
        for (words, is_two_in) in [(pinned, false), (several, true)] {
            let settings = settings(&words)?;
            assert_eq!(settings.check(), Ok(()));
            assert!(settings.speaks(&v2(ONE), Some(ONE)) && settings.speaks(&v1(ONE), Some(ONE)));
            assert_eq!(settings.speaks(&v2(TWO), Some(TWO)), is_two_in);
            // Whose token it is and whose it says to be must be one.
            for (issuer, tenant) in [
                (v2(ONE), Some(TWO)),
                (v2(TWO), Some(ONE)),
                (v2(ONE), None),
                (v2("{tenantid}"), Some("{tenantid}")),
                (v2("{tenantid}"), Some(ONE)),
                (v2("33333333-3333-3333-3333-333333333333"), Some("33333333-3333-3333-3333-333333333333")),
                (v2(ONE).replace("/v2.0", ""), Some(ONE)),
            ] {
                assert!(!settings.speaks(&issuer, tenant), "{issuer} {tenant:?}");
            }
            assert!(settings.may_be_issuer(&v2(ONE)) && settings.may_be_issuer(&v1(ONE)));
            assert!(!settings.may_be_issuer("https://evil.example/"));
        }
        Ok(())
    }

    #[test]
    fn who_is_let_in_and_how_they_are_told_apart_is_said_in_full() -> Result<(), serde_json::Error> {
        let issuer = json!("https://id.example.com");
        for odd in [
            json!({}),
            json!({"tenants": ["contoso.example.com"]}),
            json!({"issuer": issuer, "tenants": [""]}),
            json!({"issuer": issuer, "more_issuers": ["http://id.example.com"]}),
            json!({"issuer": issuer, "discovery": "id.example.com"}),
            json!({"issuer": issuer, "directory": {"graph": "http://graph.example.com"}}),
            json!({"issuer": "https://accounts.google.com",
                "directory": {"google": {"key_from": "file:/key", "administrator": "admin"}}}),
            json!({"issuer": issuer, "directory": {"google": {"key_from": "file:/key", "administrator": "a@example.com"}}}),
            json!({"issuer": issuer, "claims": {"subject": []}}),
            json!({"issuer": issuer, "claims": {"subject": ["tid", ""]}}),
            json!({"issuer": issuer, "refresh": {"every_seconds": 1}}),
            json!({"client_auth": "private_key_jwt", "tenants": [ONE]}),
            json!({"issuer": issuer, "assertion": {"key_id": "k"}}),
            json!({"issuer": issuer, "client_auth": "client_secret_jwt", "assertion": {"algorithm": "RS256"}}),
            json!({"issuer": issuer, "client_auth": "private_key_jwt", "assertion": {"algorithm": "HS256"}}),
            json!({"issuer": issuer, "client_auth": "private_key_jwt", "assertion": {"audience": "http://id.example.com"}}),
            json!({"issuer": issuer, "response_type": "none"}),
            json!({"issuer": issuer, "response_type": "token"}),
            json!({"issuer": issuer, "response_type": "code id_token", "response_mode": "query"}),
            json!({"issuer": issuer, "response_type": "id_token token", "refresh": {"every_seconds": 60}}),
            json!({"issuer": issuer, "refresh": {"every_seconds": 60, "continue_seconds": 10_000_000}}),
            json!({"issuer": issuer, "sign_out": {"at": {"url": "http://id.example.com", "return_parameter": "to"}}}),
            json!({"issuer": issuer, "sign_out": {"at": {"url": "https://id.example.com", "return_parameter": "a b"}}}),
        ] {
            assert!(settings(&odd)?.check().is_err(), "{odd}");
        }
        Ok(())
    }
}
