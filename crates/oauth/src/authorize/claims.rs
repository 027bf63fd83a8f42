//! The `claims` parameter: single claims asked for by name, for the identity token and for userinfo.
//! OIDC Core §5.5.

use crate::error::OAuthError;
use crate::limits;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Claims asked for by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimsRequest {
    /// For the identity token.
    #[serde(default)]
    pub id_token: BTreeMap<String, ClaimAsked>,
    /// For the userinfo answer.
    #[serde(default)]
    pub userinfo: BTreeMap<String, ClaimAsked>,
}

/// How a claim is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimAsked {
    /// Whether the client cannot do without it.
    #[serde(default)]
    pub essential: bool,
    /// The values it may have; empty means any. The first are preferred.
    #[serde(default)]
    pub values: Vec<Value>,
}

impl ClaimsRequest {
    /// Reads the JSON. Members nobody knows are ignored, as the specification wants.
    pub fn parse(text: &str) -> Result<Self, OAuthError> {
        if text.len() > limits::CLAIMS_BYTES {
            return Err(bad("claims is too long; ask for fewer"));
        }
        let asked: Map<String, Value> =
            serde_json::from_str(text).map_err(|_| bad("claims must be a JSON object; send {} or leave it out"))?;
        let half = |name: &str| match asked.get(name) {
            None | Some(Value::Null) => Ok(BTreeMap::new()),
            Some(Value::Object(claims)) => half(claims),
            Some(_) => Err(bad("id_token and userinfo in claims must be objects")),
        };
        Ok(Self { id_token: half("id_token")?, userinfo: half("userinfo")? })
    }
}

fn half(claims: &Map<String, Value>) -> Result<BTreeMap<String, ClaimAsked>, OAuthError> {
    if claims.len() > limits::CLAIMS {
        return Err(bad("claims asks for too many claims; ask for fewer"));
    }
    claims.iter().map(|(name, how)| Ok((name.clone(), claim(how)?))).collect()
}

fn claim(how: &Value) -> Result<ClaimAsked, OAuthError> {
    let how = match how {
        Value::Null => return Ok(ClaimAsked::default()),
        Value::Object(how) => how,
        _ => return Err(bad("a claim in claims must be null or an object")),
    };
    let essential = match how.get("essential") {
        None => false,
        Some(Value::Bool(essential)) => *essential,
        Some(_) => return Err(bad("essential in claims must be true or false")),
    };
    let values = match (how.get("value"), how.get("values")) {
        (None, None) => Vec::new(),
        (Some(value), None) => vec![value.clone()],
        (None, Some(Value::Array(values))) if !values.is_empty() => values.clone(),
        _ => return Err(bad("a claim in claims may have a value, or values as a list that is not empty")),
    };
    Ok(ClaimAsked { essential, values })
}

fn bad(sentence: &'static str) -> OAuthError {
    OAuthError::invalid_request(sentence)
}

#[cfg(test)]
mod tests {
    use super::{ClaimAsked, ClaimsRequest};
    use serde_json::json;

    #[test]
    fn claims_are_read_by_half_and_name() {
        let text = r#"{"id_token":{"acr":{"essential":true,"values":["a","b"]},"sub":{"value":"x"},"n":null},
            "userinfo":{"email":{"essential":true,"purpose":"?"}},"other":7}"#;
        let read = ClaimsRequest::parse(text).unwrap_or_default();
        let asked = |essential, values| ClaimAsked { essential, values };
        assert_eq!(read.id_token.get("acr"), Some(&asked(true, vec![json!("a"), json!("b")])));
        assert_eq!(read.id_token.get("sub"), Some(&asked(false, vec![json!("x")])));
        assert_eq!(read.id_token.get("n"), Some(&asked(false, vec![])));
        assert_eq!(read.userinfo.get("email"), Some(&asked(true, vec![])));
        assert_eq!((read.id_token.len(), read.userinfo.len()), (3, 1));
        for empty in ["{}", r#"{"id_token":null}"#, r#"{"userinfo":{}}"#] {
            assert_eq!(ClaimsRequest::parse(empty), Ok(ClaimsRequest::default()), "{empty}");
        }
    }

    #[test]
    fn what_is_not_as_specified_is_refused() {
        for bad in [
            "",
            "[]",
            "null",
            "x",
            "{",
            "{} {}",
            r#"{"id_token":[]}"#,
            r#"{"userinfo":"email"}"#,
            r#"{"id_token":{"acr":true}}"#,
            r#"{"id_token":{"acr":{"essential":"true"}}}"#,
            r#"{"id_token":{"acr":{"values":"a"}}}"#,
            r#"{"id_token":{"acr":{"values":[]}}}"#,
            r#"{"id_token":{"acr":{"value":"a","values":["b"]}}}"#,
        ] {
            assert!(ClaimsRequest::parse(bad).is_err(), "{bad}");
        }
        assert!(ClaimsRequest::parse(&format!("{{\"x\":{}1{}}}", "[".repeat(3000), "]".repeat(3000))).is_err());
    }

    #[test]
    fn claims_have_limits() {
        let long = |length: usize| format!("{{\"x\":\"{}\"}}", "a".repeat(length - 8));
        assert!(ClaimsRequest::parse(&long(8192)).is_ok());
        assert!(ClaimsRequest::parse(&long(8193)).is_err());
        let many = |count: usize| {
            let claims: Vec<_> = (0..count).map(|number| format!("\"c{number}\":null")).collect();
            format!("{{\"userinfo\":{{{}}}}}", claims.join(","))
        };
        assert!(ClaimsRequest::parse(&many(100)).is_ok());
        assert!(ClaimsRequest::parse(&many(101)).is_err());
    }
}
