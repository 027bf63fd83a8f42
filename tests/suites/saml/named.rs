//! Which sessions the company's word ends, by what it names, and who comes in after it.

use crate::apart::{post, unasked};
use crate::forge::{COMPANY, Claims, Signer, at};
use crate::ground::{Ground, unpacked};
use crate::logout::{Asking, Parted, query};
use doorward_engine::federation::settings::SamlSettings;
use doorward_saml::identity::session_of;
use doorward_saml::response::Name;
use doorward_testkit::http::Answer;
use doorward_testkit::jar::{Hop, Jar};
use doorward_tests::{field, page_request};
use serde_json::json;
use std::time::Duration;

fn naming<'a>(sessions: impl IntoIterator<Item = &'a str>) -> String {
    sessions.into_iter().map(|name| format!("<samlp:SessionIndex>{name}</samlp:SessionIndex>")).collect()
}

fn is_done(answer: &Answer) -> bool {
    answer.status == 303 && unpacked(answer.location(), "SAMLResponse").contains("status:Success")
}

#[test]
fn gauntlet_b6_16_a_word_ends_every_session_it_names_and_no_other() {
    let mut parted = Parted::new(&[]);
    let mut browsers = ["one", "two", "three"].map(|session| parted.come(session));
    let send = |parted: &Parted, id: &str, session: String, by_form: bool| {
        let asking = parted.request(id).naming(session);
        match by_form {
            true => parted.by_form(&asking.signed(&parted.signer)),
            false => parted.by_query(&query("SAMLRequest", &asking.text(""), "", Some(&parted.signer))),
        }
    };
    // More than anybody has is no word at all, not a part of one.
    let many: Vec<String> = (0..20).map(|number| format!("other-{number}")).collect();
    let all = || ["three"].into_iter().chain(many.iter().map(String::as_str));
    for by_form in [false, true] {
        let answer = send(&parted, "_many", naming(all()), by_form);
        assert_eq!(answer.status, 400, "{}", answer.text());
    }
    assert!(browsers.iter_mut().all(|jar| parted.ground.is_in(jar)));
    assert!(is_done(&send(&parted, "_two", naming(["one", "two"]), false)));
    assert_eq!(browsers.each_mut().map(|jar| parted.ground.is_in(jar)), [false, false, true]);
    assert!(is_done(&send(&parted, "_twenty", naming(all().take(20)), true)));
    assert!(!parted.ground.is_in(&mut browsers[2]) && parted.is_in());
}

#[test]
fn a_name_of_another_kind_names_nobody() {
    let mut parted = Parted::new(&[]);
    for (number, session) in [parted.request("_").session, String::new()].into_iter().enumerate() {
        let asking = parted.request(&format!("_{number}")).naming(session);
        let text = asking.text("").replace(
            "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
            "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
        );
        let answer = parted.by_query(&query("SAMLRequest", &text, "", Some(&parted.signer)));
        assert!(!is_done(&answer) && parted.is_in(), "{} {}", answer.status, answer.text());
    }
}

/// Brings an answer nobody asked for, and says yes to it.
fn bring(ground: &Ground, jar: &mut Jar, answer: &str) -> Hop {
    let html = ground.bring(jar, "company", answer).answer.text();
    let (csrf, kept) = (field(&html, "csrf"), field(&html, "SAMLResponse"));
    post(ground, jar, &[("SAMLResponse", &kept), ("again", "yes"), ("csrf", &csrf)])
}

/// An answer nobody asked for, good for an hour.
fn long(ground: &Ground, signer: &Signer, (id, session): (&str, &str)) -> String {
    let mut claims = unasked(ground, "ada", id);
    claims.until = Some(at(3600));
    claims.confirmed_until = Some(at(3600));
    session.clone_into(&mut claims.session);
    claims.genuine(signer)
}

#[test]
fn after_a_session_has_ended_there_its_older_answers_bring_nobody_in_and_others_do() {
    let (ground, signer) = Ground::forged(&["--unsolicited"]);
    let (kept, other, third) = (
        long(&ground, &signer, ("_a1", "first")),
        long(&ground, &signer, ("_a2", "second")),
        long(&ground, &signer, ("_a3", "third")),
    );
    let tell = |id: &str, session: String| {
        // By the second, as messages tell time.
        std::thread::sleep(Duration::from_millis(1100));
        let asking = Asking::of(&ground, id).naming(session);
        let sent = query("SAMLRequest", &asking.text(""), "", Some(&signer));
        assert!(is_done(&page_request(&format!("{}?{sent}", ground.endpoint("company"))).send()));
        std::thread::sleep(Duration::from_millis(1100));
    };
    tell("_l1", naming(["first"]));
    let mut jar = Jar::new();
    let end = bring(&ground, &mut jar, &kept);
    assert!(end.answer.status == 403 && !ground.is_in(&mut jar), "{} {}", end.answer.status, end.answer.text());
    let mut jar = Jar::new();
    bring(&ground, &mut jar, &other);
    assert!(ground.is_in(&mut jar), "another session of theirs goes on");
    // Of all of them: what is older is over, and who comes anew comes in.
    tell("_l2", String::new());
    assert!(!ground.is_in(&mut jar));
    let end = bring(&ground, &mut jar, &third);
    assert!(end.answer.status == 403 && !ground.is_in(&mut jar), "{} {}", end.answer.status, end.answer.text());
    bring(&ground, &mut jar, &long(&ground, &signer, ("_a4", "first")));
    assert!(ground.is_in(&mut jar));
}

#[test]
fn gauntlet_b6_16_a_word_that_names_no_session_where_an_attribute_tells_people_apart_is_none() {
    let (ground, signer) = Ground::forged(&["--subject-attribute", "uid"]);
    let mut asked = ground.ask("company");
    // Made before the word, and shown after it: whoever is taken for everybody would keep them all out.
    let answer = Claims::new(&ground.endpoint("company"), &asked.id).genuine(&signer);
    std::thread::sleep(Duration::from_millis(1100));
    let asking = Asking::of(&ground, "_1").naming(String::new());
    let sent = query("SAMLRequest", &asking.text(""), "", Some(&signer));
    let told = page_request(&format!("{}?{sent}", ground.endpoint("company"))).send();
    assert!(told.status == 303 && !is_done(&told), "{} {}", told.status, told.text());
    let end = ground.bring(&mut asked.jar, "company", &answer);
    assert_eq!(end.answer.status, 200, "{}", end.answer.text());
    assert!(ground.is_in(&mut asked.jar));
}

#[test]
fn a_session_told_apart_by_its_person_is_nobody_elses_and_none_of_their_others() {
    let settings = |attribute: Option<&str>| -> SamlSettings {
        let text = json!({"entity_id": COMPANY, "subject_attribute": attribute});
        serde_json::from_value(text).expect("settings")
    };
    let name = |format: &str, value: &str| {
        let (value, format) = (value.to_owned(), format.to_owned());
        Name { value, format, qualifier: None, party: None }
    };
    let (apart, alike) = (settings(Some("uid")), settings(None));
    let ada = name("persistent", "ada");
    let usual = session_of(&apart, Some(&ada), "1");
    assert_eq!(usual, session_of(&apart, Some(&ada), "1"));
    // Another session, another person, another kind of name, and the same letters divided in another way.
    for (other, index) in [
        (&ada, "2"),
        (&name("persistent", "bob"), "1"),
        (&name("transient", "ada"), "1"),
        (&name("persistenta", "da"), "1"),
    ] {
        assert_ne!(usual, session_of(&apart, Some(other), index), "{other:?}");
    }
    // Where the name tells people apart, whoever asks for a session names them beside it.
    assert_eq!((session_of(&alike, Some(&ada), "1"), session_of(&apart, None, "1")), ("1".to_owned(), "1".to_owned()));
}
