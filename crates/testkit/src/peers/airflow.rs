//! Apache Airflow with the auth manager of its FAB provider, which signs people in through the provider named `keycloak`.

use std::process::Command;

use crate::peers::{AppClient, prepare, wait_answer};
use crate::process::Process;
use crate::scratch::Scratch;
use crate::tools;

const SETTINGS: &str = include_str!("airflow_config.py");

/// A running Airflow. Members of `data` are its administrators, members of `sales` may look.
pub struct Airflow {
    port: u16,
    /// The program.
    pub process: Process,
    _scratch: Scratch,
}

impl Airflow {
    /// Makes a database and starts the API server. Its callback is
    /// `http://127.0.0.1:PORT/auth/oauth-authorized/keycloak`.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(client: &AppClient<'_>) -> Airflow {
        let scratch = Scratch::new("airflow");
        let settings = scratch.write("webserver_config.py", &client.fill(SETTINGS));
        let url = format!("http://127.0.0.1:{}", client.port);
        let airflow = |arguments: &[&str]| {
            let mut command = Command::new(tools::application_program("airflow", "airflow"));
            command.args(arguments).current_dir(scratch.path());
            command.env("AIRFLOW_HOME", scratch.path()).env("AIRFLOW__FAB__CONFIG_FILE", &settings);
            let database = format!("sqlite:///{}", scratch.join("airflow.db").display());
            let manager = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager";
            let values = [
                ("CORE__AUTH_MANAGER", manager),
                ("CORE__LOAD_EXAMPLES", "False"),
                ("DATABASE__SQL_ALCHEMY_CONN", &database),
                ("API_AUTH__JWT_SECRET", "a-secret-of-this-test-alone-and-of-nothing-else-at-all-0123456789"),
                ("API__SECRET_KEY", "a-key-of-this-test-alone"),
                ("API__WORKERS", "1"),
                ("API__HOST", "127.0.0.1"),
                ("API__BASE_URL", &url),
                ("USAGE_DATA_COLLECTION__ENABLED", "False"),
            ];
            command.envs(values.map(|(name, value)| (format!("AIRFLOW__{name}"), value.to_owned())));
            // It starts its own programs by name.
            let bin = tools::application_environment("airflow").join("bin").display().to_string();
            command.env("PATH", format!("{bin}:{}", std::env::var("PATH").unwrap_or_default()));
            command
        };
        prepare("airflow db migrate", airflow(&["db", "migrate"]), &scratch);
        let run = airflow(&["api-server", "--host", "127.0.0.1", "--port", &client.port.to_string()]);
        let process = Process::start("airflow", run, &scratch.join("log"));
        let mut airflow = Airflow { port: client.port, process, _scratch: scratch };
        let url = airflow.url("/api/v2/version");
        wait_answer(&mut airflow.process, &url);
        airflow
    }

    /// The address of one of its pages.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}
