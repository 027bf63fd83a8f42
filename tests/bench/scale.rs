//! The gate with a million users against the gate with a thousand: the same load, the same number of sessions.

use crate::figure::{Budget, Figure, median};
use crate::gate::{self, Side, compare_with};
use crate::limits;
use crate::load::{self, Requests};
use crate::seed::{Population, Site};
use std::sync::Arc;

/// `bench scale`
pub fn run() -> bool {
    let few = Site::build(Population { users: limits::USERS, sessions: limits::SESSIONS_SCALE });
    let many = Site::build(Population { users: limits::USERS_MANY, sessions: limits::SESSIONS_SCALE });
    let of_few: Requests = Arc::new(few.requests());
    let of_many: Requests = Arc::new(many.requests());
    let (first_few, first_many) = first_sights((&few, &of_few), (&many, &of_many));
    let side = |site: &Site| Side::new(site.door.port(), site.door.process.pid());
    let (large, small) = compare_with(side(&many), side(&few), (&of_many, &of_few));
    let is_kept = gate::tell("scale", &large, &small, limits::SCALE_RATIO_MIN);
    let (value, baseline) = (first_many, Some(first_few));
    let figure = "first sight of a pass";
    Figure { bench: "scale", figure, value, unit: "us", baseline, ratio: None, budget: Budget::None }.tell();
    is_kept
}

/// Median times of checks that must ask the database, in turn on both sides, in microseconds.
fn first_sights((few, of_few): (&Site, &Requests), (many, of_many): (&Site, &Requests)) -> (f64, f64) {
    let (mut times_few, mut times_many) = (Vec::new(), Vec::new());
    let part = limits::FIRST_SIGHTS / 10;
    for first in (0..limits::FIRST_SIGHTS).step_by(part) {
        times_few.extend(load::one_by_one(few.door.port(), of_few, first..first + part));
        times_many.extend(load::one_by_one(many.door.port(), of_many, first..first + part));
    }
    (median(&times_few), median(&times_many))
}
