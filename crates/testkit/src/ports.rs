//! Loopback ports for peers: each handed out once in this process, free at the moment of asking.
//! Taken from below the kernel's own range, so that an outgoing connection cannot take one in between.

use std::collections::HashSet;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::limits;

/// A loopback port nobody listens on and this process has not handed out before.
///
/// # Panics
/// When none of the range is free.
pub fn free_port() -> u16 {
    static TAKEN: OnceLock<Mutex<HashSet<u16>>> = OnceLock::new();
    let mut taken = TAKEN.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    let count = u32::from(limits::PORT_COUNT);
    // Processes running side by side start at different places.
    let start = std::process::id().wrapping_mul(131) % count;
    for step in 0..count {
        let offset = u16::try_from((start + step) % count).unwrap_or(0);
        let port = limits::PORT_FIRST + offset;
        if taken.contains(&port) {
            continue;
        }
        taken.insert(port);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no free loopback port in the kit's range: end what listens there");
}

#[cfg(test)]
mod tests {
    use super::free_port;

    #[test]
    fn ports_are_distinct() {
        let mut ports: Vec<u16> = (0..50).map(|_| free_port()).collect();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 50);
    }
}
