//! What browsers are told about pages and cookies, and what pages never repeat as markup.

use crate::house::{SCENE, attempt, sign_in_page, signed_in};
use doorward_testkit::door::{Door, DoorOptions};
use doorward_testkit::http::{Answer, Request, get, percent};
use doorward_testkit::jar::Jar;
use doorward_tests::{page_request, with_password};

#[test]
fn gauntlet_b10_05_cookies_and_pages_keep_to_themselves() {
    let mut jar = Jar::new();
    let hops = jar.follow(page_request(&format!("{}/x", SCENE.url)));
    for hop in &hops {
        for cookie in hop.answer.headers_named("set-cookie") {
            assert!(
                cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/"),
                "{cookie}"
            );
            assert!(!cookie.contains("Domain="), "{cookie}");
        }
        assert_eq!(hop.answer.header("cache-control"), Some("no-store"), "{}", hop.url);
    }
    let page = &hops.last().expect("a page").answer;
    let policy = page.header("content-security-policy").unwrap_or_default().to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("script-src"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    // Over TLS every cookie is bound to its host by name and travels encrypted only.
    let mut options = with_password(DoorOptions::serve());
    options.public_url = Some("https://login.example.test".to_owned());
    let door = Door::start(options);
    let answer = Request::new("GET", "http://login.example.test/realms/main/sign-in").via_port(door.port()).send();
    let cookie = answer.header("set-cookie").unwrap_or_default().to_owned();
    assert!(cookie.starts_with("__Host-") && cookie.contains("; Secure"), "{cookie}");
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
fn gauntlet_b14_01_nothing_reflected_becomes_markup() {
    let hostile = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'{{7*7}}";
    let door = SCENE.door.url();
    let mut pages: Vec<Answer> = [
        format!("{door}/realms/main/sign-in?flow={}", percent(hostile)),
        format!("{door}/realms/{}/sign-in", percent(hostile)),
        format!("{door}/setup?token={}", percent(hostile)),
        format!("{door}/enter?app={0}&back={0}&binding={0}&via={0}", percent(hostile)),
        format!("{door}/{}", percent(hostile)),
        format!("{}/.doorward/enter?ticket={}", SCENE.url, percent(hostile)),
        format!("{door}/realms/main/signed-out?x={}", percent(hostile)),
    ]
    .iter()
    .map(|url| page_request(url).send())
    .collect();
    pages.push(attempt(&mut Jar::new(), &SCENE.door, &sign_in_page(&SCENE.door), (hostile, "x")));
    for page in pages {
        let text = page.text();
        assert!(!text.contains("<script") && !text.contains("<img src=x"), "{text}");
    }
}
