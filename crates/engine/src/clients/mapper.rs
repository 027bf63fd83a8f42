//! Claim mappers: what a client's tokens say besides what everybody's say. Each names the claim and where
//! it is told. Claims by which tokens are checked cannot be overridden.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Where a claim is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tell {
    /// In access tokens.
    pub access: bool,
    /// In ID tokens.
    pub id: bool,
    /// At the userinfo endpoint.
    pub userinfo: bool,
}

impl Default for Tell {
    fn default() -> Self {
        Self { access: true, id: true, userinfo: true }
    }
}

/// One of the three places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// An access token.
    Access,
    /// An ID token.
    Id,
    /// The userinfo endpoint.
    Userinfo,
}

impl Tell {
    fn is_at(self, place: Place) -> bool {
        match place {
            Place::Access => self.access,
            Place::Id => self.id,
            Place::Userinfo => self.userinfo,
        }
    }
}

/// Where a claim's value comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum From {
    /// An attribute of the user; a list when `many`.
    Attribute {
        /// Its name.
        name: String,
        /// Whether all its values are told, as a list.
        #[serde(default)]
        many: bool,
    },
    /// Names of the user's groups; those that begin with `prefix`, without it.
    Groups {
        /// What names must begin with; empty for all.
        #[serde(default)]
        prefix: String,
    },
    /// The same for everybody.
    Value(Value),
}

/// One mapper.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mapper {
    /// A claim. A path of several names makes objects within objects.
    Claim {
        /// Its name, or the names on the way to it.
        path: Vec<String>,
        /// Where its value comes from.
        from: From,
        /// Where it is told.
        #[serde(default)]
        tell: Tell,
    },
    /// Another audience of access tokens.
    Audience(String),
}

/// Claims by which tokens are checked: a mapper that names one is refused when it is declared, and does
/// nothing should it be there all the same.
pub const RESERVED: [&str; 24] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "nbf",
    "jti",
    "azp",
    "typ",
    "nonce",
    "auth_time",
    "acr",
    "amr",
    "sid",
    "at_hash",
    "c_hash",
    "s_hash",
    "authorization_details",
    "scope",
    "client_id",
    "cnf",
    "act",
    "may_act",
    "events",
];

/// What mappers may draw from.
pub struct Facts<'a> {
    /// Names of the groups, in order.
    pub groups: &'a [String],
    /// Attributes of the user.
    pub attributes: &'a std::collections::BTreeMap<String, Vec<String>>,
}

impl Mapper {
    /// Whether it declares this audience.
    pub fn is_audience(&self, name: &str) -> bool {
        matches!(self, Self::Audience(declared) if declared == name)
    }

    /// Adds what this mapper tells at a place.
    pub fn apply(&self, place: Place, facts: &Facts<'_>, claims: &mut Map<String, Value>) {
        let Self::Claim { path, from, tell } = self else { return };
        let Some((first, rest)) = path.split_first() else { return };
        if !tell.is_at(place) || RESERVED.contains(&first.as_str()) {
            return;
        }
        let Some(value) = value(from, facts) else { return };
        put(claims, first, rest, value);
    }
}

fn value(from: &From, facts: &Facts<'_>) -> Option<Value> {
    match from {
        From::Value(value) => Some(value.clone()),
        From::Groups { prefix } => {
            let names = facts.groups.iter().filter_map(|name| name.strip_prefix(prefix.as_str()));
            Some(names.map(Value::from).collect())
        }
        From::Attribute { name, many } => {
            let values = facts.attributes.get(name)?;
            if *many {
                Some(values.iter().map(String::as_str).map(Value::from).collect())
            } else {
                values.first().map(|value| Value::from(value.as_str()))
            }
        }
    }
}

fn put(claims: &mut Map<String, Value>, name: &str, rest: &[String], value: Value) {
    let Some((next, rest)) = rest.split_first() else {
        claims.insert(name.to_owned(), value);
        return;
    };
    let inner = claims.entry(name).or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(inner) = inner {
        put(inner, next, rest, value);
    }
}

#[cfg(test)]
mod tests {
    use super::{Facts, From, Mapper, Place, Tell};
    use serde_json::{Map, Value, json};
    use std::collections::BTreeMap;

    fn told(mapper: Mapper, place: Place) -> Value {
        let attributes = BTreeMap::from([("region".to_owned(), vec!["eu".to_owned(), "us".to_owned()])]);
        let groups = ["minio-readwrite".to_owned(), "other".to_owned()];
        let mut claims = Map::from_iter([("sub".to_owned(), json!("alice")), ("email".to_owned(), json!("a@b.c"))]);
        mapper.apply(place, &Facts { groups: &groups, attributes: &attributes }, &mut claims);
        Value::Object(claims)
    }

    fn claim(path: &[&str], from: From) -> Mapper {
        Mapper::Claim { path: path.iter().map(ToString::to_string).collect(), from, tell: Tell::default() }
    }

    #[test]
    fn claims_come_from_attributes_groups_and_fixed_values() {
        let region = |many| From::Attribute { name: "region".to_owned(), many };
        let namespaced = told(claim(&["https://floe.dev/namespace", "region"], region(false)), Place::Access);
        assert_eq!(namespaced.pointer("/https:~1~1floe.dev~1namespace/region"), Some(&json!("eu")));
        assert_eq!(told(claim(&["regions"], region(true)), Place::Id).get("regions"), Some(&json!(["eu", "us"])));
        let policy = claim(&["policy"], From::Groups { prefix: "minio-".to_owned() });
        assert_eq!(told(policy, Place::Access).get("policy"), Some(&json!(["readwrite"])));
        let missing = claim(&["x"], From::Attribute { name: "none".to_owned(), many: false });
        assert_eq!(told(missing, Place::Access).get("x"), None);
    }

    #[test]
    fn claims_by_which_tokens_are_checked_cannot_be_overridden() {
        for name in super::RESERVED {
            let before = told(claim(&["harmless"], From::Value(json!(1))), Place::Access).get(name).cloned();
            let after = told(claim(&[name], From::Value(json!("mallory"))), Place::Access).get(name).cloned();
            assert_eq!(before, after, "{name}");
        }
    }

    #[test]
    fn a_claim_is_told_where_it_was_declared_to_be() {
        let mapper = |tell| Mapper::Claim { path: vec!["x".to_owned()], from: From::Value(json!(1)), tell };
        let only_id = Tell { access: false, id: true, userinfo: false };
        assert!(told(mapper(only_id), Place::Id).get("x").is_some());
        assert!(told(mapper(only_id), Place::Access).get("x").is_none());
        assert!(told(mapper(only_id), Place::Userinfo).get("x").is_none());
    }
}
