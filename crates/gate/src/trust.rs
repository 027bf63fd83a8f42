//! Which peers may speak for others. Decided once, when a connection is accepted; forwarded headers
//! from anyone else do not exist.

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

/// The explicit list of trusted proxies.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    /// Where they hand on clients' certificates.
    pub(crate) certificate_header: Option<HeaderName>,
}

// Looked up for every check, made once.
static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// A list that would trust everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustsEveryone(pub IpNet);

impl TrustedProxies {
    /// From networks. Networks that hold (nearly) every address are refused: forwarded headers would
    /// then be believed from anyone.
    ///
    /// # Errors
    /// The network that is too wide.
    pub fn new(networks: Vec<IpNet>) -> Result<Self, TrustsEveryone> {
        match networks.iter().find(|network| network.prefix_len() < 7) {
            Some(wide) => Err(TrustsEveryone(*wide)),
            None => Ok(Self { networks, certificate_header: None }),
        }
    }

    /// Whether nobody is on the list.
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty()
    }

    /// Whether a peer is on the list.
    pub fn contains(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.networks.iter().any(|network| network.contains(&peer))
    }

    /// The client's address: the peer's own, or, behind a trusted proxy, the last address in
    /// `X-Forwarded-For` that is not itself a trusted proxy's. Host names in it are never looked up.
    pub fn client_address(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.contains(peer) {
            return peer;
        }
        let mut client = peer;
        let lines = headers.get_all(&FORWARDED_FOR).iter().rev().filter_map(|value| value.to_str().ok());
        for entry in lines.flat_map(|line| line.rsplit(',')) {
            let Some(address) = address_of(entry.trim()) else { return client };
            client = address.to_canonical();
            if !self.contains(client) {
                return client;
            }
        }
        client
    }
}

/// An address, with or without a port behind it.
fn address_of(entry: &str) -> Option<IpAddr> {
    let bare = entry.trim_start_matches('[').trim_end_matches(']');
    bare.parse().ok().or_else(|| entry.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
}

#[cfg(test)]
mod tests {
    use super::TrustedProxies;
    use http::HeaderMap;
    use std::net::IpAddr;

    fn client(peer: &str, forwarded: &[&'static str]) -> Option<IpAddr> {
        let trusted = TrustedProxies::new(vec!["10.0.0.0/8".parse().ok()?]).ok()?;
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", http::HeaderValue::from_static(line));
        }
        Some(trusted.client_address(peer.parse().ok()?, &headers))
    }

    #[test]
    fn forwarded_addresses_count_from_trusted_peers_only() {
        let expect = |text: &str| text.parse().ok();
        assert_eq!(client("192.0.2.9", &["198.51.100.1"]), expect("192.0.2.9"));
        assert_eq!(client("10.0.0.1", &["198.51.100.1"]), expect("198.51.100.1"));
        // What the client wrote itself stands left of what the trusted proxy added.
        assert_eq!(client("10.0.0.1", &["1.1.1.1, 198.51.100.1, 10.0.0.7"]), expect("198.51.100.1"));
        assert_eq!(client("10.0.0.1", &["1.1.1.1", "198.51.100.1"]), expect("198.51.100.1"));
        assert_eq!(client("10.0.0.1", &["198.51.100.1:5678"]), expect("198.51.100.1"));
        assert_eq!(client("10.0.0.1", &["[2001:db8::1]:5678"]), expect("2001:db8::1"));
        assert_eq!(client("10.0.0.1", &["evil.example"]), expect("10.0.0.1"));
        assert_eq!(client("::ffff:10.0.0.1", &["198.51.100.1"]), expect("198.51.100.1"));
    }

    #[test]
    fn gauntlet_b1_02_a_list_that_trusts_everyone_is_refused() {
        for wide in ["0.0.0.0/0", "::/0", "0.0.0.0/1", "::/1"] {
            assert!(TrustedProxies::new(wide.parse().into_iter().collect()).is_err(), "{wide}");
        }
    }
}
