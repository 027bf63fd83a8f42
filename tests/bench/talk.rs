//! Conversations: kept connections on which each question follows from the answer before, for what cannot be prepared
//! (codes and refresh tokens are good once).

use crate::limits;
use crate::load::Round;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// One side of a conversation, which goes on over rounds.
pub trait Talker: Send + 'static {
    /// One turn, however many questions it takes.
    fn turn(&mut self, line: &mut Line) -> impl Future<Output = ()> + Send;
}

/// A kept connection.
pub struct Line {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Line {
    async fn open(port: u16) -> Line {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.expect("a server that listens");
        stream.set_nodelay(true).expect("a socket option");
        Line { stream, buffer: Vec::new() }
    }

    /// One question and the whole answer, which must have this status.
    pub async fn ask(&mut self, question: &str, status: &str) -> &str {
        self.stream.write_all(question.as_bytes()).await.expect("a connection that stays open");
        self.buffer.clear();
        while whole(&self.buffer).is_none_or(|length| self.buffer.len() < length) {
            let count = self.stream.read_buf(&mut self.buffer).await.expect("a connection that stays open");
            assert!(count > 0, "the server hung up");
        }
        let answer = std::str::from_utf8(&self.buffer).expect("text");
        assert!(answer.get(9..).is_some_and(|rest| rest.starts_with(status)), "{question}\n\n{answer}");
        answer
    }
}

/// The length of an answer, once its head is there.
pub fn whole(answer: &[u8]) -> Option<usize> {
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(answer.get(..head)?).ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    Some(head + length.unwrap_or(0))
}

/// What stands between two pieces of an answer.
pub fn between<'a>(answer: &'a str, before: &str, after: char) -> &'a str {
    let (_, rest) = answer.split_once(before).unwrap_or_else(|| panic!("no {before} in {answer}"));
    rest.split(after).next().unwrap_or(rest)
}

/// A question with a form.
pub fn form(path: &str, fields: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: doorward.localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{fields}",
        fields.len()
    )
}

/// Lets everybody talk for a while, each on a connection of their own, and gives them back.
pub fn for_a_while<T: Talker>(port: u16, talkers: Vec<T>, time: Duration) -> (Round, Vec<T>) {
    let begun = Instant::now();
    let mut shares: Vec<Vec<T>> = (0..limits::LOAD_THREADS).map(|_| Vec::new()).collect();
    for (number, talker) in talkers.into_iter().enumerate() {
        shares.get_mut(number % limits::LOAD_THREADS).expect("a thread").push(talker);
    }
    let threads: Vec<_> = shares.into_iter().map(|share| std::thread::spawn(move || talk(port, share, time))).collect();
    let (mut latencies, mut all) = (Vec::new(), Vec::new());
    for thread in threads {
        for (talker, taken) in thread.join().expect("a thread of the load") {
            all.push(talker);
            latencies.extend(taken);
        }
    }
    (Round { count: latencies.len(), seconds: begun.elapsed().as_secs_f64(), latencies }, all)
}

fn talk<T: Talker>(port: u16, talkers: Vec<T>, time: Duration) -> Vec<(T, Vec<f64>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let tasks: Vec<_> = talkers.into_iter().map(|talker| tokio::spawn(one(port, talker, time))).collect();
        let mut outcomes = Vec::new();
        for task in tasks {
            outcomes.push(task.await.expect("a conversation that goes well"));
        }
        outcomes
    })
}

async fn one<T: Talker>(port: u16, mut talker: T, time: Duration) -> (T, Vec<f64>) {
    let mut line = Line::open(port).await;
    let begun = Instant::now();
    let mut latencies = Vec::new();
    while begun.elapsed() < time {
        let started = Instant::now();
        talker.turn(&mut line).await;
        latencies.push(started.elapsed().as_secs_f64() * 1e6);
    }
    (talker, latencies)
}
