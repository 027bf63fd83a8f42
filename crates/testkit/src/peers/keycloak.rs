//! Keycloak, with a database in memory and one realm: the company.

use crate::http::{Answer, Request};
use crate::limits;
use crate::ports::free_port;
use crate::process::Process;
use crate::scratch::Scratch;
use crate::tools;
use serde_json::{Value, json};
use std::process::Command;

/// Its first administrator's name and password.
const ADMINISTRATOR: &str = "root";
/// What it may use of memory, and a compiler that is done sooner: it lives for a few requests.
const JAVA: &str = "-Xmx512m -XX:TieredStopAtLevel=1";

/// A running Keycloak.
pub struct Keycloak {
    port: u16,
    /// The program.
    pub process: Process,
    _scratch: Scratch,
}

impl Keycloak {
    /// Starts one with a realm `company` of these people and groups (as its administration names them). It finds these
    /// hosts at this machine.
    ///
    /// # Panics
    /// When it does not start, or refuses the realm.
    pub fn start(hosts: &[&str], mut realm: Value) -> Keycloak {
        let port = free_port();
        let scratch = Scratch::new("keycloak");
        let names: String = hosts.iter().map(|host| format!("127.0.0.1 {host}\n")).collect();
        let names = scratch.write("hosts", &format!("127.0.0.1 localhost\n{names}"));
        let mut command = Command::new(tools::keycloak());
        command.args(["start", "--optimized", "--http-enabled=true", "--http-host=127.0.0.1", "--cache=local"]);
        command.args([&format!("--http-port={port}"), "--hostname-strict=false"]);
        command.env("JAVA_OPTS_APPEND", format!("{JAVA} -Djdk.net.hosts.file={}", names.display()));
        command.env("KC_BOOTSTRAP_ADMIN_USERNAME", ADMINISTRATOR).env("KC_BOOTSTRAP_ADMIN_PASSWORD", ADMINISTRATOR);
        let process = Process::start("keycloak", command, &scratch.join("log"));
        let mut keycloak = Keycloak { port, process, _scratch: scratch };
        let ready = Request::new("GET", &keycloak.url("/realms/master"));
        keycloak
            .process
            .wait_ready("/", limits::DAGSTER_START, |_| ready.try_send().is_ok_and(|answer| answer.status == 200));
        realm["realm"] = json!("company");
        realm["enabled"] = json!(true);
        realm["sslRequired"] = json!("none");
        let made = keycloak.administer("POST", "/admin/realms", Some(&realm));
        assert_eq!(made.status, 201, "{}", made.text());
        keycloak
    }

    /// The address of something of it.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The realm as an issuer.
    pub fn issuer(&self) -> String {
        self.url("/realms/company")
    }

    fn bearer(&self) -> String {
        let (name, password) = (ADMINISTRATOR, ADMINISTRATOR);
        let form = [("grant_type", "password"), ("client_id", "admin-cli"), ("username", name), ("password", password)];
        let token = Request::new("POST", &self.url("/realms/master/protocol/openid-connect/token")).form(&form).send();
        format!("Bearer {}", token.json()["access_token"].as_str().expect("a token"))
    }

    /// Asks its administration.
    ///
    /// # Panics
    /// When the administrator is not let in.
    pub fn administer(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let request = Request::new(method, &self.url(path)).header("Authorization", self.bearer());
        match body {
            Some(body) => request.json(body).send(),
            None => request.send(),
        }
    }

    /// As [`Keycloak::administer`], at something of the company.
    ///
    /// # Panics
    /// When it is refused.
    pub fn company(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let answer = self.administer(method, &format!("/admin/realms/company{path}"), body);
        assert!((200..300).contains(&answer.status), "{method} {path}: {} {}", answer.status, answer.text());
        answer
    }

    /// What it makes of the metadata of a party: the client it would add.
    ///
    /// # Panics
    /// When it cannot read them.
    pub fn read_description(&self, metadata: &str) -> Value {
        let path = self.url("/admin/realms/company/client-description-converter");
        let request = Request::new("POST", &path).header("Authorization", self.bearer());
        let answer = request.header("Content-Type", "application/json").body(metadata.as_bytes()).send();
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// The id of somebody.
    ///
    /// # Panics
    /// When there is nobody of that name.
    pub fn person(&self, name: &str) -> String {
        let found = self.company("GET", &format!("/users?exact=true&username={name}"), None).json();
        found[0]["id"].as_str().unwrap_or_else(|| panic!("nobody is called {name}: {found}")).to_owned()
    }

    /// How many sessions somebody has there.
    pub fn sessions(&self, name: &str) -> usize {
        let found = self.company("GET", &format!("/users/{}/sessions", self.person(name)), None).json();
        found.as_array().map_or(0, Vec::len)
    }
}
