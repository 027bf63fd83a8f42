//! Search filters as text (RFC 4515). What people type gets into a filter by
//! [`escape`] alone, and what it became is one value, whatever it was.

use crate::limits;

/// A search filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// All of these.
    And(Vec<Filter>),
    /// One of these.
    Or(Vec<Filter>),
    /// Not this.
    Not(Box<Filter>),
    /// The attribute has this value.
    Equal(String, Vec<u8>),
    /// The attribute has a value of these pieces: how it begins, what it holds in order, how it ends.
    Pieces(String, Vec<u8>, Vec<Vec<u8>>, Vec<u8>),
    /// The attribute has a value that is not before this one.
    AtLeast(String, Vec<u8>),
    /// The attribute has a value that is not behind this one.
    AtMost(String, Vec<u8>),
    /// The attribute is there.
    Present(String),
    /// The attribute has a value much like this one.
    Like(String, Vec<u8>),
    /// A rule of its own: rule, attribute, whether the DN's parts count too, value.
    Rule(Option<String>, Option<String>, bool, Vec<u8>),
}

/// Why a text is no filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the filter {0}")]
pub struct BadFilter(&'static str);

/// Makes any text or bytes one value of a filter (RFC 4515 §3).
pub fn escape(value: impl AsRef<[u8]>) -> String {
    let mut escaped = String::new();
    for byte in value.as_ref() {
        match byte {
            // Everything with a meaning, everything that is no printable ASCII, and quotes and signs that have one in DNs.
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'@' | b'.' | b'-' | b'_' | b' ' => {
                escaped.push(char::from(*byte))
            }
            _ => escaped.push_str(&format!("\\{byte:02x}")),
        }
    }
    escaped
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// [`BadFilter`]: a sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, BadFilter> {
        let (filter, rest) = read(text.trim(), 0)?;
        if rest.is_empty() { Ok(filter) } else { Err(BadFilter("has something behind its last parenthesis")) }
    }

    /// The attribute has this value.
    pub fn equal(attribute: &str, value: impl AsRef<[u8]>) -> Self {
        Self::Equal(attribute.to_owned(), value.as_ref().to_vec())
    }
}

fn read(text: &str, depth: usize) -> Result<(Filter, &str), BadFilter> {
    if depth > limits::FILTER_DEPTH {
        return Err(BadFilter("is nested too deeply"));
    }
    let inner = text.strip_prefix('(').ok_or(BadFilter("lacks an opening parenthesis"))?;
    let (filter, rest) = if let Some(rest) = inner.strip_prefix('&') {
        let (all, rest) = list(rest, depth)?;
        (Filter::And(all), rest)
    } else if let Some(rest) = inner.strip_prefix('|') {
        let (all, rest) = list(rest, depth)?;
        (Filter::Or(all), rest)
    } else if let Some(rest) = inner.strip_prefix('!') {
        let (one, rest) = read(rest, depth + 1)?;
        (Filter::Not(Box::new(one)), rest)
    } else {
        let end = inner.find(['(', ')']).ok_or(BadFilter("lacks a closing parenthesis"))?;
        let (item, rest) = inner.split_at_checked(end).ok_or(BadFilter("lacks a closing parenthesis"))?;
        (item_of(item)?, rest)
    };
    let rest = rest.strip_prefix(')').ok_or(BadFilter("lacks a closing parenthesis"))?;
    Ok((filter, rest))
}

fn list(mut text: &str, depth: usize) -> Result<(Vec<Filter>, &str), BadFilter> {
    let mut all = Vec::new();
    while text.starts_with('(') {
        let (one, rest) = read(text, depth + 1)?;
        all.push(one);
        text = rest;
    }
    if all.is_empty() { Err(BadFilter("has `&` or `|` with nothing behind it")) } else { Ok((all, text)) }
}

fn item_of(item: &str) -> Result<Filter, BadFilter> {
    let (left, value) = item.split_once('=').ok_or(BadFilter("has a part without `=`"))?;
    if let Some(attribute) = left.strip_suffix('>') {
        return Ok(Filter::AtLeast(attribute_of(attribute)?, unescape(value)?));
    }
    if let Some(attribute) = left.strip_suffix('<') {
        return Ok(Filter::AtMost(attribute_of(attribute)?, unescape(value)?));
    }
    if let Some(attribute) = left.strip_suffix('~') {
        return Ok(Filter::Like(attribute_of(attribute)?, unescape(value)?));
    }
    if let Some(left) = left.strip_suffix(':') {
        return rule_of(left, value);
    }
    let attribute = attribute_of(left)?;
    if value == "*" {
        return Ok(Filter::Present(attribute));
    }
    let mut pieces = value.split('*').map(unescape).collect::<Result<Vec<_>, _>>()?;
    let last = pieces.pop().unwrap_or_default();
    if pieces.is_empty() {
        return Ok(Filter::Equal(attribute, last));
    }
    let initial = pieces.remove(0);
    if pieces.iter().any(Vec::is_empty) || (pieces.is_empty() && initial.is_empty() && last.is_empty()) {
        return Err(BadFilter("has two stars side by side"));
    }
    Ok(Filter::Pieces(attribute, initial, pieces, last))
}

fn rule_of(left: &str, value: &str) -> Result<Filter, BadFilter> {
    let mut parts = left.split(':');
    let attribute = match parts.next().unwrap_or_default() {
        "" => None,
        attribute => Some(attribute_of(attribute)?),
    };
    let mut with_dn = false;
    let mut rule = None;
    for part in parts {
        match part {
            "dn" if !with_dn && rule.is_none() => with_dn = true,
            other if rule.is_none() => rule = Some(attribute_of(other)?),
            _ => return Err(BadFilter("has a matching rule that is none")),
        }
    }
    if attribute.is_none() && rule.is_none() {
        return Err(BadFilter("has a matching rule without attribute and rule"));
    }
    Ok(Filter::Rule(rule, attribute, with_dn, unescape(value)?))
}

/// Whether a text can name an attribute, by name or by number, with options (RFC 4512 §2.5).
pub fn is_attribute(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b';');
    !text.is_empty() && text.len() <= limits::ATTRIBUTE_BYTES && text.bytes().all(fits)
}

fn attribute_of(text: &str) -> Result<String, BadFilter> {
    if is_attribute(text) { Ok(text.to_owned()) } else { Err(BadFilter("names an attribute that cannot be one")) }
}

fn unescape(text: &str) -> Result<Vec<u8>, BadFilter> {
    const WRONG: BadFilter = BadFilter("has a backslash that two hexadecimal digits do not follow");
    let mut value = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            value.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16)).ok_or(WRONG);
        let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
        value.push(u8::try_from(high * 16 + low).map_err(|_| WRONG)?);
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gauntlet_b8_01_whatever_is_typed_is_one_value() -> Result<(), BadFilter> {
        let typed = [
            "*",
            "*)(uid=*",
            "a)(|(uid=*",
            "\\2a",
            "\0",
            "admin,ou=x",
            "#a",
            " a",
            "a ",
            "+",
            "\"",
            "(",
            ")",
            "\\",
            "\\5c",
            "a\\",
            "\u{202e}",
            "é",
            "a=b",
            "&",
            "|",
            "!",
            "<",
            ">",
            "~",
            ":=",
            "a:dn:1.2.3:=b",
            "",
            "\r\n",
            "\u{ff0a}",
            "%2a",
        ];
        for name in typed {
            for template in ["(uid={name})", "(&(objectClass=person)(|(uid={name})(mail={name})))"] {
                let filled = Filter::parse(&template.replace("{name}", &escape(name)))?;
                let expected = |filter: &Filter| match filter {
                    Filter::Equal(attribute, value) => attribute == "objectClass" || value == name.as_bytes(),
                    _ => false,
                };
                let holds = match &filled {
                    Filter::And(all) => matches!(all.as_slice(), [class, Filter::Or(ways)]
                        if expected(class) && ways.len() == 2 && ways.iter().all(expected)),
                    other => expected(other),
                };
                assert!(holds, "{name:?} became {filled:?}");
            }
        }
        // Any bytes at all.
        let mut seed = 1u32;
        for length in 0..300usize {
            let value: Vec<u8> = (0..length % 24)
                .map(|_| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    seed.to_be_bytes()[0]
                })
                .collect();
            assert_eq!(Filter::parse(&format!("(a={})", escape(&value)))?, Filter::Equal("a".to_owned(), value));
        }
        Ok(())
    }

    #[test]
    fn filters_of_every_kind_are_read_and_others_refused() -> Result<(), BadFilter> {
        let a = || "a".to_owned();
        for (text, filter) in [
            ("(a=b)", Filter::equal("a", "b")),
            ("(a=*)", Filter::Present(a())),
            ("(a=b*c*d)", Filter::Pieces(a(), b"b".to_vec(), vec![b"c".to_vec()], b"d".to_vec())),
            ("(a=*c*)", Filter::Pieces(a(), vec![], vec![b"c".to_vec()], vec![])),
            ("(a=b*)", Filter::Pieces(a(), b"b".to_vec(), vec![], vec![])),
            ("(a>=1)", Filter::AtLeast(a(), b"1".to_vec())),
            ("(a<=1)", Filter::AtMost(a(), b"1".to_vec())),
            ("(a~=1)", Filter::Like(a(), b"1".to_vec())),
            ("(!(a=b))", Filter::Not(Box::new(Filter::equal("a", "b")))),
            ("(a:1.2.3:=x)", Filter::Rule(Some("1.2.3".to_owned()), Some(a()), false, b"x".to_vec())),
            ("(:dn:1.2.3:=x)", Filter::Rule(Some("1.2.3".to_owned()), None, true, b"x".to_vec())),
            ("(a:dn:=x)", Filter::Rule(None, Some(a()), true, b"x".to_vec())),
            ("(a=\\2a\\00)", Filter::equal("a", [0x2a, 0])),
        ] {
            assert_eq!(Filter::parse(text)?, filter, "{text}");
        }
        for bad in [
            "",
            "a=b",
            "(a=b",
            "(a=b))",
            "(a)",
            "(=b)",
            "(a b=c)",
            "(&)",
            "(|)",
            "(!)",
            "(a=b)(c=d)",
            "(a=\\2)",
            "(a=\\zz)",
            "(a=b**c)",
            "(a=**)",
            "(:=x)",
            "(a:1:2:=x)",
            "(&(a=b)c=d)",
            "(a=b(c)",
        ] {
            assert!(Filter::parse(bad).is_err(), "{bad}");
        }
        let deep = format!("{}(a=b){}", "(!".repeat(100), ")".repeat(100));
        assert!(Filter::parse(&deep).is_err());
        Ok(())
    }
}
