//! Addresses on this machine, taken apart without changing a byte.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The parts of an `http://` address the kit needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Host name or literal, as written.
    pub host: String,
    /// Port, 80 when not written.
    pub port: u16,
    /// Path and query, as written; `/` when empty.
    pub target: String,
}

impl Address {
    /// Takes an address apart without changing a byte of its path and query.
    ///
    /// # Panics
    /// When the text is not an `http://` address.
    pub fn parse(url: &str) -> Address {
        let Some(rest) = url.strip_prefix("http://") else {
            panic!("the kit speaks plain http only; got {url:?}");
        };
        let rest = rest.split('#').next().unwrap_or(rest);
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().unwrap_or_else(|_| panic!("no port number in {url:?}")))
            }
            _ => (authority, 80),
        };
        let target = match target {
            "" => "/".to_owned(),
            query if query.starts_with('?') => format!("/{query}"),
            path => path.to_owned(),
        };
        Address { host: host.to_owned(), port, target }
    }

    /// What a browser puts into `Host`: the port is left out when it is 80.
    pub fn authority(&self) -> String {
        if self.port == 80 { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }

    /// Where to connect.
    ///
    /// # Panics
    /// When the host is not a loopback name or address.
    pub fn socket(&self) -> SocketAddr {
        SocketAddr::new(loopback(&self.host), self.port)
    }

    /// The address of a link found at this address: absolute, absolute path, or relative to the path.
    pub fn join(&self, link: &str) -> String {
        if link.contains("://") {
            return link.to_owned();
        }
        let origin = format!("http://{}", self.authority());
        let path = self.target.split('?').next().unwrap_or("/");
        if let Some(rest) = link.strip_prefix("//") {
            return format!("http://{rest}");
        }
        if link.starts_with('/') {
            return format!("{origin}{link}");
        }
        if link.starts_with('?') {
            return format!("{origin}{path}{link}");
        }
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{origin}{folder}/{link}")
    }
}

fn loopback(host: &str) -> IpAddr {
    let bare = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
    if (bare == "localhost") || bare.ends_with(".localhost") {
        return IpAddr::V4(Ipv4Addr::LOCALHOST);
    }
    let address: Option<IpAddr> = bare.parse().ok();
    match address {
        Some(address) if address.is_loopback() => address,
        Some(IpAddr::V6(address)) if address == Ipv6Addr::UNSPECIFIED => IpAddr::V6(Ipv6Addr::LOCALHOST),
        _ => panic!("the kit talks to this machine only; {host:?} is somewhere else"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_keep_their_bytes() {
        let address = Address::parse("http://dagster.localhost:8080/a/%2e%2e//b?x=%00#y");
        assert_eq!((address.host.as_str(), address.port), ("dagster.localhost", 8080));
        assert_eq!(address.target, "/a/%2e%2e//b?x=%00");
        assert_eq!(address.socket(), "127.0.0.1:8080".parse().expect("an address"));
        assert_eq!(Address::parse("http://[::1]:90").socket(), "[::1]:90".parse().expect("an address"));
        assert_eq!(Address::parse("http://a.localhost?q").target, "/?q");
    }

    #[test]
    fn links_are_joined() {
        let here = Address::parse("http://a.localhost:81/x/y?z=1");
        for (link, whole) in [
            ("http://b.localhost/", "http://b.localhost/"),
            ("/k?l", "http://a.localhost:81/k?l"),
            ("k", "http://a.localhost:81/x/k"),
            ("?n", "http://a.localhost:81/x/y?n"),
            ("//c.localhost/d", "http://c.localhost/d"),
        ] {
            assert_eq!(here.join(link), whole);
        }
    }

    #[test]
    #[should_panic(expected = "somewhere else")]
    fn nothing_but_this_machine_is_reached() {
        let _ = Address::parse("http://example.org/").socket();
    }
}
