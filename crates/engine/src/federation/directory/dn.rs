//! Distinguished names (RFC 4514): read, compared and put together by parts, never as text.

use crate::limits;
use std::fmt;

/// A distinguished name. Two spellings of one name are equal: letters of both cases, spaces around and between, escapes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dn {
    parts: Vec<Vec<(String, Vec<u8>)>>,
}

/// A text that is no distinguished name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no distinguished name, such as ou=people,dc=example,dc=com")]
pub struct BadDn;

impl Dn {
    /// Reads a name; an empty text is the root.
    ///
    /// # Errors
    /// [`BadDn`].
    pub fn parse(text: &str) -> Result<Self, BadDn> {
        if text.len() > limits::DN_BYTES {
            return Err(BadDn);
        }
        let mut reader = Reader { rest: text.trim() };
        let mut parts = Vec::new();
        while !reader.rest.is_empty() || !parts.is_empty() {
            let mut part = vec![reader.assertion()?];
            while reader.take('+') {
                part.push(reader.assertion()?);
            }
            part.sort();
            parts.push(part);
            if reader.rest.is_empty() {
                break;
            }
            if !reader.take(',') && !reader.take(';') {
                return Err(BadDn);
            }
        }
        Ok(Self { parts })
    }

    /// Whether this is the other one or lies below it.
    pub fn is_within(&self, other: &Self) -> bool {
        self.parts.ends_with(&other.parts)
    }

    /// Whether it lies right below the other one.
    pub fn is_child_of(&self, other: &Self) -> bool {
        self.parts.len() == other.parts.len() + 1 && self.is_within(other)
    }

    /// Whether it names nothing but the root.
    pub fn is_root(&self) -> bool {
        self.parts.is_empty()
    }
}

/// One spelling for each name: the same for equal names, good as a key.
impl fmt::Display for Dn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, part) in self.parts.iter().enumerate() {
            f.write_str(if place == 0 { "" } else { "," })?;
            for (place, (attribute, value)) in part.iter().enumerate() {
                f.write_str(if place == 0 { "" } else { "+" })?;
                write!(f, "{attribute}={}", escape_value(value))?;
            }
        }
        Ok(())
    }
}

/// Makes any bytes one value of a name (RFC 4514 §2.4).
pub fn escape_value(value: &[u8]) -> String {
    let mut escaped = String::new();
    let last = value.len().saturating_sub(1);
    for (place, byte) in value.iter().enumerate() {
        let is_edge_space = *byte == b' ' && (place == 0 || place == last);
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'@' | b'.' | b'-' | b'_' => escaped.push(char::from(*byte)),
            b' ' if !is_edge_space => escaped.push(' '),
            _ => escaped.push_str(&format!("\\{byte:02x}")),
        }
    }
    escaped
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn take(&mut self, sign: char) -> bool {
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest.trim_start_matches(' ');
                true
            }
            None => false,
        }
    }

    /// `type=value`; what is equal comes out equal.
    fn assertion(&mut self) -> Result<(String, Vec<u8>), BadDn> {
        let (attribute, rest) = self.rest.split_once('=').ok_or(BadDn)?;
        let attribute = attribute.trim_matches(' ');
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
        if attribute.is_empty() || !attribute.bytes().all(fits) {
            return Err(BadDn);
        }
        self.rest = rest.trim_start_matches(' ');
        let attribute = attribute.to_ascii_lowercase();
        let attribute = attribute.strip_prefix("oid.").unwrap_or(&attribute).to_owned();
        let value = if self.rest.starts_with('#') { self.hexadecimal()? } else { self.text()? };
        Ok((attribute, value))
    }

    fn hexadecimal(&mut self) -> Result<Vec<u8>, BadDn> {
        let end = self.rest.find([',', ';', '+']).unwrap_or(self.rest.len());
        let (value, rest) = self.rest.split_at_checked(end).ok_or(BadDn)?;
        self.rest = rest;
        let digits = value.trim_end_matches(' ').strip_prefix('#').ok_or(BadDn)?;
        let is_hex = digits.len() >= 2 && digits.len() % 2 == 0 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        // Kept as it is written: what the bytes mean depends on the attribute.
        if is_hex { Ok(format!("#{}", digits.to_ascii_lowercase()).into_bytes()) } else { Err(BadDn) }
    }

    fn text(&mut self) -> Result<Vec<u8>, BadDn> {
        let mut value: Vec<u8> = Vec::new();
        // How much of it stays when spaces at the end go: those that are escaped stay.
        let mut kept = 0;
        while let Some(sign) = self.rest.chars().next() {
            match sign {
                ',' | ';' | '+' => break,
                '"' | '<' | '>' | '\0' => return Err(BadDn),
                '\\' => {
                    self.escaped(&mut value)?;
                    kept = value.len();
                }
                _ => {
                    self.rest = self.rest.strip_prefix(sign).ok_or(BadDn)?;
                    let mut bytes = [0; 4];
                    value.extend_from_slice(sign.encode_utf8(&mut bytes).as_bytes());
                    if sign != ' ' {
                        kept = value.len();
                    }
                }
            }
        }
        value.truncate(kept);
        Ok(folded(value))
    }

    fn escaped(&mut self, value: &mut Vec<u8>) -> Result<(), BadDn> {
        let rest = self.rest.strip_prefix('\\').ok_or(BadDn)?;
        let pair = rest.get(..2).filter(|pair| pair.bytes().all(|byte| byte.is_ascii_hexdigit()));
        if let Some(pair) = pair {
            value.push(u8::from_str_radix(pair, 16).map_err(|_| BadDn)?);
            self.rest = rest.get(2..).ok_or(BadDn)?;
            return Ok(());
        }
        let sign = rest.chars().next().filter(|sign| " \"#+,;<=>\\".contains(*sign)).ok_or(BadDn)?;
        value.push(u8::try_from(sign).map_err(|_| BadDn)?);
        self.rest = rest.strip_prefix(sign).ok_or(BadDn)?;
        Ok(())
    }
}

/// As directories compare the names of entries: without regard to case, and several spaces are one.
fn folded(value: Vec<u8>) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(&value) else { return value };
    let lower = text.to_lowercase();
    let mut folded = String::with_capacity(lower.len());
    for sign in lower.chars() {
        if sign != ' ' || !folded.ends_with(' ') {
            folded.push(sign);
        }
    }
    folded.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_name_are_equal_and_others_are_not() -> Result<(), BadDn> {
        let plain = Dn::parse("cn=Alice A,ou=Staff,dc=example,dc=com")?;
        for same in [
            "CN=alice a,OU=STAFF,DC=Example,DC=com",
            " cn = Alice  A , ou=Staff , dc=example,dc=com",
            "cn=Alice\\20A,ou=Sta\\66f,dc=example,dc=com",
            "cn=alice a;ou=staff;dc=example;dc=com",
        ] {
            assert_eq!(Dn::parse(same)?, plain, "{same}");
            assert_eq!(Dn::parse(same)?.to_string(), plain.to_string());
        }
        for other in [
            "cn=Alice A,ou=Staff,dc=example",
            "cn=Alice A\\,ou=Staff,dc=example,dc=com",
            "cn=AliceA,ou=Staff,dc=example,dc=com",
        ] {
            assert_ne!(Dn::parse(other)?, plain, "{other}");
        }
        assert_eq!(Dn::parse("cn=a+sn=b,dc=x")?, Dn::parse("SN=B + cn=A,dc=x")?);
        Ok(())
    }

    #[test]
    fn what_lies_below_is_judged_by_parts() -> Result<(), BadDn> {
        let base = Dn::parse("ou=people,dc=example,dc=com")?;
        assert!(Dn::parse("uid=a,OU=People,dc=example,dc=com")?.is_within(&base));
        assert!(base.is_within(&base) && base.is_within(&Dn::parse("")?));
        for outside in [
            "ou=people,dc=example,dc=org",
            "uid=a\\,ou=people,dc=example,dc=com",
            "dc=example,dc=com",
            "uid=a,ou=xpeople,dc=example,dc=com",
        ] {
            assert!(!Dn::parse(outside)?.is_within(&base), "{outside}");
        }
        Ok(())
    }

    #[test]
    fn gauntlet_b8_01_any_value_comes_back_as_one_part() -> Result<(), BadDn> {
        for value in
            ["", "a", " a", "a ", "#a", "a,ou=x", "a+b=c", "\"a\"", "\\", "a\0b", "<>;=", "é ü", "a  b", "\r\n"]
        {
            let dn = Dn::parse(&format!("cn={},dc=x", escape_value(value.as_bytes())))?;
            assert_eq!(dn.parts.len(), 2, "{value:?} {dn}");
            assert_eq!(Dn::parse(&dn.to_string())?, dn, "{value:?}");
        }
        for bad in [
            "a",
            "=a",
            "cn=a,",
            ",cn=a",
            "cn=a,,dc=x",
            "cn=\"a\"",
            "cn=a\\zz",
            "cn=a\\",
            "cn=#",
            "cn=#1",
            "cn=#zz",
            "c n=a",
            "cn=a<b",
            "cn=a+",
        ] {
            assert_eq!(Dn::parse(bad), Err(BadDn), "{bad}");
        }
        Ok(())
    }
}
