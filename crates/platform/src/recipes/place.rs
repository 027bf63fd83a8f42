//! Where something listens: a host and a port, nothing that could break out of a configuration file.

use doorward_model::address::HostName;
use std::fmt;

/// A host name or IP address with a port. Reached over plain HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    host: Box<str>,
    port: u16,
}

/// Text that names no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{shown}` {why}")]
pub struct BadPlace {
    shown: String,
    why: &'static str,
}

impl Place {
    /// Parses `host:port` or `http://host:port`; the latter may leave out port 80.
    pub fn parse(text: &str) -> Result<Self, BadPlace> {
        let bad = |why| BadPlace { shown: text.chars().take(80).flat_map(char::escape_debug).collect(), why };
        if text.starts_with("https://") {
            return Err(bad("begins with https://: proxies reach tools over plain http here"));
        }
        let (authority, default_port) = match text.strip_prefix("http://") {
            Some(rest) => (rest.strip_suffix('/').unwrap_or(rest), Some(80)),
            None => (text, None),
        };
        let (host, port) =
            HostName::parse(authority).ok_or_else(|| bad("is not of the form host:port or http://host:port"))?;
        let port = port.or(default_port).ok_or_else(|| bad("needs a port, as in 127.0.0.1:8080"))?;
        let host = host.as_str().trim_start_matches('[').trim_end_matches(']').into();
        Ok(Self { host, port })
    }

    /// The host, an IPv6 address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether the host is an IP address, so that nobody needs to look it up.
    pub fn is_ip_address(&self) -> bool {
        self.host.parse::<std::net::IpAddr>().is_ok()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn a_place_is_a_host_and_a_port() {
        let shown = |text: &str| Place::parse(text).map(|place| place.to_string()).map_err(|bad| bad.to_string());
        assert_eq!(shown("127.0.0.1:80"), Ok("127.0.0.1:80".into()));
        assert_eq!(shown("[::1]:8080"), Ok("[::1]:8080".into()));
        assert_eq!(shown("http://dagster.svc/"), Ok("dagster.svc:80".into()));
        assert_eq!(shown("http://dagster:3000"), Ok("dagster:3000".into()));
        assert_eq!(shown("dagster"), Err("`dagster` needs a port, as in 127.0.0.1:8080".into()));
        for bad in ["", "https://a:1", "a:1/x", "http://a/x", "a b:1", "a;b:1", "a\n:1", "a:x", "\"a:1", "a:1}"] {
            assert!(Place::parse(bad).is_err(), "{bad:?}");
        }
    }
}
