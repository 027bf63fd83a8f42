//! The way to a provider that speaks OAuth 2 alone, and back (RFC 6749 §4.1, RFC 7636). There is no ID token: who somebody
//! is, is what the provider's own address says for the token that its token endpoint gave for the code.

use crate::claims;
use crate::github;
use crate::limits;
use crate::oidc::{Answer, Wanted};
use crate::providers::Providers;
use crate::tokens::{Secret, bearer, object};
use crate::trouble::Trouble;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_engine::federation::ExternalIdentity;
use doorward_engine::federation::attempt::Attempt;
use doorward_engine::federation::settings::{OAuth2Settings, OidcSettings};
use doorward_world::secrets;
use serde_json::{Map, Value};
use url::Url;

const TOKEN_ENDPOINT: &str = "the token endpoint";
const USER_INFO: &str = "the address that says who somebody is";

/// Where the browser is sent.
pub(crate) fn way(
    settings: &OAuth2Settings,
    (attempt, state, redirect_uri): (&Attempt, &str, &str),
    Wanted { login_hint, chooses_account }: Wanted<'_>,
) -> Result<String, Trouble> {
    let mut url = Url::parse(&settings.authorization_url)
        .map_err(|why| Trouble::malformed("the address people are sent to", why))?;
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, attempt.verifier.as_bytes()));
    let scopes = settings.scopes.join(" ");
    let mut pairs = vec![
        ("response_type", "code"),
        ("client_id", settings.client_id.as_str()),
        ("redirect_uri", redirect_uri),
        ("state", state),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    if !scopes.is_empty() {
        pairs.push(("scope", &scopes));
    }
    if !login_hint.is_empty() {
        pairs.push((if settings.github.is_some() { "login" } else { "login_hint" }, login_hint));
    }
    // Others have no word for it that all of them know.
    let chooses = chooses_account && settings.github.is_some();
    if chooses {
        pairs.push(("prompt", "select_account"));
    }
    let more = settings.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let more = more.filter(|(name, _)| !chooses || *name != "prompt");
    url.query_pairs_mut().extend_pairs(pairs.into_iter().chain(more));
    Ok(url.into())
}

impl Providers {
    /// Who came back.
    pub(crate) async fn oauth2_arrival(
        &self,
        settings: &OAuth2Settings,
        (attempt, answer, redirect_uri): (&Attempt, Answer<'_>, &str),
        sealed: Secret,
    ) -> Result<ExternalIdentity, Trouble> {
        let (code, issuer) = match answer {
            Answer::Refused { error, description } => {
                return Err(Trouble::of_answer(error, description));
            }
            Answer::Given(given) => (given.code, given.issuer),
        };
        // Whoever asks that people prove themselves anew is not served: nothing here says when they did.
        if attempt.fresh_seconds.is_some() {
            return Err(Trouble::Claim("nothing of when the person proved themselves, and the client asks for that"));
        }
        let is_theirs = issuer.is_none_or(|issuer| issuer == settings.issuer);
        if !is_theirs || code.is_empty() || code.len() > limits::CODE_BYTES {
            return Err(Trouble::Claim("nothing: the answer is not from this provider"));
        }
        let token = self.token(settings, (code, redirect_uri, &attempt.verifier), sealed).await?;
        let user = object(USER_INFO, &self.outbound.get_as(&settings.user_info_url, Some(bearer(&token)?)).await?)?;
        self.person(settings, user, &token).await
    }

    pub(crate) async fn token(
        &self,
        settings: &OAuth2Settings,
        (code, redirect_uri, verifier): (&str, &str, &str),
        sealed: Secret,
    ) -> Result<String, Trouble> {
        let secret = match &settings.secret_from {
            Some(reference) => Some(secrets::read(reference).await.map_err(Trouble::Secret)?),
            None => sealed,
        };
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("client_id", settings.client_id.as_str()),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", verifier),
        ];
        if let Some(secret) = &secret {
            form.push(("client_secret", secret));
        }
        let given = object(TOKEN_ENDPOINT, &self.outbound.post_form(&settings.token_url, &form).await?)?;
        let text = |name: &str| given.get(name).and_then(Value::as_str);
        // Some say no with a status that says yes.
        if let Some(error) = text("error") {
            return Err(Trouble::malformed(TOKEN_ENDPOINT, format!("it refused: {error}")));
        }
        let is_bearer = text("token_type").is_some_and(|kind| kind.eq_ignore_ascii_case("bearer"));
        let token = text("access_token").filter(|token| is_bearer && !token.is_empty());
        token.map(str::to_owned).ok_or_else(|| Trouble::malformed(TOKEN_ENDPOINT, "it gave no bearer token"))
    }

    async fn person(
        &self,
        settings: &OAuth2Settings,
        mut user: Map<String, Value>,
        token: &str,
    ) -> Result<ExternalIdentity, Trouble> {
        let mut groups = None;
        if let Some(place) = &settings.github {
            let said = github::said(&self.outbound, place, token).await?;
            // The address on somebody's page is what they wrote there.
            user.remove("email");
            if let Some(address) = said.address {
                user.insert("email".to_owned(), Value::String(address));
                user.insert("email_verified".to_owned(), Value::Bool(true));
            }
            groups = Some(said.groups);
        }
        number_as_text(&mut user, &settings.claims.subject);
        let read = OidcSettings {
            claims: settings.claims.clone(),
            addresses_are_proved: settings.addresses_are_proved,
            ..OidcSettings::of(settings.issuer.clone(), settings.client_id.clone())
        };
        claims::identity_with(&read, (user, Map::new()), groups)
    }
}

/// People are told apart by numbers at many providers; anything else that is no text is none.
fn number_as_text(user: &mut Map<String, Value>, names: &[String]) {
    for name in names {
        if let Some(number) = user.get(name).and_then(Value::as_u64) {
            user.insert(name.clone(), Value::String(number.to_string()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_tell_people_apart_and_nothing_else_becomes_text() {
        for (said, kept) in [
            (json!(583_231), json!("583231")),
            (json!("583231"), json!("583231")),
            (json!(-1), json!(-1)),
            (json!(1.5), json!(1.5)),
            (json!(true), json!(true)),
            (Value::Null, Value::Null),
        ] {
            let mut user = json!({"id": said}).as_object().cloned().unwrap_or_default();
            number_as_text(&mut user, &["id".to_owned()]);
            assert_eq!(user.get("id"), Some(&kept));
        }
    }
}
