//! Flags of how a provider is spoken to, which all that speak OpenID Connect have.

use clap::Args;
use doorward_engine::federation::settings::{Assertion, ClientAuth, OidcSettings, ResponseMode, ResponseType};
use doorward_model::secret_ref::SecretRef;

/// How a provider is spoken to.
#[derive(Args, Debug)]
pub struct Speech {
    /// What the browser brings back from the provider: code, id_token, "code id_token", or one of these with token.
    #[arg(long, value_name = "TYPE", default_value = "code", value_parser = ResponseType::parse)]
    response_type: ResponseType,
    /// How it brings that: query, fragment or form_post. In the usual way of the type when nothing is said.
    #[arg(long, value_name = "MODE", value_parser = mode)]
    response_mode: Option<ResponseMode>,
    /// How Doorward proves itself at the token endpoint: client_secret_basic, client_secret_post, client_secret_jwt or
    /// private_key_jwt, whose key stands where a secret would. As the provider publishes when nothing is said.
    #[arg(long, value_name = "WAY", value_parser = way)]
    client_auth: Option<ClientAuth>,
    /// What such a key is called there (kid).
    #[arg(long, value_name = "ID", requires = "client_auth")]
    key_id: Option<String>,
    /// What it signs with: RS256, PS256, ES256 or EdDSA. By its type when nothing is said.
    #[arg(long, value_name = "NAME", requires = "client_auth")]
    key_algorithm: Option<String>,
    /// Where its certificate is, for providers that know keys by certificates (x5t#S256), as Entra ID: file:/PATH, ….
    #[arg(long, value_name = "REFERENCE", value_parser = SecretRef::parse, requires = "client_auth")]
    certificate_ref: Option<SecretRef>,
    /// Whom the signed proof is for, when that is not the issuer.
    #[arg(long, value_name = "URL", requires = "client_auth")]
    assertion_audience: Option<String>,
}

impl Speech {
    /// Settings of somebody who is spoken to so.
    pub fn put(self, settings: &mut OidcSettings) {
        settings.response_type = self.response_type;
        settings.response_mode = self.response_mode;
        settings.client_auth = self.client_auth;
        *settings.assertion = Assertion {
            algorithm: self.key_algorithm,
            key_id: self.key_id,
            certificate_from: self.certificate_ref,
            audience: self.assertion_audience,
        };
    }
}

fn mode(text: &str) -> Result<ResponseMode, String> {
    match text {
        "query" => Ok(ResponseMode::Query),
        "fragment" => Ok(ResponseMode::Fragment),
        "form_post" => Ok(ResponseMode::FormPost),
        _ => Err("an answer comes by query, fragment or form_post".to_owned()),
    }
}

fn way(text: &str) -> Result<ClientAuth, String> {
    match text {
        "client_secret_basic" => Ok(ClientAuth::ClientSecretBasic),
        "client_secret_post" => Ok(ClientAuth::ClientSecretPost),
        "client_secret_jwt" => Ok(ClientAuth::ClientSecretJwt),
        "private_key_jwt" => Ok(ClientAuth::PrivateKeyJwt),
        _ => Err("write client_secret_basic, client_secret_post, client_secret_jwt or private_key_jwt".to_owned()),
    }
}
