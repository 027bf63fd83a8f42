//! Public keys, read strictly from JWKs (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2). Every number has one
//! spelling, so one key has one thumbprint. The key's type fixes the algorithms it verifies.

use crate::algorithm::Algorithm;
use crate::bad::{BadKey, BadToken};
use crate::header::is_name;
use crate::limits;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ED25519_PUBLIC_KEY_LEN, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

/// Members that only a private or a shared key has (RFC 7518 §6.2.2, §6.3.2, §6.4, RFC 8037 §2).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
/// Bytes of a coordinate of a point on P-256.
const COORDINATE: usize = 32;

type Members = Map<String, Value>;

/// A public key, parsed once, and what it may verify.
#[derive(Clone)]
pub struct PublicKey {
    kid: Option<String>,
    shape: Shape,
}

/// The numbers of a key.
#[derive(Clone)]
struct Shape {
    verifiers: Vec<(Algorithm, ParsedPublicKey)>,
    /// The members a thumbprint covers, in the form it is taken of (RFC 7638 §3.2, RFC 8037 §2).
    canonical: String,
}

impl PublicKey {
    /// Reads a JWK. Members that are not known are ignored, as RFC 7517 §4 asks.
    pub fn parse_jwk(jwk: &Value) -> Result<Self, BadKey> {
        let jwk = jwk.as_object().ok_or(BadKey::NotAnObject)?;
        if let Some(name) = PRIVATE.into_iter().find(|name| jwk.contains_key(*name)) {
            return Err(BadKey::Private(name));
        }
        if jwk.get("use").is_some_and(|purpose| purpose.as_str() != Some("sig")) {
            return Err(BadKey::Use);
        }
        if jwk.get("key_ops").is_some_and(|operations| !allows_verifying(operations)) {
            return Err(BadKey::Operations);
        }
        let kid = match jwk.get("kid") {
            None => None,
            Some(kid) => Some(kid.as_str().filter(|kid| is_name(kid)).ok_or(BadKey::Name)?.to_owned()),
        };
        let mut shape = match jwk.get("kty").and_then(Value::as_str) {
            Some("RSA") => rsa(jwk)?,
            Some("EC") => p256(jwk)?,
            Some("OKP") => ed25519(jwk)?,
            _ => return Err(BadKey::Type),
        };
        if let Some(named) = jwk.get("alg") {
            let named = named.as_str().and_then(Algorithm::parse);
            shape.verifiers.retain(|(algorithm, _)| Some(*algorithm) == named);
            if shape.verifiers.is_empty() {
                return Err(BadKey::Algorithm);
            }
        }
        Ok(Self { kid, shape })
    }

    /// Its name, if it has one.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Whether it verifies this algorithm.
    pub fn verifies(&self, algorithm: Algorithm) -> bool {
        self.shape.verifiers.iter().any(|(own, _)| *own == algorithm)
    }

    /// What tells the key from any other, whatever it is called: SHA-256 in base64url (RFC 7638 §3). It is
    /// the `jkt` of a proof of possession (RFC 9449 §6.1).
    pub fn thumbprint(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest(&SHA256, self.shape.canonical.as_bytes()))
    }

    /// Whether the key made the signature over the message with this algorithm. Tokens are read and verified with
    /// [`crate::jws::Presented`], which ends here; this alone is for what is not a token.
    ///
    /// # Errors
    /// [`BadToken::Algorithm`] when the key is not for that algorithm, [`BadToken::Signature`] when it did not.
    pub fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> Result<(), BadToken> {
        let own = self.shape.verifiers.iter().find(|(own, _)| *own == algorithm);
        let (_, key) = own.ok_or(BadToken::Algorithm)?;
        key.verify_sig(message, signature).map_err(|_| BadToken::Signature)
    }
}

fn allows_verifying(operations: &Value) -> bool {
    operations.as_array().is_some_and(|list| list.iter().any(|one| one.as_str() == Some("verify")))
}

fn rsa(jwk: &Members) -> Result<Shape, BadKey> {
    let (n_text, n) = number(jwk, "n", limits::RSA_BITS.end() / 8)?;
    let (e_text, e) = number(jwk, "e", size_of::<u64>())?;
    let leading_zeros = |bytes: &[u8]| bytes.first().map_or(8, |first| first.leading_zeros() as usize);
    if leading_zeros(&n) == 8 {
        return Err(BadKey::Number("n"));
    }
    if leading_zeros(&e) == 8 {
        return Err(BadKey::Number("e"));
    }
    if !limits::RSA_BITS.contains(&(n.len() * 8 - leading_zeros(&n))) {
        return Err(BadKey::RsaSize);
    }
    let exponent = e.iter().fold(0u64, |whole, byte| whole << 8 | u64::from(*byte));
    if exponent.is_multiple_of(2) || !limits::RSA_EXPONENT.contains(&exponent) {
        return Err(BadKey::RsaExponent);
    }
    // By way of DER, because only that way the library checks the numbers too: an even modulus, for one.
    let der = RsaPublicKeyComponents { n: &n, e: &e }.as_der().map_err(|_| BadKey::Unsound)?;
    let with = |parameters: &'static RsaParameters| parsed(parameters, der.as_ref());
    Ok(Shape {
        verifiers: vec![
            (Algorithm::Rs256, with(&RSA_PKCS1_2048_8192_SHA256)?),
            (Algorithm::Ps256, with(&RSA_PSS_2048_8192_SHA256)?),
        ],
        canonical: format!(r#"{{"e":"{e_text}","kty":"RSA","n":"{n_text}"}}"#),
    })
}

fn p256(jwk: &Members) -> Result<Shape, BadKey> {
    on_curve(jwk, "P-256")?;
    let (x_text, x) = exact_number(jwk, "x", COORDINATE)?;
    let (y_text, y) = exact_number(jwk, "y", COORDINATE)?;
    // An uncompressed point (SEC 1 §2.3.4); parsing it checks that it lies on the curve.
    let point = [&[4], x.as_slice(), y.as_slice()].concat();
    Ok(Shape {
        verifiers: vec![(Algorithm::Es256, parsed(&ECDSA_P256_SHA256_FIXED, &point)?)],
        canonical: format!(r#"{{"crv":"P-256","kty":"EC","x":"{x_text}","y":"{y_text}"}}"#),
    })
}

fn ed25519(jwk: &Members) -> Result<Shape, BadKey> {
    on_curve(jwk, "Ed25519")?;
    let (x_text, x) = exact_number(jwk, "x", ED25519_PUBLIC_KEY_LEN)?;
    if is_small_or_oversized(&x) {
        return Err(BadKey::Unsound);
    }
    Ok(Shape {
        verifiers: vec![(Algorithm::EdDsa, parsed(&ED25519, &x)?)],
        canonical: format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x_text}"}}"#),
    })
}

fn on_curve(jwk: &Members, curve: &str) -> Result<(), BadKey> {
    if jwk.get("crv").and_then(Value::as_str) == Some(curve) { Ok(()) } else { Err(BadKey::Curve) }
}

fn parsed(algorithm: &'static dyn VerificationAlgorithm, bytes: &[u8]) -> Result<ParsedPublicKey, BadKey> {
    ParsedPublicKey::new(algorithm, bytes).map_err(|_| BadKey::Unsound)
}

/// A member in base64url, as text and as at most so many bytes. Longer text is not even decoded.
fn number<'j>(jwk: &'j Members, name: &'static str, most: usize) -> Result<(&'j str, Vec<u8>), BadKey> {
    let text = jwk.get(name).and_then(Value::as_str).ok_or(BadKey::Number(name))?;
    if text.len() > (most * 4).div_ceil(3) {
        return Err(if name == "n" { BadKey::RsaSize } else { BadKey::Number(name) });
    }
    URL_SAFE_NO_PAD.decode(text).map(|bytes| (text, bytes)).map_err(|_| BadKey::Number(name))
}

fn exact_number<'j>(jwk: &'j Members, name: &'static str, length: usize) -> Result<(&'j str, Vec<u8>), BadKey> {
    let (text, bytes) = number(jwk, name, length)?;
    if bytes.len() == length { Ok((text, bytes)) } else { Err(BadKey::Number(name)) }
}

/// Whether the `y` of an Ed25519 point is that of a point of small order, for which signatures over any
/// message can be written down, or is not reduced (RFC 8032 §5.1.3). Little-endian; the top bit is the sign
/// of `x` and does not count.
fn is_small_or_oversized(point: &[u8]) -> bool {
    const fn around_prime(last: u8) -> [u8; ED25519_PUBLIC_KEY_LEN] {
        let mut bytes = [0xff; ED25519_PUBLIC_KEY_LEN];
        bytes[0] = last;
        bytes[ED25519_PUBLIC_KEY_LEN - 1] = 0x7f;
        bytes
    }
    /// The two `y` of the points of order 8.
    const ORDER_8: [[u8; ED25519_PUBLIC_KEY_LEN]; 2] = [
        [
            0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
            0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
        ],
        [
            0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
            0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
        ],
    ];
    let mut y = point.to_vec();
    if let Some(top) = y.last_mut() {
        *top &= 0x7f;
    }
    // 0 and 1, of order 4 and 1; the prime less 1, of order 2; from the prime on, not reduced.
    let is_zero_or_one = y.iter().skip(1).all(|byte| *byte == 0) && y.first().is_some_and(|byte| *byte < 2);
    let is_high = y.iter().rev().cmp(around_prime(0xec).iter().rev()).is_ge();
    is_zero_or_one || is_high || ORDER_8.iter().any(|small| *small == *y)
}
