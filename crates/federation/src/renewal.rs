//! Asking a provider again for somebody it vouched for (OIDC Core §12).

use crate::id_token::Asked;
use crate::providers::{Providers, spoken};
use crate::tokens::Secret;
use crate::trouble::Trouble;
use doorward_engine::federation::kept::Kept;
use doorward_engine::federation::{Connector, ExternalIdentity};
use doorward_model::time::Timestamp;

impl Providers {
    /// What a provider says now of somebody, and what it gave to ask again with. Whose it is, is the caller's to compare.
    ///
    /// # Errors
    /// [`Trouble::NotVouched`]: it vouches for them no longer; any other [`Trouble`]: nothing is known.
    pub async fn renewed(
        &self,
        connector: &Connector,
        now: Timestamp,
        (kept, subject): (&Kept, &str),
        sealed: Secret,
    ) -> Result<ExternalIdentity, Trouble> {
        let settings = spoken(connector)?;
        let Some(refresh_token) = kept.refresh_token.as_deref() else {
            return Err(Trouble::NotVouched("it gave nothing to ask again with".to_owned()));
        };
        let published = self.published(connector, now).await?;
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        let tokens = self.exchange((settings, now), &published, &form, sealed).await?;
        let asked = Asked {
            settings,
            nonce: None,
            access_token: tokens.access(),
            beside: None,
            now: now.seconds(),
            fresh_since: None,
        };
        let proved = match tokens.text("id_token") {
            Some(token) => Some(self.proved((connector, now), &published, (token, &asked)).await?),
            None => None,
        };
        // Without an ID token the userinfo endpoint says who it is, and must say the same as before.
        let sub = proved.as_ref().map_or(Ok(subject), |proved| proved.subject())?.to_owned();
        let mut identity = self.identity((connector, now), &published, (&tokens, proved), &sub).await?;
        if settings.refresh.is_some() && identity.kept.refresh_token.is_none() {
            identity.kept.refresh_token.clone_from(&kept.refresh_token);
        }
        if identity.kept.id_token.is_none() {
            identity.kept.id_token.clone_from(&kept.id_token);
        }
        Ok(identity)
    }
}
