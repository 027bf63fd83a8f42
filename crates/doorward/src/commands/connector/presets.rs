//! Flags of providers whose ways are known.

use crate::commands::connector::add::{Common, pair};
use crate::exit::Exit;
use clap::Args;
use doorward_engine::federation::presets::{Credentials, Preset};
use doorward_engine::federation::settings::OidcSettings;
use doorward_model::secret_ref::SecretRef;

/// What every one of them has.
#[derive(Args, Debug)]
pub struct Known {
    #[command(flatten)]
    common: Common,
    /// What Doorward is called there.
    #[arg(long, value_name = "ID", required_unless_present = "client_id_ref")]
    client_id: Option<String>,
    /// Where that stands: env:NAME or file:/PATH. It is read once, now.
    #[arg(long, value_name = "REFERENCE", value_parser = SecretRef::parse, conflicts_with = "client_id")]
    client_id_ref: Option<SecretRef>,
    /// Where the client secret is kept: env:NAME or file:/PATH. Without it Doorward is a public client there.
    #[arg(long, value_name = "REFERENCE", value_parser = SecretRef::parse)]
    client_secret_ref: Option<SecretRef>,
    /// The claim groups are read from, when it is not the usual one.
    #[arg(long, value_name = "CLAIM")]
    groups_claim: Option<String>,
    /// One more parameter of the authorization request; may be repeated.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    parameter: Vec<(String, String)>,
}

impl Known {
    async fn read(self, preset: Preset, address: &str) -> Result<(Common, OidcSettings), Exit> {
        let client_id = match (self.client_id, self.client_id_ref) {
            (Some(id), _) => id,
            (None, Some(reference)) => {
                let read = doorward_world::secrets::read(&reference).await;
                read.map_err(|why| Exit::usage(format!("--client-id-ref: {why}")))?.to_string()
            }
            (None, None) => String::new(),
        };
        let credentials = Credentials { client_id, secret_from: self.client_secret_ref };
        let mut settings = preset.settings(address, credentials).map_err(Exit::usage)?;
        settings.parameters.extend(self.parameter);
        if let Some(claim) = self.groups_claim {
            settings.claims.groups = claim;
        }
        Ok((self.common, settings))
    }
}

/// Microsoft Entra ID.
#[derive(Args, Debug)]
pub struct Entra {
    #[command(flatten)]
    known: Known,
    /// The tenant's id, or the issuer of its tokens.
    #[arg(long, value_name = "ID")]
    tenant: String,
}

impl Entra {
    /// What every kind has, and what this one is.
    pub async fn read(self) -> Result<(Common, OidcSettings), Exit> {
        self.known.read(Preset::Entra, &self.tenant).await
    }
}

/// Okta.
#[derive(Args, Debug)]
pub struct Okta {
    #[command(flatten)]
    known: Known,
    /// The organisation's address, such as acme.okta.com, or a custom server's issuer.
    #[arg(long, value_name = "ADDRESS")]
    org: String,
}

impl Okta {
    /// What every kind has, and what this one is.
    pub async fn read(self) -> Result<(Common, OidcSettings), Exit> {
        self.known.read(Preset::Okta, &self.org).await
    }
}

/// Auth0.
#[derive(Args, Debug)]
pub struct Auth0 {
    #[command(flatten)]
    known: Known,
    /// The tenant's domain, such as acme.eu.auth0.com, or one's own.
    #[arg(long, value_name = "DOMAIN")]
    tenant_domain: String,
    /// The API access tokens are for.
    #[arg(long, value_name = "IDENTIFIER")]
    audience: Option<String>,
}

impl Auth0 {
    /// What every kind has, and what this one is.
    pub async fn read(self) -> Result<(Common, OidcSettings), Exit> {
        let (common, mut settings) = self.known.read(Preset::Auth0, &self.tenant_domain).await?;
        settings.parameters.extend(self.audience.map(|audience| ("audience".to_owned(), audience)));
        Ok((common, settings))
    }
}

/// Amazon Cognito.
#[derive(Args, Debug)]
pub struct Cognito {
    #[command(flatten)]
    known: Known,
    /// The user pool's id, such as eu-west-1_AbCdEfGhI.
    #[arg(long, value_name = "ID")]
    pool: String,
}

impl Cognito {
    /// What every kind has, and what this one is.
    pub async fn read(self) -> Result<(Common, OidcSettings), Exit> {
        self.known.read(Preset::Cognito, &self.pool).await
    }
}

/// Google.
#[derive(Args, Debug)]
pub struct Google {
    #[command(flatten)]
    known: Known,
    /// The Workspace domains that may come in, by the claim hd; may be repeated. Anybody can have a Google account.
    #[arg(long, value_name = "DOMAIN", required = true)]
    hosted_domain: Vec<String>,
}

impl Google {
    /// What every kind has, and what this one is.
    pub async fn read(self) -> Result<(Common, OidcSettings), Exit> {
        let (common, mut settings) = self.known.read(Preset::Google, "").await?;
        if let [only] = self.hosted_domain.as_slice() {
            // Only a hint of which account to offer; the claim is what counts.
            settings.parameters.insert("hd".to_owned(), only.clone());
        }
        settings.hosted_domains = self.hosted_domain;
        Ok((common, settings))
    }
}

/// A provider told by its issuer.
#[derive(Args, Debug)]
pub struct ByIssuer {
    #[command(flatten)]
    known: Known,
    /// The provider's issuer, letter by letter as its tokens say it.
    #[arg(long, value_name = "URL")]
    issuer: String,
}

impl ByIssuer {
    /// What every kind has, and what this one is.
    pub async fn read(self, preset: Preset) -> Result<(Common, OidcSettings), Exit> {
        self.known.read(preset, &self.issuer).await
    }
}

/// GitLab.
#[derive(Args, Debug)]
pub struct GitLab {
    #[command(flatten)]
    known: Known,
    /// One's own GitLab; gitlab.com when nothing is said.
    #[arg(long, value_name = "URL", default_value = "")]
    url: String,
}

impl GitLab {
    /// What every kind has, and what this one is.
    pub async fn read(self) -> Result<(Common, OidcSettings), Exit> {
        self.known.read(Preset::GitLab, &self.url).await
    }
}
