//! The one strict reading of a URI a browser is sent to. What two readers could understand differently
//! (user info, backslashes, dot segments, encoded separators, odd spellings of a host) is refused, so a
//! comparison of texts is a comparison of targets. RFC 3986 §3, RFC 8252 §7, RFC 9700 §4.1.3.

use super::{BadRedirect, Http};
use crate::form::escaped;
use crate::limits;
use doorward_model::address::HostName;
use doorward_model::path::RequestPath;
use std::net::Ipv4Addr;

/// Schemes that run or read something in the browser instead of bringing it to an application, or that
/// other programs answer.
const FORBIDDEN_SCHEMES: [&str; 22] = [
    "about",
    "blob",
    "chrome",
    "chrome-extension",
    "data",
    "file",
    "filesystem",
    "ftp",
    "intent",
    "jar",
    "javascript",
    "livescript",
    "mailto",
    "mocha",
    "moz-extension",
    "resource",
    "tel",
    "urn",
    "vbscript",
    "view-source",
    "ws",
    "wss",
];

/// An absolute URI that has one reading.
pub(super) struct Uri<'a> {
    pub(super) scheme: &'a str,
    /// The host as written, without port; `None` for a private-use scheme without `//`.
    pub(super) host: Option<&'a str>,
    /// Path and query, as written.
    pub(super) tail: &'a str,
}

impl<'a> Uri<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, BadRedirect> {
        if text.len() > limits::REDIRECT_URI_BYTES {
            return Err(BadRedirect::TooLong);
        }
        check_letters(text)?;
        let (scheme, rest) = text.split_once(':').ok_or(BadRedirect::NotAbsolute)?;
        check_scheme(scheme)?;
        let is_web = matches!(scheme, "http" | "https");
        let uri = match rest.strip_prefix("//") {
            Some(rest) => {
                let end = rest.find(['/', '?']).unwrap_or(rest.len());
                let (authority, tail) = rest.split_at(end);
                Self { scheme, host: Some(host_of(text, authority, is_web)?), tail }
            }
            None if is_web => return Err(BadRedirect::Host),
            None if rest.is_empty() => return Err(BadRedirect::NotAbsolute),
            None => Self { scheme, host: None, tail: rest },
        };
        check_tail(uri.tail)?;
        Ok(uri)
    }

    /// Refuses plain HTTP where it is not wanted.
    pub(super) fn check_http(&self, http: Http) -> Result<(), BadRedirect> {
        let is_open = (http == Http::LoopbackOnly) && self.is_plain_http();
        if is_open { Err(BadRedirect::PlainHttp) } else { Ok(()) }
    }

    /// Whether what is sent there travels unencrypted over a network.
    pub(super) fn is_plain_http(&self) -> bool {
        (self.scheme == "http") && !self.host.is_some_and(is_loopback)
    }
}

/// Only the letters of RFC 3986 §2, escapes that are whole, decode to text and hide no control character.
fn check_letters(text: &str) -> Result<(), BadRedirect> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'\\' => return Err(BadRedirect::Backslash),
            b'#' => return Err(BadRedirect::Fragment),
            ..=0x20 | 0x7f.. => return Err(BadRedirect::NotPrintable),
            b'"' | b'<' | b'>' | b'^' | b'`' | b'{' | b'|' | b'}' => return Err(BadRedirect::NotUri),
            b'%' => match escaped(rest.next(), rest.next()) {
                None => return Err(BadRedirect::BrokenEscape),
                Some(..=0x1f | 0x7f) => return Err(BadRedirect::EncodedControl),
                Some(value) => decoded.push(value),
            },
            other => decoded.push(other),
        }
    }
    if std::str::from_utf8(&decoded).is_ok() { Ok(()) } else { Err(BadRedirect::BrokenEscape) }
}

fn check_scheme(scheme: &str) -> Result<(), BadRedirect> {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && scheme.bytes().all(is_letter);
    if !is_scheme {
        return Err(BadRedirect::NotAbsolute);
    }
    if scheme.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(BadRedirect::UpperCaseScheme);
    }
    if FORBIDDEN_SCHEMES.contains(&scheme) { Err(BadRedirect::Scheme) } else { Ok(()) }
}

/// The host of an authority, if every reader finds the same one there.
fn host_of<'a>(text: &str, authority: &'a str, is_web: bool) -> Result<&'a str, BadRedirect> {
    if authority.contains('@') {
        return Err(BadRedirect::UserInfo);
    }
    if !is_web {
        // What stands there is a word of the application's own; `myapp:///cb` has none.
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        return if authority.bytes().all(is_letter) { Ok(authority) } else { Err(BadRedirect::Host) };
    }
    let (name, port) = HostName::parse(authority).ok_or(BadRedirect::Host)?;
    let host = match port {
        Some(_) => authority.rsplit_once(':').map_or(authority, |(host, _)| host),
        None => authority,
    };
    // A browser reads `0x7f.1` or `[::0:1]` as another spelling of a host and drops no final dot.
    let read_by_browsers = url::Url::parse(text).ok();
    let as_browser = read_by_browsers.as_ref().and_then(url::Url::host_str);
    let is_same = host.eq_ignore_ascii_case(name.as_str()) && (as_browser == Some(name.as_str()));
    if is_same { Ok(host) } else { Err(BadRedirect::Host) }
}

fn check_tail(tail: &str) -> Result<(), BadRedirect> {
    // RFC 3986 §3.2.2 has brackets around an IPv6 address only.
    if tail.contains(['[', ']']) {
        return Err(BadRedirect::NotUri);
    }
    let path = tail.split('?').next().unwrap_or(tail);
    let is_readable = match path.starts_with('/') {
        true => RequestPath::parse(path).is_ok(),
        false => RequestPath::parse(&format!("/{path}")).is_ok(),
    };
    if is_readable { Ok(()) } else { Err(BadRedirect::Path) }
}

fn is_loopback(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    (host == "localhost")
        || host.ends_with(".localhost")
        || (host == "[::1]")
        || host.parse().is_ok_and(|address: Ipv4Addr| address.is_loopback())
}
