//! A right that is lost ends what rests on it: kept answers and open streams.

use crate::house::{Scene, scene, signed_in};
use doorward_testkit::door::{Door, DoorOptions};
use doorward_testkit::echo::Echo;
use doorward_testkit::http::Request;
use doorward_testkit::jar::Jar;
use doorward_testkit::process::wait_until;
use doorward_testkit::scratch::Scratch;
use doorward_testkit::websocket::{Message, WebSocket};
use doorward_tests::{sign_in_at, user, with_password};
use std::time::{Duration, Instant};

/// A WebSocket to the app at an address, opened with a header that says who asks.
fn open(app: &str, name: &str, value: &str) -> WebSocket {
    let request = Request::new("GET", &format!("{app}/ws")).header(name, value);
    WebSocket::open(request).unwrap_or_else(|answer| panic!("no WebSocket: {}", answer.status))
}

/// The same with a browser's cookies.
fn open_in(jar: &Jar, app: &str) -> WebSocket {
    open(app, "Cookie", &jar.header_for(&format!("{app}/ws")).unwrap_or_default())
}

/// The same, and something was said and heard through it.
fn talking(scene: &Scene, jar: &Jar) -> WebSocket {
    let mut socket = open_in(jar, &scene.url);
    socket.send("hello").expect("sent");
    assert_eq!(socket.receive().ok(), Some(Message::Text("hello".to_owned())));
    socket
}

/// Talks on until the other side ends the WebSocket. Silence is not an end.
fn ends(socket: &mut WebSocket, limit: Duration) {
    let begun = Instant::now();
    while socket.send("still there?").is_ok() && socket.receive().is_ok_and(|message| message != Message::Close) {
        assert!(begun.elapsed() < limit, "the WebSocket lives on");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(begun.elapsed() < limit, "the WebSocket fell silent and lives on");
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
fn gauntlet_b1_23_an_open_websocket_ends_with_its_session() {
    let scene = scene();
    let jar = signed_in(&scene, "alice");
    let mut socket = talking(&scene, &jar);
    let stranger = WebSocket::open(Request::new("GET", &format!("{}/ws", scene.url)));
    assert_eq!(stranger.err().map(|answer| answer.status), Some(401));
    scene.door.cli_text(&["session", "end", "--user", "alice"]);
    let ended = Instant::now();
    ends(&mut socket, Duration::from_secs(5));
    println!("ended after {:.1?}", ended.elapsed());
}

#[test]
fn gauntlet_b1_23_an_open_websocket_ends_when_its_user_leaves_the_group() {
    let scene = scene();
    let jar = signed_in(&scene, "alice");
    let mut socket = talking(&scene, &jar);
    scene.door.cli_text(&["group", "remove-member", "data-engineers", "alice"]);
    ends(&mut socket, Duration::from_secs(5));
}

#[test]
fn gauntlet_b1_23_streams_of_machines_and_of_deleted_apps_end_too() {
    let scene = scene();
    let ends = |mut socket: WebSocket, what: &str| {
        let begun = Instant::now();
        while socket.receive().is_ok_and(|message| message != Message::Close) {
            assert!(begun.elapsed() < Duration::from_secs(5), "{what}: the WebSocket lives on");
        }
    };
    let token = scene.door.cli_text(&["token", "create", "ci", "--app", "echo", "--expires-in", "1d"]);
    let machine = open(&scene.url, "Authorization", &format!("Bearer {}", token.trim()));
    scene.door.cli_text(&["token", "revoke", "ci"]);
    ends(machine, "token revoked");
    let jar = signed_in(&scene, "alice");
    let person = open_in(&jar, &scene.url);
    scene.door.cli_text(&["app", "disallow", "echo", "dagster-users"]);
    ends(person, "rule changed");
    scene.door.cli_text(&["app", "allow", "echo", "dagster-users"]);
    let person = open_in(&jar, &scene.url);
    scene.door.cli_text(&["app", "delete", "echo"]);
    ends(person, "app deleted");
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
    let mut socket = open_in(&jar, &url);
    // Looking is being seen, but it is noted once a minute only: too seldom for this session.
    wait_until("the session to be over", Duration::from_secs(75), || jar.get(&format!("{url}/x")).status == 401);
    ends(&mut socket, Duration::from_secs(5));
}
