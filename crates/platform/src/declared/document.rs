//! One YAML document as it was written: every value with its place, names not yet looked at. Owns the
//! list of keys each kind knows.

use super::complaint::{Complaint, Position};
use super::connector::WrittenConnector;
use super::near::near;
use super::profile::{WrittenAttributes, WrittenSessions};
use super::role::WrittenRoles;
use super::written::WrittenClient;
use crate::limits;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_saphyr::{Error, Location, Spanned};
use std::fmt;
use std::sync::Arc;

/// Kinds of objects with the keys each knows, beside `kind`.
pub(super) const KINDS: [(&str, &[&str]); 8] = [
    ("Realm", &["name", "title", "lifetimes", "sessions", "password_sign_in"]),
    ("Group", &["realm", "name", "members", "groups", "roles"]),
    (
        "User",
        &[
            "realm",
            "name",
            "display",
            "email",
            "active",
            "password",
            "groups",
            "roles",
            "given_name",
            "family_name",
            "email_verified",
            "break_glass",
            "attributes",
            "subject",
        ],
    ),
    ("Role", &["realm", "name", "client", "description", "roles"]),
    (
        "App",
        &[
            "realm",
            "name",
            "title",
            "description",
            "icon",
            "addresses",
            "upstream",
            "allowed_groups",
            "everyone",
            "public_paths",
            "headers",
            "bearer_token",
            "how_to_ask",
            "connectors",
        ],
    ),
    (
        "Client",
        &[
            "realm",
            "name",
            "title",
            "active",
            "public",
            "redirect_uris",
            "post_logout_redirect_uris",
            "web_origins",
            "grants",
            "scopes",
            "consent",
            "app",
            "allowed_groups",
            "everyone",
            "pkce_optional",
            "dpop_bound",
            "backchannel_logout_uri",
            "frontchannel_logout_uri",
            "lifetimes",
            "mappers",
            "algorithm",
            "authentication",
            "secret",
            "jwks",
            "tls_subject",
            "certificate_bound",
            "paths",
            "service_roles",
            "exchange_for",
            "workloads",
            "pairwise_sector",
            "userinfo_algorithm",
            "require_pushed",
            "require_signed_request",
            "authorization_details",
            "tolerates_prompt_none",
            "connectors",
        ],
    ),
    ("ClientScope", &["realm", "name", "description", "assigned", "mappers"]),
    (
        "Connector",
        &[
            "realm",
            "name",
            "title",
            "active",
            "oidc",
            "oauth2",
            "ldap",
            "saml",
            "kerberos",
            "sign_in",
            "linking",
            "group_rules",
        ],
    ),
];

pub(super) type Text = Spanned<String>;
pub(super) type List = Spanned<Vec<Text>>;

/// The keys of all kinds; which of them fit is decided when the kind is known.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// Every key that was written, in order, with its place.
    pub keys: Vec<Text>,
    pub kind: Option<Text>,
    pub realm: Option<Text>,
    pub name: Option<Text>,
    pub title: Option<Text>,
    pub members: Option<List>,
    pub groups: Option<List>,
    pub display: Option<Text>,
    pub email: Option<Text>,
    pub active: Option<bool>,
    pub password: Option<Text>,
    pub secret: Option<Text>,
    pub description: Option<Text>,
    pub icon: Option<Text>,
    pub addresses: Option<List>,
    pub upstream: Option<Text>,
    pub allowed_groups: Option<List>,
    pub everyone: Option<bool>,
    pub public_paths: Option<List>,
    pub headers: Option<List>,
    pub bearer_token: Option<bool>,
    pub how_to_ask: Option<Text>,
    pub connectors: Option<List>,
    pub of_client: Option<Text>,
    pub roles: Option<WrittenRoles>,
    pub service_roles: Option<WrittenRoles>,
    pub given_name: Option<Text>,
    pub family_name: Option<Text>,
    pub email_verified: Option<bool>,
    pub break_glass: Option<bool>,
    pub attributes: Option<Spanned<WrittenAttributes>>,
    pub subject: Option<Text>,
    pub sessions: Option<WrittenSessions>,
    pub password_sign_in: Option<Text>,
    pub assigned: Option<Text>,
    /// Keys that only a client has.
    pub client: WrittenClient,
    /// Keys that only a connector has.
    pub connector: WrittenConnector,
}

impl Document {
    /// Where a key stands.
    pub(super) fn key_at(&self, key: &str) -> Option<Location> {
        self.keys.iter().find(|written| written.value == key).map(|written| written.referenced)
    }

    fn take<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "kind" => self.kind = Some(map.next_value()?),
            "realm" => self.realm = Some(map.next_value()?),
            "name" => self.name = Some(map.next_value()?),
            "title" => self.title = Some(map.next_value()?),
            "members" => self.members = Some(map.next_value()?),
            "groups" => self.groups = Some(map.next_value()?),
            "display" => self.display = Some(map.next_value()?),
            "email" => self.email = Some(map.next_value()?),
            "active" => self.active = Some(map.next_value()?),
            "password" => self.password = Some(map.next_value()?),
            "secret" => self.secret = Some(map.next_value()?),
            "description" => self.description = Some(map.next_value()?),
            "icon" => self.icon = Some(map.next_value()?),
            "addresses" => self.addresses = Some(map.next_value()?),
            "upstream" => self.upstream = Some(map.next_value()?),
            "allowed_groups" => self.allowed_groups = Some(map.next_value()?),
            "everyone" => self.everyone = Some(map.next_value()?),
            "public_paths" => self.public_paths = Some(map.next_value()?),
            "headers" => self.headers = Some(map.next_value()?),
            "bearer_token" => self.bearer_token = Some(map.next_value()?),
            "how_to_ask" => self.how_to_ask = Some(map.next_value()?),
            "connectors" => self.connectors = Some(map.next_value()?),
            "client" => self.of_client = Some(map.next_value()?),
            "roles" => self.roles = Some(map.next_value()?),
            "service_roles" => self.service_roles = Some(map.next_value()?),
            "given_name" => self.given_name = Some(map.next_value()?),
            "family_name" => self.family_name = Some(map.next_value()?),
            "email_verified" => self.email_verified = Some(map.next_value()?),
            "break_glass" => self.break_glass = Some(map.next_value()?),
            "attributes" => self.attributes = Some(map.next_value()?),
            "subject" => self.subject = Some(map.next_value()?),
            "sessions" => self.sessions = Some(map.next_value()?),
            "password_sign_in" => self.password_sign_in = Some(map.next_value()?),
            "assigned" => self.assigned = Some(map.next_value()?),
            _ if self.client.take(key, map)? || self.connector.take(key, map)? => {}
            // Complained about when the kind is known.
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Document;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with `kind` and `name`")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
                let mut document = Document::default();
                while let Some(key) = map.next_key::<Text>()? {
                    document.take(&key.value, &mut map)?;
                    document.keys.push(key);
                }
                Ok(document)
            }
        }
        deserializer.deserialize_map(Keys)
    }
}

/// Reads all documents of a file. Broken YAML and values of a wrong type end the reading at once.
pub(super) fn read(file: &Arc<str>, text: &str) -> Result<Vec<Spanned<Document>>, Complaint> {
    if text.len() > limits::FILE_BYTES {
        let what = format!("the file is longer than {} bytes", limits::FILE_BYTES);
        return Err(Complaint::new(&Position::start(file), what, "split it"));
    }
    let mut options = strictly();
    if let Some(budget) = options.budget.as_mut() {
        budget.max_documents = limits::DECLARED_OBJECTS;
        budget.max_nodes = limits::FILE_NODES;
    }
    serde_saphyr::from_multiple_with_options(text, options).map_err(|error| refused(file, &error))
}

/// How YAML is read: one meaning for every spelling.
pub(super) fn strictly() -> serde_saphyr::Options {
    let mut options = serde_saphyr::Options::default();
    options.with_snippet = false;
    options.strict_booleans = true;
    options.no_schema = true;
    options.reject_unsupported_tags = true;
    options.reject_tagged_field_names = true;
    options
}

fn refused(file: &Arc<str>, error: &Error) -> Complaint {
    let error = error.without_snippet();
    let at = error.location().map_or_else(|| Position::start(file), |location: Location| Position::new(file, location));
    let (what, how) = match error {
        Error::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().unwrap_or("a key");
            (format!("`{key}` stands twice in one object"), "keep one of them")
        }
        Error::SerdeInvalidType { unexpected, expected, .. } => {
            (format!("{unexpected} stands where {expected} belongs"), "correct the value")
        }
        Error::SerdeUnknownField { field, expected, .. } => {
            let field: String = field.chars().take(80).flat_map(char::escape_debug).collect();
            let what = format!("`{field}` is none of the keys that belong here, {}", expected.join(", "));
            let how = near(&field, expected).map(|key| format!("did you mean {key}?"));
            return Complaint::new(&at, what, how.unwrap_or_else(|| "correct the key".to_owned()));
        }
        Error::SerdeMissingField { field, .. } => (format!("the key `{field}` is missing"), "add it"),
        // No other numbers stand in declared files.
        Error::InvalidScalar { ty: "i64" | "u32" | "u64", .. } => {
            ("a number of seconds belongs here".to_owned(), "write 300 for five minutes")
        }
        Error::InvalidBooleanStrict { .. } | Error::InvalidScalar { ty: "bool", .. } => {
            ("the value is neither true nor false".to_owned(), "write true or false")
        }
        Error::NullIntoString { .. } => ("the value is empty".to_owned(), "write a text or leave out the key"),
        // The value is not repeated: it may be a password.
        Error::QuotingRequired { .. } => {
            ("the value could be read as something else than text".to_owned(), "put it in quotes")
        }
        Error::Unexpected { expected: "sequence start", .. } => {
            ("a list belongs here".to_owned(), "write [one, two], or [] for none")
        }
        Error::Unexpected { expected: "mapping start", .. } if at.is_first_column() => {
            ("an object belongs here".to_owned(), "write lines of the form key: value, beginning with kind")
        }
        Error::Unexpected { expected: "mapping start", .. } => (
            "an object belongs here".to_owned(),
            "write lines of the form key: value below the key, further to the right",
        ),
        Error::Unexpected { .. } => ("a single value belongs here".to_owned(), "write one text, number or truth value"),
        other => (plain(other), "correct the YAML"),
    };
    Complaint::new(&at, what, how)
}

/// The parser's own sentence, without the place it repeats.
pub(super) fn plain(error: &Error) -> String {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or(&text).trim();
    text.strip_prefix("error: ").unwrap_or(text).lines().next().unwrap_or(text).to_owned()
}

/// Reads any YAML or JSON, as strictly as declared objects.
///
/// # Errors
/// A sentence of what is wrong, with the place.
pub fn any(text: &str) -> Result<serde_json::Value, String> {
    let read = serde_saphyr::from_str_with_options(text, strictly());
    read.map_err(|error| {
        let at = error.location().map(|at| format!("line {}, column {}: ", at.line(), at.column())).unwrap_or_default();
        let why = plain(error.without_snippet());
        // The parser speaks to programmers there.
        match why.contains("from_str_multiple") {
            true => format!("{at}a second document begins here, after ---: give a file with one"),
            false => format!("{at}{why}"),
        }
    })
}
