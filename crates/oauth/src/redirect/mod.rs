//! Where a client may have browsers sent: the rules it registers, and the proof that a presented URI
//! satisfies one. Owns syntax and comparison; which client has which rules is the store's.
//! RFC 6749 §3.1.2, RFC 8252 §7, RFC 9700 §2.1 and §4.1.3.

mod pattern;
#[cfg(test)]
mod tests;
mod uri;

use crate::error::OAuthError;
use crate::limits;
use doorward_model::path::RequestPath;
pub use pattern::Pattern;
use serde::{Deserialize, Serialize};
use uri::Uri;

/// Whether plain HTTP may be registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Http {
    /// For any host: a platform on one's own machines.
    Allowed,
    /// For `localhost`, names below it and loopback addresses only.
    LoopbackOnly,
}

/// One rule about where a client's browsers may be sent. Written as `{"exact": "https://…"}` and so on.
/// Reading a stored rule checks its syntax again; whether plain HTTP is wanted is asked where rules are
/// declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub enum RedirectRule {
    /// This URI, byte for byte.
    Exact(RuleText),
    /// This URI at any port: a program on the person's own machine (RFC 8252 §7.3).
    Loopback(RuleText),
    /// Everything that begins with the text in front of the final `*`.
    Wildcard(RuleText),
    /// Everything the pattern describes as a whole.
    Regex(Pattern),
    /// This path at Doorward's own host, byte for byte, as Dex takes it from Kubeflow.
    Relative(RuleText),
}

/// The checked text of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleText(Box<str>);

/// A rule as it stands in declared objects and in the store.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Written {
    Exact(String),
    Loopback(String),
    Wildcard(String),
    Regex(String),
    Relative(String),
}

/// Why a redirect rule is not taken, in one sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadRedirect {
    /// Too long.
    #[error("a redirect URI may have at most {} bytes; shorten it", limits::REDIRECT_URI_BYTES)]
    TooLong,
    /// No scheme, or nothing behind it.
    #[error("a redirect URI must be absolute; write it as https://app.example.com/callback")]
    NotAbsolute,
    /// A scheme in capitals.
    #[error("the scheme of a redirect URI must be written in lower-case letters")]
    UpperCaseScheme,
    /// A scheme that runs something.
    #[error("this scheme cannot bring a browser back to an application; use https or a scheme of the app's own")]
    Scheme,
    /// Plain HTTP over a network.
    #[error("plain http leads to this machine only: http://localhost, http://127.0.0.1 or http://[::1]; use https")]
    PlainHttp,
    /// No host, or one that browsers read differently.
    #[error("a redirect URI needs a plain host name: letters, digits, hyphens and dots, no final dot")]
    Host,
    /// `user@` in front of the host.
    #[error("a redirect URI may not hold a user name in front of the host; remove everything up to the @")]
    UserInfo,
    /// `#`.
    #[error("a redirect URI may not hold a fragment; remove the # and what follows it")]
    Fragment,
    /// A backslash.
    #[error("a redirect URI may not hold a backslash; write a slash")]
    Backslash,
    /// Control characters, spaces, letters beyond ASCII.
    #[error("a redirect URI may not hold spaces, control characters or letters beyond ASCII; escape them")]
    NotPrintable,
    /// A letter that RFC 3986 does not have.
    #[error("a redirect URI holds a letter that URIs do not have; escape it with a percent sign")]
    NotUri,
    /// A broken escape, or bytes that are not UTF-8.
    #[error("a redirect URI holds a percent sign without a UTF-8 letter behind it in hexadecimal; write %25")]
    BrokenEscape,
    /// An escaped control character.
    #[error("a redirect URI may not hold an escaped control character; remove it")]
    EncodedControl,
    /// Dot segments, encoded separators.
    #[error("the path of a redirect URI may not hold dot segments, escaped slashes or backslashes; write it plainly")]
    Path,
    /// `*` in an exact rule.
    #[error("an exact redirect URI may not hold a *; write the whole URI, or declare it as a wildcard")]
    Star,
    /// `*` elsewhere than at the end of the path.
    #[error("a wildcard may stand only at the end of the path, behind a fixed host: https://app.example.com/sub/*")]
    StarPlace,
    /// Not a loopback address.
    #[error(
        "a loopback redirect URI must begin with http://127.0.0.1, http://[::1] or http://localhost: http://127.0.0.1/callback"
    )]
    NotLoopback,
    /// Not a path.
    #[error("a relative redirect URI must be a plain path such as /oauth2/callback")]
    NotRelative,
    /// The pattern is too long.
    #[error("a redirect pattern may have at most {} bytes; shorten it", limits::REDIRECT_PATTERN_BYTES)]
    PatternTooLong,
    /// The pattern does not begin with a scheme.
    #[error("a redirect pattern must begin with https://, http:// or https?:// and a host written out")]
    PatternScheme,
    /// The host of the pattern is not literal.
    #[error("the host of a redirect pattern must be written out up to its first slash: https://app\\.example\\.com/")]
    PatternHost,
    /// A dot that stands for any letter.
    #[error("an unescaped dot in the host of a redirect pattern stands for any letter; write \\. instead")]
    PatternDot,
    /// The slash behind the host may be left out.
    #[error("the first slash of a redirect pattern may not be optional or repeated; put the quantifier elsewhere")]
    PatternSlash,
    /// The pattern is invalid or compiles to too much.
    #[error("the redirect pattern is not a valid regular expression, or it is too large; simplify it")]
    PatternBroken,
}

impl RedirectRule {
    /// An absolute URI to be compared byte for byte: https, http as `http` says, or a scheme of the
    /// application's own (`com.example.app:/callback`).
    pub fn parse_exact(text: &str, http: Http) -> Result<Self, BadRedirect> {
        if text.contains('*') {
            return Err(BadRedirect::Star);
        }
        Uri::parse(text)?.check_http(http)?;
        Ok(Self::Exact(RuleText(text.into())))
    }

    /// A URI on the person's own machine; its port, if any, is ignored. `localhost` is another name than
    /// `127.0.0.1`: register what the program sends.
    pub fn parse_loopback(text: &str) -> Result<Self, BadRedirect> {
        if text.contains('*') {
            return Err(BadRedirect::Star);
        }
        let uri = Uri::parse(text).map_err(|bad| match bad {
            BadRedirect::NotAbsolute => BadRedirect::NotLoopback,
            other => other,
        })?;
        let is_loopback =
            (uri.scheme == "http") && uri.host.is_some_and(|host| matches!(host, "127.0.0.1" | "[::1]" | "localhost"));
        if is_loopback { Ok(Self::Loopback(RuleText(text.into()))) } else { Err(BadRedirect::NotLoopback) }
    }

    /// A URI whose path ends in `*`.
    pub fn parse_wildcard(text: &str, http: Http) -> Result<Self, BadRedirect> {
        let prefix = text.strip_suffix('*').filter(|prefix| !prefix.contains('*')).ok_or(BadRedirect::StarPlace)?;
        let uri = Uri::parse(prefix)?;
        uri.check_http(http)?;
        let is_in_path = uri.host.is_some_and(|host| !host.is_empty()) && is_path(uri.tail);
        if is_in_path { Ok(Self::Wildcard(RuleText(text.into()))) } else { Err(BadRedirect::StarPlace) }
    }

    /// A regular expression for the whole URI, with scheme and host written out.
    pub fn parse_regex(text: &str, http: Http) -> Result<Self, BadRedirect> {
        Pattern::parse(text, http).map(Self::Regex)
    }

    /// A path at Doorward's own host.
    pub fn parse_relative(text: &str) -> Result<Self, BadRedirect> {
        let is_plain = RequestPath::parse(text).is_ok_and(|path| path.is_plain());
        let is_plain = is_plain && is_path(text) && !text.contains('*') && (text.len() <= limits::REDIRECT_URI_BYTES);
        if is_plain { Ok(Self::Relative(RuleText(text.into()))) } else { Err(BadRedirect::NotRelative) }
    }

    /// The rule's text as it was declared.
    pub fn text(&self) -> &str {
        match self {
            Self::Exact(text) | Self::Loopback(text) | Self::Wildcard(text) | Self::Relative(text) => &text.0,
            Self::Regex(pattern) => pattern.text(),
        }
    }

    /// Whether a presented URI satisfies this rule.
    pub fn matches(&self, presented: &str) -> bool {
        match self {
            Self::Exact(text) | Self::Relative(text) => *text.0 == *presented,
            Self::Loopback(text) => is_same_but_port(&text.0, presented),
            Self::Wildcard(text) => {
                let prefix = text.0.strip_suffix('*').unwrap_or(&text.0);
                presented.starts_with(prefix) && Uri::parse(presented).is_ok()
            }
            Self::Regex(pattern) => pattern.matches(presented) && Uri::parse(presented).is_ok(),
        }
    }

    /// What is risky about sending codes where this rule allows, in one sentence for whoever declares it.
    pub fn risk(&self) -> Option<&'static str> {
        match self {
            _ if self.is_plain_http() => Some("codes travel unencrypted to this address; use https"),
            Self::Wildcard(_) => {
                Some("whoever controls any page below this address receives codes; write the whole URI")
            }
            Self::Regex(_) => Some("whoever controls any page this pattern fits receives codes; write the whole URI"),
            Self::Exact(_) | Self::Loopback(_) | Self::Relative(_) => None,
        }
    }

    /// What is risky about sending people where this rule allows once they signed out: no code goes there.
    pub fn risk_after_sign_out(&self) -> Option<&'static str> {
        match self {
            _ if self.is_plain_http() => Some("people are sent there unencrypted after signing out; use https"),
            Self::Wildcard(_) => {
                Some("people may be sent to any page below this address after signing out; write the whole URI")
            }
            Self::Regex(_) => {
                Some("people may be sent to any page this pattern fits after signing out; write the whole URI")
            }
            Self::Exact(_) | Self::Loopback(_) | Self::Relative(_) => None,
        }
    }

    /// Whether what is sent there travels unencrypted over a network.
    fn is_plain_http(&self) -> bool {
        match self {
            Self::Exact(text) => Uri::parse(&text.0).is_ok_and(|uri| uri.is_plain_http()),
            Self::Wildcard(text) => Uri::parse(text.0.trim_end_matches('*')).is_ok_and(|uri| uri.is_plain_http()),
            Self::Regex(pattern) => pattern.has_plain_http(),
            Self::Loopback(_) | Self::Relative(_) => false,
        }
    }
}

/// A redirect URI that one of the client's rules allows: the only place an authorization response goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedRedirect(String);

impl VerifiedRedirect {
    /// Finds a presented URI among a client's rules. None may be presented when there is exactly one rule
    /// and it names one target (RFC 6749 §3.1.2.3); OpenID Connect always wants one. The refusal must be
    /// shown on our own page, never sent to the URI.
    pub fn find(rules: &[RedirectRule], presented: Option<&str>) -> Result<Self, OAuthError> {
        let found = match (presented, rules) {
            (Some(presented), _) => rules.iter().any(|rule| rule.matches(presented)).then_some(presented),
            (None, [rule @ (RedirectRule::Exact(_) | RedirectRule::Relative(_))]) => Some(rule.text()),
            (None, _) => return Err(OAuthError::invalid_request("redirect_uri is missing; send a registered one")),
        };
        let unknown = || OAuthError::invalid_request("redirect_uri is not registered for this client; register it");
        found.map(|uri| Self(uri.to_owned())).ok_or_else(unknown)
    }

    /// The URI.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<Written> for RedirectRule {
    type Error = BadRedirect;
    fn try_from(written: Written) -> Result<Self, BadRedirect> {
        match written {
            Written::Exact(text) => Self::parse_exact(&text, Http::Allowed),
            Written::Loopback(text) => Self::parse_loopback(&text),
            Written::Wildcard(text) => Self::parse_wildcard(&text, Http::Allowed),
            Written::Regex(text) => Self::parse_regex(&text, Http::Allowed),
            Written::Relative(text) => Self::parse_relative(&text),
        }
    }
}

impl From<RedirectRule> for Written {
    fn from(rule: RedirectRule) -> Self {
        let text = rule.text().to_owned();
        match rule {
            RedirectRule::Exact(_) => Self::Exact(text),
            RedirectRule::Loopback(_) => Self::Loopback(text),
            RedirectRule::Wildcard(_) => Self::Wildcard(text),
            RedirectRule::Regex(_) => Self::Regex(text),
            RedirectRule::Relative(_) => Self::Relative(text),
        }
    }
}

/// Whether a tail is a path alone, and a browser cannot take its start for a host.
fn is_path(tail: &str) -> bool {
    tail.starts_with('/') && !tail.starts_with("//") && !tail.contains('?')
}

fn is_same_but_port(registered: &str, presented: &str) -> bool {
    let (Ok(registered), Ok(presented)) = (Uri::parse(registered), Uri::parse(presented)) else { return false };
    (registered.scheme == presented.scheme)
        && (registered.host == presented.host)
        && (registered.tail == presented.tail)
}
