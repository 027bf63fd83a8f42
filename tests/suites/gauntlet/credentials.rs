//! Passes that are malformed or another app's, and the key of all that is sealed.

use crate::house::{SCENE, pass_of, scene, signed_in};
use doorward_testkit::http::Request;
use doorward_tests::{door, user};
use std::os::unix::fs::PermissionsExt as _;

#[test]
fn gauntlet_b1_14_b3_07_no_malformed_credential_passes() {
    let mut jar = signed_in(&SCENE, "alice");
    let url = format!("{}/x", SCENE.url);
    assert_eq!(jar.get(&url).status, 200);
    let (name, good) = pass_of(&jar, &url);
    let mut bad =
        vec![String::new(), "x".to_owned(), "A".repeat(8192), "{\"user\":\"root\"}".to_owned(), format!("{good}=")];
    bad.extend((0..good.len()).map(|length| good[..length].to_owned()));
    bad.push(good.to_uppercase());
    bad.push(format!("{}{}", &good[..good.len() - 1], if good.ends_with('A') { 'B' } else { 'A' }));
    for value in bad {
        let answer = Request::new("GET", &url).header("Cookie", format!("{name}={value}")).send();
        assert!(matches!(answer.status, 400 | 401 | 431), "{value:.60}: {}", answer.status);
    }
    let session = jar.find(&SCENE.door.url(), "doorward_session").expect("a session").value.clone();
    let answer = Request::new("GET", &url).header("Cookie", format!("{name}={session}")).send();
    assert_eq!(answer.status, 401, "a session is not a pass");
}

#[test]
fn gauntlet_b10_06_a_pass_of_one_app_opens_no_other() {
    let scene = scene();
    let other = scene.door.url_as("other.localhost");
    scene.door.cli_text(&[
        "app",
        "create",
        "other",
        "--address",
        &other,
        "--upstream",
        &scene.echo.url(),
        "--everyone",
    ]);
    let jar = signed_in(&scene, "alice");
    let cookies = jar.header_for(&format!("{}/x", scene.url)).unwrap_or_default();
    let stolen = Request::new("GET", &format!("{other}/x")).header("Cookie", cookies).send();
    assert_eq!(stolen.status, 401);
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
