//! The disk is full. What cannot be written is not said to be done, and with room again all goes on.

use crate::house::{endpoint, machine, node, says_later, try_sign_in, word};
use doorward_testkit::door::{Door, DoorOptions};
use doorward_testkit::echo::Echo;
use doorward_testkit::http::{Answer, Request};
use doorward_testkit::jar::Jar;
use doorward_testkit::peers::Postgres;
use doorward_testkit::process::{holds_within, wait_until};
use doorward_testkit::scratch::Scratch;
use doorward_testkit::tools;
use doorward_tests::{page_request, sign_in_at, user, with_password};
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(30);

/// A file system of a few megabytes in memory. It goes when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts one of so many megabytes at a folder; nothing where this user may not.
    fn at(folder: &Path, size: u32) -> Option<SmallDisk> {
        std::fs::create_dir_all(folder).expect("the folder can be made");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}m,mode=700"), "tmpfs"]).arg(folder);
        mount.output().ok().filter(|told| told.status.success()).map(|_| SmallDisk(folder.to_owned()))
    }

    /// Takes all the room there is.
    fn fill(&self) {
        let mut file = File::create(self.0.join("filler")).expect("a first byte");
        for size in [65536, 4096, 1] {
            let block = vec![0u8; size];
            while file.write_all(&block).is_ok() {}
        }
    }

    fn make_room(&self) {
        if let Err(error) = std::fs::remove_file(self.0.join("filler")) {
            assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}");
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn gauntlet_b18_04_a_full_disk_loses_nothing_and_opens_nothing() {
    let scratch = Scratch::new("small");
    let Some(disk) = SmallDisk::at(&scratch.join("data"), 24) else { return not_shown() };
    let mut door = Door::start_in(scratch, with_password(DoorOptions::serve()));
    fill_and_make_room(&mut door, &disk, || {});
    door.stop();
    let check = Command::new(tools::debian_program("sqlite3"))
        .arg(door.scratch().join("data/doorward.db"))
        .arg("PRAGMA integrity_check; PRAGMA foreign_key_check;")
        .output();
    assert_eq!(String::from_utf8_lossy(&check.expect("sqlite3 runs").stdout).trim(), "ok");
    drop(door);
    drop(disk);
}

#[test]
fn gauntlet_b18_04_a_full_disk_of_a_servers_loses_nothing_and_opens_nothing() {
    let mut disk = None;
    let mut server = Postgres::start_on(|data| disk = SmallDisk::at(data, 120));
    let Some(disk) = disk else { return not_shown() };
    let (scratch, options) = node(&server.create_database("doorward"));
    let mut door = Door::start_in(scratch, options);
    fill_and_make_room(&mut door, &disk, || {
        // Its log ends too, which it does not survive; whoever runs it starts it again when there is room.
        let _ = server.try_query("postgres", "SELECT pg_switch_wal()");
        let _ = server.try_query("postgres", "SELECT pg_switch_wal()");
        disk.make_room();
        if !holds_within(SOON, || server.try_query("postgres", "SELECT 1").is_ok()) || !server.is_running() {
            server.start_again();
        }
    });
    drop(door);
    server.stop();
    drop(disk);
}

fn not_shown() {
    println!("not shown: this user may not mount a small file system");
}

/// What people, programs and commands get on the full disk, and when there is room again; `worse` is what else happens
/// in between.
fn fill_and_make_room(door: &mut Door, disk: &SmallDisk, worse: impl FnOnce()) {
    user(door, "alice");
    user(door, "bob");
    let secret = machine(door, "ci", &["--service"]);
    let echo = Echo::start();
    let app = door.url_as("echo.localhost");
    door.cli_text(&["app", "create", "echo", "--address", &app, "--upstream", &echo.url(), "--everyone"]);
    let (mut known, _, _) = sign_in_at(&format!("{app}/x"), "bob");
    let post = |path: &str, form: &[(&str, &str)]| {
        let proof = [("client_id", "ci"), ("client_secret", secret.as_str())];
        Request::new("POST", &endpoint(door, path)).form(&[form, &proof[..]].concat()).send()
    };
    let token = word(&post("token", &[("grant_type", "client_credentials")]), "access_token");
    let is_active = |answer: &Answer| answer.text().contains("\"active\":true");

    disk.fill();
    // What the log still has room for is written, and stays.
    let mut acknowledged: Vec<Jar> = Vec::new();
    wait_until("a write to be refused", SOON, || {
        let (answer, jar) = try_sign_in(&door.url(), door.port(), "alice").expect("an answer");
        let is_done = answer.status == 303;
        assert!(is_done || says_later(&answer), "{} {}", answer.status, answer.text());
        acknowledged.extend(is_done.then_some(jar));
        !is_done
    });
    let given_back = post("revoke", &[("token", &token)]);
    assert!(says_later(&given_back), "{} {}", given_back.status, given_back.text());
    assert!(is_active(&post("token/introspect", &[("token", &token)])), "and it was not promised");
    let refused = door.cli(&["user", "disable", "bob"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(5), "{said}");
    assert_eq!(known.get(&format!("{app}/x")).status, 200, "who is known needs no write");
    let made_up =
        Request::new("GET", &format!("{app}/x")).header("Cookie", format!("doorward_pass_x=dwp_{}", "a".repeat(43)));
    assert_eq!(made_up.send().status, 401, "who is not does not pass");

    worse();
    disk.make_room();
    let signs_in = || try_sign_in(&door.url(), door.port(), "alice").is_ok_and(|(answer, _)| answer.status == 303);
    assert!(holds_within(SOON, signs_in), "nobody can sign in again");
    assert_eq!(post("revoke", &[("token", &token)]).status, 200);
    assert!(!is_active(&post("token/introspect", &[("token", &token)])));
    door.cli_text(&["user", "disable", "bob"]);
    assert_eq!(known.get(&format!("{app}/x")).status, 401);
    println!("{} sign-ins were acknowledged on the full disk", acknowledged.len());
    door.restart();
    let account = format!("{}/realms/main/account", door.url());
    assert!(acknowledged.iter_mut().all(|jar| jar.send(page_request(&account)).status == 200));
}
