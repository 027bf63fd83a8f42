//! Every kind of credential shown at every place that takes any: only what belongs there is taken, in one realm and
//! across two. The tables say what belongs where; what the product has and they do not makes a test fail.
#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod canary;
mod ground;
mod issue;
mod kinds;
mod places;
mod realms;
mod routes;

use doorward_model::secret::TokenHash;
use doorward_testkit::http::Answer;
use doorward_testkit::peers::Postgres;
use ground::Ground;
use issue::Shown;
use kinds::{Kind, Life, SORTS, life, number};
use places::Place;
use std::fmt::Write as _;

/// Shows a credential at a place. What was taken before may have ended what showing needs: that is one wrong more, and
/// not the end of the list.
fn attempt(ground: &Ground<'_>, place: Place, kind: Kind, shown: &Shown) -> Result<Answer, String> {
    let trying = std::panic::AssertUnwindSafe(|| ground.show(place, kind, shown));
    let panic = match std::panic::catch_unwind(trying) {
        Ok(answer) => return Ok(answer),
        Err(panic) => panic,
    };
    let words = panic.downcast_ref::<String>().map_or("it broke off", String::as_str);
    Err(format!("{kind:?} cannot be shown at {place:?}: {words:.200}"))
}

/// What one kind did wrong, in lines.
fn wrongs(ground: &Ground<'_>, kind: Kind) -> Vec<String> {
    let mut wrongs = Vec::new();
    let homes = match life(kind) {
        Life::At(places) => places,
        Life::Signed => &[],
    };
    let shown = ground.issue(kind);
    for place in Place::ALL.iter().filter(|place| !homes.contains(place)) {
        let answer = match attempt(ground, *place, kind, &shown) {
            Ok(answer) => answer,
            Err(why) => {
                wrongs.push(why);
                continue;
            }
        };
        if place.takes(&answer) {
            wrongs.push(format!("{kind:?} is taken at {place:?}: {} {:.300}", answer.status, answer.text()));
        } else if !place.refuses(&answer) {
            wrongs.push(format!("{kind:?} is not judged at {place:?}: {} {:.300}", answer.status, answer.text()));
        }
        wrongs.extend(canary::repeated(kind, *place, (&answer, &shown.value)));
    }
    wrongs.extend(alive(ground, kind, homes, &shown));
    wrongs
}

/// Whether what was refused everywhere was good all the time, and is taken where it belongs.
fn alive(ground: &Ground<'_>, kind: Kind, homes: &[Place], shown: &Shown) -> Vec<String> {
    let mut wrongs = Vec::new();
    if homes.is_empty() {
        wrongs.extend(ground.unsigned(kind, &shown.value));
    }
    for (number, place) in homes.iter().enumerate() {
        let fresh = (number > 0).then(|| ground.issue(kind));
        let shown = fresh.as_ref().unwrap_or(shown);
        let answer = match attempt(ground, *place, kind, shown) {
            Ok(answer) => answer,
            Err(why) => {
                wrongs.push(why);
                continue;
            }
        };
        let is_dead = |first: &Place| attempt(ground, *first, kind, shown).is_ok_and(|answer| first.refuses(&answer));
        let is_taken = match (place, homes.first()) {
            (Place::RevokeToken, Some(first)) => is_dead(first),
            _ => place.takes(&answer),
        };
        if !is_taken {
            wrongs.push(format!("{kind:?} is not taken at {place:?}: {} {:.300}", answer.status, answer.text()));
        }
    }
    wrongs
}

fn listed(wrongs: &[String]) -> String {
    wrongs.iter().fold(String::new(), |mut text, wrong| {
        let _ = writeln!(text, "- {wrong}");
        text
    })
}

fn matrix(database: Option<&str>) {
    let door = ground::door(database.map(str::to_owned), &[("DOORWARD_LOG", "trace")]);
    let ground = Ground::new(&door, "main", "ashen");
    let mut wrongs: Vec<String> = Kind::ALL.iter().flat_map(|kind| wrongs(&ground, *kind)).collect();
    wrongs.extend(canary::written_down(&ground, database));
    assert!(wrongs.is_empty(), "{} wrong:\n{}", wrongs.len(), listed(&wrongs));
}

#[test]
fn gauntlet_b5_14_b3_25_every_kind_of_credential_is_taken_only_where_it_belongs_and_stands_nowhere_in_clear() {
    matrix(None);
}

#[test]
fn gauntlet_b5_14_b3_25_the_same_holds_on_postgresql() {
    let server = Postgres::start();
    matrix(Some(&server.create_database("doorward")));
}

#[test]
fn every_random_credential_has_the_form_of_its_sort_and_of_no_other() {
    let door = ground::door(None, &[]);
    let ground = Ground::new(&door, "main", "ashen");
    let mut wrongs = Vec::new();
    for kind in Kind::ALL {
        let value = ground.issue(*kind).value;
        let value = value.rsplit(':').next().unwrap_or_default();
        for (sort, kinds) in SORTS {
            assert_eq!(number(*sort), 1, "{sort:?} stands once in the table");
            if TokenHash::of_presented(*sort, value).is_some() != kinds.contains(kind) {
                wrongs.push(format!("{kind:?} is, or is not, a {sort:?}: {value}"));
            }
        }
    }
    assert!(wrongs.is_empty(), "{} wrong:\n{}", wrongs.len(), listed(&wrongs));
}
