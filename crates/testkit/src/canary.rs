//! Searches what a program has written for secrets: known ones in every spelling they could have been written in, and
//! whatever has the form of a credential. Owns the search; does not own what may stand where.

use std::collections::HashMap;
use std::path::Path;

use crate::encoding::base64;
use crate::http::percent;

/// Shorter secrets would be found by chance.
const SHORTEST: usize = 8;
/// Letters behind the mark of kind of a random credential.
const RANDOM_LETTERS: usize = 43;
/// Letters a signature has at least.
const SIGNATURE_LETTERS: usize = 40;

/// Secrets to be searched for, by the first bytes of their spellings.
#[derive(Default)]
pub struct Wanted {
    by_head: HashMap<[u8; SHORTEST], Vec<(String, Vec<u8>)>>,
}

impl Wanted {
    /// Adds a secret under a name: as it is, escaped for addresses and forms, in hexadecimal, and in base64 wherever in
    /// a longer text it may stand.
    ///
    /// # Panics
    /// When the secret is too short to be found other than by chance.
    pub fn add(&mut self, name: &str, secret: &[u8]) {
        assert!(secret.len() >= SHORTEST, "{name} is too short to be searched for");
        for spelling in spellings(secret) {
            let Some(head) = spelling.first_chunk() else { continue };
            self.by_head.entry(*head).or_default().push((name.to_owned(), spelling));
        }
    }

    /// Names of the secrets that stand in some bytes, each with what stands before it.
    pub fn found_in(&self, bytes: &[u8]) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for at in 0..bytes.len().saturating_sub(SHORTEST - 1) {
            let rest = bytes.get(at..).unwrap_or_default();
            let Some(candidates) = rest.first_chunk().and_then(|head| self.by_head.get(head)) else { continue };
            for (name, _) in candidates.iter().filter(|(_, spelling)| rest.starts_with(spelling)) {
                if !found.iter().any(|known| known.starts_with(name.as_str())) {
                    found.push(format!("{name} behind {:?}", before(bytes, at)));
                }
            }
        }
        found
    }
}

fn spellings(secret: &[u8]) -> Vec<Vec<u8>> {
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut all = vec![secret.to_vec(), hex.to_uppercase().into_bytes(), hex.into_bytes()];
    if let Ok(text) = std::str::from_utf8(secret) {
        let escaped = percent(text);
        all.extend([
            escaped.replace("%20", "+").into_bytes(),
            escaped.to_lowercase().into_bytes(),
            escaped.into_bytes(),
        ]);
    }
    for shift in 0..3usize {
        // Letters that hold bits of a neighbour are left out.
        let shifted = [&[0u8; 2][..shift], secret].concat();
        let whole = base64(&shifted[..shifted.len() - shifted.len() % 3]);
        let inner = whole.get(if shift == 0 { 0 } else { 4 }..).unwrap_or_default().to_owned();
        all.extend([inner.replace('+', "-").replace('/', "_").into_bytes(), inner.into_bytes()]);
    }
    all.retain(|spelling| spelling.len() >= SHORTEST);
    all.sort();
    all.dedup();
    all
}

fn before(bytes: &[u8], at: usize) -> String {
    let context = bytes.get(at.saturating_sub(80)..at).unwrap_or_default();
    String::from_utf8_lossy(context).into_owned()
}

/// Whatever has the form of a credential of ours, or of a signed token: its beginning, and what stands before it.
pub fn credentials(bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let rest = bytes.get(at..).unwrap_or_default();
        let length = credential(rest).filter(|_| at == 0 || !is_letter(bytes.get(at - 1).copied().unwrap_or(0)));
        if let Some(length) = length {
            let head = String::from_utf8_lossy(rest.get(..8).unwrap_or_default()).into_owned();
            found.push(format!("{head}… behind {:?}", before(bytes, at)));
            at += length;
        }
        at += 1;
    }
    found
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

fn letters(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| is_letter(**byte)).count()
}

/// The length of the credential that some bytes begin with.
fn credential(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [b'd', b'w', kind, b'_', rest @ ..] if kind.is_ascii_lowercase() => {
            let count = letters(rest);
            let is_whole = count == RANDOM_LETTERS || (matches!(kind, b'f' | b'n') && count > RANDOM_LETTERS);
            is_whole.then_some(4 + count)
        }
        [b'e', b'y', b'J', ..] => {
            let head = letters(bytes);
            let claims = bytes.get(head..)?.strip_prefix(b".")?;
            let signature = claims.get(letters(claims)..)?.strip_prefix(b".")?;
            let is_token = claims.starts_with(b"eyJ") && letters(signature) >= SIGNATURE_LETTERS;
            is_token.then(|| bytes.len() - signature.len() + letters(signature))
        }
        _ => None,
    }
}

/// Every file below a directory, with its bytes.
pub fn files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else if path.is_file() {
            files.push((path.display().to_string(), std::fs::read(&path).unwrap_or_default()));
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::{Wanted, credentials};
    use crate::encoding::base64;

    #[test]
    fn a_secret_is_found_in_every_spelling_and_in_no_other_text() {
        let secret = "staple horse & battery";
        let mut wanted = Wanted::default();
        wanted.add("the password", secret.as_bytes());
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        for text in [
            secret.to_owned(),
            "password=staple%20horse%20%26%20battery&x".to_owned(),
            "password=staple+horse+%26+battery".to_owned(),
            format!("\\x{hex}"),
            base64(format!("alice:{secret}").as_bytes()),
            base64(format!("al:{secret}").as_bytes()),
            base64(format!("a:{secret}!").as_bytes()),
        ] {
            assert_eq!(wanted.found_in(format!("before {text} after").as_bytes()).len(), 1, "{text}");
        }
        assert_eq!(wanted.found_in(b"staple horse, battery"), Vec::<String>::new());
    }

    #[test]
    fn what_has_the_form_of_a_credential_is_found() {
        let letters = "a".repeat(43);
        for text in [
            format!("token dwa_{letters} was shown"),
            format!("GET /enter?ticket=dwt_{letters}"),
            format!("eyJ0eXAiOiJKV1QifQ.eyJ0eXAiOiJSZWZyZXNoIn0.dwr_{letters}"),
            format!("flow=dwf_{letters}{letters}"),
            format!("Bearer eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.{letters}"),
        ] {
            assert_eq!(credentials(text.as_bytes()).len(), 1, "{text}");
        }
        for text in ["dwa_short", "xdwa_", "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.", "dw__", "eyJ"] {
            assert_eq!(credentials(text.as_bytes()), Vec::<String>::new(), "{text}");
        }
        assert!(credentials(format!("dwa_{letters}a").as_bytes()).is_empty(), "longer than any");
    }
}
