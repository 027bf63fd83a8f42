//! The settings file as it was written: YAML, read strictly, every value with its place.

use crate::exit::{Exit, plain as plain_error};
use crate::limits;
use serde::Deserialize;
use serde_saphyr::{Error, Location, Spanned};
use std::fmt::Display;
use std::io::Read as _;
use std::path::Path;

const KEYS: &str = "data, database, listen, grpc_listen, operations_listen, public_url, realm, trusted_proxies, \
                    cookie_domain, client_certificate_header, client_certificate_authorities, sessions, keys, outbound, \
                    database_grace_seconds";

/// A text and where it was written.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub text: String,
    pub at: String,
}

impl Given {
    /// A complaint about it.
    pub fn wrong(&self, what: impl Display, how: impl Display) -> Exit {
        Exit::usage(format!("{}: {what}: {how}", self.at))
    }

    /// The text, fit for a sentence.
    pub fn shown(&self) -> String {
        self.text.chars().take(80).flat_map(char::escape_debug).collect()
    }
}

/// A number and where it was written.
#[derive(Debug, Clone)]
pub(super) struct Number {
    value: i64,
    at: String,
}

impl Number {
    /// Whether it is that number.
    pub fn is(&self, value: i64) -> bool {
        self.value == value
    }

    /// The number, if it lies between two others.
    pub fn within(&self, least: i64, most: i64) -> Result<i64, Exit> {
        if (least..=most).contains(&self.value) {
            return Ok(self.value);
        }
        let Self { value, at } = self;
        Err(Exit::usage(format!("{at}: {value} seconds is out of range: write {least} to {most}")))
    }
}

/// Lifetimes of sessions as written.
#[derive(Debug, Clone, Default)]
pub(super) struct WrittenSessions {
    pub idle_seconds: Option<Number>,
    pub lifetime_seconds: Option<Number>,
    pub remembered_idle_seconds: Option<Number>,
    pub remembered_lifetime_seconds: Option<Number>,
}

/// Times of signing keys as written.
#[derive(Debug, Clone, Default)]
pub(super) struct WrittenKeys {
    pub rotate_seconds: Option<Number>,
    pub announce_seconds: Option<Number>,
}

/// What Doorward itself may call, as written.
#[derive(Debug, Clone, Default)]
pub(super) struct WrittenOutbound {
    pub allow: Vec<Given>,
    pub ca_file: Option<Given>,
}

/// Everything the file says.
#[derive(Debug, Clone, Default)]
pub(super) struct Written {
    pub data: Option<Given>,
    pub database: Option<Given>,
    pub listen: Option<Given>,
    pub grpc_listen: Option<Given>,
    pub operations_listen: Option<Given>,
    pub public_url: Option<Given>,
    pub realm: Option<Given>,
    pub trusted_proxies: Vec<Given>,
    pub cookie_domain: Option<Given>,
    pub client_certificate_header: Option<Given>,
    pub client_certificate_authorities: Option<Given>,
    pub sessions: WrittenSessions,
    pub keys: WrittenKeys,
    pub outbound: WrittenOutbound,
    pub database_grace_seconds: Option<Number>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Raw {
    data: Option<Spanned<String>>,
    database: Option<Spanned<String>>,
    listen: Option<Spanned<String>>,
    grpc_listen: Option<Spanned<String>>,
    operations_listen: Option<Spanned<String>>,
    public_url: Option<Spanned<String>>,
    realm: Option<Spanned<String>>,
    trusted_proxies: Vec<Spanned<String>>,
    cookie_domain: Option<Spanned<String>>,
    client_certificate_header: Option<Spanned<String>>,
    client_certificate_authorities: Option<Spanned<String>>,
    sessions: RawSessions,
    keys: RawKeys,
    outbound: RawOutbound,
    database_grace_seconds: Option<Spanned<i64>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RawSessions {
    idle_seconds: Option<Spanned<i64>>,
    lifetime_seconds: Option<Spanned<i64>>,
    remembered_idle_seconds: Option<Spanned<i64>>,
    remembered_lifetime_seconds: Option<Spanned<i64>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RawKeys {
    rotate_seconds: Option<Spanned<i64>>,
    announce_seconds: Option<Spanned<i64>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RawOutbound {
    allow: Vec<Spanned<String>>,
    ca_file: Option<Spanned<String>>,
}

impl Written {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, Exit> {
        let unreadable = |error: std::io::Error| {
            let (shown, why) = (path.display(), plain_error(&error));
            Exit::usage(format!("the settings file {shown} cannot be read, {why}: correct --config or its permissions"))
        };
        let file = std::fs::File::open(path).map_err(unreadable)?;
        let mut text = String::new();
        file.take(limits::SETTINGS_BYTES + 1).read_to_string(&mut text).map_err(unreadable)?;
        if u64::try_from(text.len()).unwrap_or(u64::MAX) > limits::SETTINGS_BYTES {
            let most = limits::SETTINGS_BYTES;
            return Err(Exit::usage(format!(
                "{}:1:1: the file is longer than {most} bytes: shorten it",
                path.display()
            )));
        }
        Self::parse(&path.display().to_string(), &text)
    }

    /// Reads a text; `file` stands in complaints.
    pub fn parse(file: &str, text: &str) -> Result<Self, Exit> {
        let mut options = serde_saphyr::Options::default();
        options.with_snippet = false;
        options.strict_booleans = true;
        options.reject_unsupported_tags = true;
        let raw: Option<Raw> =
            serde_saphyr::from_str_with_options(text, options).map_err(|bad| complain(file, &bad))?;
        let raw = raw.unwrap_or_default();
        let text = |value: Spanned<String>| Given { at: place(file, value.referenced), text: value.value };
        let number = |value: Spanned<i64>| Number { at: place(file, value.referenced), value: value.value };
        Ok(Self {
            data: raw.data.map(text),
            database: raw.database.map(text),
            listen: raw.listen.map(text),
            grpc_listen: raw.grpc_listen.map(text),
            operations_listen: raw.operations_listen.map(text),
            public_url: raw.public_url.map(text),
            realm: raw.realm.map(text),
            trusted_proxies: raw.trusted_proxies.into_iter().map(text).collect(),
            cookie_domain: raw.cookie_domain.map(text),
            client_certificate_header: raw.client_certificate_header.map(text),
            client_certificate_authorities: raw.client_certificate_authorities.map(text),
            sessions: WrittenSessions {
                idle_seconds: raw.sessions.idle_seconds.map(number),
                lifetime_seconds: raw.sessions.lifetime_seconds.map(number),
                remembered_idle_seconds: raw.sessions.remembered_idle_seconds.map(number),
                remembered_lifetime_seconds: raw.sessions.remembered_lifetime_seconds.map(number),
            },
            outbound: WrittenOutbound {
                allow: raw.outbound.allow.into_iter().map(text).collect(),
                ca_file: raw.outbound.ca_file.map(text),
            },
            keys: WrittenKeys {
                rotate_seconds: raw.keys.rotate_seconds.map(number),
                announce_seconds: raw.keys.announce_seconds.map(number),
            },
            database_grace_seconds: raw.database_grace_seconds.map(number),
        })
    }
}

fn place(file: &str, location: Location) -> String {
    format!("{file}:{}:{}", location.line().max(1), location.column().max(1))
}

fn complain(file: &str, error: &Error) -> Exit {
    let error = error.without_snippet();
    let at = error.location().map_or_else(|| format!("{file}:1:1"), |location| place(file, location));
    let (what, how) = match error {
        Error::SerdeUnknownField { field, expected, .. } => {
            let known = if expected.contains(&"listen") { KEYS.to_owned() } else { expected.join(", ") };
            (format!("there is no setting `{field}`"), format!("the settings are {known}"))
        }
        Error::DuplicateMappingKey { key, .. } => {
            (format!("`{}` stands twice", key.as_deref().unwrap_or("a key")), "keep one of them".to_owned())
        }
        Error::SerdeInvalidType { unexpected, expected, .. } => {
            (format!("{unexpected} stands where {expected} belongs"), "correct the value".to_owned())
        }
        Error::InvalidScalar { ty, .. } => (format!("the value is not of type {ty}"), "correct the value".to_owned()),
        Error::NullIntoString { .. } => {
            ("the value is empty".to_owned(), "write a text or leave out the key".to_owned())
        }
        Error::Unexpected { expected: "sequence start", .. } => {
            ("a list belongs here".to_owned(), "write [one, two]".to_owned())
        }
        Error::Unexpected { expected: "mapping start", .. } => {
            ("lines of the form key: value belong here".to_owned(), format!("the settings are {KEYS}"))
        }
        Error::Unexpected { .. } => ("a single value belongs here".to_owned(), "write one text or number".to_owned()),
        other => (plain(other), "correct the YAML".to_owned()),
    };
    Exit::usage(format!("{at}: {what}: {how}"))
}

/// The parser's own sentence, without the place it repeats.
fn plain(error: &Error) -> String {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or(&text).trim();
    text.strip_prefix("error: ").unwrap_or(text).lines().next().unwrap_or(text).to_owned()
}
