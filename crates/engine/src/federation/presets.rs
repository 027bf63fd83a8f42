//! Providers whose ways are known: from the few words that tell one from another to ordinary settings. What a preset
//! fills in can be changed afterwards like anything else.

use crate::federation::settings::{ClaimNames, ClientAuth, Directory, OidcSettings, Refresh, SignOut};
use doorward_model::secret_ref::SecretRef;
use std::collections::BTreeMap;

/// A provider whose ways are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// Microsoft Entra ID, one tenant.
    Entra,
    /// Okta, the organisation's own server or a custom one.
    Okta,
    /// Auth0.
    Auth0,
    /// Amazon Cognito.
    Cognito,
    /// Google.
    Google,
    /// Keycloak.
    Keycloak,
    /// GitLab, theirs or one's own.
    GitLab,
    /// authentik.
    Authentik,
    /// Zitadel.
    Zitadel,
    /// Dex.
    Dex,
    /// Anything else that speaks OpenID Connect.
    Generic,
}

/// What a client is called at a provider, and how it proves itself.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Its id.
    pub client_id: String,
    /// Where its secret is kept, when it is not sealed in the store.
    pub secret_from: Option<SecretRef>,
}

const DISCOVERY: &str = "/.well-known/openid-configuration";

impl Preset {
    /// Its settings. The address is an issuer, with or without what stands behind it in the address of the document, or
    /// what tells this one from others of its kind: the tenant of Entra, the organisation of Okta, the domain of Auth0
    /// or Zitadel, the pool of Cognito. Google has one address, and GitLab has one unless another is said.
    ///
    /// # Errors
    /// One sentence: what is missing, or is not what it should be.
    pub fn settings(self, address: &str, credentials: Credentials) -> Result<OidcSettings, String> {
        let issuer = self.issuer(address.trim().trim_end_matches(DISCOVERY))?;
        let Credentials { client_id, secret_from } = credentials;
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let usual =
            OidcSettings { secret_from, scopes: words(&["profile", "email"]), ..OidcSettings::of(issuer, client_id) };
        let names = |first: &[&str], groups: &str| ClaimNames {
            name: words(first),
            groups: groups.to_owned(),
            ..ClaimNames::default()
        };
        Ok(match self {
            Self::Entra => {
                entra(OidcSettings { claims: names(&["preferred_username", "upn", "email"], "groups"), ..usual })
            }
            // The organisation's server gives groups for a scope of that name.
            Self::Okta | Self::Dex => OidcSettings { scopes: words(&["profile", "email", "groups"]), ..usual },
            // No groups but those an action puts under a name of its own.
            Self::Auth0 => OidcSettings { claims: names(&["nickname", "email"], ""), ..usual },
            Self::Cognito => OidcSettings { claims: names(&["cognito:username", "email"], "cognito:groups"), ..usual },
            Self::Google => {
                let parameters = BTreeMap::from([("prompt".to_owned(), "select_account".to_owned())]);
                OidcSettings { claims: names(&["email"], ""), parameters, ..usual }
            }
            Self::GitLab => OidcSettings { claims: names(&["nickname"], "groups_direct"), ..usual },
            Self::Zitadel => OidcSettings {
                scopes: words(&["profile", "email", "urn:zitadel:iam:org:projects:roles"]),
                claims: names(&["preferred_username", "email"], "urn:zitadel:iam:org:project:roles"),
                ..usual
            },
            Self::Keycloak | Self::Authentik | Self::Generic => usual,
        })
    }

    /// Signs people who sign out here out there too, as this provider wants it; `pages` is the domain of its own pages,
    /// where that is another one.
    ///
    /// # Errors
    /// One sentence: what is missing.
    pub fn signs_out(self, settings: &mut OidcSettings, pages: Option<&str>) -> Result<(), String> {
        let page =
            |url: String, return_parameter: &str| SignOut::At { url, return_parameter: return_parameter.to_owned() };
        settings.sign_out = Some(match (self, pages) {
            (Self::Auth0, _) => page(format!("{}v2/logout", settings.issuer), "returnTo"),
            (Self::Cognito, Some(domain)) => {
                let domain = domain.trim_end_matches('/');
                let is_url = domain.contains("://");
                page(format!("{}{domain}/logout", if is_url { "" } else { "https://" }), "logout_uri")
            }
            (Self::Cognito, None) => return Err("the domain of the pool's pages is missing".to_owned()),
            _ => SignOut::Published,
        });
        Ok(())
    }

    /// Says in signed proofs whom they are for, where that is not the issuer.
    pub fn addresses_proofs(self, settings: &mut OidcSettings) {
        let is_said = settings.assertion.audience.is_some();
        if !matches!(self, Self::Entra) || is_said || !settings.client_auth.is_some_and(ClientAuth::signs) {
            return;
        }
        // Its token endpoint; people of several tenants come through the one of all organisations.
        let tenant = settings.issuer.strip_suffix("/v2.0").map(|base| base.replace("{tenantid}", "organizations"));
        settings.assertion.audience = tenant.map(|base| format!("{base}/oauth2/v2.0/token"));
    }

    /// Asks the provider again for people who came through it, and for what it takes to do that.
    pub fn asks_again(self, settings: &mut OidcSettings, refresh: Refresh) {
        settings.refresh = Some(refresh);
        match self {
            Self::Entra | Self::Okta | Self::Auth0 | Self::Authentik | Self::Zitadel | Self::Dex => {
                settings.scopes.push("offline_access".to_owned());
            }
            // It knows no such scope.
            Self::Google => settings.parameters.extend(
                [("access_type", "offline"), ("prompt", "consent")]
                    .map(|(name, value)| (name.to_owned(), value.to_owned())),
            ),
            Self::Cognito | Self::Keycloak | Self::GitLab | Self::Generic => {}
        }
    }

    fn issuer(self, address: &str) -> Result<String, String> {
        let is_url = address.contains("://");
        let with_scheme = |text: &str| if is_url { text.to_owned() } else { format!("https://{text}") };
        let bare = |text: &str| with_scheme(text).trim_end_matches('/').to_owned();
        let missing = |what: &str| Err(format!("{what} is missing"));
        match self {
            Self::Google => Ok("https://accounts.google.com".to_owned()),
            Self::GitLab if address.is_empty() => Ok("https://gitlab.com".to_owned()),
            Self::Entra if address.is_empty() => missing("the tenant's id"),
            Self::Entra if is_url => Ok(address.trim_end_matches('/').to_owned()),
            Self::Entra if address.split(',').all(|tenant| is_tenant(tenant.trim())) => Ok(address.to_owned()),
            Self::Entra => Err(format!(
                "`{}` is no id of a tenant: it looks like 9188040d-6c67-4c5b-b112-36a304b66dad, and Entra shows it as Directory (tenant) ID",
                address.escape_debug()
            )),
            Self::Cognito if is_url => Ok(address.trim_end_matches('/').to_owned()),
            Self::Cognito => match address.split_once('_') {
                Some((region, rest)) if !region.is_empty() && !rest.is_empty() => {
                    Ok(format!("https://cognito-idp.{region}.amazonaws.com/{address}"))
                }
                _ => Err("the id of the user pool is missing: it looks like eu-west-1_AbCdEfGhI".to_owned()),
            },
            _ if address.is_empty() => missing("the provider's address"),
            // Its tokens say the slash, whatever its pages show.
            Self::Auth0 => Ok(format!("{}/", bare(address))),
            Self::Okta | Self::Zitadel | Self::GitLab => Ok(bare(address)),
            // Letter by letter: here a slash may be part of it.
            Self::Keycloak | Self::Authentik | Self::Dex | Self::Generic => Ok(with_scheme(address)),
        }
    }
}

/// Microsoft Entra ID. Its `sub` is another one for each application, so people are told apart by tenant and object; its
/// tokens are of one of two issuers; groups are ids, and those of people with too many are looked up.
fn entra(usual: OidcSettings) -> OidcSettings {
    const LOGIN: &str = "https://login.microsoftonline.com";
    const GRAPH: &str = "https://graph.microsoft.com";
    let address = usual.issuer.clone();
    let (issuer, tenants) = if address.contains("://") {
        let tenant = address.split('/').find(|part| is_tenant(part)).map(str::to_owned);
        (address, tenant.into_iter().collect())
    } else {
        let tenants: Vec<String> = address.split(',').map(|tenant| tenant.trim().to_lowercase()).collect();
        let place = if let [only] = tenants.as_slice() { only.as_str() } else { "{tenantid}" };
        (format!("{LOGIN}/{place}/v2.0"), tenants)
    };
    let first_version =
        |issuer: &str| Some(format!("https://sts.windows.net/{}/", issuer.strip_prefix(LOGIN)?.split('/').nth(1)?));
    let subject: &[&str] = if tenants.is_empty() { &["sub"] } else { &["tid", "oid"] };
    let is_one = tenants.len() < 2;
    let mut scopes = usual.scopes;
    scopes.push(format!("{GRAPH}/User.Read"));
    OidcSettings {
        more_issuers: first_version(&issuer).into_iter().collect(),
        discovery: (!is_one).then(|| format!("{LOGIN}/organizations/v2.0{DISCOVERY}")),
        issuer,
        tenants,
        scopes,
        user_info: false,
        claims: ClaimNames {
            subject: subject.iter().map(|name| (*name).to_owned()).collect(),
            // Any tenant can write any address into it; this claim says that the domain is theirs.
            email_verified: "xms_edov".to_owned(),
            ..usual.claims
        },
        // One tenant's addresses are its own to give, and Entra never says that it proved one. Of several, each could give
        // another's.
        addresses_are_proved: is_one,
        // A sign-in name is of a domain the tenant has proved.
        names_are_own: true,
        directory: Some(Directory::Graph(GRAPH.to_owned())),
        secret_from: usual.secret_from,
        ..OidcSettings::of(String::new(), usual.client_id)
    }
}

/// Five groups of hexadecimal digits.
fn is_tenant(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: &str = "0b1c2d3e-0000-4000-8000-0123456789ab";

    fn issuer(preset: Preset, address: &str) -> Result<String, String> {
        let credentials = Credentials { client_id: "doorward".to_owned(), secret_from: None };
        preset.settings(address, credentials).map(|settings| settings.issuer)
    }

    #[test]
    fn few_words_are_enough_to_know_the_issuer() {
        let entra = format!("https://login.microsoftonline.com/{TENANT}/v2.0");
        for (preset, address, expected) in [
            (Preset::Entra, TENANT, entra.as_str()),
            (Preset::Entra, &format!("{entra}/.well-known/openid-configuration"), &entra),
            (Preset::Okta, "acme.okta.com", "https://acme.okta.com"),
            (Preset::Okta, "https://acme.okta.com/oauth2/default/", "https://acme.okta.com/oauth2/default"),
            (Preset::Auth0, "acme.eu.auth0.com", "https://acme.eu.auth0.com/"),
            (Preset::Auth0, "https://acme.eu.auth0.com/", "https://acme.eu.auth0.com/"),
            (Preset::Cognito, "eu-west-1_AbC", "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC"),
            (Preset::Google, "", "https://accounts.google.com"),
            (Preset::GitLab, "", "https://gitlab.com"),
            (Preset::GitLab, "git.example.com", "https://git.example.com"),
            (Preset::Keycloak, "https://id.example.com/realms/main", "https://id.example.com/realms/main"),
            (Preset::Authentik, "https://id.example.com/application/o/x/", "https://id.example.com/application/o/x/"),
            (Preset::Zitadel, "acme.zitadel.cloud", "https://acme.zitadel.cloud"),
            (Preset::Dex, "https://dex.example.com/dex", "https://dex.example.com/dex"),
        ] {
            assert_eq!(issuer(preset, address).as_deref(), Ok(expected), "{preset:?} {address}");
        }
        for (preset, address) in [
            (Preset::Entra, ""),
            (Preset::Entra, "common"),
            (Preset::Entra, "contoso.onmicrosoft.com"),
            (Preset::Entra, "0b1c2d3e00004000800001234567-89ab"),
            (Preset::Cognito, "eu-west-1"),
            (Preset::Cognito, ""),
            (Preset::Okta, ""),
            (Preset::Generic, " "),
        ] {
            assert!(issuer(preset, address).is_err(), "{preset:?} {address}");
        }
    }

    #[test]
    fn entra_is_one_tenant_or_several_and_nobody_elses() -> Result<(), String> {
        const OTHER: &str = "0b1c2d3e-0000-4000-8000-ba9876543210";
        let read = |address: &str| {
            let credentials = Credentials { client_id: "doorward".to_owned(), secret_from: None };
            Preset::Entra.settings(address, credentials)
        };
        let issuer = |tenant: &str| format!("https://login.microsoftonline.com/{tenant}/v2.0");
        let first = |tenant: &str| format!("https://sts.windows.net/{tenant}/");
        let several = format!("{TENANT}, {OTHER}");
        for (address, is_other_in, is_proved) in
            [(TENANT, false, true), (issuer(TENANT).as_str(), false, true), (several.as_str(), true, false)]
        {
            let settings = read(address)?;
            assert!(settings.speaks(&issuer(TENANT), Some(TENANT)) && settings.speaks(&first(TENANT), Some(TENANT)));
            assert_eq!(settings.speaks(&issuer(OTHER), Some(OTHER)), is_other_in, "{address}");
            assert!(!settings.speaks(&issuer(OTHER), Some(TENANT)) && !settings.speaks(&issuer(TENANT), None));
            assert_eq!(
                (settings.claims.subject.as_slice(), settings.addresses_are_proved),
                (&["tid".to_owned(), "oid".to_owned()][..], is_proved)
            );
        }
        Ok(())
    }

    #[test]
    fn every_preset_is_what_a_connector_may_be() -> Result<(), String> {
        use crate::federation::settings::{ConnectorSettings, Kind};
        for (preset, address) in [
            (Preset::Entra, TENANT),
            (Preset::Okta, "acme.okta.com"),
            (Preset::Auth0, "acme.eu.auth0.com"),
            (Preset::Cognito, "eu-west-1_AbC"),
            (Preset::Google, ""),
            (Preset::Keycloak, "https://id.example.com/realms/main"),
            (Preset::GitLab, ""),
            (Preset::Authentik, "https://id.example.com/application/o/x/"),
            (Preset::Zitadel, "acme.zitadel.cloud"),
            (Preset::Dex, "https://dex.example.com/dex"),
            (Preset::Generic, "id.example.com"),
        ] {
            let credentials = Credentials { client_id: "doorward".to_owned(), secret_from: None };
            let mut settings = preset.settings(address, credentials)?;
            ConnectorSettings::of(Kind::Oidc(settings.clone())).check()?;
            preset.signs_out(&mut settings, Some("acme.auth.eu-west-1.amazoncognito.com"))?;
            preset.asks_again(&mut settings, Refresh { every_seconds: 300, continue_seconds: 0 });
            ConnectorSettings::of(Kind::Oidc(settings)).check()?;
        }
        Ok(())
    }
}
