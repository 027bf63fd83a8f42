//! How Doorward proves itself at a provider's token endpoint (OIDC Core §9, RFC 6749 §2.3.1, RFC 7523 §2.2).

use crate::limits;
use crate::metadata;
use crate::tokens::{Secret, sensitive};
use crate::trouble::Trouble;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use doorward_engine::federation::settings::{ClientAuth, OidcSettings};
use doorward_jose::algorithm::Algorithm;
use doorward_jose::assertion::AssertionKey;
use doorward_jose::certificate::Certificate;
use doorward_model::time::Timestamp;
use doorward_world::secrets;
use http::HeaderValue;
use serde_json::{Map, Value, json};
use url::form_urlencoded::byte_serialize;
use zeroize::Zeroizing;

/// What RFC 7523 §2.2 calls these assertions.
const KIND: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What is shown with a request.
#[derive(Default)]
pub(crate) struct Proof {
    /// In the form.
    pub(crate) fields: Vec<(&'static str, Zeroizing<String>)>,
    /// In the header.
    pub(crate) authorization: Option<HeaderValue>,
}

/// Proves that it is Doorward that asks.
pub(crate) async fn proof(
    settings: &OidcSettings,
    published: metadata::ClientAuth,
    sealed: Secret,
    now: Timestamp,
) -> Result<Proof, Trouble> {
    let secret = match &settings.secret_from {
        Some(reference) => Some(secrets::read(reference).await.map_err(Trouble::Secret)?),
        None => sealed,
    };
    let client_id = || ("client_id", Zeroizing::new(settings.client_id.clone()));
    let Some(secret) = secret else {
        // Whoever said how to prove it meant to have something to do it with.
        return match settings.client_auth {
            Some(_) => Err(Trouble::Secret("there is none, and client_auth needs one".to_owned())),
            None => Ok(Proof { fields: vec![client_id()], authorization: None }),
        };
    };
    let way = settings.client_auth.unwrap_or(match published {
        metadata::ClientAuth::Basic => ClientAuth::ClientSecretBasic,
        metadata::ClientAuth::Post => ClientAuth::ClientSecretPost,
    });
    // A key that is sent where a secret is asked for is nobody's own any more.
    if matches!(way, ClientAuth::ClientSecretBasic | ClientAuth::ClientSecretPost) && secret.contains("-----BEGIN ") {
        return Err(Trouble::Secret("it is a key, not a secret: say client_auth private_key_jwt".to_owned()));
    }
    let key = match way {
        ClientAuth::ClientSecretBasic => {
            let authorization = Some(basic(&settings.client_id, &secret)?);
            return Ok(Proof { fields: Vec::new(), authorization });
        }
        ClientAuth::ClientSecretPost => {
            return Ok(Proof { fields: vec![client_id(), ("client_secret", secret)], authorization: None });
        }
        ClientAuth::ClientSecretJwt => AssertionKey::of_secret(secret.as_bytes())
            .map_err(|_| Trouble::Secret("client_secret_jwt takes one of 32 to 1024 bytes".to_owned()))?,
        ClientAuth::PrivateKeyJwt => {
            let algorithm = settings.assertion.algorithm.as_deref().and_then(Algorithm::parse);
            AssertionKey::parse_pem(&secret, algorithm).map_err(Trouble::Secret)?
        }
    };
    let assertion = signed(settings, &key, now).await?;
    let fields = vec![
        client_id(),
        ("client_assertion_type", Zeroizing::new(KIND.to_owned())),
        ("client_assertion", Zeroizing::new(assertion)),
    ];
    Ok(Proof { fields, authorization: None })
}

/// An assertion: for the issuer that was declared, or whom the administrator named, and never for whom the provider's own
/// document names, which could be somebody else it would be shown to.
async fn signed(settings: &OidcSettings, key: &AssertionKey, now: Timestamp) -> Result<String, Trouble> {
    let said = &settings.assertion;
    let mut header = Map::new();
    if let Some(id) = &said.key_id {
        header.insert("kid".to_owned(), Value::from(id.as_str()));
    }
    let (id, seconds) = (&settings.client_id, now.seconds());
    let mut claims = Map::new();
    let audience = said.audience.as_ref().unwrap_or(&settings.issuer);
    for (name, value) in [
        ("iss", json!(id)),
        ("sub", json!(id)),
        ("aud", json!(audience)),
        ("jti", json!(word()?)),
        ("iat", json!(seconds)),
        ("exp", json!(seconds.saturating_add(limits::ASSERTION_SECONDS))),
    ] {
        claims.insert(name.to_owned(), value);
    }
    if let Some(reference) = &said.certificate_from {
        let pem = secrets::read(reference).await.map_err(|why| certificate(&why))?;
        header.insert("x5t#S256".to_owned(), Value::from(thumbprint(&pem, key)?));
        claims.insert("nbf".to_owned(), json!(seconds));
    }
    key.sign(header, &claims).map_err(|_| Trouble::Secret("nothing could be signed with it".to_owned()))
}

/// The thumbprint of a certificate, if it is the key's.
fn thumbprint(pem: &str, key: &AssertionKey) -> Result<String, Trouble> {
    let read = Certificate::parse_pem(pem.as_bytes()).map_err(|_| certificate("it is none in PEM"))?;
    if read.key_thumbprint() != key.thumbprint().as_ref() {
        return Err(certificate("it is of another key"));
    }
    Ok(read.thumbprint().to_owned())
}

fn certificate(why: &str) -> Trouble {
    Trouble::Secret(format!("the certificate: {why}"))
}

fn word() -> Result<String, Trouble> {
    let mut bytes = [0u8; 16];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Trouble::Secret("no random bytes to sign with it".to_owned()))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// RFC 6749 §2.3.1: both parts are encoded as in a form before they are put together.
fn basic(client_id: &str, secret: &str) -> Result<HeaderValue, Trouble> {
    let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = Zeroizing::new(format!("{}:{}", encode(client_id), encode(secret)));
    sensitive(&format!("Basic {}", STANDARD.encode(pair.as_bytes())))
}
