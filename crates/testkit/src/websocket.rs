//! WebSocket frames and handshake, enough for an echo upstream and for a client that checks a proxy in between.
//! RFC 6455 §4 and §5; no extensions, messages in one frame.

use std::io::{self, BufReader, Read, Write};
use std::net::TcpStream;

use crate::encoding::{base64, sha1};
use crate::http::{Answer, Request};
use crate::limits;

/// What arrived in a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Vec<u8>),
    /// A ping with its payload.
    Ping(Vec<u8>),
    /// A pong with its payload.
    Pong(Vec<u8>),
    /// The other end closes.
    Close,
}

/// The answer to a handshake key (RFC 6455 §4.2.2).
pub fn accept_for(key: &str) -> String {
    base64(&sha1(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11").as_bytes()))
}

/// Writes one whole message; clients mask, servers do not (RFC 6455 §5.1).
///
/// # Errors
/// What the connection said.
pub fn write_message(stream: &mut impl Write, message: &Message, is_client: bool) -> io::Result<()> {
    let (code, payload): (u8, &[u8]) = match message {
        Message::Text(text) => (1, text.as_bytes()),
        Message::Binary(bytes) => (2, bytes),
        Message::Ping(bytes) => (9, bytes),
        Message::Pong(bytes) => (10, bytes),
        Message::Close => (8, &[]),
    };
    let mut frame = vec![0x80 | code];
    let mask_bit = if is_client { 0x80 } else { 0 };
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short), _) if short < 126 => frame.push(mask_bit | short),
        (_, Ok(medium)) => {
            frame.push(mask_bit | 126);
            frame.extend_from_slice(&medium.to_be_bytes());
        }
        _ => {
            frame.push(mask_bit | 127);
            frame.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    if is_client {
        let mask = [0x37u8, 0xfa, 0x21, 0x3d];
        frame.extend_from_slice(&mask);
        frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
    } else {
        frame.extend_from_slice(payload);
    }
    stream.write_all(&frame)
}

/// Reads one whole message.
///
/// # Errors
/// When the connection ends or the frame is not one the kit understands.
pub fn read_message(stream: &mut impl Read) -> io::Result<Message> {
    let mut start = [0u8; 2];
    stream.read_exact(&mut start)?;
    let [first, second] = start;
    if first & 0x80 == 0 {
        return Err(io::Error::other("a message in several frames"));
    }
    let length = match second & 0x7f {
        126 => {
            let mut medium = [0u8; 2];
            stream.read_exact(&mut medium)?;
            u64::from(u16::from_be_bytes(medium))
        }
        127 => {
            let mut long = [0u8; 8];
            stream.read_exact(&mut long)?;
            u64::from_be_bytes(long)
        }
        short => u64::from(short),
    };
    let length = usize::try_from(length).map_err(io::Error::other)?;
    if length > limits::BODY_BYTES_MAX {
        return Err(io::Error::other(format!("a message of {length} bytes is too long")));
    }
    let mut mask = [0u8; 4];
    if second & 0x80 != 0 {
        stream.read_exact(&mut mask)?;
    }
    let mut payload = vec![0u8; length];
    stream.read_exact(&mut payload)?;
    for (byte, key) in payload.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= key;
    }
    match first & 0x0f {
        1 => Ok(Message::Text(String::from_utf8(payload).map_err(io::Error::other)?)),
        2 => Ok(Message::Binary(payload)),
        8 => Ok(Message::Close),
        9 => Ok(Message::Ping(payload)),
        10 => Ok(Message::Pong(payload)),
        code => Err(io::Error::other(format!("a frame of unknown kind {code}"))),
    }
}

/// An open WebSocket from the client's side.
#[derive(Debug)]
pub struct WebSocket {
    reader: BufReader<TcpStream>,
    /// The answer that opened it.
    pub answer: Answer,
}

impl WebSocket {
    /// Opens a WebSocket with the headers of `request` added to the handshake's.
    ///
    /// # Errors
    /// The answer, when it is not 101 with the right key.
    ///
    /// # Panics
    /// When there is no answer at all.
    pub fn open(request: Request) -> Result<WebSocket, Answer> {
        let key = base64(b"doorward-testkit");
        let request = request
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", &key);
        let opened = TcpStream::connect(request.address.socket()).and_then(|mut stream| {
            stream.set_read_timeout(Some(limits::HTTP_EXCHANGE))?;
            stream.write_all(&request.bytes())?;
            let mut reader = BufReader::new(stream);
            let answer = Answer::read(&mut reader, false)?;
            Ok((reader, answer))
        });
        let (reader, answer) = opened.unwrap_or_else(|error| panic!("{}: no answer: {error}", request.url()));
        let is_open = (answer.status == 101) && (answer.header("sec-websocket-accept") == Some(&accept_for(&key)));
        if is_open { Ok(WebSocket { reader, answer }) } else { Err(answer) }
    }

    /// Sends a text message.
    ///
    /// # Errors
    /// What the connection said.
    pub fn send(&mut self, text: &str) -> io::Result<()> {
        write_message(self.reader.get_mut(), &Message::Text(text.to_owned()), true)
    }

    /// Waits for the next message.
    ///
    /// # Errors
    /// When the connection ends or stays silent.
    pub fn receive(&mut self) -> io::Result<Message> {
        read_message(&mut self.reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_handshake_example_of_the_standard() {
        assert_eq!(accept_for("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn messages_of_every_length_survive() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            for is_client in [false, true] {
                let message = Message::Text("x".repeat(length));
                let mut wire = Vec::new();
                write_message(&mut wire, &message, is_client).expect("a vector takes everything");
                assert_eq!(read_message(&mut wire.as_slice()).expect("a whole frame"), message);
            }
        }
    }
}
