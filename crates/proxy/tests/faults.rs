//! Upstreams that are dead, slow, rude or closing; and when a request may be sent twice.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod front;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use doorward_proxy::{Carrier, Timeouts};
use front::{Front, PATIENCE, Server, find};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const GET: &str = "GET / HTTP/1.1\r\nHost: tool\r\nConnection: close\r\n\r\n";

async fn read_head(stream: &mut TcpStream) -> bool {
    let mut bytes = Vec::new();
    while find(&bytes, b"\r\n\r\n").is_none() {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return false;
        }
    }
    true
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_upstream_is_502_and_shows_in_its_health() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let front = Front::start(&format!("http://{address}")).await;
    assert_eq!(front.carrier.health(&front.upstream).connect_failures, 0);
    for failures in 1..=3 {
        let answer = front.ask(GET).await;
        assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
        assert!(!answer.contains(&address.port().to_string()), "no internals: {answer}");
        let health = front.carrier.health(&front.upstream);
        assert_eq!(health.connect_failures, failures);
        assert!(health.last_failure.is_some() && health.last_success.is_none());
    }
    // It comes back: health recovers with the first answer.
    let listener = TcpListener::bind(address).await.unwrap();
    let upstream = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    });
    assert!(front.ask(GET).await.starts_with("HTTP/1.1 200 "));
    let health = front.carrier.health(&front.upstream);
    assert!(health.connect_failures == 0 && health.last_success.is_some());
    upstream.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_upstream_is_504_within_its_limit() {
    let upstream = Server::start(|mut stream| async move {
        read_head(&mut stream).await;
        let _ = stream.read_u8().await;
    })
    .await;
    let front = Front::hasty(&upstream.url()).await;
    let started = Instant::now();
    let answer = front.ask(GET).await;
    assert!(answer.starts_with("HTTP/1.1 504 "), "{answer}");
    assert!(started.elapsed() >= front::SHORT.response_headers);
    assert!(started.elapsed() < PATIENCE / 4, "took {:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_upload_is_408_not_504() {
    let upstream = Server::http(front::echo).await;
    // The upstream cannot answer yet; waiting for the client must not be held against it.
    let timeouts = Timeouts { response_headers: front::SHORT.body_idle / 3, ..front::SHORT };
    let front = Front::with(&upstream.url(), Carrier::new(timeouts)).await;
    let mut client = front.client().await;
    client.send("POST / HTTP/1.1\r\nHost: tool\r\nContent-Length: 10\r\n\r\nhalf").await;
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 408 "), "{head}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_upload_does_not_run_out_of_answer_time() {
    let upstream = Server::http(front::echo).await;
    let front = Front::hasty(&upstream.url()).await;
    let mut client = front.client().await;
    client.send("POST / HTTP/1.1\r\nHost: tool\r\nContent-Length: 10\r\nConnection: close\r\n\r\n").await;
    let started = Instant::now();
    // Ten bytes at a pace below the silence limit, together well above the answer limit.
    let mut pace = tokio::time::interval(front::SHORT.response_headers / 5);
    for _ in 0..10 {
        pace.tick().await;
        client.send("x").await;
    }
    assert!(started.elapsed() > front::SHORT.response_headers);
    let answer = client.until_closed().await;
    assert!(answer.contains("\n\nxxxxxxxxxx\n"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rude_upstreams_are_502() {
    for bytes in
        ["", "HTTP/1.1 200 OK\r\nContent-Le", "SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"]
    {
        let upstream = Server::start(move |mut stream| async move {
            read_head(&mut stream).await;
            stream.write_all(bytes.as_bytes()).await.unwrap();
        })
        .await;
        let front = Front::start(&upstream.url()).await;
        let answer = front.ask(GET).await;
        assert!(answer.starts_with("HTTP/1.1 502 "), "{bytes:?}: {answer}");
        assert!(front.carrier.health(&front.upstream).last_failure.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_answer_does_not_look_complete() {
    for framing in ["Content-Length: 100\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"] {
        let upstream = Server::start(move |mut stream| async move {
            read_head(&mut stream).await;
            let answer = format!("HTTP/1.1 200 OK\r\n{framing}");
            stream.write_all(answer.as_bytes()).await.unwrap();
        })
        .await;
        let front = Front::start(&upstream.url()).await;
        let answer = front.ask(GET).await;
        assert!(answer.contains("hello"), "{answer}");
        assert!(!answer.ends_with("0\r\n\r\n"), "{answer}");
    }
}

/// Answers the first request of every connection; the second request on a connection is read and
/// the connection closed without an answer, as a server does whose keep-alive time ran out.
async fn closing_upstream() -> (Server, Arc<AtomicUsize>) {
    let requests = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    let server = Server::start(move |mut stream| {
        let count = Arc::clone(&count);
        async move {
            if read_head(&mut stream).await {
                count.fetch_add(1, Ordering::SeqCst);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
            }
            if read_head(&mut stream).await {
                count.fetch_add(1, Ordering::SeqCst);
            }
        }
    })
    .await;
    (server, requests)
}

async fn pair(second: &str) -> (String, usize) {
    let (upstream, requests) = closing_upstream().await;
    let front = Front::start(&upstream.url()).await;
    let mut client = front.client().await;
    client.send("GET / HTTP/1.1\r\nHost: tool\r\n\r\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 200 "));
    // Until the connection rests, a second request would open a new one; ask until it is reused.
    for _ in 0..200 {
        let before = requests.load(Ordering::SeqCst);
        client.send(second).await;
        let head = client.head().await;
        let sent = requests.load(Ordering::SeqCst) - before;
        if sent != 1 || !head.starts_with("HTTP/1.1 200 ") {
            return (head, sent);
        }
    }
    ("never reused".to_owned(), 0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_safe_request_survives_a_closing_connection() {
    let (head, sent) = pair("GET /again HTTP/1.1\r\nHost: tool\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert_eq!(sent, 2, "once on the resting connection, once on a new one");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_requests_are_never_sent_twice() {
    for method in ["POST", "DELETE", "PUT"] {
        let request = format!("{method} /again HTTP/1.1\r\nHost: tool\r\nContent-Length: 0\r\n\r\n");
        let (head, sent) = pair(&request).await;
        assert!(head.starts_with("HTTP/1.1 502 "), "{method}: {head}");
        assert_eq!(sent, 1, "{method}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn revoking_ends_the_wait_for_an_answer() {
    let (read, mut was_read) = tokio::sync::mpsc::unbounded_channel();
    let upstream = Server::start(move |mut stream| {
        let read = read.clone();
        async move {
            read_head(&mut stream).await;
            read.send(()).unwrap();
            let _ = stream.read_u8().await;
        }
    })
    .await;
    let front = Front::start(&upstream.url()).await;
    let mut client = front.client().await;
    client.send(GET).await;
    front::soon(was_read.recv()).await.unwrap();
    front.revoke.send(true).unwrap();
    assert!(client.until_closed().await.starts_with("HTTP/1.1 401 "));
}
