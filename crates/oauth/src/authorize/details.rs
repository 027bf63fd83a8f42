//! `authorization_details`: what a client wants to do, said more precisely than by scopes. Owns syntax; which types a
//! client may ask for is decided in `engine`. RFC 9396 §2.

use crate::error::{ErrorCode, OAuthError};
use crate::limits;
use doorward_model::json::{self, BadJson};
use serde_json::{Map, Value};

/// Members that must be lists of texts when they are there (RFC 9396 §2.2).
const LISTS: [&str; 4] = ["locations", "actions", "datatypes", "privileges"];

/// One of the details: an object that says its type.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Map<String, Value>", into = "Map<String, Value>")]
pub struct Detail(Map<String, Value>);

impl Detail {
    /// Its type.
    pub fn kind(&self) -> &str {
        self.0.get("type").and_then(Value::as_str).unwrap_or_default()
    }

    /// What it says besides its type.
    pub fn members(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value)).filter(|(name, _)| *name != "type")
    }
}

impl TryFrom<Map<String, Value>> for Detail {
    type Error = OAuthError;
    fn try_from(members: Map<String, Value>) -> Result<Self, OAuthError> {
        let kind = members.get("type").and_then(Value::as_str).unwrap_or_default();
        let is_plain = |letter: u8| matches!(letter, 0x21..=0x7e);
        if kind.is_empty() || (kind.len() > limits::DETAIL_TYPE_BYTES) || !kind.bytes().all(is_plain) {
            return Err(refuse("each of the authorization_details needs a type, a text of printable ASCII letters"));
        }
        let is_text = |value: &Value| value.is_string();
        let is_list = |value: &Value| value.as_array().is_some_and(|list| list.iter().all(is_text));
        if LISTS.iter().any(|name| members.get(*name).is_some_and(|value| !is_list(value))) {
            return Err(refuse("locations, actions, datatypes and privileges are lists of texts"));
        }
        if members.get("identifier").is_some_and(|value| !value.is_string()) {
            return Err(refuse("identifier in authorization_details is a text"));
        }
        Ok(Self(members))
    }
}

impl From<Detail> for Map<String, Value> {
    fn from(detail: Detail) -> Self {
        detail.0
    }
}

/// Fewer of the details that were granted (RFC 9396 §6): each of those asked for is one of these, member for member.
///
/// # Errors
/// `invalid_authorization_details` when one is not.
pub fn narrowed(granted: &[Detail], asked: Vec<Detail>) -> Result<Vec<Detail>, OAuthError> {
    if asked.iter().all(|detail| granted.contains(detail)) {
        return Ok(asked);
    }
    Err(refuse("authorization_details holds one that was not granted; ask for some of those that were, unchanged"))
}

/// Reads the JSON: a list of objects, each member once.
///
/// # Errors
/// `invalid_authorization_details` with what is wrong.
pub fn parse(text: &str) -> Result<Vec<Detail>, OAuthError> {
    if text.len() > limits::DETAILS_BYTES {
        return Err(refuse("authorization_details is too long; ask for less at once"));
    }
    let broken = || refuse("authorization_details must be a JSON list of objects, each member in it once");
    // One level more for the list around them.
    let list = match json::value(text.as_bytes(), limits::DETAIL_NESTING + 1) {
        Ok(Value::Array(list)) => list,
        Err(BadJson::Deep) => return Err(refuse("authorization_details is nested too deeply; make it flatter")),
        Ok(_) | Err(_) => return Err(broken()),
    };
    if list.is_empty() || (list.len() > limits::DETAILS) {
        return Err(refuse("authorization_details must hold at least one object, and not too many; leave it out"));
    }
    list.into_iter()
        .map(|value| if let Value::Object(members) = value { members.try_into() } else { Err(broken()) })
        .collect()
}

fn refuse(sentence: &'static str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidAuthorizationDetails, sentence)
}

#[cfg(test)]
mod tests {
    use super::{Detail, narrowed, parse};
    use crate::error::ErrorCode;

    const PAYMENT: &str = r#"[{"type":"payment","actions":["initiate"],"locations":["https://bank.example.com"],
        "amount":{"currency":"EUR","value":"12.50"},"urgent":true},{"type":"account","identifier":"a-1"}]"#;

    #[test]
    fn details_are_read_with_their_types_and_survive_being_stored() {
        let read = parse(PAYMENT).unwrap_or_default();
        assert_eq!(read.iter().map(Detail::kind).collect::<Vec<_>>(), ["payment", "account"]);
        let names: Vec<_> = read.iter().flat_map(Detail::members).map(|(name, _)| name).collect();
        assert_eq!(names, ["actions", "amount", "locations", "urgent", "identifier"]);
        let stored = serde_json::to_string(&read).unwrap_or_default();
        assert_eq!(serde_json::from_str::<Vec<Detail>>(&stored).unwrap_or_default(), read);
        assert!(serde_json::from_str::<Vec<Detail>>(r#"[{"no":"type"}]"#).is_err());
    }

    #[test]
    fn what_is_not_as_specified_is_refused() {
        let deep = |levels: usize| format!(r#"[{{"type":"a","x":{}{}}}]"#, "[".repeat(levels), "]".repeat(levels));
        let many = |count: usize| format!("[{}]", vec![r#"{"type":"a"}"#; count].join(","));
        let long = |bytes: usize| format!(r#"[{{"type":"a","x":"{}"}}]"#, "x".repeat(bytes - 21));
        for (text, is_fine) in [
            (deep(6), true),
            (deep(7), false),
            (deep(5000), false),
            (many(20), true),
            (many(21), false),
            (long(8192), true),
            (long(8193), false),
        ] {
            assert_eq!(parse(&text).is_ok(), is_fine, "{}", &text[..30]);
        }
        for bad in [
            "",
            "{}",
            "[]",
            "null",
            "[1]",
            "[[]]",
            "[{}]",
            r#"[{"type":""}]"#,
            r#"[{"type":1}]"#,
            r#"[{"type":"a b"}]"#,
            r#"[{"type":"a"},{"actions":["x"]}]"#,
            r#"[{"type":"a"}] x"#,
            r#"[{"type":"a","type":"b"}]"#,
            r#"[{"type":"a","x":{"y":1,"y":2}}]"#,
            r#"[{"type":"a","actions":"read"}]"#,
            r#"[{"type":"a","locations":[1]}]"#,
            r#"[{"type":"a","identifier":{}}]"#,
        ] {
            let code = parse(bad).err().map(|refusal| refusal.code());
            assert_eq!(code, Some(ErrorCode::InvalidAuthorizationDetails), "{bad}");
        }
    }

    #[test]
    fn fewer_are_some_of_them_unchanged() {
        let read = |text: &str| parse(text).unwrap_or_else(|refusal| panic!("{refusal}"));
        let granted = read(r#"[{"type":"a","actions":["x","y"]},{"type":"b"}]"#);
        for fine in [r#"[{"type":"b"}]"#, r#"[{"actions":["x","y"],"type":"a"}]"#] {
            assert_eq!(narrowed(&granted, read(fine)), Ok(read(fine)));
        }
        for other in [r#"[{"type":"a","actions":["x"]}]"#, r#"[{"type":"b"},{"type":"c"}]"#, r#"[{"type":"b","x":1}]"#]
        {
            let code = narrowed(&granted, read(other)).err().map(|refusal| refusal.code());
            assert_eq!(code, Some(ErrorCode::InvalidAuthorizationDetails), "{other}");
        }
        assert!(narrowed(&[], read(r#"[{"type":"a"}]"#)).is_err());
    }
}
