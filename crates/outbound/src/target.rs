//! The URL of a call, read once.

use crate::failure::Failure;
use crate::limits;
use std::net::IpAddr;
use url::{Host, Url};

/// Where a call goes.
#[derive(Clone)]
pub struct Target {
    /// With TLS or without.
    pub(crate) is_https: bool,
    /// A name, or an address written out; without the brackets of an IPv6 one.
    pub(crate) host: String,
    /// The host when it is written as an address.
    pub(crate) address: Option<IpAddr>,
    pub(crate) port: u16,
    /// `host` or `host:port`, as in the header.
    pub(crate) authority: String,
    /// Path and query.
    pub(crate) path: String,
    /// The whole URL, without fragment.
    pub(crate) whole: String,
}

impl Target {
    /// Reads a URL.
    ///
    /// # Errors
    /// [`Failure::Malformed`], [`Failure::UserInfo`].
    pub fn parse(text: &str) -> Result<Self, Failure> {
        if text.len() > limits::URL_BYTES {
            return Err(Failure::Malformed);
        }
        let mut url = Url::parse(text).map_err(|_| Failure::Malformed)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Failure::UserInfo);
        }
        url.set_fragment(None);
        let is_https = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(Failure::Malformed),
        };
        let (host, address) = match url.host() {
            Some(Host::Domain(name)) => (name.trim_end_matches('.').to_owned(), None),
            Some(Host::Ipv4(address)) => (address.to_string(), Some(IpAddr::V4(address))),
            Some(Host::Ipv6(address)) => (address.to_string(), Some(IpAddr::V6(address))),
            None => return Err(Failure::Malformed),
        };
        let shown = url.host_str().filter(|host| !host.is_empty()).ok_or(Failure::Malformed)?;
        let authority = url.port().map_or_else(|| shown.to_owned(), |port| format!("{shown}:{port}"));
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let path = format!("{}{query}", url.path());
        let port = url.port_or_known_default().filter(|port| *port > 0).ok_or(Failure::Malformed)?;
        Ok(Self { is_https, host, address, port, authority, path, whole: url.to_string() })
    }
}
