//! How a client says who it is at the endpoints it calls itself. Owns reading; whether the credential is
//! the client's is decided in `engine`. One way at a time: with two, the one that is checked may not be
//! the one that is believed. RFC 6749 §2.3, RFC 7521 §4.2, OIDC Core §9.

use crate::error::{ErrorCode, OAuthError};
use crate::form::decode;
use crate::limits;
use crate::parameters::Parameters;
use aws_lc_rs::{constant_time, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// A secret or assertion as presented. It does not print, serialise or compare with `==`, and is wiped.
pub struct PresentedSecret(Zeroizing<String>);

impl PresentedSecret {
    /// The text, to be hashed or verified.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether it is this secret, in a time that tells neither where they differ nor how long it is.
    pub fn matches(&self, secret: &[u8]) -> bool {
        let hash = |bytes| digest::digest(&digest::SHA256, bytes);
        constant_time::verify_slices_are_equal(hash(self.0.as_bytes()).as_ref(), hash(secret).as_ref()).is_ok()
    }
}

/// What kind of assertion a client presents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssertionType {
    /// A signed JWT (RFC 7523 §2.2).
    Jwt,
    /// A SAML 2.0 assertion (RFC 7522 §2.2).
    Saml,
}

impl AssertionType {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" => Some(Self::Jwt),
            "urn:ietf:params:oauth:client-assertion-type:saml2-bearer" => Some(Self::Saml),
            _ => None,
        }
    }
}

/// What a client presented.
pub enum Presented {
    /// `client_secret_basic`.
    Basic {
        /// Who it says it is.
        client_id: String,
        /// Its secret.
        secret: PresentedSecret,
    },
    /// `client_secret_post`.
    Post {
        /// Who it says it is.
        client_id: String,
        /// Its secret.
        secret: PresentedSecret,
    },
    /// `private_key_jwt`, `client_secret_jwt` or SAML.
    Assertion {
        /// Who it says it is; the assertion's subject must agree.
        client_id: Option<String>,
        /// The kind of assertion.
        kind: AssertionType,
        /// The assertion, not verified.
        assertion: PresentedSecret,
    },
    /// Nothing but its name: a public client.
    None {
        /// Who it says it is.
        client_id: String,
    },
}

impl Presented {
    /// Reads the `Authorization` header, if any, and the parameters of the body.
    pub fn read(authorization: Option<&str>, parameters: &Parameters) -> Result<Self, OAuthError> {
        let named = parameters.one("client_id")?.map(checked_id).transpose()?;
        let secret = parameters.one("client_secret")?.map(checked_secret).transpose()?;
        let assertion = assertion(parameters)?;
        match (authorization, secret, assertion) {
            (Some(header), None, None) => {
                let basic = basic(header)?;
                let is_same = named.is_none() || (basic.client_id() == named.as_deref());
                let other = "client_id differs from the one in the Authorization header; send one of them";
                if is_same { Ok(basic) } else { Err(OAuthError::invalid_request(other)) }
            }
            (None, Some(secret), None) => Ok(Self::Post { client_id: named.ok_or_else(nameless)?, secret }),
            (None, None, Some((kind, assertion))) => Ok(Self::Assertion { client_id: named, kind, assertion }),
            (None, None, None) => Ok(Self::None { client_id: named.ok_or_else(nameless)? }),
            _ => Err(OAuthError::invalid_request("the client is authenticated in two ways at once; use one")),
        }
    }

    /// Who it says it is.
    pub fn client_id(&self) -> Option<&str> {
        match self {
            Self::Basic { client_id, .. } | Self::Post { client_id, .. } | Self::None { client_id } => Some(client_id),
            Self::Assertion { client_id, .. } => client_id.as_deref(),
        }
    }
}

/// Whether a text can be a client's id at all: no control characters, not empty, within the limit.
pub fn is_client_id(text: &str) -> bool {
    !text.is_empty() && (text.len() <= limits::CLIENT_ID_BYTES) && !text.chars().any(char::is_control)
}

fn basic(header: &str) -> Result<Presented, OAuthError> {
    let broken = || refuse("the Authorization header is not Basic with client id and secret; see RFC 6749 2.3.1");
    if header.len() > limits::AUTHORIZATION_BYTES {
        return Err(refuse("the Authorization header is too long; shorten the client secret"));
    }
    let (scheme, encoded) = header.split_once(' ').ok_or_else(broken)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(broken());
    }
    let bytes = STANDARD.decode(encoded.trim_start_matches(' ')).map(Zeroizing::new).map_err(|_| broken())?;
    let text = std::str::from_utf8(&bytes).map_err(|_| broken())?;
    let (client_id, secret) = text.split_once(':').ok_or_else(broken)?;
    let client_id = checked_id(&unescaped(client_id))?;
    // Libraries send public clients this way, with nothing behind the colon.
    if secret.is_empty() {
        return Ok(Presented::None { client_id });
    }
    Ok(Presented::Basic { client_id, secret: checked_secret(&unescaped(secret))? })
}

/// A part of Basic credentials, which ought to be form-encoded (RFC 6749 §2.3.1). Many clients do not do
/// it: a letter no encoder leaves, or a broken escape, tells that the part is meant literally.
fn unescaped(part: &str) -> Zeroizing<String> {
    let is_left = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!'()*+%".contains(&byte);
    let decoded = if part.bytes().all(is_left) { decode(part).ok() } else { None };
    Zeroizing::new(decoded.unwrap_or_else(|| part.to_owned()))
}

fn assertion(parameters: &Parameters) -> Result<Option<(AssertionType, PresentedSecret)>, OAuthError> {
    let (kind, text) = (parameters.one("client_assertion_type")?, parameters.one("client_assertion")?);
    match (kind, text) {
        (None, None) => Ok(None),
        (Some(kind), Some(text)) => {
            let unknown = || refuse("client_assertion_type is not known; use a signed JWT");
            let kind = AssertionType::parse(kind).ok_or_else(unknown)?;
            Ok(Some((kind, PresentedSecret(Zeroizing::new(text.to_owned())))))
        }
        _ => Err(OAuthError::invalid_request("client_assertion and client_assertion_type go together; send both")),
    }
}

fn checked_id(text: &str) -> Result<String, OAuthError> {
    if is_client_id(text) {
        Ok(text.to_owned())
    } else {
        Err(refuse("client_id is missing, too long or holds control characters"))
    }
}

fn checked_secret(text: &str) -> Result<PresentedSecret, OAuthError> {
    if text.len() > limits::CLIENT_SECRET_BYTES {
        return Err(refuse("the client secret is too long"));
    }
    Ok(PresentedSecret(Zeroizing::new(text.to_owned())))
}

fn nameless() -> OAuthError {
    refuse("the client does not say who it is; send client_id or an Authorization header")
}

fn refuse(sentence: &'static str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidClient, sentence)
}

#[cfg(test)]
mod tests {
    use super::{AssertionType, Presented, PresentedSecret};
    use crate::error::ErrorCode;
    use crate::form::encode;
    use crate::parameters::Parameters;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    const JWT: (&str, &str) = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");

    fn read(authorization: Option<&str>, pairs: &[(&str, &str)]) -> Result<Presented, ErrorCode> {
        let parameters = Parameters::parse_form(&encode(pairs)).unwrap_or_default();
        Presented::read(authorization, &parameters).map_err(|refusal| refusal.code())
    }

    fn header(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    /// Way, id and credential in words.
    fn told(presented: Result<Presented, ErrorCode>) -> Result<String, &'static str> {
        presented.map_err(ErrorCode::as_str).map(|presented| match &presented {
            Presented::Basic { client_id, secret } => format!("basic {client_id} {}", secret.reveal()),
            Presented::Post { client_id, secret } => format!("post {client_id} {}", secret.reveal()),
            Presented::Assertion { client_id, kind, assertion } => {
                format!("{kind:?} {} {}", client_id.as_deref().unwrap_or("-"), assertion.reveal())
            }
            Presented::None { client_id } => format!("none {client_id}"),
        })
    }

    #[test]
    fn each_way_is_read() {
        let jwt = [JWT, ("client_assertion", "e30.e30.x")];
        let saml = [("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer")];
        let cases = [
            (Some(header("app:s3cret")), vec![], "basic app s3cret"),
            (Some(header("app:s3cret").replace("Basic", "bAsIc ")), vec![("client_id", "app")], "basic app s3cret"),
            (None, vec![("client_id", "app"), ("client_secret", "s3cret")], "post app s3cret"),
            (None, jwt.to_vec(), "Jwt - e30.e30.x"),
            (None, [&jwt[..], &[("client_id", "app")]].concat(), "Jwt app e30.e30.x"),
            (None, [&saml[..], &[("client_assertion", "PHg-")]].concat(), "Saml - PHg-"),
            (None, vec![("client_id", "app")], "none app"),
            (None, vec![("client_id", "app"), ("client_secret", "")], "none app"),
            (Some(header("app:")), vec![("client_id", "app")], "none app"),
        ];
        for (authorization, pairs, wanted) in cases {
            assert_eq!(told(read(authorization.as_deref(), &pairs)).as_deref(), Ok(wanted), "{pairs:?}");
        }
        let jwt = read(None, &[JWT, ("client_assertion", "x"), ("client_id", "app")]);
        assert_eq!(jwt.ok().and_then(|jwt| jwt.client_id().map(str::to_owned)).as_deref(), Some("app"));
        assert_eq!(AssertionType::parse(JWT.1), Some(AssertionType::Jwt));
    }

    #[test]
    fn basic_credentials_are_unescaped_when_they_are_escaped() {
        for (sent, wanted) in [
            ("a%3Ab:c+d%25e%C3%A9", "basic a:b c d%e\u{e9}"),
            ("a-b.c_d~e:f!'()*g", "basic a-b.c_d~e f!'()*g"),
            // Not escaped: an encoder would not have left these.
            ("app:a+b/c==", "basic app a+b/c=="),
            ("app:100%", "basic app 100%"),
            ("app:%zz+", "basic app %zz+"),
            ("app:%ff", "basic app %ff"),
            ("app:a:b:c%41", "basic app a:b:c%41"),
            ("app:p\u{e9}%41", "basic app p\u{e9}%41"),
            ("https%3A%2F%2Fapp.example.com:x", "basic https://app.example.com x"),
        ] {
            assert_eq!(told(read(Some(&header(sent)), &[])).as_deref(), Ok(wanted), "{sent}");
        }
    }

    #[test]
    fn broken_credentials_are_refused() {
        let long = |bytes: usize| "x".repeat(bytes);
        let unpadded = header("app:s").trim_end_matches('=').to_owned();
        for bad in [
            String::new(),
            "Basic".into(),
            "Basic ".into(),
            "Bearer abc".into(),
            header("app:secret").replace("Basic", "Bearer"),
            "Basic !!!".into(),
            unpadded,
            format!("{} ", header("app:sec")),
            header("no colon"),
            header(":secret"),
            header("a\nb:secret"),
            header("a%00b\0:secret"),
            header(&format!("{}:secret", long(257))),
            header(&format!("app:{}", long(1025))),
            format!("Basic {}", STANDARD.encode(b"app:\xff")),
            // `YXBwOg==` with bits set that its last letter does not use.
            "Basic YXBwOh==".into(),
            "BasicYXBwOng=".into(),
        ] {
            assert_eq!(told(read(Some(&bad), &[])), Err("invalid_client"), "{bad}");
        }
        let padded = format!("Basic {}{}", " ".repeat(8192), STANDARD.encode("app:x"));
        assert_eq!(told(read(Some(&padded), &[])), Err("invalid_client"));
        for pairs in [
            vec![],
            vec![("client_secret", "x")],
            vec![("client_id", ""), ("client_secret", "x")],
            vec![("client_id", "a\tb"), ("client_secret", "x")],
            vec![("client_assertion_type", "urn:other"), ("client_assertion", "x")],
        ] {
            assert_eq!(told(read(None, &pairs)), Err("invalid_client"), "{pairs:?}");
        }
        let long = long(1025);
        assert_eq!(told(read(None, &[("client_id", "app"), ("client_secret", &long)])), Err("invalid_client"));
    }

    #[test]
    fn two_ways_at_once_are_refused() {
        let basic = header("app:s3cret");
        let (secret, assertion) = (("client_secret", "x"), ("client_assertion", "x"));
        for (authorization, pairs) in [
            (Some(&basic), vec![secret]),
            (Some(&basic), vec![("client_id", "app"), ("client_secret", "s3cret")]),
            (Some(&basic), vec![JWT, assertion]),
            (Some(&header("app:")), vec![secret]),
            (None, vec![("client_id", "app"), secret, JWT, assertion]),
            (Some(&basic), vec![("client_id", "other")]),
            (None, vec![("client_id", "app"), assertion]),
            (None, vec![("client_id", "app"), JWT]),
        ] {
            assert_eq!(told(read(authorization.map(String::as_str), &pairs)), Err("invalid_request"), "{pairs:?}");
        }
    }

    #[test]
    fn gauntlet_b3_26_doubled_parameters_of_client_authentication_are_refused() {
        for name in ["client_id", "client_secret", "client_assertion", "client_assertion_type"] {
            let pairs = [("client_id", "app"), (name, "app"), (name, "app")];
            assert_eq!(told(read(None, &pairs)), Err("invalid_request"), "{name}");
        }
    }

    #[test]
    fn a_secret_is_compared_whole() {
        let secret = PresentedSecret(zeroize::Zeroizing::new("s3cret".to_owned()));
        assert!(secret.matches(b"s3cret"));
        for other in [&b"s3cre"[..], b"s3cret ", b"S3cret", b""] {
            assert!(!secret.matches(other));
        }
    }
}
