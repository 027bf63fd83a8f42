//! Things that break: the process killed in the middle of writing, the database taken away during requests,
//! and input that cannot be used. Each gives one clear sentence, a documented status, and loses nothing.
#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "faults/disk.rs"]
mod disk;
#[path = "faults/house.rs"]
mod house;
#[path = "faults/partition.rs"]
mod partition;
#[path = "faults/standby.rs"]
mod standby;

use doorward_testkit::door::{Door, DoorOptions};
use doorward_testkit::echo::Echo;
use doorward_testkit::http::{Address, Answer, Request, get};
use doorward_testkit::jar::Jar;
use doorward_testkit::peers::Postgres;
use doorward_testkit::process::wait_until;
use doorward_testkit::tools;
use doorward_tests::{PASSWORD, action, door, field, page_request, sign_in_at, user, with_password};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Signs in on the door's own host; the cookies when the answer arrived whole.
fn try_sign_in(door_url: &str, name: &str) -> Option<Jar> {
    let mut jar = Jar::new();
    let url = format!("{door_url}/realms/main/sign-in");
    let page = try_send(&mut jar, page_request(&url))?;
    let html = page.text();
    if page.status != 200 {
        return None;
    }
    let (flow, csrf) = (field(&html, "flow"), field(&html, "csrf"));
    let target = Address::parse(&url).join(&action(&html));
    let form = [("login", name), ("password", PASSWORD), ("flow", flow.as_str()), ("csrf", csrf.as_str())];
    let answer = try_send(&mut jar, Request::new("POST", &target).form(&form))?;
    (answer.status == 303).then_some(jar)
}

fn try_send(jar: &mut Jar, request: Request) -> Option<Answer> {
    let url = request.url();
    let request = match jar.header_for(&url) {
        Some(cookies) => request.header("Cookie", cookies),
        None => request,
    };
    let answer = request.within(Duration::from_secs(5)).try_send().ok()?;
    jar.store(&url, &answer);
    Some(answer)
}

#[test]
fn gauntlet_b18_04_killed_fifty_times_while_writing_it_keeps_every_acknowledged_session() {
    let mut door = door();
    user(&door, "alice");
    let url = door.url();
    let mut acknowledged: Vec<Jar> = Vec::new();
    let begun = Instant::now();
    for round in 0..50 {
        let (over, count) = (AtomicBool::new(false), AtomicUsize::new(0));
        let fresh: Vec<Jar> = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..3)
                .map(|_| {
                    scope.spawn(|| {
                        let mut jars = Vec::new();
                        while !over.load(Ordering::Relaxed) {
                            jars.extend(try_sign_in(&url, "alice"));
                            count.store(jars.len(), Ordering::Relaxed);
                        }
                        jars
                    })
                })
                .collect();
            let patience = Instant::now();
            while count.load(Ordering::Relaxed) == 0 && patience.elapsed() < Duration::from_secs(20) {
                std::thread::sleep(Duration::from_millis(2));
            }
            // Never at the same point of the next write.
            std::thread::sleep(Duration::from_millis(7 * (round % 13)));
            door.kill9();
            over.store(true, Ordering::Relaxed);
            writers.into_iter().flat_map(|writer| writer.join().expect("a writer")).collect()
        });
        acknowledged.extend(fresh);
        door.restart();
    }
    assert!(acknowledged.len() >= 50, "only {} sign-ins were acknowledged", acknowledged.len());
    let lost = acknowledged
        .iter_mut()
        .filter_map(|jar| try_send(jar, page_request(&format!("{url}/realms/main/account"))))
        .filter(|answer| answer.status != 200)
        .count();
    println!("{} acknowledged sign-ins over 50 kills in {:.0?}", acknowledged.len(), begun.elapsed());
    assert_eq!(lost, 0, "of {} acknowledged sessions", acknowledged.len());
    door.stop();
    let file = door.scratch().join("data/doorward.db");
    let check = Command::new(tools::debian_program("sqlite3"))
        .arg(&file)
        .arg("PRAGMA integrity_check; PRAGMA foreign_key_check;")
        .output();
    let told = String::from_utf8_lossy(&check.expect("sqlite3 runs").stdout).trim().to_owned();
    assert_eq!(told, "ok");
}

#[test]
fn sessions_and_passes_survive_a_restart() {
    let mut door = door();
    user(&door, "alice");
    let echo = Echo::start();
    let url = door.url_as("echo.localhost");
    door.cli_text(&["app", "create", "echo", "--address", &url, "--upstream", &echo.url(), "--everyone"]);
    let (mut jar, answer, _) = sign_in_at(&format!("{url}/x"), "alice");
    assert_eq!(answer.status, 200);
    door.restart();
    assert_eq!(jar.get(&format!("{url}/x")).status, 200);
    assert_eq!(jar.send(page_request(&door.url())).status, 200);
}

#[test]
fn gauntlet_b18_04_a_lost_database_is_503_and_comes_back_without_a_restart() {
    let mut server = Postgres::start();
    let mut options = with_password(DoorOptions::serve());
    options.database = Some(server.create_database("doorward"));
    let door = Door::start(options);
    user(&door, "alice");
    let echo = Echo::start();
    let url = door.url_as("echo.localhost");
    door.cli_text(&["app", "create", "echo", "--address", &url, "--upstream", &echo.url(), "--everyone"]);
    let (mut jar, answer, _) = sign_in_at(&format!("{url}/x"), "alice");
    assert_eq!(answer.status, 200);
    server.kill9();
    assert_eq!(jar.get(&format!("{url}/known")).status, 200, "a known pass goes on for the grace period");
    // The form itself rests on nothing that could have changed meanwhile; who is signed in does.
    assert_eq!(page_request(&format!("{}/realms/main/sign-in", door.url())).send().status, 200);
    let account = format!("{}/realms/main/account", door.url());
    let page = jar.send(page_request(&account).within(Duration::from_secs(20)));
    assert_eq!(page.status, 503, "{}", page.text());
    assert!(page.header("retry-after").is_some());
    assert!(page.text().contains("cannot reach its database"), "{}", page.text());
    assert!(!page.text().to_lowercase().contains("postgres"), "no internals on a page");
    let cookies = jar.header_for(&url).unwrap_or_default();
    let name = cookies.split(['=', ' ', ';']).find(|word| word.starts_with("doorward_pass_")).expect("a pass");
    let unknown = format!("{name}=dwp_{}", "a".repeat(43));
    let call = Request::new("GET", &format!("{url}/x")).header("Cookie", unknown).within(Duration::from_secs(20));
    assert_eq!(call.send().status, 503, "what cannot be decided is never passed");
    wait_until("not ready", Duration::from_secs(10), || {
        get(&format!("{}/readyz", door.operations_url())).status == 503
    });
    assert_eq!(get(&format!("{}/healthz", door.operations_url())).status, 200, "alive all the while");
    server.start_again();
    wait_until("ready again", Duration::from_secs(15), || {
        get(&format!("{}/readyz", door.operations_url())).status == 200
    });
    let (_, answer, _) = sign_in_at(&format!("{url}/x"), "alice");
    assert_eq!(answer.status, 200, "signing in works again");
    assert_eq!(jar.get(&format!("{url}/known")).status, 200);
}

#[test]
fn gauntlet_b1_15_without_its_key_the_door_does_not_open() {
    let mut door = door();
    door.stop();
    let key = door.scratch().join("data/master.key");
    let kept = std::fs::read(&key).expect("the key of the first start");
    std::fs::write(&key, "f".repeat(64)).expect("another key");
    let output = door.cli(&["user", "list"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("master key"), "{said}");
    std::fs::write(&key, kept).expect("the right key");
    assert!(door.cli(&["user", "list"]).status.success());
}
