//! The way to a provider and back: with a code, an ID token, or both (OIDC Core §3, RFC 7636, RFC 9207).

use crate::id_token::{Asked, Beside};
use crate::limits;
use crate::oauth2;
use crate::providers::{Providers, Published, spoken};
use crate::tokens::{Secret, Tokens};
use crate::trouble::Trouble;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_engine::federation::attempt::Attempt;
use doorward_engine::federation::settings::{Kind, ResponseMode, ResponseType};
use doorward_engine::federation::{Connector, ExternalIdentity, Once};
use doorward_jose::claims::Claims;
use doorward_model::time::Timestamp;

/// What came back with the browser.
pub enum Answer<'a> {
    /// What was asked for.
    Given(Given<'a>),
    /// The provider's own refusal.
    Refused {
        /// Its code.
        error: &'a str,
        /// Its words.
        description: &'a str,
    },
}

/// The parts of an answer; empty where there is none.
#[derive(Clone, Copy)]
pub struct Given<'a> {
    /// The code.
    pub code: &'a str,
    /// The ID token.
    pub id_token: &'a str,
    /// The access token.
    pub access_token: &'a str,
    /// The state of the request.
    pub state: &'a str,
    /// Who says it comes from them (RFC 9207).
    pub issuer: Option<&'a str>,
}

impl<'a> Given<'a> {
    /// Without what was not asked for: nobody has tied that to anything.
    fn of(self, asked: ResponseType) -> Result<Self, Trouble> {
        let part = |is_asked: bool, text: &'a str| match (is_asked, text.is_empty()) {
            (false, _) => Ok(""),
            (true, false) => Ok(text),
            (true, true) => Err(Trouble::Claim("nothing: the answer lacks a part of what was asked for")),
        };
        Ok(Self {
            code: part(asked.has_code(), self.code)?,
            id_token: part(asked.has_id_token(), self.id_token)?,
            access_token: part(asked.has_token(), self.access_token)?,
            ..self
        })
    }
}

/// Does not say what it may be asked (`prompt`), and knows `select_account` alone.
const GOOGLE: &str = "https://accounts.google.com";

/// What the provider is to ask of the person.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// The name they typed or the client expects; empty when there is none.
    pub login_hint: &'a str,
    /// Whether they are to choose who to be, instead of being who they were.
    pub chooses_account: bool,
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
        wanted: Wanted<'_>,
    ) -> Result<String, Trouble> {
        if let Kind::OAuth2(settings) = &connector.settings.kind {
            return oauth2::way(settings, (attempt, state, redirect_uri), wanted);
        }
        let settings = spoken(connector)?;
        let published = self.published(connector, now).await?;
        let mut url = published.metadata.authorization.clone();
        let login_hint = wanted.login_hint;
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, attempt.verifier.as_bytes()));
        let mut scopes = vec!["openid"];
        scopes.extend(settings.scopes.iter().map(String::as_str).filter(|scope| *scope != "openid"));
        {
            let mut pairs = url.query_pairs_mut();
            pairs.append_pair("response_type", settings.response_type.as_str());
            if let Some(mode) = settings.response_mode {
                pairs.append_pair("response_mode", word_of(mode));
            }
            pairs.append_pair("client_id", &settings.client_id);
            pairs.append_pair("redirect_uri", redirect_uri);
            pairs.append_pair("scope", &scopes.join(" "));
            pairs.append_pair("state", state);
            pairs.append_pair("nonce", &attempt.nonce);
            if settings.response_type.has_code() {
                pairs.append_pair("code_challenge", &challenge);
                pairs.append_pair("code_challenge_method", "S256");
            }
            if let Some(seconds) = attempt.fresh_seconds {
                pairs.append_pair("max_age", &seconds.to_string());
            }
            if !login_hint.is_empty() {
                pairs.append_pair("login_hint", login_hint);
            }
            let must_ask = attempt.fresh_seconds == Some(0) || wanted.chooses_account;
            if must_ask {
                // Who must prove themselves anew can be somebody else as well, and every provider knows how to ask that.
                let offers_choice = published.metadata.offers_choice || settings.issuer == GOOGLE;
                let is_choice = attempt.fresh_seconds != Some(0) && offers_choice;
                pairs.append_pair("prompt", if is_choice { "select_account" } else { "login" });
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
        let given = match answer {
            Answer::Refused { error, description } => {
                return Err(Trouble::of_answer(error, description));
            }
            Answer::Given(given) => given.of(settings.response_type)?,
        };
        let published = self.published(connector, now).await?;
        // Somebody else's answer must not even reach the token endpoint: its code would be spent there. An ID token beside
        // the code says as much as the parameter does.
        let need_not_say = !published.metadata.names_issuer || settings.response_type.has_id_token();
        let is_theirs = given.issuer.map_or(need_not_say, |issuer| settings.may_be_issuer(issuer));
        if !is_theirs || given.code.len() > limits::CODE_BYTES {
            return Err(Trouble::Claim("nothing: the answer is not from this provider"));
        }
        let asked = Asked {
            settings,
            nonce: Some(&attempt.nonce),
            access_token: given.access_token,
            beside: None,
            now: now.seconds(),
            fresh_since: attempt.fresh_seconds.map(|seconds| attempt.begun_at.plus_seconds(-seconds).seconds()),
        };
        let here = ((connector, now), &published);
        let brought = match settings.response_type.has_id_token() {
            true => Some(self.brought(here, given, &asked).await?),
            false => None,
        };
        match settings.response_type.has_code() {
            true => {
                let form = [
                    ("grant_type", "authorization_code"),
                    ("code", given.code),
                    ("redirect_uri", redirect_uri),
                    ("code_verifier", attempt.verifier.as_str()),
                ];
                let tokens = self.exchange((settings, now), &published, &form, sealed).await?;
                self.exchanged(here, (&tokens, brought), asked).await
            }
            false => {
                let tokens = Tokens::of_browser(given.id_token, given.access_token);
                let mut identity = self.vouched(here, (&tokens, brought)).await?;
                // A code is good once; what stands for it has to be as well.
                let until = attempt.begun_at.plus_seconds(doorward_engine::limits::PROVIDER_SECONDS);
                identity.once.push(Once { kind: "oidc answer".to_owned(), id: attempt.nonce.clone(), until, at: None });
                Ok(identity)
            }
        }
    }

    /// The ID token that came through the browser (OIDC Core §3.2.2.11, §3.3.2.12).
    async fn brought(&self, here: Here<'_>, given: Given<'_>, asked: &Asked<'_>) -> Result<Claims, Trouble> {
        let beside = Some(Beside { code: given.code, state: given.state });
        // Where another one follows from the token endpoint, that one says when the person proved themselves.
        let fresh_since = asked.fresh_since.filter(|_| given.code.is_empty());
        self.proved(here.0, here.1, (given.id_token, &Asked { beside, fresh_since, ..*asked })).await
    }

    /// Who a code was for, by what the token endpoint gave for it.
    async fn exchanged(
        &self,
        here: Here<'_>,
        (tokens, brought): (&Tokens, Option<Claims>),
        asked: Asked<'_>,
    ) -> Result<ExternalIdentity, Trouble> {
        let asked = Asked { access_token: tokens.access(), ..asked };
        let token = tokens.text("id_token").unwrap_or_default();
        let proved = self.proved(here.0, here.1, (token, &asked)).await?;
        // OIDC Core §3.3.3.6.
        if let Some(brought) = brought
            && (brought.issuer()?, brought.subject()?) != (proved.issuer()?, proved.subject()?)
        {
            return Err(Trouble::Claim("somebody else than the one that came with the browser"));
        }
        self.vouched(here, (tokens, Some(proved))).await
    }

    async fn vouched(
        &self,
        (whose, published): Here<'_>,
        (tokens, proved): (&Tokens, Option<Claims>),
    ) -> Result<ExternalIdentity, Trouble> {
        let subject = proved.as_ref().map_or(Ok(""), Claims::subject)?.to_owned();
        self.identity(whose, published, (tokens, proved), &subject).await
    }
}

/// A connector, now, and what its provider publishes.
type Here<'a> = ((&'a Connector, Timestamp), &'a Published);

fn word_of(mode: ResponseMode) -> &'static str {
    match mode {
        ResponseMode::Query => "query",
        ResponseMode::Fragment => "fragment",
        ResponseMode::FormPost => "form_post",
    }
}
