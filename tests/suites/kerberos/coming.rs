//! Tickets that count, and people without one.

use crate::ground::{Ground, call, lead, visit};
use doorward_testkit::door::DoorOptions;
use doorward_testkit::http::{Address, Request};
use doorward_testkit::jar::{Hop, Jar};
use doorward_testkit::webdriver::Browser;
use doorward_tests::{PASSWORD, action, field, page_request, tell_browsers, user};
use serde_json::Value;

#[test]
fn a_real_browser_shows_its_ticket_and_the_directory_says_the_groups() {
    let ground = Ground::new(&["--directory", "people"]);
    tell_browsers();
    let alice = ground.domain.computer("alice", "Alice-pw1", "1h");
    let browser = Browser::start_with(&alice.environment());
    // Its first answer to a question for a ticket comes before it has read the policy.
    for _ in 0..3 {
        browser.goto(&ground.tool_url("/runs?x=1"));
        if browser.url().contains("tool.localhost") {
            break;
        }
    }
    assert!(browser.url().starts_with(&ground.tool_url("/runs?x=1")), "{}: {}", browser.url(), ground.log());
    assert_eq!(ground.tool.last().header("x-forwarded-user"), Some("alice"));
    // One person, whether by the ticket or by the password.
    let mut jar = Jar::new();
    let page = ground.leave(&mut jar);
    let html = page.answer.text();
    let (flow, csrf) = (field(&html, "flow"), field(&html, "csrf"));
    let target = Address::parse(&page.url).join(&action(&html));
    let form = [("login", "alice"), ("password", "Alice-pw1"), ("flow", &flow), ("csrf", &csrf)];
    let end = jar.follow(Request::new("POST", &target).header("Accept", "text/html").form(&form)).pop();
    assert_eq!(end.map(|end| end.answer.status), Some(200));
    let links: Value =
        serde_json::from_str(&ground.door.cli_text(&["connector", "links", "people", "--output", "json"]))
            .expect("JSON");
    assert_eq!(links.as_array().map(Vec::len), Some(1), "{links}");
    // Who is disabled there does not come in, however long the ticket lasts.
    let frank = ground.domain.computer("frank", "Frank-pw1", "1h");
    let shown = frank.shown_to("doorward.localhost");
    ground.domain.tool(&["user", "disable", "frank"]);
    let end = ground.show(&mut Jar::new(), &shown);
    ground.domain.tool(&["user", "enable", "frank"]);
    assert_eq!(end.answer.status, 403, "{}", end.answer.text());
    assert!(end.answer.text().contains("is disabled"), "{}", end.answer.text());
    assert!(!ground.has("frank"));
}

#[test]
fn a_ticket_is_a_way_of_its_own_and_ends_with_its_connector() {
    let ground = Ground::new(&["--directory", "people"]);
    let alice = ground.domain.computer("alice", "Alice-pw1", "1h");
    let form = |page: &Hop| {
        let html = page.answer.text();
        let (flow, csrf) = (field(&html, "flow"), field(&html, "csrf"));
        let target = Address::parse(&page.url).join(&action(&html));
        let typed = [("login", "alice"), ("password", "Alice-pw1"), ("flow", &flow), ("csrf", &csrf)];
        Request::new("POST", &target).header("Accept", "text/html").form(&typed)
    };
    let mut typed = Jar::new();
    let page = ground.leave(&mut typed);
    let end = typed.follow(form(&page)).pop().expect("a hop");
    assert_eq!(end.answer.status, 200, "{}", end.url);
    ground.door.cli_text(&["app", "update", "tool", "--connector", "domain"]);
    // Whoever typed the password is asked for the ticket, although they are in.
    let asked = visit(&mut typed, &ground.tool_url("/runs?x=1"));
    assert_eq!(
        (asked.answer.status, asked.answer.header("www-authenticate")),
        (401, Some("Negotiate")),
        "{}",
        asked.url
    );
    assert!(!asked.answer.text().contains("type=\"password\""), "{}", asked.answer.text());
    let shown = page_request(&asked.url).header("Authorization", alice.shown_to("doorward.localhost"));
    let end = lead(&mut typed, shown);
    assert_eq!((end.answer.status, end.url), (200, ground.tool_url("/runs?x=1")), "{}", ground.log());
    // The directory's own way is another one.
    ground.door.cli_text(&["app", "update", "tool", "--connector", "people"]);
    let page = visit(&mut typed, &ground.tool_url("/runs?x=1"));
    assert!(
        page.answer.text().contains("type=\"password\"") && !page.answer.text().contains("/broker/"),
        "{}",
        page.url
    );
    ground.door.cli_text(&["app", "update", "tool", "--connector", ""]);
    assert_eq!(visit(&mut typed, &ground.tool_url("/")).answer.status, 200);
    // What the ticket proved ends with its connector, though it is the directory that says who it is.
    let told = ground.door.cli(&["connector", "disable", "domain"]);
    assert!(String::from_utf8_lossy(&told.stderr).contains("1 session ended"), "{told:?}");
    let page = visit(&mut typed, &ground.tool_url("/"));
    assert!(page.url.contains("/sign-in?flow="), "{}", page.url);
}

#[test]
fn nobody_is_led_to_a_ticket_that_would_not_count() {
    let ground = Ground::new(&[]);
    user(&ground.door, "local");
    ground.door.cli_text(&[
        "client",
        "create",
        "notes",
        "--redirect-uri",
        "https://notes.example.com/cb",
        "--everyone",
    ]);
    let url = |more: &str| {
        format!(
            "{}/realms/main/protocol/openid-connect/auth?client_id=notes&redirect_uri=https://notes.example.com/cb\
             &response_type=code&scope=openid&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\
             &code_challenge_method=S256{more}",
            ground.door.url()
        )
    };
    // Where somebody is to prove themselves anew the page comes without a way round.
    for more in ["&prompt=login", "&max_age=0", "&prompt=select_account"] {
        let hops = Jar::new().follow(page_request(&url(more)));
        let last = hops.last().expect("a hop");
        assert_eq!((last.answer.status, last.answer.header("www-authenticate")), (200, None), "{more}");
        assert!(hops.iter().all(|hop| !hop.url.contains("/broker/")), "{more}");
    }
    assert_eq!(visit(&mut Jar::new(), &url("&max_age=60")).answer.status, 401);
}

#[test]
fn the_directory_has_to_be_there_first() {
    let ground = Ground::new(&[]);
    let keytab = format!("file:{}", ground.keytab.display());
    let add = |directory: &str| {
        let words = ["connector", "add", "kerberos", "other", "--kerberos-realm", "AD.EXAMPLE.TEST", "--service"];
        let ran = ground
            .door
            .cli(&[&words[..], &["HTTP/x.localhost", "--keytab", &keytab, "--directory", directory]].concat());
        String::from_utf8_lossy(&ran.stderr).into_owned()
    };
    for none in ["people", "domain"] {
        let said = add(none);
        assert!(said.contains(&format!("its directory {none} is no connector to a directory")), "{said}");
    }
}

#[test]
fn curl_comes_in_and_is_told_who_answered() {
    let ground = Ground::new(&[]);
    let alice = ground.domain.computer("alice", "Alice-pw1", "1h");
    let jar = ground.keytab.with_extension("cookies").display().to_string();
    let begin = ground.door.url();
    let words = ["--location", "--cookie", &jar, "--cookie-jar", &jar, "--header", "Accept: text/html", "--verbose"];
    let told = alice.curl(&[&words[..], &[&format!("{begin}/")]].concat());
    assert!(told.contains("< www-authenticate: Negotiate oX"), "no proof of who answered: {told}");
    assert!(ground.has("alice"), "{told}");
    let links = ground.door.cli_text(&["connector", "links", "domain", "--output", "json"]);
    assert!(links.contains("alice@AD.EXAMPLE.TEST"), "{links}");
}

#[test]
fn whoever_has_no_ticket_sees_the_page_and_is_asked_once() {
    let ground = Ground::new(&[]);
    user(&ground.door, "local");
    ground.door.cli_text(&["group", "add-member", "dagster-users", "local"]);
    let mut jar = Jar::new();
    let asked = ground.leave(&mut jar);
    assert_eq!(asked.answer.header("www-authenticate"), Some("Negotiate"));
    let html = asked.answer.text();
    let (flow, csrf) = (field(&html, "flow"), field(&html, "csrf"));
    let target = Address::parse(&asked.url).join(&action(&html));
    let wrong = [("login", "local"), ("password", "no"), ("flow", &flow), ("csrf", &csrf)];
    let again =
        jar.follow(Request::new("POST", &target).header("Accept", "text/html").form(&wrong)).pop().expect("a hop");
    assert_eq!((again.answer.status, again.answer.header("www-authenticate")), (401, None));
    let form = [("login", "local"), ("password", PASSWORD), ("flow", &flow), ("csrf", &csrf)];
    let end = jar.follow(Request::new("POST", &target).header("Accept", "text/html").form(&form)).pop().expect("a hop");
    assert_eq!((end.answer.status, end.url), (200, ground.tool_url("/runs?x=1")));
    // What does not count leads to the page, where nobody is asked again.
    let mut jar = Jar::new();
    let end = ground.show(&mut jar, "Negotiate AAAA");
    assert_eq!((end.answer.status, end.answer.header("www-authenticate")), (200, None), "{}", end.url);
    assert!(end.answer.text().contains("does not count here") && end.url.contains("way=page"), "{}", end.url);
    assert_eq!(visit(&mut jar, &end.url).answer.header("www-authenticate"), None);
    // Programs are not asked, nor is whoever has to prove themselves anew.
    let asked = ground.leave(&mut jar);
    let told = jar.send(call(&asked.url));
    assert_eq!((told.status, told.header("www-authenticate")), (303, None));
    let script = page_request(&asked.url).header("Sec-Fetch-Mode", "cors");
    assert_eq!(jar.send(script).header("www-authenticate"), None);
}

#[test]
fn only_browsers_of_its_networks_are_asked() {
    let ground = Ground::new(&["--network", "10.0.0.0/8"]);
    let mut jar = Jar::new();
    let end = visit(&mut jar, &ground.tool_url("/"));
    assert_eq!((end.answer.status, end.answer.header("www-authenticate")), (200, None));
    let inside = page_request(&ground.door.url()).header("X-Forwarded-For", "10.1.2.3");
    let hops = Jar::new().follow(inside);
    let login = hops.last().map(|hop| hop.url.clone()).unwrap_or_default();
    // The address counts where it is asked for: the way there is the same.
    assert!(login.contains("sign-in"), "{login}");
    let mut jar = Jar::new();
    let page = visit(&mut jar, &ground.tool_url("/"));
    let html = page.answer.text();
    let path = format!("/realms/main/broker/domain/login?flow={}", field(&html, "flow"));
    let url = format!("{}{path}", ground.door.url());
    assert_eq!(jar.send(page_request(&url)).status, 303);
    let asked = jar.send(page_request(&url).header("X-Forwarded-For", "10.1.2.3"));
    assert_eq!((asked.status, asked.header("www-authenticate")), (401, Some("Negotiate")));
}

#[test]
fn another_keytab_counts_without_a_restart() {
    let service = "HTTP/third.localhost";
    let ground = Ground::with(DoorOptions::up(), service, &[]);
    let test = ["connector", "test", "domain", "--output", "json"];
    let before = ground.door.cli_text(&test);
    assert!(before.contains("aes256-cts-hmac-sha1-96"), "{before}");
    let domain = &ground.domain;
    domain.tool(&["user", "setpassword", "svc-third", "--newpassword=svc-third-Pw3"]);
    let bob = domain.computer("bob", "Bob-pw1", "1h");
    let end = ground.show(&mut Jar::new(), &bob.shown_to("third.localhost"));
    assert!(end.url.contains("ticket=refused"), "{}", end.url);
    assert!(ground.log().contains("export it again"), "{}", ground.log());
    std::fs::copy(domain.keytab(service), &ground.keytab).expect("a copy");
    let end = ground.show(&mut Jar::new(), &bob.shown_to("third.localhost"));
    // In, and without the group.
    assert_eq!(end.answer.status, 403, "{} {}", end.url, ground.log());
    assert!(ground.has("bob"));
    assert_ne!(ground.door.cli_text(&test), before);
    std::fs::write(&ground.keytab, "\x05\x02").expect("a file");
    assert!(!ground.door.cli(&test).status.success());
}
