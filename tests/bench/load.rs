//! The HTTP load: kept connections that ask prepared questions one after the other and read the answers' heads. As
//! lean as it can be, because it runs on the same cores as what it measures.

use crate::limits;
use crate::talk::whole;
use std::net::Ipv4Addr;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Prepared questions. What they have in common stands once, and only what tells them apart is kept for
/// each: a hundred thousand whole ones, read in turn, would push what is measured out of the processors'
/// caches.
pub struct Questions {
    common: [String; 3],
    own: Vec<(Box<str>, Box<str>)>,
    /// Whether answers have a body.
    bodies: bool,
    /// How many threads ask.
    threads: usize,
    /// Whether they never sleep: then nobody has to wake them.
    awake: bool,
}

/// Prepared questions, shared by the threads of the load.
pub type Requests = Arc<Questions>;

impl Questions {
    /// From the three pieces all questions have in common, and the two between them that each has of its own.
    pub fn new(common: [String; 3], own: Vec<(Box<str>, Box<str>)>) -> Questions {
        Questions { common, own, bodies: false, threads: limits::LOAD_THREADS, awake: false }
    }

    /// Whose answers have a body.
    pub fn with_bodies(self) -> Questions {
        Questions { bodies: true, ..self }
    }

    /// Asked by as many threads as there are processors for them alone, which never sleep.
    pub fn on_processors_of_its_own(self, threads: usize) -> Questions {
        Questions { threads, awake: true, ..self }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.own.len()
    }

    /// Writes one question, counted round, in place of what was there.
    pub fn write(&self, number: usize, question: &mut Vec<u8>) {
        let (first, second) = self.own.get(number % self.own.len()).expect("questions");
        let [before, between, after] = &self.common;
        question.clear();
        for piece in [before, &**first, between, second, after] {
            question.extend_from_slice(piece.as_bytes());
        }
    }
}

/// What one round gave.
#[derive(Debug, Default)]
pub struct Round {
    /// Answers.
    pub count: usize,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Every answer's time, in microseconds.
    pub latencies: Vec<f64>,
}

impl Round {
    /// Answers a second.
    pub fn rate(&self) -> f64 {
        self.count as f64 / self.seconds
    }
}

#[derive(Clone, Copy)]
enum Until {
    Each,
    Passed(Duration),
}

/// Asks every question once.
pub fn each_once(port: u16, requests: &Requests) -> Round {
    drive(port, requests, Until::Each)
}

/// Asks for a while, over and over again.
pub fn for_a_while(port: u16, requests: &Requests, time: Duration) -> Round {
    drive(port, requests, Until::Passed(time))
}

/// Asks some questions one after the other on one connection; gives each answer's time in microseconds.
pub fn one_by_one(port: u16, requests: &Questions, numbers: Range<usize>) -> Vec<f64> {
    let runtime = runtime();
    runtime.block_on(async {
        let mut connection = Connection::open(port).await;
        let mut latencies = Vec::new();
        for number in numbers {
            latencies.push(connection.ask(requests, number).await);
        }
        latencies
    })
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn drive(port: u16, requests: &Requests, until: Until) -> Round {
    let begun = Instant::now();
    let threads: Vec<_> = (0..requests.threads)
        .map(|thread| {
            let requests = requests.clone();
            std::thread::spawn(move || {
                runtime().block_on(async {
                    let numbers = (thread..limits::CONNECTIONS).step_by(requests.threads);
                    let awake = requests.awake.then(|| tokio::spawn(never_sleep()));
                    let tasks: Vec<_> =
                        numbers.map(|number| tokio::spawn(connection(port, number, requests.clone(), until))).collect();
                    let mut latencies = Vec::new();
                    for task in tasks {
                        latencies.extend(task.await.expect("a connection that answers"));
                    }
                    awake.iter().for_each(tokio::task::JoinHandle::abort);
                    latencies
                })
            })
        })
        .collect();
    let mut latencies = Vec::new();
    for thread in threads {
        latencies.extend(thread.join().expect("a thread of the load"));
    }
    Round { count: latencies.len(), seconds: begun.elapsed().as_secs_f64(), latencies }
}

async fn never_sleep() {
    loop {
        tokio::task::yield_now().await;
    }
}

async fn connection(port: u16, number: usize, requests: Requests, until: Until) -> Vec<f64> {
    let mut connection = Connection::open(port).await;
    let share = requests.count() / limits::CONNECTIONS;
    let first = number * share;
    let mut latencies = Vec::with_capacity(share);
    match until {
        Until::Each => {
            let last = if number + 1 == limits::CONNECTIONS { requests.count() } else { first + share };
            for number in first..last {
                latencies.push(connection.ask(&requests, number).await);
            }
        }
        Until::Passed(time) => {
            let begun = Instant::now();
            for number in first.. {
                latencies.push(connection.ask(&requests, number).await);
                if begun.elapsed() >= time {
                    break;
                }
            }
        }
    }
    latencies
}

struct Connection {
    stream: TcpStream,
    question: Vec<u8>,
    buffer: Box<[u8]>,
}

impl Connection {
    async fn open(port: u16) -> Connection {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.expect("a server that listens");
        stream.set_nodelay(true).expect("a socket option");
        Connection { stream, question: Vec::new(), buffer: vec![0; 16_384].into() }
    }

    /// One question and its answer, which must be a 200; gives its time in microseconds.
    async fn ask(&mut self, requests: &Questions, number: usize) -> f64 {
        requests.write(number, &mut self.question);
        let begun = Instant::now();
        self.stream.write_all(&self.question).await.expect("a connection that stays open");
        let mut filled = 0;
        loop {
            let space = self.buffer.get_mut(filled..).unwrap_or_default();
            let count = self.stream.read(space).await.expect("a connection that stays open");
            assert!(count > 0, "the server hung up");
            filled += count;
            let answer = self.buffer.get(..filled).unwrap_or_default();
            let is_whole = match requests.bodies {
                true => whole(answer).is_some_and(|length| length <= filled),
                false => answer.ends_with(b"\r\n\r\n"),
            };
            if is_whole {
                assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(answer));
                return begun.elapsed().as_secs_f64() * 1e6;
            }
        }
    }
}
