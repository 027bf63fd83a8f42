//! The address of a protected tool, parsed once. Owns the accepted forms and their sentences; does
//! not connect (`dial`). RFC 3986 §3, RFC 9113 §3.3.

use std::fmt;
use std::sync::Arc;

use http::Uri;

use crate::limits;

/// Where requests go: scheme, host and port. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Upstream(Arc<Address>);

#[derive(PartialEq, Eq, Hash)]
struct Address {
    scheme: Scheme,
    /// `scheme://host:port`, lower case.
    text: String,
    /// What the connector is told: `http` or `https`, host and port.
    dial: Uri,
}

/// How an upstream is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Scheme {
    /// HTTP/1.1 without TLS.
    Http,
    /// HTTP/2 or HTTP/1.1 over TLS, whichever the server picks (ALPN).
    Https,
    /// HTTP/2 without TLS, by prior knowledge.
    H2c,
}

/// Why a text is not an upstream; each is one sentence for the administrator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the sentence of each variant is its documentation")]
pub enum UpstreamError {
    #[error("The upstream {0:?} is not an address; write it as http://host:port.")]
    Malformed(String),
    #[error("The upstream {0:?} has a scheme Doorward does not speak; use http://, https:// or h2c://.")]
    Scheme(String),
    #[error("The upstream {0:?} contains a user name or password; remove it and set a header instead.")]
    UserInfo(String),
    #[error("The upstream {0:?} has a path; give only scheme, host and port, paths pass unchanged.")]
    Path(String),
}

impl Upstream {
    /// Reads `http://host:port`, `https://host:port` or `h2c://host:port`. The port may be left out
    /// (80, 443, 80); a single trailing `/` is accepted.
    ///
    /// # Errors
    /// An `UpstreamError` whose text says what to change.
    pub fn parse(text: &str) -> Result<Upstream, UpstreamError> {
        let malformed = || UpstreamError::Malformed(text.chars().take(80).collect());
        if text.len() > limits::UPSTREAM_TEXT_BYTES_MAX {
            return Err(malformed());
        }
        let (scheme_text, rest) = text.split_once("://").ok_or_else(malformed)?;
        let (scheme, port, wire) = match scheme_text.to_ascii_lowercase().as_str() {
            "http" => (Scheme::Http, 80, "http"),
            "https" => (Scheme::Https, 443, "https"),
            "h2c" => (Scheme::H2c, 80, "http"),
            _ => return Err(UpstreamError::Scheme(text.to_owned())),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains('@') {
            return Err(UpstreamError::UserInfo(text.to_owned()));
        }
        if authority.contains(['/', '?', '#', '\\']) {
            return Err(UpstreamError::Path(text.to_owned()));
        }
        let authority: http::uri::Authority = authority.to_ascii_lowercase().parse().map_err(|_| malformed())?;
        let after_host = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
        let port = match after_host.strip_prefix(':') {
            None if after_host.is_empty() => port,
            None => return Err(malformed()),
            Some(digits) => digits.parse::<u16>().map_err(|_| malformed())?,
        };
        if authority.host().is_empty() || port == 0 {
            return Err(malformed());
        }
        let place = format!("{}:{port}", authority.host());
        let dial = format!("{wire}://{place}/").parse().map_err(|_| malformed())?;
        let text = format!("{}://{place}", scheme_text.to_ascii_lowercase());
        Ok(Upstream(Arc::new(Address { scheme, text, dial })))
    }

    /// The address as `scheme://host:port`, always with its port.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    pub(crate) fn scheme(&self) -> Scheme {
        self.0.scheme
    }

    pub(crate) fn dial(&self) -> &Uri {
        &self.0.dial
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Upstream({})", self.as_str())
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{Scheme, Upstream, UpstreamError};

    #[test]
    fn accepts_the_three_schemes_and_fills_the_port() {
        for (text, full, scheme) in [
            ("http://tool", "http://tool:80", Scheme::Http),
            ("HTTP://Tool:3000/", "http://tool:3000", Scheme::Http),
            ("https://tool.example", "https://tool.example:443", Scheme::Https),
            ("h2c://127.0.0.1:50051", "h2c://127.0.0.1:50051", Scheme::H2c),
            ("http://[::1]:8080", "http://[::1]:8080", Scheme::Http),
        ] {
            let upstream = Upstream::parse(text).unwrap();
            assert_eq!(upstream.as_str(), full);
            assert_eq!(upstream.scheme(), scheme);
        }
    }

    #[test]
    fn refuses_what_is_not_an_address() {
        for text in ["", "tool:3000", "http://", "http://tool:0", "http://tool:99999", "http://a b"] {
            assert!(matches!(Upstream::parse(text), Err(UpstreamError::Malformed(_))), "{text}");
        }
        for text in ["http://tool/base", "http://tool//", "http://tool?x", "http://tool#x"] {
            assert!(matches!(Upstream::parse(text), Err(UpstreamError::Path(_))), "{text}");
        }
        assert!(matches!(Upstream::parse("ftp://tool"), Err(UpstreamError::Scheme(_))));
        assert!(matches!(Upstream::parse("http://a:b@tool"), Err(UpstreamError::UserInfo(_))));
    }
}
