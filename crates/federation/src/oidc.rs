//! The way to a provider and back (OIDC Core §3.1, RFC 7636, RFC 9207).

use crate::id_token::Asked;
use crate::limits;
use crate::oauth2;
use crate::providers::{Providers, spoken};
use crate::tokens::Secret;
use crate::trouble::{Trouble, told};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_engine::federation::attempt::Attempt;
use doorward_engine::federation::settings::Kind;
use doorward_engine::federation::{Connector, ExternalIdentity};
use doorward_model::time::Timestamp;

/// What came back with the browser.
pub enum Answer<'a> {
    /// A code.
    Code {
        /// The code.
        code: &'a str,
        /// Who says it comes from them (RFC 9207).
        issuer: Option<&'a str>,
    },
    /// The provider's own refusal.
    Refused {
        /// Its code.
        error: &'a str,
        /// Its words.
        description: &'a str,
    },
}

impl Providers {
    /// Where the browser is sent.
    ///
    /// # Errors
    /// [`Trouble`]: the provider cannot be asked where that is.
    pub async fn way(
        &self,
        connector: &Connector,
        now: Timestamp,
        (attempt, state, redirect_uri): (&Attempt, &str, &str),
        login_hint: &str,
    ) -> Result<String, Trouble> {
        if let Kind::OAuth2(settings) = &connector.settings.kind {
            return oauth2::way(settings, (attempt, state, redirect_uri), login_hint);
        }
        let settings = spoken(connector)?;
        let mut url = self.published(connector, now).await?.metadata.authorization.clone();
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, attempt.verifier.as_bytes()));
        let mut scopes = vec!["openid"];
        scopes.extend(settings.scopes.iter().map(String::as_str).filter(|scope| *scope != "openid"));
        {
            let mut pairs = url.query_pairs_mut();
            pairs.append_pair("response_type", "code");
            pairs.append_pair("client_id", &settings.client_id);
            pairs.append_pair("redirect_uri", redirect_uri);
            pairs.append_pair("scope", &scopes.join(" "));
            pairs.append_pair("state", state);
            pairs.append_pair("nonce", &attempt.nonce);
            pairs.append_pair("code_challenge", &challenge);
            pairs.append_pair("code_challenge_method", "S256");
            if let Some(seconds) = attempt.fresh_seconds {
                pairs.append_pair("max_age", &seconds.to_string());
            }
            if !login_hint.is_empty() {
                pairs.append_pair("login_hint", login_hint);
            }
            let must_ask = attempt.fresh_seconds == Some(0);
            if must_ask {
                pairs.append_pair("prompt", "login");
            }
            let is_ours = |name: &str| match name {
                "prompt" => must_ask,
                "max_age" => attempt.fresh_seconds.is_some(),
                "login_hint" => !login_hint.is_empty(),
                _ => false,
            };
            for (name, value) in settings.parameters.iter().filter(|(name, _)| !is_ours(name)) {
                pairs.append_pair(name, value);
            }
        }
        Ok(url.into())
    }

    /// Who came back.
    ///
    /// # Errors
    /// [`Trouble`]: nobody, and why.
    pub async fn arrival(
        &self,
        connector: &Connector,
        now: Timestamp,
        (attempt, answer, redirect_uri): (&Attempt, Answer<'_>, &str),
        sealed: Secret,
    ) -> Result<ExternalIdentity, Trouble> {
        if let Kind::OAuth2(settings) = &connector.settings.kind {
            return self.oauth2_arrival(settings, (attempt, answer, redirect_uri), sealed).await;
        }
        let settings = spoken(connector)?;
        let (code, issuer) = match answer {
            Answer::Refused { error, description } => {
                return Err(Trouble::Refused(told(format!("{error} {description}").trim())));
            }
            Answer::Code { code, issuer } => (code, issuer),
        };
        let published = self.published(connector, now).await?;
        // Somebody else's answer must not even reach the token endpoint: its code would be spent there.
        let is_theirs = issuer.map_or(!published.metadata.names_issuer, |issuer| settings.may_be_issuer(issuer));
        if !is_theirs || code.is_empty() || code.len() > limits::CODE_BYTES {
            return Err(Trouble::Claim("nothing: the answer is not from this provider"));
        }
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", attempt.verifier.as_str()),
        ];
        let tokens = self.exchange(settings, &published, &form, sealed).await?;
        let asked = Asked {
            settings,
            nonce: Some(&attempt.nonce),
            access_token: tokens.access(),
            now: now.seconds(),
            fresh_since: attempt.fresh_seconds.map(|seconds| attempt.begun_at.plus_seconds(-seconds).seconds()),
        };
        let token = tokens.text("id_token").unwrap_or_default();
        let proved = self.proved((connector, now), &published, (token, &asked)).await?;
        let subject = proved.subject()?.to_owned();
        self.identity(connector, &published, (&tokens, Some(proved)), &subject).await
    }
}
