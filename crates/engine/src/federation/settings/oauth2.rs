//! Providers that speak OAuth 2 and nothing above it: who somebody is, is what an address says for their token.

use crate::federation::settings::{ClaimNames, is_safe};
use crate::limits;
use doorward_model::secret_ref::SecretRef;
use doorward_oauth::scope::Scopes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A provider that speaks OAuth 2.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OAuth2Settings {
    /// Who vouches for its people: its address.
    pub issuer: String,
    /// Where people are sent.
    pub authorization_url: String,
    /// Where codes become tokens.
    pub token_url: String,
    /// What says of somebody who they are, for their token.
    pub user_info_url: String,
    /// What Doorward is called there.
    pub client_id: String,
    /// Where the client secret is kept, when it is not sealed in the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_from: Option<SecretRef>,
    /// What is asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// More parameters of the authorization request.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    /// Under which names the provider says what.
    #[serde(default)]
    pub claims: ClaimNames,
    /// Whether the provider's addresses are proved although it does not say so.
    #[serde(default)]
    pub addresses_are_proved: bool,
    /// Addresses and memberships are asked for as GitHub has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub github: Option<GitHub>,
}

/// What is asked of GitHub beside who somebody is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GitHub {
    /// Where its REST API is.
    pub api: String,
    /// Organisations and teams (`ORGANISATION/TEAM`) whose people come in; everybody when empty. An organisation is
    /// written by its name or its number, a team by its slug.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub organizations: Vec<String>,
}

/// Parameters of the authorization request that Doorward sets itself.
const OURS: [&str; 7] =
    ["client_id", "response_type", "redirect_uri", "state", "scope", "code_challenge", "code_challenge_method"];

impl OAuth2Settings {
    /// GitHub, at github.com or at an address of the company's own.
    pub fn github(url: &str, client_id: String, organizations: Vec<String>) -> Self {
        let base = url.trim_end_matches('/');
        let is_theirs = base == "https://github.com";
        let api = if is_theirs { "https://api.github.com".to_owned() } else { format!("{base}/api/v3") };
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        Self {
            issuer: base.to_owned(),
            authorization_url: format!("{base}/login/oauth/authorize"),
            token_url: format!("{base}/login/oauth/access_token"),
            user_info_url: format!("{api}/user"),
            client_id,
            secret_from: None,
            scopes: words(&["read:user", "user:email", "read:org"]),
            parameters: BTreeMap::new(),
            claims: ClaimNames { subject: words(&["id"]), name: words(&["login"]), ..ClaimNames::default() },
            addresses_are_proved: false,
            github: Some(GitHub { api, organizations }),
        }
    }

    pub(super) fn essence(&self) -> Self {
        Self { secret_from: None, ..self.clone() }
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let api = self.github.iter().map(|github| &github.api);
        let urls = [&self.issuer, &self.authorization_url, &self.token_url, &self.user_info_url];
        if let Some(odd) = urls.into_iter().chain(api).find(|url| !is_safe(url) || url.contains('#')) {
            return Err(format!("`{}` is no https:// URL without a fragment", odd.escape_debug()));
        }
        if self.client_id.is_empty() || self.client_id.len() > limits::ISSUER_BYTES {
            return Err("the client id is what the provider gave to Doorward; it is missing".to_owned());
        }
        let is_one = |scope: &str| Scopes::parse(scope).is_ok_and(|one| one.iter().count() == 1);
        if let Some(scope) = self.scopes.iter().find(|scope| !is_one(scope)) {
            return Err(format!("`{}` is no scope: write several with commas between them", scope.escape_debug()));
        }
        if let Some(name) = self.parameters.keys().find(|name| OURS.contains(&name.as_str())) {
            return Err(format!("the parameter {name} is set by Doorward itself: leave it out"));
        }
        if self.claims.subject.is_empty() || self.claims.subject.iter().any(String::is_empty) {
            return Err("people are told apart by at least one member of what is said of them, such as id".to_owned());
        }
        let is_place = |text: &str| {
            let mut parts = text.split('/');
            let fits =
                |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
            parts.next().is_some_and(fits) && parts.next().is_none_or(fits) && parts.next().is_none()
        };
        let mut places = self.github.iter().flat_map(|github| &github.organizations);
        if let Some(odd) = places.find(|place| !is_place(place)) {
            return Err(format!("`{}` is no organisation, and no team: write ORG or ORG/TEAM", odd.escape_debug()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn github_is_where_it_is_and_so_is_its_api() {
        let theirs = OAuth2Settings::github("https://github.com/", "x".to_owned(), vec!["acme/data".to_owned()]);
        assert_eq!(
            (theirs.issuer.as_str(), theirs.user_info_url.as_str()),
            ("https://github.com", "https://api.github.com/user")
        );
        assert_eq!(theirs.check(), Ok(()));
        let own = OAuth2Settings::github("https://git.example.com", "x".to_owned(), Vec::new());
        assert_eq!(own.user_info_url, "https://git.example.com/api/v3/user");
        for odd in ["", "/team", "acme/", "acme/a/b", "acme corp", "acme?x"] {
            let odd = OAuth2Settings::github("https://github.com", "x".to_owned(), vec![odd.to_owned()]);
            assert!(odd.check().is_err(), "{odd:?}");
        }
        let clear = OAuth2Settings { token_url: "http://github.com/x".to_owned(), ..theirs.clone() };
        assert!(clear.check().is_err());
        let ours = OAuth2Settings { parameters: BTreeMap::from([("state".to_owned(), "x".to_owned())]), ..theirs };
        assert!(ours.check().is_err());
    }
}
