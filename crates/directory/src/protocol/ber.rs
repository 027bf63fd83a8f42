//! The little of BER (X.690) that LDAP needs (RFC 4511 §5.1): definite lengths, tags of one byte.

use zeroize::Zeroizing;

/// Bytes that are no element of the kind that should stand here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no BER as LDAP has it")]
pub struct Malformed;

/// Tags of the universal class.
pub(crate) mod tag {
    pub(crate) const BOOLEAN: u8 = 0x01;
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const OCTETS: u8 = 0x04;
    pub(crate) const ENUMERATED: u8 = 0x0a;
    pub(crate) const SEQUENCE: u8 = 0x30;
    pub(crate) const SET: u8 = 0x31;
}

/// Where the first element's content begins and how long it is; `None` while too few bytes are there to tell.
///
/// # Errors
/// [`Malformed`]: a length without an end, or one of more than four bytes.
pub(crate) fn extent(bytes: &[u8]) -> Result<Option<(usize, usize)>, Malformed> {
    let (Some(tag), Some(first)) = (bytes.first(), bytes.get(1)) else { return Ok(None) };
    if tag & 0x1f == 0x1f {
        return Err(Malformed);
    }
    if first & 0x80 == 0 {
        return Ok(Some((2, usize::from(*first))));
    }
    let count = usize::from(first & 0x7f);
    if count == 0 || count > 4 {
        return Err(Malformed);
    }
    let Some(written) = bytes.get(2..2 + count) else { return Ok(None) };
    let length = written.iter().fold(0usize, |length, byte| (length << 8) | usize::from(*byte));
    Ok(Some((2 + count, length)))
}

/// Reads elements one after the other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next element: its tag and its content.
    pub(crate) fn next(&mut self) -> Result<(u8, &'a [u8]), Malformed> {
        let tag = *self.0.first().ok_or(Malformed)?;
        let (begin, length) = extent(self.0)?.ok_or(Malformed)?;
        let end = begin.checked_add(length).ok_or(Malformed)?;
        let content = self.0.get(begin..end).ok_or(Malformed)?;
        self.0 = self.0.get(end..).ok_or(Malformed)?;
        Ok((tag, content))
    }

    /// The next element's content, if the element has that tag.
    pub(crate) fn one(&mut self, tag: u8) -> Result<&'a [u8], Malformed> {
        match self.next()? {
            (found, content) if found == tag => Ok(content),
            _ => Err(Malformed),
        }
    }

    /// What lies inside the next element.
    pub(crate) fn inside(&mut self, tag: u8) -> Result<Reader<'a>, Malformed> {
        self.one(tag).map(Reader)
    }

    /// The next element as text.
    pub(crate) fn text(&mut self, tag: u8) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.one(tag)?).map_err(|_| Malformed)
    }

    /// The next element as a number of up to eight bytes.
    pub(crate) fn number(&mut self, tag: u8) -> Result<i64, Malformed> {
        let bytes = self.one(tag)?;
        let first = *bytes.first().ok_or(Malformed)?;
        if bytes.len() > 8 {
            return Err(Malformed);
        }
        let sign = if first & 0x80 == 0 { 0 } else { -1 };
        Ok(bytes.iter().fold(sign, |number: i64, byte| (number << 8) | i64::from(*byte)))
    }

    /// The next element's content, if there is one with that tag; else nothing is taken.
    pub(crate) fn maybe(&mut self, tag: u8) -> Result<Option<&'a [u8]>, Malformed> {
        if self.0.first() == Some(&tag) { self.one(tag).map(Some) } else { Ok(None) }
    }
}

/// Writes elements one after the other. What was written is wiped: it may be a password.
pub(crate) struct Writer(Zeroizing<Vec<u8>>);

/// Room taken at the start: a buffer that grows leaves copies behind.
const ROOM: usize = 512;

impl Writer {
    pub(crate) fn new() -> Self {
        Self(Zeroizing::new(Vec::with_capacity(ROOM)))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn octets(&mut self, tag: u8, content: &[u8]) {
        self.0.push(tag);
        let length = content.len();
        match u8::try_from(length) {
            Ok(short) if short < 0x80 => self.0.push(short),
            _ => {
                let bytes = length.to_be_bytes();
                let used = bytes.iter().skip_while(|byte| **byte == 0);
                // At most eight.
                self.0.push(0x80 | u8::try_from(used.clone().count()).unwrap_or(8));
                self.0.extend(used);
            }
        }
        self.0.extend_from_slice(content);
    }

    pub(crate) fn inside(&mut self, tag: u8, fill: impl FnOnce(&mut Writer)) {
        let mut inner = Writer::new();
        fill(&mut inner);
        self.octets(tag, inner.bytes());
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.octets(tag::OCTETS, text.as_bytes());
    }

    pub(crate) fn number(&mut self, tag: u8, number: i64) {
        let bytes = number.to_be_bytes();
        // The shortest form: a leading byte goes when it only repeats the next one's sign.
        let is_spare = |pair: &[u8]| {
            matches!(pair, [0, next] if next & 0x80 == 0) || matches!(pair, [0xff, next] if next & 0x80 != 0)
        };
        let spare = bytes.windows(2).take_while(|pair| is_spare(pair)).count();
        self.octets(tag, bytes.get(spare..).unwrap_or_default());
    }

    pub(crate) fn boolean(&mut self, tag: u8, is_so: bool) {
        self.octets(tag, &[if is_so { 0xff } else { 0 }]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_lengths_come_back_in_their_shortest_form() -> Result<(), Malformed> {
        for (number, length) in
            [(0, 1), (1, 1), (127, 1), (128, 2), (-1, 1), (-128, 1), (-129, 2), (i64::MAX, 8), (i64::MIN, 8)]
        {
            let mut writer = Writer::new();
            writer.number(tag::INTEGER, number);
            assert_eq!(writer.bytes().len(), 2 + length, "{number}");
            assert_eq!(Reader::new(writer.bytes()).number(tag::INTEGER)?, number);
        }
        for length in [0usize, 1, 127, 128, 255, 256, 65_535, 65_536] {
            let mut writer = Writer::new();
            writer.inside(tag::SEQUENCE, |inner| inner.octets(tag::OCTETS, &vec![7; length]));
            let content = Reader::new(writer.bytes()).inside(tag::SEQUENCE)?.one(tag::OCTETS)?;
            assert_eq!(content.len(), length);
        }
        Ok(())
    }

    #[test]
    fn what_is_cut_or_has_no_end_is_refused_and_never_read_past() {
        let mut writer = Writer::new();
        writer.inside(tag::SEQUENCE, |inner| {
            inner.number(tag::INTEGER, 5);
            inner.octets(tag::OCTETS, &[1; 200]);
        });
        let whole = writer.bytes();
        for end in 0..whole.len() {
            assert_eq!(Reader::new(&whole[..end]).next(), Err(Malformed), "{end}");
        }
        for bad in
            [&[0x30, 0x80][..], &[0x30, 0x85, 1, 1, 1, 1, 1], &[0x1f, 0x01, 0], &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]]
        {
            assert_eq!(Reader::new(bad).next(), Err(Malformed), "{bad:?}");
        }
        for bad in [&[0x02, 0][..], &[0x02, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9]] {
            assert_eq!(Reader::new(bad).number(tag::INTEGER), Err(Malformed), "{bad:?}");
        }
    }
}
