//! The test kit itself against the real peers: each starts, answers, and is gone afterwards. When this suite fails,
//! the other suites' failures mean nothing.
#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::path::Path;
use std::time::{Duration, Instant};

use doorward_testkit::echo::{Echo, Reply};
use doorward_testkit::http::{Request, get};
use doorward_testkit::limits::BROWSER_WAIT;
use doorward_testkit::peers::{
    Dagster, DagsterOptions, Peer, Postgres, caddy, check_caddy, check_envoy, check_haproxy, check_nginx, envoy,
    haproxy, nginx, nginx_around, traefik,
};
use doorward_testkit::ports::free_port;
use doorward_testkit::process::{accepts, wait_until};
use doorward_testkit::scratch::Scratch;
use doorward_testkit::webdriver::{Browser, Scheme};
use serde_json::json;

/// A peer in front of an echo passes a request on, and its port is free once it is dropped.
fn passes_on(name: &str, started: Instant, peer: Peer, echo: &Echo) {
    let ready = started.elapsed();
    let answer = Request::new("GET", &format!("{}/a/b?c=d", peer.url())).header("X-Kit", "yes").send();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let seen = echo.last();
    assert_eq!((seen.path.as_str(), seen.header("x-kit")), ("/a/b?c=d", Some("yes")));
    println!("{name}: ready in {ready:.1?}, {} MiB resident", peer.process.family_resident_kib() / 1024);
    let port = peer.port();
    drop(peer);
    wait_until("the peer to be gone", Duration::from_secs(5), || !accepts(port));
}

#[test]
fn nginx_passes_on() {
    let (echo, port) = (Echo::start(), free_port());
    let server = format!(
        "  server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://127.0.0.1:{}; }} }}",
        echo.port()
    );
    let config = nginx_around(&server);
    check_nginx(&config).expect("a good configuration");
    let refusal = check_nginx(&config.replace("listen", "listne")).expect_err("a bad configuration");
    assert!(refusal.contains("listne"), "{refusal}");
    let started = Instant::now();
    passes_on("nginx", started, nginx(port, &config), &echo);
}

#[test]
fn haproxy_passes_on() {
    let (echo, port) = (Echo::start(), free_port());
    let config = format!(
        "global\n  lua-load @DIR@/hello.lua\ndefaults\n  mode http\n  timeout connect 2s\n  timeout client 30s\n  \
         timeout server 30s\nfrontend f\n  bind 127.0.0.1:{port}\n  default_backend b\nbackend b\n  server s 127.0.0.1:{}\n",
        echo.port()
    );
    let files = [("hello.lua", "core.register_action(\"hello\", {\"http-req\"}, function(txn) end)\n")];
    check_haproxy(&config, &files).expect("a good configuration");
    check_haproxy(&config.replace("bind", "bidn"), &files).expect_err("a bad configuration");
    let started = Instant::now();
    passes_on("haproxy", started, haproxy(port, &config, &files), &echo);
}

#[test]
fn traefik_passes_on() {
    let (echo, port) = (Echo::start(), free_port());
    let fixed = format!(
        "entryPoints: {{web: {{address: \"127.0.0.1:{port}\"}}}}\n\
         providers: {{file: {{filename: @DIR@/dynamic.yaml}}}}\n\
         global: {{checkNewVersion: false, sendAnonymousUsage: false}}\n"
    );
    let dynamic = format!(
        "http:\n  routers: {{app: {{rule: \"PathPrefix(`/`)\", service: app}}}}\n  \
         services: {{app: {{loadBalancer: {{servers: [{{url: \"{}\"}}]}}}}}}\n",
        echo.url()
    );
    let started = Instant::now();
    let peer = traefik(port, &fixed, &dynamic);
    // The port accepts before the routes are read.
    let url = format!("{}/", peer.url());
    wait_until("the route", Duration::from_secs(10), || get(&url).status == 200);
    passes_on("traefik", started, peer, &echo);
}

#[test]
fn caddy_passes_on() {
    let (echo, port) = (Echo::start(), free_port());
    let caddyfile = format!("http://:{port} {{\n  bind 127.0.0.1\n  reverse_proxy 127.0.0.1:{}\n}}\n", echo.port());
    check_caddy(&caddyfile).expect("a good configuration");
    check_caddy(&caddyfile.replace("bind", "bidn")).expect_err("a bad configuration");
    let started = Instant::now();
    passes_on("caddy", started, caddy(port, &caddyfile), &echo);
}

#[test]
fn envoy_passes_on() {
    let (echo, port) = (Echo::start(), free_port());
    let address = |port: u16| json!({"socket_address": {"address": "127.0.0.1", "port_value": port}});
    let routes = json!({"virtual_hosts": [{"name": "v", "domains": ["*"],
        "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "upstream"}}]}]});
    let router = json!({"name": "envoy.filters.http.router", "typed_config":
        {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}});
    let manager = json!({"name": "envoy.filters.network.http_connection_manager", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "a", "route_config": routes, "http_filters": [router]}});
    let endpoint = json!({"endpoint": {"address": address(echo.port())}});
    // JSON is YAML.
    let bootstrap = json!({"static_resources": {
        "listeners": [{"address": address(port), "filter_chains": [{"filters": [manager]}]}],
        "clusters": [{"name": "upstream", "type": "STATIC", "load_assignment":
            {"cluster_name": "upstream", "endpoints": [{"lb_endpoints": [endpoint]}]}}]}})
    .to_string();
    check_envoy(&bootstrap).expect("a good configuration");
    check_envoy(&bootstrap.replace("STATIC", "STATICK")).expect_err("a bad configuration");
    let started = Instant::now();
    // Started by a thread that ends at once: Envoy must live on.
    let peer = std::thread::spawn(move || envoy(port, &bootstrap)).join().expect("envoy starts");
    passes_on("envoy", started, peer, &echo);
}

#[test]
fn postgres_stops_starts_and_freezes() {
    let started = Instant::now();
    let mut server = Postgres::start();
    println!("postgres: ready in {:.1?}, {} MiB resident", started.elapsed(), server.resident_kib() / 1024);
    let url = server.create_database("kit");
    assert!(url.ends_with("/kit"), "{url}");
    server.query("kit", "CREATE TABLE t (n int)");
    server.query("kit", "INSERT INTO t VALUES (1), (2)");
    server.restart();
    assert_eq!(server.query("kit", "SELECT sum(n) FROM t"), "3");
    server.kill9();
    server.try_query("kit", "SELECT 1").expect_err("it was killed");
    server.start_again();
    assert_eq!(server.query("kit", "SELECT sum(n), 'x' FROM t"), "3|x");
    assert_eq!(server.query("kit", "SHOW fsync"), "on");
    server.pause();
    server.try_query("kit", "SELECT 1").expect_err("it is frozen");
    server.resume();
    assert_eq!(server.query("kit", "SELECT 1"), "1");
}

const PAGE: &str = "<!doctype html><html lang=en><title>Kit</title>\
    <meta name=viewport content='width=device-width'>\
    <style>body{background:#fff;color:#000} @media (prefers-color-scheme: dark){body{background:#000;color:#fff}}</style>\
    <main><h1>Hello</h1><img src=data:,><form action=/sent><label>Name <input name=name></label><button>Send</button></form>\
    </main>";

#[test]
fn browser_types_clicks_and_is_checked() {
    let echo = Echo::start_with(|seen| match seen.path.as_str() {
        "/" => Reply::page(PAGE),
        _ => Reply::json(&seen.json()),
    });
    let started = Instant::now();
    let browser = Browser::start();
    let url = format!("http://kit.localhost:{}/", echo.port());
    browser.goto(&url);
    println!("chromium: page in {:.1?}, {} MiB resident", started.elapsed(), browser.resident_kib() / 1024);
    assert_eq!((browser.title().as_str(), browser.url().as_str()), ("Kit", url.as_str()));
    let background = "return getComputedStyle(document.body).backgroundColor";
    browser.emulate_scheme(Scheme::Dark);
    assert_eq!(browser.execute(background, &[]), json!("rgb(0, 0, 0)"));
    browser.emulate_scheme(Scheme::Light);
    assert_eq!(browser.execute(background, &[]), json!("rgb(255, 255, 255)"));
    browser.emulate_device(390, 844);
    assert_eq!(browser.execute("return innerWidth", &[]), json!(390));
    browser.stop_emulating_device();
    let scratch = Scratch::new("screenshot");
    let picture = scratch.join("page.png");
    browser.screenshot(&picture);
    assert!(is_png(&picture));
    let rules: Vec<String> = browser.axe(&["wcag2a", "wcag2aa"]).into_iter().map(|found| found.rule).collect();
    assert_eq!(rules, ["image-alt"]);
    let field = browser.find("input[name=name]");
    browser.type_text(&field, "Ada");
    browser.press_on("button");
    browser.wait_for_url("/sent?name=Ada");
    assert_eq!(echo.last().header("host"), Some(format!("kit.localhost:{}", echo.port()).as_str()));
    assert!(browser.try_goto(&format!("http://127.0.0.1:{}/", free_port())).is_err());
}

fn is_png(path: &Path) -> bool {
    std::fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"\x89PNG") && (bytes.len() > 1000))
}

#[test]
fn dagster_serves_its_project_to_a_browser() {
    let started = Instant::now();
    let dagster =
        Dagster::start_with(&DagsterOptions { path_prefix: "/tools/dagster".to_owned(), is_read_only: false });
    let memory = dagster.process.family_resident_kib() / 1024;
    println!("dagster: ready in {:.1?}, {memory} MiB resident", started.elapsed());
    let told = dagster.graphql("{ assetNodes { assetKey { path } dependencyKeys { path } } }");
    let nodes = told.pointer("/data/assetNodes").and_then(|nodes| nodes.as_array()).expect("assets");
    assert_eq!(nodes.len(), 4);
    let browser = Browser::start();
    browser.goto(&format!("{}/asset-groups", dagster.url()));
    browser.wait_until_js("return document.body.innerText.includes('reports')", BROWSER_WAIT);
    let answers = browser.responses();
    let with_data = answers
        .iter()
        .filter(|answer| (answer.status == 200) && answer.url.contains("/graphql"))
        .any(|answer| browser.response_body(answer).is_some_and(|body| body.contains("\"data\"")));
    assert!(with_data, "no GraphQL answer with data among {answers:?}");
    wait_until("a frame from the server", BROWSER_WAIT, || {
        browser.websocket_frames().iter().any(|frame| !frame.is_sent && frame.url.contains("/graphql"))
    });
    assert!(!browser.websockets().is_empty());
}
