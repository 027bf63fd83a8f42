//! Tools behind real proxies, each with exactly what `doorward recipe` prints.

use doorward_testkit::door::Door;
use doorward_testkit::http::get;
use doorward_testkit::peers::{Peer, caddy, envoy, haproxy, nginx, traefik};
use doorward_testkit::ports::free_port;
use doorward_testkit::process::wait_until;
use doorward_testkit::scratch::Scratch;
use std::time::Duration;

/// A proxy, or none.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Through {
    /// This one, with what `doorward recipe` prints.
    Proxy(&'static str),
    /// None but the built-in one.
    BuiltIn,
}

impl Through {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Through::Proxy(kind) => kind,
            Through::BuiltIn => "built-in",
        }
    }
}

/// An app named `slug` for a tool, at a host of its own, behind a proxy of its own.
pub struct Behind {
    /// Where people find it.
    pub url: String,
    /// Its host.
    pub host: String,
    _peer: Option<Peer>,
}

/// Puts a tool behind the door.
pub fn put_behind(door: &Door, through: Through, slug: &str, upstream_port: u16) -> Behind {
    let upstream = format!("http://127.0.0.1:{upstream_port}");
    let port = if through == Through::BuiltIn { door.port() } else { free_port() };
    let host = format!("{slug}.localhost");
    let url = format!("http://{host}:{port}");
    let mut create = vec!["app", "create", slug, "--address", &url, "--allow", "dagster-users"];
    create.extend(["--how-to-ask", "Ask the platform team in the data channel."]);
    if through == Through::BuiltIn {
        create.extend(["--upstream", &upstream]);
    }
    door.cli_text(&create);
    let peer = match through {
        Through::BuiltIn => None,
        Through::Proxy(kind) => Some(start_proxy(door, kind, slug, port, upstream_port)),
    };
    let probe = format!("{url}/probe");
    wait_until("the route", Duration::from_secs(15), || get(&probe).status == 401);
    Behind { url, host, _peer: peer }
}

/// Runs the proxy with what `doorward recipe` wrote.
fn start_proxy(door: &Door, kind: &str, slug: &str, port: u16, upstream_port: u16) -> Peer {
    let scratch = Scratch::new("recipe");
    let directory = scratch.path().display().to_string();
    let (listen, upstream) = (format!("127.0.0.1:{port}"), format!("127.0.0.1:{upstream_port}"));
    let (http, grpc) = (format!("127.0.0.1:{}", door.port()), format!("127.0.0.1:{}", door.grpc_port()));
    door.cli_text(&[
        "recipe",
        kind,
        "--app",
        slug,
        "--listen",
        &listen,
        "--upstream",
        &upstream,
        "--doorward",
        &http,
        "--doorward-grpc",
        &grpc,
        "--write",
        &directory,
    ]);
    let read = |name: &str| std::fs::read_to_string(scratch.join(name)).expect("the recipe wrote it");
    match kind {
        "nginx" => nginx(port, &read("nginx.conf")),
        "traefik" => {
            // The printed file names its neighbour relative to where it is started.
            let fixed = read("traefik.yaml").replace("filename: doorward.yaml", "filename: @DIR@/dynamic.yaml");
            traefik(port, &fixed, &read("doorward.yaml"))
        }
        "caddy" => caddy(port, &read("Caddyfile")),
        "haproxy" => {
            let config = read("haproxy.cfg").replace("lua-load doorward.lua", "lua-load @DIR@/doorward.lua");
            haproxy(port, &config, &[("doorward.lua", &read("doorward.lua"))])
        }
        _ => envoy(port, &read("envoy.yaml")),
    }
}
