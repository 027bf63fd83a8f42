//! The use cases on real databases, without HTTP: rules in their transactions, caches, the change feed.
//! Every case runs on SQLite and on PostgreSQL, mostly with two nodes; speed is measured by another suite.
#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

/// Makes a test on SQLite and one on PostgreSQL of each case; `together` runs beside other tests,
/// `alone` runs while no other test does, because it measures time.
macro_rules! on_both {
    ($how:ident: $($name:ident),* $(,)?) => {$(
        mod $name {
            #[test]
            fn on_sqlite() {
                crate::fixture::$how(crate::fixture::Kind::Sqlite, super::$name);
            }

            #[test]
            fn on_postgres() {
                crate::fixture::$how(crate::fixture::Kind::Postgres, super::$name);
            }
        }
    )*};
}

/// As `on_both`, for what only a shared database can do.
macro_rules! on_postgres {
    ($how:ident: $($name:ident),* $(,)?) => {$(
        mod $name {
            #[test]
            fn on_postgres() {
                crate::fixture::$how(crate::fixture::Kind::Postgres, super::$name);
            }
        }
    )*};
}

mod asked;
mod bound_grants;
mod break_glass;
mod caches;
mod claims;
mod client_proofs;
mod credentials;
mod devices;
mod exchanges;
mod feed;
mod fixture;
mod groups;
mod key_steps;
mod keys;
mod keys_of_realms;
mod logout;
mod meetings;
mod outage;
mod own_keys;
mod password_grant;
mod people;
mod personal_tokens;
mod proofs;
mod provider;
mod realms;
mod refusals;
mod registration;
mod requests;
mod residue;
mod responses;
mod revocation;
mod roles;
mod schema;
mod shown;
mod shut_there;
mod sign_in;
mod skew;
mod taking_over;
mod temporary;
mod throttling;
mod tickets;
mod time_limits;
mod versions;
mod ways_handed_on;
mod ways_in;
mod workloads;
