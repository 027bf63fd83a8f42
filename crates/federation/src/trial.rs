//! Trying out what a connector rests on before anybody signs in: what Doorward proves itself with, and directories that are
//! asked for groups. Nothing is used up by it, and no person is asked about but an administrator.

use crate::client_auth;
use crate::google;
use crate::metadata::ClientAuth;
use crate::providers::{Providers, Published};
use crate::tokens::Secret;
use crate::trouble::Trouble;
use doorward_engine::federation::Connector;
use doorward_engine::federation::settings::{Directory, Kind, OAuth2Settings, OidcSettings};
use doorward_model::time::Timestamp;

/// What stands in place of a code, a redirect URI's path and a verifier: nobody was given it.
const NO_CODE: &str = "doorward-connector-test-0123456789-0123456789-0123456789";

/// What a token endpoint says of a code it never gave, once it has taken the client for what it says it is.
const OF_CODES: [&str; 3] = ["invalid_grant", "bad_verification_code", "redirect_uri_mismatch"];

/// What it says to a client it does not take, whatever the code (RFC 6749 §5.2; `access_denied` is Auth0's).
const OF_CLIENTS: [&str; 3] = ["invalid_client", "unauthorized_client", "access_denied"];

/// What came of trying a connector out.
#[derive(Debug, Default)]
pub struct Tried {
    /// Everything that is wrong with it, as this process sees it.
    pub troubles: Vec<Trouble>,
    /// What the provider says of the client, where it is asked: one sentence.
    pub client: Option<String>,
}

impl Tried {
    fn of(outcome: Result<String, Trouble>) -> Self {
        match outcome {
            Ok(words) => Self { troubles: Vec::new(), client: Some(words) },
            Err(trouble) => Self { troubles: vec![trouble], client: None },
        }
    }
}

impl Providers {
    /// Tries what can be tried without anybody signing in.
    pub async fn tried(&self, connector: &Connector, now: Timestamp, sealed: Secret) -> Tried {
        match &connector.settings.kind {
            Kind::Oidc(oidc) => self.tried_oidc((connector, oidc), now, sealed).await,
            Kind::OAuth2(oauth2) => Tried::of(self.tried_oauth2(oauth2, sealed).await),
            Kind::Ldap(_) | Kind::Saml(_) | Kind::Kerberos(_) => Tried::default(),
        }
    }

    async fn tried_oidc(
        &self,
        (connector, oidc): (&Connector, &OidcSettings),
        now: Timestamp,
        sealed: Secret,
    ) -> Tried {
        let mut tried = Tried::default();
        // Which of the two ways of showing a secret it is makes no difference to whether there is one to show.
        if let Err(trouble) = client_auth::proof(oidc, ClientAuth::Basic, sealed.clone(), now).await {
            tried.troubles.push(trouble);
        } else if oidc.response_type.has_code()
            // What is wrong with the document is said by whoever asks for it.
            && let Ok(published) = self.published(connector, now).await
        {
            tried = Tried::of(self.tried_client((oidc, now), &published, sealed).await);
        }
        if let Some(Directory::Google(place)) = &oidc.directory {
            tried.troubles.extend(google::groups(&self.outbound, (place, now), &place.administrator).await.err());
        }
        tried
    }

    /// Shows a code nobody was given: what the provider says of it, it says to a client it takes for what it is.
    async fn tried_client(
        &self,
        asked: (&OidcSettings, Timestamp),
        published: &Published,
        sealed: Secret,
    ) -> Result<String, Trouble> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", NO_CODE),
            ("redirect_uri", asked.0.issuer.as_str()),
            ("code_verifier", NO_CODE),
        ];
        let (error, trouble) = match self.exchange(asked, published, &form, sealed).await {
            Ok(_) => return Err(Trouble::Refused("it takes any code: that is no token endpoint".to_owned())),
            Err(Trouble::NotVouched(error)) => (error.clone(), Trouble::NotVouched(error)),
            Err(Trouble::Status { what, status, words }) => (words.clone(), Trouble::Status { what, status, words }),
            Err(trouble) => return Err(trouble),
        };
        if error.contains("invalid_grant") {
            return Ok("the provider takes it for what it is".to_owned());
        }
        let is_of_client = matches!(trouble, Trouble::Status { status: 401 | 403, .. })
            || OF_CLIENTS.iter().any(|code| error.contains(code));
        match is_of_client {
            true => Err(Trouble::Client(error.trim_start_matches(": ").to_owned())),
            false if trouble.may_pass() => Err(trouble),
            false => Ok(format!("not known: to a code it never gave, the provider says no more than {trouble}")),
        }
    }

    async fn tried_oauth2(&self, oauth2: &OAuth2Settings, sealed: Secret) -> Result<String, Trouble> {
        let says_so = |words: &str| OF_CODES.iter().any(|code| words.contains(code));
        let taken = || Ok("the provider takes it for what it is".to_owned());
        match self.token(oauth2, (NO_CODE, &oauth2.issuer, NO_CODE), sealed).await {
            Ok(_) => Err(Trouble::Refused("it takes any code: that is no token endpoint".to_owned())),
            Err(Trouble::Malformed { why, .. }) if says_so(&why) => taken(),
            Err(Trouble::Status { words, .. }) if says_so(&words) => taken(),
            Err(trouble) => Err(trouble),
        }
    }
}
