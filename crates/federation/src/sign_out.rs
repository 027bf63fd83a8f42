//! Signing out together with a provider: whether its word is its own, and the way to its own page.

use crate::logout_token;
use crate::providers::{Providers, spoken};
use crate::trouble::Trouble;
use doorward_engine::federation::Connector;
use doorward_engine::federation::kept::Kept;
use doorward_engine::federation::logout::Word;
use doorward_engine::federation::settings::SignOut;
use doorward_jose::bad::BadToken;
use doorward_model::time::Timestamp;
use url::Url;

impl Providers {
    /// Whom a provider says to have signed out there (Back-Channel Logout §2.6).
    ///
    /// # Errors
    /// [`Trouble`]: it is not the provider's word, or its keys cannot be had.
    pub async fn word(&self, connector: &Connector, now: Timestamp, token: &str) -> Result<Word, Trouble> {
        let settings = spoken(connector)?;
        let published = self.published(connector, now).await?;
        match logout_token::check(&published.keys, token, settings, now.seconds()) {
            Err(Trouble::Token(BadToken::UnknownKey)) => {
                let keys = self.newer_keys(connector, now).await?;
                logout_token::check(&keys, token, settings, now.seconds())
            }
            word => word,
        }
    }

    /// Where a browser is sent whose person signs out (RP-Initiated Logout §2), to come back with this
    /// `state`, as far as the provider repeats one.
    ///
    /// # Errors
    /// [`Trouble`]: the provider cannot be asked where that is, or has no such place.
    pub async fn way_out(
        &self,
        connector: &Connector,
        now: Timestamp,
        (kept, back, state): (&Kept, &str, &str),
    ) -> Result<String, Trouble> {
        let settings = spoken(connector)?;
        let client_id = ("client_id", settings.client_id.as_str());
        match &settings.sign_out {
            None => Err(Trouble::Claim("nothing of signing out: the connector does not do that")),
            Some(SignOut::At { url, return_parameter }) => {
                let mut url = Url::parse(url).map_err(|why| Trouble::malformed("the page for signing out", why))?;
                url.query_pairs_mut().extend_pairs([client_id, (return_parameter, back)]);
                Ok(url.into())
            }
            Some(SignOut::Published) => {
                let published = self.published(connector, now).await?.metadata.end_session.clone();
                let mut url = published
                    .ok_or_else(|| Trouble::malformed("the discovery document", "it lacks end_session_endpoint"))?;
                let hint = kept.id_token.as_deref().map(|token| ("id_token_hint", token));
                let more = [client_id, ("post_logout_redirect_uri", back), ("state", state)];
                url.query_pairs_mut().extend_pairs(hint.into_iter().chain(more));
                Ok(url.into())
            }
        }
    }
}
