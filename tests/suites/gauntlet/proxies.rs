//! Who may ask for a proxy, what a proxy is answered, and what a stranger's headers are worth.

use crate::house::{SCENE, Scene, signed_in};
use doorward_testkit::door::{Door, DoorOptions};
use doorward_testkit::echo::Echo;
use doorward_testkit::http::{Answer, Request};
use doorward_testkit::jar::Jar;
use doorward_tests::with_password;
use envoy_types::pb::envoy::service::auth::v3::attribute_context::{HttpRequest, Request as EnvoyRequest};
use envoy_types::pb::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use envoy_types::pb::envoy::service::auth::v3::check_response::HttpResponse;
use envoy_types::pb::envoy::service::auth::v3::{AttributeContext, CheckRequest, CheckResponse};

/// A door that trusts a proxy which is not us; everybody may enter its echo.
fn distrustful() -> Scene {
    let mut options = with_password(DoorOptions::up());
    options.trust_proxy = Some("127.0.0.77/32".to_owned());
    let (door, echo) = (Door::start(options), Echo::start());
    let url = door.url_as("echo.localhost");
    door.cli_text(&[
        "app",
        "create",
        "echo",
        "--address",
        &url,
        "--upstream",
        &echo.url(),
        "--everyone",
        "--public",
        "/public",
    ]);
    Scene { door, echo, url }
}

/// What a trusted proxy asks about a page of the app with a browser's cookies.
fn asked(scene: &Scene, path: &str, jar: &Jar) -> Answer {
    let url = format!("{}/x", scene.url);
    Request::new("GET", &format!("{}{path}", scene.door.url()))
        .header("X-Original-URL", &url)
        .header("Cookie", jar.header_for(&url).unwrap_or_default())
        .send()
}

/// What the gRPC listener answers when Envoy asks about a page.
fn envoy_asks(door: &Door, host: &str, path: &str, headers: &[(&str, &str)]) -> Result<CheckResponse, tonic::Status> {
    let http = HttpRequest {
        method: "GET".to_owned(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        path: path.to_owned(),
        host: host.to_owned(),
        scheme: "http".to_owned(),
        ..HttpRequest::default()
    };
    let request = EnvoyRequest { http: Some(http), ..EnvoyRequest::default() };
    let check =
        CheckRequest { attributes: Some(AttributeContext { request: Some(request), ..AttributeContext::default() }) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let address = format!("http://127.0.0.1:{}", door.grpc_port());
        let mut client = AuthorizationClient::connect(address).await.expect("the gRPC listener");
        client.check(check).await.map(tonic::Response::into_inner)
    })
}

#[test]
fn gauntlet_b1_02_forwarded_headers_from_strangers_do_not_exist() {
    let Scene { door, echo, url } = distrustful();
    let call = |path: &str| Request::new("GET", &format!("{}{path}", door.url()));
    let refused = call("/gate/nginx").header("X-Original-URL", format!("{url}/public")).send();
    assert_eq!(refused.status, 403);
    assert!(refused.text().contains("--trust-proxy"), "{}", refused.text());
    for (name, value) in [("X-Forwarded-Uri", "/public"), ("X-Original-URL", "http://echo.localhost/public")] {
        let answer = Request::new("GET", &format!("{url}/admin")).header(name, value).send();
        assert_eq!(answer.status, 401, "{name}");
    }
    assert!(echo.seen().is_empty());
    let everyone = door.cli(&["serve", "--trust-proxy", "0.0.0.0/0", "--listen", "127.0.0.1:1"]);
    let said = String::from_utf8_lossy(&everyone.stderr).into_owned();
    assert_eq!(everyone.status.code(), Some(3), "{said}");
    assert!(said.contains("0.0.0.0/0"), "{said}");
}

#[test]
fn gauntlet_b1_02_a_stranger_is_no_proxy_to_any_listener() {
    let Scene { door, echo, url } = distrustful();
    let denied = Request::new("GET", &format!("{url}/.doorward/denied")).header("X-Original-URL", format!("{url}/x"));
    let denied = denied.send();
    assert_eq!(denied.status, 403);
    assert!(denied.text().contains("--trust-proxy"), "{}", denied.text());
    // Where a stranger says to come from is not what the tool hears.
    let claimed = Request::new("GET", &format!("{url}/public"))
        .header("X-Forwarded-For", "6.6.6.6")
        .header("X_Forwarded_For", "6.6.6.6")
        .header("X-Real-IP", "6.6.6.6");
    assert_eq!(claimed.send().status, 200);
    let seen = echo.last();
    assert_eq!(seen.header("x-forwarded-for"), Some("127.0.0.1"), "{:?}", seen.headers);
    assert!(seen.headers.iter().all(|(_, value)| value != "6.6.6.6"), "{:?}", seen.headers);
    let refused = envoy_asks(&door, "echo.localhost", "/public", &[]).expect_err("an answer over gRPC");
    assert_eq!(refused.code(), tonic::Code::PermissionDenied, "{refused}");
}

#[test]
fn gauntlet_b1_09_over_grpc_every_look_alike_is_taken_off() {
    let jar = signed_in(&SCENE, "alice");
    let cookies = jar.header_for(&format!("{}/x", SCENE.url)).unwrap_or_default();
    let headers =
        [("cookie", cookies.as_str()), ("remote_user", "root"), ("x-webauth.user", "root"), ("remote-user", "root")];
    let answer = envoy_asks(&SCENE.door, "echo.localhost", "/x", &headers).expect("an answer");
    let Some(HttpResponse::OkResponse(passed)) = answer.http_response else { panic!("alice may pass: {answer:?}") };
    for name in ["remote_user", "x-webauth.user", "x-authentik-username", "x-webauth-user"] {
        assert!(passed.headers_to_remove.iter().any(|removed| removed == name), "{name}: {passed:?}");
    }
    let told: Vec<_> = passed
        .headers
        .iter()
        .filter_map(|option| option.header.as_ref().map(|header| (header.key.as_str(), header, option.append_action)))
        .filter(|(name, ..)| *name == "remote-user")
        .collect();
    let [(_, header, 2)] = told.as_slice() else { panic!("told once, in place of the client's: {told:?}") };
    assert_eq!(header.value, "alice");
}

#[test]
fn what_a_proxy_adds_to_the_question_only_narrows() {
    let jar = signed_in(&SCENE, "alice");
    let ask = |query: &str| asked(&SCENE, &format!("/oauth2/auth{query}"), &jar).status;
    for query in [
        "",
        "?allowed_groups=data-engineers",
        "?allowed_groups=others,dagster-users",
        "?allowed_emails=alice@example.com",
        "?allowed_email_domains=example.com",
        "?allowed_groups=data-engineers&allowed_emails=alice%40example.com",
    ] {
        assert_eq!(ask(query), 202, "{query}");
    }
    for query in [
        "?allowed_groups=admins",
        "?allowed_groups=",
        "?allowed_groups=data-engineer",
        "?allowed_emails=bob@example.com",
        "?allowed_email_domains=example.org",
        "?allowed_email_domains=*.example.com",
        "?allowed_groups=data-engineers&allowed_emails=bob@example.com",
        "?allowed_emails=alice@example.com&allowed_groups=admins",
    ] {
        assert_eq!(ask(query), 403, "{query}");
    }
    let nobody = asked(&SCENE, "/oauth2/auth?allowed_groups=data-engineers", &Jar::new());
    assert_eq!(nobody.status, 401);
}

#[test]
fn gauntlet_b1_17_an_answer_kept_for_one_dialect_is_not_told_in_another() {
    let jar = signed_in(&SCENE, "alice");
    for _ in 0..2 {
        let own = asked(&SCENE, "/gate/nginx", &jar);
        assert_eq!((own.status, own.header("remote-user")), (200, Some("alice")));
        assert_eq!(own.header("cache-control"), Some("no-store"));
        assert!(own.header("x-authentik-username").is_none(), "{:?}", own.headers);
        let authentik = asked(&SCENE, "/outpost.goauthentik.io/auth/nginx", &jar);
        assert_eq!((authentik.status, authentik.header("x-authentik-username")), (200, Some("alice")));
        assert!(authentik.header("remote-user").is_none(), "{:?}", authentik.headers);
    }
    let refused = asked(&SCENE, "/gate/nginx", &Jar::new());
    assert_eq!((refused.status, refused.header("cache-control")), (401, Some("no-store")));
}
