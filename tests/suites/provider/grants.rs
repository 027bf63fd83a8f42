//! The token endpoint's other grants over HTTP: devices, passwords, exchanged tokens, workloads.

use crate::{issuer, provider, relying_party, text};
use doorward_jose::algorithm::Algorithm;
use doorward_jose::key::SigningKey;
use doorward_model::dice::Counting;
use doorward_model::id::KeyId;
use doorward_testkit::door::Door;
use doorward_testkit::http::{Address, Answer, Request};
use doorward_testkit::jar::Jar;
use doorward_testkit::peers::{RelyingParty, RelyingPartyOptions};
use doorward_testkit::ports::free_port;
use doorward_testkit::scratch::Scratch;
use doorward_tests::{PASSWORD, action, field, page_request, sign_in_at};
use doorward_world::World;
use serde_json::{Value, json};

const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// Creates a client by a command; gives its secret, if it has one.
fn made(door: &Door, name: &str, more: &[&str]) -> String {
    let mut arguments = vec!["client", "create", name, "--output", "json"];
    arguments.extend(more);
    let told: Value = serde_json::from_str(&door.cli_text(&arguments)).expect("JSON");
    told.get("client_secret").and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn endpoint(door: &Door, path: &str) -> String {
    format!("{}/protocol/openid-connect/{path}", issuer(door))
}

fn post(url: &str, form: &[(&str, &str)]) -> (u16, Value) {
    let answer = Request::new("POST", url).form(form).send();
    (answer.status, answer.json())
}

/// A command-line tool on somebody's machine.
fn command_line(door: &Door, (name, auth): (&str, &str), more: &[&str]) -> RelyingParty {
    let usual = [
        "--public",
        "--title",
        "Lake CLI",
        "--grant",
        "device_code",
        "--grant",
        "refresh_token",
        "--allow",
        "grafana-users",
        "--scope",
        "catalog:read",
    ];
    made(door, name, &[&usual[..], more].concat());
    let (port, issuer, scope) = (free_port(), issuer(door), "openid profile catalog:read");
    RelyingParty::start(&RelyingPartyOptions { port, issuer: &issuer, client_id: name, secret: ("", auth), scope })
}

/// Sends a page's form as the browser would, with other values in it.
fn send(jar: &mut Jar, (page, url): (&str, &str), more: &[(&str, &str)]) -> (Answer, String) {
    let target = Address::parse(url).join(&action(page));
    let csrf = field(page, "csrf");
    let mut form = vec![("csrf", csrf.as_str())];
    form.extend(more);
    let request = Request::new("POST", &target).header("Accept", "text/html").form(&form);
    let hop = jar.follow(request).pop().expect("a hop");
    (hop.answer, hop.url)
}

#[test]
fn gauntlet_b3_13_a_person_lets_a_device_in_at_another_screen() {
    let door = provider();
    let tool = command_line(&door, ("lake-cli", "none"), &[]);
    let (status, device) = tool.page("/device");
    assert_eq!(status, 200, "{device:#}");
    let code = text(&device, "/user_code").to_owned();
    assert_eq!(text(&device, "/verification_uri"), format!("{}/device", issuer(&door)));
    assert_eq!((device.get("expires_in"), device.get("interval")), (Some(&json!(600)), Some(&json!(5))));

    // The link leads through the sign-in page to a form with the code in it, and decides nothing.
    let (mut jar, answer, url) = sign_in_at(text(&device, "/verification_uri_complete"), "alice");
    let page = answer.text();
    assert_eq!((answer.status, field(&page, "user_code")), (200, code.clone()), "{url}");
    let poll = |name: &str| {
        let form = [("grant_type", DEVICE), ("client_id", name), ("device_code", text(&device, "/device_code"))];
        let (status, told) = post(&endpoint(&door, "token"), &form);
        (status, told.get("error").and_then(Value::as_str).unwrap_or_default().to_owned())
    };
    assert_eq!(poll("lake-cli"), (400, "authorization_pending".to_owned()));
    assert_eq!(poll("lake-cli"), (400, "slow_down".to_owned()), "at once again");

    // Typed in small letters, without the dash: the page says who asks for what, and warns.
    let typed = code.to_lowercase().replace('-', "");
    let (answer, url) = send(&mut jar, (&page, &url), &[("user_code", &typed)]);
    let page = answer.text();
    assert_eq!(answer.status, 200, "{page}");
    for words in ["Lake CLI", "lake-cli", "See your name", "catalog:read", "only if you started this", &code, "alice"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert_eq!(poll("lake-cli"), (400, "slow_down".to_owned()), "looking is no answer");
    let request = field(&page, "request");
    let (answer, _) = send(&mut jar, (&page, &url), &[("request", &request), ("decision", "allow")]);
    assert!(answer.status == 200 && answer.text().contains("Your device is signed in"), "{}", answer.text());

    let (status, told) = tool.page("/device-tokens");
    assert_eq!(status, 200, "{told:#}");
    assert_eq!(text(&told, "/claims/preferred_username"), "alice");
    assert!(text(&told, "/tokens/scope").contains("catalog:read"));
    assert_eq!(poll("lake-cli"), (400, "invalid_grant".to_owned()), "once");
    let (status, refreshed) = tool.page("/refresh");
    assert_eq!((status, refreshed.get("rotated")), (200, Some(&json!(true))), "{refreshed:#}");

    // Signing out here ends what the device has.
    let account = jar.follow(page_request(&format!("{}/account", issuer(&door)))).pop().expect("a hop");
    let out = Address::parse(&account.url).join("/realms/main/sign-out");
    let csrf = field(&account.answer.text(), "csrf");
    let gone = jar.send(Request::new("POST", &out).form(&[("csrf", csrf.as_str())]));
    assert_eq!(gone.status, 303);
    let (status, over) = tool.page("/refresh");
    assert_eq!((status, text(&over, "/error")), (500, "invalid_grant"), "{over:#}");
}

#[test]
fn a_device_that_holds_a_key_is_given_a_nonce_and_tokens_that_name_the_key() {
    let door = provider();
    let tool = command_line(&door, ("lake-cli", "none+dpop"), &["--dpop-bound"]);
    let (_, device) = tool.page("/device");
    let (mut jar, answer, url) = sign_in_at(text(&device, "/verification_uri_complete"), "alice");
    let typed = [("user_code", text(&device, "/user_code"))];
    let (answer, url) = send(&mut jar, (&answer.text(), &url), &typed);
    let request = field(&answer.text(), "request");
    send(&mut jar, (&answer.text(), &url), &[("request", &request), ("decision", "allow")]);
    let (status, told) = tool.page("/device-tokens");
    assert_eq!((status, text(&told, "/tokens/token_type")), (200, "dpop"), "{told:#}");
    let (status, refreshed) = tool.page("/refresh");
    assert_eq!((status, refreshed.get("rotated")), (200, Some(&json!(true))), "{refreshed:#}");
    let token = text(&refreshed, "/tokens/refresh_token");
    let form = [("grant_type", "refresh_token"), ("client_id", "lake-cli"), ("refresh_token", token)];
    let (status, told) = post(&endpoint(&door, "token"), &form);
    assert_eq!((status, text(&told, "/error")), (400, "invalid_dpop_proof"), "{told:#}");
}

#[test]
fn gauntlet_b3_13_a_device_hears_no_from_who_says_so_and_from_who_may_not_enter() {
    let door = provider();
    let tool = command_line(&door, ("lake-cli", "none"), &[]);
    let waits = |jar: &mut Jar, (page, url): (&str, &str)| {
        let (_, device) = tool.page("/device");
        let (answer, url) = send(jar, (page, url), &[("user_code", text(&device, "/user_code"))]);
        (answer, url)
    };
    let (mut jar, answer, url) = sign_in_at(&format!("{}/device", issuer(&door)), "alice");
    let start = answer.text();
    assert!(field(&start, "user_code").is_empty());
    let (answer, at) = waits(&mut jar, (&start, &url));
    let question = answer.text();
    let request = field(&question, "request");
    let answer_with = |jar: &mut Jar, csrf: &str, origin: Option<&str>| {
        let target = Address::parse(&at).join(&action(&question));
        let form = [("csrf", csrf), ("request", request.as_str()), ("decision", "allow")];
        let sent = Request::new("POST", &target).form(&form);
        jar.send(origin.map_or_else(|| sent.clone(), |origin| sent.clone().header("Origin", origin))).status
    };
    let csrf = field(&question, "csrf");
    assert_eq!(answer_with(&mut jar, "", None), 403);
    assert_eq!(answer_with(&mut jar, &csrf, Some("http://evil.example")), 403);
    assert_eq!(answer_with(&mut Jar::new(), &csrf, None), 303, "nobody: to the sign-in page");
    let (answer, _) = send(&mut jar, (&question, &at), &[("request", &request), ("decision", "deny")]);
    assert!(answer.text().contains("learned nothing about you"), "{}", answer.text());
    let (status, told) = tool.page("/device-tokens");
    assert_eq!((status, text(&told, "/error")), (500, "access_denied"), "{told:#}");
    assert_eq!(answer_with(&mut jar, &csrf, None), 410, "answered already");
    // A code of nobody's, and no code.
    for typed in ["ZZZZ-ZZZZ", "", "<script>"] {
        let (answer, _) = send(&mut jar, (&start, &url), &[("user_code", typed)]);
        assert!(answer.status == 400 && answer.text().contains("No device waits with that code"), "{typed}");
    }

    // Bob lacks the group: he sees which one, and the device hears no.
    let (mut jar, answer, url) = sign_in_at(&format!("{}/device", issuer(&door)), "bob");
    let (answer, _) = waits(&mut jar, (&answer.text(), &url));
    assert!(answer.status == 403 && answer.text().contains("grafana-users"), "{}", answer.text());
    let (status, told) = tool.page("/device-tokens");
    assert_eq!((status, text(&told, "/error")), (500, "access_denied"), "{told:#}");
    // Another account begins again here, with the code, and a form cannot send it elsewhere.
    for (more, is_ours) in [("", true), ("?user_code=BCDF-GHJK", true), (".evil.example", false), ("?x", false)] {
        let (mut jar, answer, url) = sign_in_at(&format!("{}/device", issuer(&door)), "bob");
        let (csrf, retry) = (field(&answer.text(), "csrf"), format!("{}{more}", field(&answer.text(), "retry")));
        let target = Address::parse(&url).join("/realms/main/sign-out");
        let form = [("csrf", csrf.as_str()), ("retry", retry.as_str())];
        let answer = jar.send(Request::new("POST", &target).form(&form));
        assert_eq!((answer.status, answer.location() == retry), (303, is_ours), "{}", answer.location());
    }
}

#[test]
fn gauntlet_b3_12_no_grant_gives_a_scope_that_was_not_declared() {
    let door = provider();
    let secret = made(
        &door,
        "all",
        &[
            "--grant",
            "client_credentials",
            "--grant",
            "device_code",
            "--grant",
            "password",
            "--everyone",
            "--scope",
            "catalog:read",
        ],
    );
    let proof = [("client_id", "all"), ("client_secret", secret.as_str())];
    let person = [("username", "alice"), ("password", PASSWORD)];
    for (path, form) in [
        ("auth/device", vec![]),
        ("token", vec![("grant_type", "client_credentials")]),
        ("token", [&[("grant_type", "password")][..], &person].concat()),
    ] {
        let ask = |scope| {
            let form = [&form[..], &proof, &[("scope", scope)]].concat();
            post(&endpoint(&door, path), &form)
        };
        let (status, told) = ask("openid catalog:write");
        assert_eq!((status, text(&told, "/error")), (400, "invalid_scope"), "{path}: {told:#}");
        let (status, told) = ask("catalog:read");
        assert_eq!(status, 200, "{path}: {told:#}");
        let scope = told.get("scope").and_then(Value::as_str).unwrap_or("catalog:read");
        assert!(scope.split(' ').all(|name| name == "catalog:read" || USUAL.contains(&name)), "{scope}");
    }
    let (status, told) = post(&endpoint(&door, "auth/device"), &[("client_id", "all")]);
    assert_eq!((status, text(&told, "/error")), (401, "invalid_client"), "without its secret");
    made(&door, "web", &["--public", "--everyone", "--redirect-uri", "https://w.example.com/cb"]);
    let (status, told) = post(&endpoint(&door, "auth/device"), &[("client_id", "web")]);
    assert_eq!((status, text(&told, "/error")), (400, "unauthorized_client"));
}

/// Scopes every client's tokens have.
const USUAL: [&str; 5] = ["basic", "profile", "email", "groups", "roles"];

#[test]
fn a_client_uses_the_grants_it_was_given_and_a_public_one_asks_about_no_token() {
    let door = provider();
    let secret = made(&door, "narrow", &["--redirect-uri", "https://narrow.example.com/cb", "--everyone"]);
    let coded = made(&door, "machine", &["--service"]);
    let token = endpoint(&door, "token");
    // Whether what is shown is any good is not looked at: the grant itself is refused.
    for (name, secret, grant, field) in [
        ("narrow", &secret, "client_credentials", "scope"),
        ("narrow", &secret, DEVICE, "device_code"),
        ("narrow", &secret, EXCHANGE, "subject_token"),
        ("narrow", &secret, JWT_BEARER, "assertion"),
        ("narrow", &secret, "password", "username"),
        ("machine", &coded, "authorization_code", "code"),
        ("machine", &coded, "refresh_token", "refresh_token"),
    ] {
        let form = [("grant_type", grant), ("client_id", name), ("client_secret", secret), (field, "x")];
        let (status, told) = post(&token, &form);
        assert_eq!((status, text(&told, "/error")), (400, "unauthorized_client"), "{name} {grant}");
    }
    made(&door, "spa", &["--public", "--redirect-uri", "https://spa.example.com/cb", "--everyone"]);
    let form = [("client_id", "spa"), ("token", "x")];
    let (status, told) = post(&endpoint(&door, "token/introspect"), &form);
    assert_eq!((status, text(&told, "/error")), (401, "invalid_client"));
}

#[test]
fn gauntlet_b3_14_a_password_is_taken_from_who_was_given_that_and_refused_in_keycloaks_words() {
    let door = provider();
    let secret = made(&door, "floe", &["--title", "Floe", "--grant", "password", "--allow", "grafana-users"]);
    let url = endpoint(&door, "token");
    let ask = |name: &str, password: &str, more: &[(&str, &str)]| {
        let form = [
            ("grant_type", "password"),
            ("client_id", "floe"),
            ("client_secret", secret.as_str()),
            ("username", name),
            ("password", password),
            ("scope", "openid profile email"),
        ];
        post(&url, &[&form[..], more].concat())
    };
    let (status, told) = ask("alice", PASSWORD, &[]);
    assert_eq!((status, text(&told, "/token_type")), (200, "Bearer"), "{told:#}");
    let authorization = format!("Bearer {}", text(&told, "/access_token"));
    let userinfo = Request::new("GET", &endpoint(&door, "userinfo")).header("Authorization", &authorization).send();
    assert_eq!(text(&userinfo.json(), "/preferred_username"), "alice");
    let wrong = json!({"error": "invalid_grant", "error_description": "Invalid user credentials"});
    for (name, password) in [("alice", "wrong password"), ("nobody", PASSWORD)] {
        assert_eq!(ask(name, password, &[]), (401, wrong.clone()), "{name}");
    }
    let (status, told) = ask("bob", PASSWORD, &[]);
    assert_eq!((status, text(&told, "/error")), (400, "invalid_grant"), "not in the group: {told:#}");
    for (name, password, word) in [("", "x", "username is missing"), ("alice", "", "password is missing")] {
        let (status, told) = ask(name, password, &[]);
        assert_eq!((status, text(&told, "/error_description")), (400, word));
    }
    // The person sees which tool it was, and can end it.
    let (mut jar, _, _) = sign_in_at(&format!("{}/sign-in", issuer(&door)), "alice");
    let page = jar.follow(page_request(&format!("{}/account", issuer(&door)))).pop().expect("a hop").answer.text();
    assert!(page.contains("Floe, which sent your password"), "{page}");
    door.cli_text(&["user", "disable", "alice"]);
    let userinfo = Request::new("GET", &endpoint(&door, "userinfo")).header("Authorization", &authorization).send();
    assert_eq!(userinfo.status, 401);
    let (status, told) = ask("alice", PASSWORD, &[]);
    assert_eq!((status, text(&told, "/error_description")), (400, "Account disabled"));
    // Nobody else may send passwords.
    made(&door, "web", &["--public", "--everyone", "--redirect-uri", "https://w.example.com/cb"]);
    let form = [("grant_type", "password"), ("client_id", "web"), ("username", "bob"), ("password", PASSWORD)];
    let (status, told) = post(&url, &form);
    assert_eq!((status, text(&told, "/error")), (400, "unauthorized_client"));
}

#[test]
fn gauntlet_b3_10_tokens_are_exchanged_for_declared_targets_in_the_rfcs_words() {
    let door = provider();
    let party = relying_party(&door, "web", "basic", &["--everyone", "--audience", "hub"]);
    let (_, answer, _) = sign_in_at(&party.url("/login"), "alice");
    let signed_in = answer.json();
    let subject = text(&signed_in, "/tokens/access_token");
    let catalog = ["--redirect-uri", "https://c.example.com/cb", "--allow", "grafana-users"];
    made(&door, "catalog", &catalog);
    let secret = made(
        &door,
        "hub",
        &["--grant", "token_exchange", "--everyone", "--exchange-for", "catalog", "https://api.example.com/v1"],
    );
    let url = endpoint(&door, "token");
    let proof = [("grant_type", EXCHANGE), ("client_id", "hub"), ("client_secret", secret.as_str())];
    let ask = |form: &[(&str, &str)]| post(&url, &[&proof[..], form].concat());
    let kind = ("subject_token_type", ACCESS_TOKEN);
    let shown = ("subject_token", subject);
    let (status, told) = ask(&[shown, kind, ("audience", "catalog"), ("resource", "https://api.example.com/v1")]);
    assert_eq!(status, 200, "{told:#}");
    assert_eq!((text(&told, "/issued_token_type"), text(&told, "/token_type")), (ACCESS_TOKEN, "Bearer"));
    assert!(told.get("refresh_token").is_none() && told.get("expires_in").and_then(Value::as_i64) <= Some(300));
    // Whom it is for may look it up, and sees who acts.
    let catalog = made(&door, "reader", &["--service"]);
    let look = |name: &str, secret: &str| {
        let form = [("client_id", name), ("client_secret", secret), ("token", text(&told, "/access_token"))];
        post(&endpoint(&door, "token/introspect"), &form).1
    };
    assert_eq!(look("reader", &catalog), json!({"active": false}), "somebody else");
    let seen = look("hub", &secret);
    assert_eq!((seen.get("active"), text(&seen, "/act/client_id")), (Some(&json!(true)), "hub"), "{seen:#}");
    assert_eq!(seen.get("aud"), Some(&json!(["https://api.example.com/v1", "catalog"])));
    let id_token = "urn:ietf:params:oauth:token-type:id_token";
    let (status, id) = ask(&[shown, kind, ("audience", "catalog"), ("requested_token_type", id_token)]);
    assert_eq!((status, text(&id, "/token_type"), text(&id, "/issued_token_type")), (200, "N_A", id_token), "{id:#}");

    let refresh = "urn:ietf:params:oauth:token-type:refresh_token";
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[kind], "invalid_request"),
        (&[("subject_token", ""), kind], "invalid_request"),
        (&[shown], "invalid_request"),
        (&[shown, ("subject_token_type", refresh)], "invalid_request"),
        (&[shown, ("subject_token_type", "urn:ietf:params:oauth:token-type:saml2")], "invalid_request"),
        (&[("subject_token", "x.y.z"), kind], "invalid_request"),
        (&[shown, kind, ("requested_token_type", refresh)], "invalid_request"),
        (&[shown, kind, ("actor_token", subject), ("actor_token_type", ACCESS_TOKEN)], "invalid_request"),
        (&[shown, kind, ("actor_token_type", ACCESS_TOKEN)], "invalid_request"),
        (&[shown, shown, kind], "invalid_request"),
        (&[shown, kind, ("audience", "web")], "invalid_target"),
        (&[shown, kind, ("audience", "catalog"), ("audience", "web")], "invalid_target"),
        (&[shown, kind, ("resource", "https://api.example.com/v2")], "invalid_target"),
        (&[shown, kind, ("resource", "not a uri")], "invalid_target"),
        (&[shown, kind, ("scope", "offline_access")], "invalid_scope"),
    ];
    for (form, word) in cases {
        let (status, told) = ask(form);
        assert_eq!((status, text(&told, "/error")), (400, *word), "{form:?}: {told:#}");
    }
    // Who is not in the group of the target gets nothing for it; who has left gets nothing more.
    door.cli_text(&["group", "remove-member", "grafana-users", "alice"]);
    let (status, told) = ask(&[shown, kind, ("audience", "catalog")]);
    assert_eq!((status, text(&told, "/error")), (400, "access_denied"), "{told:#}");
    assert_eq!(look("hub", &secret), json!({"active": false}), "what was exchanged before is over as well");
    door.cli_text(&["user", "disable", "alice"]);
    let (_, told) = ask(&[shown, kind]);
    assert_eq!(text(&told, "/error"), "invalid_request", "{told:#}");
}

#[test]
fn a_workload_speaks_as_its_client_with_a_token_of_its_platform_and_no_secret() {
    let door = provider();
    let pkcs8 = SigningKey::generate(Algorithm::Rs256).expect("a key");
    let key = SigningKey::parse(KeyId::draw(&Counting::new(9)), Algorithm::Rs256, &pkcs8).expect("a key");
    let scratch = Scratch::new("workload");
    let platform = json!({
        "issuer": "https://token.actions.githubusercontent.com",
        "audience": issuer(&door),
        "jwks": {"keys": [key.public_jwk()]},
        "subjects": ["repo:acme/lakehouse:*"],
    });
    let file = scratch.write("actions.json", &platform.to_string());
    let file = file.to_str().expect("a path");
    made(&door, "deploy", &["--public", "--grant", "jwt_bearer", "--workload", file, "--scope", "catalog:read"]);
    let now = World::real().now().seconds();
    let sign = |jti: &str, subject: &str| {
        let claims = json!({"iss": "https://token.actions.githubusercontent.com", "aud": issuer(&door), "jti": jti,
            "sub": subject, "iat": now, "nbf": now, "exp": now + 300, "repository": "acme/lakehouse"});
        key.sign("JWT", &claims).expect("a signature")
    };
    let url = endpoint(&door, "token");
    let ask = |client: &str, assertion: &str| {
        let form =
            [("grant_type", JWT_BEARER), ("client_id", client), ("assertion", assertion), ("scope", "catalog:read")];
        post(&url, &form)
    };
    let assertion = sign("one", "repo:acme/lakehouse:ref:refs/heads/main");
    let (status, told) = ask("deploy", &assertion);
    assert_eq!((status, text(&told, "/token_type")), (200, "Bearer"), "{told:#}");
    assert!(told.get("refresh_token").is_none() && text(&told, "/scope").contains("catalog:read"));
    let (status, told) = ask("deploy", &assertion);
    assert_eq!((status, text(&told, "/error")), (400, "invalid_grant"), "once: {told:#}");
    let (status, told) = ask("deploy", &sign("two", "repo:evil/lakehouse:ref:refs/heads/main"));
    assert_eq!((status, text(&told, "/error")), (400, "invalid_grant"), "{told:#}");
    assert_eq!(ask("nobody", &assertion).0, 401);
    let (status, told) = post(&url, &[("grant_type", JWT_BEARER), ("client_id", "deploy")]);
    assert_eq!((status, text(&told, "/error_description")), (400, "assertion is missing"));
    let shown = door.cli_text(&["client", "show", "deploy", "--output", "json"]);
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(text(&shown, "/workloads/0/subjects/0"), "repo:acme/lakehouse:*");
}
