//! The OpenID Provider over HTTP, with the built binary: a certified relying party signs people in through it,
//! and what must not work does not.
#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "provider/admin.rs"]
mod admin;
#[path = "provider/browsers.rs"]
mod browsers;
#[path = "provider/client_auth.rs"]
mod client_auth;
#[path = "provider/dpop.rs"]
mod dpop;
#[path = "provider/grants.rs"]
mod grants;
#[path = "provider/keys.rs"]
mod keys;
#[path = "provider/logout.rs"]
mod logout;
#[path = "provider/neighbours.rs"]
mod neighbours;
#[path = "provider/registration.rs"]
mod registration;
#[path = "provider/requests.rs"]
mod requests;
#[path = "provider/spelled_realms.rs"]
mod spelled_realms;

use doorward_testkit::door::{Door, DoorOptions};
use doorward_testkit::http::{Request, get};
use doorward_testkit::jar::Jar;
use doorward_testkit::peers::{RelyingParty, RelyingPartyOptions};
use doorward_testkit::ports::free_port;
use doorward_tests::{action, field, page_request, sign_in_at, user, with_password};
use serde_json::{Value, json};

/// A door that a program with its own resolver finds too, with alice in `grafana-users`.
fn provider() -> Door {
    provider_with(&[])
}

/// The same with further environment variables.
fn provider_with(variables: &[(&str, &str)]) -> Door {
    let port = free_port();
    let public_url = Some(format!("http://localhost:{port}"));
    let environment = variables.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let door = Door::start(with_password(DoorOptions { port, public_url, environment, ..DoorOptions::serve() }));
    user(&door, "alice");
    user(&door, "bob");
    door.cli_text(&["group", "create", "grafana-users"]);
    door.cli_text(&["group", "add-member", "grafana-users", "alice"]);
    door
}

fn issuer(door: &Door) -> String {
    format!("{}/realms/main", door.url())
}

/// Creates a client for a relying party at a port; gives its secret, if it has one.
fn client(door: &Door, name: &str, port: u16, more: &[&str]) -> String {
    let callback = format!("http://127.0.0.1:{port}/callback");
    let bye = format!("http://127.0.0.1:{port}/bye");
    let mut arguments = vec!["client", "create", name, "--redirect-uri", &callback];
    arguments.extend(["--post-logout-redirect-uri", &bye, "--output", "json"]);
    arguments.extend(more);
    let told: Value = serde_json::from_str(&door.cli_text(&arguments)).expect("JSON");
    told.get("client_secret").and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn relying_party(door: &Door, name: &str, auth: &str, more: &[&str]) -> RelyingParty {
    let port = free_port();
    let secret = client(door, name, port, more);
    let scope = "openid profile email groups";
    let issuer = issuer(door);
    RelyingParty::start(&RelyingPartyOptions { port, issuer: &issuer, client_id: name, secret: (&secret, auth), scope })
}

fn text<'v>(value: &'v Value, path: &str) -> &'v str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_else(|| panic!("no {path} in {value:#}"))
}

#[test]
fn a_certified_relying_party_signs_people_in_refreshes_and_signs_them_out() {
    let door = provider();
    let party = relying_party(
        &door,
        "grafana",
        "basic",
        &[
            "--allow",
            "grafana-users",
            "--grant",
            "authorization_code",
            "--grant",
            "refresh_token",
            "--grant",
            "client_credentials",
        ],
    );
    let (mut jar, answer, url) = sign_in_at(&party.url("/login"), "alice");
    assert_eq!(answer.status, 200, "{url}: {}", answer.text());
    let told = answer.json();
    assert_eq!(text(&told, "/claims/preferred_username"), "alice");
    assert_eq!(text(&told, "/claims/aud"), "grafana");
    assert_eq!(told.pointer("/userinfo/groups"), Some(&json!(["grafana-users"])));
    assert_eq!(text(&told, "/userinfo/email"), "alice@example.com");
    let first = text(&told, "/tokens/refresh_token").to_owned();

    let (status, refreshed) = party.page("/refresh");
    assert_eq!((status, refreshed.get("rotated")), (200, Some(&json!(true))), "{refreshed:#}");
    let (_, looked_up) = party.page("/introspect");
    assert_eq!((looked_up.get("active"), text(&looked_up, "/username")), (Some(&json!(true)), "alice"));
    let (status, machine) = party.page("/machine");
    assert_eq!((status, text(&machine, "/token_type")), (200, "bearer"), "{machine:#}");

    // A second visit needs no password: the browser is sent through at once.
    let hops = jar.follow(page_request(&party.url("/login")));
    let again = hops.last().expect("a hop").answer.json();
    assert_eq!(text(&again, "/claims/sub"), text(&told, "/claims/sub"));
    assert_ne!(text(&again, "/tokens/refresh_token"), first);

    // Signing out at the tool ends the session here, and every token with it.
    let hops = jar.follow(page_request(&party.url("/logout")));
    assert_eq!(hops.last().expect("a hop").answer.json(), json!({"bye": "bye"}));
    let (status, over) = party.page("/userinfo");
    assert_eq!(status, 500, "{over:#}");
    let (status, over) = party.page("/refresh");
    assert_eq!((status, text(&over, "/error")), (500, "invalid_grant"), "{over:#}");
}

#[test]
fn somebody_without_the_group_is_told_which_one_and_the_tool_learns_nothing() {
    let door = provider();
    let party = relying_party(&door, "grafana", "post", &["--allow", "grafana-users"]);
    let (mut jar, answer, url) = sign_in_at(&party.url("/login"), "bob");
    assert_eq!(answer.status, 403);
    assert!(url.starts_with(&door.url()), "{url}");
    assert!(answer.text().contains("grafana-users"), "{}", answer.text());

    // Somebody else at the same browser goes on where bob had to stop.
    let page = answer.text();
    let (csrf, retry) = (field(&page, "csrf"), field(&page, "retry"));
    let target = doorward_testkit::http::Address::parse(&url).join(&action(&page));
    let form = [("csrf", csrf.as_str()), ("retry", retry.as_str())];
    let hop = jar.follow(Request::new("POST", &target).header("Accept", "text/html").form(&form)).pop().expect("a hop");
    assert!(hop.url.contains("/sign-in?flow="), "{}", hop.url);
    let elsewhere =
        [("csrf", csrf.as_str()), ("retry", "http://evil.example/realms/main/protocol/openid-connect/auth?x")];
    let answer = jar.send(Request::new("POST", &target).form(&elsewhere));
    assert!(!answer.location().contains("evil.example"), "{}", answer.location());
}

#[test]
fn a_public_client_asks_for_consent_once_and_may_be_refused_it() {
    let door = provider();
    let party = relying_party(&door, "spa", "none", &["--public", "--everyone", "--consent", "explicit"]);
    let consent = |jar: &mut Jar, page: &str, url: &str, decision: &str| {
        let target = doorward_testkit::http::Address::parse(url).join(&action(page));
        let (request, csrf) = (field(page, "request"), field(page, "csrf"));
        let form = [("request", request.as_str()), ("csrf", csrf.as_str()), ("decision", decision)];
        jar.follow(Request::new("POST", &target).header("Accept", "text/html").form(&form)).pop().expect("a hop")
    };
    let (mut jar, answer, url) = sign_in_at(&party.url("/login"), "bob");
    assert_eq!(answer.status, 200, "{url}");
    let refused = consent(&mut jar, &answer.text(), &url, "deny").answer.json();
    assert_eq!(text(&refused, "/error"), "access_denied", "{refused:#}");
    let hop = jar.follow(page_request(&party.url("/login"))).pop().expect("a hop");
    let told = consent(&mut jar, &hop.answer.text(), &hop.url, "allow").answer.json();
    assert_eq!(text(&told, "/claims/preferred_username"), "bob", "{told:#}");
    let again = jar.follow(page_request(&party.url("/login"))).pop().expect("a hop").answer.json();
    assert_eq!(text(&again, "/claims/preferred_username"), "bob", "{again:#}");
    // Nobody signed in, nobody disturbed: the tool hears so.
    let quiet = Jar::new().follow(page_request(&party.url("/login?prompt=none"))).pop().expect("a hop").answer.json();
    assert_eq!(text(&quiet, "/error"), "login_required", "{quiet:#}");
}

#[test]
fn gauntlet_b2_unverified_addresses_are_never_redirected_to() {
    let door = provider();
    client(&door, "grafana", 9, &["--everyone"]);
    let base = format!("{}/protocol/openid-connect/auth?response_type=code&scope=openid", issuer(&door));
    for bad in [
        "",
        "&client_id=nobody&redirect_uri=http://127.0.0.1:9/callback",
        "&client_id=grafana&redirect_uri=http://127.0.0.1:9/callback/../evil",
        "&client_id=grafana&redirect_uri=http://127.0.0.1:9@evil.example/callback",
        "&client_id=grafana&redirect_uri=http://127.0.0.1:9/callback&redirect_uri=http://evil.example",
        "&client_id=grafana&redirect_uri=javascript:alert(1)",
        "&client_id=grafana&client_id=other&redirect_uri=http://127.0.0.1:9/callback",
    ] {
        let answer = page_request(&format!("{base}{bad}")).send();
        assert_eq!((answer.status, answer.header("location")), (400, None), "{bad}");
    }
    let answer =
        page_request(&format!("{base}&client_id=grafana&redirect_uri=http://127.0.0.1:9/callback&state=s")).send();
    let location = answer.location();
    assert!(location.starts_with("http://127.0.0.1:9/callback?error=invalid_request"), "{location}");
    assert!(location.contains("&state=s") && location.contains("&iss=http%3A%2F%2Flocalhost"), "{location}");
}

#[test]
fn gauntlet_b3_26_and_clients_that_prove_nothing_get_the_protocols_own_words() {
    let door = provider();
    let secret = client(&door, "grafana", 9, &["--everyone"]);
    let token = format!("{}/protocol/openid-connect/token", issuer(&door));
    let send = |form: &[(&str, &str)]| Request::new("POST", &token).form(form).send();
    let id = ("client_id", "grafana");
    type Form<'a> = &'a [(&'a str, &'a str)];
    let cases: &[(Form<'_>, u16, &str)] = &[
        (&[id, ("client_secret", &secret)], 400, "invalid_request"),
        (&[id, ("client_secret", &secret), ("grant_type", "magic")], 400, "unsupported_grant_type"),
        (&[id, ("client_secret", "wrong"), ("grant_type", "authorization_code"), ("code", "x")], 401, "invalid_client"),
        (&[id, ("grant_type", "authorization_code"), ("code", "x")], 401, "invalid_client"),
        (
            &[("client_id", "nobody"), ("client_secret", "x"), ("grant_type", "authorization_code")],
            401,
            "invalid_client",
        ),
        (&[id, ("client_secret", &secret), ("grant_type", "authorization_code"), ("code", "x")], 400, "invalid_grant"),
        (&[id, ("client_secret", &secret), ("grant_type", "client_credentials")], 400, "unauthorized_client"),
        (&[id, id, ("client_secret", &secret), ("grant_type", "authorization_code")], 400, "invalid_request"),
    ];
    for (form, status, word) in cases {
        let answer = send(form);
        let told = answer.json();
        assert_eq!((answer.status, text(&told, "/error")), (*status, *word), "{form:?}: {told:#}");
        assert!(!text(&told, "/error_description").is_empty());
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    // Programs read no pages.
    let asked_wrongly = get(&token);
    assert_eq!((asked_wrongly.status, asked_wrongly.header("allow")), (405, Some("POST,OPTIONS")));
    assert_eq!(text(&asked_wrongly.json(), "/error"), "invalid_request");
    // A secret in the URL is not read.
    let in_url = format!("{token}?client_id=grafana&client_secret={secret}&grant_type=authorization_code&code=x");
    assert_eq!(Request::new("POST", &in_url).form(&[]).send().json().get("error"), Some(&json!("invalid_request")));
}

#[test]
fn gauntlet_b13_01_nothing_of_one_realm_is_taken_in_another() {
    let door = provider();
    door.cli_text(&["realm", "create", "sales", "--title", "Sales"]);
    let party = relying_party(&door, "grafana", "basic", &["--everyone"]);
    let (_, answer, _) = sign_in_at(&party.url("/login"), "alice");
    let told = answer.json();
    let other = format!("{}/realms/sales/protocol/openid-connect", door.url());
    let access = format!("Bearer {}", text(&told, "/tokens/access_token"));
    let answer = Request::new("GET", &format!("{other}/userinfo")).header("Authorization", &access).send();
    assert_eq!(answer.status, 401, "{}", answer.text());
    let refresh = text(&told, "/tokens/refresh_token");
    let form =
        [("grant_type", "refresh_token"), ("refresh_token", refresh), ("client_id", "grafana"), ("client_secret", "x")];
    let answer = Request::new("POST", &format!("{other}/token")).form(&form).send();
    assert_eq!(answer.status, 401, "{}", answer.text());
    let keys = |realm: &str| get(&format!("{}/realms/{realm}/protocol/openid-connect/certs", door.url())).json();
    let ids = |set: Value| -> Vec<String> {
        let keys = set.get("keys").and_then(Value::as_array).cloned().unwrap_or_default();
        keys.iter().map(|key| text(key, "/kid").to_owned()).collect()
    };
    let (main, sales) = (ids(keys("main")), ids(keys("sales")));
    assert!(!main.is_empty() && !sales.is_empty() && main.iter().all(|id| !sales.contains(id)));
    let unknown = get(&format!("{}/realms/nowhere/.well-known/openid-configuration", door.url()));
    assert_eq!(unknown.status, 404);
}

#[test]
fn a_client_may_choose_how_its_tokens_are_signed() {
    let door = provider();
    for algorithm in ["RS256", "PS256", "ES256", "EdDSA"] {
        let name = format!("machine-{}", algorithm.to_lowercase());
        let made =
            door.cli_text(&["client", "create", &name, "--service", "--algorithm", algorithm, "--output", "json"]);
        let made: Value = serde_json::from_str(&made).expect("JSON");
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", name.as_str()),
            ("client_secret", text(&made, "/client_secret")),
        ];
        let url = format!("{}/protocol/openid-connect/token", issuer(&door));
        let answer = Request::new("POST", &url).form(&form).send();
        assert_eq!(answer.status, 200, "{algorithm}: {}", answer.text());
        let certs = get(&format!("{}/protocol/openid-connect/certs", issuer(&door))).json();
        let keys = certs.get("keys").and_then(Value::as_array).cloned().unwrap_or_default();
        assert!(keys.iter().any(|key| text(key, "/alg") == algorithm), "{algorithm}: {certs:#}");
    }
}

#[test]
fn metadata_says_what_is_true() {
    let door = provider();
    let told = get(&format!("{}/.well-known/openid-configuration", issuer(&door))).json();
    assert_eq!(text(&told, "/issuer"), issuer(&door));
    for endpoint in
        ["authorization", "token", "userinfo", "introspection", "revocation", "end_session", "device_authorization"]
    {
        let url = text(&told, &format!("/{endpoint}_endpoint"));
        assert_ne!(get(url).status, 404, "{url}");
    }
    assert_eq!(get(text(&told, "/jwks_uri")).status, 200);
    assert_eq!(told.get("code_challenge_methods_supported"), Some(&json!(["S256"])));
    // What is listed is known, and no client may use what it was not given.
    let secret = client(&door, "grafana", 9, &["--everyone"]);
    let grants = told.get("grant_types_supported").and_then(Value::as_array).cloned().unwrap_or_default();
    assert!(grants.len() >= 7, "{grants:?}");
    for grant in grants.iter().filter_map(Value::as_str) {
        let form = [("grant_type", grant), ("client_id", "grafana"), ("client_secret", &secret)];
        let answer = Request::new("POST", text(&told, "/token_endpoint")).form(&form).send().json();
        let word = match grant {
            "authorization_code" | "refresh_token" => "invalid_request",
            // It is spoken at the authorization endpoint alone.
            "implicit" => "unsupported_grant_type",
            _ => "unauthorized_client",
        };
        assert_eq!(text(&answer, "/error"), word, "{grant}");
    }
}

#[test]
fn a_tool_set_up_for_authentik_keeps_its_addresses() {
    let door = provider();
    let port = free_port();
    let secret = client(&door, "kestra", port, &["--allow", "grafana-users", "--paths", "authentik"]);
    let issuer = format!("{}/application/o/kestra/", door.url());
    let party = RelyingParty::start(&RelyingPartyOptions {
        port,
        issuer: &issuer,
        client_id: "kestra",
        secret: (&secret, "basic"),
        scope: "openid profile email",
    });
    let (mut jar, answer, url) = sign_in_at(&party.url("/login"), "alice");
    assert_eq!(answer.status, 200, "{url}: {}", answer.text());
    let told = answer.json();
    assert_eq!((text(&told, "/claims/iss"), text(&told, "/claims/aud")), (issuer.as_str(), "kestra"));
    assert_eq!(text(&told, "/userinfo/preferred_username"), "alice");
    let (status, refreshed) = party.page("/refresh");
    assert_eq!((status, refreshed.get("rotated")), (200, Some(&json!(true))), "{refreshed:#}");
    let (_, looked_up) = party.page("/introspect");
    assert_eq!(looked_up.get("active"), Some(&json!(true)));
    let hops = jar.follow(page_request(&party.url("/logout")));
    assert_eq!(hops.last().expect("a hop").answer.json(), json!({"bye": "bye"}));
    assert_eq!(party.page("/userinfo").0, 500);

    // One client, one issuer: those of Keycloak's paths are not here, and the answer says what to do.
    client(&door, "grafana", port, &["--everyone"]);
    let answer = get(&format!("{}/application/o/grafana/.well-known/openid-configuration", door.url()));
    assert_eq!(answer.status, 404);
    assert!(text(&answer.json(), "/error_description").contains("--paths authentik"));
    let shown: Value =
        serde_json::from_str(&door.cli_text(&["client", "show", "kestra", "--output", "json"])).expect("JSON");
    assert_eq!(text(&shown, "/issuer"), issuer);
    let answer = get(&format!("{}/application/o/kestra/", door.url()));
    assert!(answer.location().ends_with("/application/o/kestra/.well-known/openid-configuration"));
    let answer = get(&format!("{}/application/o/..%2f..%2fx/", door.url()));
    assert_eq!((answer.status, answer.header("location")), (404, None));
}

#[test]
fn gauntlet_b3_11_services_are_told_of_their_own_tokens_and_answers_are_signed_where_asked() {
    let door = provider();
    let machine = |name: &str| {
        let made = door.cli_text(&["client", "create", name, "--service", "--output", "json"]);
        let made: Value = serde_json::from_str(&made).expect("JSON");
        text(&made, "/client_secret").to_owned()
    };
    let (secret, other) = (machine("service-a"), machine("service-b"));
    door.cli_text(&["role", "create", "editor", "--client", "service-b"]);
    door.cli_text(&["role", "assign", "editor", "--client", "service-b", "--service", "service-a"]);
    let base = format!("{}/protocol/openid-connect", issuer(&door));
    let form = [("grant_type", "client_credentials"), ("client_id", "service-a"), ("client_secret", secret.as_str())];
    let told = Request::new("POST", &format!("{base}/token")).form(&form).send().json();
    let token = text(&told, "/access_token").to_owned();
    let ask = |id: &str, secret: &str, accept: &str| {
        let form = [("client_id", id), ("client_secret", secret), ("token", token.as_str())];
        Request::new("POST", &format!("{base}/token/introspect")).header("Accept", accept).form(&form).send()
    };
    assert_eq!(ask("service-b", &other, "application/json").json(), json!({"active": false}));
    let mine = ask("service-a", &secret, "*/*");
    assert_eq!(mine.header("content-type"), Some("application/json"));
    let mine = mine.json();
    assert_eq!(mine.get("active"), Some(&json!(true)));
    assert_eq!(mine.pointer("/resource_access/service-b/roles"), Some(&json!(["editor"])));
    let signed = ask("service-a", &secret, "text/html, application/token-introspection+jwt");
    assert_eq!(signed.header("content-type"), Some("application/token-introspection+jwt"));
    assert_eq!(signed.header("cache-control"), Some("no-store"));
    assert_eq!(signed.text().split('.').count(), 3, "{}", signed.text());

    let party = relying_party(&door, "grafana", "basic", &["--everyone"]);
    let (_, answer, _) = sign_in_at(&party.url("/login"), "alice");
    let access = format!("Bearer {}", text(&answer.json(), "/tokens/access_token"));
    let userinfo = || Request::new("GET", &format!("{base}/userinfo")).header("Authorization", &access).send();
    assert_eq!(userinfo().header("content-type"), Some("application/json"));
    door.cli_text(&["client", "update", "grafana", "--userinfo-algorithm", "ES256"]);
    let signed = userinfo();
    assert_eq!((signed.status, signed.header("content-type")), (200, Some("application/jwt")), "{}", signed.text());
    assert_eq!(signed.text().split('.').count(), 3, "{}", signed.text());
    let certs = get(&format!("{base}/certs")).json();
    let keys = certs.get("keys").and_then(Value::as_array).cloned().unwrap_or_default();
    assert!(keys.iter().any(|key| text(key, "/alg") == "ES256"), "{certs:#}");
}
