//! Encryption of tickets: AES with HMAC-SHA-1 (RFC 3962) and with HMAC-SHA-2 (RFC 8009). Older kinds are not spoken. Only
//! the blocks and the hashes are the library's: how Kerberos puts them together is its own.

use aws_lc_rs::cipher::{
    AES_128, AES_256, DecryptingKey, DecryptionContext, EncryptingKey, EncryptionContext, UnboundCipherKey,
};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use doorward_model::dice::Dice;
use std::fmt;
use zeroize::Zeroizing;

const BLOCK: usize = 16;

/// The kinds of keys, by their numbers (IANA, Kerberos Encryption Types).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// aes128-cts-hmac-sha1-96.
    Aes128Sha1,
    /// aes256-cts-hmac-sha1-96.
    Aes256Sha1,
    /// aes128-cts-hmac-sha256-128.
    Aes128Sha256,
    /// aes256-cts-hmac-sha384-192.
    Aes256Sha384,
}

impl Kind {
    /// The kind of this number.
    pub fn of(number: i64) -> Option<Self> {
        match number {
            17 => Some(Self::Aes128Sha1),
            18 => Some(Self::Aes256Sha1),
            19 => Some(Self::Aes128Sha256),
            20 => Some(Self::Aes256Sha384),
            _ => None,
        }
    }

    /// Its number.
    pub fn number(self) -> u8 {
        match self {
            Self::Aes128Sha1 => 17,
            Self::Aes256Sha1 => 18,
            Self::Aes128Sha256 => 19,
            Self::Aes256Sha384 => 20,
        }
    }

    /// Its name, as other tools write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Aes128Sha1 => "aes128-cts-hmac-sha1-96",
            Self::Aes256Sha1 => "aes256-cts-hmac-sha1-96",
            Self::Aes128Sha256 => "aes128-cts-hmac-sha256-128",
            Self::Aes256Sha384 => "aes256-cts-hmac-sha384-192",
        }
    }

    fn key_bytes(self) -> usize {
        match self {
            Self::Aes128Sha1 | Self::Aes128Sha256 => 16,
            Self::Aes256Sha1 | Self::Aes256Sha384 => 32,
        }
    }

    fn hash(self) -> hmac::Algorithm {
        match self {
            // As the type says: a keyed hash, whose strength does not rest on collisions.
            Self::Aes128Sha1 | Self::Aes256Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Aes128Sha256 => hmac::HMAC_SHA256,
            Self::Aes256Sha384 => hmac::HMAC_SHA384,
        }
    }

    fn tag_bytes(self) -> usize {
        match self {
            Self::Aes128Sha1 | Self::Aes256Sha1 => 12,
            Self::Aes128Sha256 => 16,
            Self::Aes256Sha384 => 24,
        }
    }

    fn is_sha1(self) -> bool {
        matches!(self, Self::Aes128Sha1 | Self::Aes256Sha1)
    }
}

/// A key.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    kind: Kind,
    secret: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({:?})", self.kind)
    }
}

impl Key {
    /// A key of this kind; none when it has another length.
    pub fn new(kind: Kind, secret: &[u8]) -> Option<Self> {
        (secret.len() == kind.key_bytes()).then(|| Self { kind, secret: Zeroizing::new(secret.to_vec()) })
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Opens what was encrypted for this use (RFC 4120 §7.5.1); none when anything of it was changed.
    pub fn open(&self, usage: u32, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (body, tag) = sealed.split_at_checked(sealed.len().checked_sub(self.kind.tag_bytes())?)?;
        if body.len() <= BLOCK {
            return None;
        }
        let cipher = self.derive(usage, 0xaa, self.kind.key_bytes())?;
        let decrypt = || decrypt(&cipher, body);
        // The older kind says the hash of what is inside, the newer of what is seen.
        let clear = if self.kind.is_sha1() { decrypt()? } else { Zeroizing::new(Vec::new()) };
        let hashed: &[&[u8]] = if self.kind.is_sha1() { &[&clear] } else { &[&[0; BLOCK], body] };
        verify_slices_are_equal(&self.tag(usage, hashed)?, tag).ok()?;
        let clear = if self.kind.is_sha1() { clear } else { decrypt()? };
        Some(Zeroizing::new(clear.get(BLOCK..)?.to_vec()))
    }

    /// Encrypts something for this use.
    pub fn close(&self, usage: u32, clear: &[u8], dice: &dyn Dice) -> Option<Vec<u8>> {
        let mut all = Zeroizing::new(vec![0; BLOCK]);
        dice.fill(&mut all);
        all.extend(clear);
        let body = encrypt(&self.derive(usage, 0xaa, self.kind.key_bytes())?, &all)?;
        let hashed: &[&[u8]] = if self.kind.is_sha1() { &[&all] } else { &[&[0; BLOCK], &body] };
        let tag = self.tag(usage, hashed)?;
        Some([body, tag].concat())
    }

    fn tag(&self, usage: u32, parts: &[&[u8]]) -> Option<Vec<u8>> {
        let length = if self.kind.is_sha1() { self.kind.key_bytes() } else { self.kind.tag_bytes() };
        let key = self.derive(usage, 0x55, length)?;
        let mut context = hmac::Context::with_key(&hmac::Key::new(self.kind.hash(), &key));
        for part in parts {
            context.update(part);
        }
        context.sign().as_ref().get(..self.kind.tag_bytes()).map(<[u8]>::to_vec)
    }

    /// A key for one use (RFC 3961 §5.1 with §5.3, RFC 8009 §3).
    fn derive(&self, usage: u32, purpose: u8, length: usize) -> Option<Zeroizing<Vec<u8>>> {
        let [a, b, c, d] = usage.to_be_bytes();
        let label = [a, b, c, d, purpose];
        if self.kind.is_sha1() {
            let mut block = fold(&label);
            let mut all = Zeroizing::new(Vec::new());
            let key = EncryptingKey::ecb(cipher(&self.secret)?).ok()?;
            while all.len() < length {
                blocks(&key, &mut block)?;
                all.extend(block);
            }
            all.truncate(length);
            return Some(all);
        }
        let bits = u32::try_from(length * 8).ok()?;
        let key = hmac::Key::new(self.kind.hash(), &self.secret);
        let mut context = hmac::Context::with_key(&key);
        for part in [&1u32.to_be_bytes()[..], &label, &[0], &bits.to_be_bytes()] {
            context.update(part);
        }
        context.sign().as_ref().get(..length).map(|bytes| Zeroizing::new(bytes.to_vec()))
    }
}

/// Spreads a few bytes over a block (RFC 3961 §5.1, n-fold): copies of them, each turned by thirteen bits more, are added
/// as numbers whose carry comes round again.
pub(crate) fn fold(text: &[u8]) -> [u8; BLOCK] {
    let bits = text.len() * 8;
    let mut common = text.len() * BLOCK;
    while common > BLOCK && (common / 2).is_multiple_of(BLOCK) && (common / 2).is_multiple_of(text.len().max(1)) {
        common /= 2;
    }
    let bit = |at: usize| -> u8 {
        let (copy, place) = (at / bits.max(1), at % bits.max(1));
        let from = (place + bits * copy - (13 * copy) % bits.max(1)) % bits.max(1);
        text.get(from / 8).map_or(0, |byte| byte >> (7 - from % 8) & 1)
    };
    let byte = |at: usize| (0..8).fold(0u8, |all, place| all << 1 | bit(at * 8 + place));
    let mut sum = [0u8; BLOCK];
    for start in (0..common).step_by(BLOCK) {
        let mut carry = 0u16;
        for place in (0..BLOCK).rev() {
            let Some(slot) = sum.get_mut(place) else { continue };
            let added = u16::from(*slot) + u16::from(byte(start + place)) + carry;
            *slot = (added & 0xff) as u8;
            carry = added >> 8;
        }
        for slot in sum.iter_mut().rev() {
            let added = u16::from(*slot) + carry;
            *slot = (added & 0xff) as u8;
            carry = added >> 8;
        }
    }
    sum
}

fn cipher(key: &[u8]) -> Option<UnboundCipherKey> {
    let algorithm = if key.len() == 16 { &AES_128 } else { &AES_256 };
    UnboundCipherKey::new(algorithm, key).ok()
}

/// Encrypts each block by itself, in place.
fn blocks(key: &EncryptingKey, all: &mut [u8]) -> Option<()> {
    key.less_safe_encrypt(all, EncryptionContext::None).ok().map(drop)
}

fn xor(to: &mut [u8], with: &[u8]) {
    for (byte, other) in to.iter_mut().zip(with) {
        *byte ^= other;
    }
}

/// CBC with ciphertext stealing, the last two blocks in each other's place (RFC 3962 §5), from a vector of zeros.
pub(crate) fn encrypt(key: &[u8], clear: &[u8]) -> Option<Vec<u8>> {
    let mut all = Vec::with_capacity(clear.len() + BLOCK);
    let mut before = [0u8; BLOCK];
    let key = EncryptingKey::ecb(cipher(key)?).ok()?;
    for part in clear.chunks(BLOCK) {
        xor(&mut before, part);
        blocks(&key, &mut before)?;
        all.push(before);
    }
    let count = all.len();
    if count > 1 {
        all.swap(count - 2, count - 1);
    }
    let mut bytes = all.concat();
    bytes.truncate(clear.len());
    Some(bytes)
}

pub(crate) fn decrypt(key: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let key = DecryptingKey::ecb(cipher(key)?).ok()?;
    let open = |all: &mut [u8]| key.decrypt(all, DecryptionContext::None).ok().map(drop);
    // The last two blocks are taken apart; everything before them is CBC.
    let last = match sealed.len() % BLOCK {
        0 => BLOCK,
        part => part,
    };
    let plain = sealed.len().checked_sub(last + BLOCK)?;
    let (head, tail) = sealed.split_at_checked(plain)?;
    let (second, first) = tail.split_at_checked(BLOCK)?;
    let mut clear = Zeroizing::new(head.to_vec());
    open(&mut clear)?;
    let mut before: &[u8] = &[0; BLOCK];
    for (part, sealed) in clear.chunks_mut(BLOCK).zip(head.chunks(BLOCK)) {
        xor(part, before);
        before = sealed;
    }
    let mut end = Zeroizing::new(second.to_vec());
    open(&mut end)?;
    let mut whole = Zeroizing::new(first.to_vec());
    whole.extend(end.get(last..)?);
    xor(&mut end, first);
    open(&mut whole)?;
    xor(&mut whole, before);
    clear.extend(whole.iter());
    clear.extend(end.get(..last)?);
    Some(clear)
}
