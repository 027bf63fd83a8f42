//! A connection to a directory: one operation after the other. Whoever stops waiting for one drops the connection with it,
//! so that no answer is ever taken for another question's.

use crate::limits;
use crate::protocol::ber;
use crate::protocol::message::{self, Answer, Entry, Outcome, Page, START_TLS, Search};
use crate::trouble::Trouble;
use doorward_engine::federation::directory::filter::Filter;
use doorward_engine::federation::settings::{LdapSettings, Security, Server};
use doorward_model::fault::plain;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// The directory says that it did it.
pub(crate) const SUCCESS: i64 = 0;
/// There were more entries than wanted.
const TOO_MANY: i64 = 4;
/// There is no such entry.
pub(crate) const NO_SUCH_ENTRY: i64 = 32;
/// Name or password are wrong, or the account is not to be used.
pub(crate) const WRONG: i64 = 49;

trait Stream: AsyncRead + AsyncWrite + Unpin + Send + Sync {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + Sync> Stream for T {}

/// How much one question may take and bring, over all its messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    whole: Duration,
    until: Instant,
    messages: u64,
    bytes: u64,
}

impl Bounds {
    /// Of a question somebody waits for.
    pub(crate) fn of_question(settings: &LdapSettings) -> Self {
        let whole = Duration::from_secs(u64::from(settings.answer_seconds)) * limits::QUESTION_ANSWERS;
        Self::within(whole, limits::QUESTION_MESSAGES, limits::QUESTION_BYTES)
    }

    /// Of reading everybody.
    pub(crate) fn of_reading() -> Self {
        Self::within(limits::READING_TIME, limits::READING_MESSAGES, limits::READING_BYTES)
    }

    fn within(whole: Duration, messages: u64, bytes: u64) -> Self {
        Self { whole, until: Instant::now() + whole, messages, bytes }
    }

    /// How long the next step may take that may take so long by itself.
    fn patience(&self, patience: Duration) -> Duration {
        patience.min(self.until.saturating_duration_since(Instant::now()))
    }
}

/// An open connection.
pub(crate) struct Wire {
    stream: Box<dyn Stream>,
    server: Server,
    /// What has arrived: answered up to `begin`, in use up to `end`.
    buffer: Vec<u8>,
    begin: usize,
    end: usize,
    last: i32,
    patience: Duration,
    bounds: Bounds,
}

impl Wire {
    /// Connects, by TLS if the server is to prove who it is.
    ///
    /// # Errors
    /// [`Trouble`]: nobody there, or not who it should be.
    pub(crate) async fn connect(
        server: &Server,
        tls: Option<Arc<ClientConfig>>,
        (patience_connecting, patience): (Duration, Duration),
        bounds: Bounds,
    ) -> Result<Self, Trouble> {
        let slow = |_| slow(server, patience_connecting);
        let opened = timeout(bounds.patience(patience_connecting), Self::open(server, tls, (patience, bounds))).await;
        opened.map_err(slow)?
    }

    async fn open(
        server: &Server,
        tls: Option<Arc<ClientConfig>>,
        patience: (Duration, Bounds),
    ) -> Result<Self, Trouble> {
        let gone = |error: std::io::Error| Trouble::Unreachable { server: server.shown(), why: plain(&error) };
        let tcp = TcpStream::connect((server.host.as_str(), server.port)).await.map_err(gone)?;
        // Questions are small and wait for their answers.
        tcp.set_nodelay(true).map_err(gone)?;
        match (server.security, tls) {
            (Security::Tls, Some(config)) => {
                let stream = secure(server, config, tcp).await?;
                Ok(Self::over(stream, server, patience))
            }
            (Security::StartTls, Some(config)) => {
                let mut clear = Self::over(tcp, server, patience);
                let asked = clear.next_id();
                clear.send(message::extended(asked, START_TLS, None)).await?;
                let outcome = clear.outcome(asked).await?;
                if outcome.code != SUCCESS {
                    return Err(Trouble::NoStartTls { server: server.shown(), code: outcome.code });
                }
                // What was sent ahead in clear could be anybody's.
                if clear.begin != clear.end {
                    return Err(malformed(server, "it said something in clear after agreeing to TLS"));
                }
                let stream = secure(server, config, clear.stream).await?;
                Ok(Self::over(stream, server, patience))
            }
            (Security::Clear, _) => Ok(Self::over(tcp, server, patience)),
            (_, None) => Err(Trouble::Tls { server: server.shown(), why: "nothing says whom to trust".to_owned() }),
        }
    }

    fn over(stream: impl Stream + 'static, server: &Server, (patience, bounds): (Duration, Bounds)) -> Self {
        let stream = Box::new(stream);
        Self { stream, server: server.clone(), buffer: Vec::new(), begin: 0, end: 0, last: 0, patience, bounds }
    }

    /// From now on this much, whatever came before.
    pub(crate) fn allow(&mut self, bounds: Bounds) {
        self.bounds = bounds;
    }

    /// The server at the other end.
    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// Says who one is. A name without a password is refused before anything is sent: directories take it for nobody, and
    /// say yes (RFC 4513 §5.1.2).
    ///
    /// # Errors
    /// [`Trouble`]; a wrong password is none, but an outcome.
    pub(crate) async fn bind(&mut self, name: &str, password: &[u8]) -> Result<Outcome, Trouble> {
        // A zero byte ends text for programs in C, which would see an empty password behind it.
        if password.is_empty() || password.contains(&0) || name.is_empty() {
            return Ok(Outcome { code: WRONG, ..Outcome::default() });
        }
        self.bind_as(name, password).await
    }

    async fn bind_as(&mut self, name: &str, password: &[u8]) -> Result<Outcome, Trouble> {
        self.act(|id| message::bind(id, name, password)).await
    }

    /// Asks for something that is done or not.
    ///
    /// # Errors
    /// [`Trouble`]; a refusal is none, but an outcome.
    pub(crate) async fn act(&mut self, question: impl FnOnce(i32) -> ber::Writer) -> Result<Outcome, Trouble> {
        let asked = self.next_id();
        let question = question(asked);
        let (patience, slow) = self.patience();
        let answering = async {
            self.send(question).await?;
            self.outcome(asked).await
        };
        timeout(patience, answering).await.unwrap_or(Err(slow))
    }

    /// Searches; every entry is handed over as it arrives. More than wanted is no trouble: the rest is not sent.
    ///
    /// # Errors
    /// [`Trouble`], also the one the receiver of entries has.
    pub(crate) async fn search(
        &mut self,
        search: &Search<'_>,
        page: Option<Page<'_>>,
        mut each: impl FnMut(&Entry<'_>) -> Result<(), Trouble> + Send,
    ) -> Result<Outcome, Trouble> {
        let asked = self.next_id();
        let server = self.server.clone();
        let (patience, slow) = self.patience();
        timeout(patience, self.send(message::search(asked, search, page))).await.map_err(|_| slow)??;
        loop {
            // Long answers may take their time as long as they go on, and the whole question has some left.
            let (patience, slow) = self.patience();
            let received = timeout(patience, self.receive()).await;
            let (id, answer) = received.map_err(|_| slow)??;
            if id != i64::from(asked) {
                return Err(malformed(&server, "it answered something that was not asked"));
            }
            match answer {
                Answer::Entry(entry) => each(&entry)?,
                Answer::Elsewhere | Answer::Other => {}
                Answer::Done(outcome) => return Ok(outcome),
            }
        }
    }

    /// The entries that fit, in one answer.
    ///
    /// # Errors
    /// As [`Wire::search`], and [`Trouble::Refused`] unless the directory did it.
    pub(crate) async fn find(
        &mut self,
        search: &Search<'_>,
        each: impl FnMut(&Entry<'_>) -> Result<(), Trouble> + Send,
    ) -> Result<(), Trouble> {
        let outcome = self.search(search, None, each).await?;
        match outcome.code {
            SUCCESS => Ok(()),
            TOO_MANY if search.most > 0 => Ok(()),
            _ => Err(self.refused_below(search, "a search", outcome)),
        }
    }

    /// Everything that fits, page after page.
    ///
    /// # Errors
    /// As [`Wire::find`].
    pub(crate) async fn every(
        &mut self,
        search: &Search<'_>,
        size: u32,
        mut each: impl FnMut(&Entry<'_>) -> Result<(), Trouble> + Send,
    ) -> Result<(), Trouble> {
        let mut cookie = Vec::new();
        loop {
            let page = Page { size, cookie: &cookie };
            let outcome = self.search(search, Some(page), &mut each).await?;
            if outcome.code != SUCCESS {
                return Err(self.refused_below(search, "a page of a search", outcome));
            }
            if outcome.cookie.is_empty() {
                return Ok(());
            }
            cookie = outcome.cookie;
        }
    }

    /// How long the next step may take, and what is told when it takes longer.
    fn patience(&self) -> (Duration, Trouble) {
        let left = self.bounds.patience(self.patience);
        let told = if left < self.patience { self.bounds.whole } else { self.patience };
        (left, slow(&self.server, told))
    }

    fn next_id(&mut self) -> i32 {
        self.last = if self.last == i32::MAX { 1 } else { self.last + 1 };
        self.last
    }

    async fn send(&mut self, question: ber::Writer) -> Result<(), Trouble> {
        let sent = async {
            self.stream.write_all(question.bytes()).await?;
            self.stream.flush().await
        };
        let server = self.server.shown();
        sent.await.map_err(|error| Trouble::Unreachable { server, why: plain(&error) })
    }

    async fn outcome(&mut self, asked: i32) -> Result<Outcome, Trouble> {
        loop {
            match self.receive().await? {
                (id, Answer::Done(outcome)) if id == i64::from(asked) => return Ok(outcome),
                (id, _) if id == i64::from(asked) => {}
                // Number 0 is the server's own: it says that it goes (RFC 4511 §4.4.1).
                _ => return Err(malformed(&self.server, "it answered something that was not asked")),
            }
        }
    }

    /// The next message.
    async fn receive(&mut self) -> Result<(i64, Answer<'_>), Trouble> {
        let left = self.bounds.messages.checked_sub(1);
        self.bounds.messages = left.ok_or_else(|| self.too_much("too many entries"))?;
        let length = loop {
            let there = self.buffer.get(self.begin..self.end).unwrap_or_default();
            let extent = ber::extent(there).map_err(|error| malformed(&self.server, &error.to_string()))?;
            match extent {
                Some((head, content)) if content > limits::MESSAGE_BYTES => {
                    return Err(malformed(
                        &self.server,
                        &format!("it sent a message of {} bytes", head.saturating_add(content)),
                    ));
                }
                Some((head, content)) if there.len() >= head + content => break head + content,
                Some((head, content)) => self.fill(head + content).await?,
                None => self.fill(limits::READ_BYTES).await?,
            }
        };
        let (from, to) = (self.begin, self.begin + length);
        self.begin = to;
        let (server, bytes) = (&self.server, self.buffer.get(from..to).unwrap_or_default());
        message::read(bytes).map_err(|error| Trouble::Malformed { server: server.shown(), why: error.to_string() })
    }

    /// Reads more, with room for a message of that length.
    async fn fill(&mut self, length: usize) -> Result<(), Trouble> {
        if self.begin > 0 {
            self.buffer.copy_within(self.begin..self.end, 0);
            self.end -= self.begin;
            self.begin = 0;
        }
        let wanted = length.max(limits::READ_BYTES);
        if self.buffer.len() < wanted {
            // In steps: a length is only a promise.
            let step = self.buffer.len().saturating_mul(2).max(limits::READ_BYTES);
            let room = if self.end == self.buffer.len() { step } else { self.buffer.len().max(limits::READ_BYTES) };
            self.buffer.resize(room.min(wanted).max(self.end + 1), 0);
        }
        let Some(room) = self.buffer.get_mut(self.end..) else {
            return Err(malformed(&self.server, "it sent too much"));
        };
        let server = self.server.shown();
        let read = self.stream.read(room).await;
        let count = read.map_err(|error| Trouble::Unreachable { server, why: plain(&error) })?;
        if count == 0 {
            return Err(Trouble::Unreachable { server: self.server.shown(), why: "it hung up".to_owned() });
        }
        self.end += count;
        let left = self.bounds.bytes.checked_sub(count as u64);
        self.bounds.bytes = left.ok_or_else(|| self.too_much("too many bytes"))?;
        Ok(())
    }

    fn too_much(&self, what: &'static str) -> Trouble {
        Trouble::TooMuch { server: self.server.shown(), what }
    }

    /// The directory did not search there: which entry it does not know is what one has to know.
    fn refused_below(&self, search: &Search<'_>, what: &'static str, outcome: Outcome) -> Trouble {
        let Outcome { code, words, .. } = outcome;
        let words = match code {
            NO_SUCH_ENTRY => format!("below {}, {words}", search.base),
            _ => words,
        };
        Trouble::refused(&self.server, what, code, words.trim_end_matches(", "))
    }

    /// The directory did not do it.
    pub(crate) fn refused(&self, what: &'static str, outcome: Outcome) -> Trouble {
        let Outcome { code, words, .. } = outcome;
        Trouble::refused(&self.server, what, code, &words)
    }
}

fn slow(server: &Server, patience: Duration) -> Trouble {
    Trouble::Slow { server: server.shown(), seconds: patience.as_secs() }
}

fn malformed(server: &Server, why: &str) -> Trouble {
    Trouble::Malformed { server: server.shown(), why: why.to_owned() }
}

/// Why TLS did not come about, with what to do where that can be told.
fn unproved(why: &str) -> String {
    let how = match why {
        _ if why.contains("UnknownIssuer") => {
            "no authority that counts here has signed its certificate: name a file with that authority (--ca-file, ldap.ca_file)"
        }
        _ if why.contains("CaUsedAsEndEntity") => {
            "its certificate is an authority's own (self-signed with CA:TRUE): give it one that an authority has signed, and name that one's file (--ca-file, ldap.ca_file)"
        }
        _ if why.contains("handshake eof") || why.contains("corrupt message") => {
            "it speaks no TLS there: for LDAP in clear with StartTLS write ldap:// and --start-tls (ldap.start_tls)"
        }
        _ => return why.to_owned(),
    };
    format!("{how} ({why})")
}

async fn secure(
    server: &Server,
    config: Arc<ClientConfig>,
    stream: impl Stream + 'static,
) -> Result<impl Stream + 'static, Trouble> {
    let failed = |why: String| Trouble::Tls { server: server.shown(), why };
    let name = ServerName::try_from(server.host.clone()).map_err(|error| failed(error.to_string()))?;
    TlsConnector::from(config).connect(name, stream).await.map_err(|error| failed(unproved(&error.to_string())))
}

/// A filter every entry fits.
pub(crate) fn anything() -> Filter {
    Filter::Present("objectClass".to_owned())
}
