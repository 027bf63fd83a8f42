//! Where apps answer, and where a browser may be sent back to. Hosts are compared whole and in
//! canonical form; a target is rebuilt from what was declared plus the parsed path, so nothing a
//! browser could read differently survives. RFC 3986 §3.2, RFC 9110 §4.2.

use crate::limits;
use crate::name::BadName;
use crate::path::{AskedPath, RequestPath};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// A host name in canonical form: lower case, no trailing dot, no port. Cookies ignore ports, so an
/// app is recognised by its host name alone.
/// It lies in the text it was read from where that is canonical already, which spares every request a copy.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Host<'t>(Cow<'t, str>);

/// A host name with a text of its own.
pub type HostName = Host<'static>;

impl HostName {
    /// Parses `host` or `host:port` as it stands in a Host header (RFC 9110 §7.2).
    pub fn parse(text: &str) -> Option<(Self, Option<u16>)> {
        Host::read(text).map(|(host, port)| (host.into_owned(), port))
    }
}

impl<'t> Host<'t> {
    /// As [`HostName::parse`], without a copy where none is needed.
    pub fn read(text: &'t str) -> Option<(Self, Option<u16>)> {
        let (name, port) = match text.strip_prefix('[') {
            Some(literal) => {
                let (address, rest) = literal.split_once(']')?;
                let address: std::net::Ipv6Addr = address.parse().ok()?;
                (format!("[{address}]").into(), rest)
            }
            None => {
                let end = text.bytes().position(|byte| byte == b':').unwrap_or(text.len());
                let (name, rest) = text.split_at(end);
                (dns_name(name.strip_suffix('.').unwrap_or(name))?, rest)
            }
        };
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => None,
            Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
                Some(digits.parse().ok()?)
            }
            _ => return None,
        };
        Some((Self(name), port))
    }

    /// With a text of its own.
    pub fn into_owned(self) -> HostName {
        Host(Cow::Owned(self.0.into_owned()))
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this host is `parent` or lies below it (`a.example.com` below `example.com`).
    pub fn is_within(&self, parent: &Host<'_>) -> bool {
        self.0.strip_suffix(&*parent.0).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }
}

/// A DNS name in lower case. One look at every byte: every request names two hosts.
fn dns_name(name: &str) -> Option<Cow<'_, str>> {
    let (mut label_length, mut has_upper_case) = (0, false);
    for byte in name.bytes() {
        match byte {
            b'.' if label_length == 0 => return None,
            b'.' => label_length = 0,
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'A'..=b'Z' if label_length < 63 => {
                label_length += 1;
                has_upper_case |= byte.is_ascii_uppercase();
            }
            _ => return None,
        }
    }
    let name = Some(name).filter(|name| label_length > 0 && name.len() <= limits::HOST_BYTES)?;
    Some(if has_upper_case { Cow::Owned(name.to_ascii_lowercase()) } else { Cow::Borrowed(name) })
}

impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The scheme people's browsers use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Plain HTTP: for one's own machine.
    Http,
    /// HTTP over TLS.
    Https,
}

impl Scheme {
    /// As written in a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port left out of URLs.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// An address an app (or Doorward itself) answers at: scheme, host, port and a path prefix.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address {
    scheme: Scheme,
    host: HostName,
    port: u16,
    prefix: Box<str>,
}

impl Address {
    /// Parses `https://host[:port][/prefix]`.
    pub fn parse(text: &str) -> Result<Self, BadName> {
        let bad = |why: &str| BadName::new("the address", text, why);
        let url = url::Url::parse(text).map_err(|error| bad(&format!("is not a URL: {error}")))?;
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(bad("must begin with http:// or https://")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad("may not hold a user name or password"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(bad("may not hold a query or a fragment"));
        }
        let host = url.host_str().ok_or_else(|| bad("needs a host name"))?;
        let (host, _) = HostName::parse(host).ok_or_else(|| bad("needs a plain host name"))?;
        let path = RequestPath::parse(url.path()).map_err(|error| bad(&error.to_string()))?;
        if !path.is_plain() {
            return Err(bad("needs a path prefix without escapes, parameters or empty segments"));
        }
        let port = url.port().unwrap_or(scheme.default_port());
        Ok(Self { scheme, host, port, prefix: path.path().trim_end_matches('/').into() })
    }

    /// Its host name.
    pub fn host(&self) -> &HostName {
        &self.host
    }

    /// Its scheme.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Its path prefix: empty, or `/a/b` without a final slash.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Scheme, host and port, as a browser writes an origin (RFC 6454 §6.2).
    pub fn origin(&self) -> String {
        if self.port == self.scheme.default_port() {
            format!("{}://{}", self.scheme.as_str(), self.host)
        } else {
            format!("{}://{}:{}", self.scheme.as_str(), self.host, self.port)
        }
    }

    /// A URL below this address's origin. `path` begins with `/`.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin())
    }

    /// Whether a path is this address's prefix or below it.
    pub fn covers(&self, path: &AskedPath<'_>) -> bool {
        self.prefix.is_empty() || path.is_under(&self.prefix)
    }

    /// Whether some server could take a path for this address's prefix or something below it.
    pub fn could_cover(&self, path: &AskedPath<'_>) -> bool {
        self.prefix.is_empty() || path.could_be_under(&self.prefix)
    }
}

impl TryFrom<String> for Address {
    type Error = BadName;
    fn try_from(text: String) -> Result<Self, BadName> {
        Self::parse(&text)
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        format!("{}{}", address.origin(), address.prefix)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin(), self.prefix)
    }
}

/// A place on an app's own address a browser may be sent back to: proof that the target was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackTo {
    address: Address,
    path: RequestPath,
}

impl BackTo {
    /// Checks a wanted target, relative to or absolute at one of the app's addresses. `None` means:
    /// use the default page instead.
    pub fn resolve(wanted: &str, addresses: &[Address]) -> Option<Self> {
        let (origin, path) = match wanted.starts_with('/') {
            true => (None, wanted),
            false => split_absolute(wanted).map(|(origin, path)| (Some(origin), path))?,
        };
        let fits = |address: &&Address| origin.as_ref().is_none_or(|origin| origin.is_of(address));
        // An app may answer at several prefixes of one host: the first that covers the path is meant.
        addresses.iter().filter(fits).find_map(|address| Self::at(address, path))
    }

    /// A path on a known address. A second slash at the start would name a host to a browser.
    pub fn at(address: &Address, path: &str) -> Option<Self> {
        let path = RequestPath::parse(path).ok()?;
        let second_slash = path.as_str().starts_with("//");
        (!second_slash && address.covers(&path)).then(|| Self { address: address.clone(), path })
    }

    /// The front page of an address.
    pub fn front(address: &Address) -> Option<Self> {
        Self::at(address, &format!("{}/", address.prefix()))
    }

    /// The address it lies on.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The absolute URL, rebuilt from the declared origin and the parsed path.
    pub fn url(&self) -> String {
        self.address.url(self.path.as_str())
    }

    /// Path and query on its address.
    pub fn path(&self) -> &RequestPath {
        &self.path
    }
}

/// Scheme, host and port of an absolute target.
struct Origin<'a> {
    scheme: &'a str,
    host: HostName,
    port: Option<u16>,
}

impl Origin<'_> {
    fn is_of(&self, address: &Address) -> bool {
        (address.scheme.as_str() == self.scheme)
            && (address.host == self.host)
            && (address.port == self.port.unwrap_or(address.scheme.default_port()))
    }
}

fn split_absolute(wanted: &str) -> Option<(Origin<'_>, &str)> {
    let (scheme, rest) = wanted.split_once("://")?;
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (host, port) = HostName::parse(authority)?;
    Some((Origin { scheme, host, port }, if path.is_empty() { "/" } else { path }))
}

#[cfg(test)]
mod tests {
    use super::{Address, BackTo, HostName};

    fn back(wanted: &str) -> Option<String> {
        let address = Address::parse("https://app.example.com").ok()?;
        BackTo::resolve(wanted, &[address]).map(|b| b.url())
    }

    #[test]
    fn a_deep_link_survives_to_the_letter() {
        assert_eq!(back("/runs/7?x=1&y=%2F").as_deref(), Some("https://app.example.com/runs/7?x=1&y=%2F"));
        assert_eq!(back("https://app.example.com/a?b").as_deref(), Some("https://app.example.com/a?b"));
        assert_eq!(back("https://APP.example.com:443/a").as_deref(), Some("https://app.example.com/a"));
        assert_eq!(back("https://app.example.com").as_deref(), Some("https://app.example.com/"));
    }

    #[test]
    fn gauntlet_b2_01_targets_a_browser_reads_differently_are_refused() {
        for wanted in [
            "//evil",
            "/\\evil",
            "/ /evil",
            "/\t/evil",
            "/\u{b}/",
            "/\n/",
            "/\r/",
            "/\t\t//\t\tevil",
            "/./\\evil",
            "/./../../\\evil",
            "\\\\evil",
            "/%5cevil",
            "/%2fevil",
            "http:evil",
            "http:///evil",
            "https:\\\\evil",
            " /x",
            "\u{feff}/x",
            "\u{0}/x",
            "javascript:alert(1)",
            "data:text/html,x",
            "",
            "/x#y",
            "https:/app.example.com",
        ] {
            assert_eq!(back(wanted), None, "{wanted:?}");
        }
        // A percent-encoded tab stays encoded and on our own host.
        assert_eq!(back("/%09/evil").as_deref(), Some("https://app.example.com/%09/evil"));
    }

    #[test]
    fn gauntlet_b2_02_hosts_are_compared_whole() {
        for wanted in [
            "https://badapp.example.com/",
            "https://app.example.com.evil.tld/",
            "https://app.example.com@evil/",
            "https://evil/?x=app.example.com",
            "https://evil#app.example.com",
            "http://app.example.com/",
            "https://app.example.com:8443/",
            "https://app.example.com:/",
            "https://app.example.com:443x/",
        ] {
            assert_eq!(back(wanted), None, "{wanted}");
        }
    }

    #[test]
    fn gauntlet_b2_03_no_user_names_in_targets() {
        for wanted in ["https://app.example.com@evil/cb", "https://a@b@evil", "https://evil\\@app.example.com"] {
            assert_eq!(back(wanted), None, "{wanted}");
        }
    }

    #[test]
    fn gauntlet_b2_09_prefixes_end_at_a_segment() {
        let Ok(address) = Address::parse("https://tools.example.com/dagster") else { panic!("address") };
        let at = |wanted: &str| BackTo::resolve(wanted, std::slice::from_ref(&address)).is_some();
        let Ok(second) = Address::parse("https://tools.example.com/b") else { panic!("address") };
        let both = [address.clone(), second];
        let far = BackTo::resolve("https://tools.example.com/b/x", &both).map(|back_to| back_to.url());
        assert_eq!(far.as_deref(), Some("https://tools.example.com/b/x"), "an app at two prefixes of one host");
        assert!(at("/dagster/runs") && at("/dagster"));
        assert!(!at("/dagsterx") && !at("/other") && !at("/dagster/../other") && !at("/DAGSTER"));
    }

    #[test]
    fn gauntlet_b1_19_hosts_have_one_canonical_form() {
        let canonical = HostName::parse("admin.example.com").map(|(host, _)| host);
        for spelling in ["Admin.Example.com", "admin.example.com.", "admin.example.com:443"] {
            assert_eq!(HostName::parse(spelling).map(|(host, _)| host), canonical, "{spelling}");
        }
        for bad in ["", "a..b", "a b", "a/b", "a:b", "a:99999", "[::1", "ex\u{200b}ample.com", "a@b", "a:80:80"] {
            assert!(HostName::parse(bad).is_none(), "{bad}");
        }
        assert!(
            HostName::parse("[::0001]:80").is_some_and(|(host, port)| host.as_str() == "[::1]" && port == Some(80))
        );
    }

    #[test]
    fn a_parent_domain_covers_itself_and_what_lies_below() {
        let host = |text: &str| HostName::parse(text).map(|(host, _)| host);
        let within = |a: &str, b: &str| host(a).zip(host(b)).is_some_and(|(a, b)| a.is_within(&b));
        assert!(within("app.example.com", "example.com") && within("example.com", "example.com"));
        assert!(!within("badexample.com", "example.com") && !within("example.com.evil", "example.com"));
    }
}
