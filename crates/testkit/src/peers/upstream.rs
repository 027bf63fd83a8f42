//! An identity provider to be connected to: oidc-provider, a certified library.

use crate::http::{Request, get};
use crate::limits;
use crate::ports::free_port;
use crate::process::Process;
use crate::scratch::Scratch;
use crate::tools;
use serde_json::{Value, json};
use std::process::Command;

const PROGRAM: &str = include_str!("upstream.mjs");
const GITHUB: &str = include_str!("github.mjs");

/// What Doorward is called there, and its secret.
pub const UPSTREAM_CLIENT: (&str, &str) = ("doorward", "a secret of at least thirty-two letters");

/// What it may be asked for.
const RESPONSE_TYPES: [&str; 6] =
    ["code", "id_token", "id_token token", "code id_token", "code token", "code id_token token"];

/// A running provider.
pub struct Upstream {
    port: u16,
    /// The program.
    pub process: Process,
    scratch: Scratch,
}

impl Upstream {
    /// Starts one whose people are `people`: what is said of each, by the name they sign in with there.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(redirect_uri: &str, people: &Value) -> Upstream {
        Upstream::start_like("", redirect_uri, people)
    }

    /// As [`Upstream::start`], with more said of the client that Doorward is there, in the words of its registration;
    /// what is `null` is left out.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_for(client: &Value, redirect_uri: &str, people: &Value) -> Upstream {
        Upstream::start_whole(("", client), redirect_uri, people)
    }

    /// As [`Upstream::start`], in the ways of a provider known by name: `entra`.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_like(provider: &str, redirect_uri: &str, people: &Value) -> Upstream {
        Upstream::start_whole((provider, &Value::Null), redirect_uri, people)
    }

    /// Both.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_whole((provider, more): (&str, &Value), redirect_uri: &str, people: &Value) -> Upstream {
        let port = free_port();
        let scratch = Scratch::new("upstream");
        let program = scratch.write("upstream.mjs", PROGRAM);
        let file = scratch.write("people.json", &people.to_string());
        let (id, secret) = UPSTREAM_CLIENT;
        let connector = redirect_uri.trim_end_matches("/endpoint");
        let mut client = json!({
            "client_id": id, "client_secret": secret, "redirect_uris": [redirect_uri],
            "grant_types": ["authorization_code", "refresh_token", "implicit"], "response_types": RESPONSE_TYPES,
            "post_logout_redirect_uris": [format!("{redirect_uri}/logout_response")],
            "backchannel_logout_uri": format!("{connector}/backchannel-logout"),
            "backchannel_logout_session_required": true,
        });
        if let (Some(client), Some(more)) = (client.as_object_mut(), more.as_object()) {
            client.extend(more.clone());
            client.retain(|_, value| !value.is_null());
        }
        let mut command = Command::new(tools::debian_program("node"));
        command.arg(program).env("OIDC_PROVIDER", tools::oidc_provider()).env("PORT", port.to_string());
        command.env("CLIENT", client.to_string()).env("PEOPLE", file).env("LIKE", provider);
        let process = Process::start("upstream", command, &scratch.join("log"));
        let mut upstream = Upstream { port, process, scratch };
        let ready = Request::new("GET", &upstream.url("/.well-known/openid-configuration"));
        upstream
            .process
            .wait_ready("/", limits::DAGSTER_START, |_| ready.try_send().is_ok_and(|answer| answer.status == 200));
        upstream
    }

    /// Starts what answers like a GitHub Enterprise Server, whose people are what it says of each: `user`, `emails`,
    /// `orgs`, `teams`, and `sso` with the numbers of organisations it leaves out.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_github(redirect_uri: &str, people: &Value) -> Upstream {
        let port = free_port();
        let scratch = Scratch::new("github");
        let program = scratch.write("github.mjs", GITHUB);
        let file = scratch.write("people.json", &people.to_string());
        let (id, secret) = UPSTREAM_CLIENT;
        let client = json!({"client_id": id, "client_secret": secret, "redirect_uri": redirect_uri});
        let mut command = Command::new(tools::debian_program("node"));
        command.arg(program).env("PORT", port.to_string()).env("CLIENT", client.to_string()).env("PEOPLE", file);
        let process = Process::start("github", command, &scratch.join("log"));
        let mut upstream = Upstream { port, process, scratch };
        let ready = Request::new("GET", &upstream.url("/asked"));
        upstream
            .process
            .wait_ready("/", limits::DAGSTER_START, |_| ready.try_send().is_ok_and(|answer| answer.status == 200));
        upstream
    }

    /// The address of one of its pages; its issuer is the one without a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Says something else of its people from now on.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn say(&self, people: &Value) {
        self.scratch.write("people.json", &people.to_string());
    }

    /// A token of this provider's that says whatever it should: `header`, `claims`, and `stranger` for a key that is
    /// nobody's.
    pub fn sign(&self, token: &Value) -> String {
        Request::new("POST", &self.url("/sign")).json(token).send().text()
    }

    /// From now on these endpoints (`token`, `jwks`, `me`, `.well-known/openid-configuration`) answer with a status, or
    /// never for `hang`; `claims` stand in every ID token, and what `without` lists is left out beside it.
    pub fn behave(&self, how: &Value) {
        Request::new("POST", &self.url("/behave")).json(how).send();
    }

    /// Header and claims of every signed proof Doorward has shown, in the order they came.
    ///
    /// # Panics
    /// When it does not answer.
    pub fn proofs(&self) -> Vec<Value> {
        get(&self.url("/proofs")).json().as_array().expect("a list").clone()
    }

    /// The parameters of every authorization request, in the order they came.
    ///
    /// # Panics
    /// When it does not answer.
    pub fn ways(&self) -> Vec<Value> {
        get(&self.url("/ways")).json().as_array().expect("a list").clone()
    }

    /// How often an endpoint was asked: `token` or `jwks`.
    ///
    /// # Panics
    /// When it does not answer.
    pub fn asked(&self, endpoint: &str) -> u64 {
        get(&self.url("/asked")).json().get(endpoint).and_then(Value::as_u64).expect("a count")
    }
}
