//! A raw HTTP/1.1 client: the bytes asked for are the bytes sent (duplicate headers, any names, any path), and answers
//! keep their headers as they came. One connection per exchange; loopback only: every `*.localhost` name is 127.0.0.1.
//! RFC 9112 as far as test peers need it.

mod address;
mod answer;

use std::io::{self, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::limits;
pub use address::Address;
pub use answer::Answer;
pub(crate) use answer::{Ending, read_body, read_head};

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

#[cfg(test)]
mod tests {
    use super::*;

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
}
