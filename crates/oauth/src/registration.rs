//! What a client says about itself when it registers: its metadata, read strictly. What it may be is
//! decided in `engine`. RFC 7591 §2, OIDC Dynamic Client Registration §2.

use crate::error::{ErrorCode, OAuthError};
use crate::limits;
use crate::redirect::{Http, RedirectRule};
use crate::scope::Scopes;
use serde_json::{Map, Value};

/// How a registered client proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Not at all: a public client.
    None,
    /// With a secret, in the header or in the body.
    Secret,
    /// By an assertion signed with its secret.
    SecretJwt,
    /// By an assertion signed with a key of its own.
    PrivateKeyJwt,
}

/// The metadata of a client. What is absent is `None` or empty. Members nobody knows are passed over (RFC 7591 §2).
#[derive(Debug, Clone, PartialEq)]
pub struct Metadata {
    /// Where browsers may be sent back to.
    pub redirect_uris: Vec<RedirectRule>,
    /// Where browsers may be sent after signing out.
    pub post_logout_redirect_uris: Vec<RedirectRule>,
    /// How it proves who it is.
    pub method: Method,
    /// `token_endpoint_auth_method` as it was written.
    pub method_name: String,
    /// Grant types, as on the wire.
    pub grants: Vec<String>,
    /// Response types, as on the wire.
    pub response_types: Vec<String>,
    /// Its name for people.
    pub name: Option<String>,
    /// Scopes it wants to ask for.
    pub scopes: Scopes,
    /// Its public keys.
    pub jwks: Option<Value>,
    /// What its identity tokens are to be signed with.
    pub id_token_algorithm: Option<String>,
    /// What its userinfo answers are to be signed with.
    pub userinfo_algorithm: Option<String>,
    /// Where it is told that a session ended.
    pub backchannel_logout_uri: Option<String>,
    /// The page of its own that ends its session in the browser.
    pub frontchannel_logout_uri: Option<String>,
    /// Whether its authorization requests must be pushed.
    pub require_pushed: bool,
    /// Whether its authorization requests must be signed.
    pub require_signed_request: bool,
    /// Whether its tokens are bound to a key.
    pub dpop_bound: bool,
}

impl Metadata {
    /// Reads the body of a registration or a change.
    ///
    /// # Errors
    /// `invalid_redirect_uri` or `invalid_client_metadata` (RFC 7591 §3.2.2), with a sentence that names the member.
    pub fn parse(text: &str) -> Result<Self, OAuthError> {
        let members: Map<String, Value> =
            serde_json::from_str(text).map_err(|_| bad("the body must be a JSON object with client metadata"))?;
        if members.contains_key("software_statement") {
            return Err(bad("software_statement is not taken: send the metadata itself"));
        }
        if members.contains_key("jwks_uri") {
            return Err(bad("jwks_uri is not taken: send the keys themselves as jwks"));
        }
        if members.contains_key("sector_identifier_uri") || word(&members, "subject_type")? == Some("pairwise") {
            return Err(bad("subject_type pairwise is not given to clients that register themselves: send public"));
        }
        let method_name = word(&members, "token_endpoint_auth_method")?.unwrap_or("client_secret_basic");
        let grants = list(&members, "grant_types")?;
        Ok(Self {
            redirect_uris: rules(&members, "redirect_uris")?,
            post_logout_redirect_uris: rules(&members, "post_logout_redirect_uris")?,
            method: method(method_name)?,
            method_name: method_name.to_owned(),
            // RFC 7591 §2: what is meant when nothing is said.
            grants: if grants.is_empty() { vec!["authorization_code".to_owned()] } else { grants },
            response_types: list(&members, "response_types")?,
            name: word(&members, "client_name")?.map(str::to_owned),
            scopes: Scopes::parse(word(&members, "scope")?.unwrap_or_default())
                .map_err(|wrong| bad(wrong.to_string()))?,
            jwks: members.get("jwks").cloned(),
            id_token_algorithm: word(&members, "id_token_signed_response_alg")?.map(str::to_owned),
            userinfo_algorithm: word(&members, "userinfo_signed_response_alg")?.map(str::to_owned),
            backchannel_logout_uri: word(&members, "backchannel_logout_uri")?.map(str::to_owned),
            frontchannel_logout_uri: word(&members, "frontchannel_logout_uri")?.map(str::to_owned),
            require_pushed: flag(&members, "require_pushed_authorization_requests")?,
            require_signed_request: flag(&members, "require_signed_request_object")?,
            dpop_bound: flag(&members, "dpop_bound_access_tokens")?,
        })
    }
}

/// What a change says besides the metadata (RFC 7592 §2.2): the `client_id`, which must be the one in the address.
///
/// # Errors
/// `invalid_client_metadata` when it is absent, or when members stand there that only the server may set.
pub fn changed_client(text: &str) -> Result<String, OAuthError> {
    let members: Map<String, Value> =
        serde_json::from_str(text).map_err(|_| bad("the body must be a JSON object with client metadata"))?;
    const OURS: [&str; 4] =
        ["registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"];
    if let Some(name) = OURS.into_iter().find(|name| members.contains_key(*name)) {
        return Err(bad(format!("{name} is set by the server: leave it out")));
    }
    word(&members, "client_id")?.map(str::to_owned).ok_or_else(|| bad("client_id is missing: send the one registered"))
}

fn method(name: &str) -> Result<Method, OAuthError> {
    match name {
        "none" => Ok(Method::None),
        "client_secret_basic" | "client_secret_post" => Ok(Method::Secret),
        "client_secret_jwt" => Ok(Method::SecretJwt),
        "private_key_jwt" => Ok(Method::PrivateKeyJwt),
        _ => Err(bad("token_endpoint_auth_method must be none, client_secret_basic, client_secret_post, \
                      client_secret_jwt or private_key_jwt")),
    }
}

fn word<'m>(members: &'m Map<String, Value>, name: &'static str) -> Result<Option<&'m str>, OAuthError> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.len() <= limits::URI_BYTES => Ok(Some(text)),
        Some(_) => Err(bad(format!("{name} must be a text of at most {} bytes", limits::URI_BYTES))),
    }
}

fn flag(members: &Map<String, Value>, name: &'static str) -> Result<bool, OAuthError> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(bad(format!("{name} must be true or false"))),
    }
}

fn list(members: &Map<String, Value>, name: &'static str) -> Result<Vec<String>, OAuthError> {
    let wrong = || bad(format!("{name} must be a list of at most {} texts", limits::WORDS));
    match members.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) if list.len() <= limits::WORDS => {
            list.iter().map(|one| one.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
        }
        Some(_) => Err(wrong()),
    }
}

/// Addresses a client that registers itself may name: exact ones, and its own machine at any port (RFC 8252 §7.3).
fn rules(members: &Map<String, Value>, name: &'static str) -> Result<Vec<RedirectRule>, OAuthError> {
    let texts = list(members, name)?;
    let parsed = texts.iter().map(|text| match RedirectRule::parse_loopback(text) {
        Ok(rule) => Ok(rule),
        Err(_) => RedirectRule::parse_exact(text, Http::LoopbackOnly),
    });
    parsed
        .collect::<Result<_, _>>()
        .map_err(|wrong| OAuthError::new(ErrorCode::InvalidRedirectUri, format!("{name}: {wrong}")))
}

fn bad(sentence: impl Into<std::borrow::Cow<'static, str>>) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidClientMetadata, sentence)
}

#[cfg(test)]
mod tests {
    use super::{Metadata, Method, changed_client};
    use crate::error::ErrorCode;

    fn refused(text: &str) -> Option<(ErrorCode, String)> {
        Metadata::parse(text).err().map(|error| (error.code(), error.sentence().to_owned()))
    }

    #[test]
    fn what_is_not_said_has_the_meaning_of_the_rfc() {
        let Ok(read) = Metadata::parse(r#"{"redirect_uris":["https://a.example.com/cb"],"logo_uri":7,"x":null}"#)
        else {
            panic!("good metadata")
        };
        assert_eq!((read.method, read.method_name.as_str()), (Method::Secret, "client_secret_basic"));
        assert_eq!(read.grants, ["authorization_code"]);
        assert!(read.scopes.is_empty() && read.name.is_none() && !read.require_pushed && !read.dpop_bound);
    }

    #[test]
    fn members_of_the_wrong_type_are_named() {
        for (text, named) in [
            ("[]", "JSON object"),
            (r#"{"client_name":["x"]}"#, "client_name"),
            (r#"{"grant_types":"authorization_code"}"#, "grant_types"),
            (r#"{"grant_types":[1]}"#, "grant_types"),
            (r#"{"dpop_bound_access_tokens":"true"}"#, "dpop_bound_access_tokens"),
            (r#"{"token_endpoint_auth_method":"magic"}"#, "token_endpoint_auth_method"),
            (r#"{"software_statement":"e30.e30.x"}"#, "software_statement"),
            (r#"{"jwks_uri":"https://a.example.com/keys"}"#, "jwks_uri"),
            (r#"{"subject_type":"pairwise"}"#, "subject_type"),
            (r#"{"sector_identifier_uri":"https://a.example.com/sector"}"#, "subject_type"),
            (r#"{"scope":"a\"b"}"#, "scope"),
        ] {
            let told = refused(text);
            assert!(
                told.as_ref().is_some_and(|(code, sentence)| {
                    *code == ErrorCode::InvalidClientMetadata && sentence.contains(named)
                }),
                "{text}: {told:?}"
            );
        }
        let long = format!(r#"{{"client_name":"{}"}}"#, "x".repeat(3000));
        assert!(refused(&long).is_some());
        let many = format!(r#"{{"response_types":[{}"x"]}}"#, r#""x","#.repeat(20));
        assert!(refused(&many).is_some());
    }

    #[test]
    fn redirect_uris_are_exact_and_never_plain_http_over_a_network() {
        for bad in
            ["http://a.example.com/cb", "https://a.example.com/*", "javascript:alert(1)", "/cb", "https://u@a/cb"]
        {
            let told = refused(&format!(r#"{{"redirect_uris":["{bad}"]}}"#));
            assert!(told.is_some_and(|(code, _)| code == ErrorCode::InvalidRedirectUri), "{bad}");
        }
        let good = r#"{"redirect_uris":["https://a.example.com/cb","http://127.0.0.1/cb","com.example.app:/cb"]}"#;
        let Ok(read) = Metadata::parse(good) else { panic!("good metadata") };
        assert!(read.redirect_uris.iter().any(|rule| rule.matches("http://127.0.0.1:50123/cb")));
        assert!(!read.redirect_uris.iter().any(|rule| rule.matches("https://a.example.com:444/cb")));
    }

    #[test]
    fn a_change_names_its_client_and_nothing_that_is_ours() {
        assert_eq!(changed_client(r#"{"client_id":"x"}"#).ok().as_deref(), Some("x"));
        for bad in [r#"{}"#, r#"{"client_id":1}"#, r#"{"client_id":"x","registration_access_token":"y"}"#] {
            assert!(changed_client(bad).is_err(), "{bad}");
        }
    }
}
