//! Trying out what a connector rests on before anybody signs in: what Doorward proves itself with, and directories that are
//! asked for groups. Nothing is used up by it, and no person is asked about but an administrator.

use crate::client_auth;
use crate::google;
use crate::metadata::ClientAuth;
use crate::providers::Providers;
use crate::tokens::Secret;
use crate::trouble::Trouble;
use doorward_engine::federation::Connector;
use doorward_engine::federation::settings::{Directory, Kind, OAuth2Settings, OidcSettings};
use doorward_model::time::Timestamp;

/// What stands in place of a code, a redirect URI's path and a verifier: nobody was given it.
const NO_CODE: &str = "doorward-connector-test-0123456789-0123456789-0123456789";

/// What a token endpoint says of a code it never gave, once it has taken the client for what it says it is.
const OF_CODES: [&str; 3] = ["invalid_grant", "bad_verification_code", "redirect_uri_mismatch"];

impl Providers {
    /// Everything that is wrong with it, as this process sees it.
    pub async fn tried(&self, connector: &Connector, now: Timestamp, sealed: Secret) -> Vec<Trouble> {
        match &connector.settings.kind {
            Kind::Oidc(oidc) => self.tried_oidc(oidc, now, sealed).await,
            Kind::OAuth2(oauth2) => self.tried_oauth2(oauth2, sealed).await.err().into_iter().collect(),
            Kind::Ldap(_) | Kind::Saml(_) | Kind::Kerberos(_) => Vec::new(),
        }
    }

    async fn tried_oidc(&self, oidc: &OidcSettings, now: Timestamp, sealed: Secret) -> Vec<Trouble> {
        let mut troubles = Vec::new();
        // Which of the two ways of showing a secret it is makes no difference to whether there is one to show.
        troubles.extend(client_auth::proof(oidc, ClientAuth::Basic, sealed, now).await.err());
        if let Some(Directory::Google(place)) = &oidc.directory {
            troubles.extend(google::groups(&self.outbound, (place, now), &place.administrator).await.err());
        }
        troubles
    }

    /// Shows a code nobody was given: what the provider says of it, it says to a client it knows.
    async fn tried_oauth2(&self, oauth2: &OAuth2Settings, sealed: Secret) -> Result<(), Trouble> {
        let says_so = |words: &str| OF_CODES.iter().any(|code| words.contains(code));
        match self.token(oauth2, (NO_CODE, &oauth2.issuer, NO_CODE), sealed).await {
            Ok(_) => Err(Trouble::Refused("it takes any code: that is no token endpoint".to_owned())),
            Err(Trouble::Malformed { why, .. }) if says_so(&why) => Ok(()),
            Err(Trouble::Status { words, .. }) if says_so(&words) => Ok(()),
            Err(trouble) => Err(trouble),
        }
    }
}
