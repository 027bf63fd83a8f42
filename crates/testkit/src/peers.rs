//! The real programs Doorward stands beside: reverse proxies, Dagster, PostgreSQL, and tools that sign people in through
//! it. Each starter returns a handle that ends its program when dropped. Configuration texts are the caller's; `@DIR@` in
//! them becomes the peer's directory.

mod apache;
mod cube;
mod dagster;
mod keycloak_page;
mod keycloak_python;
mod postgres;
mod proxies;
mod relying_party;
mod seaweedfs;

use serde_json::Value;
use std::process::{Command, Stdio};

pub use apache::{ApacheOptions, apache};
pub use cube::{Cube, CubeOptions};
pub use dagster::{Dagster, DagsterOptions};
pub use keycloak_page::KeycloakPage;
pub use keycloak_python::KeycloakPython;
pub use postgres::Postgres;
pub use proxies::{
    Peer, caddy, check_caddy, check_envoy, check_haproxy, check_nginx, envoy, haproxy, nginx, nginx_around, traefik,
};
pub use relying_party::{RelyingParty, RelyingPartyOptions};
pub use seaweedfs::{SeaweedFs, SeaweedOptions};

/// Runs a program to its end and reads the JSON it prints.
fn told(mut command: Command) -> Value {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}: {}\n{complaint}", command.get_program(), output.status);
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("no JSON ({error}) in {}\n{complaint}", String::from_utf8_lossy(&output.stdout)))
}
