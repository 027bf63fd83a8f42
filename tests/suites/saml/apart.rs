//! People told apart by an attribute, answers nobody asked for, and how long what was shown is remembered.

use crate::forge::{Claims, Recipe, Signer, at, signature};
use crate::ground::Ground;
use crate::judged::{ENDPOINT, Judge, REQUEST};
use crate::logout::{Asking, query};
use doorward_model::time::Timestamp;
use doorward_testkit::encoding::base64;
use doorward_testkit::http::Request;
use doorward_testkit::jar::{Hop, Jar};
use doorward_tests::{field, page_request};

/// An answer after a change to what its assertion says.
pub fn changed(claims: &Claims, signer: &Signer, from: &str, to: &str) -> String {
    let text = claims.assertion("").replace(from, to);
    let made = signature((&claims.id, &text), signer, &Recipe::default());
    claims.response("", &text.replace("</saml:Issuer>", &format!("</saml:Issuer>{made}")))
}

#[test]
fn a_session_of_the_same_name_is_another_persons_where_an_attribute_tells_them_apart() {
    let (ground, signer) = Ground::forged(&["--subject-attribute", "uid"]);
    let come = |name: &str| {
        let mut asked = ground.ask("company");
        let claims = Claims { subject: name.to_owned(), ..Claims::new(&ground.endpoint("company"), &asked.id) };
        let end = ground.bring(&mut asked.jar, "company", &claims.genuine(&signer));
        assert_eq!(end.answer.status, 200, "{}", end.answer.text());
        asked.jar
    };
    let (mut ada, mut bob) = (come("ada"), come("bob"));
    let word = |name: &str, id: &str| {
        let mut asking = Asking::of(&ground, id);
        name.clone_into(&mut asking.name);
        let sent = query("SAMLRequest", &asking.text(""), "", Some(&signer));
        page_request(&format!("{}?{sent}", ground.endpoint("company"))).send()
    };
    word("somebody", "_1");
    assert!(ground.is_in(&mut ada) && ground.is_in(&mut bob));
    word("bob", "_2");
    assert!(ground.is_in(&mut ada) && !ground.is_in(&mut bob));
    word("ada", "_3");
    assert!(!ground.is_in(&mut ada));
}

#[test]
fn an_attribute_that_tells_people_apart_stands_there_once() {
    let mut judge = Judge::new();
    judge.subject_attribute = Some("uid".to_owned());
    let claims = Claims::new(ENDPOINT, REQUEST);
    assert_eq!(judge.who(claims.genuine(&judge.signer).as_bytes()), Ok("ada".to_owned()));
    let twice = "<saml:AttributeStatement><saml:Attribute Name=\"uid\"><saml:AttributeValue>boss</saml:AttributeValue></saml:Attribute>";
    let friendly = twice.replace("Name=\"uid\"", "FriendlyName=\"uid\" Name=\"other\"");
    let values = "<saml:AttributeValue>ada</saml:AttributeValue><saml:AttributeValue>boss</saml:AttributeValue>";
    for (from, to) in [
        ("<saml:AttributeStatement>", twice),
        ("<saml:AttributeStatement>", &friendly),
        ("<saml:AttributeValue>ada</saml:AttributeValue>", values),
        ("Name=\"uid\"", "Name=\"other\""),
    ] {
        let message = changed(&claims, &judge.signer, from, to);
        assert!(judge.who(message.as_bytes()).is_err(), "{to}");
    }
}

#[test]
fn gauntlet_b6_14_what_was_shown_is_remembered_for_longer_than_anybody_takes_it() {
    let judge = Judge::new();
    let until = |text: &str| Timestamp::parse_rfc3339(text).expect("a time");
    let mut claims = Claims::new(ENDPOINT, REQUEST);
    claims.until = Some(at(3000));
    claims.confirmed_until = Some(at(100));
    let once = judge.proved(claims.genuine(&judge.signer).as_bytes()).expect("proved");
    // As long as the largest tolerance takes it, and as far as clocks are apart.
    assert!(once.until >= until(&at(100)).plus_seconds(600 + 60), "{:?}", once.until);
    // A second confirmation takes it for longer; it may be of another request this browser opens later.
    for request in [format!(" InResponseTo=\"{REQUEST}\""), " InResponseTo=\"_later\"".to_owned(), String::new()] {
        let second = format!(
            "<saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><saml:SubjectConfirmationData{request} \
             NotOnOrAfter=\"{}\" Recipient=\"{ENDPOINT}\"></saml:SubjectConfirmationData></saml:SubjectConfirmation></saml:Subject>",
            at(2000)
        );
        let message = changed(&claims, &judge.signer, "</saml:Subject>", &second);
        let twice = judge.proved(message.as_bytes()).expect("proved");
        assert!(twice.until >= until(&at(2000)).plus_seconds(600 + 60), "{request}: {:?}", twice.until);
    }
}

/// An answer nobody asked for.
pub fn unasked(ground: &Ground, subject: &str, id: &str) -> Claims {
    let claims = Claims::new(&ground.endpoint("company"), id);
    Claims { request: None, response_request: None, subject: subject.to_owned(), ..claims }
}

/// Posts a form to the company's connector.
pub fn post(ground: &Ground, jar: &mut Jar, form: &[(&str, &str)]) -> Hop {
    let sent = Request::new("POST", &ground.endpoint("company")).header("Accept", "text/html").form(form);
    jar.follow(sent).pop().expect("a hop")
}

#[test]
fn whom_another_site_sends_with_its_own_answer_is_asked_first() {
    let (ground, signer) = Ground::forged(&["--unsolicited"]);
    let answer = unasked(&ground, "mallory", "_1").genuine(&signer);
    let packed = base64(answer.as_bytes());
    let mut jar = Jar::new();
    // As if a page of ours had sent it on already, and with whatever proof a stranger can think of.
    let stranger =
        field(&post(&ground, &mut Jar::new(), &[("SAMLResponse", &packed), ("again", "yes")]).answer.text(), "csrf");
    for csrf in ["", "x", &stranger] {
        let page = post(&ground, &mut jar, &[("SAMLResponse", &packed), ("again", "yes"), ("csrf", csrf)]);
        assert!(
            page.answer.status == 200 && page.answer.text().contains("<bdi>mallory</bdi>"),
            "{}",
            page.answer.text()
        );
        assert!(!ground.is_in(&mut jar), "{csrf}");
    }
    // By the browser's own page and the person's own hand.
    let page = ground.bring(&mut jar, "company", &answer);
    let html = page.answer.text();
    let (csrf, kept) = (field(&html, "csrf"), field(&html, "SAMLResponse"));
    let end = post(&ground, &mut jar, &[("SAMLResponse", &kept), ("again", "yes"), ("csrf", &csrf)]);
    assert!(ground.is_in(&mut jar), "{} {}", end.answer.status, end.answer.text());
    // Once.
    let again = post(&ground, &mut jar, &[("SAMLResponse", &kept), ("again", "yes"), ("csrf", &csrf)]);
    assert_eq!(again.answer.status, 403, "{}", again.answer.text());
}

#[test]
fn who_signed_out_there_does_not_come_back_with_an_older_answer() {
    let (ground, signer) = Ground::forged(&["--unsolicited"]);
    // Given before, good for an hour, and kept back.
    let mut older = unasked(&ground, "ada", "_1");
    older.until = Some(at(3600));
    older.confirmed_until = Some(at(3600));
    let older = older.genuine(&signer);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let asking = Asking::of(&ground, "_2");
    let sent = query("SAMLRequest", &asking.text(""), "", Some(&signer));
    assert_eq!(page_request(&format!("{}?{sent}", ground.endpoint("company"))).send().status, 303);
    let mut jar = Jar::new();
    let html = ground.bring(&mut jar, "company", &older).answer.text();
    let (csrf, kept) = (field(&html, "csrf"), field(&html, "SAMLResponse"));
    let end = post(&ground, &mut jar, &[("SAMLResponse", &kept), ("again", "yes"), ("csrf", &csrf)]);
    assert!(end.answer.status == 403 && !ground.is_in(&mut jar), "{}", end.answer.text());
    // Remembered for as long as such an answer can be good.
    let path = ground.door.scratch().path().to_owned();
    let database = find(&path).unwrap_or_else(|| panic!("no database below {}", path.display()));
    let left = "SELECT min(expires_ms) / 1000 - CAST(strftime('%s', 'now') AS INTEGER) FROM logout_tokens";
    let told = std::process::Command::new("sqlite3").arg(database).arg(left).output().expect("sqlite3");
    let seconds: i64 = String::from_utf8_lossy(&told.stdout).trim().parse().expect("a number");
    assert!(seconds > 24 * 60 * 60, "{seconds}");
}

/// The database below a folder.
fn find(folder: &std::path::Path) -> Option<std::path::PathBuf> {
    for entry in std::fs::read_dir(folder).ok()?.flatten() {
        let path = entry.path();
        if path.is_dir()
            && let Some(found) = find(&path)
        {
            return Some(found);
        }
        if path.extension().is_some_and(|kind| kind == "db" || kind == "sqlite") {
            return Some(path);
        }
    }
    None
}

#[test]
fn ways_to_the_company_stay_small_together() {
    let (ground, _) = Ground::forged(&[]);
    let mut jar = Jar::new();
    for long in [1200, 1500, 300, 2000, 100, 1800] {
        let page =
            jar.follow(page_request(&ground.tool_url(&format!("/runs?x={}", "y".repeat(long))))).pop().expect("a hop");
        let flow = field(&page.answer.text(), "flow");
        let way = format!("{}/realms/main/broker/company/login?flow={flow}", ground.door.url());
        let left = jar.send(page_request(&way));
        assert!(left.status == 303 || left.status == 414, "{}", left.status);
        let size: usize =
            jar.cookies.iter().filter(|cookie| cookie.name.contains("attempt")).map(|cookie| cookie.value.len()).sum();
        assert!(size <= 4096, "{size}");
        let largest = jar.cookies.iter().map(|cookie| cookie.name.len() + cookie.value.len()).max();
        assert!(largest <= Some(4096), "{largest:?}");
    }
    let count = jar.cookies.iter().filter(|cookie| cookie.name.contains("attempt") && !cookie.value.is_empty()).count();
    assert!((1..=3).contains(&count), "{count}");
}
