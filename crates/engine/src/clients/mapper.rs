//! Claim mappers: what a client's tokens say besides what everybody's say. Each names the claim and where
//! it is told. Claims by which tokens are checked cannot be overridden.

use super::template::{Property, Template};
use crate::token::Profile;
use crate::token::roles::Roles;
use doorward_model::people::User;
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
    /// At the introspection endpoint, to services that ask what a token says; `None` for as in access tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introspection: Option<bool>,
}

impl Default for Tell {
    fn default() -> Self {
        Self { access: true, id: true, userinfo: true, introspection: None }
    }
}

/// One of the places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// An access token.
    Access,
    /// An ID token.
    Id,
    /// The userinfo endpoint.
    Userinfo,
    /// The introspection endpoint.
    Introspection,
}

impl Tell {
    fn is_at(self, place: Place) -> bool {
        match place {
            Place::Access => self.access,
            Place::Id => self.id,
            Place::Userinfo => self.userinfo,
            Place::Introspection => self.introspection.unwrap_or(self.access),
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
    /// Paths of the groups the user is in directly, `/outer/inner`, as Keycloak writes them; those that begin with
    /// `prefix`, without it. A group inside several others has several.
    GroupPaths {
        /// What paths must begin with; empty for all.
        #[serde(default)]
        prefix: String,
    },
    /// Names of the user's roles of the realm.
    RealmRoles {
        /// What names must begin with, and lose; empty for all.
        #[serde(default)]
        prefix: String,
        /// What is put before each.
        #[serde(default)]
        add: String,
    },
    /// Names of the user's roles of one client.
    ClientRoles {
        /// Its `client_id`.
        client: String,
        /// What is put before each.
        #[serde(default)]
        add: String,
    },
    /// Something known about the user.
    Property(Property),
    /// A text with placeholders.
    Template(Template),
    /// A list in one text.
    Joined {
        /// What stands between two entries.
        with: String,
        /// The list.
        of: Box<From>,
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
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// Names of the groups, in order.
    pub groups: &'a [String],
    /// Paths of the groups.
    pub paths: &'a [String],
    /// All roles.
    pub roles: &'a Roles,
    /// What is known of the user besides names.
    pub profile: &'a Profile,
    /// The user; `None` for a client that speaks for itself.
    pub user: Option<&'a User>,
    /// The client's `client_id`.
    pub client: &'a str,
}

impl From {
    /// Whether the paths of groups have to be known.
    fn wants_paths(&self) -> bool {
        match self {
            Self::GroupPaths { .. } => true,
            Self::Joined { of, .. } => of.wants_paths(),
            _ => false,
        }
    }
}

impl Mapper {
    /// Whether the paths of groups have to be known for it.
    pub fn wants_paths(&self) -> bool {
        matches!(self, Self::Claim { from, .. } if from.wants_paths())
    }

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
        From::GroupPaths { prefix } => {
            let paths = facts.paths.iter().filter_map(|path| path.strip_prefix(prefix.as_str()));
            Some(paths.map(Value::from).collect())
        }
        From::RealmRoles { prefix, add } => {
            let names = facts.roles.realm.iter().filter_map(|name| name.strip_prefix(prefix.as_str()));
            Some(names.map(|name| Value::from(format!("{add}{name}"))).collect())
        }
        From::ClientRoles { client, add } => {
            let names = facts.roles.clients.get(client).into_iter().flatten();
            Some(names.map(|name| Value::from(format!("{add}{name}"))).collect())
        }
        From::Property(property) => property.of(facts).map(Value::from),
        From::Template(template) => template.fill(facts).map(Value::from),
        From::Joined { with, of } => match value(of, facts)? {
            Value::Array(entries) => {
                let texts: Vec<&str> = entries.iter().filter_map(Value::as_str).collect();
                Some(Value::from(texts.join(with)))
            }
            single => Some(single),
        },
        From::Attribute { name, many } => {
            let values = facts.profile.attributes.get(name)?;
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
    use super::{Facts, From, Mapper, Place, Tell, Template};
    use crate::clients::template::Property;
    use crate::token::Profile;
    use crate::token::roles::Roles;
    use doorward_model::dice::Counting;
    use doorward_model::id::{RealmId, UserId};
    use doorward_model::name::{DisplayText, EmailAddress, UserName};
    use doorward_model::people::User;
    use doorward_model::time::Timestamp;
    use serde_json::{Map, Value, json};
    use std::collections::{BTreeMap, BTreeSet};

    fn alice() -> User {
        let (Ok(name), Ok(display)) = (UserName::parse("alice"), DisplayText::parse("Alice A.")) else {
            panic!("names")
        };
        let (id, realm_id) = (UserId::draw(&Counting::new(1)), RealmId::draw(&Counting::new(2)));
        let email = EmailAddress::parse("a@b.c").ok();
        User { id, realm_id, name, email, display, is_active: true, created_at: Timestamp::from_millis(0) }
    }

    fn told_of(user: Option<&User>, mapper: &Mapper, place: Place) -> Value {
        let attributes = BTreeMap::from([("region".to_owned(), vec!["eu".to_owned(), "us".to_owned()])]);
        let profile = Profile { attributes, given_name: "Alice".to_owned(), ..Profile::default() };
        let texts = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let groups = texts(&["minio-readwrite", "minio-audit", "other"]);
        let paths = texts(&["/data/eng", "/ops"]);
        let roles = Roles {
            realm: BTreeSet::from(["admin".to_owned(), "app-viewer".to_owned()]),
            clients: BTreeMap::from([("polaris".to_owned(), BTreeSet::from(["write".to_owned()]))]),
        };
        let facts = Facts { groups: &groups, paths: &paths, roles: &roles, profile: &profile, user, client: "grafana" };
        let mut claims = Map::from_iter([("sub".to_owned(), json!("alice")), ("email".to_owned(), json!("a@b.c"))]);
        mapper.apply(place, &facts, &mut claims);
        Value::Object(claims)
    }

    fn told(mapper: Mapper, place: Place) -> Value {
        told_of(Some(&alice()), &mapper, place)
    }

    fn claim(path: &[&str], from: From) -> Mapper {
        Mapper::Claim { path: path.iter().map(ToString::to_string).collect(), from, tell: Tell::default() }
    }

    #[track_caller]
    fn says(from: From, expected: Value) {
        assert_eq!(told(claim(&["x"], from), Place::Access).get("x").cloned().unwrap_or(Value::Null), expected);
    }

    #[test]
    fn claims_come_from_attributes_groups_and_fixed_values() {
        let region = |many| From::Attribute { name: "region".to_owned(), many };
        let namespaced = told(claim(&["https://floe.dev/namespace", "region"], region(false)), Place::Access);
        assert_eq!(namespaced.pointer("/https:~1~1floe.dev~1namespace/region"), Some(&json!("eu")));
        assert_eq!(told(claim(&["regions"], region(true)), Place::Id).get("regions"), Some(&json!(["eu", "us"])));
        let policy = claim(&["policy"], From::Groups { prefix: "minio-".to_owned() });
        assert_eq!(told(policy, Place::Access).get("policy"), Some(&json!(["readwrite", "audit"])));
        let missing = claim(&["x"], From::Attribute { name: "none".to_owned(), many: false });
        assert_eq!(told(missing, Place::Access).get("x"), None);
    }

    #[test]
    fn claims_come_from_roles_paths_properties_and_templates() {
        let text = |text: &str| text.to_owned();
        says(From::GroupPaths { prefix: text("") }, json!(["/data/eng", "/ops"]));
        says(From::GroupPaths { prefix: text("/data/") }, json!(["eng"]));
        says(From::RealmRoles { prefix: text(""), add: text("") }, json!(["admin", "app-viewer"]));
        says(From::RealmRoles { prefix: text("app-"), add: text("PRINCIPAL_ROLE:") }, json!(["PRINCIPAL_ROLE:viewer"]));
        says(From::ClientRoles { client: text("polaris"), add: text("p.") }, json!(["p.write"]));
        says(From::ClientRoles { client: text("none"), add: text("") }, json!([]));
        says(From::Property(Property::Email), json!("a@b.c"));
        says(From::Property(Property::FamilyName), Value::Null);
        let minio = || Box::new(From::Groups { prefix: text("minio-") });
        says(From::Joined { with: text(","), of: minio() }, json!("readwrite,audit"));
        let template = |text| Template::parse(text).map(From::Template).unwrap_or_else(|error| panic!("{error}"));
        says(template("{{{client}}}:{user.name}@{user.attributes.region}"), json!("{grafana}:alice@eu"));
        says(template("{user.attributes.none}"), Value::Null);
        // A client that speaks for itself is no user.
        let name = claim(&["x"], From::Property(Property::Name));
        assert_eq!(told_of(None, &name, Place::Access).get("x"), None);
    }

    #[test]
    fn paths_are_asked_for_where_a_claim_needs_them_and_nowhere_else() {
        let paths = || From::GroupPaths { prefix: String::new() };
        let joined = |of| From::Joined { with: ",".to_owned(), of: Box::new(of) };
        assert!(claim(&["x"], paths()).wants_paths() && claim(&["x"], joined(paths())).wants_paths());
        let groups = || From::Groups { prefix: String::new() };
        assert!(!claim(&["x"], groups()).wants_paths() && !claim(&["x"], joined(groups())).wants_paths());
        assert!(!Mapper::Audience("x".to_owned()).wants_paths());
    }

    #[test]
    fn a_path_leads_through_objects_and_replaces_nothing_else_on_its_way() {
        let all = told(claim(&["email", "domain"], From::Value(json!("b.c"))), Place::Access);
        assert_eq!((all.get("email"), all.as_object().map(Map::len)), (Some(&json!("a@b.c")), Some(2)));
        let all = told(claim(&["mail", "domain"], From::Value(json!("b.c"))), Place::Access);
        assert_eq!(all.pointer("/mail/domain"), Some(&json!("b.c")));
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
        let is_at = |tell, place| told(mapper(tell), place).get("x").is_some();
        let nowhere = Tell { access: false, id: false, userinfo: false, introspection: None };
        let only_id = Tell { id: true, ..nowhere };
        assert!(is_at(only_id, Place::Id) && !is_at(only_id, Place::Access));
        assert!(!is_at(only_id, Place::Userinfo) && !is_at(only_id, Place::Introspection));
        let asked = Tell { introspection: Some(true), ..nowhere };
        assert!(is_at(asked, Place::Introspection) && !is_at(asked, Place::Access));
        assert!(is_at(Tell { access: true, ..nowhere }, Place::Introspection));
    }
}
