//! Large bodies pass through without staying: client, door and upstream share this process, and it
//! does not grow. In a file of their own, because other tests would change the figures.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod front;

use std::time::Duration;

use bytes::Bytes;
use doorward_proxy::Body;
use front::{Front, Server, fed_body};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const SIZE: usize = 200 * 1024 * 1024;
const PIECE: usize = 64 * 1024;
const GROWTH_MAX_KIB: usize = 64 * 1024;

fn resident_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

async fn large(request: Request<Incoming>) -> Response<Body> {
    if request.uri().path() == "/up" {
        let mut received = 0;
        let mut body = request.into_body();
        while let Some(frame) = body.frame().await {
            received += frame.unwrap().into_data().unwrap().len();
        }
        return Response::new(Body::full(format!("received {received}")));
    }
    let (feed, body) = fed_body();
    tokio::spawn(async move {
        let piece = Bytes::from(vec![b'x'; PIECE]);
        for _ in 0..SIZE / PIECE {
            if feed.send(Frame::data(piece.clone())).await.is_err() {
                return;
            }
        }
    });
    Response::builder().header("content-length", SIZE).body(body).unwrap()
}

/// The most this process held while `work` ran, above what it held before.
async fn growth_kib(work: impl Future<Output = ()>) -> usize {
    let before = resident_kib();
    let mut most = before;
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    tokio::pin!(work);
    loop {
        tokio::select! {
            () = &mut work => return most.max(resident_kib()) - before,
            _ = ticks.tick() => most = most.max(resident_kib()),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_megabytes_leave_no_trace() {
    let upstream = Server::http(large).await;
    for scheme in ["http", "h2c"] {
        let front = Front::start(&format!("{scheme}://{}", upstream.address)).await;
        let down = growth_kib(async {
            let mut client = front.client().await;
            client.send("GET /down HTTP/1.1\r\nHost: tool\r\nConnection: close\r\n\r\n").await;
            client.head().await;
            let mut received = 0;
            let mut piece = vec![0; PIECE];
            while let Ok(count @ 1..) = client.stream.read(&mut piece).await {
                received += count;
            }
            // What came with the head was read already; it is less than one read.
            assert!(received > SIZE - PIECE, "{received}");
        })
        .await;
        assert!(down < GROWTH_MAX_KIB, "{scheme}: download grew by {down} KiB");
        let up = growth_kib(async {
            let mut client = front.client().await;
            client
                .send(&format!(
                    "POST /up HTTP/1.1\r\nHost: tool\r\nContent-Length: {SIZE}\r\nConnection: close\r\n\r\n"
                ))
                .await;
            let piece = vec![b'x'; PIECE];
            for _ in 0..SIZE / PIECE {
                client.stream.write_all(&piece).await.unwrap();
            }
            assert!(client.until_closed().await.ends_with(&format!("received {SIZE}")));
        })
        .await;
        assert!(up < GROWTH_MAX_KIB, "{scheme}: upload grew by {up} KiB");
        println!("{scheme}: download +{down} KiB, upload +{up} KiB");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_holds_the_upstream_back() {
    let (offered, mut pieces) = tokio::sync::mpsc::unbounded_channel();
    let upstream = Server::http(move |_| {
        let offered = offered.clone();
        async move {
            let (feed, body) = fed_body();
            tokio::spawn(async move {
                let piece = Bytes::from(vec![b'x'; PIECE]);
                while feed.send(Frame::data(piece.clone())).await.is_ok() {
                    if offered.send(()).is_err() {
                        return;
                    }
                }
            });
            Response::new(body)
        }
    })
    .await;
    let front = Front::start(&upstream.url()).await;
    let mut client = front.client().await;
    client.send("GET / HTTP/1.1\r\nHost: tool\r\n\r\n").await;
    client.head().await;
    // The upstream gets rid of what buffers and sockets hold, then nothing more.
    let mut taken = 0;
    while let Ok(Some(())) = tokio::time::timeout(Duration::from_secs(1), pieces.recv()).await {
        taken += PIECE;
        assert!(taken < GROWTH_MAX_KIB * 1024, "the upstream was never held back");
    }
}
