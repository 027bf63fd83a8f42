//! A real Dagster web server over a small but real project: assets that depend on each other and a job.
//! Takes about ten seconds to start, so a suite starts one and shares it.

use std::process::Command;

use serde_json::{Value, json};

use crate::http::Request;
use crate::limits;
use crate::ports::free_port;
use crate::process::Process;
use crate::scratch::Scratch;
use crate::tools;

const DEFINITIONS: &str = r#"import dagster as dg


@dg.asset(group_name="orders", description="Orders as they came in.")
def raw_orders() -> list[dict]:
    return [{"id": 1, "amount": 40}, {"id": 2, "amount": 2}]


@dg.asset(group_name="orders", description="Orders worth more than ten.")
def large_orders(raw_orders: list[dict]) -> list[dict]:
    return [order for order in raw_orders if order["amount"] > 10]


@dg.asset(group_name="reports", description="What all orders are worth.")
def revenue(raw_orders: list[dict]) -> int:
    return sum(order["amount"] for order in raw_orders)


@dg.asset(group_name="reports", description="Share of the large orders.")
def large_share(large_orders: list[dict], revenue: int) -> float:
    return sum(order["amount"] for order in large_orders) / revenue


daily_report = dg.define_asset_job("daily_report", selection="*")

defs = dg.Definitions(
    assets=[raw_orders, large_orders, revenue, large_share],
    jobs=[daily_report],
)
"#;

/// How to start Dagster.
#[derive(Clone, Debug)]
pub struct DagsterOptions {
    /// Path below which it serves everything, such as `/dagster`; empty for the root.
    pub path_prefix: String,
    /// Whether it refuses every change.
    pub is_read_only: bool,
}

/// A running Dagster web server.
pub struct Dagster {
    port: u16,
    prefix: String,
    /// The program.
    pub process: Process,
    /// Its directory, with the project and `DAGSTER_HOME`.
    pub scratch: Scratch,
}

impl Dagster {
    /// Starts one at the root path that allows changes.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start() -> Dagster {
        Dagster::start_with(&DagsterOptions { path_prefix: String::new(), is_read_only: false })
    }

    /// Starts one as described.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_with(options: &DagsterOptions) -> Dagster {
        let scratch = Scratch::new("dagster");
        let port = free_port();
        let definitions = scratch.write("defs.py", DEFINITIONS);
        let settings = scratch.write("home/dagster.yaml", "telemetry:\n  enabled: false\nnux:\n  enabled: false\n");
        let mut command = Command::new(tools::dagster_program("dagster-webserver"));
        command.args(["-h", "127.0.0.1", "-p", &port.to_string(), "-f"]).arg(definitions);
        if !options.path_prefix.is_empty() {
            command.args(["--path-prefix", &options.path_prefix]);
        }
        if options.is_read_only {
            command.arg("--read-only");
        }
        command.env("DAGSTER_HOME", settings.parent().unwrap_or(scratch.path()));
        command.env("DAGSTER_DISABLE_TELEMETRY", "1").current_dir(scratch.path());
        // It starts the same Python again for the project, found by this name.
        command.env("VIRTUAL_ENV", tools::dagster_environment());
        let process = Process::start("dagster-webserver", command, &scratch.join("log"));
        let mut dagster = Dagster { port, prefix: options.path_prefix.clone(), process, scratch };
        let ready = Request::new("GET", &format!("{}/server_info", dagster.url()));
        dagster.process.wait_ready("/server_info", limits::DAGSTER_START, |_| {
            ready.try_send().is_ok_and(|answer| answer.status == 200)
        });
        dagster
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address with its prefix, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}{}", self.port, self.prefix)
    }

    /// Asks its GraphQL endpoint directly, past any door.
    ///
    /// # Panics
    /// When there is no answer in JSON.
    pub fn graphql(&self, query: &str) -> Value {
        Request::new("POST", &format!("{}/graphql", self.url())).json(&json!({ "query": query })).send().json()
    }
}
