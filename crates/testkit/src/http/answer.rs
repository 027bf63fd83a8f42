//! Answers, and the framing of messages in both directions. RFC 9112 §6.

use std::io::{self, BufRead, Read as _};

use serde_json::Value;

use crate::limits;

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
}
