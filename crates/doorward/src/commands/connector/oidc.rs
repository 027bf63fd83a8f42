//! Flags of providers that speak OpenID Connect.

use crate::commands::connector::add::{Common, pair};
use crate::commands::connector::speech::Speech;
use clap::Args;
use doorward_engine::federation::settings::{ClaimNames, Kind, OidcSettings, Refresh, SignOut};
use doorward_model::secret_ref::SecretRef;

/// A new connector.
#[derive(Args, Debug)]
pub struct Oidc {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    speech: Speech,
    /// The provider's issuer, letter by letter as its tokens say it.
    #[arg(long, value_name = "URL")]
    issuer: String,
    /// What Doorward is called there.
    #[arg(long, value_name = "ID")]
    client_id: String,
    /// Where the client secret is kept: env:NAME, file:/PATH or k8s:NAMESPACE/NAME#KEY. Without it Doorward is a public client there.
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
    /// Sign people who sign out here out at the provider too.
    #[arg(long)]
    sign_out_there: bool,
    /// The same at a page of the provider's own making, which is told the client id and where to return.
    #[arg(long, value_name = "URL", conflicts_with = "sign_out_there")]
    sign_out_url: Option<String>,
    /// The parameter of that page that says where to return.
    #[arg(long, value_name = "NAME", default_value = "logout_uri", requires = "sign_out_url")]
    sign_out_return_parameter: String,
    /// Ask the provider again for people who came through it, every so many seconds: whoever it does not vouch for any
    /// longer is out, and what it says of groups counts from then on.
    #[arg(long, value_name = "SECONDS")]
    refresh_every: Option<u32>,
    /// How much longer sessions go on while the provider cannot be asked, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 0, requires = "refresh_every")]
    continue_for: u32,
    /// Where the provider sends browsers back to, when its application knows Houston: /v1/oauth/callback/ or
    /// /v1/oauth/redirect/.
    #[arg(long, value_name = "PATH")]
    callback_path: Option<String>,
    /// How far the provider's clock may be apart, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    clock_tolerance: u32,
}

impl Oidc {
    /// What every kind has, and what this one is.
    pub fn read(self) -> (Common, Kind) {
        let mut settings = OidcSettings {
            secret_from: self.client_secret_ref,
            scopes: self.scopes,
            parameters: self.parameter.into_iter().collect(),
            user_info: !self.no_user_info,
            claims: ClaimNames { name: self.name_claims, groups: self.groups_claim, ..ClaimNames::default() },
            clock_tolerance_seconds: self.clock_tolerance,
            hosted_domains: self.hosted_domain,
            addresses_are_proved: self.addresses_are_proved,
            callback_path: self.callback_path,
            sign_out: match self.sign_out_url {
                Some(url) => Some(SignOut::At { url, return_parameter: self.sign_out_return_parameter }),
                None => self.sign_out_there.then_some(SignOut::Published),
            },
            refresh: self
                .refresh_every
                .map(|every_seconds| Refresh { every_seconds, continue_seconds: self.continue_for }),
            ..OidcSettings::of(self.issuer, self.client_id)
        };
        self.speech.put(&mut settings);
        (self.common, Kind::Oidc(settings))
    }
}
