//! Flags of providers whose ways are known.

use crate::commands::connector::add::{Common, pair};
use crate::commands::connector::speech::Speech;
use crate::exit::Exit;
use clap::Args;
use doorward_engine::federation::presets::{Credentials, Preset};
use doorward_engine::federation::settings::{
    ClaimNames, Directory, GoogleDirectory, Kind, OAuth2Settings, OidcSettings, Refresh,
};
use doorward_model::secret_ref::SecretRef;

/// What every one of them has.
#[derive(Args, Debug)]
pub struct Known {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    speech: Speech,
    /// What Doorward is called there.
    #[arg(long, value_name = "ID", required_unless_present = "client_id_ref")]
    client_id: Option<String>,
    /// Where that stands: env:NAME, file:/PATH or k8s:NAMESPACE/NAME#KEY. It is read once, now.
    #[arg(long, value_name = "REFERENCE", value_parser = SecretRef::parse, conflicts_with = "client_id")]
    client_id_ref: Option<SecretRef>,
    /// Where the client secret is kept: env:NAME, file:/PATH or k8s:NAMESPACE/NAME#KEY. Without it Doorward is a public client there.
    #[arg(long, value_name = "REFERENCE", value_parser = SecretRef::parse)]
    client_secret_ref: Option<SecretRef>,
    /// The claim groups are read from, when it is not the usual one.
    #[arg(long, value_name = "CLAIM")]
    groups_claim: Option<String>,
    /// Scopes to ask for besides openid, with commas between them, in place of the usual ones.
    #[arg(long, value_delimiter = ',', value_name = "SCOPE")]
    scopes: Option<Vec<String>>,
    /// Claims the user name is taken from, the first that is there, in place of the usual ones.
    #[arg(long, value_delimiter = ',', value_name = "CLAIM")]
    name_claims: Option<Vec<String>>,
    /// Do not ask the userinfo endpoint.
    #[arg(long)]
    no_user_info: bool,
    /// The provider's addresses are proved although it does not say so.
    #[arg(long)]
    addresses_are_proved: bool,
    /// Where the provider sends browsers back to, when its application knows Houston: /v1/oauth/callback/ or
    /// /v1/oauth/redirect/.
    #[arg(long, value_name = "PATH")]
    callback_path: Option<String>,
    /// How far the provider's clock may be apart, in seconds [default: 60].
    #[arg(long, value_name = "SECONDS")]
    clock_tolerance: Option<u32>,
    /// One more parameter of the authorization request; may be repeated.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    parameter: Vec<(String, String)>,
    /// Sign people who sign out here out at the provider too.
    #[arg(long)]
    sign_out_there: bool,
    /// Ask the provider again for people who came through it, every so many seconds.
    #[arg(long, value_name = "SECONDS")]
    refresh_every: Option<u32>,
    /// How much longer sessions go on while the provider cannot be asked, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 0, requires = "refresh_every")]
    continue_for: u32,
}

impl Known {
    async fn read(self, preset: Preset, address: &str) -> Result<(Common, OidcSettings), Exit> {
        self.read_with(preset, address, None).await
    }

    async fn read_with(
        self,
        preset: Preset,
        address: &str,
        pages: Option<&str>,
    ) -> Result<(Common, OidcSettings), Exit> {
        let client_id = client_id(self.client_id, self.client_id_ref).await?;
        let credentials = Credentials { client_id, secret_from: self.client_secret_ref };
        let mut settings = preset.settings(address, credentials).map_err(Exit::usage)?;
        settings.parameters.extend(self.parameter);
        self.speech.put(&mut settings);
        preset.addresses_proofs(&mut settings);
        if let Some(claim) = self.groups_claim {
            settings.claims.groups = claim;
        }
        settings.scopes = self.scopes.unwrap_or(settings.scopes);
        settings.claims.name = self.name_claims.unwrap_or(settings.claims.name);
        settings.user_info &= !self.no_user_info;
        settings.addresses_are_proved |= self.addresses_are_proved;
        settings.callback_path = self.callback_path.or(settings.callback_path);
        settings.clock_tolerance_seconds = self.clock_tolerance.unwrap_or(settings.clock_tolerance_seconds);
        if self.sign_out_there {
            preset.signs_out(&mut settings, pages).map_err(Exit::usage)?;
        }
        if let Some(every_seconds) = self.refresh_every {
            preset.asks_again(&mut settings, Refresh { every_seconds, continue_seconds: self.continue_for });
        }
        Ok((self.common, settings))
    }
}

async fn client_id(said: Option<String>, reference: Option<SecretRef>) -> Result<String, Exit> {
    match (said, reference) {
        (Some(id), _) => Ok(id),
        (None, Some(reference)) => {
            let read = doorward_world::secrets::read(&reference).await;
            Ok(read.map_err(|why| Exit::usage(format!("--client-id-ref: {why}")))?.to_string())
        }
        (None, None) => Ok(String::new()),
    }
}

/// Microsoft Entra ID.
#[derive(Args, Debug)]
pub struct Entra {
    #[command(flatten)]
    known: Known,
    /// The tenant's id, or the issuer of its tokens; several ids with commas between them for people of several tenants.
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
    /// The domain of the pool's pages; --sign-out-there needs it.
    #[arg(long, value_name = "DOMAIN")]
    pages: Option<String>,
}

impl Cognito {
    /// What every kind has, and what this one is.
    pub async fn read(self) -> Result<(Common, OidcSettings), Exit> {
        self.known.read_with(Preset::Cognito, &self.pool, self.pages.as_deref()).await
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
    /// Where the key of a service account with domain-wide delegation is, to read groups from the directory: file:/PATH,
    /// env:NAME or k8s:NAMESPACE/NAME#KEY.
    #[arg(long, value_name = "REFERENCE", value_parser = SecretRef::parse, requires = "directory_administrator")]
    directory_key_ref: Option<SecretRef>,
    /// The administrator in whose name it asks.
    #[arg(long, value_name = "ADDRESS", requires = "directory_key_ref")]
    directory_administrator: Option<String>,
    /// Groups count that somebody is in by being in another group.
    #[arg(long, requires = "directory_key_ref")]
    nested_groups: bool,
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
        if let (Some(key), Some(administrator)) = (self.directory_key_ref, self.directory_administrator) {
            settings.directory =
                Some(Directory::Google(Box::new(GoogleDirectory::of(key, administrator, self.nested_groups))));
        }
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

/// GitHub.
#[derive(Args, Debug)]
pub struct GitHub {
    #[command(flatten)]
    common: Common,
    /// What Doorward is called there.
    #[arg(long, value_name = "ID", required_unless_present = "client_id_ref")]
    client_id: Option<String>,
    /// Where that stands: env:NAME, file:/PATH or k8s:NAMESPACE/NAME#KEY. It is read once, now.
    #[arg(long, value_name = "REFERENCE", value_parser = SecretRef::parse, conflicts_with = "client_id")]
    client_id_ref: Option<SecretRef>,
    /// Where the client secret is kept: env:NAME, file:/PATH or k8s:NAMESPACE/NAME#KEY.
    #[arg(long, value_name = "REFERENCE", value_parser = SecretRef::parse)]
    client_secret_ref: Option<SecretRef>,
    /// Organisations and teams (ORG/TEAM) whose people come in, with commas between them; everybody without. An
    /// organisation's number stays when it is renamed.
    #[arg(long, value_delimiter = ',', value_name = "ORG")]
    orgs: Vec<String>,
    /// Where a GitHub Enterprise Server is.
    #[arg(long, value_name = "URL", default_value = "https://github.com")]
    url: String,
}

impl GitHub {
    /// What every kind has, and what this one is.
    pub async fn read(self) -> Result<(Common, Kind), Exit> {
        let client_id = client_id(self.client_id, self.client_id_ref).await?;
        let settings = OAuth2Settings::github(&self.url, client_id, self.orgs);
        Ok((self.common, Kind::OAuth2(OAuth2Settings { secret_from: self.client_secret_ref, ..settings })))
    }
}

/// Any provider that speaks OAuth 2.
#[derive(Args, Debug)]
pub struct OAuth2 {
    #[command(flatten)]
    common: Common,
    /// Who vouches for its people: its address.
    #[arg(long, value_name = "URL")]
    issuer: String,
    /// Where people are sent.
    #[arg(long, value_name = "URL")]
    authorization_url: String,
    /// Where codes become tokens.
    #[arg(long, value_name = "URL")]
    token_url: String,
    /// What says of somebody who they are, for their token.
    #[arg(long, value_name = "URL")]
    user_info_url: String,
    /// What Doorward is called there.
    #[arg(long, value_name = "ID")]
    client_id: String,
    /// Where the client secret is kept: env:NAME, file:/PATH or k8s:NAMESPACE/NAME#KEY. Without it Doorward is a public client there.
    #[arg(long, value_name = "REFERENCE", value_parser = SecretRef::parse)]
    client_secret_ref: Option<SecretRef>,
    /// Scopes to ask for, with commas between them.
    #[arg(long, value_delimiter = ',', value_name = "SCOPE")]
    scopes: Vec<String>,
    /// One more parameter of the authorization request; may be repeated.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    parameter: Vec<(String, String)>,
    /// The member that tells somebody from everybody else, for ever: a text or a whole number.
    #[arg(long, value_name = "NAME", default_value = "id")]
    subject_claim: String,
    /// Members the user name is taken from, the first that is there.
    #[arg(long, value_delimiter = ',', value_name = "NAME", default_value = "login,username,email")]
    name_claims: Vec<String>,
    /// The member groups are read from; a dot leads into an object. Empty for none.
    #[arg(long, value_name = "NAME", default_value = "groups")]
    groups_claim: String,
    /// The provider's addresses are proved although it does not say so.
    #[arg(long)]
    addresses_are_proved: bool,
}

impl OAuth2 {
    /// What every kind has, and what this one is.
    pub fn read(self) -> (Common, Kind) {
        let kind = Kind::OAuth2(OAuth2Settings {
            issuer: self.issuer,
            authorization_url: self.authorization_url,
            token_url: self.token_url,
            user_info_url: self.user_info_url,
            client_id: self.client_id,
            secret_from: self.client_secret_ref,
            scopes: self.scopes,
            parameters: self.parameter.into_iter().collect(),
            claims: ClaimNames {
                subject: vec![self.subject_claim],
                name: self.name_claims,
                groups: self.groups_claim,
                ..ClaimNames::default()
            },
            addresses_are_proved: self.addresses_are_proved,
            github: None,
        });
        (self.common, kind)
    }
}
