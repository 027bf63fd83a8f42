//! Opening an encrypted assertion (SAML Core §2.3.4, XML Encryption 1.1): AES-GCM under a key wrapped with RSA-OAEP. Others
//! are refused; so is CBC, whose padding tells whoever tries ciphertexts out what is in them. Whatever is wrong, the
//! answer is the same.

use crate::names::{DS, XENC, XENC11};
use crate::own_key::{Oaep, OwnKeys};
use crate::trouble::Trouble;
use crate::xml::Node;
use aws_lc_rs::aead::{
    AES_128_GCM, AES_192_GCM, AES_256_GCM, Aad, Algorithm, LessSafeKey, NONCE_LEN, Nonce, UnboundKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Keys an assertion may be encrypted with for different parties; each costs an operation with our private key.
const KEYS: usize = 3;

const CIPHERS: [(&str, &Algorithm); 3] = [
    ("http://www.w3.org/2009/xmlenc11#aes128-gcm", &AES_128_GCM),
    ("http://www.w3.org/2009/xmlenc11#aes192-gcm", &AES_192_GCM),
    ("http://www.w3.org/2009/xmlenc11#aes256-gcm", &AES_256_GCM),
];

const OAEP: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
const OAEP11: &str = "http://www.w3.org/2009/xmlenc11#rsa-oaep";
/// Hashes of OAEP: the name as a digest, the name as a mask, and what it is.
const HASHES: [(&str, &str, Oaep); 4] = [
    ("http://www.w3.org/2000/09/xmldsig#sha1", "http://www.w3.org/2009/xmlenc11#mgf1sha1", Oaep::Sha1),
    ("http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2009/xmlenc11#mgf1sha256", Oaep::Sha256),
    ("http://www.w3.org/2001/04/xmldsig-more#sha384", "http://www.w3.org/2009/xmlenc11#mgf1sha384", Oaep::Sha384),
    ("http://www.w3.org/2001/04/xmlenc#sha512", "http://www.w3.org/2009/xmlenc11#mgf1sha512", Oaep::Sha512),
];

/// The text inside an `EncryptedAssertion`.
///
/// # Errors
/// [`Trouble::Encryption`], whatever is wrong.
pub fn open(holder: Node<'_>, keys: &OwnKeys) -> Result<Zeroizing<Vec<u8>>, Trouble> {
    opened(holder, keys).ok_or(Trouble::Encryption)
}

fn opened(holder: Node<'_>, keys: &OwnKeys) -> Option<Zeroizing<Vec<u8>>> {
    let data = holder.child(XENC, "EncryptedData").ok()??;
    let cipher = algorithm(data)?;
    let (_, how) = CIPHERS.iter().find(|(name, _)| *name == cipher)?;
    let sealed = value(data)?;
    // The wrapped keys stand in the data's `KeyInfo`, or beside the data with a reference to them.
    let mut wrapped: Vec<Node<'_>> = holder.all(XENC, "EncryptedKey").collect();
    for info in data.all(DS, "KeyInfo") {
        wrapped.extend(info.all(XENC, "EncryptedKey"));
    }
    if wrapped.len() > KEYS {
        return None;
    }
    wrapped.into_iter().find_map(|one| {
        let (how_wrapped, text) = (oaep(one)?, value(one)?);
        keys.all().find_map(|key| decrypt(how, &key.unwrap(how_wrapped, &text)?, &sealed))
    })
}

fn decrypt(how: &'static Algorithm, key: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, body) = sealed.split_at_checked(NONCE_LEN)?;
    let key = LessSafeKey::new(UnboundKey::new(how, key).ok()?);
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut body = Zeroizing::new(body.to_vec());
    let length = key.open_in_place(nonce, Aad::empty(), &mut body).ok()?.len();
    body.truncate(length);
    Some(body)
}

/// How a key is wrapped, if in a way that is spoken here.
fn oaep(wrapped: Node<'_>) -> Option<Oaep> {
    let method = wrapped.child(XENC, "EncryptionMethod").ok()??;
    let name = method.attribute("Algorithm")?;
    let of = |namespace, child| -> Option<Option<&str>> {
        match method.child(namespace, child).ok()? {
            Some(found) => found.attribute("Algorithm").map(Some),
            None => Some(None),
        }
    };
    let digest = of(DS, "DigestMethod")?.unwrap_or(HASHES[0].0);
    let mask = of(XENC11, "MGF")?.unwrap_or(HASHES[0].1);
    let has_label = method.child(XENC, "OAEPparams").ok()?.is_some();
    if has_label || !(name == OAEP11 || (name == OAEP && mask == HASHES[0].1)) {
        return None;
    }
    HASHES.iter().find(|(one, other, _)| *one == digest && *other == mask).map(|(_, _, how)| *how)
}

fn algorithm(node: Node<'_>) -> Option<&str> {
    node.child(XENC, "EncryptionMethod").ok()??.attribute("Algorithm")
}

fn value(node: Node<'_>) -> Option<Vec<u8>> {
    let value = node.child(XENC, "CipherData").ok()??.child(XENC, "CipherValue").ok()??;
    let compact: String = value.text().ok()?.split_ascii_whitespace().collect();
    STANDARD.decode(compact).ok()
}
