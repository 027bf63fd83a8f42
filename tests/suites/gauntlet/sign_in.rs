//! Signing in: for somebody else, by guessing, late, or with letters that mean something elsewhere.

use crate::house::{SCENE, SignInForm, attempt, scene, send_form, sign_in_form, sign_in_page};
use doorward_testkit::http::Answer;
use doorward_testkit::jar::Jar;
use doorward_tests::{PASSWORD, field, page_request};

#[test]
fn gauntlet_b3_19_b10_04_a_link_alone_signs_nobody_in() {
    // An attacker's flow opened in the victim's browser: the form's flow belongs to another browser.
    let mut attacker = Jar::new();
    let (_, flow, _) = sign_in_form(&mut attacker, &format!("{}/x", SCENE.url));
    let mut victim = Jar::new();
    let url = format!("{}/realms/main/sign-in?flow={flow}", SCENE.door.url());
    let shown = victim.send(page_request(&url)).text();
    assert_ne!(field(&shown, "flow"), flow, "a foreign flow is not taken over");
    // A ticket caught on its way is no good in another browser, and used up.
    let mut alice = Jar::new();
    let answer = attempt(&mut alice, &SCENE.door, &format!("{}/x", SCENE.url), ("alice", PASSWORD));
    let ticket = answer.location().to_owned();
    assert!(ticket.contains("/.doorward/enter?ticket="), "{ticket}");
    let stolen = Jar::new().send(page_request(&ticket));
    assert_eq!(stolen.status, 400);
    assert!(stolen.headers_named("set-cookie").is_empty(), "{:?}", stolen.headers);
    assert_eq!(alice.send(page_request(&ticket)).status, 400, "once is once");
}

#[test]
fn gauntlet_b10_04_a_form_sent_late_ends_the_session_the_browser_has_by_then() {
    let scene = scene();
    let page = sign_in_page(&scene.door);
    let account = format!("{}/realms/main/account", scene.door.url());
    let mut jar = Jar::new();
    let (early, late) = (sign_in_form(&mut jar, &page), sign_in_form(&mut jar, &page));
    let send = |jar: &mut Jar, form: &SignInForm, name: &str| {
        let answer = send_form(jar, &scene.door, form, (name, PASSWORD));
        assert_eq!(answer.status, 303, "{name}: {}", answer.text());
        jar.header_for(&account).unwrap_or_default()
    };
    let alices = send(&mut jar, &early, "alice");
    let shows_account = |cookies: &str| page_request(&account).header("Cookie", cookies).send().status == 200;
    assert!(shows_account(&alices));
    let bobs = send(&mut jar, &late, "bob");
    assert!(shows_account(&bobs));
    assert!(!shows_account(&alices), "the former session lives on");
}

#[test]
fn gauntlet_b10_01_a_cookie_that_stands_for_no_session_does_not_stay() {
    let scene = scene();
    scene.door.cli_text(&["realm", "create", "other"]);
    let (page, door) = (sign_in_page(&scene.door), scene.door.url());
    let name = "doorward_session";
    let taken_back = |answer: &Answer| {
        let lines = answer.headers_named("set-cookie");
        let ours: Vec<&&str> = lines.iter().filter(|line| line.starts_with(&format!("{name}="))).collect();
        match ours.as_slice() {
            [] => false,
            [line] => {
                line.starts_with(&format!("{name}=;")) && line.contains("; Path=/;") && line.contains("Max-Age=0")
            }
            several => panic!("{several:?}"),
        }
    };
    // Somebody else's cookie, or one of no use to anybody.
    for planted in [format!("dws_{}", "A".repeat(43)), "x".to_owned(), "\"".to_owned()] {
        let answer = page_request(&page).header("Cookie", format!("{name}={planted}")).send();
        assert!(answer.status == 200 && taken_back(&answer), "{planted}: {:?}", answer.headers_named("set-cookie"));
    }
    assert!(!taken_back(&page_request(&page).send()), "nothing to take back");
    // A session that lives stays where it is, at the realm's own page and at another realm's.
    let mut jar = Jar::new();
    assert_eq!(attempt(&mut jar, &scene.door, &page, ("alice", PASSWORD)).status, 303);
    let cookie = jar.find(&door, name).expect("a session").value.clone();
    for url in [page.clone(), format!("{door}/realms/other/sign-in")] {
        assert!(!taken_back(&jar.clone().send(page_request(&url))), "{url}");
    }
    // It ends, and the page takes its cookie back; the browser sends none any more.
    scene.door.cli_text(&["session", "end", "--user", "alice"]);
    assert!(jar.header_for(&door).is_some_and(|sent| sent.contains(&cookie)));
    let answer = jar.send(page_request(&page));
    assert!(taken_back(&answer), "{:?}", answer.headers_named("set-cookie"));
    assert!(jar.find(&door, name).is_none());
    assert_eq!(attempt(&mut jar, &scene.door, &page, ("alice", PASSWORD)).status, 303);
    assert_ne!(jar.find(&door, name).expect("a session").value, cookie);
}

#[test]
fn gauntlet_b11_02_a_browser_known_by_its_cookie_is_not_held_off_with_strangers() {
    let scene = scene();
    let page = sign_in_page(&scene.door);
    let attempt = |jar: &mut Jar, password: &str| attempt(jar, &scene.door, &page, ("alice", password)).status;
    let mut known = Jar::new();
    assert_eq!(attempt(&mut known, PASSWORD), 303);
    scene.door.cli_text(&["session", "end", "--user", "alice"]);
    let mut stranger = Jar::new();
    for _ in 0..5 {
        assert_eq!(attempt(&mut stranger, "a wrong password"), 401);
    }
    assert_eq!(attempt(&mut stranger, PASSWORD), 429);
    assert_eq!(attempt(&mut known, PASSWORD), 303);
}

#[test]
fn gauntlet_b11_06_known_and_unknown_users_look_alike() {
    let attempt = |login: &str| {
        let mut jar = Jar::new();
        let form = sign_in_form(&mut jar, &sign_in_page(&SCENE.door));
        let answer = send_form(&mut jar, &SCENE.door, &form, (login, "wrong password"));
        let (_, flow, csrf) = form;
        let words = answer.text().replace(&flow, "FLOW").replace(&csrf, "CSRF").replace(login, "LOGIN");
        (answer.status, words, answer.headers.len())
    };
    assert_eq!(attempt("bob"), attempt("nobody-here"));
}

#[test]
fn gauntlet_b17_05_quotes_are_letters() {
    for login in ["' OR '1'='1", "alice'--", "\u{0}", "a\\", "%' UNION SELECT password FROM users --"] {
        let answer = attempt(&mut Jar::new(), &SCENE.door, &sign_in_page(&SCENE.door), (login, "whatever it is"));
        assert_eq!(answer.status, 401, "{login:?}: {}", answer.text());
    }
}
