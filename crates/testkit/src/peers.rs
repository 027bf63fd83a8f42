//! The real programs Doorward stands beside: reverse proxies, Dagster, PostgreSQL, and tools that sign people in through
//! it. Each starter returns a handle that ends its program when dropped. Configuration texts are the caller's; `@DIR@` in
//! them becomes the peer's directory.

mod airflow;
mod apache;
mod authority;
mod cube;
mod dagster;
mod jupyterhub;
mod keycloak;
mod keycloak_page;
mod keycloak_python;
mod kubernetes;
mod lemonldap;
mod lines;
mod postgres;
mod proxies;
mod pysaml2;
mod relying_party;
mod samba;
mod seaweedfs;
mod simplesamlphp;
mod slapd;
mod spid;
mod superset;
mod upstream;

use crate::http::Request;
use crate::limits;
use crate::process::Process;
use crate::scratch::Scratch;
use serde_json::Value;
use std::process::{Command, Stdio};

pub use airflow::Airflow;
pub use apache::{ApacheOptions, apache};
pub use authority::{Authority, Certificate};
pub use cube::{Cube, CubeOptions};
pub use dagster::{Dagster, DagsterOptions};
pub use jupyterhub::JupyterHub;
pub use keycloak::Keycloak;
pub use keycloak_page::KeycloakPage;
pub use keycloak_python::{Administrator, KeycloakAdmin, KeycloakPython};
pub use kubernetes::Kubernetes;
pub use lemonldap::{LEMONLDAP_CLIENT, LEMONLDAP_SECRET, LemonLdap};
pub use postgres::Postgres;
pub use proxies::{
    Peer, caddy, check_caddy, check_envoy, check_haproxy, check_nginx, envoy, haproxy, nginx, nginx_around, traefik,
};
pub use pysaml2::{Pysaml2, Pysaml2Way};
pub use relying_party::{RelyingParty, RelyingPartyOptions};
pub use samba::{Computer, READER as SAMBA_READER, Samba};
pub use seaweedfs::{SeaweedFs, SeaweedOptions};
pub use simplesamlphp::SimpleSaml;
pub use slapd::{READER as SLAPD_READER, Slapd};
pub use spid::{Spid, SpidAnswer};
pub use superset::Superset;
pub use upstream::{UPSTREAM_CLIENT, Upstream};

/// A client of the provider, as an application's settings name it.
#[derive(Clone, Debug)]
pub struct AppClient<'a> {
    /// The port the application listens on.
    pub port: u16,
    /// The provider.
    pub issuer: &'a str,
    /// The `client_id`.
    pub client_id: &'a str,
    /// Its secret.
    pub secret: &'a str,
}

impl AppClient<'_> {
    /// Puts what differs from run to run into a settings file.
    fn fill(&self, text: &str) -> String {
        text.replace("@PORT@", &self.port.to_string())
            .replace("@ISSUER@", self.issuer)
            .replace("@CLIENT@", self.client_id)
            .replace("@SECRET@", self.secret)
    }
}

/// Runs a step of an application's preparation to its end.
fn prepare(name: &str, command: Command, scratch: &Scratch) {
    let mut step = Process::start(name, command, &scratch.join("log"));
    let status = step.wait_exit(limits::APPLICATION_PREPARATION);
    assert!(status.is_some_and(|status| status.success()), "{name}: {status:?}\n{}", step.tail());
}

/// Waits until an application answers a request with 200.
fn wait_answer(process: &mut Process, url: &str) {
    let ready = Request::new("GET", url);
    process.wait_ready(url, limits::APPLICATION_PREPARATION, |_| {
        ready.try_send().is_ok_and(|answer| answer.status == 200)
    });
}

/// Runs a program to its end and reads the JSON it prints.
fn told(mut command: Command) -> Value {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}: {}\n{complaint}", command.get_program(), output.status);
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("no JSON ({error}) in {}\n{complaint}", String::from_utf8_lossy(&output.stdout)))
}
