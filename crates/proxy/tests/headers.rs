//! Which header fields reach the upstream and which reach the client.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod front;

use doorward_proxy::Body;
use front::{Front, Recorder, Server, echo};
use http::{Response, header};

const END: &str = "Connection: close\r\n\r\n";

fn has_line(text: &str, line: &str) -> bool {
    text.lines().any(|candidate| candidate == line)
}

#[tokio::test(flavor = "multi_thread")]
async fn managed_headers_arrive_whatever_the_client_lists_in_connection() {
    let upstream = Server::http(echo).await;
    let front = Front::start(&upstream.url()).await;
    let answer = front
        .ask(
            "GET / HTTP/1.1\r\nHost: tool.example\r\n\
             Connection: close, remote-user, x-forwarded-for, x-private\r\n\
             Remote-User: root\r\nRemote_User: root\r\nX-Private: 1\r\nX-Kept: 1\r\n\
             X-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nProxy-Connection: x\r\n\
             Keep-Alive: 5\r\nTE: gzip\r\nX_Forwarded_Host: evil\r\n\r\n",
        )
        .await;
    for line in [
        "remote-user: ada",
        "x-forwarded-for: 192.0.2.7",
        "x-forwarded-proto: https",
        "x-forwarded-host: tool.example",
        "host: tool.example",
        "x-kept: 1",
    ] {
        assert!(has_line(&answer, line), "{line} missing in {answer}");
    }
    for gone in ["root", "6.6.6.6", "x-private", "\nproxy", "\nkeep-alive", "\nte:", "evil", "\nconnection"] {
        assert!(!answer.split("\r\n\r\n").nth(1).unwrap().contains(gone), "{gone} in {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cookies_of_the_door_stay_at_the_door() {
    let upstream = Server::http(echo).await;
    let front = Front::start(&upstream.url()).await;
    let head = "GET / HTTP/1.1\r\nHost: tool\r\n";
    let ask = async |cookie: &str| front.ask(&format!("{head}Cookie: {cookie}\r\n{END}")).await;
    let answer = ask("a=1;  b=\"x\";doorward_pass=secret; c==;d").await;
    assert!(has_line(&answer, "cookie: a=1;  b=\"x\"; c==;d"), "{answer}");
    let answer = ask("doorward_pass=secret").await;
    assert!(!answer.contains("secret") && !answer.contains("cookie:"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_judged_path_bytes_are_the_forwarded_bytes() {
    let recorder = Recorder::start("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    let front = Front::start(&recorder.server.url()).await;
    for path in ["/a/../b//%2e%2E/%c3%28;x=1?q=%20&&=?", "/?", "/a?b?c", "/%00", "/{x}|"] {
        recorder.seen.lock().clear();
        front.ask(&format!("GET {path} HTTP/1.1\r\nHost: tool\r\n{END}")).await;
        let seen = String::from_utf8_lossy(&recorder.seen.lock()).into_owned();
        // Either the bytes arrive as they were, or the request is refused by the parser.
        let is_same = seen.starts_with(&format!("GET {path} HTTP/1.1\r\n"));
        assert!(is_same || (seen.is_empty() && path.contains('|')), "{path} became {seen}");
    }
    recorder.seen.lock().clear();
    front.ask(&format!("GET http://tool/abs?x HTTP/1.1\r\nHost: tool\r\n{END}")).await;
    assert!(recorder.text().starts_with("get /abs?x http/1.1\r\n"), "{}", recorder.text());
    recorder.seen.lock().clear();
    front.ask(&format!("OPTIONS * HTTP/1.1\r\nHost: tool\r\n{END}")).await;
    assert!(recorder.text().starts_with("options * http/1.1\r\n"), "{}", recorder.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_lose_hop_by_hop_fields_only() {
    let recorder = Recorder::start(
        "HTTP/1.1 200 Fine\r\nConnection: x-hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n\
         Proxy-Authenticate: Basic\r\nUpgrade: h2c\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\
         X-End: 1\r\nContent-Length: 2\r\n\r\nok",
    )
    .await;
    let front = Front::start(&recorder.server.url()).await;
    let answer = front.ask(&format!("GET / HTTP/1.1\r\nHost: tool\r\n{END}")).await;
    let answer = answer.to_lowercase();
    for kept in ["set-cookie: a=1", "set-cookie: b=2", "x-end: 1", "content-length: 2"] {
        assert!(answer.contains(kept), "{kept} missing in {answer}");
    }
    for gone in ["x-hop", "keep-alive", "proxy-authenticate", "upgrade"] {
        assert!(!answer.contains(gone), "{gone} in {answer}");
    }
    assert!(answer.ends_with("\r\n\r\nok"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_without_bodies_stay_without() {
    let upstream = Server::http(|request| async move {
        let builder = Response::builder().header("x-path", request.uri().path());
        match request.uri().path() {
            "/204" => builder.status(204).body(Body::empty()).unwrap(),
            "/304" => builder.status(304).header(header::ETAG, "\"x\"").body(Body::empty()).unwrap(),
            _ => builder.header(header::CONTENT_LENGTH, 1234).body(Body::full(vec![b'x'; 1234])).unwrap(),
        }
    })
    .await;
    let front = Front::start(&upstream.url()).await;
    let mut client = front.client().await;
    client.send("HEAD /big HTTP/1.1\r\nHost: tool\r\n\r\n").await;
    assert!(client.head().await.contains("content-length: 1234"));
    client.send("GET /204 HTTP/1.1\r\nHost: tool\r\n\r\n").await;
    let head = client.head().await;
    assert!(head.contains(" 204 ") && !head.contains("content-length"), "{head}");
    client.send("GET /304 HTTP/1.1\r\nHost: tool\r\n\r\n").await;
    let head = client.head().await;
    assert!(head.contains(" 304 ") && head.contains("etag: \"x\""), "{head}");
    // The same connection still works: nothing was left in it.
    client.send(&format!("GET /big HTTP/1.1\r\nHost: tool\r\n{END}")).await;
    let answer = client.until_closed().await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("xxxx"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_length_of_an_unknown_body_is_not_invented_for_head() {
    let recorder = Recorder::start("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    let front = Front::start(&recorder.server.url()).await;
    let answer = front.ask(&format!("HEAD / HTTP/1.1\r\nHost: tool\r\n{END}")).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(!answer.to_lowercase().contains("content-length"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_post_says_so() {
    let upstream = Server::http(echo).await;
    let front = Front::start(&upstream.url()).await;
    let post = "POST / HTTP/1.1\r\nHost: tool\r\nContent-Length: 0\r\n";
    let answer = front.ask(&format!("{post}{END}")).await;
    assert!(has_line(&answer, "content-length: 0"), "{answer}");
    // Naming the length in Connection must not change the framing.
    let post = "POST / HTTP/1.1\r\nHost: tool\r\nContent-Length: 5\r\n";
    let answer = front.ask(&format!("{post}Connection: close, content-length, host\r\n\r\nhello")).await;
    assert!(has_line(&answer, "content-length: 5") && has_line(&answer, "host: tool"), "{answer}");
    assert!(answer.contains("\n\nhello\n"), "{answer}");
}
