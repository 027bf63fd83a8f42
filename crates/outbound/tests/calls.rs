//! Calls to real listeners: who may be called, what is read of an answer, which way a call takes.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use doorward_outbound::{Failure, Outbound, Proxies, Reach, Setup};
use doorward_testkit::echo::{Echo, Reply};
use doorward_testkit::ports::free_port;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

const CERTIFICATE: &[u8] = include_bytes!("../../proxy/tests/data/loopback-certificate.pem");
const KEY: &[u8] = include_bytes!("../../proxy/tests/data/loopback-key.pem");

fn here() -> Reach {
    Reach::and(vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()])
}

fn outbound(setup: Setup) -> Outbound {
    Outbound::new(setup).unwrap()
}

fn to_here() -> Outbound {
    outbound(Setup { reach: here(), ..Setup::default() })
}

#[tokio::test]
async fn gauntlet_b15_this_machine_is_not_called_unless_its_network_is_named() {
    let echo = Echo::start();
    let careful = outbound(Setup::default());
    let port = echo.port();
    for host in
        ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "127.1", "2130706433", "0x7f.1", "door.localhost"]
    {
        let outcome = careful.get(&format!("http://{host}:{port}/")).await;
        assert!(matches!(outcome, Err(Failure::Private { .. })), "{host}: {outcome:?}");
    }
    assert!(echo.seen().is_empty(), "a packet was sent");
    let answer = to_here().get(&format!("http://localhost:{port}/a?b=c")).await.unwrap();
    assert_eq!(answer.status, 200);
    let seen = echo.last();
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("GET", "/a?b=c"));
    assert_eq!(seen.header("host"), Some(format!("localhost:{port}").as_str()));
    // Names below it are this machine's too, whatever the resolver knows.
    assert_eq!(to_here().get(&format!("http://door.LOCALHOST:{port}/")).await.unwrap().status, 200);
}

#[tokio::test]
async fn gauntlet_b15_redirects_are_told_and_not_followed() {
    let inner = Echo::start();
    let target = inner.url();
    let outer = Echo::start_with(move |_| Reply {
        status: 307,
        headers: vec![("Location".to_owned(), target.clone())],
        body: Vec::new(),
    });
    let answer = to_here().post_form(&outer.url(), &[("a b", "c&d")]).await.unwrap();
    assert_eq!(answer.status, 307);
    assert_eq!(outer.last().body, b"a+b=c%26d");
    assert!(inner.seen().is_empty());
}

#[tokio::test]
async fn addresses_that_are_none_are_refused_before_anything_is_sent() {
    let all = to_here();
    for (url, expected) in [
        ("ftp://127.0.0.1/", Failure::Malformed),
        ("127.0.0.1/x", Failure::Malformed),
        ("http://", Failure::Malformed),
        ("file:///etc/passwd", Failure::Malformed),
        ("http://user:secret@127.0.0.1/", Failure::UserInfo),
    ] {
        assert_eq!(all.get(url).await.err(), Some(expected), "{url}");
    }
    let sentence = all.get(&format!("http://127.0.0.1:{}/secret?token=secret", free_port())).await.unwrap_err();
    assert!(matches!(sentence, Failure::Connect { .. }) && !sentence.to_string().contains("secret"), "{sentence}");
}

/// A server that answers every connection with these bytes and keeps it open.
async fn raw(bytes: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let bytes = bytes.clone();
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(&bytes).await;
                tokio::time::sleep(Duration::from_secs(60)).await;
            });
        }
    });
    url
}

#[tokio::test]
async fn answers_have_a_largest_size_and_calls_an_end() {
    let all = to_here();
    let mut long = b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n".to_vec();
    long.resize(3_000_000, b'x');
    let outcome = all.get(&raw(long).await).await;
    assert!(matches!(outcome, Err(Failure::TooLong { .. })), "{outcome:?}");
    let head = [b"HTTP/1.1 200 OK\r\nX: ".to_vec(), vec![b'x'; 200_000]].concat();
    let outcome = all.get(&raw(head).await).await;
    assert!(matches!(outcome, Err(Failure::Broken { .. })), "{outcome:?}");
    let outcome = all.get(&raw(b"SSH-2.0-OpenSSH\r\n".to_vec()).await).await;
    assert!(matches!(outcome, Err(Failure::Broken { .. })), "{outcome:?}");
    let patience = Some((Duration::from_millis(200), Duration::from_millis(300)));
    let hasty = outbound(Setup { reach: here(), patience, ..Setup::default() });
    let outcome = hasty.get(&raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab".to_vec()).await).await;
    assert!(matches!(outcome, Err(Failure::Slow { .. })), "{outcome:?}");
    let answer = all.get(&raw(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()).await).await.unwrap();
    assert_eq!(answer.status, 204);
}

/// A server with the certificate of the tests; tells what it was asked.
async fn tls_server() -> u16 {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let certificates = CertificateDer::pem_slice_iter(CERTIFICATE).collect::<Result<Vec<_>, _>>().unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(certificates, PrivateKeyDer::from_pem_slice(KEY).unwrap())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut asked = vec![0; 4096];
                let length = stream.read(&mut asked).await.unwrap_or(0);
                let line = String::from_utf8_lossy(&asked[..length]).lines().next().unwrap_or_default().to_owned();
                let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{line}", line.len());
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    port
}

#[tokio::test]
async fn whoever_cannot_prove_who_they_are_hears_nothing() {
    let port = tls_server().await;
    let url = format!("https://localhost:{port}/x");
    let outcome = to_here().get(&url).await;
    assert!(matches!(outcome, Err(Failure::Tls { .. })), "{outcome:?}");
    let trusting = outbound(Setup { reach: here(), more_roots: Some(CERTIFICATE.to_vec()), ..Setup::default() });
    let answer = trusting.get(&url).await.unwrap();
    assert_eq!(answer.body, "GET /x HTTP/1.1");
    for bad in [&b"nonsense"[..], b"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n", b""] {
        assert!(Outbound::new(Setup { more_roots: Some(bad.to_vec()), ..Setup::default() }).is_err());
    }
}

/// A proxy that opens ways and tells the heads of what it was asked.
async fn proxy() -> (u16, Arc<std::sync::Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let kept = seen.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let kept = kept.clone();
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let Ok(byte) = stream.read_u8().await else { return };
                    head.push(byte);
                }
                let head = String::from_utf8_lossy(&head).into_owned();
                let place = head.split(' ').nth(1).unwrap_or_default().to_owned();
                kept.lock().unwrap().push(head.clone());
                if !head.starts_with("CONNECT ") {
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nproxy").await;
                } else if place.starts_with("refused.example") {
                    let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").await;
                } else {
                    // Names are the proxy's to resolve: all lead here.
                    let port = place.rsplit(':').next().unwrap_or_default();
                    let Ok(mut there) = TcpStream::connect(format!("127.0.0.1:{port}")).await else { return };
                    let _ = stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await;
                    let _ = copy_bidirectional(&mut stream, &mut there).await;
                }
            });
        }
    });
    (port, seen)
}

#[tokio::test]
async fn a_proxy_opens_the_way_and_learns_no_more_than_it_must() {
    let (tls, (port, seen)) = (tls_server().await, proxy().await);
    let variables = |name: &str| match name {
        "HTTPS_PROXY" | "HTTP_PROXY" => Some(format!("http://user:pass@127.0.0.1:{port}")),
        "NO_PROXY" => Some("direct.example".to_owned()),
        _ => None,
    };
    let proxies = Proxies::from_variables(variables).unwrap();
    let more_roots = Some(CERTIFICATE.to_vec());
    // The proxy itself may be private; whoever is called through it is judged as before.
    let through = outbound(Setup { proxies: proxies.clone(), more_roots: more_roots.clone(), ..Setup::default() });
    for host in ["localhost", "127.0.0.1", "10.0.0.1"] {
        let outcome = through.get(&format!("https://{host}:{tls}/")).await;
        assert!(matches!(outcome, Err(Failure::Private { .. })), "{host}: {outcome:?}");
    }
    assert!(seen.lock().unwrap().is_empty());
    let through = outbound(Setup { proxies, more_roots, reach: here(), ..Setup::default() });
    let answer = through.get(&format!("https://localhost:{tls}/secret")).await.unwrap();
    assert_eq!(answer.body, "GET /secret HTTP/1.1");
    let head = seen.lock().unwrap().pop().unwrap();
    assert!(head.starts_with(&format!("CONNECT localhost:{tls} HTTP/1.1\r\n")), "{head}");
    assert!(head.contains("Basic dXNlcjpwYXNz") && !head.contains("secret"), "{head}");
    let answer = through.get("http://tool.example/a?b").await.unwrap();
    assert_eq!(answer.body, "proxy");
    let head = seen.lock().unwrap().pop().unwrap();
    assert!(head.starts_with("GET http://tool.example/a?b HTTP/1.1\r\n"), "{head}");
    let outcome = through.get("https://refused.example/").await;
    let sentence = outcome.unwrap_err().to_string();
    assert!(sentence.contains("answered 403") && !sentence.contains("pass"), "{sentence}");
}
