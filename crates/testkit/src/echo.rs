//! An upstream that answers with what it was asked and remembers it: the proof of what really reached the tool.
//! Headers keep case, order and duplicates. Speaks HTTP/1.1 with kept connections, and echoes WebSocket messages.

use std::collections::HashMap;
use std::io::{self, BufReader, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde_json::{Value, json};

use crate::http::{Ending, read_body, read_head};
use crate::limits;
use crate::websocket::{Message, accept_for, read_message, write_message};

/// One request as it reached the upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Method.
    pub method: String,
    /// Request target: path and query as they came.
    pub path: String,
    /// Headers as they came.
    pub headers: Vec<(String, String)>,
    /// Body without chunking.
    pub body: Vec<u8>,
}

impl Seen {
    /// The first value of a header, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers_named(name).first().copied()
    }

    /// All values of a header, in order.
    pub fn headers_named(&self, name: &str) -> Vec<&str> {
        let wanted = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        wanted.map(|(_, value)| value.as_str()).collect()
    }

    /// As JSON: `method`, `path`, `headers` as pairs, `body`.
    pub fn json(&self) -> Value {
        json!({
            "method": self.method,
            "path": self.path,
            "headers": self.headers.iter().map(|(name, value)| json!([name, value])).collect::<Vec<_>>(),
            "body": String::from_utf8_lossy(&self.body),
        })
    }
}

/// What the upstream answers.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Status code.
    pub status: u16,
    /// Headers; length and connection are added.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

impl Reply {
    /// Status 200 with a JSON body.
    pub fn json(value: &Value) -> Reply {
        let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
        Reply { status: 200, headers, body: value.to_string().into_bytes() }
    }

    /// Status 200 with a page.
    pub fn page(html: &str) -> Reply {
        let headers = vec![("Content-Type".to_owned(), "text/html; charset=utf-8".to_owned())];
        Reply { status: 200, headers, body: html.as_bytes().to_vec() }
    }
}

type Handler = dyn Fn(&Seen) -> Reply + Send + Sync;

struct Shared {
    seen: Mutex<Vec<Seen>>,
    connections: Mutex<HashMap<u64, TcpStream>>,
    next_connection: AtomicU64,
    is_ended: AtomicBool,
    handler: Box<Handler>,
}

/// The running upstream; ends when dropped.
pub struct Echo {
    port: u16,
    shared: Arc<Shared>,
}

impl Echo {
    /// Starts an upstream that answers every request with [`Seen::json`].
    ///
    /// # Panics
    /// When no port can be bound.
    pub fn start() -> Echo {
        Echo::start_with(|seen| Reply::json(&seen.json()))
    }

    /// Starts an upstream with answers of the test's own.
    ///
    /// # Panics
    /// When no port can be bound.
    pub fn start_with(handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Echo {
        let port = crate::ports::free_port();
        Echo::start_on(port, handler)
    }

    /// As [`Echo::start_with`] on a given port (an upstream that comes back).
    ///
    /// # Panics
    /// When the port cannot be bound.
    pub fn start_on(port: u16, handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Echo {
        let listener = listen(port).unwrap_or_else(|error| panic!("cannot listen on port {port}: {error}"));
        let shared = Arc::new(Shared {
            seen: Mutex::default(),
            connections: Mutex::default(),
            next_connection: AtomicU64::new(0),
            is_ended: AtomicBool::new(false),
            handler: Box::new(handler),
        });
        let for_thread = Arc::clone(&shared);
        std::thread::spawn(move || accept_all(&listener, &for_thread));
        Echo { port, shared }
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Every request so far, oldest first.
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.shared.seen).clone()
    }

    /// Every request so far, and forgets them.
    pub fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut *lock(&self.shared.seen))
    }

    /// The latest request.
    ///
    /// # Panics
    /// When nothing has reached the upstream.
    pub fn last(&self) -> Seen {
        self.seen().pop().unwrap_or_else(|| panic!("nothing has reached the upstream"))
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.shared.is_ended.store(true, Ordering::SeqCst);
        // The listener sleeps in accept; one connection wakes it up so that it can end and free the port.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        for stream in lock(&self.shared.connections).values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A program another thread is just starting holds every listener of this process until it runs, also the one that was
/// closed to find the port free: so what is taken is tried again for a moment.
fn listen(port: u16) -> io::Result<TcpListener> {
    let give_up = Instant::now() + limits::PORT_RELEASE;
    loop {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && Instant::now() < give_up => {
                std::thread::sleep(limits::POLL_INTERVAL);
            }
            bound => return bound,
        }
    }
}

fn accept_all(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming().flatten() {
        if shared.is_ended.load(Ordering::SeqCst) {
            return;
        }
        let number = shared.next_connection.fetch_add(1, Ordering::Relaxed);
        if let Ok(twin) = stream.try_clone() {
            lock(&shared.connections).insert(number, twin);
        }
        let shared = Arc::clone(shared);
        std::thread::spawn(move || {
            // A client that goes away in the middle is not the upstream's problem.
            let _ = serve(&stream, &shared);
            let _ = stream.shutdown(Shutdown::Both);
            lock(&shared.connections).remove(&number);
        });
    }
}

fn serve(stream: &TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    loop {
        let (first, headers) = read_head(&mut reader)?;
        let mut words = first.split(' ');
        let method = words.next().unwrap_or_default().to_owned();
        let path = words.next().unwrap_or_default().to_owned();
        let mut seen = Seen { method, path, headers, body: Vec::new() };
        if seen.header("expect").is_some() {
            writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        seen.body = read_body(&mut reader, &seen.headers, Ending::Empty)?;
        lock(&shared.seen).push(seen.clone());
        if let Some(key) = seen.header("sec-websocket-key") {
            return echo_messages(&mut reader, &mut writer, &seen, key);
        }
        let wants_close = seen.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        let reply = (shared.handler)(&seen);
        write_reply(&mut writer, &reply, seen.method == "HEAD")?;
        if wants_close || first.ends_with("HTTP/1.0") {
            return Ok(());
        }
    }
}

fn write_reply(writer: &mut impl Write, reply: &Reply, is_head: bool) -> io::Result<()> {
    let mut bytes = format!("HTTP/1.1 {} Status\r\n", reply.status).into_bytes();
    for (name, value) in &reply.headers {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    let has_body = !is_head && (reply.status != 204) && (reply.status != 304);
    if (reply.status != 204) && (reply.status != 304) {
        bytes.extend_from_slice(format!("Content-Length: {}\r\n", reply.body.len()).as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    if has_body {
        bytes.extend_from_slice(&reply.body);
    }
    writer.write_all(&bytes)
}

fn echo_messages(
    reader: &mut BufReader<&TcpStream>,
    writer: &mut &TcpStream,
    seen: &Seen,
    key: &str,
) -> io::Result<()> {
    let mut head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n",
        accept_for(key)
    );
    if let Some(protocol) = seen.header("sec-websocket-protocol").and_then(|list| list.split(',').next()) {
        head.push_str(&format!("Sec-WebSocket-Protocol: {}\r\n", protocol.trim()));
    }
    head.push_str("\r\n");
    writer.write_all(head.as_bytes())?;
    loop {
        let answer = match read_message(reader)? {
            Message::Ping(payload) => Message::Pong(payload),
            Message::Close => return write_message(writer, &Message::Close, false),
            other => other,
        };
        write_message(writer, &answer, false)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Request, get, send_raw};
    use crate::process::{accepts, wait_until};
    use crate::websocket::WebSocket;

    #[test]
    fn tells_exactly_what_it_was_asked() {
        let echo = Echo::start();
        let answer = Request::new("POST", &format!("{}/a/%2e?b=%00", echo.url()))
            .header("x-USER", "one")
            .header("X-User", "two")
            .body("hello")
            .send();
        let told = answer.json();
        assert_eq!((told["method"].as_str(), told["path"].as_str()), (Some("POST"), Some("/a/%2e?b=%00")));
        assert_eq!(told["body"], "hello");
        let seen = echo.last();
        assert_eq!(seen.headers_named("x-user"), ["one", "two"]);
        assert!(seen.headers.iter().any(|(name, _)| name == "x-USER"));
        assert_eq!(echo.take().len(), 1);
        assert!(echo.seen().is_empty());
    }

    #[test]
    fn keeps_connections_and_reads_chunks() {
        let echo = Echo::start();
        let bytes = b"POST /1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n\
            GET /2 HTTP/1.1\r\nConnection: close\r\n\r\n";
        let text = String::from_utf8_lossy(&send_raw(echo.port(), bytes)).into_owned();
        assert_eq!(text.matches("HTTP/1.1 200").count(), 2, "{text}");
        let paths: Vec<String> = echo.seen().into_iter().map(|seen| seen.path).collect();
        assert_eq!(paths, ["/1", "/2"]);
    }

    #[test]
    fn answers_of_the_tests_own_and_an_end() {
        let echo =
            Echo::start_with(|seen| Reply { status: 418, headers: Vec::new(), body: seen.path.clone().into_bytes() });
        let answer = get(&format!("{}/pot", echo.url()));
        assert_eq!((answer.status, answer.text().as_str()), (418, "/pot"));
        let port = echo.port();
        drop(echo);
        wait_until("the port to be free", crate::limits::PEER_START, || !accepts(port));
    }

    #[test]
    fn echoes_messages() {
        let echo = Echo::start();
        let request =
            Request::new("GET", &format!("{}/socket", echo.url())).header("Sec-WebSocket-Protocol", "graphql-ws");
        let mut socket = WebSocket::open(request).expect("the echo speaks WebSocket");
        assert_eq!(socket.answer.header("sec-websocket-protocol"), Some("graphql-ws"));
        socket.send("hi").expect("open");
        assert_eq!(socket.receive().expect("an echo"), Message::Text("hi".to_owned()));
    }
}
