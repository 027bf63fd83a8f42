//! Flags of providers that speak OpenID Connect.

use crate::commands::connector::add::{Common, pair};
use clap::Args;
use doorward_engine::federation::settings::{ClaimNames, Kind, OidcSettings};
use doorward_model::secret_ref::SecretRef;

/// A new connector.
#[derive(Args, Debug)]
pub struct Oidc {
    #[command(flatten)]
    common: Common,
    /// The provider's issuer, letter by letter as its tokens say it.
    #[arg(long, value_name = "URL")]
    issuer: String,
    /// What Doorward is called there.
    #[arg(long, value_name = "ID")]
    client_id: String,
    /// Where the client secret is kept: env:NAME or file:/PATH. Without it Doorward is a public client there.
    #[arg(long, value_name = "REFERENCE", value_parser = SecretRef::parse)]
    client_secret_ref: Option<SecretRef>,
    /// Scopes to ask for besides openid, with commas between them.
    #[arg(long, value_delimiter = ',', value_name = "SCOPE", default_value = "profile,email")]
    scopes: Vec<String>,
    /// One more parameter of the authorization request, such as audience=API; may be repeated.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    parameter: Vec<(String, String)>,
    /// Do not ask the userinfo endpoint.
    #[arg(long)]
    no_user_info: bool,
    /// Claims the user name is taken from, the first that is there.
    #[arg(long, value_delimiter = ',', value_name = "CLAIM", default_value = "preferred_username,email")]
    name_claims: Vec<String>,
    /// The claim groups are read from; a dot leads into an object. Empty for none.
    #[arg(long, value_name = "CLAIM", default_value = "groups")]
    groups_claim: String,
    /// The provider's addresses are proved although it does not say so, as with Entra ID; names that look like an
    /// address count too.
    #[arg(long)]
    addresses_are_proved: bool,
    /// The only values of the claim hd that may come in; may be repeated.
    #[arg(long, value_name = "DOMAIN")]
    hosted_domain: Vec<String>,
    /// How far the provider's clock may be apart, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    clock_tolerance: u32,
}

impl Oidc {
    /// What every kind has, and what this one is.
    pub fn read(self) -> (Common, Kind) {
        let kind = Kind::Oidc(OidcSettings {
            issuer: self.issuer,
            client_id: self.client_id,
            secret_from: self.client_secret_ref,
            scopes: self.scopes,
            parameters: self.parameter.into_iter().collect(),
            user_info: !self.no_user_info,
            claims: ClaimNames { name: self.name_claims, groups: self.groups_claim, ..ClaimNames::default() },
            clock_tolerance_seconds: self.clock_tolerance,
            hosted_domains: self.hosted_domain,
            addresses_are_proved: self.addresses_are_proved,
        });
        (self.common, kind)
    }
}
