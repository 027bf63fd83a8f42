//! Istio: the same Envoy, configured through MeshConfig and Kubernetes objects. Also the check of the
//! groups header at the ingress itself.

use super::envoy::removal;
use super::fill::{fill, lines, quoted};
use super::headers::ASKED;
use super::{RecipeFacts, RecipeFile};
use doorward_model::app::HeaderFamily;
use doorward_model::name::GroupName;

pub(super) fn render(facts: &RecipeFacts<'_>) -> Vec<RecipeFile> {
    let item = |name: &str| format!("        - {name}");
    let mut hosts: Vec<String> = Vec::new();
    for host in facts.hosts() {
        hosts.extend([host.to_owned(), format!("{host}:*")]);
    }
    let mut values = facts.header();
    values.extend([
        ("hosts", quoted(&hosts)),
        ("host_names", quoted(&facts.hosts())),
        ("asked", lines(ASKED, item)),
        ("told", lines(facts.told(), item)),
        ("removed", removal("                ")),
        ("upstream_host", facts.upstream.host().to_owned()),
        ("upstream_port", facts.upstream.port().to_string()),
        ("doorward_http_host", facts.doorward_http.host().to_owned()),
        ("doorward_http_port", facts.doorward_http.port().to_string()),
        ("doorward_grpc_host", facts.doorward_grpc.host().to_owned()),
        ("doorward_grpc_port", facts.doorward_grpc.port().to_string()),
    ]);
    values.extend(groups(facts));
    let file = |name: &str, template| RecipeFile { name: name.into(), text: fill(template, &values) };
    vec![
        file("mesh-config.yaml", include_str!("templates/istio-mesh-config.yaml")),
        file("authorization-policy.yaml", include_str!("templates/istio-authorization-policy.yaml")),
        file("authorization-policy-groups.yaml", include_str!("templates/istio-authorization-policy-groups.yaml")),
        file("virtual-service.yaml", include_str!("templates/istio-virtual-service.yaml")),
        file("envoy-filter.yaml", include_str!("templates/istio-envoy-filter.yaml")),
    ]
}

/// The values of the policies on the groups header.
fn groups(facts: &RecipeFacts<'_>) -> Vec<(&'static str, String)> {
    let (header, separator) = groups_header(&facts.families);
    let patterns: Vec<String> =
        facts.allowed_groups.iter().flat_map(|group| patterns(group, separator)).map(|text| quote(&text)).collect();
    // A value list may not be empty; no group holds a comma, so this fits nobody.
    let patterns = if patterns.is_empty() { vec![quote(",nobody,")] } else { patterns };
    let open: Vec<String> = facts.public_paths.iter().map(|path| String::from(path.clone())).collect();
    let closed_but: Vec<String> = std::iter::once("/.doorward/*".to_owned()).chain(open.iter().cloned()).collect();
    let note = format!(
        "Istio compares a\n\
         # whole value, its beginning or its end: a group counts when it is the first, the last or the only\n\
         # one in {header}. What Doorward refused stays refused."
    );
    vec![
        ("groups_header", header.to_owned()),
        ("groups_note", note),
        ("groups_deny", lines(&patterns, |value| format!("            - {value}"))),
        ("groups_allow", lines(&patterns, |value| format!("            - {value}"))),
        ("open_paths", quoted(&closed_but)),
        (
            "open_rule",
            if open.is_empty() {
                String::new()
            } else {
                format!("\n    - to:\n        - operation:\n            paths: {}", quoted(&open))
            },
        ),
    ]
}

/// The groups header of the first family that has one, and what its groups are joined by.
fn groups_header(families: &[HeaderFamily]) -> (&'static str, char) {
    match families.first() {
        None | Some(HeaderFamily::Authentik) => ("x-authentik-groups", '|'),
        Some(HeaderFamily::AuthRequest) => ("x-auth-request-groups", ','),
        Some(HeaderFamily::Forwarded) => ("x-forwarded-groups", ','),
        Some(HeaderFamily::Remote) => ("remote-groups", ','),
        Some(HeaderFamily::Webauth) => ("x-webauth-groups", ','),
        Some(HeaderFamily::Kubeflow) => ("kubeflow-groups", ','),
    }
}

fn patterns(group: &GroupName, separator: char) -> [String; 3] {
    [group.to_string(), format!("{group}{separator}*"), format!("*{separator}{group}")]
}

/// A YAML double-quoted scalar. Group names hold no control characters and no quotation marks.
fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\"))
}
