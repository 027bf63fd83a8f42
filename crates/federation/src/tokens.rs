//! What a provider's token endpoint gives, and what follows from it of somebody (OIDC Core §3.1.3, §5.3, §12).

use crate::claims;
use crate::client_auth;
use crate::directory;
use crate::google;
use crate::id_token::{self, Asked};
use crate::providers::{Providers, Published, spoken};
use crate::trouble::Trouble;
use doorward_engine::federation::kept::Kept;
use doorward_engine::federation::settings::{Directory, OidcSettings, SignOut};
use doorward_engine::federation::{Connector, ExternalIdentity};
use doorward_jose::bad::BadToken;
use doorward_jose::claims::Claims;
use doorward_jose::json;
use doorward_model::time::Timestamp;
use doorward_model::told::told;
use doorward_outbound::Answer;
use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// The client's own credential at the provider, where it is kept here.
pub type Secret = Option<Zeroizing<String>>;

const TOKEN_ENDPOINT: &str = "the token endpoint";
const USER_INFO: &str = "the userinfo endpoint";

/// Errors of a token endpoint that say something of the person, or of what they agreed to; all others are ours or the
/// provider's own (RFC 6749 §5.2, OIDC Core §3.1.2.6).
const NOT_VOUCHED: [&str; 5] =
    ["invalid_grant", "interaction_required", "login_required", "consent_required", "access_denied"];

/// What the token endpoint gave.
pub(crate) struct Tokens(Map<String, Value>);

impl Tokens {
    /// Those that came through the browser, once they are proved.
    pub(crate) fn of_browser(id_token: &str, access_token: &str) -> Self {
        let given = [("id_token", id_token), ("access_token", access_token)];
        let given = given.into_iter().filter(|(_, token)| !token.is_empty());
        Self(given.map(|(name, token)| (name.to_owned(), Value::from(token))).collect())
    }

    /// One of them.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// The access token; empty when there is none.
    pub(crate) fn access(&self) -> &str {
        self.text("access_token").unwrap_or_default()
    }

    /// What of them is needed later.
    pub(crate) fn kept(&self, settings: &OidcSettings) -> Kept {
        let mut kept = Kept::default();
        if settings.sign_out == Some(SignOut::Published) {
            kept.id_token = self.text("id_token").map(str::to_owned);
        }
        if settings.refresh.is_some() {
            kept.refresh_token = self.text("refresh_token").map(str::to_owned);
        }
        kept
    }
}

impl Providers {
    /// Asks the token endpoint.
    pub(crate) async fn exchange(
        &self,
        (settings, now): (&OidcSettings, Timestamp),
        published: &Published,
        form: &[(&str, &str)],
        sealed: Secret,
    ) -> Result<Tokens, Trouble> {
        let proof = client_auth::proof(settings, published.metadata.client_auth, sealed, now).await?;
        let shown = proof.fields.iter().map(|(name, value)| (*name, value.as_str()));
        let form: Vec<(&str, &str)> = form.iter().copied().chain(shown).collect();
        let authorization = proof.authorization.clone();
        let answer = self.outbound.post_form_as(&published.metadata.token, &form, authorization).await?;
        if let Some(error) = said_error(&answer).filter(|error| NOT_VOUCHED.contains(&error.as_str())) {
            return Err(Trouble::NotVouched(error));
        }
        object(TOKEN_ENDPOINT, &answer).map(Tokens)
    }

    /// What an ID token proves; with newer keys, when it names one that is not known.
    pub(crate) async fn proved(
        &self,
        (connector, now): (&Connector, Timestamp),
        published: &Published,
        (token, asked): (&str, &Asked<'_>),
    ) -> Result<Claims, Trouble> {
        match id_token::check(&published.keys, token, asked) {
            Err(Trouble::Token(BadToken::UnknownKey)) => {
                id_token::check(&*self.newer_keys(connector, now).await?, token, asked)
            }
            proved => proved,
        }
    }

    /// Who somebody is, by their ID token and whatever else the provider says of them.
    pub(crate) async fn identity(
        &self,
        (connector, now): (&Connector, Timestamp),
        published: &Published,
        (tokens, proved): (&Tokens, Option<Claims>),
        subject: &str,
    ) -> Result<ExternalIdentity, Trouble> {
        let settings = spoken(connector)?;
        let token = proved.map(Claims::into_map).unwrap_or_default();
        let more = match &published.metadata.user_info {
            Some(url) if !tokens.access().is_empty() && (settings.user_info || token.is_empty()) => {
                self.user_info(url, tokens.access(), subject).await?
            }
            _ if token.is_empty() => return Err(Trouble::malformed(TOKEN_ENDPOINT, "it gave no ID token")),
            _ => Map::new(),
        };
        let groups = match &settings.directory {
            Some(Directory::Graph(graph)) if claims::are_left_out(settings, &token) => {
                Some(directory::groups(&self.outbound, graph, tokens.access()).await?)
            }
            Some(Directory::Google(place)) => Some(google::groups(&self.outbound, (place, now), subject).await?),
            _ => None,
        };
        let mut identity = claims::identity_with(settings, (token, more), groups)?;
        identity.kept = tokens.kept(settings);
        Ok(identity)
    }

    /// What the userinfo endpoint says of the same person (OIDC Core §5.3.4).
    async fn user_info(&self, url: &str, token: &str, subject: &str) -> Result<Map<String, Value>, Trouble> {
        let answer = self.outbound.get_as(url, Some(bearer(token)?)).await?;
        if matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return Err(Trouble::NotVouched(format!("{USER_INFO} answered {}", answer.status.as_u16())));
        }
        let claims = object(USER_INFO, &answer)?;
        if claims.get("sub").and_then(Value::as_str) != Some(subject) {
            return Err(Trouble::malformed(USER_INFO, "it speaks of somebody else than the ID token"));
        }
        Ok(claims)
    }
}

/// A token as it is shown (RFC 6750 §2.1).
pub(crate) fn bearer(token: &str) -> Result<HeaderValue, Trouble> {
    sensitive(&format!("Bearer {token}"))
}

pub(crate) fn sensitive(text: &str) -> Result<HeaderValue, Trouble> {
    let mut value =
        HeaderValue::from_str(text).map_err(|_| Trouble::malformed(TOKEN_ENDPOINT, "its token is no text"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn said_error(answer: &Answer) -> Option<String> {
    if answer.status == StatusCode::OK {
        return None;
    }
    json::object(&answer.body).ok()?.get("error").and_then(Value::as_str).map(told)
}

/// The JSON object of an answer; the provider's own error otherwise.
pub(crate) fn object(what: &'static str, answer: &Answer) -> Result<Map<String, Value>, Trouble> {
    let read = json::object(&answer.body);
    if answer.status != StatusCode::OK {
        let said = |name: &str| read.as_ref().ok().and_then(|all| all.get(name)).and_then(Value::as_str);
        let words = [said("error"), said("error_description")].into_iter().flatten().collect::<Vec<_>>().join(", ");
        let words = if words.is_empty() { words } else { format!(": {}", told(&words)) };
        return Err(Trouble::Status { what, status: answer.status.as_u16(), words });
    }
    read.map_err(|why| Trouble::malformed(what, why))
}
