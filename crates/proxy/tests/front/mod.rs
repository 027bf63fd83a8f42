//! A small door for tests: a front server that calls the carrier, upstreams to put behind it, and
//! a client that writes raw bytes. Every server listens on loopback and ends with its handle.

#![allow(dead_code, reason = "every test file uses its own part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use doorward_proxy::{Body, Carrier, Forwarded, HeaderEdit, Timeouts, Upstream};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Longer than any step of a test takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub const SHORT: Timeouts = Timeouts {
    connect: Duration::from_secs(2),
    response_headers: Duration::from_millis(300),
    body_idle: Duration::from_millis(300),
    tunnel_idle: Duration::from_millis(300),
};

/// Fails the test instead of hanging it.
pub async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("this should have happened long ago")
}

/// A listening server; dropping it ends the server and its connections.
pub struct Server {
    pub address: SocketAddr,
    _tasks: JoinSet<()>,
}

impl Server {
    /// Runs `serve` for every connection.
    pub async fn start<F, S>(serve: S) -> Server
    where
        S: Fn(TcpStream) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                connections.spawn(serve(stream));
            }
        });
        Server { address, _tasks: tasks }
    }

    /// A hyper server of either HTTP version.
    pub async fn http<F, S>(answer: S) -> Server
    where
        S: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        Server::http_with(auto::Builder::new(TokioExecutor::new()), answer).await
    }

    async fn http_with<F, S>(builder: auto::Builder<TokioExecutor>, answer: S) -> Server
    where
        S: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        Server::start(move |stream| {
            let (answer, builder) = (answer.clone(), builder.clone());
            async move {
                let service = service_fn(move |request| {
                    let answer = answer(request);
                    async move { Ok::<_, Infallible>(answer.await) }
                });
                let _ = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).await;
            }
        })
        .await
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn h2c_url(&self) -> String {
        format!("h2c://{}", self.address)
    }
}

/// The front server with the carrier behind it.
pub struct Front {
    pub server: Server,
    pub carrier: Arc<Carrier>,
    pub upstream: Upstream,
    /// Setting it to true ends every open exchange.
    pub revoke: watch::Sender<bool>,
    /// Heads that reached the front's service: method and path.
    pub judged: Arc<Mutex<Vec<String>>>,
}

impl Front {
    pub async fn start(upstream: &str) -> Front {
        Front::with(upstream, Carrier::new(Timeouts::STANDARD)).await
    }

    pub async fn hasty(upstream: &str) -> Front {
        Front::with(upstream, Carrier::new(SHORT)).await
    }

    pub async fn with(upstream: &str, carrier: Carrier) -> Front {
        let upstream = Upstream::parse(upstream).unwrap();
        let carrier = Arc::new(carrier);
        let (revoke, revoked) = watch::channel(false);
        let judged = Arc::new(Mutex::new(Vec::new()));
        let mut builder = auto::Builder::new(TokioExecutor::new());
        // A client that has sent everything may close its half and still be answered.
        builder.http1().half_close(true);
        let server = {
            let (carrier, upstream, judged) = (Arc::clone(&carrier), upstream.clone(), Arc::clone(&judged));
            Server::http_with(builder, move |request| {
                judged.lock().push(format!("{} {}", request.method(), request.uri()));
                let (carrier, upstream) = (Arc::clone(&carrier), upstream.clone());
                let mut revoked = revoked.clone();
                let ends = async move {
                    if revoked.wait_for(|is_revoked| *is_revoked).await.is_err() {
                        std::future::pending::<()>().await;
                    }
                };
                async move { door(&carrier, &upstream, request, ends).await }
            })
            .await
        };
        Front { server, carrier, upstream, revoke, judged }
    }

    pub async fn client(&self) -> Client {
        Client::connect(self.server.address).await
    }

    /// Sends one request on a connection of its own and reads until the front closes.
    pub async fn ask(&self, request: &str) -> String {
        let mut client = self.client().await;
        client.send(request).await;
        client.until_closed().await
    }
}

async fn door(
    carrier: &Carrier,
    upstream: &Upstream,
    request: Request<Incoming>,
    ends: impl Future<Output = ()> + Send + 'static,
) -> Response<Body> {
    let mut set = HeaderMap::new();
    set.insert("remote-user", HeaderValue::from_static("ada"));
    let edit = HeaderEdit {
        drop: &|name: &HeaderName| name.as_str().replace('_', "-") == "remote-user",
        set: &set,
        cookies_to_drop: &|name| name.starts_with("doorward"),
        forwarded: Forwarded {
            client_ip: "192.0.2.7".parse().unwrap(),
            proto: "https",
            host: "tool.example".to_owned(),
        },
    };
    match carrier.carry(upstream, request, edit, ends).await {
        Ok(response) => response,
        Err(fault) => Response::builder().status(fault.status()).body(Body::full(fault.sentence("The tool"))).unwrap(),
    }
}

/// Answers with what it saw: request line, headers (sorted), blank line, body.
pub async fn echo(request: Request<Incoming>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let mut lines: Vec<String> = parts
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    lines.sort();
    let collected = body.collect().await.unwrap();
    let trailers = collected.trailers().cloned().unwrap_or_default();
    let trailers: Vec<String> = trailers.iter().map(|(name, value)| format!("trailer {name}={value:?}")).collect();
    let text = format!(
        "{} {} {:?}\n{}\n\n{}\n{}",
        parts.method,
        parts.uri,
        parts.version,
        lines.join("\n"),
        String::from_utf8_lossy(&collected.to_bytes()),
        trailers.join("\n"),
    );
    Response::new(Body::full(text))
}

/// An upstream that records raw bytes, answering every `\r\n\r\n` head with 200 and no body.
pub struct Recorder {
    pub server: Server,
    pub seen: Arc<Mutex<Vec<u8>>>,
}

impl Recorder {
    pub async fn start(answer: &'static str) -> Recorder {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let server = Server::start(move |mut stream| {
            let log = Arc::clone(&log);
            async move {
                let mut buffer = [0; 8192];
                let mut pending: Vec<u8> = Vec::new();
                while let Ok(count @ 1..) = stream.read(&mut buffer).await {
                    log.lock().extend_from_slice(&buffer[..count]);
                    pending.extend_from_slice(&buffer[..count]);
                    while let Some(end) = find(&pending, b"\r\n\r\n") {
                        let head = String::from_utf8_lossy(&pending[..end]).to_lowercase();
                        pending.drain(..end + 4);
                        // The end of a chunked body is not a head.
                        if head.contains(" http/1.") && stream.write_all(answer.as_bytes()).await.is_err() {
                            return;
                        }
                    }
                }
            }
        })
        .await;
        Recorder { server, seen }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock()).to_lowercase()
    }
}

pub fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// A client that writes and reads bytes, no protocol in between.
pub struct Client {
    pub stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Client { stream, buffer: Vec::new() }
    }

    pub async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// Reads up to and including `mark`.
    pub async fn until(&mut self, mark: &str) -> String {
        soon(async {
            loop {
                if let Some(start) = find(&self.buffer, mark.as_bytes()) {
                    let taken: Vec<u8> = self.buffer.drain(..start + mark.len()).collect();
                    return String::from_utf8_lossy(&taken).into_owned();
                }
                let mut chunk = [0; 8192];
                let count = self.stream.read(&mut chunk).await.unwrap();
                let so_far = String::from_utf8_lossy(&self.buffer);
                assert!(count > 0, "closed before {mark:?}, after {so_far:?}");
                self.buffer.extend_from_slice(&chunk[..count]);
            }
        })
        .await
    }

    pub async fn head(&mut self) -> String {
        self.until("\r\n\r\n").await
    }

    /// Everything until the server closes or resets.
    pub async fn until_closed(&mut self) -> String {
        soon(async {
            let mut chunk = [0; 8192];
            while let Ok(count @ 1..) = self.stream.read(&mut chunk).await {
                self.buffer.extend_from_slice(&chunk[..count]);
            }
            let all = std::mem::take(&mut self.buffer);
            String::from_utf8_lossy(&all).into_owned()
        })
        .await
    }
}

/// A body fed by the test, frame by frame.
pub fn fed_body() -> (tokio::sync::mpsc::Sender<http_body::Frame<Bytes>>, Body) {
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    (sender, Body::stream(Fed(receiver)))
}

struct Fed(tokio::sync::mpsc::Receiver<http_body::Frame<Bytes>>);

impl http_body::Body for Fed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|frame| frame.map(Ok))
    }
}
