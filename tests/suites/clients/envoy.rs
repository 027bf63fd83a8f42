//! Envoy's JWT filter, set up as Istio sets it up for Kubeflow: who came is told from the claims of a good token, and
//! from nothing else.

use doorward_testkit::door::Door;
use doorward_testkit::echo::Echo;
use doorward_testkit::encoding::from_base64;
use doorward_testkit::http::Request;
use doorward_testkit::peers::{Peer, envoy};
use doorward_testkit::ports::free_port;
use doorward_testkit::process::wait_until;
use doorward_testkit::scratch::Scratch;
use doorward_tests::clients::{Program, ask, door, issuer, jwks, tampered};
use doorward_tests::sign_in_at;
use serde_json::{Value, json};
use std::time::Duration;

/// The filter that Istio's `RequestAuthentication` with `outputClaimToHeaders` becomes, and the cluster of the keys.
fn filter(door: &Door, audience: &str) -> (String, String) {
    let filter = format!(
        "
                  - name: envoy.filters.http.jwt_authn
                    typed_config:
                      \"@type\": type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication
                      providers:
                        doorward:
                          issuer: {}
                          audiences: [{audience}]
                          clock_skew_seconds: 1
                          forward: true
                          from_headers: [{{name: Authorization, value_prefix: \"Bearer \"}}]
                          remote_jwks:
                            http_uri: {{uri: {}, cluster: keys, timeout: 5s}}
                          claim_to_headers:
                            - {{header_name: kubeflow-userid, claim_name: email}}
                            - {{header_name: kubeflow-groups, claim_name: groups}}
                      rules:
                        - match: {{prefix: /.doorward/}}
                        - match: {{prefix: /}}
                          requires: {{provider_name: doorward}}",
        issuer(door),
        jwks(door, "main"),
    );
    (filter, cluster("keys", door.port()))
}

fn cluster(name: &str, port: u16) -> String {
    format!(
        "
    - name: {name}
      type: STATIC
      connect_timeout: 2s
      load_assignment:
        cluster_name: {name}
        endpoints:
          - lb_endpoints:
              - endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}}}"
    )
}

/// Envoy that asks for a token and nothing else.
fn gateway(door: &Door, tool: &Echo) -> Peer {
    let port = free_port();
    let (filter, keys) = filter(door, "kubeflow");
    let upstream = cluster("app", tool.port());
    let config = format!(
        "static_resources:
  listeners:
    - address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                \"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: gateway
                route_config:
                  virtual_hosts:
                    - name: all
                      domains: [\"*\"]
                      routes: [{{match: {{prefix: /}}, route: {{cluster: app}}}}]
                http_filters:{filter}
                  - name: envoy.filters.http.router
                    typed_config:
                      \"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
  clusters:{upstream}{keys}
"
    );
    envoy(port, &config)
}

/// A list in a header as this filter writes it: JSON in base64url without padding.
fn list(header: Option<&str>) -> Value {
    let text = header.unwrap_or_default().replace('-', "+").replace('_', "/");
    let padded = format!("{text}{}", "=".repeat((4 - text.len() % 4) % 4));
    let bytes = from_base64(&padded).unwrap_or_else(|| panic!("not base64: {text}"));
    serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("no JSON ({error}) in {text}"))
}

const KUBEFLOW: &str = "lifetimes: {access_seconds: 600}";

#[test]
fn kubeflow_hears_who_came_from_the_token_and_from_nothing_else() {
    let (door, tool) = (door(), Echo::start());
    let kubeflow = Program::declare(&door, "kubeflow", KUBEFLOW);
    let gateway = gateway(&door, &tool);
    let url = format!("{}/pipelines", gateway.url());
    let token = kubeflow.id_token("alice");
    let answer = ask(&url, &token);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let seen = tool.last();
    assert_eq!(seen.headers_named("kubeflow-userid"), ["alice@example.com"], "{:?}", seen.headers);
    assert_eq!(list(seen.header("kubeflow-groups")), json!(["data", "data-engineers"]));

    let forged = [
        ("kubeflow-userid", "root@example.com"),
        ("Kubeflow-UserID", "root@example.com"),
        ("kubeflow-groups", "YWRtaW5z"),
        ("Authorization", &format!("Bearer {token}")),
    ];
    let request = forged.iter().fold(Request::new("GET", &url), |request, (name, value)| request.header(name, value));
    assert_eq!(request.send().status, 200);
    let seen = tool.last();
    assert_eq!(seen.headers_named("kubeflow-userid"), ["alice@example.com"], "{:?}", seen.headers);
    assert_eq!(seen.headers_named("kubeflow-groups").len(), 1);
    assert_eq!(list(seen.header("kubeflow-groups")), json!(["data", "data-engineers"]));
}

#[test]
fn kubeflow_takes_no_other_token() {
    let (door, tool) = (door(), Echo::start());
    door.cli_text(&["realm", "create", "lab"]);
    door.cli_text(&["--realm", "lab", "user", "create", "alice", "--password-env", "DOORWARD_TEST_PASSWORD"]);
    let kubeflow = Program::declare(&door, "kubeflow", KUBEFLOW);
    let gateway = gateway(&door, &tool);
    let url = format!("{}/pipelines", gateway.url());
    let good = kubeflow.id_token("alice");
    assert_eq!(ask(&url, &good).status, 200);
    tool.take();

    let other = Program::declare(&door, "other", "");
    let short = Program::declare(&door, "short", "lifetimes: {access_seconds: 1}\nmappers: [{audience: kubeflow}]");
    let short = short.access_token("alice");
    let of_lab = Program::declare_in(&door, "lab", "kubeflow", "");
    let unsigned = format!("eyJhbGciOiJub25lIn0.{}.AA", good.split('.').nth(1).unwrap_or_default());
    let cases = [
        ("an audience of another tool", other.id_token("alice"), 403, "Audiences in Jwt are not allowed"),
        ("another realm", of_lab.id_token("alice"), 401, "Jwt issuer is not configured"),
        ("another signature", tampered(&good), 401, "Jwt verification fails"),
        ("no signature", unsigned, 401, "Jwt"),
        ("no token", String::new(), 401, "Jwt"),
    ];
    for (what, token, status, words) in cases {
        let answer = ask(&url, &token);
        assert_eq!(answer.status, status, "{what}: {}", answer.text());
        assert!(answer.text().contains(words), "{what}: {}", answer.text());
    }
    assert_eq!(Request::new("GET", &url).header("kubeflow-userid", "root@example.com").send().status, 401);
    // A second of life and one of grace for clocks.
    wait_until("the token to be over", Duration::from_secs(10), || ask(&url, &short).status == 401);
    assert!(ask(&url, &short).text().contains("Jwt is expired"));
    let passed =
        tool.seen().iter().filter(|seen| !seen.headers_named("authorization").concat().contains(&short)).count();
    assert_eq!(passed, 0, "{:?}", tool.seen());
}

#[test]
fn the_gate_hands_kubeflow_a_token_that_its_own_check_takes() {
    let (door, tool) = (door(), Echo::start());
    let port = free_port();
    let address = format!("http://kubeflow.localhost:{port}");
    let app = format!(
        "kind: App\nname: kubeflow\naddresses: ['{address}']\nallowed_groups: [data]\nheaders: [kubeflow]\nbearer_token: true\n"
    );
    let file = door.scratch().write("app.yaml", &app).display().to_string();
    door.cli_text(&["apply", "-f", &file]);
    let scratch = Scratch::new("recipe");
    let directory = scratch.path().display().to_string();
    let (listen, upstream) = (format!("127.0.0.1:{port}"), format!("127.0.0.1:{}", tool.port()));
    let http = format!("127.0.0.1:{}", door.port());
    let recipe = ["recipe", "envoy", "--app", "kubeflow", "--listen", &listen, "--upstream", &upstream];
    door.cli_text(&[recipe.as_slice(), &["--doorward", &http, "--write", &directory]].concat());
    let printed = std::fs::read_to_string(scratch.join("envoy.yaml")).expect("the recipe wrote it");
    let (filter, keys) = filter(&door, "kubeflow");
    let (before, router) = printed.split_once("                  - name: envoy.filters.http.router").expect("a router");
    let config = format!(
        "{before}{}\n                  - name: envoy.filters.http.router{router}",
        filter.trim_start_matches('\n')
    );
    let config = config.replacen("\n  clusters:", &format!("\n  clusters:{keys}"), 1);
    let gateway = envoy(port, &config);

    let url = format!("{address}/pipelines?x=1");
    let (mut jar, answer, at) = sign_in_at(&url, "alice");
    assert_eq!((answer.status, at.as_str()), (200, url.as_str()), "{}\n{}", answer.text(), gateway.process.tail());
    let seen = tool.last();
    let token = seen.header("authorization").and_then(|line| line.strip_prefix("Bearer ")).expect("a token");
    assert_eq!(seen.headers_named("kubeflow-userid"), ["alice@example.com"]);
    assert_eq!(list(seen.header("kubeflow-groups")), json!(["data", "data-engineers"]));
    let forged = Request::new("GET", &url).header("kubeflow-userid", "root@example.com").header("kubeflow-groups", "x");
    assert_eq!(jar.send(forged).status, 200);
    assert_eq!(tool.last().headers_named("kubeflow-userid"), ["alice@example.com"]);
    assert_eq!(token.split('.').count(), 3);
    let (_, refused, _) = sign_in_at(&url, "bob");
    assert_eq!(refused.status, 403);
}
