//! Certificates clients show (RFC 5280, RFC 8705), read for what counts here: whose they are, which key they
//! hold, when they are good, and whether an authority vouches for them. That the peer holds the private key
//! is proved by the TLS connection, which ends before us.

use crate::jwk::PublicKey;
use crate::limits;
use crate::subject::{Attribute, Subject};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use serde_json::{Value, json};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::{AttributeTypeAndValue, SubjectPublicKeyInfo, X509Name};

/// The numbers of key types and of the curve P-256 (RFC 3279 §2.3.1, RFC 5480 §2.1.1, RFC 8410 §3).
const RSA: &str = "1.2.840.113549.1.1.1";
const EC: &str = "1.2.840.10045.2.1";
const P256: &str = "1.2.840.10045.3.1.7";
const ED25519: &str = "1.3.101.112";

/// A client's certificate and those sent along with it.
pub struct Certificate {
    chain: Vec<CertificateDer<'static>>,
    subject: Option<Subject>,
    key: Option<String>,
    /// Its first and its last second, since 1970.
    times: (i64, i64),
    thumbprint: String,
}

/// Why bytes are not taken as a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadCertificate {
    /// No certificate, or one that breaks its own encoding.
    #[error("it is no X.509 certificate in DER")]
    Encoding,
    /// More than any has.
    #[error("it has more than {} bytes or certificates", limits::CERTIFICATE_BYTES)]
    Size,
}

impl Certificate {
    /// Reads a chain in DER, the client's own certificate first.
    pub fn parse(chain: Vec<Vec<u8>>) -> Result<Self, BadCertificate> {
        if chain.len() > limits::CHAIN || chain.iter().any(|der| der.len() > limits::CERTIFICATE_BYTES) {
            return Err(BadCertificate::Size);
        }
        let own = chain.first().ok_or(BadCertificate::Encoding)?;
        let (rest, parsed) = X509Certificate::from_der(own).map_err(|_| BadCertificate::Encoding)?;
        if !rest.is_empty() {
            return Err(BadCertificate::Encoding);
        }
        let validity = parsed.validity();
        let times = (validity.not_before.timestamp(), validity.not_after.timestamp());
        let (subject, key) = (subject(parsed.subject()), key(parsed.public_key()));
        let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, own));
        Ok(Self { chain: chain.into_iter().map(CertificateDer::from).collect(), subject, key, times, thumbprint })
    }

    /// Reads one in PEM.
    pub fn parse_pem(text: &[u8]) -> Result<Self, BadCertificate> {
        let der = CertificateDer::from_pem_slice(text).map_err(|_| BadCertificate::Encoding)?;
        Self::parse(vec![der.to_vec()])
    }

    /// SHA-256 over the certificate, in base64url: `x5t#S256` (RFC 7515 §4.1.8, RFC 8705 §3.1).
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// The thumbprint of its key (RFC 7638), if the key is of a type that is spoken here.
    pub fn key_thumbprint(&self) -> Option<&String> {
        self.key.as_ref()
    }

    /// Whose it is; `None` for a certificate without a subject, or with one that is no text.
    pub fn subject(&self) -> Option<&Subject> {
        self.subject.as_ref()
    }

    /// Whether it is good at `now`, in seconds since 1970.
    pub fn is_in_time(&self, now: i64) -> bool {
        (self.times.0..=self.times.1).contains(&now)
    }
}

fn subject(name: &X509Name<'_>) -> Option<Subject> {
    let attribute = |attribute: &AttributeTypeAndValue<'_>| -> Option<Attribute> {
        Some((attribute.attr_type().to_id_string(), attribute.as_str().ok()?.to_owned()))
    };
    let parts: Option<Vec<Vec<Attribute>>> =
        name.iter().map(|part| part.iter().map(attribute).collect::<Option<Vec<_>>>()).collect();
    Subject::of_parts(parts?)
}

/// The thumbprint of a certificate's key. It passes through the same strict reading as a declared one, so two
/// spellings of one key cannot differ.
fn key(info: &SubjectPublicKeyInfo<'_>) -> Option<String> {
    PublicKey::parse_jwk(&jwk(info)?).ok().map(|key| key.thumbprint())
}

fn jwk(info: &SubjectPublicKeyInfo<'_>) -> Option<Value> {
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let bare = |bytes: &[u8]| text(bytes.strip_prefix(&[0]).unwrap_or(bytes));
    let bytes: &[u8] = &info.subject_public_key.data;
    match info.algorithm.algorithm.to_id_string().as_str() {
        RSA => match info.parsed().ok()? {
            x509_parser::public_key::PublicKey::RSA(key) => {
                Some(json!({"kty": "RSA", "n": bare(key.modulus), "e": bare(key.exponent)}))
            }
            _ => None,
        },
        EC => {
            let curve = info.algorithm.parameters.as_ref()?.as_oid().ok()?.to_id_string();
            // An uncompressed point: 4, x, y (SEC 1 §2.3.3).
            let (x, y) = bytes.strip_prefix(&[4])?.split_at_checked(32)?;
            (curve == P256).then(|| json!({"kty": "EC", "crv": "P-256", "x": text(x), "y": text(y)}))
        }
        ED25519 => Some(json!({"kty": "OKP", "crv": "Ed25519", "x": text(bytes)})),
        _ => None,
    }
}

/// Authorities that vouch for clients' certificates.
#[derive(Clone)]
pub struct Authorities(Arc<[TrustAnchor<'static>]>);

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} authorities", self.0.len())
    }
}

impl Authorities {
    /// Reads certificates in PEM, one after the other.
    ///
    /// # Errors
    /// A sentence of what is wrong and what to do.
    pub fn parse_pem(text: &[u8]) -> Result<Self, String> {
        let mut anchors = Vec::new();
        for (number, der) in CertificateDer::pem_slice_iter(text).enumerate() {
            let broken = || format!("certificate {} in it cannot be read: export it again in PEM", number + 1);
            let der = der.map_err(|_| broken())?;
            anchors.push(anchor_from_trusted_cert(&der).map_err(|_| broken())?.to_owned());
        }
        match anchors.len() {
            0 => Err("no certificate stands in it: write certificates in PEM, one after the other".to_owned()),
            1..=limits::AUTHORITIES => Ok(Self(anchors.into())),
            _ => Err(format!("more than {} certificates stand in it: remove some", limits::AUTHORITIES)),
        }
    }

    /// Whether one of them vouches for a certificate as a client's at `now`, in seconds since 1970 (RFC 5280 §6).
    /// Certificates sent along may lie between.
    pub fn vouch_for(&self, certificate: &Certificate, now: i64) -> bool {
        let Some((own, between)) = certificate.chain.split_first() else { return false };
        let Ok(own) = EndEntityCert::try_from(own) else { return false };
        let time = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now).unwrap_or(0)));
        let algorithms = ALL_VERIFICATION_ALGS;
        own.verify_for_usage(algorithms, &self.0, between, time, KeyUsage::client_auth(), None, None).is_ok()
    }
}
