//! A cable between a program and its server that a test can unplug: a TCP relay on loopback that stops passing bytes,
//! hangs up, forgets the connections it carries, or leads to another server.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::limits;

/// What happens to bytes and to new connections.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// All goes through.
    Open,
    /// Connections are taken, and nothing goes through.
    Held,
    /// New connections are hung up at once.
    Cut,
}

struct State {
    way: Way,
    target: u16,
    /// Grows when the connections so far are forgotten: nothing of theirs goes through any more.
    generation: u64,
    ends: Vec<TcpStream>,
    is_over: bool,
}

/// A relay. It ends when dropped.
pub struct Relay {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Gone;

struct Shared {
    state: Mutex<State>,
    moved: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, act: impl FnOnce(&mut State)) {
        act(&mut self.lock());
        self.moved.notify_all();
    }

    /// Waits until a connection of this generation may carry bytes.
    fn pass(&self, generation: u64) -> Result<(), Gone> {
        let mut state = self.lock();
        loop {
            if state.is_over {
                return Err(Gone);
            }
            if state.way == Way::Open && state.generation == generation {
                return Ok(());
            }
            let waited = self.moved.wait_timeout(state, Duration::from_secs(1));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Relay {
    /// A relay to a loopback port.
    ///
    /// # Panics
    /// When it cannot listen.
    pub fn to(target: u16) -> Relay {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port is free");
        let port = listener.local_addr().expect("it listens").port();
        let state = State { way: Way::Open, target, generation: 0, ends: Vec::new(), is_over: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), moved: Condvar::new() });
        let accepting = shared.clone();
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                if accepting.lock().is_over {
                    return;
                }
                let _ = carry(&accepting, near);
            }
        });
        Relay { port, shared }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Passes everything on.
    pub fn open(&self) {
        self.shared.change(|state| state.way = Way::Open);
    }

    /// Takes connections and bytes and passes nothing on: neither end learns anything.
    pub fn hold(&self) {
        self.shared.change(|state| state.way = Way::Held);
    }

    /// Hangs up on everybody, and on whoever comes.
    pub fn cut(&self) {
        self.shared.change(|state| {
            state.way = Way::Cut;
            hang_up(state);
        });
    }

    /// Forgets the connections there are, without telling either end; new ones pass. So does a router that was replaced.
    pub fn forget(&self) {
        self.shared.change(|state| state.generation += 1);
    }

    /// Leads to another port from now on; who is connected is hung up on.
    pub fn lead_to(&self, target: u16) {
        self.shared.change(|state| {
            state.target = target;
            hang_up(state);
        });
    }
}

fn hang_up(state: &mut State) {
    for end in state.ends.drain(..) {
        let _ = end.shutdown(Shutdown::Both);
    }
}

fn carry(shared: &Arc<Shared>, near: TcpStream) -> io::Result<()> {
    let (way, target, generation) = {
        let state = shared.lock();
        (state.way, state.target, state.generation)
    };
    if way == Way::Cut {
        return near.shutdown(Shutdown::Both);
    }
    let Ok(far) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)) else { return near.shutdown(Shutdown::Both) };
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    shared.lock().ends.extend([near.try_clone()?, far.try_clone()?]);
    for (from, to) in [(near.try_clone()?, far.try_clone()?), (far, near)] {
        let shared = shared.clone();
        std::thread::spawn(move || pump(&shared, from, to, generation));
    }
    Ok(())
}

fn pump(shared: &Shared, mut from: TcpStream, mut to: TcpStream, generation: u64) {
    let mut chunk = vec![0u8; limits::RELAY_CHUNK_BYTES];
    while let Ok(count) = from.read(&mut chunk) {
        // An end that closes is not told while nothing passes.
        if shared.pass(generation).is_err() || count == 0 {
            break;
        }
        if to.write_all(chunk.get(..count).unwrap_or_default()).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.change(|state| {
            state.is_over = true;
            hang_up(state);
        });
        // Wakes the thread that accepts.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says back what it hears.
    fn parrot() -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("it listens").port();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut again = stream.try_clone().expect("a second handle");
                std::thread::spawn(move || io::copy(&mut stream, &mut again));
            }
        });
        port
    }

    fn says(stream: &mut TcpStream) -> io::Result<Option<u8>> {
        stream.write_all(b"x")?;
        let mut byte = [0u8; 1];
        Ok((stream.read(&mut byte)? == 1).then_some(byte[0]))
    }

    fn dial(relay: &Relay) -> TcpStream {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, relay.port())).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_millis(300))).expect("a limit");
        stream
    }

    #[test]
    fn passes_holds_forgets_and_cuts() {
        let relay = Relay::to(parrot());
        let mut first = dial(&relay);
        assert_eq!(says(&mut first).expect("an answer"), Some(b'x'));
        relay.hold();
        assert!(says(&mut first).is_err() && says(&mut dial(&relay)).is_err(), "nothing passes");
        relay.open();
        let mut byte = [0u8; 1];
        first.set_read_timeout(Some(Duration::from_secs(5))).expect("a limit");
        first.read_exact(&mut byte).expect("what was held comes");
        relay.forget();
        first.set_read_timeout(Some(Duration::from_millis(300))).expect("a limit");
        assert!(
            says(&mut first).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock),
            "still open, and silent"
        );
        let mut second = dial(&relay);
        assert_eq!(says(&mut second).expect("an answer"), Some(b'x'));
        relay.cut();
        assert!(!says(&mut second).is_ok_and(|answer| answer.is_some()));
        assert!(!says(&mut dial(&relay)).is_ok_and(|answer| answer.is_some()));
        relay.open();
        relay.lead_to(parrot());
        assert_eq!(says(&mut dial(&relay)).expect("an answer"), Some(b'x'));
    }
}
