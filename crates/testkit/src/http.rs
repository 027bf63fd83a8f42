//! A raw HTTP/1.1 client: the bytes asked for are the bytes sent (duplicate headers, any names, any path), and answers
//! keep their headers as they came. One connection per exchange; loopback only: every `*.localhost` name is 127.0.0.1.
//! RFC 9112 as far as test peers need it.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::limits;

/// The parts of an `http://` address the kit needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Host name or literal, as written.
    pub host: String,
    /// Port, 80 when not written.
    pub port: u16,
    /// Path and query, as written; `/` when empty.
    pub target: String,
}

impl Address {
    /// Takes an address apart without changing a byte of its path and query.
    ///
    /// # Panics
    /// When the text is not an `http://` address.
    pub fn parse(url: &str) -> Address {
        let Some(rest) = url.strip_prefix("http://") else {
            panic!("the kit speaks plain http only; got {url:?}");
        };
        let rest = rest.split('#').next().unwrap_or(rest);
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().unwrap_or_else(|_| panic!("no port number in {url:?}")))
            }
            _ => (authority, 80),
        };
        let target = match target {
            "" => "/".to_owned(),
            query if query.starts_with('?') => format!("/{query}"),
            path => path.to_owned(),
        };
        Address { host: host.to_owned(), port, target }
    }

    /// What a browser puts into `Host`: the port is left out when it is 80.
    pub fn authority(&self) -> String {
        if self.port == 80 { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }

    /// Where to connect.
    ///
    /// # Panics
    /// When the host is not a loopback name or address.
    pub fn socket(&self) -> SocketAddr {
        SocketAddr::new(loopback(&self.host), self.port)
    }

    /// The address of a link found at this address: absolute, absolute path, or relative to the path.
    pub fn join(&self, link: &str) -> String {
        if link.contains("://") {
            return link.to_owned();
        }
        let origin = format!("http://{}", self.authority());
        let path = self.target.split('?').next().unwrap_or("/");
        if let Some(rest) = link.strip_prefix("//") {
            return format!("http://{rest}");
        }
        if link.starts_with('/') {
            return format!("{origin}{link}");
        }
        if link.starts_with('?') {
            return format!("{origin}{path}{link}");
        }
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{origin}{folder}/{link}")
    }
}

fn loopback(host: &str) -> IpAddr {
    let bare = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
    if (bare == "localhost") || bare.ends_with(".localhost") {
        return IpAddr::V4(Ipv4Addr::LOCALHOST);
    }
    let address: Option<IpAddr> = bare.parse().ok();
    match address {
        Some(address) if address.is_loopback() => address,
        Some(IpAddr::V6(address)) if address == Ipv6Addr::UNSPECIFIED => IpAddr::V6(Ipv6Addr::LOCALHOST),
        _ => panic!("the kit talks to this machine only; {host:?} is somewhere else"),
    }
}

/// A request to be sent exactly as described.
#[derive(Clone, Debug)]
pub struct Request {
    /// Method, as sent.
    pub method: String,
    /// Where it goes.
    pub address: Address,
    /// Headers in order, as sent.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Body, as sent.
    pub body: Vec<u8>,
    target: Option<Vec<u8>>,
    socket: Option<SocketAddr>,
    limit: Duration,
}

impl Request {
    /// A request without headers of its own. When sending, `Host`, `Connection: close` and a needed `Content-Length`
    /// are added unless the request names them.
    ///
    /// # Panics
    /// When `url` is not an `http://` address.
    pub fn new(method: &str, url: &str) -> Request {
        Request {
            method: method.to_owned(),
            address: Address::parse(url),
            headers: Vec::new(),
            body: Vec::new(),
            target: None,
            socket: None,
            limit: limits::HTTP_EXCHANGE,
        }
    }

    /// Adds a header; one more with the same name if there is one already.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Request {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Request {
        self.body = body.into();
        self
    }

    /// Sets a JSON body with its content type.
    #[must_use]
    pub fn json(self, value: &Value) -> Request {
        self.header("Content-Type", "application/json").body(value.to_string())
    }

    /// Sets a form body with its content type.
    #[must_use]
    pub fn form(self, fields: &[(&str, &str)]) -> Request {
        let pairs: Vec<String> =
            fields.iter().map(|(name, value)| format!("{}={}", percent(name), percent(value))).collect();
        self.header("Content-Type", "application/x-www-form-urlencoded").body(pairs.join("&"))
    }

    /// Replaces the request target by these bytes.
    #[must_use]
    pub fn target(mut self, target: impl AsRef<[u8]>) -> Request {
        self.target = Some(target.as_ref().to_vec());
        self
    }

    /// Connects to this loopback port whatever the address says (a name behind a proxy).
    #[must_use]
    pub fn via_port(mut self, port: u16) -> Request {
        self.socket = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        self
    }

    /// Gives up after this long instead of the usual limit.
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Request {
        self.limit = limit;
        self
    }

    /// The full address of this request.
    pub fn url(&self) -> String {
        format!("http://{}{}", self.address.authority(), self.address.target)
    }

    /// The bytes that will be sent.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.method.clone().into_bytes();
        bytes.push(b' ');
        bytes.extend_from_slice(self.target.as_deref().unwrap_or(self.address.target.as_bytes()));
        bytes.extend_from_slice(b" HTTP/1.1\r\n");
        let has = |wanted: &str| self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted));
        let mut added = Vec::new();
        if !has("host") {
            added.push(("Host".to_owned(), self.address.authority().into_bytes()));
        }
        if !has("connection") {
            added.push(("Connection".to_owned(), b"close".to_vec()));
        }
        let expects_body = ["POST", "PUT", "PATCH"].contains(&self.method.as_str()) || !self.body.is_empty();
        if expects_body && !has("content-length") && !has("transfer-encoding") {
            added.push(("Content-Length".to_owned(), self.body.len().to_string().into_bytes()));
        }
        for (name, value) in added.iter().chain(&self.headers) {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// Sends the request and reads the answer.
    ///
    /// # Panics
    /// When there is no answer; use [`Request::try_send`] where that is what the test is about.
    pub fn send(&self) -> Answer {
        let sent = self.try_send();
        sent.unwrap_or_else(|error| panic!("{} {}: no answer: {error}", self.method, self.url()))
    }

    /// Sends the request and reads the answer.
    ///
    /// # Errors
    /// What went wrong with the connection, or what is not HTTP in the answer.
    pub fn try_send(&self) -> io::Result<Answer> {
        let socket = self.socket.unwrap_or_else(|| self.address.socket());
        let mut stream = TcpStream::connect_timeout(&socket, self.limit)?;
        stream.set_read_timeout(Some(self.limit))?;
        stream.set_write_timeout(Some(self.limit))?;
        stream.set_nodelay(true)?;
        let written = stream.write_all(&self.bytes());
        // A server may refuse and answer before it has read everything, so the answer comes first.
        let answer = Answer::read(&mut BufReader::new(&stream), self.method == "HEAD");
        match (answer, written) {
            (Ok(answer), _) => Ok(answer),
            (Err(_), Err(error)) | (Err(error), Ok(())) => Err(error),
        }
    }
}

/// A form or query value with everything but unreserved characters escaped (RFC 3986 §2.3).
pub fn percent(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

/// `GET` without further headers.
///
/// # Panics
/// When there is no answer.
pub fn get(url: &str) -> Answer {
    Request::new("GET", url).send()
}

/// Sends bytes to a loopback port, closes the sending side, and reads until the other end closes or falls silent.
///
/// # Panics
/// When nothing listens there.
pub fn send_raw(port: u16, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .unwrap_or_else(|error| panic!("cannot connect to port {port}: {error}"));
    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let _ = stream.write_all(bytes);
    let _ = stream.flush();
    let mut answer = Vec::new();
    let mut chunk = [0u8; 8192];
    while let Ok(count) = stream.read(&mut chunk) {
        answer.extend_from_slice(chunk.get(..count).unwrap_or_default());
        if (count == 0) || (answer.len() > limits::BODY_BYTES_MAX) {
            break;
        }
    }
    answer
}

/// An answer as it came.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Headers in order, names as written, values with bytes above 127 read as Latin-1.
    pub headers: Vec<(String, String)>,
    /// Body with any chunking removed.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first value of a header, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers_named(name).first().copied()
    }

    /// All values of a header, in order.
    pub fn headers_named(&self, name: &str) -> Vec<&str> {
        let wanted = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        wanted.map(|(_, value)| value.as_str()).collect()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("status {} with a body that is not JSON ({error}): {}", self.status, self.text())
        })
    }

    /// The `Location` header.
    ///
    /// # Panics
    /// When there is none.
    pub fn location(&self) -> &str {
        self.header("location").unwrap_or_else(|| panic!("status {} without Location: {}", self.status, self.text()))
    }

    /// Reads one answer; interim answers (1xx except 101) are passed over (RFC 9110 §15.2).
    ///
    /// # Errors
    /// When the connection ends early or what comes is not HTTP.
    pub fn read(reader: &mut impl BufRead, is_head: bool) -> io::Result<Answer> {
        loop {
            let (first, headers) = read_head(reader)?;
            let status = status_of(&first)?;
            let mut answer = Answer { status, headers, body: Vec::new() };
            if (100..200).contains(&status) && (status != 101) {
                continue;
            }
            let is_bodiless = is_head || (status == 101) || (status == 204) || (status == 304);
            if !is_bodiless {
                answer.body = read_body(reader, &answer.headers, Ending::Close)?;
            }
            return Ok(answer);
        }
    }
}

fn status_of(line: &str) -> io::Result<u16> {
    let mut words = line.split(' ');
    let is_http = words.next().is_some_and(|version| version.starts_with("HTTP/1."));
    let status = words.next().and_then(|word| word.parse().ok());
    match status {
        Some(status) if is_http => Ok(status),
        _ => Err(io::Error::other(format!("not a status line: {line:?}"))),
    }
}

/// What a message without a length means: an answer runs to the end of the connection, a request has no body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Close,
    Empty,
}

/// The first line and the headers of a message; bytes above 127 are read as Latin-1.
pub(crate) fn read_head(reader: &mut impl BufRead) -> io::Result<(String, Vec<(String, String)>)> {
    let first = read_line(reader)?;
    let mut headers = Vec::new();
    let mut total = first.len();
    loop {
        let line = read_line(reader)?;
        total += line.len();
        if total > limits::HEAD_BYTES_MAX {
            return Err(io::Error::other("the head of the message is too long"));
        }
        if line.is_empty() {
            return Ok((first, headers));
        }
        let Some((name, value)) = line.split_once(':') else {
            return Err(io::Error::other(format!("not a header line: {line:?}")));
        };
        headers.push((name.to_owned(), value.trim_matches([' ', '\t']).to_owned()));
    }
}

fn read_line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut bytes = Vec::new();
    let bound = limits::HEAD_BYTES_MAX as u64;
    reader.by_ref().take(bound).read_until(b'\n', &mut bytes)?;
    if bytes.pop() != Some(b'\n') {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the connection ended inside the head of a message"));
    }
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    Ok(bytes.into_iter().map(char::from).collect())
}

/// The body a message's headers announce (RFC 9112 §6.3).
pub(crate) fn read_body(
    reader: &mut impl BufRead,
    headers: &[(String, String)],
    ending: Ending,
) -> io::Result<Vec<u8>> {
    let value = |wanted: &str| headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
    let mut body = Vec::new();
    if value("transfer-encoding").is_some_and(|(_, coding)| coding.to_ascii_lowercase().ends_with("chunked")) {
        return read_chunks(reader);
    }
    if let Some((_, length)) = value("content-length") {
        let length: usize = length.parse().map_err(|_| io::Error::other(format!("not a length: {length:?}")))?;
        if length > limits::BODY_BYTES_MAX {
            return Err(io::Error::other(format!("a body of {length} bytes is too long")));
        }
        body.resize(length, 0);
        reader.read_exact(&mut body)?;
    } else if ending == Ending::Close {
        reader.by_ref().take(limits::BODY_BYTES_MAX as u64).read_to_end(&mut body)?;
    }
    Ok(body)
}

fn read_chunks(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = read_line(reader)?;
        let digits = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(digits, 16).map_err(|_| io::Error::other(format!("not a chunk: {line:?}")))?;
        if size == 0 {
            while !read_line(reader)?.is_empty() {}
            return Ok(body);
        }
        if size.saturating_add(body.len()) > limits::BODY_BYTES_MAX {
            return Err(io::Error::other("a chunked body is too long"));
        }
        let start = body.len();
        body.resize(start + size, 0);
        if let Some(place) = body.get_mut(start..) {
            reader.read_exact(place)?;
        }
        read_line(reader)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_keep_their_bytes() {
        let address = Address::parse("http://dagster.localhost:8080/a/%2e%2e//b?x=%00#y");
        assert_eq!((address.host.as_str(), address.port), ("dagster.localhost", 8080));
        assert_eq!(address.target, "/a/%2e%2e//b?x=%00");
        assert_eq!(address.socket(), "127.0.0.1:8080".parse().expect("an address"));
        assert_eq!(Address::parse("http://[::1]:90").socket(), "[::1]:90".parse().expect("an address"));
        assert_eq!(Address::parse("http://a.localhost?q").target, "/?q");
    }

    #[test]
    fn links_are_joined() {
        let here = Address::parse("http://a.localhost:81/x/y?z=1");
        for (link, whole) in [
            ("http://b.localhost/", "http://b.localhost/"),
            ("/k?l", "http://a.localhost:81/k?l"),
            ("k", "http://a.localhost:81/x/k"),
            ("?n", "http://a.localhost:81/x/y?n"),
            ("//c.localhost/d", "http://c.localhost/d"),
        ] {
            assert_eq!(here.join(link), whole);
        }
    }

    #[test]
    fn the_bytes_sent_are_the_bytes_asked_for() {
        let request = Request::new("GET", "http://a.localhost:81/x")
            .header("x-user", "one")
            .header("X-User", [0xff, b'!'])
            .target(b"/\x80..");
        let expected: &[u8] =
            b"GET /\x80.. HTTP/1.1\r\nHost: a.localhost:81\r\nConnection: close\r\nx-user: one\r\nX-User: \xff!\r\n\r\n";
        assert_eq!(request.bytes(), expected);
        let form = Request::new("POST", "http://a.localhost/").form(&[("a", "b c&"), ("d", "é")]);
        assert_eq!(form.body, b"a=b%20c%26&d=%C3%A9");
    }

    #[test]
    fn answers_are_read_whatever_their_framing() {
        let read = |text: &str, is_head| Answer::read(&mut text.as_bytes(), is_head);
        let counted =
            read("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nSet-Cookie: a\r\nset-cookie: b\r\n\r\nabcdef", false);
        let counted = counted.expect("a good answer");
        assert_eq!((counted.status, counted.text().as_str()), (200, "abc"));
        assert_eq!(counted.headers_named("Set-Cookie"), ["a", "b"]);
        let chunked =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: 1\r\n\r\n";
        assert_eq!(read(chunked, false).expect("a good answer").text(), "abcde");
        let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
        assert_eq!(read(interim, false).expect("a good answer").status, 204);
        assert_eq!(read("HTTP/1.0 200 OK\r\n\r\nto the end", false).expect("a good answer").text(), "to the end");
        assert!(read("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", true).is_ok());
        assert!(read("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", false).is_err());
        assert!(read("garbage\r\n\r\n", false).is_err());
    }

    #[test]
    #[should_panic(expected = "somewhere else")]
    fn nothing_but_this_machine_is_reached() {
        let _ = Address::parse("http://example.org/").socket();
    }
}
