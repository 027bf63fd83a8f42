//! A real Cube server over a small table of orders. It checks tokens by the provider's keys, takes its security context
//! from a claim whose value is an object, and lets people see the rows of the regions that this object names.

use std::process::Command;

use serde_json::{Value, json};

use crate::http::{Answer, Request};
use crate::limits;
use crate::peers::Postgres;
use crate::ports::free_port;
use crate::process::{Process, poll};
use crate::scratch::Scratch;
use crate::tools;

const PROGRAM: &str = include_str!("cube.cjs");
const MODEL: &str = "cube(`orders`, {
  sql: `SELECT * FROM orders
        WHERE ${SECURITY_CONTEXT.regions.requiredFilter((regions) => `region = ANY (ARRAY[${regions}]::text[])`)}`,
  measures: { total: { sql: `amount`, type: `sum` } },
  dimensions: {
    id: { sql: `id`, type: `number`, primaryKey: true },
    region: { sql: `region`, type: `string` },
  },
});
";
const TABLE: &str = include_str!("cube.sql");

/// Whose tokens Cube takes.
#[derive(Clone, Debug)]
pub struct CubeOptions<'a> {
    /// Where the keys are.
    pub jwks: &'a str,
    /// `iss` of good tokens.
    pub issuer: &'a str,
    /// `aud` of good tokens.
    pub audience: &'a str,
    /// The claim that holds the security context.
    pub namespace: &'a str,
}

/// A running Cube.
pub struct Cube {
    port: u16,
    /// The program.
    pub process: Process,
    _scratch: Scratch,
}

impl Cube {
    /// Starts Cube on a database of its own.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(database: &Postgres, options: &CubeOptions<'_>) -> Cube {
        let scratch = Scratch::new("cube");
        let port = free_port();
        let name = format!("cube_{port}");
        database.create_database(&name);
        database.query(&name, TABLE);
        let program = scratch.write("cube.cjs", PROGRAM);
        scratch.write("model/orders.js", MODEL);
        let mut command = Command::new(tools::debian_program("node"));
        command.arg(program).current_dir(scratch.path()).env("CUBE_PACKAGES", tools::cube_packages());
        let settings = [
            ("PORT", port.to_string()),
            ("CUBEJS_DB_TYPE", "postgres".to_owned()),
            ("CUBEJS_DB_HOST", "127.0.0.1".to_owned()),
            ("CUBEJS_DB_PORT", database.port().to_string()),
            ("CUBEJS_DB_USER", "postgres".to_owned()),
            ("CUBEJS_DB_NAME", name),
            ("CUBEJS_JWK_URL", options.jwks.to_owned()),
            ("CUBEJS_JWT_ALGS", "RS256".to_owned()),
            ("CUBEJS_JWT_ISSUER", options.issuer.to_owned()),
            ("CUBEJS_JWT_AUDIENCE", options.audience.to_owned()),
            ("CUBEJS_JWT_CLAIMS_NAMESPACE", options.namespace.to_owned()),
            ("CUBEJS_CACHE_AND_QUEUE_DRIVER", "memory".to_owned()),
            ("CUBEJS_TELEMETRY", "false".to_owned()),
            ("CUBEJS_DEV_MODE", "false".to_owned()),
            ("CUBEJS_SCHEMA_PATH", "model".to_owned()),
            ("NODE_ENV", "production".to_owned()),
        ];
        command.envs(settings);
        let mut process = Process::start("cube", command, &scratch.join("log"));
        process.wait_port(port, limits::APPLICATION_START);
        Cube { port, process, _scratch: scratch }
    }

    /// What orders are worth by region, as the bearer of a token sees it.
    ///
    /// # Panics
    /// When Cube goes on asking for patience.
    pub fn totals(&self, token: Option<&str>) -> Answer {
        let query = json!({"query": {"measures": ["orders.total"], "dimensions": ["orders.region"]}});
        let mut request =
            Request::new("POST", &format!("http://127.0.0.1:{}/cubejs-api/v1/load", self.port)).json(&query);
        if let Some(token) = token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let is_done = |answer: &Answer| answer.json().get("error") != Some(&Value::from("Continue wait"));
        poll(limits::APPLICATION_START, || Some(request.send()).filter(is_done)).expect("Cube answers in the end")
    }
}
