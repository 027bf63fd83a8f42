//! What a provider publishes of itself (OIDC Discovery §3), read strictly: the issuer is the one declared, and every
//! address is of the kind the issuer has, so that nothing secret goes out in clear.

use crate::trouble::Trouble;
use doorward_jose::json;
use serde_json::{Map, Value};
use url::Url;

const WHAT: &str = "the discovery document";

/// How a client proves itself at the token endpoint (OIDC Core §9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuth {
    /// In the header.
    Basic,
    /// In the form.
    Post,
}

/// What is used of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// Where people are sent.
    pub authorization: Url,
    /// Where codes become tokens.
    pub token: String,
    /// Where more is said of a person.
    pub user_info: Option<String>,
    /// Where people sign out there (RP-Initiated Logout §2.1).
    pub end_session: Option<Url>,
    /// Where its keys are.
    pub keys: String,
    /// How Doorward proves itself.
    pub client_auth: ClientAuth,
    /// Whether every answer names the issuer (RFC 9207).
    pub names_issuer: bool,
    /// Whether people can be asked there who they want to be (`select_account`; Initiating User Registration §5).
    pub offers_choice: bool,
}

impl Metadata {
    /// Where a provider publishes it.
    pub fn address(issuer: &str) -> String {
        format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))
    }

    /// Reads it.
    ///
    /// # Errors
    /// [`Trouble::Issuer`], [`Trouble::Malformed`].
    pub fn read(issuer: &str, text: &[u8]) -> Result<Self, Trouble> {
        let document = json::object(text).map_err(|why| Trouble::malformed(WHAT, why))?;
        let found = document.get("issuer").and_then(Value::as_str).unwrap_or_default();
        if found != issuer {
            let found = doorward_model::told::told(found);
            return Err(Trouble::Issuer { found, declared: issuer.to_owned() });
        }
        let needs_tls = issuer.starts_with("https://");
        let needed = |name: &'static str| {
            address(&document, name, needs_tls)?.ok_or_else(|| Trouble::malformed(WHAT, format!("it lacks {name}")))
        };
        let authorization = needed("authorization_endpoint")?;
        let (token, keys) = (needed("token_endpoint")?.to_string(), needed("jwks_uri")?.to_string());
        let user_info = address(&document, "userinfo_endpoint", needs_tls)?.map(String::from);
        let end_session = address(&document, "end_session_endpoint", needs_tls)?;
        let methods = document.get("token_endpoint_auth_methods_supported").and_then(Value::as_array);
        // Without a word of it, the header (OIDC Discovery §3).
        let takes_basic = methods.is_none_or(|all| all.iter().any(|one| one == "client_secret_basic"));
        let client_auth = if takes_basic { ClientAuth::Basic } else { ClientAuth::Post };
        let names_issuer =
            document.get("authorization_response_iss_parameter_supported").and_then(Value::as_bool).unwrap_or(false);
        let prompts = document.get("prompt_values_supported").and_then(Value::as_array);
        let offers_choice = prompts.is_some_and(|all| all.iter().any(|one| one == "select_account"));
        Ok(Self { authorization, token, user_info, end_session, keys, client_auth, names_issuer, offers_choice })
    }
}

fn address(document: &Map<String, Value>, name: &'static str, needs_tls: bool) -> Result<Option<Url>, Trouble> {
    let Some(value) = document.get(name) else { return Ok(None) };
    let url = value.as_str().and_then(|text| Url::parse(text).ok());
    let fits = |url: &Url| url.scheme() == "https" || (!needs_tls && url.scheme() == "http");
    let plain = |url: &Url| url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    let good = url.filter(|url| url.has_host() && fits(url) && plain(url));
    good.map(Some).ok_or_else(|| Trouble::malformed(WHAT, format!("{name} is no https:// URL")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document() -> Value {
        json!({
            "issuer": "https://id.example.com/", "authorization_endpoint": "https://login.example.com/authorize?a=b",
            "token_endpoint": "https://id.example.com/token", "jwks_uri": "https://keys.example.com/jwks",
        })
    }

    fn read(document: &Value) -> Result<Metadata, Trouble> {
        Metadata::read("https://id.example.com/", document.to_string().as_bytes())
    }

    #[test]
    fn a_choice_of_accounts_is_asked_for_where_it_is_offered() -> Result<(), Trouble> {
        let mut document = document();
        document["prompt_values_supported"] = json!(["none", "login"]);
        assert!(!read(&document)?.offers_choice);
        document["prompt_values_supported"] = json!(["none", "select_account"]);
        assert!(read(&document)?.offers_choice);
        Ok(())
    }

    #[test]
    fn what_is_there_is_read_and_the_rest_has_its_standard_meaning() -> Result<(), Trouble> {
        let read = read(&document())?;
        assert_eq!(read.client_auth, ClientAuth::Basic);
        assert_eq!((read.user_info, read.names_issuer, read.offers_choice), (None, false, false));
        assert_eq!(
            Metadata::address("https://id.example.com/"),
            "https://id.example.com/.well-known/openid-configuration"
        );
        Ok(())
    }

    #[test]
    fn another_issuer_and_addresses_in_clear_are_refused() {
        for (name, value) in [
            ("issuer", json!("https://id.example.com")),
            ("issuer", json!("https://ID.example.com/")),
            ("issuer", json!(["https://id.example.com/"])),
            ("issuer", Value::Null),
        ] {
            let mut wrong = document();
            wrong[name] = value;
            assert!(matches!(read(&wrong), Err(Trouble::Issuer { .. })), "{wrong}");
        }
        for name in
            ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint", "end_session_endpoint"]
        {
            for value in
                ["http://id.example.com/x", "//id.example.com", "file:///etc/passwd", "https://a:b@id.example.com/", ""]
            {
                let mut wrong = document();
                wrong[name] = json!(value);
                assert!(matches!(read(&wrong), Err(Trouble::Malformed { .. })), "{wrong}");
            }
        }
        let mut lacking = document();
        lacking.as_object_mut().map(|members| members.remove("token_endpoint"));
        assert!(matches!(read(&lacking), Err(Trouble::Malformed { .. })));
    }

    #[test]
    fn the_secret_goes_where_the_provider_wants_it() -> Result<(), Trouble> {
        for (methods, wanted) in [
            (json!(["client_secret_post", "client_secret_basic"]), ClientAuth::Basic),
            (json!(["client_secret_post"]), ClientAuth::Post),
        ] {
            let mut document = document();
            document["token_endpoint_auth_methods_supported"] = methods;
            assert_eq!(read(&document)?.client_auth, wanted);
        }
        Ok(())
    }
}
