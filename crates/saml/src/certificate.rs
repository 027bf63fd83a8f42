//! A provider's certificates, read for the key in them: pinned by metadata or by hand, so what an authority says of them
//! does not count, nor until when.

use crate::limits;
use crate::trouble::Trouble;
use aws_lc_rs::signature as verify;
use aws_lc_rs::signature::{UnparsedPublicKey, VerificationAlgorithm};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey;

const RSA: &str = "1.2.840.113549.1.1.1";
const EC: &str = "1.2.840.10045.2.1";
const CURVES: [(&str, Curve); 3] =
    [("1.2.840.10045.3.1.7", Curve::P256), ("1.3.132.0.34", Curve::P384), ("1.3.132.0.35", Curve::P521)];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Curve {
    P256,
    P384,
    P521,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Rsa,
    Ec(Curve),
}

/// A key signatures are checked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    kind: Type,
    bits: Vec<u8>,
}

/// How something is signed: by which algorithm of XML Signature.
const ALGORITHMS: [(&str, Type, &'static dyn VerificationAlgorithm); 6] = [
    ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", Type::Rsa, &verify::RSA_PKCS1_2048_8192_SHA256),
    ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha384", Type::Rsa, &verify::RSA_PKCS1_2048_8192_SHA384),
    ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", Type::Rsa, &verify::RSA_PKCS1_2048_8192_SHA512),
    ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", Type::Ec(Curve::P256), &verify::ECDSA_P256_SHA256_FIXED),
    ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384", Type::Ec(Curve::P384), &verify::ECDSA_P384_SHA384_FIXED),
    ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512", Type::Ec(Curve::P521), &verify::ECDSA_P521_SHA512_FIXED),
];

impl Key {
    /// The key of a certificate in base64, as it stands in metadata: RSA of at least 2048 bits, or of one of NIST's
    /// curves.
    ///
    /// # Errors
    /// [`Trouble::Metadata`]
    pub fn of_certificate(text: &str) -> Result<Self, Trouble> {
        let wrong = |why: &str| Trouble::Metadata(format!("a certificate in it {why}"));
        let compact: String = text.split_ascii_whitespace().collect();
        if compact.len() > limits::CERTIFICATE_BYTES * 4 / 3 {
            return Err(wrong("is too large"));
        }
        let der = STANDARD.decode(compact).map_err(|_| wrong("is not base64"))?;
        let (_, certificate) = X509Certificate::from_der(&der).map_err(|_| wrong("cannot be read"))?;
        let info = certificate.public_key();
        let bits = info.subject_public_key.data.to_vec();
        let kind = match info.algorithm.algorithm.to_id_string().as_str() {
            RSA => match info.parsed() {
                Ok(PublicKey::RSA(key)) if limits::RSA_BITS.contains(&key.key_size()) => Type::Rsa,
                _ => return Err(wrong("holds an RSA key of less than 2048 bits, or none that can be read")),
            },
            EC => {
                let curve = info.algorithm.parameters.as_ref().and_then(|any| any.as_oid().ok());
                let name = curve.map(|oid| oid.to_id_string()).unwrap_or_default();
                let known = CURVES.iter().find(|(oid, _)| *oid == name);
                Type::Ec(known.ok_or_else(|| wrong("holds a key of a curve that is not spoken here"))?.1)
            }
            _ => return Err(wrong("holds neither an RSA key nor one of NIST's curves")),
        };
        Ok(Self { kind, bits })
    }

    /// Whether it made a signature, by an algorithm that fits it and is strong enough.
    pub fn has_signed(&self, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
        let fitting = ALGORITHMS.iter().find(|(name, kind, _)| *name == algorithm && *kind == self.kind);
        fitting.is_some_and(|(_, _, how)| UnparsedPublicKey::new(*how, &self.bits).verify(message, signature).is_ok())
    }
}

/// Whether signatures by this algorithm are checked at all.
pub fn is_strong(algorithm: &str) -> bool {
    ALGORITHMS.iter().any(|(name, _, _)| *name == algorithm)
}
