//! The store: SQLite for one node, PostgreSQL for any number, one SQL text for both. The only crate
//! that contains SQL. Owns connections, transactions, migrations and the change feed; holds no rules.

mod app_tokens;
pub mod apps;
pub mod assertions;
pub mod changes;
pub mod client_scopes;
pub mod clients;
pub mod connectors;
pub mod consents;
pub mod deliveries;
pub mod device_codes;
pub mod events;
pub mod grants;
pub mod groups;
pub mod jobs;
pub mod keys;
pub mod limits;
pub mod migrate;
pub mod origins;
pub mod personal_tokens;
mod postgres;
pub mod proofs;
pub mod pushed;
pub mod realms;
pub mod registrations;
pub mod roles;
pub mod row;
pub mod service_tokens;
pub mod sessions;
pub mod setup;
pub mod shown;
pub mod sql;
pub mod store;
pub mod throttles;
pub mod tx;
pub mod users;
pub mod workload_tokens;
