//! What reaches the tool: who came, in our words alone, and no credential of ours.

use crate::house::{scene, signed_in};
use doorward_testkit::http::{Request, send_raw};

#[test]
fn gauntlet_b1_09_b1_10_b1_11_b1_12_the_tool_is_told_by_us_alone() {
    let scene = scene();
    let mut jar = signed_in(&scene, "alice");
    let url = format!("{}/seen", scene.url);
    let request = Request::new("GET", &url)
        .header("X_Auth_Request_User", "root")
        .header("x-auth_request-user", "root")
        .header("X.Authentik.Username", "root")
        .header("X-WebAuth-USER", "root")
        .header("Remote-Groups", "admins")
        .header("Remote-User", "root")
        .header("Remote-User", "root")
        .header("Connection", "keep-alive, Remote-User, x-forwarded-for, X-Forwarded-User");
    assert_eq!(jar.send(request).status, 200);
    let seen = scene.echo.last();
    assert_eq!(seen.header("remote-user"), Some("alice"), "{:?}", seen.headers);
    assert!(seen.header("x-forwarded-for").is_some(), "{:?}", seen.headers);
    assert!(
        seen.headers.iter().all(|(_, value)| !value.contains("root") && !value.contains("admins")),
        "{:?}",
        seen.headers
    );
    // Our own cookies and tokens stay with us; the tool's own arrive.
    let request =
        Request::new("GET", &url).header("Cookie", format!("{}; theirs=1", jar.header_for(&url).unwrap_or_default()));
    assert_eq!(request.send().status, 200);
    assert_eq!(scene.echo.last().header("cookie"), Some("theirs=1"));
    // On a public path nobody is told to be nobody.
    let public = Request::new("GET", &format!("{}/public", scene.url)).header("Remote-User", "root").send();
    assert_eq!(public.status, 200);
    assert_eq!(scene.echo.last().header("remote-user").unwrap_or_default(), "");
    let cookies = jar.header_for(&url).unwrap_or_default();
    let two = format!("GET /x HTTP/1.1\r\nHost: echo.localhost\r\nCookie: {cookies}\r\nConnection: close\r\n");
    for extra in ["Host: echo.localhost\r\n", "Authorization: Basic YTpi\r\nAuthorization: Basic YTpj\r\n"] {
        let answer = send_raw(scene.door.port(), format!("{two}{extra}\r\n").as_bytes());
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.starts_with("HTTP/1.1 400"), "{extra:?}: {answer}");
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
fn gauntlet_b1_24_our_tokens_never_reach_a_tool() {
    let scene = scene();
    let token = scene.door.cli_text(&["token", "create", "ci", "--app", "echo", "--expires-in", "1d"]);
    for value in [
        format!("Bearer {}", token.trim()),
        format!("bearer   {}  ", token.trim()),
        format!("BEARER\t{}", token.trim()),
    ] {
        let answer = Request::new("GET", &format!("{}/x", scene.url)).header("Authorization", &value).send();
        assert_eq!(answer.status, 200, "{value:?}");
        let seen = scene.echo.last();
        assert!(seen.headers.iter().all(|(_, value)| !value.contains("dwa_")), "{:?}", seen.headers);
    }
}
