//! Processors of its own for each side, where what is measured is short: a load that shares them with the server wakes it,
//! and is woken by it, for every answer, and that costs more than the work.

use std::process::Command;

/// The processors of this machine in two halves. They are everybody's again when this is dropped.
pub struct Halves {
    all: Vec<usize>,
    load: Vec<usize>,
    server: Vec<usize>,
}

impl Halves {
    /// Splits the processors this program may use; it goes on with the first half. `None` when there is one alone.
    pub fn split() -> Option<Halves> {
        let status = std::fs::read_to_string("/proc/self/status").expect("what the system says of this program");
        let line = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).expect("a list");
        let all = numbers(line.trim());
        let (load, server) = all.split_at(all.len() / 2);
        let halves = Halves { load: load.to_vec(), server: server.to_vec(), all };
        if halves.load.is_empty() {
            return None;
        }
        keep_to(&halves.load);
        Some(halves)
    }

    /// Does something on the processors of the server: whatever is started there stays there.
    pub fn at_server<T>(&self, work: impl FnOnce() -> T) -> T {
        keep_to(&self.server);
        let done = work();
        keep_to(&self.load);
        done
    }

    /// How many the load has.
    pub fn load(&self) -> usize {
        self.load.len()
    }
}

impl Drop for Halves {
    fn drop(&mut self) {
        keep_to(&self.all);
    }
}

/// Keeps this thread, and whatever it starts, to some processors.
fn keep_to(processors: &[usize]) {
    let list = processors.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let thread = std::process::id().to_string();
    let ran = Command::new("taskset").args(["--cpu-list", "--pid", &list, &thread]).output().expect("util-linux");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

/// The numbers of a list such as `0-3,6`.
fn numbers(list: &str) -> Vec<usize> {
    let number = |text: &str| text.parse::<usize>().expect("a number");
    let all = list.split(',').flat_map(|part| match part.split_once('-') {
        Some((first, last)) => number(first)..=number(last),
        None => number(part)..=number(part),
    });
    all.collect()
}
