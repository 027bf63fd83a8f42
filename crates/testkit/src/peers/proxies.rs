//! nginx, HAProxy, Traefik, Caddy and Envoy: start with a full configuration, or only let them judge one.
//! Owns the flags that keep them in the foreground, on loopback and inside their directory; not the configurations.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::limits;
use crate::ports::free_port;
use crate::process::{Process, Signal};
use crate::scratch::Scratch;
use crate::tools;

/// A running proxy.
pub struct Peer {
    port: u16,
    /// The program; its log is worth a look when a test fails.
    pub process: Process,
    /// Its directory.
    pub scratch: Scratch,
}

impl Peer {
    /// Starts a program and waits until it accepts connections on `port`.
    pub(super) fn start(name: &str, port: u16, command: Command, scratch: Scratch) -> Peer {
        let mut process = Process::start(name, command, &scratch.join("log"));
        process.wait_port(port, limits::PEER_START);
        Peer { port, process, scratch }
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its address under a name that resolves to loopback: `http://NAME:PORT`.
    pub fn url_as(&self, name: &str) -> String {
        format!("http://{name}:{}", self.port)
    }

    /// Asks it to read its configuration again (nginx, HAProxy in master mode).
    pub fn reload(&mut self) {
        self.process.signal(Signal::Reload);
    }
}

/// nginx with a full configuration that listens on `port`.
///
/// # Panics
/// When it does not start.
pub fn nginx(port: u16, config: &str) -> Peer {
    let scratch = Scratch::new("nginx");
    let command = nginx_command(&scratch, config);
    Peer::start("nginx", port, command, scratch)
}

/// A full nginx configuration around `server { … }` blocks: foreground, files in its own directory, log on stderr.
pub fn nginx_around(servers: &str) -> String {
    format!(
        "daemon off;\npid @DIR@/nginx.pid;\nerror_log stderr info;\nworker_processes 1;\n\
         events {{ worker_connections 1024; }}\n\
         http {{\n  access_log off;\n  client_body_temp_path @DIR@/body;\n  proxy_temp_path @DIR@/proxy;\n  \
         fastcgi_temp_path @DIR@/fastcgi;\n  uwsgi_temp_path @DIR@/uwsgi;\n  scgi_temp_path @DIR@/scgi;\n{servers}\n}}\n"
    )
}

fn nginx_command(scratch: &Scratch, config: &str) -> Command {
    let path = scratch.write("nginx.conf", config);
    let mut command = Command::new(tools::debian_program("nginx"));
    command.arg("-p").arg(scratch.path()).arg("-c").arg(path).args(["-e", "stderr"]);
    let mut globals = String::new();
    if !config.contains("daemon ") {
        globals.push_str("daemon off; ");
    }
    if !config.contains("pid ") {
        globals.push_str(&format!("pid {}; ", scratch.join("nginx.pid").display()));
    }
    if !globals.is_empty() {
        command.args(["-g", globals.trim_end()]);
    }
    command
}

/// Lets nginx judge a configuration; its words when it refuses.
///
/// # Errors
/// What nginx said.
pub fn check_nginx(config: &str) -> Result<String, String> {
    let scratch = Scratch::new("nginx-check");
    let mut command = nginx_command(&scratch, config);
    command.arg("-t");
    judge(command)
}

/// HAProxy with a full configuration that listens on `port`; `files` (name, text) are written beside it.
///
/// # Panics
/// When it does not start.
pub fn haproxy(port: u16, config: &str, files: &[(&str, &str)]) -> Peer {
    let scratch = Scratch::new("haproxy");
    let mut command = haproxy_command(&scratch, config, files);
    command.arg("-db");
    Peer::start("haproxy", port, command, scratch)
}

fn haproxy_command(scratch: &Scratch, config: &str, files: &[(&str, &str)]) -> Command {
    for (name, text) in files {
        scratch.write(name, text);
    }
    let mut command = Command::new(tools::debian_program("haproxy"));
    command.arg("-f").arg(scratch.write("haproxy.cfg", config)).current_dir(scratch.path());
    command
}

/// Lets HAProxy judge a configuration.
///
/// # Errors
/// What HAProxy said.
pub fn check_haproxy(config: &str, files: &[(&str, &str)]) -> Result<String, String> {
    let scratch = Scratch::new("haproxy-check");
    let mut command = haproxy_command(&scratch, config, files);
    command.arg("-c");
    judge(command)
}

/// Traefik with a static and a dynamic configuration (YAML). The static one names the dynamic one as
/// `@DIR@/dynamic.yaml` in `providers.file.filename`, and turns off the version check and usage statistics.
///
/// # Panics
/// When it does not start.
pub fn traefik(port: u16, fixed: &str, dynamic: &str) -> Peer {
    let scratch = Scratch::new("traefik");
    scratch.write("dynamic.yaml", dynamic);
    let path = scratch.write("traefik.yaml", fixed);
    let mut command = Command::new(tools::proxy_program("traefik"));
    command.arg(format!("--configFile={}", path.display())).current_dir(scratch.path());
    Peer::start("traefik", port, command, scratch)
}

/// Caddy with a Caddyfile that listens on `port`. A site needs `bind 127.0.0.1`, else Caddy listens everywhere.
///
/// # Panics
/// When it does not start.
pub fn caddy(port: u16, caddyfile: &str) -> Peer {
    let scratch = Scratch::new("caddy");
    let command = caddy_command("run", &scratch, caddyfile);
    Peer::start("caddy", port, command, scratch)
}

fn caddy_command(verb: &str, scratch: &Scratch, caddyfile: &str) -> Command {
    let path = scratch.write("Caddyfile", caddyfile);
    let mut command = Command::new(tools::proxy_program("caddy"));
    command.args([verb, "--adapter", "caddyfile", "--config"]).arg(path).current_dir(scratch.path());
    command.env("HOME", scratch.path());
    command.env("XDG_DATA_HOME", scratch.join("data")).env("XDG_CONFIG_HOME", scratch.join("config"));
    // Its control port; the usual one would be shared by every Caddy on the machine.
    command.env("CADDY_ADMIN", format!("127.0.0.1:{}", free_port()));
    command
}

/// Lets Caddy judge a Caddyfile.
///
/// # Errors
/// What Caddy said.
pub fn check_caddy(caddyfile: &str) -> Result<String, String> {
    let scratch = Scratch::new("caddy-check");
    judge(caddy_command("validate", &scratch, caddyfile))
}

/// Envoy with a full bootstrap configuration (YAML) that listens on `port`.
///
/// # Panics
/// When it does not start.
pub fn envoy(port: u16, yaml: &str) -> Peer {
    let scratch = Scratch::new("envoy");
    let mut command = envoy_command(&scratch, yaml);
    // Hot restart shares memory between all Envoys with the same base id.
    command.args(["--disable-hot-restart", "--concurrency", "1", "-l", "warn"]);
    Peer::start("envoy", port, command, scratch)
}

fn envoy_command(scratch: &Scratch, yaml: &str) -> Command {
    let mut command = Command::new(tools::proxy_program("envoy"));
    command.arg("-c").arg(scratch.write("envoy.yaml", yaml)).current_dir(scratch.path());
    command
}

/// Lets Envoy judge a bootstrap configuration.
///
/// # Errors
/// What Envoy said.
pub fn check_envoy(yaml: &str) -> Result<String, String> {
    let scratch = Scratch::new("envoy-check");
    let mut command = envoy_command(&scratch, yaml);
    command.args(["--mode", "validate", "-l", "warn"]);
    judge(command)
}

fn judge(mut command: Command) -> Result<String, String> {
    let program = PathBuf::from(command.get_program());
    let output = command.output().unwrap_or_else(|error| panic!("cannot run {}: {error}", program.display()));
    let words = [output.stdout, output.stderr].concat();
    let words = String::from_utf8_lossy(&words).into_owned();
    if output.status.success() { Ok(words) } else { Err(told(&program, &words)) }
}

fn told(program: &Path, words: &str) -> String {
    let name = program.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    format!("{name} refuses the configuration: {words}")
}
