//! Links and redirects: where a browser is sent, and from whose words.

use crate::house::SCENE;
use doorward_testkit::http::{Request, percent};
use doorward_testkit::jar::Jar;
use doorward_tests::page_request;

#[test]
fn gauntlet_b2_01_b2_02_b2_03_return_targets_stay_on_the_app() {
    for wanted in [
        "//evil",
        "/\\evil",
        "/\t/evil",
        "\\\\evil",
        "http:evil",
        "http:///evil",
        "https://evil/",
        "https://echo.localhost@evil/",
        "https://evil\\@echo.localhost",
        "https://echo.localhost.evil.tld/",
        "https://badecho.localhost/",
        "javascript:alert(1)",
        "/%2fevil",
        "/%5cevil",
        "/./\\evil",
        "\u{feff}/x",
        "/x#y",
    ] {
        for path in ["/.doorward/start", "/oauth2/start", "/outpost.goauthentik.io/start"] {
            let mut jar = Jar::new();
            let hop = jar.send(page_request(&format!("{}{path}?rd={}", SCENE.url, percent(wanted))));
            let location = hop.location().to_owned();
            assert!(location.starts_with(&format!("{}/enter?", SCENE.door.url())), "{wanted:?}: {location}");
            let back =
                location.split("back=").nth(1).and_then(|rest| rest.split('&').next()).unwrap_or_default().to_owned();
            assert_eq!(back, percent(&format!("{}/", SCENE.url)), "{wanted:?}");
        }
    }
    let page = page_request(&format!("{}/oauth2/sign_in?rd=https%3A%2F%2Fevil%2F", SCENE.url)).send();
    assert!((page.status == 200) && !page.text().contains("evil"), "{}", page.text());
    // A forged link to the sign-in host with a foreign target leads nowhere.
    let location = Jar::new().send(page_request(&format!("{}/.doorward/start", SCENE.url))).location().to_owned();
    let forged = location.replace(&percent(&format!("{}/", SCENE.url)), &percent("https://evil/"));
    assert_ne!(forged, location);
    assert_eq!(Jar::new().send(page_request(&forged)).status, 404);
}

#[test]
fn gauntlet_b2_02_links_to_the_sign_in_host_are_read_strictly() {
    let link = Jar::new().send(page_request(&format!("{}/.doorward/start", SCENE.url))).location().to_owned();
    assert_eq!(page_request(&link).send().status, 302, "as it was made");
    let binding = link.split("binding=").nth(1).and_then(|rest| rest.split('&').next()).unwrap_or_default();
    assert_eq!(binding.len(), 64, "{link}");
    for forged in [
        link.replace("via=doorward", "via=shared"),
        link.replace("via=doorward", "via=other"),
        link.replace(binding, ""),
        link.replace(binding, &binding[1..]),
        link.replace(binding, &"z".repeat(64)),
    ] {
        assert_ne!(forged, link);
        assert_eq!(page_request(&forged).send().status, 404, "{forged}");
    }
    // What changed something is not repeated after sign-in: the way back is the front page.
    let post = Request::new("POST", &format!("{}/runs/7", SCENE.url)).header("Accept", "text/html").form(&[("a", "b")]);
    let answer = post.send();
    assert_eq!(answer.status, 303);
    assert!(!answer.location().contains("runs"), "{}", answer.location());
}

#[test]
fn gauntlet_b17_04_links_come_from_the_configured_address_alone() {
    let spoofed = page_request(&format!("{}/x", SCENE.url))
        .header("X-Forwarded-Host", "evil.example")
        .header("X-Forwarded-Proto", "gopher")
        .header("Forwarded", "host=evil.example;proto=https");
    let answer = spoofed.send();
    assert!(answer.location().starts_with(&format!("{}/.doorward/start", SCENE.url)), "{}", answer.location());
    let wrong_host =
        Request::new("GET", "http://evil.localhost/realms/main/sign-in").via_port(SCENE.door.port()).send();
    assert_eq!(wrong_host.status, 421);
    assert!(!wrong_host.text().contains("evil"), "{}", wrong_host.text());
}
