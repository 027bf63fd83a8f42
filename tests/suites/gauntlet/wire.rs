//! Bytes on the wire: requests inside requests, tunnels, and clients that are slow, long or never done.

use crate::house::{SCENE, scene, signed_in};
use doorward_testkit::http::{Request, get, send_raw};
use doorward_testkit::process::wait_until;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

#[test]
fn gauntlet_b1_22_nothing_is_smuggled() {
    let scene = scene();
    let mut jar = signed_in(&scene, "alice");
    let cookies = jar.header_for(&format!("{}/x", scene.url)).unwrap_or_default();
    let _ = jar.get(&format!("{}/x", scene.url));
    scene.echo.take();
    let inner = "GET /smuggled HTTP/1.1\r\nHost: echo.localhost\r\n\r\n";
    let head = format!("POST /outer HTTP/1.1\r\nHost: echo.localhost\r\nCookie: {cookies}\r\n");
    let attempts = [
        format!("{head}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n"),
        format!("{head}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{inner}"),
        format!("{head}Content-Length: 5\r\nContent-Length: 50\r\n\r\nhello{inner}"),
        format!("{head}Content-Length : 5\r\n\r\nhello{inner}"),
        format!("{head}X: y\r\n folded\r\nContent-Length: 0\r\n\r\n"),
        format!("CONNECT echo.localhost:80 HTTP/1.1\r\nHost: echo.localhost\r\nCookie: {cookies}\r\n\r\n{inner}"),
        format!(
            "GET /up HTTP/1.1\r\nHost: echo.localhost\r\nCookie: {cookies}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n"
        ),
    ];
    for attempt in attempts {
        let mut stream = TcpStream::connect(("127.0.0.1", scene.door.port())).expect("the door listens");
        stream.set_read_timeout(Some(Duration::from_millis(700))).expect("a timeout");
        stream.write_all(attempt.as_bytes()).expect("sent");
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let smuggled = scene
            .echo
            .take()
            .into_iter()
            .any(|seen| seen.path == "/smuggled" && seen.header("remote-user") == Some("alice"));
        assert!(!smuggled, "{attempt}");
    }
    assert_eq!(jar.get(&format!("{}/x", scene.url)).status, 200, "the door still works");
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
fn gauntlet_b16_02_slow_clients_are_cut_off_and_others_do_not_feel_them() {
    let scene = scene();
    let mut slow: Vec<TcpStream> = (0..500)
        .map(|_| {
            let mut stream = TcpStream::connect(("127.0.0.1", scene.door.port())).expect("the door listens");
            stream.write_all(b"GET / HTTP/1.1\r\nHost: doorward.localhost\r\nX-").expect("sent");
            stream
        })
        .collect();
    let begun = Instant::now();
    let mut slowest = Duration::ZERO;
    for _ in 0..50 {
        let asked = Instant::now();
        assert_eq!(get(&format!("{}/public", scene.url)).status, 200);
        slowest = slowest.max(asked.elapsed());
    }
    assert!(slowest < Duration::from_millis(500), "{slowest:?}");
    wait_until("the slow ones to be cut off", Duration::from_secs(60), || {
        slow.retain_mut(|stream| {
            let _ = stream.set_nonblocking(true);
            !matches!(stream.read(&mut [0u8; 256]), Ok(0))
                && !matches!(stream.write(b"a"), Err(error) if error.kind() != std::io::ErrorKind::WouldBlock)
        });
        slow.is_empty()
    });
    println!("cut off after {:.1?}; others waited {slowest:.1?} at most", begun.elapsed());
}

#[test]
fn gauntlet_b16_06_oversized_input_is_refused() {
    let big = "a".repeat(40 * 1024);
    let answer = Request::new("POST", &format!("{}/realms/main/sign-in", SCENE.door.url()))
        .form(&[("login", big.as_str())])
        .send();
    assert_eq!(answer.status, 413);
    let long = Request::new("GET", &format!("{}/{}", SCENE.url, "a".repeat(9000))).send();
    assert_eq!(long.status, 400);
    let many = (0..300).fold(Request::new("GET", &format!("{}/x", SCENE.url)), |request, number| {
        request.header(&format!("X-{number}"), "y")
    });
    assert!(matches!(many.send().status, 400 | 431));
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
