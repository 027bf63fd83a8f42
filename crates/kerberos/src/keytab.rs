//! Keys of a service, as `ktutil` and `samba-tool` write them (MIT's keytab, version 2).

use crate::crypto::{Key, Kind};
use crate::limits;
use crate::trouble::Trouble;

/// One key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The service's realm.
    pub realm: String,
    /// The service, such as `HTTP/sso.example.com`.
    pub service: String,
    /// Which of the account's keys it is.
    pub version: u32,
    /// Whether `version` is whole, or only its lowest eight bits.
    is_whole: bool,
    /// The key.
    pub key: Key,
}

impl Entry {
    /// Whether a ticket that names this version was made with the key's.
    pub fn has_version(&self, asked: u32) -> bool {
        if self.is_whole { self.version == asked } else { self.version == asked & 0xff }
    }
}

/// The keys of a keytab that can be used: those by AES.
///
/// # Errors
/// [`Trouble::Keytab`]
pub fn read(bytes: &[u8]) -> Result<Vec<Entry>, Trouble> {
    let wrong = |why: &str| Trouble::Keytab(why.to_owned());
    if bytes.len() > limits::KEYTAB_BYTES {
        return Err(wrong("it is too large"));
    }
    let Some(mut rest) = bytes.strip_prefix(&[5, 2]) else { return Err(wrong("it is no keytab of version 2")) };
    let (mut found, mut count) = (Vec::new(), 0);
    while !rest.is_empty() {
        let short = || wrong("it ends in the middle of an entry");
        let size = i32::from_be_bytes(array(&mut rest).ok_or_else(short)?);
        if size == 0 {
            break;
        }
        let length = usize::try_from(size.unsigned_abs()).map_err(|_| short())?;
        let held = split(&mut rest, length).ok_or_else(short)?;
        // What was deleted leaves a hole, told by a length below zero.
        if size < 0 {
            continue;
        }
        count += 1;
        if count > limits::KEYS {
            return Err(wrong("it has too many keys"));
        }
        found.extend(entry(held).ok_or_else(|| wrong("an entry of it is broken"))?);
    }
    match (found.is_empty(), count) {
        (true, 0) => Err(wrong("it has no keys")),
        (true, _) => Err(wrong("it has no keys by AES: have the domain use AES for the account, and export it again")),
        (false, _) => Ok(found),
    }
}

/// One entry; nothing when its key is of a kind that is not spoken. None when it cannot be read.
fn entry(mut rest: &[u8]) -> Option<Option<Entry>> {
    let count = usize::from(u16::from_be_bytes(array(&mut rest)?));
    if count == 0 || count > limits::COMPONENTS {
        return None;
    }
    let realm = text(&mut rest)?;
    let parts = (0..count).map(|_| text(&mut rest)).collect::<Option<Vec<_>>>()?;
    let _name_type: [u8; 4] = array(&mut rest)?;
    let _written_at: [u8; 4] = array(&mut rest)?;
    let [short_version] = array(&mut rest)?;
    let kind = u16::from_be_bytes(array(&mut rest)?);
    let length = usize::from(u16::from_be_bytes(array(&mut rest)?));
    let secret = split(&mut rest, length)?;
    let long_version = array(&mut rest).map(u32::from_be_bytes).filter(|version| *version != 0);
    let Some(kind) = Kind::of(i64::from(kind)) else { return Some(None) };
    Some(Some(Entry {
        realm,
        service: parts.join("/"),
        version: long_version.unwrap_or(u32::from(short_version)),
        is_whole: long_version.is_some_and(|version| version > 0xff),
        key: Key::new(kind, secret)?,
    }))
}

fn split<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(count)?;
    *rest = tail;
    Some(head)
}

fn array<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    split(rest, N)?.try_into().ok()
}

fn text(rest: &mut &[u8]) -> Option<String> {
    let length = usize::from(u16::from_be_bytes(array(rest)?));
    String::from_utf8(split(rest, length)?.to_vec()).ok().filter(|text| !text.chars().any(char::is_control))
}
