//! `doorward recipe`

use crate::commands::{Found, Shell, app};
use crate::exit::{Code, Exit, plain};
use crate::report::Report;
use clap::Args;
use doorward_gate::headers::OWN_DEFAULT;
use doorward_model::address::{Address, Scheme};
use doorward_model::app::{AppSettings, HeaderFamily};
use doorward_model::name::AppSlug;
use doorward_platform::recipes::{Place, RecipeFacts, RecipeFile, RecipeKind, render};
use serde_json::json;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// A reverse proxy's configuration for an app.
#[derive(Args, Debug)]
pub struct Recipe {
    /// The proxy: nginx, traefik, caddy, haproxy, envoy, envoy-grpc or istio.
    #[arg(value_name = "PROXY", value_parser = kind)]
    kind: RecipeKind,
    /// The app.
    #[arg(long, value_parser = AppSlug::parse)]
    app: AppSlug,
    /// Where the proxy itself listens.
    #[arg(long = "listen", default_value = "127.0.0.1:8000", value_name = "HOST:PORT", value_parser = Place::parse)]
    proxy_listen: Place,
    /// Where the proxy reaches Doorward [default: as the running server listens, else the settings].
    #[arg(long, value_name = "HOST:PORT", value_parser = Place::parse)]
    doorward: Option<Place>,
    /// Where the proxy reaches Doorward's gRPC gate [default: as the running server listens, else the settings].
    #[arg(long, value_name = "HOST:PORT", value_parser = Place::parse)]
    doorward_grpc: Option<Place>,
    /// Where the tool listens, over plain HTTP.
    #[arg(long, value_name = "HOST:PORT", value_parser = Place::parse)]
    upstream: Option<Place>,
    /// A family of identity headers the tool is told; may be repeated [default: as the app says].
    #[arg(long, num_args = 1.., value_name = "FAMILY", value_parser = app::family)]
    headers: Vec<HeaderFamily>,
    /// Write the files into this directory instead of printing them.
    #[arg(long, value_name = "DIR")]
    write: Option<PathBuf>,
}

fn kind(text: &str) -> Result<RecipeKind, String> {
    let known: Vec<&str> = RecipeKind::ALL.iter().map(|kind| kind.as_str()).collect();
    RecipeKind::parse(text).ok_or_else(|| format!("the proxies are {}", known.join(", ")))
}

/// Runs the command.
pub async fn run(asked: Recipe, shell: &Shell) -> Result<Report, Exit> {
    let tool = shell.app(&shell.realm().await?, &asked.app).await?;
    let settings = &tool.settings;
    if let Some(upstream) = &settings.upstream {
        // The gate would not be asked at the app's own host: Doorward answers there itself.
        return Err(Exit::refused(format!(
            "app {} has an upstream, so the built-in proxy serves it and other proxies that ask about it get no answer: \
             hand it over with `{}`, then run `{}`",
            tool.slug,
            handing_over(&shell.config.doorward(), &asked, settings),
            again(&shell.config.doorward(), &asked, upstream),
        )));
    }
    let Some(upstream) = asked.upstream else {
        let sentence = format!("a recipe needs to know where app {} listens: give --upstream HOST:PORT", tool.slug);
        return Err(Exit::usage(sentence));
    };
    let families = match (asked.headers.is_empty(), settings.headers.is_empty()) {
        (false, _) => asked.headers,
        (true, false) => settings.headers.clone(),
        (true, true) => OWN_DEFAULT.to_vec(),
    };
    let Found { standing, is_assumed } = shell.found().await;
    let is_told = asked.doorward.is_some() && (asked.kind != RecipeKind::EnvoyGrpc || asked.doorward_grpc.is_some());
    let facts = RecipeFacts {
        slug: &tool.slug,
        title: &settings.title,
        addresses: &settings.addresses,
        upstream,
        doorward_http: place(asked.doorward, standing.listen)?,
        doorward_grpc: match (asked.doorward_grpc, standing.grpc_listen) {
            (Some(place), _) => place,
            (None, Some(address)) => place(None, address)?,
            (None, None) if asked.kind == RecipeKind::EnvoyGrpc => {
                return Err(Exit::usage("the gRPC gate is switched off here: give --doorward-grpc HOST:PORT"));
            }
            (None, None) => place(None, standing.listen)?,
        },
        listen: asked.proxy_listen,
        families,
        doorward: &standing.public,
        allowed_groups: app::allowed(shell, &tool).await?,
        public_paths: settings.public_paths.clone(),
    };
    let files = render(asked.kind, &facts);
    let report = match &asked.write {
        Some(directory) => write(directory, &files)?,
        None => print(&files),
    };
    // Istio's gateway listens where its own objects say.
    let elsewhere = if asked.kind == RecipeKind::Istio { None } else { elsewhere(&facts) };
    let assumed = (is_assumed && !is_told).then(|| {
        format!(
            "no server runs on {}, so this recipe has it at {}, as the settings say: give --doorward HOST:PORT if it listens \
             elsewhere",
            shell.config.data.display(),
            facts.doorward_http
        )
    });
    Ok(report.and_warnings(assumed.into_iter().chain(elsewhere)))
}

/// The command that takes an app from the built-in proxy, and lets people come to the other one.
fn handing_over(doorward: &str, asked: &Recipe, settings: &AppSettings) -> String {
    let mut words = format!("{doorward} app update {} --upstream ''", asked.app);
    // Whatever ends TLS for an https address will lead to the other proxy, at the same address.
    for address in settings.addresses.iter().filter(|address| address.scheme() == Scheme::Http) {
        let (host, port, prefix) = (address.host(), asked.proxy_listen.port(), address.prefix());
        words.push_str(&format!(" --address http://{host}:{port}{prefix}"));
    }
    words
}

/// The same command for an app without an upstream, which is said here instead.
fn again(doorward: &str, asked: &Recipe, upstream: &str) -> String {
    let place = upstream.split_once("://").map_or(upstream, |(_, place)| place).trim_end_matches('/');
    let (kind, app, listen) = (asked.kind.as_str(), &asked.app, &asked.proxy_listen);
    let mut words = format!("{doorward} recipe {kind} --app {app} --upstream {place} --listen {listen}");
    if let Some(directory) = &asked.write {
        words.push_str(&format!(" --write {}", directory.display()));
    }
    words
}

/// What to say when people come to another port than the proxy listens at. Of `https` addresses nothing can be
/// said: something in front of the proxy may end TLS.
fn elsewhere(facts: &RecipeFacts<'_>) -> Option<String> {
    let declared = facts.addresses.first().filter(|address| address.scheme() == Scheme::Http)?;
    let wanted = port(declared)?;
    if facts.addresses.iter().any(|address| port(address) == Some(facts.listen.port())) {
        return None;
    }
    let (slug, listens) = (facts.slug, facts.listen.port());
    let what = format!("app {slug} is declared at {declared}, and this proxy will listen at port {listens}");
    let how = match wanted == facts.doorward_http.port() {
        true => format!(
            "port {wanted} is Doorward's own, so declare the proxy's address: `doorward app update {slug} --address \
             http://{}:{listens}{}`",
            declared.host(),
            declared.prefix()
        ),
        false => format!("give --listen HOST:{wanted}, or declare the address people come to"),
    };
    Some(format!("{what}: {how}"))
}

fn port(address: &Address) -> Option<u16> {
    url::Url::parse(&address.origin()).ok()?.port_or_known_default()
}

/// Where this machine reaches a listener that may listen everywhere.
fn place(given: Option<Place>, address: SocketAddr) -> Result<Place, Exit> {
    if let Some(place) = given {
        return Ok(place);
    }
    let ip = if address.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { address.ip() };
    let text = SocketAddr::new(ip, address.port()).to_string();
    Place::parse(&text).map_err(|bad| Exit::usage(format!("--doorward: {bad}: write HOST:PORT")))
}

fn print(files: &[RecipeFile]) -> Report {
    let value = json!(files.iter().map(|file| json!({"name": file.name, "text": file.text})).collect::<Vec<_>>());
    let text = match files {
        [only] => only.text.clone(),
        several => several.iter().map(|file| format!("# file: {}\n{}", file.name, file.text)).collect(),
    };
    Report::text(text, value)
}

fn write(directory: &Path, files: &[RecipeFile]) -> Result<Report, Exit> {
    let broken = |error: std::io::Error| {
        let shown = directory.display();
        Exit::new(
            Code::Broken,
            format!("{shown} cannot be written, {}: name another directory with --write", plain(&error)),
        )
    };
    fs::create_dir_all(directory).map_err(broken)?;
    let differs =
        |file: &&RecipeFile| fs::read(directory.join(&file.name)).is_ok_and(|there| there != file.text.as_bytes());
    let replaced: Vec<&str> = files.iter().filter(differs).map(|file| file.name.as_str()).collect();
    let rest = match replaced.is_empty() {
        true => String::new(),
        false => format!(" What stood in {} there is gone.", replaced.join(", ")),
    };
    for file in files {
        fs::write(directory.join(&file.name), &file.text).map_err(broken)?;
    }
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    Ok(Report::words(format!("Wrote {} into {}.{rest}", names.join(", "), directory.display())))
}
