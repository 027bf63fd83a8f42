//! python-keycloak, the Python client of Keycloak, run once per call: it prints what it learned as JSON.

use std::process::Command;

use serde_json::Value;

use crate::scratch::Scratch;
use crate::tools;

const PROGRAM: &str = include_str!("keycloak_python.py");
const ADMIN: &str = include_str!("keycloak_admin.py");

/// A client as python-keycloak knows it.
#[derive(Clone, Debug)]
pub struct KeycloakPython<'a> {
    /// Where Keycloak would be; realms are below it.
    pub server: &'a str,
    /// The realm.
    pub realm: &'a str,
    /// The `client_id`.
    pub client_id: &'a str,
    /// Its secret.
    pub secret: &'a str,
}

impl KeycloakPython<'_> {
    /// Runs one of the program's verbs with its arguments. A refusal is told as `error` with the status.
    ///
    /// # Panics
    /// When the program breaks.
    pub fn run(&self, verb: &str, arguments: &[&str]) -> Value {
        let scratch = Scratch::new("python-keycloak");
        let mut command = Command::new(tools::clients_program("python"));
        command.arg(scratch.write("program.py", PROGRAM)).arg(verb).args(arguments);
        command.env("SERVER", self.server).env("REALM", self.realm);
        command.env("CLIENT_ID", self.client_id).env("CLIENT_SECRET", self.secret);
        super::told(command)
    }
}

/// Somebody who administers a realm with python-keycloak's `KeycloakAdmin`.
#[derive(Clone, Debug)]
pub struct KeycloakAdmin<'a> {
    /// Where Keycloak would be.
    pub server: &'a str,
    /// The realm that is administered.
    pub realm: &'a str,
    /// The realm the administrator is of.
    pub user_realm: &'a str,
    /// The `client_id` they call with.
    pub client_id: &'a str,
    /// Who they are.
    pub who: Administrator<'a>,
}

/// How an administrator proves who they are.
#[derive(Clone, Copy, Debug)]
pub enum Administrator<'a> {
    /// A person: name and password.
    Person(&'a str, &'a str),
    /// A client of its own, by its secret.
    Service(&'a str),
}

impl KeycloakAdmin<'_> {
    /// Runs one of the program's verbs with its arguments. A refusal is told as `error` with the status.
    ///
    /// # Panics
    /// When the program breaks.
    pub fn run(&self, verb: &str, arguments: &[&str]) -> Value {
        let scratch = Scratch::new("python-keycloak");
        let mut command = Command::new(tools::clients_program("python"));
        command.arg(scratch.write("program.py", ADMIN)).arg(verb).args(arguments);
        command.env("SERVER", self.server).env("REALM", self.realm).env("USER_REALM", self.user_realm);
        command.env("CLIENT_ID", self.client_id);
        match self.who {
            Administrator::Person(name, word) => command.env("USERNAME", name).env("PASSWORD", word),
            Administrator::Service(secret) => command.env("CLIENT_SECRET_KEY", secret),
        };
        super::told(command)
    }
}
