//! Keys of our own with a certificate around them (RFC 5280 §4.1), for those who are told a key by a certificate: signed by
//! itself, with a name and a span of time and nothing else. What counts is that the other side was given it.

use crate::limits;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use doorward_model::fault::Fault;
use doorward_model::time::Timestamp;
use zeroize::Zeroizing;

/// The tags of the parts (X.690 §8).
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 0x02;
const BITS: u8 = 0x03;
const UTF8: u8 = 0x0c;
const GENERALIZED_TIME: u8 = 0x18;
/// `[0]`, constructed.
const VERSION: u8 = 0xa0;
/// `commonName`, 2.5.4.3, encoded.
const COMMON_NAME: [u8; 5] = [0x06, 0x03, 0x55, 0x04, 0x03];
/// `sha256WithRSAEncryption`, 1.2.840.113549.1.1.11 with its empty parameters, encoded.
const SHA256_WITH_RSA: [u8; 13] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00];
/// Longest common name (RFC 5280, appendix A.1).
const NAME_CHARACTERS: usize = 64;

/// Makes an RSA key of 2048 bits and a certificate that names `name`. As one text, to be sealed: the key in PKCS #8 and the
/// certificate in DER, each in base64, with a space between them. Takes a part of a second.
///
/// # Errors
/// A [`Fault`] when there are no random bytes.
pub fn make(name: &str, now: Timestamp) -> Result<Zeroizing<String>, Fault> {
    let failed = |_| Fault::internal("making a key with a certificate");
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
    let secret = pair.as_der().map_err(failed)?;
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(failed)?;
    let body = certificate_body(name, public.as_ref(), now);
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &body, &mut signature).map_err(failed)?;
    let how = part(SEQUENCE, &[&SHA256_WITH_RSA]);
    let certificate = part(SEQUENCE, &[&body, &how, &part(BITS, &[&[0], &signature])]);
    let secret = Zeroizing::new(STANDARD.encode(secret.as_ref()));
    Ok(Zeroizing::new(format!("{} {}", *secret, STANDARD.encode(certificate))))
}

/// What is signed of a certificate.
fn certificate_body(name: &str, public: &[u8], now: Timestamp) -> Vec<u8> {
    let short: String = name.chars().take(NAME_CHARACTERS).collect();
    let attribute = part(SEQUENCE, &[&COMMON_NAME, &part(UTF8, &[short.as_bytes()])]);
    let whose = part(SEQUENCE, &[&part(SET, &[&attribute])]);
    let days = i64::from(limits::CERTIFICATE_YEARS) * 365;
    let span = part(SEQUENCE, &[&moment(now.plus_seconds(-3600)), &moment(now.plus_seconds(days * 24 * 3600))]);
    let how = part(SEQUENCE, &[&SHA256_WITH_RSA]);
    // A positive number of sixteen bytes that is the key's own.
    let mut serial = digest(&SHA256, public).as_ref().get(..16).unwrap_or_default().to_vec();
    if let Some(first) = serial.first_mut() {
        *first = (*first & 0x3f) | 0x40;
    }
    let version = part(VERSION, &[&part(INTEGER, &[&[2]])]);
    part(SEQUENCE, &[&version, &part(INTEGER, &[&serial]), &how, &whose, &span, &whose, public])
}

fn moment(at: Timestamp) -> Vec<u8> {
    // 2026-11-01T00:00:00Z without its punctuation.
    let digits: String = at.rfc3339().chars().filter(char::is_ascii_digit).collect();
    part(GENERALIZED_TIME, &[digits.as_bytes(), b"Z"])
}

fn part(tag: u8, inner: &[&[u8]]) -> Vec<u8> {
    let length: usize = inner.iter().map(|one| one.len()).sum();
    let mut out = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let bytes = length.to_be_bytes();
            let used: Vec<u8> = bytes.into_iter().skip_while(|byte| *byte == 0).collect();
            out.push(0x80 | u8::try_from(used.len()).unwrap_or(0));
            out.extend(used);
        }
    }
    for one in inner {
        out.extend_from_slice(one);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::make;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use doorward_model::time::Timestamp;
    use x509_parser::certificate::X509Certificate;
    use x509_parser::prelude::FromDer as _;

    #[test]
    fn a_certificate_names_its_key_and_is_good_for_long() -> Result<(), Box<dyn std::error::Error>> {
        let now = Timestamp::from_millis(1_790_000_000_000);
        let Ok(made) = make(&"äbc".repeat(100), now) else { panic!("a key") };
        let (_, certificate) = made.split_once(' ').ok_or("two parts")?;
        let der = STANDARD.decode(certificate)?;
        let (rest, read) = X509Certificate::from_der(&der)?;
        assert!(rest.is_empty());
        assert_eq!(read.subject(), read.issuer());
        assert!(read.validity().not_before.timestamp() < now.seconds());
        assert!(read.validity().not_after.timestamp() > now.plus_seconds(19 * 365 * 24 * 3600).seconds());
        Ok(())
    }
}
