//! Guards that stand behind or beside those of the attacks above. Each test fails when its guard is
//! taken away; together with the attacks they leave no check of the edge untested.

use super::{SCENE, Scene, ends, scene, signed_in};
use doorward_model::secret::FormProof;
use doorward_testkit::door::{Door, DoorOptions};
use doorward_testkit::echo::Echo;
use doorward_testkit::http::{Answer, Request, get, send_raw};
use doorward_testkit::jar::Jar;
use doorward_testkit::process::wait_until;
use doorward_testkit::scratch::Scratch;
use doorward_testkit::websocket::{Message, WebSocket};
use doorward_tests::{PASSWORD, action, door, field, page_request, sign_in_at, user, with_password};
use envoy_types::pb::envoy::service::auth::v3::attribute_context::{HttpRequest, Request as EnvoyRequest};
use envoy_types::pb::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use envoy_types::pb::envoy::service::auth::v3::check_response::HttpResponse;
use envoy_types::pb::envoy::service::auth::v3::{AttributeContext, CheckRequest, CheckResponse};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

/// What a trusted proxy asks about a page of the app with a browser's cookies.
fn asked(scene: &Scene, path: &str, jar: &Jar) -> Answer {
    let url = format!("{}/x", scene.url);
    Request::new("GET", &format!("{}{path}", scene.door.url()))
        .header("X-Original-URL", &url)
        .header("Cookie", jar.header_for(&url).unwrap_or_default())
        .send()
}

/// A door that trusts a proxy which is not us.
fn distrustful() -> Door {
    let mut options = with_password(DoorOptions::up());
    options.trust_proxy = Some("127.0.0.77/32".to_owned());
    Door::start(options)
}

fn sign_in_form(jar: &mut Jar, url: &str) -> (String, String, String) {
    let html = jar.follow(page_request(url)).pop().expect("a page").answer.text();
    (action(&html), field(&html, "flow"), field(&html, "csrf"))
}

#[test]
fn gauntlet_b1_02_a_stranger_is_no_proxy_to_any_listener() {
    let (door, echo) = (distrustful(), Echo::start());
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

#[test]
fn gauntlet_b1_18_a_changed_rule_holds_although_the_answer_was_kept() {
    let scene = scene();
    let mut jar = signed_in(&scene, "alice");
    let page = format!("{}/x", scene.url);
    assert_eq!(jar.get(&page).status, 200);
    scene.door.cli_text(&["app", "disallow", "echo", "dagster-users"]);
    wait_until("the new rule", Duration::from_secs(5), || jar.get(&page).status == 403);
    // Being let in at a public path says nothing about the rest.
    assert_eq!(jar.get(&format!("{}/public", scene.url)).status, 200);
    assert_eq!(jar.get(&page).status, 403);
}

#[test]
fn gauntlet_b1_23_an_open_websocket_ends_when_its_user_leaves_the_group() {
    let scene = scene();
    let jar = signed_in(&scene, "alice");
    let url = format!("{}/ws", scene.url);
    let request = Request::new("GET", &url).header("Cookie", jar.header_for(&url).unwrap_or_default());
    let Ok(mut socket) = WebSocket::open(request) else { panic!("the WebSocket opens for alice") };
    socket.send("hello").expect("sent");
    assert_eq!(socket.receive().ok(), Some(Message::Text("hello".to_owned())));
    scene.door.cli_text(&["group", "remove-member", "data-engineers", "alice"]);
    ends(&mut socket, Duration::from_secs(5));
}

#[test]
fn gauntlet_b1_22_no_tunnel_is_opened_for_anybody() {
    let jar = signed_in(&SCENE, "alice");
    let cookies = jar.header_for(&format!("{}/x", SCENE.url)).unwrap_or_default();
    for target in ["echo.localhost:80", "127.0.0.1:22"] {
        let ask = format!("CONNECT {target} HTTP/1.1\r\nHost: echo.localhost\r\nCookie: {cookies}\r\n\r\n");
        let answer = String::from_utf8_lossy(&send_raw(SCENE.door.port(), ask.as_bytes())).into_owned();
        assert!(answer.starts_with("HTTP/1.1 400"), "{target}: {answer}");
    }
}

#[test]
fn gauntlet_b1_12_a_service_token_never_reaches_the_tool() {
    let scene = scene();
    let token = scene.door.cli_text(&["token", "create", "ci", "--app", "echo"]).trim().to_owned();
    assert!(token.starts_with("dwa_"), "{token}");
    let url = format!("{}/seen", scene.url);
    let bearer = |text: &str| Request::new("GET", &url).header("Authorization", format!("Bearer {text}"));
    assert_eq!(bearer(&token).send().status, 200);
    let seen = scene.echo.last();
    assert_eq!(seen.header("remote-user"), Some("service-ci"));
    assert!(seen.headers.iter().all(|(_, value)| !value.contains(&token)), "{:?}", seen.headers);
    // The tool's own tokens are the tool's.
    let jar = signed_in(&scene, "alice");
    let both = bearer("theirs").header("Cookie", jar.header_for(&url).unwrap_or_default());
    assert_eq!(both.send().status, 200);
    assert_eq!(scene.echo.last().header("authorization"), Some("Bearer theirs"));
}

#[test]
fn gauntlet_b14_04_signing_in_and_out_at_an_app_needs_its_own_form() {
    let scene = scene();
    let mut jar = signed_in(&scene, "alice");
    let page = format!("{}/x", scene.url);
    let cookies = jar.header_for(&page).unwrap_or_default();
    let pass = cookies.split("; ").find(|pair| pair.starts_with("doorward_pass")).and_then(|pair| pair.split_once('='));
    let pass = pass.expect("a pass").1;
    let csrf = FormProof::of(pass).reveal().to_owned();
    let zeros = "0".repeat(64);
    for path in ["/.doorward/signout", "/oauth2/sign_out", "/outpost.goauthentik.io/sign_out"] {
        let url = format!("{}{path}", scene.url);
        let post = |proof: &str| Request::new("POST", &url).form(&[("csrf", proof), ("retry", &page)]);
        for proof in ["", &zeros] {
            assert_eq!(jar.send(post(proof)).status, 403, "{path} with {proof:?}");
        }
        for (name, value) in [("Origin", "https://evil.example"), ("Origin", &scene.door.url())] {
            assert_eq!(jar.send(post(&csrf).header(name, value)).status, 403, "{path} from {value}");
        }
        let link = page_request(&url).header("Sec-Fetch-Site", "cross-site");
        assert!(jar.send(link).location().starts_with(&scene.door.url()), "{path}");
        assert_eq!(jar.get(&page).status, 200, "{path}: still signed in");
    }
    let url = format!("{}/.doorward/signout", scene.url);
    let own = Request::new("POST", &url).form(&[("csrf", &csrf), ("retry", &page)]).header("Origin", &scene.url);
    assert_eq!(jar.send(own).status, 303);
    assert_eq!(jar.get(&page).status, 401);
    // The sign-in form's proof is the browser's own, not just any.
    let mut browser = Jar::new();
    let (target, flow, _) = sign_in_form(&mut browser, &format!("{}/realms/main/sign-in", scene.door.url()));
    let target = format!("{}{target}", scene.door.url());
    for proof in ["", &zeros, &csrf] {
        let form = [("login", "alice"), ("password", PASSWORD), ("flow", &flow), ("csrf", proof)];
        let answer = browser.send(Request::new("POST", &target).form(&form));
        assert_eq!(answer.status, 403, "{proof:?}");
        assert!(answer.headers_named("set-cookie").is_empty());
    }
}

#[test]
fn gauntlet_b14_04_a_session_that_is_there_is_not_ended_by_a_form_from_elsewhere() {
    let scene = scene();
    let account = format!("{}/realms/main/account", scene.door.url());
    let (mut here, mut there) = (signed_in(&scene, "alice"), signed_in(&scene, "alice"));
    let html = here.send(page_request(&account)).text();
    let (csrf, session) = (field(&html, "csrf"), field(&html, "session"));
    let end = |csrf: &str| {
        Request::new("POST", &format!("{account}/sessions/end")).form(&[("csrf", csrf), ("session", &session)])
    };
    for proof in ["", &"0".repeat(64)] {
        assert_eq!(here.send(end(proof)).status, 403, "{proof:?}");
    }
    assert_eq!(there.send(page_request(&account)).status, 200, "the other session stands");
    assert_eq!(here.send(end(&csrf)).status, 200);
    assert_eq!(there.send(page_request(&account)).status, 303, "and is ended by the right form");
}

#[test]
fn gauntlet_b14_04_a_set_up_form_from_elsewhere_is_refused() {
    let door = door();
    let link = door.setup_link().expect("a set-up link");
    let html = page_request(&link).send().text();
    let token = field(&html, "token");
    let form = |csrf: &str| {
        let fields = [
            ("token", token.as_str()),
            ("csrf", csrf),
            ("username", "mallory"),
            ("password", PASSWORD),
            ("password_repeat", PASSWORD),
        ];
        Request::new("POST", &format!("{}/setup", door.url())).form(&fields).send()
    };
    for csrf in ["", "0", &"0".repeat(64)] {
        assert_eq!(form(csrf).status, 403, "{csrf:?}");
    }
    assert_eq!(form(&field(&html, "csrf")).status, 303, "the link still works");
    assert_eq!(form(&field(&html, "csrf")).status, 410, "once is once");
}

#[test]
fn gauntlet_b10_04_a_form_sent_late_ends_the_session_the_browser_has_by_then() {
    let scene = scene();
    let door = scene.door.url();
    let page = format!("{door}/realms/main/sign-in");
    let account = format!("{door}/realms/main/account");
    let mut jar = Jar::new();
    let (early, late) = (sign_in_form(&mut jar, &page), sign_in_form(&mut jar, &page));
    let send = |jar: &mut Jar, (target, flow, csrf): &(String, String, String), name: &str| {
        let form = [("login", name), ("password", PASSWORD), ("flow", flow), ("csrf", csrf)];
        let answer = jar.send(Request::new("POST", &format!("{door}{target}")).form(&form));
        assert_eq!(answer.status, 303, "{name}: {}", answer.text());
        jar.header_for(&account).unwrap_or_default()
    };
    let alices = send(&mut jar, &early, "alice");
    let shows_account = |cookies: &str| page_request(&account).header("Cookie", cookies).send().status == 200;
    assert!(shows_account(&alices));
    let bobs = send(&mut jar, &late, "bob");
    assert!(shows_account(&bobs));
    assert!(!shows_account(&alices), "the former session lives on");
}

#[test]
fn gauntlet_b11_02_a_browser_known_by_its_cookie_is_not_held_off_with_strangers() {
    let scene = scene();
    let page = format!("{}/realms/main/sign-in", scene.door.url());
    let attempt = |jar: &mut Jar, password: &str| {
        let (target, flow, csrf) = sign_in_form(jar, &page);
        let form = [("login", "alice"), ("password", password), ("flow", &flow), ("csrf", &csrf)];
        jar.send(Request::new("POST", &format!("{}{target}", scene.door.url())).form(&form)).status
    };
    let mut known = Jar::new();
    assert_eq!(attempt(&mut known, PASSWORD), 303);
    scene.door.cli_text(&["session", "end", "--user", "alice"]);
    let mut stranger = Jar::new();
    for _ in 0..5 {
        assert_eq!(attempt(&mut stranger, "a wrong password"), 401);
    }
    assert_eq!(attempt(&mut stranger, PASSWORD), 429);
    assert_eq!(attempt(&mut known, PASSWORD), 303);
}

#[test]
fn gauntlet_b2_02_links_to_the_sign_in_host_are_read_strictly() {
    let link = Jar::new().send(page_request(&format!("{}/.doorward/start", SCENE.url))).location().to_owned();
    assert_eq!(page_request(&link).send().status, 302, "as it was made");
    let binding = link.split("binding=").nth(1).and_then(|rest| rest.split('&').next()).unwrap_or_default();
    assert_eq!(binding.len(), 64, "{link}");
    for forged in [
        link.replace("via=doorward", "via=shared"),
        link.replace("via=doorward", "via=other"),
        link.replace(binding, ""),
        link.replace(binding, &binding[1..]),
        link.replace(binding, &"z".repeat(64)),
    ] {
        assert_ne!(forged, link);
        assert_eq!(page_request(&forged).send().status, 404, "{forged}");
    }
    // What changed something is not repeated after sign-in: the way back is the front page.
    let post = Request::new("POST", &format!("{}/runs/7", SCENE.url)).header("Accept", "text/html").form(&[("a", "b")]);
    let answer = post.send();
    assert_eq!(answer.status, 303);
    assert!(!answer.location().contains("runs"), "{}", answer.location());
}

#[test]
fn gauntlet_b16_06_heads_and_forms_that_never_end_are_cut_off() {
    let head = |size: usize| {
        let padding = "a".repeat(size);
        let raw = format!("GET /x HTTP/1.1\r\nHost: echo.localhost\r\nConnection: close\r\nX-Long: {padding}\r\n\r\n");
        String::from_utf8_lossy(&send_raw(SCENE.door.port(), raw.as_bytes())).into_owned()
    };
    assert!(head(1024).starts_with("HTTP/1.1 401"));
    let long = head(100 * 1024);
    assert!(long.is_empty() || long.starts_with("HTTP/1.1 4") && !long.starts_with("HTTP/1.1 401"), "{long:.60}");
    let mut slow = TcpStream::connect(("127.0.0.1", SCENE.door.port())).expect("the door listens");
    slow.set_read_timeout(Some(Duration::from_secs(40))).expect("a timeout");
    let form = "POST /realms/main/sign-in HTTP/1.1\r\nHost: doorward.localhost\r\nContent-Length: 100\r\nConnection: close\r\n\
                Content-Type: application/x-www-form-urlencoded\r\n\r\nlogin=al";
    slow.write_all(form.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    let outcome = slow.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.starts_with("HTTP/1.1 408"), "{outcome:?}: {answer}");
}

#[test]
fn gauntlet_b10_05_pages_say_that_they_are_not_to_be_framed_or_told_about() {
    let mut jar = signed_in(&SCENE, "alice");
    let door = SCENE.door.url();
    for url in [
        format!("{door}/"),
        format!("{door}/realms/main/account"),
        format!("{door}/nowhere"),
        format!("{}/.doorward/enter?ticket=x", SCENE.url),
    ] {
        let page = jar.send(page_request(&url));
        assert_eq!(page.header("x-frame-options"), Some("DENY"), "{url}");
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"), "{url}");
        assert_eq!(page.header("referrer-policy"), Some("same-origin"), "{url}");
        assert_eq!(page.header("cache-control"), Some("no-store"), "{url}");
        let policy = page.header("content-security-policy").unwrap_or_default();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{url}: {policy}");
    }
    assert_eq!(get(&format!("{}/x", SCENE.url)).header("cache-control"), Some("no-store"));
}

#[test]
fn gauntlet_b1_15_a_key_that_others_can_read_or_that_is_lost_opens_nothing() {
    let mut door = door();
    user(&door, "alice");
    door.stop();
    let key = door.scratch().join("data/master.key");
    let mode = |mode| std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).expect("our own file");
    let refused = |why: &str| {
        let output = door.cli(&["user", "list"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(4), "{said}");
        assert!(said.contains(why), "{said}");
    };
    mode(0o640);
    refused("can be read by others");
    mode(0o600);
    let kept = std::fs::read(&key).expect("the key");
    std::fs::remove_file(&key).expect("our own file");
    refused("put the key file back");
    assert!(!key.exists(), "no new key for an old database");
    std::fs::write(&key, kept).expect("the right key");
    mode(0o600);
    assert!(door.cli(&["user", "list"]).status.success());
}

#[test]
fn gauntlet_b10_04_changing_a_password_needs_the_present_one() {
    let scene = scene();
    let account = format!("{}/realms/main/account", scene.door.url());
    let (mut jar, page, _) = sign_in_at(&format!("{}/x", scene.url), "alice");
    assert_eq!(page.status, 200);
    let csrf = field(&jar.send(page_request(&account)).text(), "csrf");
    let mut change = |current: &str| {
        let wanted = "another horse battery staple";
        let fields = [
            ("csrf", csrf.as_str()),
            ("current_password", current),
            ("new_password", wanted),
            ("new_password_repeat", wanted),
        ];
        jar.send(Request::new("POST", &format!("{account}/password")).form(&fields)).status
    };
    assert_eq!(change("not the present one"), 403);
    assert_eq!(change(PASSWORD), 200);
}

#[test]
fn gauntlet_b10_10_an_unused_session_ends_with_its_kept_answer_and_its_streams() {
    let scratch = Scratch::new("idle");
    let mut options = with_password(DoorOptions::up());
    let settings = scratch.write("settings.yaml", "sessions:\n  idle_seconds: 60\n");
    options.environment.push(("DOORWARD_CONFIG".to_owned(), settings.to_string_lossy().into_owned()));
    let (door, echo) = (Door::start_in(scratch, options), Echo::start());
    user(&door, "alice");
    let url = door.url_as("echo.localhost");
    door.cli_text(&["app", "create", "echo", "--address", &url, "--upstream", &echo.url(), "--everyone"]);
    let (mut jar, ..) = sign_in_at(&format!("{url}/in"), "alice");
    let open = Request::new("GET", &format!("{url}/ws"))
        .header("Cookie", jar.header_for(&format!("{url}/ws")).unwrap_or_default());
    let Ok(mut socket) = WebSocket::open(open) else { panic!("the WebSocket opens for alice") };
    // Looking is being seen, but it is noted once a minute only: too seldom for this session.
    wait_until("the session to be over", Duration::from_secs(75), || jar.get(&format!("{url}/x")).status == 401);
    ends(&mut socket, Duration::from_secs(5));
}
