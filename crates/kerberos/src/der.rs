//! As much of DER as these messages need: definite lengths, tags of one byte, nothing behind what was read.

use crate::trouble::Trouble;
use doorward_model::time::Timestamp;

/// Bytes still to be read.
#[derive(Clone, Copy)]
pub struct Der<'a>(&'a [u8]);

/// INTEGER.
pub const INTEGER: u8 = 0x02;
/// BIT STRING.
pub const BITS: u8 = 0x03;
/// OCTET STRING.
pub const OCTETS: u8 = 0x04;
/// OBJECT IDENTIFIER.
pub const OBJECT: u8 = 0x06;
/// ENUMERATED.
pub const ENUMERATED: u8 = 0x0a;
/// SEQUENCE, and SEQUENCE OF.
pub const SEQUENCE: u8 = 0x30;
/// GeneralizedTime, which is how Kerberos writes times.
pub const TIME: u8 = 0x18;
/// GeneralString, which is how Kerberos writes names.
pub const STRING: u8 = 0x1b;

/// `[n]`, explicit.
pub const fn context(number: u8) -> u8 {
    0xa0 | number
}

/// `[APPLICATION n]`, explicit.
pub const fn application(number: u8) -> u8 {
    0x60 | number
}

const SHORT: Trouble = Trouble::Malformed("it ends too early, or has parts it should not");

impl<'a> Der<'a> {
    /// Begins to read.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// What is left.
    pub fn rest(self) -> &'a [u8] {
        self.0
    }

    /// Whether nothing is left.
    pub fn is_over(self) -> bool {
        self.0.is_empty()
    }

    /// That nothing is left.
    pub fn end(self) -> Result<(), Trouble> {
        if self.is_over() { Ok(()) } else { Err(SHORT) }
    }

    fn split(&mut self, count: usize) -> Result<&'a [u8], Trouble> {
        let (head, tail) = self.0.split_at_checked(count).ok_or(SHORT)?;
        self.0 = tail;
        Ok(head)
    }

    /// The next element's content, of this tag.
    pub fn take(&mut self, tag: u8) -> Result<Self, Trouble> {
        let [found, first] = *self.split(2)? else { return Err(SHORT) };
        if found != tag {
            return Err(Trouble::Malformed("a part of it is another one than expected"));
        }
        let length = match first {
            0..=0x7f => usize::from(first),
            // More than 64 KiB of content is refused before, by the token's size.
            0x81..=0x83 => {
                self.split(usize::from(first & 0x7f))?.iter().fold(0, |all, byte| all << 8 | usize::from(*byte))
            }
            _ => return Err(Trouble::Malformed("a length in it is odd")),
        };
        if first > 0x80 && length < 0x80 {
            return Err(Trouble::Malformed("a length in it is written in an odd way"));
        }
        self.split(length).map(Self)
    }

    /// The next element's content, if it has this tag.
    pub fn maybe(&mut self, tag: u8) -> Result<Option<Self>, Trouble> {
        if self.0.first() == Some(&tag) { self.take(tag).map(Some) } else { Ok(None) }
    }

    /// What stands inside `outer` and nothing else: one element of tag `inner`.
    pub fn inside(&mut self, outer: u8, inner: u8) -> Result<Self, Trouble> {
        let mut held = self.take(outer)?;
        let found = held.take(inner)?;
        held.end()?;
        Ok(found)
    }

    /// As [`Der::inside`], if `outer` is there.
    pub fn maybe_inside(&mut self, outer: u8, inner: u8) -> Result<Option<Self>, Trouble> {
        if self.0.first() == Some(&outer) { self.inside(outer, inner).map(Some) } else { Ok(None) }
    }

    /// The content as a number of at most five bytes: 32 bits with or without a sign.
    pub fn number(self) -> Result<i64, Trouble> {
        match self.0 {
            [] | [_, _, _, _, _, _, ..] => Err(Trouble::Malformed("a number in it is too large")),
            [first, ..] => {
                let sign = if first & 0x80 == 0 { 0 } else { -1 };
                Ok(self.0.iter().fold(sign, |all, byte| all << 8 | i64::from(*byte)))
            }
        }
    }

    /// The content as thirty-two flags (RFC 4120 §5.2.8), the first one being the highest bit.
    pub fn flags(self) -> Result<u32, Trouble> {
        match self.0 {
            [0, a, b, c, d] => Ok(u32::from_be_bytes([*a, *b, *c, *d])),
            _ => Err(Trouble::Malformed("flags in it are odd")),
        }
    }

    /// The content as text without control characters.
    pub fn text(self) -> Result<&'a str, Trouble> {
        let odd = Trouble::Malformed("a name in it is no text");
        let text = std::str::from_utf8(self.0).map_err(|_| odd.clone())?;
        if text.is_empty() || text.chars().any(char::is_control) { Err(odd) } else { Ok(text) }
    }

    /// The content as a time, `20261122184500Z` (RFC 4120 §5.2.3).
    pub fn time(self) -> Result<Timestamp, Trouble> {
        let odd = || Trouble::Malformed("a time in it is none");
        let text = self.text()?;
        let is_one = text.len() == 15 && text.ends_with('Z') && text.bytes().take(14).all(|byte| byte.is_ascii_digit());
        let part = |from, to| text.get(from..to).ok_or_else(odd);
        if !is_one {
            return Err(odd());
        }
        let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
        let (hour, minute, second) = (part(8, 10)?, part(10, 12)?, part(12, 14)?);
        Timestamp::parse_rfc3339(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z")).ok_or_else(odd)
    }
}

/// Writes an element.
pub fn write(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut all = vec![tag];
    match content.len() {
        length @ 0..=0x7f => all.extend(u8::try_from(length)),
        length => {
            let bytes: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
            all.push(0x80 | u8::try_from(bytes.len()).unwrap_or(0x7f));
            all.extend(bytes);
        }
    }
    all.extend(content);
    all
}

/// Writes one element inside another.
pub fn write_inside(outer: u8, inner: u8, content: &[u8]) -> Vec<u8> {
    write(outer, &write(inner, content))
}

/// Writes a number that is not negative.
pub fn write_number(tag: u8, number: u32) -> Vec<u8> {
    let mut bytes: Vec<u8> = number.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    if bytes.first().is_none_or(|first| first & 0x80 != 0) {
        bytes.insert(0, 0);
    }
    write(tag, &bytes)
}
