//! Opens connections to upstreams: TCP, TLS with the system's trusted roots, ALPN. Owns no pool
//! (`lane`) and no time limit. TLS is set up when the first https upstream is used, so a start
//! without one stays fast. RFC 7301, RFC 9525.

use std::sync::Arc;

use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::{Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tower_service::Service;

use crate::body::BoxError;
use crate::upstream::{Scheme, Upstream};

/// A connection, with or without TLS.
pub(crate) type Wire = MaybeHttpsStream<TokioIo<TcpStream>>;

/// Which versions the request can travel on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Versions {
    Any,
    /// WebSocket handshakes exist in HTTP/1.1 only.
    OnlyHttp1,
}

/// Opens connections.
pub(crate) struct Dialer {
    tcp: HttpConnector,
    tls: OnceCell<Tls>,
    /// Trusted instead of the system's roots, when given.
    roots: Option<RootCertStore>,
}

struct Tls {
    any: HttpsConnector<HttpConnector>,
    only_http1: HttpsConnector<HttpConnector>,
}

impl Dialer {
    pub(crate) fn new(roots: Option<RootCertStore>) -> Dialer {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.enforce_http(false);
        Dialer { tcp, tls: OnceCell::new(), roots }
    }

    /// Connects; true beside the connection when it speaks HTTP/2.
    pub(crate) async fn dial(&self, upstream: &Upstream, versions: Versions) -> Result<(Wire, bool), BoxError> {
        let uri = upstream.dial().clone();
        if upstream.scheme() != Scheme::Https {
            let mut tcp = self.tcp.clone();
            std::future::poll_fn(|cx| tcp.poll_ready(cx)).await?;
            let stream = tcp.call(uri).await?;
            return Ok((MaybeHttpsStream::Http(stream), upstream.scheme() == Scheme::H2c));
        }
        let tls = self.tls.get_or_try_init(|| self.build_tls()).await?;
        let mut connector = match versions {
            Versions::Any => tls.any.clone(),
            Versions::OnlyHttp1 => tls.only_http1.clone(),
        };
        std::future::poll_fn(|cx| connector.poll_ready(cx)).await?;
        let stream = connector.call(uri).await?;
        let is_http2 = stream.connected().is_negotiated_h2();
        Ok((stream, is_http2))
    }

    async fn build_tls(&self) -> Result<Tls, BoxError> {
        let roots = self.roots.clone();
        // Reading the system's roots opens hundreds of files on some systems.
        let config = tokio::task::spawn_blocking(move || client_config(roots)).await??;
        let builder = |config| HttpsConnectorBuilder::new().with_tls_config(config).https_only();
        Ok(Tls {
            any: builder(config.clone()).enable_all_versions().wrap_connector(self.tcp.clone()),
            only_http1: builder(config).enable_http1().wrap_connector(self.tcp.clone()),
        })
    }
}

fn client_config(roots: Option<RootCertStore>) -> Result<ClientConfig, BoxError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let builder = match roots {
        Some(roots) => builder.with_root_certificates(roots),
        None => builder.with_native_roots()?,
    };
    Ok(builder.with_no_client_auth())
}
