//! HTTP/2 on either side, and https upstreams with and without HTTP/2. RFC 9113 §8, RFC 7301.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod front;

use std::convert::Infallible;
use std::sync::Arc;

use doorward_proxy::{Body, Carrier, Timeouts};
use front::{Front, Server, echo, soon};
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

const GET: &str = "GET /p?q HTTP/1.1\r\nHost: tool.example\r\nConnection: close\r\n\r\n";

/// Sends one request over HTTP/2 to the front.
async fn ask_http2(front: &Front, request: Request<Body>) -> (u16, String) {
    let stream = TcpStream::connect(front.server.address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let response: Response<_> = soon(sender.send_request(request)).await.unwrap();
    let status = response.status().as_u16();
    let body = soon(response.into_body().collect()).await.unwrap().to_bytes();
    connection.abort();
    (status, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_h2c_upstream_sees_the_clients_host_as_authority() {
    let upstream = Server::http(echo).await;
    let front = Front::start(&upstream.h2c_url()).await;
    let answer = front.ask(GET).await;
    assert!(answer.contains("GET http://tool.example/p?q HTTP/2.0\n"), "{answer}");
    assert!(answer.contains("remote-user: ada") && !answer.contains("\nhost:"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_clients_reach_upstreams_of_both_versions() {
    for scheme in ["http", "h2c"] {
        let upstream = Server::http(echo).await;
        let front = Front::start(&format!("{scheme}://{}", upstream.address)).await;
        let request = Request::post("http://tool.example/p?q")
            .header("cookie", "a=1")
            .header("cookie", "doorward_pass=secret")
            .header("cookie", "b=2")
            .header("remote-user", "root")
            .body(Body::full("hello"))
            .unwrap();
        let (status, text) = ask_http2(&front, request).await;
        assert_eq!(status, 200, "{scheme}: {text}");
        assert!(text.contains("cookie: a=1; b=2\n"), "{scheme}: {text}");
        assert!(text.contains("remote-user: ada") && !text.contains("root"), "{scheme}: {text}");
        assert!(text.contains("\n\nhello\n"), "{scheme}: {text}");
        let host = if scheme == "http" { "host: tool.example\n" } else { "http://tool.example/p" };
        assert!(text.contains(host), "{scheme}: {text}");
        // A Host that contradicts :authority is refused.
        let request = Request::get("http://tool.example/").header("host", "other.example");
        let (status, text) = ask_http2(&front, request.body(Body::empty()).unwrap()).await;
        assert_eq!(status, 400, "{scheme}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_requests_share_one_http2_connection() {
    let upstream = Server::http(echo).await;
    let front = Arc::new(Front::start(&upstream.h2c_url()).await);
    let mut asks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let front = Arc::clone(&front);
        asks.spawn(async move { front.ask(GET).await });
    }
    while let Some(answer) = asks.join_next().await {
        assert!(answer.unwrap().starts_with("HTTP/1.1 200 "));
    }
}

/// A TLS upstream with a certificate for `localhost` that only these tests trust.
async fn tls_upstream(protocols: &[&str]) -> Server {
    let certificates = vec![certificate()];
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("data/loopback-key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    Server::start(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let service = service_fn(|request| async { Ok::<_, Infallible>(echo(request).await) });
            let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
        }
    })
    .await
}

fn certificate() -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(include_bytes!("data/loopback-certificate.pem")).unwrap()
}

fn trusting_carrier() -> Carrier {
    let mut roots = RootCertStore::empty();
    roots.add(certificate()).unwrap();
    Carrier::with_roots(Timeouts::STANDARD, roots)
}

#[tokio::test(flavor = "multi_thread")]
async fn https_upstreams_are_spoken_to_in_the_version_they_pick() {
    for (protocols, seen) in [
        (&["h2", "http/1.1"][..], "GET https://tool.example/p?q HTTP/2.0"),
        (&["http/1.1"][..], "GET /p?q HTTP/1.1"),
        (&[][..], "GET /p?q HTTP/1.1"),
    ] {
        let upstream = tls_upstream(protocols).await;
        let url = format!("https://localhost:{}", upstream.address.port());
        let front = Front::with(&url, trusting_carrier()).await;
        for _ in 0..2 {
            let answer = front.ask(GET).await;
            assert!(answer.contains(seen), "{protocols:?}: {answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn websocket_handshakes_to_https_use_http1() {
    let upstream = tls_upstream(&["h2", "http/1.1"]).await;
    let url = format!("https://localhost:{}", upstream.address.port());
    let front = Front::with(&url, trusting_carrier()).await;
    let answer =
        front.ask("GET /ws HTTP/1.1\r\nHost: tool\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n").await;
    assert!(answer.contains("GET /ws HTTP/1.1") && answer.contains("upgrade: websocket"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_nobody_vouches_for_are_refused() {
    let upstream = tls_upstream(&["http/1.1"]).await;
    let port = upstream.address.port();
    let system_roots = Front::start(&format!("https://localhost:{port}")).await;
    let other_name = Front::with(&format!("https://127.0.0.1:{port}"), trusting_carrier()).await;
    for front in [system_roots, other_name] {
        let answer = front.ask(GET).await;
        assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
        assert_eq!(front.carrier.health(&front.upstream).connect_failures, 1);
    }
}
