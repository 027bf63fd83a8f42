//! Apache Superset, which signs people in through Flask-AppBuilder's provider named `keycloak`.

use std::process::Command;

use crate::peers::{AppClient, prepare, wait_answer};
use crate::process::Process;
use crate::scratch::Scratch;
use crate::tools;

const SETTINGS: &str = include_str!("superset_config.py");

/// A running Superset. Members of `data` are its administrators, members of `sales` may look.
pub struct Superset {
    port: u16,
    /// The program.
    pub process: Process,
    _scratch: Scratch,
}

impl Superset {
    /// Makes a database and starts the server. Its callback is `http://127.0.0.1:PORT/oauth-authorized/keycloak`.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(client: &AppClient<'_>) -> Superset {
        let scratch = Scratch::new("superset");
        let settings = scratch.write("superset_config.py", &client.fill(SETTINGS));
        let superset = |arguments: &[&str]| {
            let mut command = Command::new(tools::application_program("superset", "superset"));
            command.args(arguments).current_dir(scratch.path()).env("HOME", scratch.path());
            command.env("FLASK_APP", "superset.app:create_app()").env("SUPERSET_CONFIG_PATH", &settings);
            command
        };
        prepare("superset db upgrade", superset(&["db", "upgrade"]), &scratch);
        prepare("superset init", superset(&["init"]), &scratch);
        let run = superset(&["run", "-h", "127.0.0.1", "-p", &client.port.to_string()]);
        let process = Process::start("superset", run, &scratch.join("log"));
        let mut superset = Superset { port: client.port, process, _scratch: scratch };
        let url = superset.url("/health");
        wait_answer(&mut superset.process, &url);
        superset
    }

    /// The address of one of its pages.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}
