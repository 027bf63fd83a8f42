//! Requests that two servers could read differently: what the upstream saw decides, not what the
//! client was told. RFC 9112 §2.2, §5.1, §5.2, §6.1, §6.3, §11.2.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod front;

use front::{Front, Recorder};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: tool\r\nX-Evil: 1\r\n\r\n";

/// Sends raw bytes; returns what the client and the upstream saw.
async fn attack(bytes: &str) -> (String, String, Vec<String>) {
    let recorder = Recorder::start(OK).await;
    let front = Front::start(&recorder.server.url()).await;
    let mut client = front.client().await;
    client.send(bytes).await;
    // End of input: the front answers what it has and closes.
    tokio::io::AsyncWriteExt::shutdown(&mut client.stream).await.unwrap();
    let answer = client.until_closed().await;
    let judged = front.judged.lock().clone();
    (answer, recorder.text(), judged)
}

/// Every request the upstream can possibly read was judged, in the same order.
fn assert_nothing_unjudged(seen: &str, judged: &[String]) {
    let lines: Vec<String> =
        seen.lines().filter_map(|line| line.strip_suffix(" http/1.1").map(str::to_owned)).collect();
    let judged: Vec<String> = judged.iter().map(|line| line.to_lowercase()).collect();
    for line in &lines {
        assert!(judged.contains(line), "{line} reached the upstream unjudged: {judged:?}\n{seen}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_heads_reach_nobody() {
    for (what, bytes) in [
        ("unknown coding", "POST / HTTP/1.1\r\nHost: tool\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
        (
            "coding twice",
            "POST / HTTP/1.1\r\nHost: tool\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        ),
        ("space before colon", "POST / HTTP/1.1\r\nHost: tool\r\nContent-Length : 5\r\n\r\nhello"),
        ("obs-fold", "GET / HTTP/1.1\r\nHost: tool\r\nX-A: 1\r\n Remote-User: root\r\n\r\n"),
        ("obs-fold at start", "GET / HTTP/1.1\r\n Host: tool\r\n\r\n"),
        ("two Host", "GET / HTTP/1.1\r\nHost: tool\r\nHost: other\r\n\r\n"),
        ("no Host", "GET / HTTP/1.1\r\n\r\n"),
        ("other authority", "GET http://other/ HTTP/1.1\r\nHost: tool\r\n\r\n"),
        ("user in Host", "GET / HTTP/1.1\r\nHost: a@tool\r\n\r\n"),
        ("different lengths", "POST / HTTP/1.1\r\nHost: tool\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
        ("length list", "POST / HTTP/1.1\r\nHost: tool\r\nContent-Length: 1, 1\r\n\r\na"),
        ("signed length", "POST / HTTP/1.1\r\nHost: tool\r\nContent-Length: +1\r\n\r\na"),
        ("hex length", "POST / HTTP/1.1\r\nHost: tool\r\nContent-Length: 0x1\r\n\r\na"),
        ("coding in 1.0", "POST / HTTP/1.0\r\nHost: tool\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("NUL in value", "GET / HTTP/1.1\r\nHost: tool\r\nX-A: a\0b\r\n\r\n"),
        ("bare CR in value", "GET / HTTP/1.1\r\nHost: tool\r\nX-A: a\rRemote-User: root\r\n\r\n"),
        (
            "h2c",
            "GET / HTTP/1.1\r\nHost: tool\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n",
        ),
        ("trace", "TRACE / HTTP/1.1\r\nHost: tool\r\n\r\n"),
        ("connect", "CONNECT tool:443 HTTP/1.1\r\nHost: tool:443\r\n\r\n"),
        (
            "two Authorization",
            "GET / HTTP/1.1\r\nHost: tool\r\nAuthorization: Basic YTpi\r\nAuthorization: Bearer x\r\n\r\n",
        ),
    ] {
        let (answer, seen, _) = attack(bytes).await;
        assert_eq!(seen, "", "{what}");
        assert!(answer.starts_with("HTTP/1.1 400 ") || answer.is_empty(), "{what}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_framings_leave_as_one() {
    // Read by length, the body would end early and `SMUGGLED` would be the next request.
    for first in ["Content-Length: 6\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 6"]
    {
        let bytes = format!("POST /first HTTP/1.1\r\nHost: tool\r\n{first}\r\n\r\n0\r\n\r\n{SMUGGLED}");
        let (_, seen, judged) = attack(&bytes).await;
        assert!(seen.starts_with("post /first http/1.1\r\n"), "{seen}");
        assert!(!seen.contains("content-length: 6"), "{seen}");
        assert_nothing_unjudged(&seen, &judged);
    }
    // Read by chunks, `SMUGGLED` is body; an upstream must see it as body too.
    let inner = format!("{:x}\r\n{SMUGGLED}\r\n0\r\n\r\n", SMUGGLED.len());
    let bytes =
        format!("POST /first HTTP/1.1\r\nHost: tool\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n{inner}");
    let (_, seen, judged) = attack(&bytes).await;
    assert_eq!(judged, ["POST /first"]);
    assert!(!seen.contains("content-length"), "{seen}");
    let head_end = seen.find("\r\n\r\n").unwrap();
    assert!(seen[..head_end].contains("transfer-encoding: chunked"), "{seen}");
    assert!(seen[head_end + 4..].starts_with(&format!("{:x}\r\n", SMUGGLED.len())), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn te_chunked_is_not_a_framing() {
    let bytes = format!(
        "POST /first HTTP/1.1\r\nHost: tool\r\nTE: chunked\r\nContent-Length: {}\r\n\r\n{SMUGGLED}",
        SMUGGLED.len()
    );
    let (_, seen, judged) = attack(&bytes).await;
    assert_eq!(judged, ["POST /first"]);
    assert!(!seen.contains("\r\nte:"), "{seen}");
    assert!(seen.contains(&format!("content-length: {}\r\n", SMUGGLED.len())), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_on_get_keeps_its_framing() {
    let bytes = format!(
        "GET /first HTTP/1.1\r\nHost: tool\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{SMUGGLED}\r\n0\r\n\r\n",
        SMUGGLED.len()
    );
    let (_, seen, judged) = attack(&bytes).await;
    assert_eq!(judged, ["GET /first"]);
    assert!(seen.contains("transfer-encoding: chunked"), "{seen}");
    let head_end = seen.find("\r\n\r\n").unwrap();
    assert!(seen[head_end + 4..].starts_with(&format!("{:x}\r\n", SMUGGLED.len())), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bare_line_feeds_are_rewritten_or_refused() {
    // The parser takes LF as a line end, so the fields are judged as such; what leaves has CR LF.
    let (_, seen, judged) = attack("GET /first HTTP/1.1\nHost: tool\nRemote-User: root\n\n").await;
    assert_nothing_unjudged(&seen, &judged);
    assert!(!seen.contains("root"), "{seen}");
    assert!(!seen.replace("\r\n", "").contains('\n'), "{seen}");
    let (_, seen, judged) = attack(
        "POST /first HTTP/1.1\r\nHost: tool\r\nTransfer-Encoding: chunked\r\n\r\n0\nGET /smuggled HTTP/1.1\r\n\r\n",
    )
    .await;
    assert_nothing_unjudged(&seen, &judged);
}

#[tokio::test(flavor = "multi_thread")]
async fn chunk_tricks_reach_nobody_as_requests() {
    for chunks in [
        "5;\nx\r\nhello\r\n0\r\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "ffffffffffffffff1\r\nhello\r\n0\r\n\r\n",
        "5\r\nhelloXX0\r\n\r\n",
        "5 \r\nhello\r\n0\r\n\r\n",
    ] {
        let bytes =
            format!("POST /first HTTP/1.1\r\nHost: tool\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}{SMUGGLED}");
        let (_, seen, judged) = attack(&bytes).await;
        assert_nothing_unjudged(&seen, &judged);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_refused_upgrade_the_next_bytes_are_an_ordinary_request() {
    for upgrade in ["websocket", "h2c", "tls/1.0"] {
        let recorder = Recorder::start(OK).await;
        let front = Front::start(&recorder.server.url()).await;
        let mut client = front.client().await;
        client
            .send(&format!(
                "GET /up HTTP/1.1\r\nHost: tool\r\nConnection: Upgrade\r\nUpgrade: {upgrade}\r\n\
                 Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n\
                 GET /next HTTP/1.1\r\nHost: tool\r\nRemote-User: root\r\nConnection: close\r\n\r\n"
            ))
            .await;
        let answer = client.until_closed().await;
        assert_eq!(front.judged.lock().clone(), ["GET /up", "GET /next"], "{upgrade}: {answer}");
        let seen = recorder.text();
        assert_nothing_unjudged(&seen, &front.judged.lock());
        assert!(!seen.contains("root"), "{upgrade}: {seen}");
        assert!(seen.contains("get /next http/1.1"), "{upgrade}: {seen}");
        assert_eq!(seen.contains("upgrade: websocket"), upgrade == "websocket", "{seen}");
        assert!(!seen.contains("h2c") && !seen.contains("tls/1.0"), "{seen}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_with_two_framings_cannot_run_into_the_next() {
    let recorder = Recorder::start(
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n\
         a\r\n0123456789\r\n0\r\n\r\n",
    )
    .await;
    let front = Front::start(&recorder.server.url()).await;
    let answer = front.ask("GET / HTTP/1.1\r\nHost: tool\r\nConnection: close\r\n\r\n").await.to_lowercase();
    assert!(!answer.contains("content-length"), "{answer}");
    assert!(answer.contains("0123456789"), "{answer}");
}
