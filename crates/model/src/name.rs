//! Names as people write them, parsed once into a canonical form. Two spellings of one name
//! (`ADMIN`, `admin`, full-width letters) become one; names that could break out of a header, a log
//! line or a list are refused.

use crate::limits;
use serde::{Deserialize, Serialize};
use std::fmt;
use unicode_normalization::UnicodeNormalization as _;

/// Why a name is not taken, in one sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} `{shown}` {why}")]
pub struct BadName {
    what: &'static str,
    shown: String,
    why: String,
}

impl BadName {
    pub(crate) fn new(what: &'static str, text: &str, why: impl Into<String>) -> Self {
        let shown = text.chars().take(80).flat_map(char::escape_debug).collect();
        Self { what, shown, why: why.into() }
    }
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident = $parse:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// Parses and brings into canonical form.
            pub fn parse(text: &str) -> Result<Self, BadName> {
                let parse: fn(&str) -> Result<String, BadName> = $parse;
                parse(text).map(|text| Self(text.into()))
            }

            /// The canonical form.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadName;
            fn try_from(text: String) -> Result<Self, BadName> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.into()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

names! {
    /// Name of a realm: lower-case letters, digits, hyphens; stands in URLs.
    RealmName = |text| slug("the realm name", text);
    /// Name of an app in URLs and commands: lower-case letters, digits, hyphens.
    AppSlug = |text| slug("the app name", text);
    /// What a user signs in with: compatibility-normalised and lower-case.
    UserName = user_name;
    /// Name of a group, unique in its realm, case kept.
    GroupName = group_name;
    /// Name of a role, unique in its realm or among the roles of its client, case kept.
    RoleName = role_name;
    /// An e-mail address, lower-case. Data, never identity.
    EmailAddress = email;
    /// Text shown to people: names of people and apps.
    DisplayText = display;
    /// Name of a service token.
    TokenName = |text| slug("the token name", text);
    /// Name of a connector in URLs and commands: lower-case letters, digits, hyphens.
    ConnectorName = |text| slug("the connector name", text);
    /// A client's `client_id` on the wire (RFC 6749 §2.2, appendix A.1).
    ClientName = client_name;
}

fn slug(what: &'static str, text: &str) -> Result<String, BadName> {
    let inner = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let edges = !text.starts_with('-') && !text.ends_with('-');
    if text.is_empty() || text.len() > limits::SLUG_BYTES || !inner || !edges {
        let why = format!("must be 1 to {} lower-case letters, digits and inner hyphens", limits::SLUG_BYTES);
        return Err(BadName::new(what, text, why));
    }
    Ok(text.to_owned())
}

fn client_name(text: &str) -> Result<String, BadName> {
    let what = "the client id";
    let fits = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'<' | b'>' | b'`');
    if text.is_empty() || text.len() > limits::CLIENT_NAME_BYTES || !text.bytes().all(fits) {
        let why = format!(
            "must be 1 to {} printable ASCII characters without spaces, quotes, angle brackets or backslashes",
            limits::CLIENT_NAME_BYTES
        );
        return Err(BadName::new(what, text, why));
    }
    Ok(text.to_owned())
}

fn user_name(text: &str) -> Result<String, BadName> {
    let what = "the user name";
    let name: String = text.nfkc().flat_map(char::to_lowercase).nfkc().collect();
    if name.is_empty() || name.chars().count() > limits::USER_NAME_CHARACTERS {
        let why = format!("must have 1 to {} characters", limits::USER_NAME_CHARACTERS);
        return Err(BadName::new(what, text, why));
    }
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | '+' | '\'');
    if !name.chars().all(fits) {
        return Err(BadName::new(what, text, "may hold letters, digits and . _ - @ + ' only"));
    }
    Ok(name)
}

fn group_name(text: &str) -> Result<String, BadName> {
    listed("the group name", text, limits::GROUP_NAME_CHARACTERS)
}

fn role_name(text: &str) -> Result<String, BadName> {
    listed("the role name", text, limits::ROLE_NAME_CHARACTERS)
}

/// A name that stands in lists.
fn listed(what: &'static str, text: &str, most: usize) -> Result<String, BadName> {
    let name: String = text.nfc().collect();
    if name.is_empty() || name.chars().count() > most {
        return Err(BadName::new(what, text, format!("must have 1 to {most} characters")));
    }
    // Groups and roles are told to tools as lists joined by `,` or `|`: a name holding either would be two.
    if name.chars().any(|c| is_unprintable(c) || matches!(c, ',' | '|' | ';' | '"')) {
        return Err(BadName::new(what, text, "may not hold , | ; \" or control characters"));
    }
    if name.trim() != name {
        return Err(BadName::new(what, text, "may not begin or end with a space"));
    }
    Ok(name)
}

fn email(text: &str) -> Result<String, BadName> {
    let what = "the e-mail address";
    let name = text.to_lowercase();
    let (local, domain) = name.rsplit_once('@').unwrap_or(("", ""));
    let local_fits = !local.is_empty()
        && local.chars().all(|c| !is_unprintable(c) && !c.is_whitespace() && !"@,;:<>()[]\\\"|".contains(c));
    let label = |l: &str| {
        !l.is_empty() && !l.starts_with('-') && !l.ends_with('-') && l.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    let domain_fits = !domain.is_empty() && domain.split('.').all(label);
    if name.len() > limits::EMAIL_BYTES || !local_fits || !domain_fits {
        return Err(BadName::new(what, text, "must look like name@example.com"));
    }
    Ok(name)
}

fn display(text: &str) -> Result<String, BadName> {
    let what = "the display name";
    let name: String = text.trim().nfc().collect();
    if name.is_empty() || name.chars().count() > limits::DISPLAY_CHARACTERS {
        let why = format!("must have 1 to {} characters", limits::DISPLAY_CHARACTERS);
        return Err(BadName::new(what, text, why));
    }
    if name.chars().any(is_unprintable) {
        return Err(BadName::new(what, text, "may not hold control or direction characters"));
    }
    Ok(name)
}

/// Control characters, line and paragraph separators, and the marks that turn text direction: each
/// can make a log line or a header say something else than it holds.
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::{DisplayText, EmailAddress, GroupName, RealmName, UserName};

    #[test]
    fn gauntlet_b1_19_spellings_of_a_user_name_are_one_name() {
        let canonical = UserName::parse("admin").ok();
        for spelling in ["ADMIN", "Admin", "\u{ff41}dmin"] {
            assert_eq!(UserName::parse(spelling).ok(), canonical, "{spelling}");
        }
        assert!(UserName::parse("admin ").is_err());
        assert!(UserName::parse("ad\u{200b}min").is_err());
    }

    #[test]
    fn names_that_would_break_a_list_or_a_line_are_refused() {
        for bad in ["a,b", "a|b", "a\nb", " a", "", "a\u{202e}b"] {
            assert!(GroupName::parse(bad).is_err(), "{bad:?}");
        }
        assert!(DisplayText::parse("Ada\r\nX-Admin: 1").is_err());
        assert!(EmailAddress::parse("a@b\r\nBcc: x").is_err());
        assert!(EmailAddress::parse("Ada@Example.com").is_ok_and(|e| e.as_str() == "ada@example.com"));
        assert!(RealmName::parse("Main").is_err());
    }
}
