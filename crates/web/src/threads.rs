//! Serving threads. Each carries its connections from the first byte to the last, with an event loop of its own: a
//! request is read, decided and answered without one thread waking another, which costs more than deciding does.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;

/// The threads that carry connections. They end with this.
#[derive(Debug)]
pub struct Threads {
    first: Thread,
    more: Vec<Thread>,
    _ends: watch::Sender<()>,
}

#[derive(Debug)]
struct Thread {
    handle: Handle,
    connections: Arc<AtomicUsize>,
}

impl Threads {
    /// Starts one for each processor.
    ///
    /// # Errors
    /// The system gives no thread, or nothing to wait for connections with.
    pub fn start() -> io::Result<Threads> {
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        let (ends, ended) = watch::channel(());
        let first = Thread::start(0, ended.clone())?;
        let more = (1..count).map(|number| Thread::start(number, ended.clone())).collect::<io::Result<_>>()?;
        Ok(Threads { first, more, _ends: ends })
    }

    /// A place for one connection, at the thread that has the fewest.
    pub fn seat(&self) -> Seat {
        let count = |thread: &Thread| thread.connections.load(Ordering::Relaxed);
        let fewest =
            self.more.iter().fold(&self.first, |least, one| if count(one) < count(least) { one } else { least });
        fewest.connections.fetch_add(1, Ordering::Relaxed);
        Seat { handle: fewest.handle.clone(), connections: fewest.connections.clone() }
    }
}

impl Thread {
    fn start(number: usize, mut ended: watch::Receiver<()>) -> io::Result<Thread> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        std::thread::Builder::new().name(format!("serve-{number}")).spawn(move || {
            // Nothing is ever sent: the wait ends when the sender is gone.
            runtime.block_on(async move { while ended.changed().await.is_ok() {} });
        })?;
        Ok(Thread { handle, connections: Arc::default() })
    }
}

/// A connection's place at a thread, given back when dropped.
#[derive(Debug)]
pub struct Seat {
    handle: Handle,
    connections: Arc<AtomicUsize>,
}

impl Seat {
    /// Hands the connection over to the thread.
    ///
    /// # Errors
    /// The system refuses to watch it there.
    pub fn adopt(&self, stream: TcpStream) -> io::Result<TcpStream> {
        let stream = stream.into_std()?;
        let _entered = self.handle.enter();
        TcpStream::from_std(stream)
    }

    /// Serves the connection at the thread, and gives the place back when it ends, however it ends.
    pub fn serve(self, serving: impl Future<Output = ()> + Send + 'static) {
        self.handle.clone().spawn(async move {
            let _seat = self;
            serving.await;
        });
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio::sync::oneshot;

    fn counts(threads: &Threads) -> Vec<usize> {
        let all = std::iter::once(&threads.first).chain(&threads.more);
        all.map(|thread| thread.connections.load(Ordering::Relaxed)).collect()
    }

    async fn nobody_is_seated(threads: &Threads) -> bool {
        for _ in 0..500 {
            if counts(threads).iter().all(|count| *count == 0) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        false
    }

    #[tokio::test]
    async fn seats_go_round_and_come_back_however_a_connection_ends() -> io::Result<()> {
        let threads = Threads::start()?;
        let seats: Vec<_> = (0..2 * counts(&threads).len()).map(|_| threads.seat()).collect();
        assert!(counts(&threads).iter().all(|count| *count == 2), "{threads:?}");
        let (mut calm, mut sudden) = (Vec::new(), Vec::new());
        for (number, seat) in seats.into_iter().enumerate() {
            if number % 2 == 0 { calm.push(seat) } else { sudden.push(seat) }
        }
        calm.into_iter().for_each(|seat| seat.serve(async {}));
        sudden.into_iter().for_each(|seat| seat.serve(async { std::panic::resume_unwind(Box::new("a handler fell")) }));
        assert!(nobody_is_seated(&threads).await, "{threads:?}");
        Ok(())
    }

    #[tokio::test]
    async fn an_adopted_connection_lives_at_its_thread() -> io::Result<()> {
        let threads = Threads::start()?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let mut client = TcpStream::connect(listener.local_addr()?).await?;
        let seat = threads.seat();
        let mut stream = seat.adopt(listener.accept().await?.0)?;
        let (tell, told) = oneshot::channel();
        seat.serve(async move {
            let mut bytes = [0; 2];
            let _ = stream.read_exact(&mut bytes).await;
            let _ = stream.write_all(&bytes).await;
            let _ = tell.send(std::thread::current().name().map(str::to_owned));
        });
        client.write_all(b"hi").await?;
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await?;
        assert_eq!(answer, b"hi");
        assert!(told.await.is_ok_and(|name| name.is_some_and(|name| name.starts_with("serve-"))));
        Ok(())
    }
}
