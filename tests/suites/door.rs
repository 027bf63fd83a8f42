//! The main job, end to end: a real Dagster behind every proxy, a real browser in front. Each proxy runs
//! exactly the configuration that `doorward recipe` prints.
#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use doorward_testkit::door::{Door, DoorOptions};
use doorward_testkit::echo::Echo;
use doorward_testkit::http::Request;
use doorward_testkit::limits::BROWSER_WAIT;
use doorward_testkit::peers::{Dagster, Postgres};
use doorward_testkit::process::wait_until;
use doorward_testkit::webdriver::Browser;
use doorward_tests::behind::{Behind, Through, put_behind};
use doorward_tests::{PASSWORD, door, nested_groups, page_request, sign_in_at, user, with_password};
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, Instant};

/// Dagster takes seconds to start: one serves all tests of this suite, which only read from it.
static DAGSTER: LazyLock<Dagster> = LazyLock::new(Dagster::start);
/// Chromium is heavy: one at a time.
static BROWSER: Mutex<()> = Mutex::new(());

fn people(door: &Door) {
    nested_groups(door);
    for name in ["alice", "bob"] {
        user(door, name);
    }
    door.cli_text(&["group", "add-member", "data-engineers", "alice"]);
}

fn type_in(browser: &Browser, name: &str) {
    browser.wait_for("input[name=login]", BROWSER_WAIT);
    browser.fill("input[name=login]", name);
    browser.fill("input[name=password]", PASSWORD);
    browser.press_on("main form button");
}

/// The whole story through one proxy.
fn the_main_job(through: Through) {
    let door = door();
    people(&door);
    let dagster = put_behind(&door, through, &format!("dagster-{}", through.name()), DAGSTER.port());
    machines_get_a_status(&dagster);
    alice_lands_on_her_deep_link(&dagster);
    bob_sees_what_is_missing(&dagster);
    let echo = Echo::start();
    let behind = put_behind(&door, through, &format!("echo-{}", through.name()), echo.port());
    forged_headers_never_arrive(&behind, &echo);
    a_disabled_user_is_out_at_once(&door, &behind);
}

fn machines_get_a_status(dagster: &Behind) {
    let url = format!("{}/graphql", dagster.url);
    let call = Request::new("POST", &url).header("Accept", "application/json").body("{}");
    let answer = call.send();
    assert_eq!(answer.status, 401, "{}", answer.text());
    assert!(answer.header("www-authenticate").is_some(), "{:?}", answer.headers);
    assert!(answer.header("location").is_none());
}

fn alice_lands_on_her_deep_link(dagster: &Behind) {
    let _alone = BROWSER.lock();
    let browser = Browser::start();
    let deep = format!("{}/runs?view=all&q=x%2Fy", dagster.url);
    browser.goto(&deep);
    type_in(&browser, "alice");
    browser.wait_until_js(&format!("return location.hostname === '{}'", dagster.host), BROWSER_WAIT);
    let first = browser.responses().into_iter().rfind(|answer| answer.media_type == "text/html");
    assert_eq!(first.map(|answer| answer.url), Some(deep), "the first page of the tool is the deep link");
    wait_until("GraphQL answers with data", BROWSER_WAIT, || {
        browser.responses().iter().any(|answer| {
            answer.url.contains("/graphql")
                && answer.status == 200
                && browser.response_body(answer).is_some_and(|body| body.contains("\"data\""))
        })
    });
    wait_until("frames on the WebSocket", BROWSER_WAIT, || {
        browser.websockets().iter().any(|url| url.contains("/graphql"))
            && browser.websocket_frames().iter().any(|frame| !frame.is_sent)
    });
}

fn bob_sees_what_is_missing(dagster: &Behind) {
    let _alone = BROWSER.lock();
    let browser = Browser::start();
    browser.goto(&format!("{}/assets", dagster.url));
    type_in(&browser, "bob");
    browser.wait_for_text("dagster-users");
    assert!(browser.page_text().contains("Ask the platform team"), "{}", browser.page_text());
    // The app's own address says the same, not a loop: bob has a session and no pass.
    let (mut jar, answer, _) = sign_in_at(&format!("{}/assets", dagster.url), "bob");
    assert_eq!(answer.status, 403, "{}", answer.text());
    let again = jar.follow(page_request(&format!("{}/assets", dagster.url)));
    assert_eq!(again.last().map(|hop| hop.answer.status), Some(403));
}

fn forged_headers_never_arrive(behind: &Behind, echo: &Echo) {
    let (mut jar, answer, _) = sign_in_at(&format!("{}/first", behind.url), "alice");
    assert_eq!(answer.status, 200, "{}", answer.text());
    echo.take();
    let forged = [
        ("Remote-User", "root"),
        ("remote-groups", "admins"),
        ("X-Forwarded-User", "root"),
        ("X-Forwarded-Groups", "admins"),
        ("X-Authentik-Username", "root"),
        ("X-Auth-Request-User", "root"),
        ("X-WEBAUTH-USER", "root"),
        ("kubeflow-userid", "root"),
        ("Remote_User", "root"),
        ("REMOTE_GROUPS", "admins"),
        ("X_Forwarded_User", "root"),
        ("X-Forwarded_User", "root"),
        ("Remote.User", "root"),
        ("X.Forwarded.User", "root"),
        ("Remote-User", "root-again"),
        ("Connection", "close, remote-user, x-forwarded-user"),
    ];
    let request = forged.iter().fold(Request::new("GET", &format!("{}/seen", behind.url)), |request, (name, value)| {
        request.header(name, value)
    });
    assert_eq!(jar.send(request).status, 200);
    let seen = echo.last();
    let told = |name: &str| seen.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).count();
    assert_eq!(told("remote-user"), 1, "{:?}", seen.headers);
    assert_eq!(seen.header("remote-user"), Some("alice"));
    assert_eq!(seen.header("x-forwarded-user"), Some("alice"));
    assert_eq!(seen.header("remote-groups"), Some("dagster-users,data-engineers"));
    for (name, value) in &seen.headers {
        assert!(!value.contains("root") && !value.contains("admins"), "{name}: {value} arrived");
    }
}

fn a_disabled_user_is_out_at_once(door: &Door, behind: &Behind) {
    let (mut jar, answer, _) = sign_in_at(&format!("{}/in", behind.url), "alice");
    assert_eq!(answer.status, 200);
    door.cli_text(&["user", "disable", "alice"]);
    let answer = jar.get(&format!("{}/after", behind.url));
    assert_eq!(answer.status, 401, "the very next request: {}", answer.text());
    door.cli_text(&["user", "enable", "alice"]);
    assert_eq!(jar.get(&format!("{}/still", behind.url)).status, 401, "sessions do not come back");
}

#[test]
fn a_real_dagster_behind_nginx() {
    the_main_job(Through::Proxy("nginx"));
}

#[test]
fn a_real_dagster_behind_traefik() {
    the_main_job(Through::Proxy("traefik"));
}

#[test]
fn a_real_dagster_behind_caddy() {
    the_main_job(Through::Proxy("caddy"));
}

#[test]
fn a_real_dagster_behind_haproxy() {
    the_main_job(Through::Proxy("haproxy"));
}

#[test]
fn a_real_dagster_behind_envoy_over_http() {
    the_main_job(Through::Proxy("envoy"));
}

#[test]
fn a_real_dagster_behind_envoy_over_grpc() {
    the_main_job(Through::Proxy("envoy-grpc"));
}

#[test]
fn a_real_dagster_behind_the_built_in_proxy() {
    the_main_job(Through::BuiltIn);
}

#[test]
fn one_command_puts_a_real_dagster_behind_the_door() {
    let mut options = with_password(DoorOptions::up());
    let upstream = format!("dagster=http://127.0.0.1:{}", DAGSTER.port());
    options.arguments = ["--protect", &upstream, "--allow", "dagster-users"].map(str::to_owned).to_vec();
    let door = Door::start(options);
    user(&door, "alice");
    door.cli_text(&["group", "add-member", "dagster-users", "alice"]);
    let url = door.url_as("dagster.localhost");
    let (_, answer, at) = sign_in_at(&format!("{url}/runs?x=1"), "alice");
    assert_eq!((answer.status, at.as_str()), (200, format!("{url}/runs?x=1").as_str()));
    assert!(answer.text().contains("Dagster"));
}

#[test]
fn two_nodes_on_one_postgres_see_a_disabled_user_within_a_quarter_of_a_second() {
    let server = Postgres::start();
    let database = server.create_database("doorward");
    let master = "0f".repeat(32);
    let node = || {
        let mut options = with_password(DoorOptions::serve());
        options.database = Some(database.clone());
        options.environment.push(("DOORWARD_MASTER_KEY".to_owned(), master.clone()));
        options
    };
    let first = Door::start(node());
    let second = Door::start(DoorOptions { public_url: Some(first.url()), ..node() });
    let echo = Echo::start();
    nested_groups(&first);
    let upstream = echo.url();
    let url = first.url_as("echo.localhost");
    first.cli_text(&["app", "create", "echo", "--address", &url, "--upstream", &upstream, "--allow", "dagster-users"]);
    let mut slowest = Duration::ZERO;
    for round in 0..10 {
        let name = format!("user{round}");
        user(&first, &name);
        first.cli_text(&["group", "add-member", "data-engineers", &name]);
        let (mut jar, answer, _) = sign_in_at(&format!("{url}/x"), &name);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let mut ask = |port: u16| jar.send(Request::new("GET", &format!("{url}/x")).via_port(port)).status;
        assert_eq!(ask(second.port()), 200, "the other node knows the pass");
        first.cli_text(&["user", "disable", &name]);
        let disabled = Instant::now();
        assert_eq!(ask(first.port()), 401, "the very next check on the same machine's node");
        wait_until("the other node to refuse", Duration::from_secs(5), || ask(second.port()) == 401);
        slowest = slowest.max(disabled.elapsed());
    }
    println!("slowest revocation on the other node: {slowest:.1?}");
    assert!(slowest <= Duration::from_millis(250), "{slowest:?}");
}
