//! A web application that signs people in by OpenID Connect: with openid-client, a certified relying party, or with
//! oauth4webapi, which checks every answer it is handed and does nothing by itself.

use crate::http::{Request, get};
use crate::limits;
use crate::process::Process;
use crate::scratch::Scratch;
use crate::tools;
use serde_json::Value;
use std::process::Command;

const PROGRAM: &str = include_str!("relying_party.mjs");
const STRICT_PROGRAM: &str = include_str!("strict_party.mjs");

/// How the relying party presents itself.
#[derive(Clone, Debug)]
pub struct RelyingPartyOptions<'a> {
    /// The port it listens on; its callback is `http://127.0.0.1:PORT/callback`.
    pub port: u16,
    /// The provider.
    pub issuer: &'a str,
    /// Its `client_id`.
    pub client_id: &'a str,
    /// Its secret, and what it does with it: `basic`, `post`, `secret_jwt`, or `none` for a public client. For
    /// `private_key_jwt` its key for ES256, PKCS #8 in base64, a space, and the key's `kid`. With `+dpop` behind it the
    /// relying party has a key of its own, to which its tokens are bound (RFC 9449).
    pub secret: (&'a str, &'a str),
    /// What it asks for.
    pub scope: &'a str,
}

/// A running relying party.
pub struct RelyingParty {
    port: u16,
    /// The program.
    pub process: Process,
    _scratch: Scratch,
}

impl RelyingParty {
    /// Starts one. It reads the provider's metadata before it listens.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(options: &RelyingPartyOptions<'_>) -> RelyingParty {
        RelyingParty::run(options, (PROGRAM, ""))
    }

    /// As [`RelyingParty::start`] with oauth4webapi. It has the pages `/login`, `/refresh`, `/introspect`, `/revoke`
    /// and `/logout`.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_strict(options: &RelyingPartyOptions<'_>) -> RelyingParty {
        RelyingParty::run(options, (STRICT_PROGRAM, ""))
    }

    /// As [`RelyingParty::start`], with ways beyond a plain request and answer, separated by spaces: `par`, `jar`,
    /// `jarm`, `hybrid`, `implicit`. With `jar` it shows its public key at `/jwks`.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_with(options: &RelyingPartyOptions<'_>, ways: &str) -> RelyingParty {
        RelyingParty::run(options, (PROGRAM, ways))
    }

    fn run(options: &RelyingPartyOptions<'_>, (program, ways): (&str, &str)) -> RelyingParty {
        let scratch = Scratch::new("relying-party");
        let program = scratch.write("relying_party.mjs", program);
        let (secret, auth) = options.secret;
        let mut command = Command::new(tools::debian_program("node"));
        command.arg(program).env("OPENID_CLIENT", tools::openid_client()).env("ISSUER", options.issuer);
        command.env("OAUTH4WEBAPI", tools::oauth4webapi());
        command.env("CLIENT_ID", options.client_id).env("CLIENT_SECRET", secret).env("AUTH", auth);
        command.env("WITH", ways);
        command.env("SCOPE", options.scope).env("PORT", options.port.to_string());
        let process = Process::start("relying-party", command, &scratch.join("log"));
        let mut party = RelyingParty { port: options.port, process, _scratch: scratch };
        let ready = Request::new("GET", &party.url("/"));
        party
            .process
            .wait_ready("/", limits::DAGSTER_START, |_| ready.try_send().is_ok_and(|answer| answer.status == 200));
        party
    }

    /// The address of one of its pages.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// What one of its pages says, with the status.
    pub fn page(&self, path: &str) -> (u16, Value) {
        let answer = get(&self.url(path));
        (answer.status, answer.json())
    }
}
