//! Distinguished names of certificates, in one form whether they were written as text (RFC 4514) or read from
//! a certificate (RFC 5280 §4.1.2.4). Types of attributes may be written by name or number, spaces around
//! separators and escapes do not matter; values are compared letter for letter.

use crate::limits;
use std::fmt;

/// Names of attribute types (RFC 4514 §3, and those of RFC 4519 and PKCS #9 that tools print).
const TYPES: [(&str, &str); 15] = [
    ("CN", "2.5.4.3"),
    ("SN", "2.5.4.4"),
    ("SERIALNUMBER", "2.5.4.5"),
    ("C", "2.5.4.6"),
    ("L", "2.5.4.7"),
    ("ST", "2.5.4.8"),
    ("STREET", "2.5.4.9"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("TITLE", "2.5.4.12"),
    ("GIVENNAME", "2.5.4.42"),
    ("ORGANIZATIONIDENTIFIER", "2.5.4.97"),
    ("DC", "0.9.2342.19200300.100.1.25"),
    ("UID", "0.9.2342.19200300.100.1.1"),
    ("EMAILADDRESS", "1.2.840.113549.1.9.1"),
];

/// One attribute: the number of its type and its value.
pub(crate) type Attribute = (String, String);

/// A distinguished name, outermost part first, each part in one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject(Vec<Vec<Attribute>>);

/// Why a text is no distinguished name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSubject {
    /// Nothing, or too much.
    #[error("a subject has 1 to {} bytes, such as CN=loader,O=Example", limits::SUBJECT_BYTES)]
    Size,
    /// A part is not `TYPE=VALUE`.
    #[error("every part of a subject must be TYPE=VALUE, separated by commas, such as CN=loader,O=Example")]
    Part,
    /// The type is no known name and no number.
    #[error("the subject names a type that is not known: write its number, such as 2.5.4.3 for CN")]
    Type,
    /// A backslash before nothing that is escaped so, or bytes that are no text.
    #[error("the subject holds a wrong escape: write a comma in a value as \\, and a plus as \\+")]
    Escape,
    /// A value written as `#` and its bytes.
    #[error("the subject has a value in # form: write the value as text")]
    Encoded,
}

impl Subject {
    /// Of the parts of a certificate's subject, outermost first; `None` for one without a part.
    pub(crate) fn of_parts(parts: Vec<Vec<Attribute>>) -> Option<Self> {
        let parts: Vec<_> = parts.into_iter().map(in_order).collect();
        let is_sound = |part: &Vec<Attribute>| !part.is_empty() && part.iter().all(|(_, value)| is_plain(value));
        (!parts.is_empty() && parts.iter().all(is_sound)).then_some(Self(parts))
    }

    /// Reads a subject as people write it (RFC 4514 §3): innermost part first.
    pub fn parse(text: &str) -> Result<Self, BadSubject> {
        if text.trim().is_empty() || text.len() > limits::SUBJECT_BYTES {
            return Err(BadSubject::Size);
        }
        let mut parts = Vec::new();
        for part in split(text, &[',', ';']) {
            let attributes: Result<Vec<_>, _> = split(part, &['+']).into_iter().map(attribute).collect();
            parts.push(in_order(attributes?));
        }
        parts.reverse();
        Ok(Self(parts))
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attribute = |(number, value): &Attribute| {
            let name = TYPES.iter().find(|(_, known)| known == number).map_or(number.as_str(), |(name, _)| name);
            format!("{name}={}", escaped(value))
        };
        let part = |part: &Vec<Attribute>| part.iter().map(attribute).collect::<Vec<_>>().join("+");
        f.write_str(&self.0.iter().rev().map(part).collect::<Vec<_>>().join(","))
    }
}

/// The attributes of one part stand in no order of their own (RFC 5280 §4.1.2.4: a set).
fn in_order(mut part: Vec<Attribute>) -> Vec<Attribute> {
    part.sort();
    part
}

fn is_plain(value: &str) -> bool {
    !value.is_empty() && !value.chars().any(char::is_control)
}

/// Cuts a text at separators that are not escaped.
fn split<'t>(text: &'t str, separators: &[char]) -> Vec<&'t str> {
    let (mut parts, mut start, mut escaped) = (Vec::new(), 0, false);
    for (at, letter) in text.char_indices() {
        if !escaped && separators.contains(&letter) {
            parts.extend(text.get(start..at));
            start = at + letter.len_utf8();
        }
        escaped = !escaped && letter == '\\';
    }
    parts.extend(text.get(start..));
    parts
}

fn attribute(text: &str) -> Result<Attribute, BadSubject> {
    let (name, value) = text.split_once('=').ok_or(BadSubject::Part)?;
    let name = name.trim_matches(' ');
    let known = TYPES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, number)| *number);
    let number = known.or_else(|| is_number(name).then_some(name)).ok_or(BadSubject::Type)?;
    let value = unescaped(without_spaces(value))?;
    if is_plain(&value) { Ok((number.to_owned(), value)) } else { Err(BadSubject::Part) }
}

/// `1.2.3`, each number without leading zeros.
fn is_number(name: &str) -> bool {
    let is_arc = |arc: &str| arc == "0" || (!arc.starts_with('0') && !arc.is_empty());
    name.contains('.') && name.split('.').all(|arc| is_arc(arc) && arc.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Without the spaces around it; one behind a backslash belongs to the value.
fn without_spaces(value: &str) -> &str {
    let value = value.trim_start_matches(' ');
    let bare = value.trim_end_matches(' ');
    let backslashes = bare.bytes().rev().take_while(|byte| *byte == b'\\').count();
    match backslashes % 2 {
        1 => value.get(..=bare.len()).unwrap_or(bare),
        _ => bare,
    }
}

/// RFC 4514 §2.4: a backslash before a special letter, or before two hexadecimal digits of a byte in UTF-8.
fn unescaped(value: &str) -> Result<String, BadSubject> {
    if value.starts_with('#') {
        return Err(BadSubject::Encoded);
    }
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            if b"\"<>;+,".contains(&byte) {
                return Err(BadSubject::Escape);
            }
            bytes.push(byte);
            continue;
        }
        let next = rest.next().ok_or(BadSubject::Escape)?;
        if b" #=\"+,;<>\\".contains(&next) {
            bytes.push(next);
            continue;
        }
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let high = digit(next).ok_or(BadSubject::Escape)?;
        let low = rest.next().and_then(digit).ok_or(BadSubject::Escape)?;
        bytes.push(high << 4 | low);
    }
    String::from_utf8(bytes).map_err(|_| BadSubject::Escape)
}

fn escaped(value: &str) -> String {
    let last = value.chars().count().saturating_sub(1);
    let mut text = String::with_capacity(value.len());
    for (at, letter) in value.chars().enumerate() {
        let is_edge = (letter == ' ' && (at == 0 || at == last)) || (letter == '#' && at == 0);
        if is_edge || "\"+,;<>\\".contains(letter) {
            text.push('\\');
        }
        text.push(letter);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{BadSubject, Subject};

    fn told(text: &str) -> Result<String, BadSubject> {
        Subject::parse(text).map(|subject| subject.to_string())
    }

    #[test]
    fn a_subject_has_one_form() {
        for (written, wanted) in [
            ("CN=loader", "CN=loader"),
            ("cn=loader, o = Example ,C=DE", "CN=loader,O=Example,C=DE"),
            ("2.5.4.3=loader;O=Example", "CN=loader,O=Example"),
            ("1.3.6.1.4.1.99=x", "1.3.6.1.4.1.99=x"),
            ("CN=a+OU=b", "OU=b+CN=a"),
            (r"CN=a\,b\2Cc,O=x", r"CN=a\,b\,c,O=x"),
            (r"CN=\C3\A9", "CN=\u{e9}"),
            (r"CN=\ a\ ", r"CN=\ a\ "),
            (r"CN=\#1", r"CN=\#1"),
            (r"CN=a\\ ,O=b", r"CN=a\\,O=b"),
            ("CN=a=b", "CN=a=b"),
        ] {
            assert_eq!(told(written).as_deref(), Ok(wanted), "{written}");
            assert_eq!(Subject::parse(written), Subject::parse(wanted), "{written}");
        }
    }

    #[test]
    fn names_that_differ_are_not_equal() {
        let subject = |text| Subject::parse(text).ok();
        for (one, other) in [
            ("CN=loader", "CN=Loader"),
            ("CN=loader", "OU=loader"),
            ("CN=a,O=b", "O=b,CN=a"),
            ("CN=a,O=b", "CN=a+O=b"),
            (r"CN=a\,O=b", "CN=a,O=b"),
            ("CN=a", "CN=a,O=b"),
            ("CN=a b", "CN=a  b"),
        ] {
            assert!(subject(one).is_some() && subject(other).is_some(), "{one} {other}");
            assert_ne!(subject(one), subject(other), "{one} {other}");
        }
    }

    #[test]
    fn what_is_no_subject_is_refused() {
        for (text, why) in [
            ("", BadSubject::Size),
            (" ", BadSubject::Size),
            ("loader", BadSubject::Part),
            ("CN=", BadSubject::Part),
            ("CN=a,", BadSubject::Part),
            (",CN=a", BadSubject::Part),
            ("CN=a\u{0}b", BadSubject::Part),
            (r"CN=a\00b", BadSubject::Part),
            ("XX=a", BadSubject::Type),
            ("=a", BadSubject::Type),
            ("2=a", BadSubject::Type),
            ("2.05=a", BadSubject::Type),
            ("CN=#0c0161", BadSubject::Encoded),
            (r"CN=a\", BadSubject::Escape),
            (r"CN=a\z", BadSubject::Escape),
            (r"CN=a\c", BadSubject::Escape),
            (r"CN=\C3", BadSubject::Escape),
            ("CN=\"a\"", BadSubject::Escape),
        ] {
            assert_eq!(told(text), Err(why), "{text}");
        }
        assert_eq!(told(&format!("CN={}", "a".repeat(4096))), Err(BadSubject::Size));
    }
}
