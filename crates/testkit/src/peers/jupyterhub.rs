//! JupyterHub, which signs people in with its generic OAuth authenticator and starts a notebook server for each.

use std::process::Command;

use serde_json::Value;

use crate::http::Request;
use crate::peers::{AppClient, wait_answer};
use crate::ports::free_port;
use crate::process::Process;
use crate::scratch::Scratch;
use crate::tools;

const SETTINGS: &str = include_str!("jupyterhub_config.py");
const API_TOKEN: &str = "a-token-of-this-test-alone";

/// A running hub. Members of `data` may enter; members of `data-engineers` are its administrators.
pub struct JupyterHub {
    port: u16,
    /// The program.
    pub process: Process,
    _scratch: Scratch,
}

impl JupyterHub {
    /// Starts a hub. Its callback is `http://127.0.0.1:PORT/hub/oauth_callback`.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(client: &AppClient<'_>) -> JupyterHub {
        JupyterHub::start_from("jupyterhub", client)
    }

    /// As [`JupyterHub::start`], without anything that could be a notebook's server: for signing in.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_alone(client: &AppClient<'_>) -> JupyterHub {
        JupyterHub::start_from("hub", client)
    }

    fn start_from(environment: &str, client: &AppClient<'_>) -> JupyterHub {
        let scratch = Scratch::new("jupyterhub");
        let hub = tools::application_program(environment, "jupyterhub");
        let bin = hub.parent().expect("a program lies in a folder").display().to_string();
        let settings = client
            .fill(SETTINGS)
            .replace("@HUB_PORT@", &free_port().to_string())
            .replace("@PROXY_PORT@", &free_port().to_string())
            .replace("@PROXY@", &tools::hub_proxy().display().to_string())
            .replace("@API_TOKEN@", API_TOKEN)
            .replace("@BIN@", &bin);
        let config = scratch.write("jupyterhub_config.py", &settings);
        let mut command = Command::new(hub);
        command.arg("-f").arg(config).current_dir(scratch.path());
        command.env("JUPYTERHUB_CRYPT_KEY", "0f".repeat(32)).env("HOME", scratch.path());
        let process = Process::start("jupyterhub", command, &scratch.join("log"));
        let mut hub = JupyterHub { port: client.port, process, _scratch: scratch };
        let url = hub.url("/hub/health");
        wait_answer(&mut hub.process, &url);
        hub
    }

    /// The address of one of its pages.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// What the hub knows of a person; its status when it knows nothing.
    pub fn person(&self, name: &str) -> Result<Value, u16> {
        let request = Request::new("GET", &self.url(&format!("/hub/api/users/{name}")));
        let answer = request.header("Authorization", format!("token {API_TOKEN}")).send();
        if answer.status == 200 { Ok(answer.json()) } else { Err(answer.status) }
    }
}
