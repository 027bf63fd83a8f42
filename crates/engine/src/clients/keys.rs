//! A client's public keys as declared (RFC 7517 §5), and the subject of its certificate: checked when they are
//! declared, parsed once when they are used.

use crate::clients::{Authentication, Client, ClientKind, ClientSettings};
use crate::limits;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use doorward_jose::algorithm::Algorithm;
use doorward_jose::certificate::Certificate;
use doorward_jose::jwk::PublicKey;
use doorward_jose::key_set::KeySet;
use doorward_jose::subject::Subject;
use doorward_model::fault::Fault;
use serde_json::{Value, json};

/// Public keys of one client, ready to verify.
pub struct ClientKeys {
    set: KeySet,
    certificates: Vec<Registered>,
    subject: Option<Subject>,
}

/// What a certificate must be to stand for a key of the set (RFC 8705 §2.2.2).
enum Registered {
    /// This certificate and no other: its SHA-256 in base64url.
    Certificate(String),
    /// Any certificate with this key: the key's thumbprint.
    Key(String),
}

impl ClientKeys {
    /// The keys of a client; none when nothing is declared.
    pub(crate) fn of(client: &Client) -> Result<Self, Fault> {
        let none = json!({"keys": []});
        let declared = client.settings.jwks.as_ref().unwrap_or(&none);
        let set = KeySet::parse(declared).map_err(|bad| Fault::corrupt("clients", client.id.as_str(), bad))?;
        let listed = declared.get("keys").and_then(Value::as_array);
        let certificates = listed.into_iter().flatten().filter_map(registered).collect();
        let subject = Subject::parse(&client.settings.tls_subject).ok();
        Ok(Self { set, certificates, subject })
    }

    /// The keys, to choose one by `kid` and algorithm.
    pub fn set(&self) -> &KeySet {
        &self.set
    }

    /// The subject its certificate must have; `None` when none is declared.
    pub fn subject(&self) -> Option<&Subject> {
        self.subject.as_ref()
    }

    /// Whether a certificate is one of the client's.
    pub fn has(&self, certificate: &Certificate) -> bool {
        self.certificates.iter().any(|known| match known {
            Registered::Certificate(thumbprint) => certificate.thumbprint() == thumbprint,
            Registered::Key(thumbprint) => certificate.key_thumbprint() == Some(thumbprint),
        })
    }
}

fn registered(jwk: &Value) -> Option<Registered> {
    let key = PublicKey::parse_jwk(jwk).ok()?;
    match certificate_of(jwk) {
        Ok(Some(thumbprint)) => Some(Registered::Certificate(thumbprint)),
        Ok(None) => Some(Registered::Key(key.thumbprint())),
        Err(_) => None,
    }
}

/// The thumbprint of the certificate a key names: by `x5t#S256`, or by the first of `x5c` (RFC 7517 §4.7, §4.9).
fn certificate_of(jwk: &Value) -> Result<Option<String>, &'static str> {
    if let Some(named) = jwk.get("x5t#S256") {
        let is_hash = |text: &&str| URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == 32);
        let text = named.as_str().filter(is_hash);
        return text.map(|text| Some(text.to_owned())).ok_or("`x5t#S256` must be a SHA-256 in base64url");
    }
    let Some(chain) = jwk.get("x5c") else { return Ok(None) };
    let first = chain.as_array().and_then(|chain| chain.first()).and_then(Value::as_str);
    let der = first.and_then(|text| STANDARD.decode(text).ok());
    let der = der.ok_or("`x5c` must be a list of certificates in base64")?;
    Ok(Some(URL_SAFE_NO_PAD.encode(digest(&SHA256, &der))))
}

/// What must hold for a declared key set: every key in it is public and understood, and a signature leads to
/// one of them without a choice.
///
/// # Errors
/// A sentence of what is wrong and what to do.
pub fn check(set: &Value) -> Result<(), String> {
    let listed = set.get("keys").and_then(Value::as_array).filter(|keys| !keys.is_empty());
    let listed = listed.ok_or("the key set must be a JSON object with a list named `keys` that holds a key")?;
    if listed.len() > limits::CLIENT_KEYS {
        return Err(format!("the key set may hold at most {} keys: remove old ones", limits::CLIENT_KEYS));
    }
    if set.to_string().len() > limits::CLIENT_KEYS_BYTES {
        return Err(format!("the key set may have at most {} bytes: remove old keys", limits::CLIENT_KEYS_BYTES));
    }
    let mut keys = Vec::with_capacity(listed.len());
    for (number, jwk) in listed.iter().enumerate() {
        let key = PublicKey::parse_jwk(jwk).map_err(|bad| format!("key {}: {bad}", number + 1))?;
        certificate_of(jwk).map_err(|bad| format!("key {}: {bad}", number + 1))?;
        keys.push(key);
    }
    for algorithm in Algorithm::ALL {
        let mut names: Vec<_> = keys.iter().filter(|key| key.verifies(algorithm)).map(PublicKey::kid).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err(format!("two keys for {algorithm} have the same `kid` or none: give each its own"));
        }
    }
    Ok(())
}

/// What must hold for how a client proves who it is.
///
/// # Errors
/// A sentence of what is wrong and what to do.
pub fn check_proof(settings: &ClientSettings) -> Result<(), String> {
    if let Some(set) = &settings.jwks {
        check(set).map_err(|bad| format!("jwks: {bad}"))?;
    }
    let subject = &settings.tls_subject;
    if !subject.is_empty() {
        Subject::parse(subject).map_err(|bad| format!("tls_subject: {bad}"))?;
    }
    let no = |what: &str| Err(what.to_owned());
    match (settings.kind, settings.authentication) {
        (ClientKind::Public, Authentication::Secret) if settings.certificate_bound => {
            no("tokens of a public client cannot be bound to a certificate: it has none that is known here")
        }
        (ClientKind::Public, Authentication::Secret) => Ok(()),
        (ClientKind::Public, _) => no("a public client proves nothing: leave out how it authenticates"),
        (_, Authentication::PrivateKeyJwt) if settings.jwks.is_none() => {
            no("private_key_jwt needs the client's public keys: give jwks")
        }
        (_, Authentication::TlsSelfSigned) if settings.jwks.is_none() => {
            no("tls_self_signed needs the key of the client's certificate: give jwks")
        }
        (_, Authentication::TlsSubject) if subject.is_empty() => {
            no("tls_subject needs the subject of the client's certificate: give it as CN=loader,O=Example")
        }
        (_, Authentication::TlsSubject) => Ok(()),
        _ if !subject.is_empty() => no("a subject is compared with authentication tls_subject only: remove it"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::limits;
    use serde_json::{Value, json};

    /// RFC 7517 §A.1, the EC key; RFC 8037 §A.2.
    fn ec() -> Value {
        json!({"kty": "EC", "crv": "P-256", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
               "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"})
    }

    fn okp() -> Value {
        json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})
    }

    fn with(mut key: Value, name: &str, value: Value) -> Value {
        key[name] = value;
        key
    }

    #[test]
    fn a_set_holds_public_keys_that_can_be_told_apart() {
        let named = |kid: &str| with(ec(), "kid", json!(kid));
        assert_eq!(check(&json!({"keys": [ec()]})), Ok(()));
        assert_eq!(check(&json!({"keys": [ec(), okp()]})), Ok(()));
        assert_eq!(check(&json!({"keys": [named("a"), named("b"), ec()]})), Ok(()));
        let hash = with(ec(), "x5t#S256", json!("bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"));
        assert_eq!(check(&json!({"keys": [hash]})), Err("key 1: `x5t#S256` must be a SHA-256 in base64url".to_owned()));
        let many: Vec<Value> = (0..=limits::CLIENT_KEYS).map(|number| named(&number.to_string())).collect();
        let large = with(ec(), "note", json!("x".repeat(limits::CLIENT_KEYS_BYTES)));
        for (set, wrong) in [
            (json!({}), "a list named `keys`"),
            (json!([ec()]), "a list named `keys`"),
            (json!({"keys": []}), "a list named `keys`"),
            (json!({"keys": many}), "at most"),
            (json!({"keys": [large]}), "bytes"),
            (json!({"keys": [okp(), with(ec(), "d", json!("x"))]}), "key 2: the key holds the private member `d`"),
            (json!({"keys": [{"kty": "oct", "k": "AAAA"}]}), "private member `k`"),
            (json!({"keys": [with(ec(), "crv", json!("P-384"))]}), "`crv`"),
            (json!({"keys": [with(ec(), "use", json!("enc"))]}), "`use`"),
            (json!({"keys": [ec(), ec()]}), "two keys for ES256"),
            (json!({"keys": [named("a"), named("a")]}), "two keys for ES256"),
            (json!({"keys": [with(ec(), "x5c", json!("x"))]}), "`x5c`"),
        ] {
            let told = check(&set).err().unwrap_or_default();
            assert!(told.contains(wrong), "{told} for {set}");
        }
    }
}
