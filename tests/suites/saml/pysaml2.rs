//! pysaml2 as the company: another implementation, with xmlsec1 underneath, that reads what we sign and writes what we read.

use crate::forge::Signer;
use crate::ground::{Asked, Ground};
use doorward_testkit::http::Request;
use doorward_testkit::peers::{Pysaml2, Pysaml2Way};
use doorward_tests::{field, page_request};
use serde_json::{Value, json};

/// As pysaml2 writes answers unless told otherwise here.
const PLAIN: Pysaml2Way<'_> = Pysaml2Way { signed: &["assertion"], cipher: None };

fn real(words: &[&str]) -> (Ground, Pysaml2) {
    let (ground, signer) = (Ground::new(), Signer::new());
    let mut company = Pysaml2::start((&signer.key_pem, &signer.certificate_pem()));
    ground.connect("company", &company.metadata(), words);
    company.know(&ground.descriptor("company"));
    (ground, company)
}

/// What is said of ada.
fn ada() -> Value {
    json!({"uid": ["ada"], "mail": ["ada@example.com"], "groups": ["dagster-users", "everybody"]})
}

/// Has the company answer, and brings that: whether ada is in.
fn is_let_in(ground: &Ground, company: &mut Pysaml2, asked: &mut Asked, way: Pysaml2Way<'_>) -> bool {
    let told = company.answer(&asked.address, ("ada-for-ever", &ada()), way);
    assert_eq!(told["destination"], ground.endpoint("company").as_str(), "{told}");
    let end = ground.bring(&mut asked.jar, "company", told["message"].as_str().expect("a message"));
    let is_in = ground.is_in(&mut asked.jar);
    assert_eq!(end.answer.status == 200, is_in, "{} {}", end.answer.status, end.answer.text());
    is_in
}

#[test]
fn what_pysaml2_signs_and_encrypts_is_read() {
    let (ground, mut company) = real(&["--encryption"]);
    for signed in [&["assertion"][..], &["response"], &["response", "assertion"]] {
        for (cipher, is_taken) in [(None, true), (Some("gcm"), true), (Some("usual"), false)] {
            let (mut asked, way) = (ground.ask("company"), Pysaml2Way { signed, cipher });
            assert_eq!(is_let_in(&ground, &mut company, &mut asked, way), is_taken, "{way:?}");
        }
    }
    let nothing = Pysaml2Way { signed: &[], cipher: Some("gcm") };
    assert!(!is_let_in(&ground, &mut company, &mut ground.ask("company"), nothing));
    let seen = ground.tool.last();
    assert_eq!(seen.header("x-forwarded-user"), Some("ada"));
    assert_eq!(seen.header("x-forwarded-email"), Some("ada@example.com"));
    assert_eq!(ground.groups("ada"), json!(["dagster-users", "everybody"]));
}

#[test]
fn pysaml2_checks_what_we_sign_by_what_we_publish() {
    let (ground, mut company) = real(&[]);
    let asked = ground.ask("company");
    let told = company.answer(&asked.address, ("ada-for-ever", &ada()), PLAIN);
    assert!(told["message"].is_string(), "{told}");
    let (before, signature) = asked.address.split_once("&Signature=").expect("a signature");
    let other = ground.ask("company");
    let (_, others) = other.address.split_once("&Signature=").expect("a signature");
    assert_ne!(signature, others);
    for (name, address) in [("none", before.to_owned()), ("another's", format!("{before}&Signature={others}"))] {
        let told = company.answer(&address, ("ada-for-ever", &ada()), PLAIN);
        assert!(told["refused"].is_string(), "{name}: {told}");
    }
    // And with a key of which it has not been told.
    ground.door.cli_text(&["connector", "rotate-key", "company"]);
    ground.door.cli_text(&["connector", "rotate-key", "company", "--switch"]);
    let address = ground.ask("company").address;
    assert!(company.answer(&address, ("ada-for-ever", &ada()), PLAIN)["refused"].is_string());
    company.know(&ground.descriptor("company"));
    assert!(company.answer(&address, ("ada-for-ever", &ada()), PLAIN)["message"].is_string());
}

#[test]
fn who_signs_out_here_is_out_at_pysaml2_and_the_other_way_round() {
    let (ground, mut company) = real(&["--single-logout"]);
    let realm = format!("{}/realms/main", ground.door.url());
    let mut asked = ground.ask("company");
    assert!(is_let_in(&ground, &mut company, &mut asked, PLAIN));
    // From here: pysaml2 reads whom, believes it is us, and its answer leads on.
    let page = asked.jar.send(page_request(&format!("{realm}/sign-out")));
    let form = [("csrf", field(&page.text(), "csrf"))];
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let sent = Request::new("POST", &format!("{realm}/sign-out")).header("Accept", "text/html").form(&form);
    let html = asked.jar.send(sent).text();
    let way = html.split('"').find(|part| part.starts_with("https://pysaml2.example/sign-out?"));
    let way = way.unwrap_or_else(|| panic!("no way out in {html}")).replace("&#38;", "&").replace("&amp;", "&");
    assert!(!ground.is_in(&mut asked.jar));
    let told = company.asked_out(&way);
    assert_eq!(told["person"], "ada-for-ever", "{told}");
    let sessions: Vec<String> = told["sessions"].as_array().into_iter().flatten().map(Value::to_string).collect();
    assert_eq!(sessions.len(), 1, "{told}");
    let bent = way.replace("&Signature=", "&Signature=AAAA");
    assert!(company.asked_out(&bent)["refused"].is_string());
    let end = asked.jar.send(page_request(told["address"].as_str().unwrap_or_else(|| panic!("{told}"))));
    assert!(end.location().ends_with("/signed-out"), "{} {}", end.status, end.text());
    // From there: of two sessions the one it names ends, and it reads our answer.
    let (mut one, mut other) = (ground.ask("company"), ground.ask("company"));
    let named = is_in_as(&ground, &mut company, &mut one);
    is_in_as(&ground, &mut company, &mut other);
    let (party, endpoint) = (ground.endpoint("company"), ground.endpoint("company"));
    let asking = company.ask_out((&party, &endpoint), "ada-for-ever", &[named]);
    let answer = page_request(asking["address"].as_str().unwrap_or_else(|| panic!("{asking}"))).send();
    let heard = company.told_out(answer.location());
    assert_eq!(heard["answers"], asking["id"], "{heard}");
    assert_eq!(heard["status"], "urn:oasis:names:tc:SAML:2.0:status:Success", "{heard}");
    assert!(!ground.is_in(&mut one.jar) && ground.is_in(&mut other.jar));
}

/// Lets ada in, and tells what the session is called there.
fn is_in_as(ground: &Ground, company: &mut Pysaml2, asked: &mut Asked) -> String {
    let told = company.answer(&asked.address, ("ada-for-ever", &ada()), PLAIN);
    let message = told["message"].as_str().expect("a message");
    ground.bring(&mut asked.jar, "company", message);
    assert!(ground.is_in(&mut asked.jar), "{message}");
    crate::ground::attribute(message, "SessionIndex")
}
