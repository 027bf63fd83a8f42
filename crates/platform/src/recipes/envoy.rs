//! Envoy: `ext_authz` over HTTP lets in on exactly 200, over gRPC on status OK. All other answers go
//! to the browser as they are.

use super::fill::{fill, lines, quoted};
use super::headers::{ASKED, lookalikes};
use super::{Place, RecipeFacts, RecipeFile};

/// How Envoy asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Http,
    Grpc,
}

pub(super) fn render(facts: &RecipeFacts<'_>, protocol: Protocol) -> Vec<RecipeFile> {
    let exact = |name: &str| format!("                              - exact: {name}");
    let mut values = facts.header();
    for (place, [host, port, kind]) in [
        (&facts.upstream, ["upstream_host", "upstream_port", "upstream_type"]),
        (&facts.doorward_http, ["doorward_http_host", "doorward_http_port", "doorward_http_type"]),
        (&facts.doorward_grpc, ["doorward_grpc_host", "doorward_grpc_port", "doorward_grpc_type"]),
    ] {
        let resolved = cluster_type(place);
        values.extend([(host, place.host().to_owned()), (port, place.port().to_string()), (kind, resolved.to_owned())]);
    }
    values.push(("told", lines(facts.told(), exact)));
    let (service, cluster, shown) = match protocol {
        Protocol::Http => (include_str!("templates/envoy-service-http.yaml"), "", "HTTP"),
        Protocol::Grpc => (
            include_str!("templates/envoy-service-grpc.yaml"),
            include_str!("templates/envoy-cluster-grpc.yaml"),
            "gRPC",
        ),
    };
    let mut asked: Vec<&str> = ASKED.to_vec();
    // Set by Envoy itself, after the client's own copy went.
    asked.push("x-forwarded-for");
    let service = fill(service, &values);
    let cluster = fill(cluster, &values);
    values.extend([
        ("protocol", shown.to_owned()),
        ("hosts", quoted(&facts.hosts())),
        ("asked", lines(asked, |name| format!("                          - exact: {name}"))),
        ("removed_early", removal("                        ")),
        ("removed", removal("                          ")),
        ("service", service.trim_end().to_owned()),
        ("grpc_cluster", cluster.trim_end().to_owned()),
    ]);
    let text = fill(include_str!("templates/envoy.yaml"), &values);
    vec![RecipeFile { name: "envoy.yaml".into(), text: format!("{}\n", text.trim_end()) }]
}

/// One removal per family, as items of a YAML list.
pub(super) fn removal(indent: &str) -> String {
    lines(lookalikes(), |pattern| {
        format!("{indent}- remove_on_match:\n{indent}    key_matcher: {{safe_regex: {{regex: '{pattern}'}}}}")
    })
}

fn cluster_type(place: &Place) -> &'static str {
    if place.is_ip_address() { "STATIC" } else { "STRICT_DNS" }
}
