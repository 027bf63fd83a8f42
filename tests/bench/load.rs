//! The HTTP load: kept connections that ask prepared questions one after the other and read the answers' heads. As
//! lean as it can be, because it runs on the same cores as what it measures.

use crate::limits;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Prepared questions.
pub type Requests = Arc<Vec<Box<[u8]>>>;

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
pub fn one_by_one(port: u16, requests: &[Box<[u8]>]) -> Vec<f64> {
    let runtime = runtime();
    runtime.block_on(async {
        let mut connection = Connection::open(port).await;
        let mut latencies = Vec::new();
        for request in requests {
            latencies.push(connection.ask(request).await);
        }
        latencies
    })
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn drive(port: u16, requests: &Requests, until: Until) -> Round {
    let begun = Instant::now();
    let threads: Vec<_> = (0..limits::LOAD_THREADS)
        .map(|thread| {
            let requests = requests.clone();
            std::thread::spawn(move || {
                runtime().block_on(async {
                    let numbers = (thread..limits::CONNECTIONS).step_by(limits::LOAD_THREADS);
                    let tasks: Vec<_> =
                        numbers.map(|number| tokio::spawn(connection(port, number, requests.clone(), until))).collect();
                    let mut latencies = Vec::new();
                    for task in tasks {
                        latencies.extend(task.await.expect("a connection that answers"));
                    }
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

async fn connection(port: u16, number: usize, requests: Requests, until: Until) -> Vec<f64> {
    let mut connection = Connection::open(port).await;
    let share = requests.len() / limits::CONNECTIONS;
    let first = number * share;
    let mut latencies = Vec::with_capacity(share);
    match until {
        Until::Each => {
            let last = if number + 1 == limits::CONNECTIONS { requests.len() } else { first + share };
            for request in requests.get(first..last).unwrap_or_default() {
                latencies.push(connection.ask(request).await);
            }
        }
        Until::Passed(time) => {
            let begun = Instant::now();
            for request in requests.iter().cycle().skip(first) {
                latencies.push(connection.ask(request).await);
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
    buffer: Box<[u8]>,
}

impl Connection {
    async fn open(port: u16) -> Connection {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.expect("a server that listens");
        stream.set_nodelay(true).expect("a socket option");
        Connection { stream, buffer: vec![0; 8192].into() }
    }

    /// One question and its answer, which must be a 200 without a body; gives its time in microseconds.
    async fn ask(&mut self, request: &[u8]) -> f64 {
        let begun = Instant::now();
        self.stream.write_all(request).await.expect("a connection that stays open");
        let mut filled = 0;
        loop {
            let space = self.buffer.get_mut(filled..).unwrap_or_default();
            let count = self.stream.read(space).await.expect("a connection that stays open");
            assert!(count > 0, "the server hung up");
            filled += count;
            let answer = self.buffer.get(..filled).unwrap_or_default();
            if answer.ends_with(b"\r\n\r\n") {
                assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(answer));
                return begun.elapsed().as_secs_f64() * 1e6;
            }
        }
    }
}
