//! Where the peers' programs are. Everything that is not a Debian package lives in one tool directory,
//! `target/tools` of the workspace, or `DOORWARD_TOOLS`.

use std::path::{Path, PathBuf};

/// The root of the workspace this kit was built in.
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// The tool directory.
pub fn directory() -> PathBuf {
    match std::env::var_os("DOORWARD_TOOLS") {
        Some(path) => PathBuf::from(path),
        None => workspace().join("target").join("tools"),
    }
}

/// The virtual environment that holds the proxies.
pub fn proxies_environment() -> PathBuf {
    directory().join("proxies")
}

/// The virtual environment that holds Dagster.
pub fn dagster_environment() -> PathBuf {
    directory().join("dagster")
}

/// The script of axe-core.
pub fn axe_script() -> PathBuf {
    directory().join("axe/node_modules/axe-core/axe.min.js")
}

/// The main module of openid-client.
pub fn openid_client() -> PathBuf {
    directory().join("openid-client/node_modules/openid-client/build/index.js")
}

/// The main module of oidc-provider.
pub fn oidc_provider() -> PathBuf {
    directory().join("oidc-provider/node_modules/oidc-provider/lib/index.js")
}

/// The virtual environment that holds what signs in with tokens alone: an object store, clients in Python.
pub fn clients_environment() -> PathBuf {
    directory().join("clients")
}

/// The virtual environment that holds what speaks SAML.
pub fn saml_environment() -> PathBuf {
    directory().join("saml")
}

/// Where Cube's packages are.
pub fn cube_packages() -> PathBuf {
    directory().join("cube/node_modules")
}

/// The main module of oauth4webapi.
pub fn oauth4webapi() -> PathBuf {
    directory().join("oauth4webapi/node_modules/oauth4webapi/build/index.js")
}

/// The module of keycloak-js that pages load.
pub fn keycloak_script() -> PathBuf {
    directory().join("keycloak-js/node_modules/keycloak-js/lib/keycloak.js")
}

/// Keycloak's own starter.
///
/// # Panics
/// When it is not installed.
pub fn keycloak() -> PathBuf {
    let version = std::fs::read_dir(directory().join("keycloak")).into_iter().flatten().flatten();
    let found = version.map(|entry| entry.path().join("bin/kc.sh")).find(|path| path.exists());
    found.unwrap_or_else(|| missing("keycloak/*/bin/kc.sh"))
}

/// A program of the clients' environment: `weed`, `python`.
///
/// # Panics
/// When it is not installed.
pub fn clients_program(name: &str) -> PathBuf {
    existing(clients_environment().join("bin").join(name))
}

/// A program of the environment that speaks SAML: `python`.
///
/// # Panics
/// When it is not installed.
pub fn saml_program(name: &str) -> PathBuf {
    existing(saml_environment().join("bin").join(name))
}

/// The tester of HTTP/2 servers.
pub fn h2spec() -> PathBuf {
    directory().join("h2spec/h2spec")
}

/// The virtual environment that holds an application: `jupyterhub`, `superset`, `airflow`.
pub fn application_environment(name: &str) -> PathBuf {
    directory().join(name)
}

/// The proxy that JupyterHub puts before its servers.
pub fn hub_proxy() -> PathBuf {
    directory().join("hub-proxy/node_modules/configurable-http-proxy/bin/configurable-http-proxy")
}

/// A program of an application's environment.
///
/// # Panics
/// When it is not installed.
pub fn application_program(name: &str, program: &str) -> PathBuf {
    existing(application_environment(name).join("bin").join(program))
}

/// A program of the proxies' environment: `envoy`, `traefik`, `caddy`.
///
/// # Panics
/// When it is not installed.
pub fn proxy_program(name: &str) -> PathBuf {
    existing(proxies_environment().join("bin").join(name))
}

/// A program of Dagster's environment: `dagster-webserver`, `dagster`.
///
/// # Panics
/// When it is not installed.
pub fn dagster_program(name: &str) -> PathBuf {
    existing(dagster_environment().join("bin").join(name))
}

/// A program of a Debian package, looked up where Debian puts daemons too.
///
/// # Panics
/// When it is not installed.
pub fn debian_program(name: &str) -> PathBuf {
    let folders = ["/usr/sbin", "/usr/bin", "/usr/local/bin", "/sbin", "/bin"];
    let found = folders.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.exists());
    found.unwrap_or_else(|| missing(name))
}

/// A program of PostgreSQL's server package, newest installed version.
///
/// # Panics
/// When none is installed.
pub fn postgres_program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|entry| entry.path().join("bin").join(name)).collect();
    folders.retain(|path| path.exists());
    folders.sort();
    folders.pop().unwrap_or_else(|| missing(name))
}

fn existing(path: PathBuf) -> PathBuf {
    if path.exists() {
        return path;
    }
    missing(&path.display().to_string())
}

fn missing(name: &str) -> ! {
    panic!("{name} is not installed; run `cargo xtask setup`")
}
