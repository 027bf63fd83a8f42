//! Key properties of every configuration. That they run is tested with the proxies themselves.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::headers::{lookalikes, managed};
use super::{Place, RecipeFacts, RecipeFile, RecipeKind, render};
use doorward_model::address::Address;
use doorward_model::app::{HeaderFamily, PublicPath};
use doorward_model::name::{AppSlug, DisplayText, GroupName};
use serde::Deserialize;
use std::collections::BTreeMap;

fn with(change: impl FnOnce(&mut RecipeFacts<'_>), check: impl FnOnce(&RecipeFacts<'_>)) {
    let slug = AppSlug::parse("dagster").unwrap();
    let title = DisplayText::parse("Dagster").unwrap();
    let address = |text| Address::parse(text).unwrap();
    let addresses =
        [address("https://dagster.example.com"), address("https://d.example.com:8443"), address("http://dagster.lan")];
    let doorward = address("https://door.example.com");
    let place = |text| Place::parse(text).unwrap();
    let mut facts = RecipeFacts {
        slug: &slug,
        title: &title,
        addresses: &addresses,
        upstream: place("http://127.0.0.1:3000"),
        doorward_http: place("doorward.auth.svc:8080"),
        doorward_grpc: place("doorward.auth.svc:8081"),
        listen: place("127.0.0.1:8000"),
        families: vec![HeaderFamily::Authentik],
        doorward: &doorward,
        allowed_groups: vec![GroupName::parse("dagster-users").unwrap()],
        public_paths: vec![PublicPath::parse("/health").unwrap()],
    };
    change(&mut facts);
    check(&facts);
}

fn all(facts: &RecipeFacts<'_>) -> Vec<(RecipeKind, Vec<RecipeFile>)> {
    RecipeKind::ALL.into_iter().map(|kind| (kind, render(kind, facts))).collect()
}

fn joined(kind: RecipeKind, facts: &RecipeFacts<'_>) -> String {
    render(kind, facts).into_iter().map(|file| file.text).collect()
}

#[test]
fn every_place_of_every_template_is_filled() {
    with(
        |_| (),
        |facts| {
            for (kind, files) in all(facts) {
                assert!(!files.is_empty());
                for file in files {
                    assert!(!file.text.contains("{{"), "{kind} {}: {}", file.name, file.text);
                    assert!(file.text.starts_with(['#', '-']), "{kind} {} says what it is", file.name);
                    assert!(file.text.ends_with('\n') && !file.text.ends_with("\n\n"), "{kind} {}", file.name);
                }
            }
        },
    );
}

#[test]
fn every_recipe_says_how_to_start_it_and_whom_doorward_must_trust() {
    with(
        |_| (),
        |facts| {
            for (kind, files) in all(facts) {
                let first = &files.first().unwrap().text;
                assert!(first.contains("--trust-proxy"), "{kind}");
                assert!(first.contains("https://door.example.com"), "{kind}");
                assert!((kind == RecipeKind::Istio) || first.contains("# Start:"), "{kind}");
            }
        },
    );
}

#[test]
fn every_proxy_asks_its_own_dialect() {
    with(
        |_| (),
        |facts| {
            for (kind, question) in [
                (RecipeKind::Nginx, "proxy_pass http://doorward/gate/nginx;"),
                (RecipeKind::Traefik, "address: \"http://doorward.auth.svc:8080/gate/traefik\""),
                (RecipeKind::Caddy, "uri /gate/caddy"),
                (RecipeKind::Haproxy, "http://doorward.auth.svc:8080/gate/haproxy"),
                (RecipeKind::Envoy, "path_prefix: /gate/envoy"),
                (RecipeKind::EnvoyGrpc, "envoy_grpc: {cluster_name: doorward_grpc}"),
                (RecipeKind::Istio, "pathPrefix: /gate/envoy"),
            ] {
                assert!(joined(kind, facts).contains(question), "{kind}");
            }
        },
    );
}

#[test]
fn names_of_families_not_chosen_are_removed_all_the_same() {
    with(
        |facts| facts.families = vec![HeaderFamily::Remote],
        |facts| {
            for (kind, files) in all(facts) {
                let text: String = files.into_iter().map(|file| file.text.to_lowercase()).collect();
                for name in managed() {
                    let pattern = name.replace('-', "[^a-z0-9]");
                    assert!(text.contains(name) || text.contains(&pattern), "{kind} forgets {name}");
                }
            }
            let nginx = joined(RecipeKind::Nginx, facts);
            assert!(nginx.contains("proxy_set_header X-Authentik-Username \"\";"));
            assert!(nginx.contains("proxy_set_header Remote-User $doorward_remote_user;"));
        },
    );
}

#[test]
fn look_alikes_are_covered_and_nothing_else() {
    let covers = |header: &str| {
        lookalikes().iter().any(|pattern| {
            // The patterns know two signs only: a class for one odd character and alternatives.
            let inner = pattern.trim_start_matches("^(").trim_end_matches(")$");
            inner.split('|').any(|name| {
                let mut rest = header;
                let words: Vec<&str> = name.split("[^a-z0-9]").collect();
                for (position, word) in words.iter().enumerate() {
                    let Some(after) = rest.strip_prefix(word) else { return false };
                    rest = after;
                    if position + 1 < words.len() {
                        let Some(odd) = rest.chars().next() else { return false };
                        if odd.is_ascii_alphanumeric() {
                            return false;
                        }
                        rest = rest.get(1..).unwrap_or("");
                    }
                }
                rest.is_empty()
            })
        })
    };
    for name in managed() {
        for odd in ["-", "_", ".", "!", "~"] {
            assert!(covers(&name.replace('-', odd)), "{name} with {odd}");
        }
    }
    for other in ["x-forwarded-for", "x-forwarded-proto", "authorization", "x-authentik-username-2", "remotexuser"] {
        assert!(!covers(other), "{other}");
    }
}

#[test]
fn cookies_and_credentials_are_what_the_answer_leaves_of_them() {
    // What a file says after `begin` and before `end`.
    fn part<'a>(text: &'a str, begin: &str, end: &str) -> &'a str {
        text.split_once(begin).unwrap().1.split_once(end).unwrap().0
    }
    // Whatever else the tool is told, and also when that is all.
    for families in [vec![], vec![HeaderFamily::Authentik]] {
        with(
            |facts| facts.families = families,
            |facts| {
                let nginx = joined(RecipeKind::Nginx, facts);
                let traefik = joined(RecipeKind::Traefik, facts);
                let caddy = joined(RecipeKind::Caddy, facts);
                let haproxy = joined(RecipeKind::Haproxy, facts);
                let envoy = joined(RecipeKind::Envoy, facts);
                let istio = joined(RecipeKind::Istio, facts);
                for (lower, shown) in [("cookie", "Cookie"), ("authorization", "Authorization")] {
                    assert!(nginx.contains(&format!("auth_request_set $doorward_{lower} $upstream_http_{lower};")));
                    assert!(nginx.contains(&format!("proxy_set_header {shown} $doorward_{lower};")));
                    let item = format!("- {shown}\n");
                    assert!(part(&traefik, "authResponseHeaders:", "authResponseHeadersRegex").contains(&item));
                    assert!(part(&traefik, "authRequestHeaders:", "authResponseHeaders").contains(&item));
                    assert!(part(&caddy, "copy_headers ", "\n").contains(&format!("{shown}>X-Doorward-{shown}")));
                    assert!(caddy.contains(&format!("request_header {shown} {{header.X-Doorward-{shown}}}")));
                    assert!(part(&haproxy, "local TOLD", "}").contains(&format!("\"{lower}\"")));
                    let exact = format!("- exact: {lower}\n");
                    assert!(part(&envoy, "allowed_upstream_headers", "http.router").contains(&exact));
                    let item = format!("- {lower}\n");
                    assert!(part(&istio, "headersToUpstreamOnAllow", "doorward-grpc").contains(&item));
                }
            },
        );
    }
}

#[test]
fn caddy_lets_no_client_write_what_is_copied_aside() {
    with(
        |_| (),
        |facts| {
            let caddy = joined(RecipeKind::Caddy, facts);
            let positions: Vec<usize> =
                caddy.match_indices("request_header -X-Doorward-*").map(|(position, _)| position).collect();
            let question = caddy.find("\t\tforward_auth ").unwrap();
            let [before, after] = positions.as_slice() else { panic!("removed twice") };
            assert!(*before < question && question < *after);
        },
    );
}

#[test]
fn only_the_declared_hosts_are_served() {
    with(
        |_| (),
        |facts| {
            for (kind, host) in [
                (RecipeKind::Nginx, "(dagster\\.example\\.com|d\\.example\\.com)(:[0-9]+)?$"),
                (RecipeKind::Traefik, "(Host(`dagster.example.com`) || Host(`d.example.com`))"),
                (RecipeKind::Caddy, "http://dagster.example.com:8000, http://d.example.com:8000 {"),
                (RecipeKind::Haproxy, "-i dagster.example.com d.example.com"),
                (RecipeKind::Envoy, "domains: [\"dagster.example.com\", \"d.example.com\"]"),
                (RecipeKind::EnvoyGrpc, "domains: [\"dagster.example.com\", \"d.example.com\"]"),
                (RecipeKind::Istio, "hosts: [\"dagster.example.com\", \"d.example.com\"]"),
            ] {
                let text = joined(kind, facts);
                assert!(text.contains(host), "{kind}");
                let served =
                    text.lines().filter(|line| !line.starts_with('#')).any(|line| line.contains("dagster.lan"));
                assert!(!served, "{kind} serves an address of another scheme");
                if kind != RecipeKind::Istio {
                    assert!(text.contains("# Not served here, as its scheme differs: http://dagster.lan"), "{kind}");
                }
            }
        },
    );
}

#[test]
fn envoy_files_are_yaml_with_the_removal_before_the_question() {
    for kind in [RecipeKind::Envoy, RecipeKind::EnvoyGrpc] {
        with(
            |_| (),
            |facts| {
                let text = joined(kind, facts);
                let parsed: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
                let manager = parsed
                    .pointer("/static_resources/listeners/0/filter_chains/0/filters/0/typed_config")
                    .unwrap_or_else(|| panic!("{kind}"));
                let filters: Vec<&str> = manager
                    .pointer("/http_filters")
                    .and_then(serde_json::Value::as_array)
                    .unwrap()
                    .iter()
                    .filter_map(|filter| filter.pointer("/name").and_then(serde_json::Value::as_str))
                    .collect();
                assert_eq!(
                    filters,
                    ["envoy.filters.http.header_mutation", "envoy.filters.http.ext_authz", "envoy.filters.http.router"]
                );
                let question = manager.pointer("/http_filters/1/typed_config").unwrap();
                assert_eq!(question.pointer("/failure_mode_allow"), Some(&serde_json::Value::Bool(false)));
                let removals = manager
                    .pointer("/http_filters/0/typed_config/mutations/request_mutations")
                    .and_then(serde_json::Value::as_array)
                    .unwrap();
                assert_eq!(removals.len(), HeaderFamily::ALL.len());
            },
        );
    }
}

/// `MeshConfig.extensionProviders`, with the fields Istio requires as required ones.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MeshConfig {
    #[serde(rename = "extensionProviders")]
    extension_providers: Vec<Provider>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Provider {
    name: String,
    #[serde(rename = "envoyExtAuthzHttp")]
    http: Option<ExtAuthzHttp>,
    #[serde(rename = "envoyExtAuthzGrpc")]
    grpc: Option<ExtAuthzGrpc>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ExtAuthzHttp {
    service: String,
    port: u16,
    timeout: String,
    path_prefix: String,
    fail_open: bool,
    status_on_error: String,
    include_request_headers_in_check: Vec<String>,
    headers_to_upstream_on_allow: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ExtAuthzGrpc {
    service: String,
    port: u16,
    timeout: String,
    fail_open: bool,
    status_on_error: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct AuthorizationPolicy {
    api_version: String,
    kind: String,
    metadata: Metadata,
    spec: PolicySpec,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    name: String,
    namespace: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicySpec {
    selector: Selector,
    action: String,
    provider: Option<BTreeMap<String, String>>,
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Selector {
    match_labels: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    #[serde(default)]
    from: Vec<From>,
    #[serde(default)]
    to: Vec<To>,
    #[serde(default)]
    when: Vec<Condition>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct From {
    source: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct To {
    operation: Operation,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Operation {
    #[serde(default)]
    hosts: Vec<String>,
    #[serde(default)]
    paths: Vec<String>,
    #[serde(default)]
    not_paths: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Condition {
    key: String,
    #[serde(default)]
    values: Vec<String>,
    #[serde(default)]
    not_values: Vec<String>,
}

fn istio(name: &str, facts: &RecipeFacts<'_>) -> String {
    render(RecipeKind::Istio, facts).into_iter().find(|file| file.name == name).unwrap().text
}

#[test]
fn istio_providers_have_what_mesh_config_requires() {
    with(
        |_| (),
        |facts| {
            let mesh: MeshConfig = serde_saphyr::from_str(&istio("mesh-config.yaml", facts)).unwrap();
            let [first, second] = mesh.extension_providers.as_slice() else { panic!("two providers") };
            let http = first.http.as_ref().unwrap();
            assert_eq!(
                (first.name.as_str(), http.service.as_str(), http.port),
                ("doorward", "doorward.auth.svc", 8080)
            );
            assert_eq!((http.timeout.as_str(), http.path_prefix.as_str()), ("2s", "/gate/envoy"));
            assert_eq!((http.fail_open, http.status_on_error.as_str()), (false, "503"));
            for name in ["cookie", "authorization", "accept", "upgrade", "sec-fetch-mode"] {
                assert!(http.include_request_headers_in_check.iter().any(|known| known == name), "{name}");
            }
            let told = [HeaderFamily::Authentik.names(), &["cookie", "authorization"]].concat();
            assert_eq!(http.headers_to_upstream_on_allow, told);
            let grpc = second.grpc.as_ref().unwrap();
            assert_eq!(
                (second.name.as_str(), grpc.service.as_str(), grpc.port),
                ("doorward-grpc", "doorward.auth.svc", 8081)
            );
            assert_eq!((grpc.timeout.as_str(), grpc.fail_open, grpc.status_on_error.as_str()), ("2s", false, "503"));
        },
    );
}

#[test]
fn the_istio_policy_asks_for_every_path_but_the_sign_in() {
    with(
        |_| (),
        |facts| {
            let policy: AuthorizationPolicy =
                serde_saphyr::from_str(&istio("authorization-policy.yaml", facts)).unwrap();
            assert_eq!(
                (policy.api_version.as_str(), policy.kind.as_str()),
                ("security.istio.io/v1", "AuthorizationPolicy")
            );
            assert_eq!(policy.metadata.name, "doorward-dagster");
            assert_eq!((policy.metadata.namespace.as_str(), policy.spec.action.as_str()), ("istio-system", "CUSTOM"));
            assert_eq!(policy.spec.provider.unwrap().get("name").map(String::as_str), Some("doorward"));
            assert_eq!(policy.spec.selector.match_labels.len(), 1);
            let operation = &policy.spec.rules.first().unwrap().to.first().unwrap().operation;
            assert!(operation.hosts.contains(&"dagster.example.com".to_owned()));
            assert!(operation.hosts.contains(&"dagster.example.com:*".to_owned()));
            assert_eq!(operation.not_paths, ["/.doorward/*"]);
        },
    );
}

#[test]
fn a5_the_ingress_itself_checks_the_groups_header() {
    for (family, header, separator) in [
        (HeaderFamily::Authentik, "x-authentik-groups", '|'),
        (HeaderFamily::AuthRequest, "x-auth-request-groups", ','),
    ] {
        with(
            |facts| facts.families = vec![family],
            |facts| {
                let text = istio("authorization-policy-groups.yaml", facts);
                let policies: Vec<AuthorizationPolicy> = serde_saphyr::from_multiple(&text).unwrap();
                let [deny, allow] = policies.as_slice() else { panic!("two policies") };
                let expected = [
                    "dagster-users".to_owned(),
                    format!("dagster-users{separator}*"),
                    format!("*{separator}dagster-users"),
                ];
                let key = format!("request.headers[{header}]");

                assert_eq!(deny.spec.action, "DENY");
                let rule = deny.spec.rules.first().unwrap();
                let condition = rule.when.first().unwrap();
                assert_eq!((&condition.key, condition.not_values.as_slice()), (&key, expected.as_slice()));
                assert!(condition.values.is_empty());
                assert_eq!(rule.to.first().unwrap().operation.not_paths, ["/.doorward/*", "/health"]);

                assert_eq!(allow.spec.action, "ALLOW");
                let from = &allow.spec.rules.first().unwrap().from.first().unwrap().source;
                assert_eq!(from.get("principals").map(Vec::len), Some(1));
                let condition = allow.spec.rules.first().unwrap().when.first().unwrap();
                assert_eq!((&condition.key, condition.values.as_slice()), (&key, expected.as_slice()));
                assert_eq!(allow.spec.rules.get(1).unwrap().to.first().unwrap().operation.paths, ["/health"]);
            },
        );
    }
}

#[test]
fn a_groups_check_without_groups_lets_nobody_in() {
    with(
        |facts| facts.allowed_groups.clear(),
        |facts| {
            let text = istio("authorization-policy-groups.yaml", facts);
            let policies: Vec<AuthorizationPolicy> = serde_saphyr::from_multiple(&text).unwrap();
            let condition = policies.first().unwrap().spec.rules.first().unwrap().when.first().unwrap();
            assert_eq!(condition.not_values, [",nobody,"]);
        },
    );
}

#[test]
fn kinds_are_typed_as_they_are_shown() {
    for kind in RecipeKind::ALL {
        assert_eq!(RecipeKind::parse(&kind.to_string()), Some(kind));
    }
    assert_eq!(RecipeKind::parse("apache"), None);
}
