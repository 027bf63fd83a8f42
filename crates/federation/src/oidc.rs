//! The way to a provider and back (OIDC Core §3.1, RFC 7636, RFC 9207).

use crate::claims;
use crate::id_token::{self, Asked};
use crate::limits;
use crate::metadata::ClientAuth;
use crate::providers::{Providers, spoken};
use crate::trouble::{Trouble, told};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use doorward_engine::federation::attempt::Attempt;
use doorward_engine::federation::kept::Kept;
use doorward_engine::federation::settings::{OidcSettings, SignOut};
use doorward_engine::federation::{Connector, ExternalIdentity};
use doorward_jose::bad::BadToken;
use doorward_jose::json;
use doorward_model::time::Timestamp;
use doorward_world::secrets;
use http::HeaderValue;
use serde_json::{Map, Value};
use url::form_urlencoded::byte_serialize;
use zeroize::Zeroizing;

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

/// The client's own credential at the provider.
pub type Secret = Option<Zeroizing<String>>;

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
        let settings = spoken(connector)?;
        let (code, issuer) = match answer {
            Answer::Refused { error, description } => {
                return Err(Trouble::Refused(told(format!("{error} {description}").trim())));
            }
            Answer::Code { code, issuer } => (code, issuer),
        };
        let published = self.published(connector, now).await?;
        // Somebody else's answer must not even reach the token endpoint: its code would be spent there.
        let is_theirs = issuer.map_or(!published.metadata.names_issuer, |issuer| issuer == settings.issuer);
        if !is_theirs || code.is_empty() || code.len() > limits::CODE_BYTES {
            return Err(Trouble::Claim("nothing: the answer is not from this provider"));
        }
        let secret = match &settings.secret_from {
            Some(reference) => Some(secrets::read(reference).await.map_err(Trouble::Secret)?),
            None => sealed,
        };
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", attempt.verifier.as_str()),
        ];
        let tokens =
            self.exchange(settings, (published.metadata.client_auth, &published.metadata.token), &form, secret);
        let tokens = tokens.await?;
        let text = |name: &str| tokens.get(name).and_then(Value::as_str);
        let token = text("id_token").ok_or_else(|| Trouble::malformed(TOKEN_ENDPOINT, "it gave no ID token"))?;
        let access_token = text("access_token").unwrap_or_default();
        let asked = Asked {
            issuer: &settings.issuer,
            client_id: &settings.client_id,
            nonce: &attempt.nonce,
            access_token,
            now: now.seconds(),
            tolerance: settings.clock_tolerance_seconds,
            fresh_since: attempt.fresh_seconds.map(|seconds| attempt.begun_at.plus_seconds(-seconds).seconds()),
        };
        let proved = match id_token::check(&published.keys, token, &asked) {
            Err(Trouble::Token(BadToken::UnknownKey)) => {
                id_token::check(&*self.newer_keys(connector, now).await?, token, &asked)?
            }
            proved => proved?,
        };
        let more = match &published.metadata.user_info {
            Some(url) if settings.user_info && !access_token.is_empty() => {
                self.user_info(url, access_token, proved.subject()?).await?
            }
            _ => Map::new(),
        };
        let mut identity = claims::identity(settings, proved.into_map(), more)?;
        identity.kept = kept(settings, &tokens);
        Ok(identity)
    }

    async fn exchange(
        &self,
        settings: &OidcSettings,
        (client_auth, url): (ClientAuth, &str),
        form: &[(&str, &str)],
        secret: Secret,
    ) -> Result<Map<String, Value>, Trouble> {
        let mut form = form.to_vec();
        let mut authorization = None;
        match (&secret, client_auth) {
            (Some(secret), ClientAuth::Basic) => authorization = Some(basic(&settings.client_id, secret)?),
            (Some(secret), ClientAuth::Post) => {
                form.push(("client_id", &settings.client_id));
                form.push(("client_secret", secret));
            }
            (None, _) => form.push(("client_id", &settings.client_id)),
        }
        let answer = self.outbound.post_form_as(url, &form, authorization).await?;
        object(TOKEN_ENDPOINT, &answer)
    }

    /// What the userinfo endpoint says of the same person (OIDC Core §5.3.4).
    async fn user_info(&self, url: &str, token: &str, subject: &str) -> Result<Map<String, Value>, Trouble> {
        const WHAT: &str = "the userinfo endpoint";
        let bearer = sensitive(&format!("Bearer {token}"))?;
        let claims = object(WHAT, &self.outbound.get_as(url, Some(bearer)).await?)?;
        if claims.get("sub").and_then(Value::as_str) != Some(subject) {
            return Err(Trouble::malformed(WHAT, "it speaks of somebody else than the ID token"));
        }
        Ok(claims)
    }
}

/// What of the provider's tokens is needed later.
fn kept(settings: &OidcSettings, tokens: &Map<String, Value>) -> Kept {
    let text = |name: &str| tokens.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut kept = Kept::default();
    if settings.sign_out == Some(SignOut::Published) {
        kept.id_token = text("id_token");
    }
    if settings.refresh.is_some() {
        kept.refresh_token = text("refresh_token");
    }
    kept
}

const TOKEN_ENDPOINT: &str = "the token endpoint";

/// RFC 6749 §2.3.1: both parts are encoded as in a form before they are put together.
fn basic(client_id: &str, secret: &str) -> Result<HeaderValue, Trouble> {
    let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = Zeroizing::new(format!("{}:{}", encode(client_id), encode(secret)));
    sensitive(&format!("Basic {}", STANDARD.encode(pair.as_bytes())))
}

fn sensitive(text: &str) -> Result<HeaderValue, Trouble> {
    let mut value =
        HeaderValue::from_str(text).map_err(|_| Trouble::malformed(TOKEN_ENDPOINT, "its token is no text"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The JSON object of an answer; the provider's own error otherwise.
fn object(what: &'static str, answer: &doorward_outbound::Answer) -> Result<Map<String, Value>, Trouble> {
    let read = json::object(&answer.body);
    if answer.status != http::StatusCode::OK {
        let said = |name: &str| read.as_ref().ok().and_then(|all| all.get(name)).and_then(Value::as_str);
        let words = [said("error"), said("error_description")].into_iter().flatten().collect::<Vec<_>>().join(", ");
        let words = if words.is_empty() { words } else { format!(": {}", told(&words)) };
        return Err(Trouble::Status { what, status: answer.status.as_u16(), words });
    }
    read.map_err(|why| Trouble::malformed(what, why))
}
