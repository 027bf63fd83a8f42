//! Resident memory: idle, and with many users in the database and many sessions in memory.

use crate::figure::{Budget, Figure};
use crate::limits;
use crate::load::{self, Requests};
use crate::seed::{Population, Site};
use doorward_testkit::door::{Door, DoorOptions};
use std::sync::Arc;

/// `bench memory`
pub fn run() -> bool {
    let tell = |figure, value, most| {
        Figure { bench: "memory", figure, value, unit: "MiB", baseline: None, ratio: None, budget: Budget::Max(most) }
            .tell()
    };
    let door = Door::start(DoorOptions::up());
    let is_kept = tell("idle", resting_mib(&door), limits::IDLE_MIB_MAX);
    drop(door);
    let site = Site::build(Population { users: limits::USERS_LOADED, sessions: limits::SESSIONS_LOADED });
    let requests: Requests = Arc::new(site.requests());
    // Twice: the second time everything is answered from memory.
    load::each_once(site.door.port(), &requests);
    load::each_once(site.door.port(), &requests);
    tell("100,000 users, 10,000 sessions loaded", resting_mib(&site.door), limits::LOADED_MIB_MAX) && is_kept
}

/// Resident memory after a while without work.
fn resting_mib(door: &Door) -> f64 {
    std::thread::sleep(limits::REST);
    door.process.resident_kib() as f64 / 1024.0
}
