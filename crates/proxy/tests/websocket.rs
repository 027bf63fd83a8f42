//! WebSocket handshakes through the carrier. RFC 6455 §4, RFC 9110 §7.8.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod front;

use std::sync::Arc;

use front::{Client, Front, Recorder, Server, find, soon};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

const HANDSHAKE: &str = "GET /ws HTTP/1.1\r\nHost: tool\r\nConnection: keep-alive, Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: graphql-ws\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nCookie: doorward_pass=x; a=1\r\n\
    Remote-User: root\r\n\r\n";

struct EchoSocket {
    server: Server,
    head: Arc<Mutex<String>>,
    /// Receives one message per connection that ended.
    ended: mpsc::UnboundedReceiver<()>,
}

/// Switches, then sends every byte back.
async fn echo_socket() -> EchoSocket {
    let head = Arc::new(Mutex::new(String::new()));
    let (end, ended) = mpsc::unbounded_channel();
    let log = Arc::clone(&head);
    let server = Server::start(move |mut stream| {
        let (log, end) = (Arc::clone(&log), end.clone());
        async move {
            let mut bytes = Vec::new();
            while find(&bytes, b"\r\n\r\n").is_none() {
                if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                    return;
                }
            }
            *log.lock() = String::from_utf8_lossy(&bytes).to_lowercase();
            let answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade, x-hop\r\n\
                X-Hop: 1\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: graphql-ws\r\n\
                Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nwelcome";
            stream.write_all(answer.as_bytes()).await.unwrap();
            let (mut reader, mut writer) = stream.split();
            let _ = tokio::io::copy(&mut reader, &mut writer).await;
            end.send(()).unwrap();
        }
    })
    .await;
    EchoSocket { server, head, ended }
}

async fn open(front: &Front) -> Client {
    let mut client = front.client().await;
    client.send(HANDSHAKE).await;
    let head = client.head().await.to_lowercase();
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    for line in ["\r\nupgrade: websocket\r\n", "\r\nconnection: upgrade\r\n", "sec-websocket-accept: s3pp"] {
        assert!(head.contains(line), "{line} missing in {head}");
    }
    assert!(!head.contains("x-hop"), "{head}");
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_flow_both_ways_after_the_switch() {
    let mut socket = echo_socket().await;
    let front = Front::start(&socket.server.url()).await;
    let mut client = open(&front).await;
    client.until("welcome").await;
    for text in ["one", "two", &"x".repeat(300_000)] {
        client.send(text).await;
        client.until(text).await;
    }
    let seen = socket.head.lock().clone();
    for line in [
        "connection: upgrade\r\n",
        "upgrade: websocket\r\n",
        "sec-websocket-protocol: graphql-ws\r\n",
        "cookie: a=1\r\n",
        "remote-user: ada\r\n",
    ] {
        assert!(seen.contains(line), "{line} missing in {seen}");
    }
    assert!(!seen.contains("root"), "{seen}");
    drop(client);
    soon(socket.ended.recv()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn revoking_ends_an_open_socket() {
    let mut socket = echo_socket().await;
    let front = Front::start(&socket.server.url()).await;
    let mut client = open(&front).await;
    client.send("ping").await;
    client.until("ping").await;
    front.revoke.send(true).unwrap();
    assert_eq!(client.until_closed().await, "");
    soon(socket.ended.recv()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_socket_is_closed() {
    let mut socket = echo_socket().await;
    let front = Front::hasty(&socket.server.url()).await;
    let mut client = open(&front).await;
    client.until_closed().await;
    soon(socket.ended.recv()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_nobody_asked_for_is_a_fault() {
    let upstream =
        Recorder::start("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n").await;
    let front = Front::start(&upstream.server.url()).await;
    let answer = front.ask("GET / HTTP/1.1\r\nHost: tool\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    // Asked for another protocol, which was never passed on.
    let mut client = front.client().await;
    client.send(&HANDSHAKE.replace("websocket", "tls/1.0")).await;
    assert!(client.head().await.starts_with("HTTP/1.1 502 "));
    let upstream =
        Recorder::start("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n").await;
    let front = Front::start(&upstream.server.url()).await;
    let mut client = front.client().await;
    client.send(HANDSHAKE).await;
    assert!(client.head().await.starts_with("HTTP/1.1 502 "));
}
