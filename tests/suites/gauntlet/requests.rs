//! Paths, methods and headers spelled so that a request is judged as another than it is.

use crate::house::{SCENE, scene};
use doorward_testkit::http::{Request, get};
use doorward_tests::{page_request, sign_in_at};

#[test]
fn gauntlet_b1_05_no_user_agent_opens_a_door() {
    for agent in ["GoogleHC/1.0", "kube-probe/1.30", "ELB-HealthChecker/2.0"] {
        let answer = Request::new("GET", &format!("{}/admin", SCENE.url)).header("User-Agent", agent).send();
        assert_eq!(answer.status, 401, "{agent}");
    }
}

#[test]
fn gauntlet_b1_06_no_spelling_of_a_path_is_judged_looser() {
    for path in [
        "/public/../admin",
        "/public/..%2fadmin",
        "/public/%2e%2e/admin",
        "/public/%252e%252e/admin",
        "//admin",
        "/./admin",
        "/admin/",
        "/%61dmin",
        "/%41DMIN",
        "/public\\..\\admin",
        "/public/..;/admin",
        "/admin;x=1",
        "/;x/admin",
        "/admin?/public",
        "/admin?x=/hooks/a",
        "/hooks/../admin",
        "/hooks/%2e%2e/admin",
        "/PUBLIC",
        "/public/",
        "/hooks;x/y",
        "/admin#/public",
        "/hooks/%61",
        "/hooks/a;x=1",
        "/hooks//a",
    ] {
        let answer = Request::new("GET", &SCENE.url).target(path).send();
        assert!(matches!(answer.status, 400 | 401), "{path}: {}", answer.status);
    }
    assert_eq!(get(&format!("{}/public", SCENE.url)).status, 200);
    assert_eq!(get(&format!("{}/hooks/a/b?x=1", SCENE.url)).status, 200);
}

#[test]
fn gauntlet_b1_06_b1_27_two_apps_at_one_host_keep_apart() {
    let scene = scene();
    let host = scene.door.url_as("tools.localhost");
    let (open, secret) = (format!("{host}/open"), format!("{host}/secret"));
    let upstream = scene.echo.url();
    scene.door.cli_text(&["app", "create", "open", "--address", &host, "--upstream", &upstream, "--everyone"]);
    scene.door.cli_text(&[
        "app",
        "create",
        "secret",
        "--address",
        &secret,
        "--upstream",
        &upstream,
        "--allow",
        "dagster-users",
    ]);
    let (mut jar, answer, _) = sign_in_at(&open, "alice");
    assert_eq!(answer.status, 200);
    let hops = jar.follow(page_request(&format!("{secret}/x")));
    assert_eq!(hops.last().map(|hop| hop.answer.status), Some(200), "one sign-in for both");
    assert_eq!(jar.get(&open).status, 200, "entering one app does not leave the other");
    assert_eq!(jar.get(&format!("{secret}/x")).status, 200);
    let (bob, answer, _) = sign_in_at(&open, "bob");
    assert_eq!(answer.status, 200);
    let cookies = bob.header_for(&open).unwrap_or_default();
    for path in ["/secret/x", "/%73ecret/x", "//secret/x", "/;a/secret/x", "/secret;a=b/x", "/SECRET/x", "/%53ecret/x"]
    {
        let answer = Request::new("GET", &host).target(path).header("Cookie", &cookies).send();
        assert!(matches!(answer.status, 400 | 401 | 403), "{path}: {}", answer.status);
    }
}

#[test]
fn gauntlet_b1_21_methods_are_judged_as_sent() {
    for method in ["OPTIONS", "HEAD", "DELETE", "PATCH"] {
        let answer = Request::new(method, &format!("{}/admin", SCENE.url)).header("Remote-User", "root").send();
        assert_eq!(answer.status, 401, "{method}");
    }
    let answer =
        Request::new("GET", &format!("{}/admin", SCENE.url)).header("X-HTTP-Method-Override", "OPTIONS").send();
    assert_eq!(answer.status, 401);
}
