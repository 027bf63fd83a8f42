//! Bytes on the wire: requests inside requests, tunnels, and clients that are slow, long or never done.

use crate::house::{SCENE, pass_of, scene, sign_in_page, signed_in};
use doorward_testkit::http::{Request, get, send_raw};
use doorward_testkit::jar::Jar;
use doorward_testkit::process::wait_until;
use doorward_tests::page_request;
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

#[test]
fn gauntlet_b10_02_many_and_large_cookies_cost_nothing_and_open_nothing() {
    let scene = scene();
    let jar = signed_in(&scene, "alice");
    let good = jar.header_for(&scene.url).unwrap_or_default();
    let (name, pass) = pass_of(&jar, &scene.url);
    let own = sign_in_page(&scene.door);
    let chunks: Vec<String> = (0..100).map(|number| format!("{name}_{number}={}", "A".repeat(60))).collect();
    let copies: Vec<String> = (0..100).map(|_| format!("{name}=dwp_{}", "A".repeat(43))).collect();
    let sessions: Vec<String> =
        (0..100).map(|number| format!("doorward_session_{number}=dws_{}", "A".repeat(43))).collect();
    let big = format!("{name}={}", "A".repeat(64 * 1024));
    let split: String = pass.chars().map(String::from).collect::<Vec<_>>().join(&format!("; {name}_1="));
    let ask = |url: &str, cookies: &str| Request::new("GET", url).header("Cookie", cookies).send().status;
    let hostile =
        [chunks.join("; "), copies.join("; "), sessions.join("; "), big, split, format!("{};", "x=y; ".repeat(3000))];
    for cookies in &hostile {
        assert!(matches!(ask(&format!("{}/x", scene.url), cookies), 400 | 401 | 431), "{cookies:.40}");
        assert!(matches!(ask(&own, cookies), 200 | 400 | 431), "{cookies:.40}");
        assert!(ask(&format!("{}/realms/main/account", scene.door.url()), cookies) != 200, "{cookies:.40}");
    }
    // What is as large as browsers send is read, and what is ours is found among it.
    assert_eq!(ask(&format!("{}/x", scene.url), &format!("{}; {good}", chunks.join("; "))), 200);
    let before = scene.door.process.resident_kib();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for cookies in hostile.iter().cycle().take(48) {
                    let _ = Request::new("GET", &format!("{}/x", scene.url)).header("Cookie", cookies).try_send();
                }
            });
        }
    });
    let grown = scene.door.process.resident_kib().saturating_sub(before);
    println!("384 requests with up to 64 KiB of cookies: {grown} KiB more in memory");
    assert!(grown < 24 * 1024, "{grown} KiB");
    assert_eq!(ask(&format!("{}/x", scene.url), &good), 200, "and everybody else is served");
    // However many sign-ins a browser begins, it keeps two cookies for them: one of ours, one of the app's host.
    let mut browser = Jar::new();
    for number in 0..40 {
        browser.follow(page_request(&format!("{}/page/{number}", scene.url)));
    }
    let names: Vec<&str> = browser.cookies.iter().map(|cookie| cookie.name.as_str()).collect();
    assert!(names.len() <= 2, "{names:?}");
}
