//! Bodies travel as they come: event by event, with trailers, and end when they must.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod front;

use std::sync::Arc;

use bytes::Bytes;
use doorward_proxy::Body;
use front::{Client, Front, Server, echo, fed_body, soon};
use http::{HeaderMap, HeaderValue, Request, Response, header};
use http_body::Frame;
use http_body_util::BodyExt;
use hyper_util::rt::{TokioExecutor, TokioIo};
use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// An upstream whose one answer is fed by the test.
async fn event_upstream() -> (Server, mpsc::Sender<Frame<Bytes>>) {
    let (feed, body) = fed_body();
    let body = Arc::new(Mutex::new(Some(body)));
    let server = Server::http(move |_| {
        let body = body.lock().take().unwrap();
        async move { Response::builder().header(header::CONTENT_TYPE, "text/event-stream").body(body).unwrap() }
    })
    .await;
    (server, feed)
}

fn event(text: &'static str) -> Frame<Bytes> {
    Frame::data(Bytes::from_static(text.as_bytes()))
}

#[tokio::test(flavor = "multi_thread")]
async fn events_arrive_one_by_one() {
    let (upstream, feed) = event_upstream().await;
    let front = Front::start(&upstream.url()).await;
    let mut client = front.client().await;
    client.send("GET /events HTTP/1.1\r\nHost: tool\r\n\r\n").await;
    assert!(client.head().await.contains("text/event-stream"));
    for text in ["data: 1\n\n", "data: 2\n\n", "data: 3\n\n"] {
        // The next event does not exist yet when this one is awaited.
        feed.send(event(text)).await.unwrap();
        client.until(text).await;
    }
    drop(feed);
    client.until("0\r\n\r\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn revoking_ends_an_open_event_stream() {
    let (upstream, feed) = event_upstream().await;
    let front = Front::start(&upstream.url()).await;
    let mut client = front.client().await;
    client.send("GET /events HTTP/1.1\r\nHost: tool\r\n\r\n").await;
    feed.send(event("data: 1\n\n")).await.unwrap();
    client.until("data: 1\n\n").await;
    front.revoke.send(true).unwrap();
    let rest = client.until_closed().await;
    assert!(!rest.contains("0\r\n\r\n"), "a broken stream must not look complete: {rest:?}");
    soon(feed.closed()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_ends_the_upstream_stream() {
    let (upstream, feed) = event_upstream().await;
    let front = Front::start(&upstream.url()).await;
    let mut client = front.client().await;
    client.send("GET /events HTTP/1.1\r\nHost: tool\r\n\r\n").await;
    client.head().await;
    drop(client);
    // Noticed at the latest when the next events cannot be written.
    soon(async { while feed.send(event("data: x\n\n")).await.is_ok() {} }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_stream_is_broken_off() {
    let (upstream, feed) = event_upstream().await;
    let front = Front::hasty(&upstream.url()).await;
    let mut client = front.client().await;
    client.send("GET /events HTTP/1.1\r\nHost: tool\r\n\r\n").await;
    feed.send(event("data: 1\n\n")).await.unwrap();
    let all = client.until_closed().await;
    assert!(all.contains("data: 1") && !all.contains("\r\n0\r\n\r\n"), "{all:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_seen_while_it_is_sent() {
    let (seen, mut pieces) = mpsc::unbounded_channel();
    let upstream = Server::http(move |mut request| {
        let seen = seen.clone();
        async move {
            while let Some(Ok(frame)) = request.body_mut().frame().await {
                seen.send(frame.into_data().unwrap()).unwrap();
            }
            Response::new(Body::full("thanks"))
        }
    })
    .await;
    let front = Front::start(&upstream.url()).await;
    let mut client = front.client().await;
    client.send("POST /up HTTP/1.1\r\nHost: tool\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    for _ in 0..3 {
        client.send("5\r\nhello\r\n").await;
        assert_eq!(soon(pieces.recv()).await.unwrap(), "hello");
    }
    client.send("0\r\n\r\n").await;
    client.until("thanks").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn expect_continue_is_answered_and_the_body_arrives() {
    let upstream = Server::http(echo).await;
    let front = Front::start(&upstream.url()).await;
    let mut client = front.client().await;
    client
        .send(
            "POST / HTTP/1.1\r\nHost: tool\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\
             Connection: close\r\n\r\n",
        )
        .await;
    assert!(client.head().await.starts_with("HTTP/1.1 100"));
    client.send("hello").await;
    let answer = client.until_closed().await;
    assert!(answer.contains("content-length: 5") && answer.contains("\n\nhello\n"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn request_trailers_pass_when_declared_and_never_as_identity() {
    for scheme in ["http", "h2c"] {
        let upstream = Server::http(echo).await;
        let front = Front::start(&format!("{scheme}://{}", upstream.address)).await;
        let answer = front
            .ask(
                "POST / HTTP/1.1\r\nHost: tool\r\nTransfer-Encoding: chunked\r\n\
                 Trailer: x-sum, remote-user\r\nConnection: close\r\n\r\n\
                 5\r\nhello\r\n0\r\nX-Sum: 42\r\nRemote-User: root\r\nX-Other: 1\r\n\r\n",
            )
            .await;
        assert!(answer.contains("trailer x-sum=\"42\""), "{scheme}: {answer}");
        assert!(!answer.contains("root") && !answer.contains("x-other"), "{scheme}: {answer}");
    }
}

async fn trailer_upstream() -> Server {
    Server::http(|_| async {
        let (feed, body) = fed_body();
        tokio::spawn(async move {
            let mut trailers = HeaderMap::new();
            trailers.insert("x-status", HeaderValue::from_static("0"));
            let _ = feed.send(event("hello")).await;
            let _ = feed.send(Frame::trailers(trailers)).await;
        });
        Response::builder().header(header::TRAILER, "x-status").body(body).unwrap()
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn response_trailers_pass_in_both_versions() {
    for scheme in ["http", "h2c"] {
        let upstream = trailer_upstream().await;
        let front = Front::start(&format!("{scheme}://{}", upstream.address)).await;
        let answer = front.ask("GET / HTTP/1.1\r\nHost: tool\r\nTE: trailers\r\nConnection: TE, close\r\n\r\n").await;
        assert!(answer.ends_with("0\r\nx-status: 0\r\n\r\n"), "{scheme}: {answer:?}");

        let stream = TcpStream::connect(front.server.address).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        let connection = tokio::spawn(connection);
        let request = Request::builder().uri("http://tool/").header("te", "trailers");
        let request = request.body(Body::empty()).unwrap();
        let response = soon(sender.send_request(request)).await.unwrap();
        let collected = soon(response.into_body().collect()).await.unwrap();
        assert_eq!(collected.trailers().unwrap()["x-status"], "0", "{scheme}");
        assert_eq!(collected.to_bytes(), "hello");
        connection.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_upload_does_not_look_complete() {
    let (ended, mut outcomes) = mpsc::unbounded_channel();
    let upstream = Server::http(move |request| {
        let ended = ended.clone();
        async move {
            ended.send(request.into_body().collect().await.is_ok()).unwrap();
            Response::new(Body::empty())
        }
    })
    .await;
    let front = Front::start(&upstream.url()).await;
    let mut client: Client = front.client().await;
    client.send("POST / HTTP/1.1\r\nHost: tool\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n").await;
    drop(client);
    assert_eq!(soon(outcomes.recv()).await, Some(false));
}
