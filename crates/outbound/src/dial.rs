//! Opens the connection of one call: resolve, judge, connect to the address that was judged, by a proxy if there is
//! one, with TLS if the URL says so.

use crate::client::Outbound;
use crate::failure::Failure;
use crate::limits;
use crate::proxy::Proxy;
use crate::target::Target;
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::Empty;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;

/// A connection, whatever it is made of.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

impl Outbound {
    /// Connects. `true` beside the connection when requests on it name their whole URL.
    pub(crate) async fn dial(&self, target: &Target) -> Result<(Box<dyn Wire>, bool), Failure> {
        let (wire, names_whole): (Box<dyn Wire>, bool) = match self.proxies.of(target) {
            None => (Box::new(self.connect(target).await?), false),
            Some(proxy) => {
                self.judge_written(target)?;
                let tcp = reach_proxy(proxy).await?;
                if target.is_https { (tunnel(tcp, proxy, target).await?, false) } else { (Box::new(tcp), true) }
            }
        };
        if !target.is_https {
            return Ok((wire, names_whole));
        }
        let config = self.tls().await.map_err(|why| Failure::Tls { host: target.host.clone(), why })?;
        let failed = |why: String| Failure::Tls { host: target.host.clone(), why };
        let name = match target.address {
            Some(address) => ServerName::IpAddress(address.into()),
            None => ServerName::try_from(target.host.clone()).map_err(|error| failed(error.to_string()))?,
        };
        let tls = TlsConnector::from(config)
            .connect(name, wire)
            .await
            .map_err(|error| failed(unproved(&error.to_string())))?;
        Ok((Box::new(tls), names_whole))
    }

    /// Connects to one of the target's addresses. All are judged before the first is called: a name that leads
    /// inside as well is not to be trusted with any.
    async fn connect(&self, target: &Target) -> Result<TcpStream, Failure> {
        let host = || target.host.clone();
        let addresses: Vec<SocketAddr> = match target.address {
            Some(address) => vec![SocketAddr::new(address, target.port)],
            // This machine's whatever a resolver says (RFC 6761 §6.3), and most know no name below localhost.
            None if is_below_here(&target.host) => vec![SocketAddr::from((Ipv4Addr::LOCALHOST, target.port))],
            None => lookup_host((target.host.as_str(), target.port))
                .await
                .map_err(|error| Failure::NoAddress { host: host(), why: error.to_string() })?
                .collect(),
        };
        if let Some(private) = addresses.iter().find(|address| !self.reach.permits(address.ip())) {
            return Err(Failure::Private { host: host(), address: private.ip().to_canonical() });
        }
        let mut why = "its name leads to no address".to_owned();
        for address in addresses.into_iter().take(limits::ADDRESSES) {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => why = error.to_string(),
            }
        }
        Err(Failure::Connect { host: format!("{} port {}", target.host, target.port), why })
    }

    /// Whether a URL leads where nobody may be called, as far as it says so itself: nothing is resolved and nobody asked.
    ///
    /// # Errors
    /// [`Failure::Private`], or what is wrong with the URL.
    pub fn judge(&self, url: &str) -> Result<(), Failure> {
        self.judge_written(&Target::parse(url)?)
    }

    /// What can be judged when a proxy resolves the name: an address written out, and this machine by its name.
    fn judge_written(&self, target: &Target) -> Result<(), Failure> {
        let address = target.address.or(is_here(&target.host).then_some(IpAddr::from(Ipv4Addr::LOCALHOST)));
        match address.filter(|address| !self.reach.permits(*address)) {
            Some(address) => Err(Failure::Private { host: target.host.clone(), address }),
            None => Ok(()),
        }
    }
}

/// Whether a name is this machine's own.
fn is_here(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || is_below_here(host)
}

fn is_below_here(host: &str) -> bool {
    host.to_ascii_lowercase().ends_with(".localhost")
}

/// Why TLS did not come about, with what to do where that can be told.
fn unproved(why: &str) -> String {
    let how = match why {
        _ if why.contains("UnknownIssuer") => {
            "no authority that counts here has signed its certificate: name a file with that authority (outbound.ca_file)"
        }
        _ if why.contains("CaUsedAsEndEntity") => {
            "its certificate is an authority's own: give it one that an authority has signed, and name that one's file \
             (outbound.ca_file)"
        }
        _ if why.contains("handshake eof") || why.contains("corrupt message") => {
            "it speaks no TLS there: check the port"
        }
        _ => return why.to_owned(),
    };
    format!("{how} ({why})")
}

async fn reach_proxy(proxy: &Proxy) -> Result<TcpStream, Failure> {
    let connected = TcpStream::connect((proxy.host.as_str(), proxy.port)).await;
    connected.map_err(|error| Failure::Proxy { proxy: proxy.shown(), why: error.to_string() })
}

/// Asks a proxy for a way through (RFC 9110 §9.3.6).
async fn tunnel(tcp: TcpStream, proxy: &Proxy, target: &Target) -> Result<Box<dyn Wire>, Failure> {
    let failed = |why: String| Failure::Proxy { proxy: proxy.shown(), why };
    let host = if target.host.contains(':') { format!("[{}]", target.host) } else { target.host.clone() };
    let place = format!("{host}:{}", target.port);
    let mut request = Request::builder().method(Method::CONNECT).uri(&place).header("Host", &place);
    if let Some(authorization) = &proxy.authorization {
        request = request.header("Proxy-Authorization", authorization);
    }
    let request = request.body(Empty::<Bytes>::new()).map_err(|error| failed(error.to_string()))?;
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_buf_size(limits::HEAD_BYTES)
        .handshake(TokioIo::new(tcp))
        .await
        .map_err(|error| failed(error.to_string()))?;
    tokio::spawn(connection.with_upgrades());
    let answer = sender.send_request(request).await.map_err(|error| failed(error.to_string()))?;
    if answer.status() != StatusCode::OK {
        return Err(failed(format!(
            "it answered {} when asked for a way to {}",
            answer.status().as_u16(),
            target.host
        )));
    }
    let upgraded = hyper::upgrade::on(answer).await.map_err(|error| failed(error.to_string()))?;
    Ok(Box::new(TokioIo::new(upgraded)))
}
