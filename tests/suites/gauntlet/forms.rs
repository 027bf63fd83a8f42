//! Forms sent from elsewhere: without the proof, with another's, or from another page.

use crate::house::{pass_of, scene, sign_in_form, sign_in_page, signed_in};
use doorward_model::secret::FormProof;
use doorward_testkit::http::Request;
use doorward_testkit::jar::Jar;
use doorward_tests::{PASSWORD, door, field, page_request, sign_in_at};

#[test]
fn gauntlet_b10_04_changing_a_password_needs_the_present_one() {
    let scene = scene();
    let account = format!("{}/realms/main/account", scene.door.url());
    let (mut jar, page, _) = sign_in_at(&format!("{}/x", scene.url), "alice");
    assert_eq!(page.status, 200);
    let csrf = field(&jar.send(page_request(&account)).text(), "csrf");
    let mut change = |current: &str| {
        let wanted = "another horse battery staple";
        let fields = [
            ("csrf", csrf.as_str()),
            ("current_password", current),
            ("new_password", wanted),
            ("new_password_repeat", wanted),
        ];
        jar.send(Request::new("POST", &format!("{account}/password")).form(&fields)).status
    };
    assert_eq!(change("not the present one"), 403);
    assert_eq!(change(PASSWORD), 200);
}

#[test]
fn gauntlet_b14_04_forms_from_elsewhere_are_refused() {
    let scene = scene();
    let door = scene.door.url();
    let mut jar = signed_in(&scene, "alice");
    let account = jar.send(page_request(&format!("{door}/realms/main/account"))).text();
    let csrf = field(&account, "csrf");
    let targets = [
        "/realms/main/account/password",
        "/realms/main/account/sessions/end",
        "/realms/main/account/sessions/end-others",
        "/realms/main/sign-out",
    ];
    for target in targets {
        let url = format!("{door}{target}");
        let good = [("csrf", csrf.as_str()), ("session", "ses_x")];
        let post = || Request::new("POST", &url);
        assert_eq!(jar.send(post().form(&[("session", "ses_x")])).status, 403, "{target} without proof");
        assert_eq!(
            jar.send(post().form(&[("csrf", "0".repeat(64).as_str())])).status,
            403,
            "{target} with another proof"
        );
        for (name, value) in [
            ("Origin", "https://evil.example"),
            ("Origin", "null"),
            ("Sec-Fetch-Site", "cross-site"),
            ("Sec-Fetch-Site", "same-site"),
        ] {
            assert_eq!(jar.send(post().form(&good).header(name, value)).status, 403, "{target} with {name}: {value}");
        }
        let json = post().header("Content-Type", "text/plain").body(format!("csrf={csrf}"));
        assert_eq!(jar.send(json).status, 415, "{target} as text");
    }
    assert_eq!(jar.send(page_request(&format!("{door}/realms/main/account"))).status, 200, "still signed in");
    let (_, flow, csrf) = sign_in_form(&mut Jar::new(), &sign_in_page(&scene.door));
    let form = [("login", "alice"), ("password", PASSWORD), ("flow", &flow), ("csrf", &csrf)];
    let login = Request::new("POST", &format!("{door}/realms/main/sign-in")).form(&form).send();
    assert_eq!(login.status, 403, "signing somebody in with a form of another browser");
}

#[test]
fn gauntlet_b14_04_signing_in_and_out_at_an_app_needs_its_own_form() {
    let scene = scene();
    let mut jar = signed_in(&scene, "alice");
    let page = format!("{}/x", scene.url);
    let (_, pass) = pass_of(&jar, &page);
    let csrf = FormProof::of(&pass).reveal().to_owned();
    let zeros = "0".repeat(64);
    for path in ["/.doorward/signout", "/oauth2/sign_out", "/outpost.goauthentik.io/sign_out"] {
        let url = format!("{}{path}", scene.url);
        let post = |proof: &str| Request::new("POST", &url).form(&[("csrf", proof), ("retry", &page)]);
        for proof in ["", &zeros] {
            assert_eq!(jar.send(post(proof)).status, 403, "{path} with {proof:?}");
        }
        for (name, value) in [("Origin", "https://evil.example"), ("Origin", &scene.door.url())] {
            assert_eq!(jar.send(post(&csrf).header(name, value)).status, 403, "{path} from {value}");
        }
        let link = page_request(&url).header("Sec-Fetch-Site", "cross-site");
        assert!(jar.send(link).location().starts_with(&scene.door.url()), "{path}");
        assert_eq!(jar.get(&page).status, 200, "{path}: still signed in");
    }
    let url = format!("{}/.doorward/signout", scene.url);
    let own = Request::new("POST", &url).form(&[("csrf", &csrf), ("retry", &page)]).header("Origin", &scene.url);
    assert_eq!(jar.send(own).status, 303);
    assert_eq!(jar.get(&page).status, 401);
    // The sign-in form's proof is the browser's own, not just any.
    let mut browser = Jar::new();
    let (target, flow, _) = sign_in_form(&mut browser, &sign_in_page(&scene.door));
    let target = format!("{}{target}", scene.door.url());
    for proof in ["", &zeros, &csrf] {
        let form = [("login", "alice"), ("password", PASSWORD), ("flow", &flow), ("csrf", proof)];
        let answer = browser.send(Request::new("POST", &target).form(&form));
        assert_eq!(answer.status, 403, "{proof:?}");
        assert!(answer.headers_named("set-cookie").is_empty());
    }
}

#[test]
fn gauntlet_b14_04_a_session_that_is_there_is_not_ended_by_a_form_from_elsewhere() {
    let scene = scene();
    let account = format!("{}/realms/main/account", scene.door.url());
    let (mut here, mut there) = (signed_in(&scene, "alice"), signed_in(&scene, "alice"));
    let html = here.send(page_request(&account)).text();
    let (csrf, session) = (field(&html, "csrf"), field(&html, "session"));
    let end = |csrf: &str| {
        Request::new("POST", &format!("{account}/sessions/end")).form(&[("csrf", csrf), ("session", &session)])
    };
    for proof in ["", &"0".repeat(64)] {
        assert_eq!(here.send(end(proof)).status, 403, "{proof:?}");
    }
    assert_eq!(there.send(page_request(&account)).status, 200, "the other session stands");
    assert_eq!(here.send(end(&csrf)).status, 200);
    assert_eq!(there.send(page_request(&account)).status, 303, "and is ended by the right form");
}

#[test]
fn gauntlet_b14_04_a_set_up_form_from_elsewhere_is_refused() {
    let door = door();
    let link = door.setup_link().expect("a set-up link");
    let html = page_request(&link).send().text();
    let token = field(&html, "token");
    let form = |csrf: &str| {
        let fields = [
            ("token", token.as_str()),
            ("csrf", csrf),
            ("username", "mallory"),
            ("password", PASSWORD),
            ("password_repeat", PASSWORD),
        ];
        Request::new("POST", &format!("{}/setup", door.url())).form(&fields).send()
    };
    for csrf in ["", "0", &"0".repeat(64)] {
        assert_eq!(form(csrf).status, 403, "{csrf:?}");
    }
    assert_eq!(form(&field(&html, "csrf")).status, 303, "the link still works");
    assert_eq!(form(&field(&html, "csrf")).status, 410, "once is once");
}
