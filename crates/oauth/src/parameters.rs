//! Parameters of a query or form body: decoded once, in order, within limits. A parameter given twice
//! is refused, because two readers could each believe another one (RFC 6749 §3.1 and §3.2). One without
//! a value counts as absent.

use crate::error::OAuthError;
use crate::form::{BadForm, decode};
use crate::limits;
use std::fmt;
use zeroize::Zeroizing;

/// What may be given more than once (RFC 8707 §2, RFC 8693 §2.1, UMA 2.0 Grant §3.3.1 as Keycloak has it).
const REPEATABLE: [&str; 3] = ["resource", "audience", "permission"];

/// Decoded parameters. They may hold secrets, so they do not print and their values are wiped.
#[derive(Default)]
pub struct Parameters {
    pairs: Vec<Pair>,
}

struct Pair {
    name: String,
    value: Zeroizing<String>,
}

/// Where parameters stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The query of the address.
    Query,
    /// The body of a form.
    Form,
    /// Query and body of one request together.
    Both,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Query => "the query",
            Self::Form => "the form body",
            Self::Both => "query and form body together",
        })
    }
}

/// Why parameters are not taken, in one sentence that repeats nothing of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{place} {why}")]
pub struct BadParameters {
    /// Where they stood.
    pub place: Place,
    /// What is wrong and what to do.
    pub why: Why,
}

/// What is wrong with parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// All of it is too long.
    #[error("may have at most {} bytes; send less", limits::PARAMETERS_BYTES)]
    TooLong,
    /// Too many parameters.
    #[error("may hold at most {} parameters; send fewer", limits::PARAMETERS)]
    TooMany,
    /// A name is too long.
    #[error("holds a parameter name longer than {} bytes; shorten it", limits::PARAMETER_NAME_BYTES)]
    NameTooLong,
    /// A value is too long.
    #[error("holds a value longer than {} bytes; shorten it", limits::PARAMETER_VALUE_BYTES)]
    ValueTooLong,
    /// A broken percent escape.
    #[error("holds a percent sign without two hexadecimal digits; write %25 for a percent sign")]
    BrokenEscape,
    /// Not UTF-8.
    #[error("holds bytes that are not UTF-8; encode text as UTF-8 before escaping it")]
    NotUtf8,
    /// A NUL character.
    #[error("holds a NUL character; leave it out")]
    Nul,
}

impl From<BadForm> for Why {
    fn from(bad: BadForm) -> Self {
        match bad {
            BadForm::Escape => Self::BrokenEscape,
            BadForm::NotUtf8 => Self::NotUtf8,
            BadForm::Nul => Self::Nul,
        }
    }
}

impl From<BadParameters> for OAuthError {
    fn from(bad: BadParameters) -> Self {
        Self::invalid_request(bad.to_string())
    }
}

/// A parameter was given more than once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the parameter {shown} is given more than once; give it once")]
pub struct Doubled {
    shown: String,
}

impl Doubled {
    fn of(name: &str) -> Self {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.');
        let shown = name.chars().take(64).map(|letter| if is_plain(letter) { letter } else { '?' }).collect();
        Self { shown }
    }
}

impl From<Doubled> for OAuthError {
    fn from(doubled: Doubled) -> Self {
        Self::invalid_request(doubled.to_string())
    }
}

impl Parameters {
    /// Reads the query of an address, without its `?`.
    pub fn parse_query(text: &str) -> Result<Self, BadParameters> {
        Self::parse(text).map_err(|why| BadParameters { place: Place::Query, why })
    }

    /// Reads a body of type `application/x-www-form-urlencoded`.
    pub fn parse_form(text: &str) -> Result<Self, BadParameters> {
        Self::parse(text).map_err(|why| BadParameters { place: Place::Form, why })
    }

    /// These and others of the same request, so that one given in the query and again in the body is
    /// seen to be doubled.
    pub fn and(mut self, mut others: Self) -> Result<Self, BadParameters> {
        self.pairs.append(&mut others.pairs);
        let is_few = self.pairs.len() <= limits::PARAMETERS;
        if is_few { Ok(self) } else { Err(BadParameters { place: Place::Both, why: Why::TooMany }) }
    }

    /// The value of a parameter; `None` when it is absent or empty. Given twice it is refused, also when
    /// one of the two is empty.
    pub fn one(&self, name: &str) -> Result<Option<&str>, Doubled> {
        let mut values = self.pairs.iter().filter(|pair| pair.name == name);
        let first = values.next();
        if values.next().is_some() {
            return Err(Doubled::of(name));
        }
        Ok(first.map(|pair| pair.value.as_str()).filter(|value| !value.is_empty()))
    }

    /// The values of a parameter that may be repeated, in order, without empty ones.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.pairs.iter().filter(move |pair| pair.name == name);
        named.map(|pair| pair.value.as_str()).filter(|value| !value.is_empty())
    }

    /// Refuses the first parameter that is given twice, known or not, except those that may be repeated.
    pub fn check_doubled(&self) -> Result<(), Doubled> {
        for (place, pair) in self.pairs.iter().enumerate() {
            let is_doubled = self.pairs.iter().take(place).any(|before| before.name == pair.name);
            if is_doubled && !REPEATABLE.contains(&pair.name.as_str()) {
                return Err(Doubled::of(&pair.name));
            }
        }
        Ok(())
    }

    /// Names and values in the order they came, empty ones too.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|pair| (pair.name.as_str(), pair.value.as_str()))
    }

    fn parse(text: &str) -> Result<Self, Why> {
        if text.len() > limits::PARAMETERS_BYTES {
            return Err(Why::TooLong);
        }
        let mut pairs = Vec::new();
        for part in text.split('&').filter(|part| !part.is_empty()) {
            if pairs.len() == limits::PARAMETERS {
                return Err(Why::TooMany);
            }
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (name, value) = (decode(name)?, Zeroizing::new(decode(value)?));
            if name.len() > limits::PARAMETER_NAME_BYTES {
                return Err(Why::NameTooLong);
            }
            if value.len() > limits::PARAMETER_VALUE_BYTES {
                return Err(Why::ValueTooLong);
            }
            pairs.push(Pair { name, value });
        }
        Ok(Self { pairs })
    }
}

#[cfg(test)]
mod tests {
    use super::{Parameters, Why};
    use crate::error::{ErrorCode, OAuthError};

    fn read(text: &str) -> Parameters {
        Parameters::parse_query(text).unwrap_or_default()
    }

    fn refusal(text: &str) -> Option<Why> {
        Parameters::parse_form(text).err().map(|bad| bad.why)
    }

    #[test]
    fn parameters_are_decoded_in_order() {
        let parameters = read("scope=openid+e%20mail&&state=%C3%A9%26&empty&none=&x=a=b");
        let pairs: Vec<_> = parameters.iter().collect();
        assert_eq!(
            pairs,
            [("scope", "openid e mail"), ("state", "\u{e9}&"), ("empty", ""), ("none", ""), ("x", "a=b")]
        );
        assert_eq!(parameters.one("scope"), Ok(Some("openid e mail")));
        assert_eq!(parameters.one("SCOPE"), Ok(None));
        assert_eq!((parameters.one("empty"), parameters.one("none")), (Ok(None), Ok(None)));
    }

    #[test]
    fn broken_and_oversized_parameters_are_refused() {
        let many = |count: usize| vec!["a=b"; count].join("&");
        let cases = [
            ("a=%zz".to_owned(), Some(Why::BrokenEscape)),
            ("a%=1".to_owned(), Some(Why::BrokenEscape)),
            ("a=%ff".to_owned(), Some(Why::NotUtf8)),
            ("a=%00".to_owned(), Some(Why::Nul)),
            (many(100), None),
            (many(101), Some(Why::TooMany)),
            (format!("{}=1", "n".repeat(256)), None),
            (format!("{}=1", "n".repeat(257)), Some(Why::NameTooLong)),
            (format!("a={}", "v".repeat(32 * 1024)), None),
            (format!("a={}", "v".repeat(32 * 1024 + 1)), Some(Why::ValueTooLong)),
            ("&".repeat(64 * 1024), None),
            ("&".repeat(64 * 1024 + 1), Some(Why::TooLong)),
        ];
        for (text, why) in cases {
            assert_eq!(refusal(&text), why, "{}", &text[..text.len().min(20)]);
        }
    }

    #[test]
    fn a_refusal_says_where_and_repeats_nothing() {
        let sentence = Parameters::parse_query("client_secret=hunter2%").err().map(|bad| bad.to_string());
        let wanted = "the query holds a percent sign without two hexadecimal digits; write %25 for a percent sign";
        assert_eq!(sentence.as_deref(), Some(wanted));
        let sentence = Parameters::parse_form("a=%00").err().map(|bad| bad.to_string());
        assert_eq!(sentence.as_deref(), Some("the form body holds a NUL character; leave it out"));
    }

    #[test]
    fn gauntlet_b3_26_doubled_parameters_are_refused() {
        for text in ["code=a&code=b", "code=a&code=a", "code=&code=a", "code=a&x=1&code", "co%64e=a&code=b"] {
            assert!(read(text).one("code").is_err(), "{text}");
            assert!(read(text).check_doubled().is_err(), "{text}");
        }
        let doubled = read("a=1&own=1&b=2&own=2&b=3").check_doubled().map_err(OAuthError::from);
        let told = doubled.err().map(|refusal| (refusal.code(), refusal.sentence().to_owned()));
        let sentence = "the parameter own is given more than once; give it once".to_owned();
        assert_eq!(told, Some((ErrorCode::InvalidRequest, sentence)));
        assert_eq!(read("a=1&b=2").check_doubled(), Ok(()));
    }

    #[test]
    fn gauntlet_b3_26_doubled_parameters_across_query_and_body_are_refused() {
        let both = read("client_id=a&state=s").and(read("client_id=b")).unwrap_or_default();
        assert!(both.one("client_id").is_err() && both.check_doubled().is_err());
        assert_eq!(both.one("state"), Ok(Some("s")));
        let half = || read(&vec!["resource=b"; 51].join("&"));
        assert_eq!(half().and(half()).err().map(|bad| bad.why), Some(Why::TooMany));
    }

    #[test]
    fn gauntlet_b3_26_doubled_parameters_are_fine_where_the_rfcs_say_so() {
        let text = "resource=https://a&audience=x&resource=https://b&audience=y&permission=p&permission=q&resource=";
        let parameters = read(text);
        assert_eq!(parameters.check_doubled(), Ok(()));
        assert_eq!(parameters.all("resource").collect::<Vec<_>>(), ["https://a", "https://b"]);
        assert!(parameters.one("resource").is_err());
    }

    #[test]
    fn a_strange_name_is_not_repeated_to_the_caller() {
        let doubled = read("%3Cscript%3E=1&%3Cscript%3E=2").check_doubled().err().map(|doubled| doubled.to_string());
        assert_eq!(doubled.as_deref(), Some("the parameter ?script? is given more than once; give it once"));
        let long = "n".repeat(200);
        let doubled = read(&format!("{long}=1&{long}=2")).check_doubled().err().map(|doubled| doubled.to_string());
        assert!(doubled.is_some_and(|sentence| sentence.len() < 128));
    }
}
